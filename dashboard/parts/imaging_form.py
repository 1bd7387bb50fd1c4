"""The imaging form of one patient as data: study, known lesions with their last sizes, the reader, the ultrasound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clinical.chart import BiliaryUltrasound, Lesion
from clinical.lesion_table import KnownLesion, LesionTable, lesion_table
from clinical.wording import number
from dashboard.language import _, marked, message
from dashboard.parts.coded import coded
from dashboard.parts.entry_fields import (
    Field,
    choice_field,
    number_field,
    section,
    select_field,
    shown_for,
    text_field,
)
from dashboard.parts.entry_page import entry_head
from dashboard.parts.imaging_words import LETTERS
from dashboard.parts.times import Clock, age_text, day_text
from data.entry.imaging import CONTRASTS, MODALITIES
from data.entry.lesions import STATES
from data.entry.opening import Opening

STUDY_WORDS = (
    *(message("ultrasound"), message("octreotide scintigraphy"), message("none")),
    *(message("late arterial and portal venous"), message("portal venous"), message("hepatobiliary"), message("other")),
)
"""The kinds of scans and contrasts that are words; the others are the same in every language."""
ROLE_WORDS = {
    "target": message("target lesion"),
    "non-target": message("non-target lesion"),
    "new": message("new since the baseline"),
}
STATE_WORDS = {
    "too-small": message("too small to measure"),
    "absent": message("absent"),
    "not-evaluable": message("not evaluable"),
    "split": message("split into parts"),
    "merged": message("merged with another"),
    "present": message("present, not measured"),
    "unequivocal-progression": message("unequivocal progression"),
    "equivocal": message("equivocal"),
    "measured": message("measured"),
}
ADDED_WORDS = {
    "target": message("target: measured from now on"),
    "non-target": message("non-target: looked at from now on"),
    "new": message("new, unequivocal"),
    "equivocal": message("new, equivocal"),
}
ADDED_AT_BASELINE = ("target", "non-target", "new", "equivocal")
ADDED_LATER = ("new", "equivocal", "target", "non-target")
OVERALL = ("CR", "PR", "SD", "PD", "NE", "NED")
NOT_ASSESSED = ("", message("not assessed"))
YES_NO = (("yes", message("yes")), ("no", message("no")))
STONES = (("none", message("none")), ("single", message("single")), ("multiple", message("multiple")))
GALLBLADDER = (
    ("in-situ", message("in situ")),
    ("absent", message("removed")),
    ("not-seen", message("not seen")),
    ("non-fasting", message("contracted, not fasting")),
)
CHOICES = (("gallbladder", message("Gallbladder"), GALLBLADDER), ("stones", message("Stones"), STONES))
FINDINGS = (
    ("sludge", message("Sludge")),
    ("murphy", message("Sonographic Murphy sign")),
    ("fluid", message("Fluid around the gallbladder")),
    ("cbd_stone", message("Stone in the common bile duct")),
    ("ihbd", message("Ducts within the liver dilated")),
    ("mobile", message("Stones mobile")),
    ("impacted", message("Stone impacted in the neck")),
)
LENGTHS = (
    ("wall_mm", message("Gallbladder wall"), message("normal to 3 mm, fasting")),
    ("cbd_mm", message("Common bile duct"), message("normal below 6 mm, wider with age and after cholecystectomy")),
    ("max_mm", message("Largest stone"), None),
)


def imaging_form(opening: Opening, clock: Clock) -> dict[str, Any]:
    """Everything assets/entry-imaging.js and its neighbours need to build the form."""
    head = entry_head(opening, clock)
    table = lesion_table(opening.chart)
    return {
        **head,
        "form": "imaging",
        "title": "imaging",
        "save": _("Save the imaging of {name} ({mrn})", name=head["name"], mrn=head["mrn"]),
        "when": text_field("when", _("Date of the scan"), type="date"),
        "now": "",
        "zone": clock.zone.key,
        "habits": [],
        "planned": None,
        "sections": [
            _study(opening.chart.lesions, clock),
            _lesions(table, clock),
            _response(),
            _ultrasound(opening.chart.biliary, clock, open=not table.lesions),
        ],
    }


def table_words(table: LesionTable) -> str:
    """What the lesion table stands on: a baseline, an operation since, or nothing at all."""
    if table.before:
        return _(
            "Operated since a lesion was last measured (until then: {names}). Surveillance: without a lesion the "
            "answer is NED, RECIST does not apply. What is left and entered as target or non-target makes this scan "
            "the baseline.",
            names=", ".join(table.before),
        )
    if table.baseline is None:
        return _(
            "No lesion is known. Surveillance: without a lesion the answer is NED, RECIST does not apply. Lesions that "
            "are entered as target or non-target make this scan the baseline."
        )
    if not table.followed:
        return _("No target lesion is followed: the answer is NED, equivocal or recurrence, RECIST does not apply.")
    return _(
        "Held against the baseline of {date}. What is left empty is not evaluated, which is not the same as absent.",
        date=day_text(table.baseline),
    )


def _study(lesions: Sequence[Lesion], clock: Clock) -> Field:
    last = None
    if lesions:
        said = lesions[-1].modality or _("kind of scan not recorded")
        last = _("last {what}, {when} ({age})", what=said, when=clock.when(lesions[-1]), age=clock.age(lesions[-1]))
    return section(
        "study",
        _("Study"),
        [
            {**select_field("study.modality", _("Kind of scan"), _options(MODALITIES)), "last": last},
            text_field("study.site", _("Region"), hint=_("abdomen, chest ...")),
            select_field("study.contrast", _("Contrast"), _options(CONTRASTS)),
            text_field("study.report", _("Report number")),
        ],
    )


def _lesions(table: LesionTable, clock: Clock) -> Field:
    rows = [_row(number_, lesion, table, clock) for number_, lesion in enumerate(table.lesions, start=1)]
    roles = ADDED_AT_BASELINE if table.baseline is None else ADDED_LATER
    columns = [
        select_field("role", _("What it is"), [(role, _(ADDED_WORDS[role])) for role in roles]),
        text_field("organ", _("Organ"), hint=_("liver, bone ...")),
        text_field("site", _("Where in it")),
        select_field("node", _("Measured as"), [("no", _("Longest diameter")), ("yes", _("Short axis of a node"))]),
        number_field("mm", _("Size"), units=[("mm", "mm")]),
        text_field("name", _("Name"), hint=_("empty: organ and number")),
    ]
    return section(
        "lesions",
        _("Lesions"),
        [
            {"kind": "lesions", "name": "lesions", "rows": rows},
            {"kind": "rows", "prefix": "new", "columns": columns, "add": _("Another lesion")},
        ],
        note=table_words(table),
    )


def _row(position: int, lesion: KnownLesion, table: LesionTable, clock: Clock) -> Field:
    row = f"lesion.{position}"
    others = [(other.name, other.name) for other in table.lesions if other.name != lesion.name]
    states = [(state, _(STATE_WORDS[state])) for state in STATES[lesion.role] if others or state != "merged"]
    place = ", ".join(part for part in (coded(lesion.organ or ""), lesion.site) if part)
    state = select_field(f"{row}.state", _("Seen as"), states)
    size = _("Short axis") if lesion.node else _("Longest diameter")
    return {
        "row": row,
        "name": lesion.name,
        "about": "; ".join(part for part in (_(ROLE_WORDS[lesion.role]), place) if part),
        "fields": [
            number_field(f"{row}.mm", size, units=[("mm", "mm")], last=_last(lesion, clock)),
            {**state, "first": _("measured")} if lesion.role == "target" else state,
            shown_for(text_field(f"{row}.reason", _("Why not evaluable")), f"{row}.state", "not-evaluable"),
            shown_for(
                text_field(f"{row}.parts", _("Sizes of the parts, mm"), hint=marked("12.5 + 8")),
                f"{row}.state",
                "split",
            ),
            shown_for(select_field(f"{row}.into", _("Merged with"), others), f"{row}.state", "merged"),
        ],
    }


def _last(lesion: KnownLesion, clock: Clock) -> str:
    """`last 24.5 mm, 3 Mar 2025 (9 months ago)`; what was said instead where that is later than the last size."""
    told = lesion.last
    measured = lesion.measured
    said = [] if measured is None else [_of(_mm(measured), measured, clock)]
    if measured is None or told.record != measured.record:
        said.insert(0, _of(_(STATE_WORDS[told.state]), told, clock))
    return "; ".join(said)


def _of(what: str, row: Lesion, clock: Clock) -> str:
    return _("last {what}, {when} ({age})", what=what, when=clock.day(row), age=age_text(row.effective, clock.now))


def _mm(row: Lesion) -> str:
    return marked(f"{number((row.diameter_tenths or 0) / 10)} mm")


def _response() -> Field:
    return section(
        "response",
        _("Response"),
        [
            {"kind": "reckoned", "name": "reckoned"},
            choice_field(
                "response.verdict",
                _("The reader"),
                [
                    ("", _("has not read it yet")),
                    ("confirm", _("takes the computed response")),
                    ("override", _("says otherwise")),
                ],
            ),
            shown_for(
                text_field("response.reader", _("Read by"), hint=_("name of the reader")),
                *("response.verdict", "confirm", "override"),
            ),
            shown_for(
                select_field(
                    "response.overall", _("Response of the reader"), [(o, f"{o}: {_(LETTERS[o])}") for o in OVERALL]
                ),
                *("response.verdict", "override"),
            ),
            shown_for(text_field("response.reason", _("Reason")), "response.verdict", "override"),
        ],
    )


def _ultrasound(done: Sequence[BiliaryUltrasound], clock: Clock, *, open: bool) -> Field:
    last = done[-1] if done else None
    when = _("never done") if last is None else _("last {when} ({age})", when=clock.day(last), age=clock.age(last))

    def before(name: str, words: Sequence[tuple[str, str]] = ()) -> str | None:
        value = None if last is None else getattr(last, name)
        if last is None:
            return None
        if value is None:
            return _("last: not assessed")
        code = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        return _("last: {value}", value=_(dict(words).get(code, code)))

    def sized(name: str) -> str | None:
        value = None if last is None else getattr(last, name)
        return None if value is None else _("last: {value}", value=marked(f"{number(value)} mm"))

    return section(
        "us",
        _("Biliary ultrasound"),
        [
            text_field("us.when", _("Done on"), type="date", hint=_("empty: on the date of the scan"), last=when),
            *(
                choice_field(f"us.{name}", _(label), _answers(answers), last=before(name, answers))
                for name, label, answers in CHOICES
            ),
            *(
                number_field(f"us.{name}", _(label), units=[("mm", "mm")], last=sized(name), hint=hint and _(hint))
                for name, label, hint in LENGTHS
            ),
            *(
                choice_field(f"us.{name}", _(label), _answers(YES_NO), last=before(name, YES_NO))
                for name, label in FINDINGS
            ),
            text_field("us.note", _("Note on the ultrasound")),
        ],
        open=open,
        note=_("Not assessed is kept apart from no: it is stored as nothing."),
    )


def _answers(options: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(code, _(words)) for code, words in (*options, NOT_ASSESSED)]


def _options(codes: Sequence[str]) -> list[tuple[str, str]]:
    return [(code, _(code)) for code in codes]
