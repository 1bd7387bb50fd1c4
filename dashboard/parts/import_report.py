"""What an import would do or did: the account, the patients, what is held and why, the first rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.parts import rows
from dashboard.parts.import_words import VERDICT_WORDS, account_text, rows_text

Counts = Mapping[str, Any]


def account(counts: Counts, *, stored: bool) -> Component:
    """The account of a preview, or of the result when `stored`: what was read and what became of it."""
    facts = [
        ("Stored" if stored else "To be stored", counts["stored"] + counts["superseded"], _newer(counts)),
        ("Already there", counts["unchanged"], "stays as it is"),
        ("Held" if stored else "Would be held", counts["held"], "for a person to decide" if counts["held"] else ""),
        ("Outside what Nadir reads", counts["ignored"], _types(counts)),
    ]
    cards = [
        html.Div([html.Dt(name), html.Dd([f"{count:,} ", html.Span(more, className="soft")])], className="card")
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
    return f"{counts['superseded']:,} as newer versions" if counts["superseded"] else ""


def _types(counts: Counts) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in list(counts["ignored_types"].items())[:4])


def _held(counts: Counts, stored: bool) -> Component:
    first = counts["held_first"]
    table = rows.table(
        "import-held",
        ("What is wrong", "What would help", "Where", "As it came"),
        [
            rows.row(
                [
                    rows.cell(item["why"], css="what"),
                    rows.cell(item["suggestion"] or "-", name="Helps"),
                    rows.cell(rows.span(item["where"], "place"), name="In"),
                    rows.cell(rows.span(item["raw"], "raw"), name="As it came"),
                ]
            )
            for item in first
        ],
        caption="Held items",
        css="dense stacking held",
    )
    shown = rows_text(counts["held"], "item")
    if counts["held"] > len(first):
        shown = f"the first {len(first)} of {shown}"
    title = "In quarantine" if stored else "Would go to quarantine"
    return html.Section(
        [html.Header([html.H2(title), html.Span(shown, className="soft small")]), table], className="card"
    )


def _patients(counts: Counts) -> Component:
    first = counts["patients"]
    table = rows.table(
        "import-patients",
        ("Patient", "Number", "Known", "Rows"),
        [
            rows.row(
                [
                    rows.cell(patient["name"] or "Name not recorded", css="patient"),
                    rows.cell(patient["mrn"], name="Number"),
                    rows.cell(rows.span("New patient" if patient["new"] else "Matched", "pill")),
                    rows.cell(f"{patient['rows']:,}", css="number", name="Rows"),
                ]
            )
            for patient in first
        ],
        caption="Patients in the files",
        css="dense stacking",
    )
    shown = rows_text(counts["patient_count"], "patient")
    if counts["new_patients"]:
        shown += f", {counts['new_patients']:,} new"
    if counts["patient_count"] > len(first):
        shown += f"; the first {len(first)} are listed"
    return html.Section(
        [html.Header([html.H2("Patients"), html.Span(shown, className="soft small")]), table], className="card"
    )


def _rows(counts: Counts) -> Component:
    first = counts["rows"]
    table = rows.table(
        "import-rows",
        ("Verdict", "Patient", "What", "When", "As received", "Canonical", "Where"),
        [_row(row) for row in first],
        caption="Rows with their verdicts",
        css="dense stacking verdicts",
    )
    shown = f"the first {len(first)}; all {counts['read']:,} are counted" if counts["read"] > len(first) else "all"
    return html.Section(
        [html.Header([html.H2("Row by row"), html.Span(shown, className="soft small")]), table], className="card"
    )


def _row(row: Counts) -> dict[str, Any]:
    return rows.row(
        [
            rows.cell(rows.span(VERDICT_WORDS.get(row["verdict"], row["verdict"]), f"verdict {row['verdict']}")),
            rows.cell(row["mrn"] or "-", name="Patient"),
            rows.cell(row.get("what") or row.get("why") or "-", name="What"),
            rows.cell(row.get("when") or "-", css="when", name="When"),
            rows.cell(row.get("received") or "-", css="when", name="Received"),
            rows.cell(row.get("canonical") or "-", css="when", name="Canonical"),
            rows.cell(rows.span(row["where"], "place"), name="In"),
        ],
        verdict=row["verdict"],
    )
