"""The visit form of one patient as data: sections and fields with their last values and ages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from clinical.analytes import CATALOGUE
from clinical.body_map import PARTS
from clinical.chart import Chart, Entry
from clinical.surveillance import DueItem
from dashboard.language import _, marked, message, tell
from dashboard.parts.coded import coded
from dashboard.parts.entry_fields import (
    Field,
    checks_field,
    choice_field,
    number_field,
    section,
    select_field,
    text_field,
)
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.quantities import name_of, number, unit_text
from dashboard.parts.times import Clock, age_text, day_text, moment_text, when_text
from data.entry.numbers import LastValue
from data.entry.opening import Opening
from data.entry.visit import COUNTS, VITALS
from data.intake.coded import SITES

IGA = (message("0 clear"), message("1 almost clear"), message("2 mild"), message("3 moderate"), message("4 severe"))
SIGN = (message("0 none"), message("1 slight"), message("2 moderate"), message("3 severe"))
SIGNS = (
    ("erythema", message("Redness")),
    ("erosion", message("Erosion, blisters")),
    ("crust", message("Crust or scale")),
    ("mucosal", message("Mouth, tongue, lips")),
)
SYMPTOMS = (
    ("steatorrhoea", message("Fatty stool")),
    ("oily-stool", message("Oily stool")),
    ("diarrhoea", message("Diarrhoea")),
    ("ruq-pain", message("Pain right upper belly")),
    ("fever", message("Fever")),
    ("jaundice", message("Jaundice")),
    ("leg-swelling", message("Leg swelling")),
    ("chest-pain", message("Chest pain")),
    ("dyspnoea", message("Short of breath")),
    ("stroke-signs", message("Signs of stroke")),
    ("palpitations", message("Palpitations")),
    ("severe-hypoglycaemia", message("Severe hypoglycaemia")),
    ("ketoacidosis", message("Ketoacidosis")),
)
DRUGS = (
    ("lanreotide", message("lanreotide")),
    ("octreotide LAR", message("octreotide LAR")),
    ("pasireotide LAR", message("pasireotide LAR")),
    ("octreotide", message("octreotide, short-acting")),
)
SITES_OF_INJECTION = (
    *(message("left buttock"), message("right buttock"), message("left thigh"), message("right thigh")),
    *(message("abdomen"), message("other")),
)
YES_NO = (("yes", message("yes")), ("no", message("no")))


def visit_form(opening: Opening, clock: Clock) -> dict[str, Any]:
    """Everything assets/entry-form.js needs to build the form."""
    who = opening.head.identity
    return {
        "form": "visit",
        "title": "visit",
        "save": _("Save visit of {name} ({mrn})", name=who.name or _("name not recorded"), mrn=who.mrn),
        "patient": opening.uuid,
        "mrn": who.mrn,
        "name": who.name or _("name not recorded"),
        "version": opening.version,
        "now": clock.now.astimezone(clock.zone).strftime("%Y-%m-%dT%H:%M"),
        "zone": clock.zone.key,
        "draft": _draft(opening, clock),
        "parts": {name: {"words": _(part.words), "surface": part.surface} for name, part in PARTS.items()},
        "analytes": {
            code: {"units": _units(code), "last": last_words(opening.last.get(code), clock)} for code in CATALOGUE
        },
        "habits": [
            {
                "lab": habit.laboratory,
                "analyte": habit.analyte,
                "unit": habit.unit or "",
                "low": habit.ref_low or "",
                "high": habit.ref_high or "",
                "method": habit.method or "",
            }
            for habit in opening.habits
        ],
        "planned": _planned(opening),
        "sections": [
            _vitals(opening, clock),
            _skin(opening.chart, clock),
            _symptoms(opening, clock),
            _injection(opening, clock),
            _glucose(opening, clock),
            _laboratory(),
        ],
    }


def owed_words(item: DueItem, clock: Clock) -> str:
    """`zinc: overdue since 3 Mar 2026 (8 months), last 1 Feb 2025`"""
    last = _("never recorded") if item.last is None else _("last {date}", date=day_text(item.last.effective))
    if item.overdue(clock.now):
        since = day_text(item.due)
        return _(
            "{what}: overdue, was due {date} ({age}), {last}",
            what=tell(item.name),
            date=since,
            age=age_text(item.due, clock.now),
            last=last,
        )
    return _("{what}: due {date}, {last}", what=tell(item.name), date=day_text(item.due), last=last)


def last_words(last: LastValue | None, clock: Clock) -> str:
    """The last value with its unit, date and age; that there was none where there was none."""
    if last is None:
        return _("never recorded")
    when = when_text(last.effective_at, last.precision, clock.zone)
    return _(
        "last {value} {unit}, {when} ({age})",
        value=marked(last.value),
        unit=unit_text(last.unit),
        when=when,
        age=age_text(last.effective_at, clock.now),
    )


def _draft(opening: Opening, clock: Clock) -> dict[str, Any] | None:
    draft = opening.draft
    if draft is None:
        return None
    at = moment_text(draft.saved_at, clock.zone)
    return {"key": draft.key, "number": draft.number, "version": draft.version, "said": draft.said, "at": at}


def _units(analyte: str) -> list[tuple[str, str]]:
    return [(unit, unit_text(unit) or _("no unit")) for unit in CATALOGUE[analyte].units]


def _planned(opening: Opening) -> dict[str, Any] | None:
    planned = opening.planned
    if planned.drug is None:
        return None
    words = regimen_text(planned.drug, planned.dose, planned.unit, None)
    dates = {"earliest": planned.earliest, "latest": planned.latest}
    drug = planned.drug.replace("-lar", " LAR")
    fill = {
        "injection.drug": drug,
        "injection.dose": "" if planned.dose is None else f"{planned.dose:g}",
        "injection.unit": planned.unit or "",
    }
    return {"words": words, "fill": fill} | {k: None if day is None else day.isoformat() for k, day in dates.items()}


def _vitals(opening: Opening, clock: Clock) -> Field:
    return section("vitals", _("Weight and vital signs"), [_measured(opening, name, clock) for name in VITALS])


def _measured(opening: Opening, analyte: str, clock: Clock) -> Field:
    return number_field(
        analyte, name_of(analyte), units=_units(analyte)[:3], last=last_words(opening.last.get(analyte), clock)
    )


def _skin(chart: Chart, clock: Clock) -> Field:
    def last(name: str, words: Callable[[Any], str] = str) -> str:
        return _last_of(chart.skin, name, words, clock)

    return section(
        "skin",
        _("Skin"),
        [
            {"kind": "map", "name": "skin.map", "label": _("Body map"), "surface": "skin.bsa"},
            number_field("skin.bsa", _("Body surface, %"), last=last("bsa", number), hint=_("from the map, or typed")),
            choice_field("skin.iga", _("Overall (IGA)"), _graded(IGA), last=last("iga")),
            *(choice_field(f"skin.{name}", _(label), _graded(SIGN), last=last(name)) for name, label in SIGNS),
            number_field("skin.itch", _("Itch, 0 to 10"), last=last("itch", number)),
            number_field("skin.pain", _("Pain, 0 to 10"), last=last("pain", number)),
            checks_field(
                "skin.sites",
                _("Sites"),
                [(site, coded(site)) for site in sorted(SITES)],
                last=last("sites", lambda sites: ", ".join(map(coded, sites))),
            ),
            choice_field(
                "skin.infection",
                _("Infection"),
                [(word, coded(word)) for word in ("none", "suspected", "confirmed")],
                last=last("infection", coded),
            ),
            text_field(
                "skin.new_drug",
                _("New drug since the last visit"),
                last=last("new_drug", lambda said: coded(said) if said == "none" else said),
                hint=_("or: none"),
            ),
            text_field("skin.note", _("Note on the skin")),
        ],
        note=_("The scales are working scales, not validated for necrolytic migratory erythema."),
    )


def _graded(words: Iterable[str]) -> list[tuple[str, str]]:
    return [(word[0], _(word)) for word in words]


def _last_of(entries: tuple[Entry, ...], name: str, words: Callable[[Any], str], clock: Clock) -> str:
    for entry in reversed(entries):
        value = getattr(entry, name)
        if value is not None and value != ():
            return _("last {value}, {when} ({age})", value=words(value), when=clock.when(entry), age=clock.age(entry))
    return _("never recorded")


def _symptoms(opening: Opening, clock: Clock) -> Field:
    last = {symptom.name: symptom for symptom in opening.chart.symptoms}

    def said(name: str) -> str:
        found = last.get(name)
        if found is None:
            return _("never asked")
        answer = _("yes") if found.present else _("no")
        return _("last {value}, {when} ({age})", value=answer, when=clock.when(found), age=clock.age(found))

    rows = [{"name": f"symptom.{name}", "label": _(label), "last": said(name)} for name, label in SYMPTOMS]
    return section(
        "symptoms",
        _("Symptoms"),
        [
            *(_measured(opening, name, clock) for name in COUNTS),
            {"kind": "answers", "label": _("Asked today"), "rows": rows, "none": _("No to all that are not answered")},
        ],
        note=_("What is not answered is kept as not asked, which is not the same as no."),
    )


def _injection(opening: Opening, clock: Clock) -> Field:
    given = [t for t in opening.chart.therapy if t.kind == "injection"]
    last = _("never recorded")
    if given:
        dose = regimen_text(given[-1].drug or _("drug not named"), given[-1].dose, given[-1].unit, None)
        last = _("last {value}, {when} ({age})", value=dose, when=clock.when(given[-1]), age=clock.age(given[-1]))
    return section(
        "injection",
        _("Injection given"),
        [
            {"kind": "planned"},
            select_field("injection.drug", _("Drug"), [(drug, _(words)) for drug, words in DRUGS]),
            number_field("injection.dose", _("Dose"), last=last),
            select_field("injection.unit", _("Unit of the dose"), [("mg", "mg"), ("ug", "µg")]),
            text_field("injection.when", _("Given on"), type="date", hint=_("empty: at this visit")),
            text_field("injection.batch", _("Batch number")),
            select_field("injection.site", _("Site"), [(site, _(site)) for site in SITES_OF_INJECTION]),
            text_field("injection.planned_next", _("Next one planned for"), type="date"),
            text_field("injection.note", _("Note on the injection")),
        ],
        open=opening.planned.drug is not None,
    )


def _glucose(opening: Opening, clock: Clock) -> Field:
    columns = [
        number_field(
            "value", _("Glucose"), units=_units("glucose")[:2], last=last_words(opening.last.get("glucose"), clock)
        ),
        text_field("when", _("When"), type="datetime-local", hint=_("empty: at this visit")),
        choice_field("fasting", _("Fasting"), [(answer, _(word)) for answer, word in YES_NO]),
    ]
    return section("glucose", _("Glucose readings"), [_rows("glucose", columns, _("Another reading"))], open=False)


def _laboratory() -> Field:
    analytes = sorted(
        ((code, _(known.name)) for code, known in CATALOGUE.items() if known.group not in _NOT_BLOOD),
        key=lambda pair: pair[1].casefold(),
    )
    columns = [
        select_field("analyte", _("Value"), analytes),
        text_field("value", _("Result"), hint=_("as printed, with < or >")),
        select_field("unit", _("Unit"), []),
        text_field("low", _("Lower limit")),
        text_field("high", _("Upper limit")),
        text_field("when", _("Sampled on"), type="date"),
        text_field("lab", _("Laboratory")),
        text_field("method", _("Method")),
        choice_field("fasting", _("Fasting"), [(answer, _(word)) for answer, word in YES_NO]),
    ]
    return section(
        "laboratory",
        _("Laboratory values that came on paper"),
        [_rows("lab", columns, _("Another value"))],
        open=False,
        note=_("A laboratory's unit, range and method are offered again the next time; check them against the paper."),
    )


def _rows(prefix: str, columns: list[Field], add: str) -> Field:
    return {"kind": "rows", "prefix": prefix, "columns": columns, "add": add}


_NOT_BLOOD = ("vital", "symptom-score")
