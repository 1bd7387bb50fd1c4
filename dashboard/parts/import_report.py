"""What an import would do or did: the account, the patients, what is held and why, the first rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.language import _, tell, told_in, whole
from dashboard.parts import rows
from dashboard.parts.import_words import VERDICT_WORDS, account_text, rows_text

Counts = Mapping[str, Any]


def account(counts: Counts, *, stored: bool) -> Component:
    """The account of a preview, or of the result when `stored`: what was read and what became of it."""
    facts = [
        (_("Stored") if stored else _("To be stored"), counts["stored"] + counts["superseded"], _newer(counts)),
        (_("Already there"), counts["unchanged"], _("stays as it is")),
        (
            _("Held") if stored else _("Would be held"),
            counts["held"],
            _("for a person to decide") if counts["held"] else "",
        ),
        (_("Outside what Nadir reads"), counts["ignored"], _types(counts)),
    ]
    cards = [
        html.Div([html.Dt(name), html.Dd([f"{whole(count)} ", html.Span(more, className="soft")])], className="card")
        for name, count, more in facts
    ]
    return html.Div(
        [html.Dl(cards, className="strip"), html.P(account_text(counts, stored=stored), className="soft small")],
        className="stacked",
    )


def details(counts: Counts, *, stored: bool) -> list[Component]:
    """What is held and why, the patients, the first rows."""
    return [
        *([_held(counts, stored)] if counts["held"] else []),
        *([_patients(counts)] if counts["patients"] else []),
        *([_rows(counts)] if counts["rows"] else []),
    ]


def _newer(counts: Counts) -> str:
    return _("{n} as newer versions", n=whole(counts["superseded"])) if counts["superseded"] else ""


def _types(counts: Counts) -> str:
    return ", ".join(f"{whole(count)} {name}" for name, count in list(counts["ignored_types"].items())[:4])


def _held(counts: Counts, stored: bool) -> Component:
    first = counts["held_first"]
    table = rows.table(
        "import-held",
        (_("What is wrong"), _("What would help"), _("Where"), _("As it came")),
        [
            rows.row(
                [
                    rows.cell(tell(item["why"]), css="what", language=told_in(item["why"])),
                    rows.cell(tell(item["suggestion"] or "-"), name=_("Helps"), language=told_in(item["suggestion"])),
                    rows.cell(rows.span(item["where"], "place"), name=_("In")),
                    rows.cell(rows.span(item["raw"], "raw"), name=_("As it came")),
                ]
            )
            for item in first
        ],
        caption=_("Held items"),
        css="dense stacking held",
    )
    shown = rows_text(counts["held"], "item")
    if counts["held"] > len(first):
        shown = _("the first {n} of {all}", n=len(first), all=shown)
    title = _("In quarantine") if stored else _("Would go to quarantine")
    return html.Section(
        [html.Header([html.H2(title), html.Span(shown, className="soft small")]), table], className="card"
    )


def _patients(counts: Counts) -> Component:
    first = counts["patients"]
    table = rows.table(
        "import-patients",
        (_("Patient"), _("Number"), _("Known"), _("Rows")),
        [
            rows.row(
                [
                    rows.cell(patient["name"] or _("Name not recorded"), css="patient"),
                    rows.cell(patient["mrn"], name=_("Number")),
                    rows.cell(rows.span(_("New patient") if patient["new"] else _("Matched"), "pill")),
                    rows.cell(whole(patient["rows"]), css="number", name=_("Rows")),
                ]
            )
            for patient in first
        ],
        caption=_("Patients in the files"),
        css="dense stacking",
    )
    shown = rows_text(counts["patient_count"], "patient")
    if counts["new_patients"]:
        shown += ", " + _("{n} new", n=whole(counts["new_patients"]))
    if counts["patient_count"] > len(first):
        shown += "; " + _("the first {n} are listed", n=len(first))
    return html.Section(
        [html.Header([html.H2(_("Patients")), html.Span(shown, className="soft small")]), table], className="card"
    )


def _rows(counts: Counts) -> Component:
    first = counts["rows"]
    table = rows.table(
        "import-rows",
        (_("Verdict"), _("Patient"), _("What"), _("When"), _("As received"), _("Canonical"), _("Where")),
        [_row(row) for row in first],
        caption=_("Rows with their verdicts"),
        css="dense stacking verdicts",
    )
    shown = _("all")
    if counts["read"] > len(first):
        shown = _("the first {n}; all {all} are counted", n=len(first), all=whole(counts["read"]))
    return html.Section(
        [html.Header([html.H2(_("Row by row")), html.Span(shown, className="soft small")]), table], className="card"
    )


def _row(row: Counts) -> dict[str, Any]:
    return rows.row(
        [
            rows.cell(rows.span(_(VERDICT_WORDS.get(row["verdict"], row["verdict"])), f"verdict {row['verdict']}")),
            rows.cell(row["mrn"] or "-", name=_("Patient")),
            rows.cell(
                row.get("what") or tell(row.get("why") or "-"),
                name=_("What"),
                language=None if row.get("what") else told_in(row.get("why")),
            ),
            rows.cell(row.get("when") or "-", css="when", name=_("When")),
            rows.cell(row.get("received") or "-", css="when", name=_("Received")),
            rows.cell(row.get("canonical") or "-", css="when", name=_("Canonical")),
            rows.cell(rows.span(row["where"], "place"), name=_("In")),
        ],
        verdict=row["verdict"],
    )
