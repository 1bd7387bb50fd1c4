"""The parts of the correction page: what stands, the ways to correct it, both versions, and what the rules then say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from clinical.units import accepted_units
from dashboard.language import _, counted, message, tell
from dashboard.parts.as_recorded import arrival, correct_address, fate, stated, stated_past
from dashboard.parts.badges import severity, status
from dashboard.parts.banner import SEX_WORDS
from dashboard.parts.form_guard import unsaved
from dashboard.parts.identity import side_by_side
from dashboard.parts.quantities import range_text
from dashboard.parts.times import Clock, day_text, moment_text, when_text
from data.entry.attempt import taken_text
from data.entry.coded_fields import KINDS, choices, typed_fields
from data.entry.judged import Heard
from data.entry.said import Question
from data.flag_moves import CLOSED
from data.intake.item import RETRACTIONS
from data.provenance import Provenance, Version
from data.trends import Identity

WAYS = {
    "value": message("The value, its unit or its time is wrong"),
    "fields": message("What it says, or its time, is wrong"),
    "retract": message("It should not be there at all: take it back"),
    "move": message("It was filed under the wrong patient"),
}


FIELD_WORDS = {
    "overall": message("Overall"),
    "iga": message("IGA (0 to 4)"),
    "bsa": message("Body surface, %"),
    "erythema": message("Redness (0 to 3)"),
    "erosion": message("Erosion, blisters (0 to 3)"),
    "crust": message("Crust or scale (0 to 3)"),
    "mucosal": message("Mouth, tongue, lips (0 to 3)"),
    "itch": message("Itch (0 to 10)"),
    "pain": message("Pain (0 to 10)"),
    "sites": message("Sites, with semicolons between"),
    "infection": message("Infection"),
    "new_drug": message("New drug"),
    "rater": message("Rater"),
    "note": message("Note"),
    "lesion": message("Lesion"),
    "role": message("Role"),
    "state": message("State of it"),
    "diameter_mm": message("Diameter, mm"),
    "node": message("Lymph node (yes, no)"),
    "site": message("Site"),
    "organ": message("Organ"),
    "modality": message("Modality"),
    "into": message("Split or merged into"),
    "reader": message("Reader"),
    "signed": message("Signed (yes, no)"),
    "response": message("Response"),
    "text": message("Text"),
    "stones": message("Stones"),
    "max_mm": message("Largest stone, mm"),
    "sludge": message("Sludge (yes, no)"),
    "gallbladder": message("Gallbladder"),
    "wall_mm": message("Wall, mm"),
    "murphy": message("Murphy sign (yes, no)"),
    "fluid": message("Fluid (yes, no)"),
    "cbd_mm": message("Bile duct, mm"),
    "cbd_stone": message("Stone in the bile duct (yes, no)"),
    "name": message("Symptom"),
    "present": message("Present (yes, no)"),
    "kind": message("Kind"),
    "drug": message("Drug or procedure"),
    "dose": message("Dose"),
    "unit": message("Unit"),
    "route": message("Route"),
    "interval_days": message("Interval, days"),
    "planned_next": message("Next one planned for"),
    "completeness": message("Completeness (R0, R1, R2)"),
    "intent": message("Intent"),
}


def standing_value(found: Provenance, clock: Clock) -> Component:
    """What is recorded now, what was before, and where it comes from."""
    version = found.versions[-1]
    limits = " - ".join(limit for limit in (version.ref_low, version.ref_high) if limit is not None)
    facts = [
        (_("Taken"), when_text(version.effective_at, version.precision, clock.zone)),
        (_("Range received"), limits or (range_text(None, None) if version.kind == "lab" else "")),
        (_("Laboratory"), version.lab or ""),
        (_("Method"), version.method or ""),
        (_("Stored"), _stored(version, clock)),
    ]
    value = html.S(stated(version)) if version.status in RETRACTIONS else stated(version)
    return html.Section(
        [
            html.Header(html.H2(_("What is recorded"))),
            html.P(value, className="standing-value" if version.kind == "lab" else "standing-value coded"),
            html.Dl(
                [part for name, text in facts if text for part in (html.Dt(name), html.Dd(text))],
                className="facts narrow",
            ),
            struck_list(found, clock),
        ],
        className="card stacked",
    )


def struck_list(found: Provenance, clock: Clock) -> Component | None:
    """The values that stood before, struck through, with who, when and why; how the record came here."""
    lines = [
        html.Li([html.S(stated_past(past, clock)), " ", html.Span(fate(past, clock), className="soft")])
        for past in found.past
    ]
    lines += [html.Li(html.Span(arrival(one, clock), className="soft")) for one in found.arrived]
    return html.Ul(lines, className="plain-list struck-list") if lines else None


def flags_that_used_it(found: Provenance) -> Component | None:
    """The flags that rest on the value, and what becomes of them."""
    if not found.flags:
        return None
    closed = any(flag["status"] in CLOSED for flag in found.flags)
    said = _("They are judged again at once. Who was mailed of one is mailed that it was corrected.")
    return html.Section(
        [
            html.Header(html.H2(_("Flags that rest on it"))),
            flag_links(found.flags),
            html.P(
                said + (" " + _("A closed review is opened again, so that somebody looks.") if closed else ""),
                className="soft small",
            ),
        ],
        className="card",
    )


def flag_links(flags: Sequence[Mapping[str, Any]]) -> Component:
    """Flags in a line each, those that stand first."""
    ordered = sorted(flags, key=lambda flag: flag["status"] in CLOSED)
    return html.Ul(
        [
            html.Li(
                [
                    severity(flag["severity"]),
                    " ",
                    dcc.Link(tell(flag["title"]), href=f"/flag/{flag['id']}"),
                    " ",
                    status(flag["status"]),
                ]
            )
            for flag in ordered
        ],
        className="plain-list bare",
    )


def correction_form(found: Provenance, named: str, zone: ZoneInfo) -> Component:
    """The form; assets/correct.js shows the fields of the way that is chosen."""
    version = found.versions[-1]
    ways = [*_typed_way(version), "retract", "move"]
    return html.Section(
        [
            html.Header(html.H2(_("Correct it"))),
            dmc.RadioGroup(
                html.Div([dmc.Radio(label=_(WAYS[way]), value=way) for way in ways], className="radios"),
                id="correct-what",
                label=_("What is wrong?"),
                value=ways[0],
                className="field",
            ),
            html.Div(
                [*_value_fields(version), *_coded_fields(version), _when_field(version, zone)],
                id="correct-value-part",
                className="stacked",
                hidden=ways[0] not in ("value", "fields"),
            ),
            html.Div(_move_fields(), id="correct-move-part", className="stacked", hidden=True),
            html.Div(
                [
                    html.Label(_("Why (required; it stays in the record)"), htmlFor="correct-reason"),
                    dcc.Textarea(id="correct-reason", required=True, maxLength=2000),
                ],
                className="field",
            ),
            dmc.CheckboxGroup(
                html.Div(id="correct-questions", className="stacked"), id="correct-confirmed", value=[], label=None
            ),
            html.Div(
                [
                    html.Button(
                        _saving(way, named),
                        id=f"correct-save-{way}",
                        type="button",
                        className="button primary",
                        hidden=way != ways[0],
                    )
                    for way in WAYS
                ],
                className="import-actions",
            ),
        ],
        id="correct-form",
        className="card stacked no-print",
        **unsaved(named),
    )


def _saving(way: str, named: str) -> str:
    """What the button says: it names the patient."""
    if way in ("value", "fields"):
        return _("Store the new value for {patient}", patient=named)
    if way == "retract":
        return _("Take the value back for {patient}", patient=named)
    return _("Move the value away from {patient}", patient=named)


def _typed_way(version: Version) -> list[str]:
    """How a record is given another value: as a number, as fields, or not at all."""
    if version.kind == "lab":
        return ["value"] if version.analyte else []
    return ["fields"] if version.kind in KINDS else []


def _coded_fields(version: Version) -> list[Component]:
    if version.kind == "lab":
        return []
    typed = typed_fields(version.kind, version.detail)
    return [
        html.Div([_coded_field(version.kind, name, text) for name, text in typed.items()], className="coded-fields")
    ]


def _coded_field(kind: str, name: str, text: str) -> Component:
    id: Any = {"type": "correct-field", "name": name}
    words, known = f"correct-choices-{name}", choices(kind, name)
    label = _(FIELD_WORDS[name])
    field = dcc.Input(
        id=id, type="text", value=text, autoComplete="off", maxLength=2000, **({"list": words} if known else {})
    )
    return html.Label(
        [html.Span(label), field, html.Datalist([html.Option(value=word) for word in known], id=words)],
        className="field",
    )


def _when_field(version: Version, zone: ZoneInfo) -> Component:
    return html.Div(
        [
            html.Label(_("Taken (year-month-day, with the time if known)"), htmlFor="correct-when"),
            dcc.Input(
                id="correct-when",
                type="text",
                value=taken_text(version.effective_at, version.precision, zone),
                autoComplete="off",
                maxLength=40,
            ),
        ],
        className="field when-field",
    )


def _value_fields(version: Version) -> list[Component]:
    if version.kind != "lab":
        return []
    units = accepted_units(version.analyte) if version.analyte else ()
    return [
        html.Div(
            [
                html.Div(
                    [
                        html.Label(_("New value (< and > are kept)"), htmlFor="correct-value"),
                        dcc.Input(
                            id="correct-value",
                            type="text",
                            value=f"{version.comparator or ''}{version.value or ''}",
                            autoComplete="off",
                            maxLength=80,
                        ),
                    ],
                    className="field",
                ),
                html.Div(
                    [
                        html.Label(_("Unit"), htmlFor="correct-unit"),
                        dcc.Input(
                            id="correct-unit",
                            type="text",
                            value=version.unit or "",
                            list="correct-units",
                            autoComplete="off",
                            maxLength=60,
                        ),
                        html.Datalist([html.Option(value=unit) for unit in units], id="correct-units"),
                    ],
                    className="field",
                ),
            ],
            className="value-pair",
        )
    ]


def _move_fields() -> list[Component]:
    return [
        html.Div(
            [
                html.Label(_("Hospital number or wristband of the patient it belongs to"), htmlFor="correct-to"),
                html.Div(
                    [
                        dcc.Input(id="correct-to", type="text", value="", autoComplete="off", maxLength=120),
                        html.Button(_("Show both patients"), id="correct-show", type="button", className="button"),
                    ],
                    className="value-pair",
                ),
            ],
            className="field",
        ),
        html.Div(id="correct-both", role="status"),
        dmc.CheckboxGroup(html.Div(id="correct-same-choice"), id="correct-same", value=[], label=None),
    ]


def two_people(here: Identity, there: Identity) -> Component:
    """Both identities side by side, the lines in which they differ marked."""
    both = (here, there)
    nothing, none = _("not recorded"), _("none")
    lines = [
        (_("Hospital number"), [who.mrn for who in both]),
        (_("Name"), [who.name or nothing for who in both]),
        (_("Birth date"), [nothing if who.birth_date is None else day_text(who.birth_date) for who in both]),
        (_("Sex"), [_(SEX_WORDS.get(who.sex or "", nothing)) for who in both]),
        (_("Care teams"), [", ".join(who.teams) or none for who in both]),
    ]
    return side_by_side(
        _("Both patients"),
        (_("It stands under"), _("It would go to")),
        [(name, cells, len(set(cells)) > 1) for name, cells in lines],
    )


def questions(asked: Sequence[Question]) -> list[Component]:
    """What is to be confirmed before the value is stored."""
    return [
        html.P(html.Strong(_("Not stored yet: is this right?")), className="notice"),
        html.Div(
            [dmc.Checkbox(label=tell(question.words), value=question.id) for question in asked], className="stacked"
        ),
        html.P(_("Tick what is right and store again."), className="soft small"),
    ]


def both_versions(opened: Version, stands: Version, meant: str, clock: Clock, mrn: str) -> Component:
    """What was opened beside what stands now, when somebody else was faster."""
    now = html.S(stated(stands)) if stands.status in RETRACTIONS else stated(stands)
    return html.Div(
        [
            html.P(
                [
                    html.Strong(_("Not stored: somebody changed it meanwhile.") + " "),
                    _("You wanted: {meant}.", meant=meant),
                ],
                className="error",
            ),
            side_by_side(
                _("Both versions"),
                (_("You opened"), _("Stands now")),
                [
                    (_("Value"), [stated(opened), now], True),
                    (_("Stored"), [_stored(opened, clock), _stored(stands, clock)], True),
                    (_("Why"), [opened.reason or "", stands.reason or ""], False),
                ],
            ),
            html.P(
                dcc.Link(_("Open what stands now"), href=correct_address(mrn, stands.id)),
            ),
        ],
        className="stacked",
    )


def done(said: str, reopened: int, heard: Sequence[Heard], contact: str | None) -> Component:
    """What was stored and what the rules then said; urgent findings stand first."""
    urgent = {flag["id"]: flag for one in heard for flag in one.urgent}
    changed = {flag["id"]: flag for one in heard for flag in one.changed if flag["id"] not in urgent}
    reviews = counted(
        "{n} closed review that used the value is open again.",
        "{n} closed reviews that used the value are open again.",
        reopened,
    )
    return html.Div(
        [
            html.P([html.Strong(said), " ", reviews if reopened else ""], className="done"),
            *([_urgent(list(urgent.values()), contact)] if urgent else []),
            *([html.P(_("Flags that changed:")), flag_links(list(changed.values()))] if changed else []),
            *([] if urgent or changed else [html.P(_("No flag has changed."), className="soft")]),
            *(
                html.P(_("The rules could not be run: {why}.", why=tell(one.failed)), className="error")
                for one in heard
                if one.failed
            ),
        ],
        className="stacked",
    )


def _urgent(flags: Sequence[Mapping[str, Any]], contact: str | None) -> Component:
    return html.Div(
        [
            html.P(html.Strong(_("Urgent findings stand:"))),
            html.Ul(
                [
                    html.Li([dcc.Link(tell(flag["title"]), href=f"/flag/{flag['id']}"), ": ", tell(flag["question"])])
                    for flag in flags
                ],
                className="plain-list",
            ),
            *([html.P(_("Contact: {line}", line=contact))] if contact else []),
        ],
        className="error",
    )


def _stored(version: Version, clock: Clock) -> str:
    return _("{at} by {who}", at=moment_text(version.source.at, clock.zone), who=version.source.by)
