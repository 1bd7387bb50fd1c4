"""The cohort: how is everybody?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dash import Dash, dcc, html
from dash.development.base_component import Component

from clinical.finding import SEVERITIES
from clinical.wording import number
from dashboard.parts import rows
from dashboard.parts.banner import STATE_IN_BRIEF
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.quantities import ARROWS, unit_text
from dashboard.parts.sparkline import sparkline
from dashboard.parts.times import Clock, age_text, brief_age, day_text, when_text
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.cohort import CohortRow, LatestResult, cohort

ROUTE = Route("/patients", title="Patients", policy=Policy(CLINICAL, scoped=True), nav="Patients")
TABLE = "cohort-table"
TREND_WORDS = {"up": "rising", "down": "falling", "same": "unchanged", None: "not comparable with the one before"}
TREND_SIGNS = {"up": "↗", "down": "↘", "same": "→", None: ""}
COLUMNS = (
    "Patient",
    "Flags",
    "Disease",
    "Glucagon × limit",
    "Course",
    "Skin",
    "Imaging",
    "HbA1c",
    "Weight",
    "Analogue",
    "Last record",
)

Cell = list[rows.Part]


def layout() -> Component:
    """The patients of the teams of the person who asks."""
    clock = Clock(request_now(), current_settings().zone)
    with current_database().read() as session:
        patients = cohort(session, current_actor(), now=clock.now)
    if not patients:
        said = "None of your teams follows a patient yet."
        return html.Div([html.H1("Patients"), html.P(said, className="card empty")], className="page")
    return html.Div(
        [
            html.H1("Patients"),
            html.Div([_search(), _counted(patients)], className="filters no-print"),
            _table(patients, clock),
        ],
        className="page wide",
    )


def register(_app: Dash) -> None:
    """The page has no callbacks: sorting and searching work on the rows that are there."""


def _search() -> Component:
    return html.Div(
        [
            html.Label("Find", htmlFor="cohort-search"),
            dcc.Input(id="cohort-search", type="search", placeholder="name, number, disease, drug", autoComplete="off"),
        ],
        className="search",
        **{"data-search-in": TABLE},
    )


def _counted(patients: Sequence[CohortRow]) -> Component:
    return html.Span(f"{len(patients)} rows", className="soft small", role="status", **{"data-shown": TABLE})


def _table(patients: Sequence[CohortRow], clock: Clock) -> Component:
    return rows.table(
        TABLE,
        COLUMNS,
        [_row(row, clock) for row in patients],
        caption="Patients; each head sorts its column",
        css="dense cohort",
        sorts=True,
    )


def _row(row: CohortRow, clock: Clock) -> dict[str, Any]:
    worst = next((i for i, name in enumerate(SEVERITIES) if row.flags[name]), len(SEVERITIES))
    state = STATE_IN_BRIEF[row.state]
    return rows.row(
        [
            rows.cell(*_patient(row), sort=(row.name or row.mrn).casefold(), heads=True),
            rows.cell(*_flags(row), sort=worst),
            rows.cell(state, sort=state),
            rows.cell(*_glucagon(row.glucagon, clock), sort=row.glucagon.times_limit if row.glucagon else None),
            rows.cell(*_spark(row, clock), sort=_rise(row)),
            rows.cell(*_skin(row, clock), sort=row.iga),
            rows.cell(*_aged(row.response, row.response_at, clock, missing="not recorded"), sort=row.response),
            rows.cell(*_result(row.hba1c, clock), sort=row.hba1c.value if row.hba1c else None),
            rows.cell(*_weight(row), sort=row.weight_change.percent if row.weight_change else None),
            rows.cell(*_regimen(row, clock), sort=row.regimen.drug if row.regimen else None),
            rows.cell(*_seen(row, clock), sort=row.last_seen.timestamp() if row.last_seen else None),
        ]
    )


def _rise(row: CohortRow) -> float | None:
    """Last over first value of the sparkline."""
    if len(row.spark) < 2 or not row.spark[0][1]:
        return None
    return row.spark[-1][1] / row.spark[0][1]


def _patient(row: CohortRow) -> Cell:
    born = day_text(row.birth_date) if row.birth_date else "birth date not recorded"
    said = f"{row.mrn}, {born}" + (", deceased" if row.deceased else "")
    link = rows.link(row.name or "Name not recorded", f"/p/{quote(row.mrn, safe='')}")
    return [link, rows.below(said)]


def _flags(row: CohortRow) -> Cell:
    found: Cell = []
    for name in SEVERITIES:
        if row.flags[name]:
            found.append(rows.severity(name, f" {row.flags[name]}"))
    return found or ["none"]


def _glucagon(latest: LatestResult | None, clock: Clock) -> Cell:
    if latest is None:
        return ["never measured"]
    if latest.times_limit is None:
        return _result(latest, clock)
    marks = "↑" * min(int(latest.times_limit), ARROWS) if latest.times_limit > 1 else ""
    head: Cell = [f"{number(round(latest.times_limit, 2))} ×"]
    if marks:
        head += [" ", rows.arrow(marks)]
    if latest.trend is not None:
        head += [" ", rows.span(TREND_SIGNS[latest.trend], "trend", spoken=TREND_WORDS[latest.trend])]
    value = f"{_number(latest)} {unit_text(latest.unit)}, {brief_age(latest.at, clock.now)}"
    return [*head, rows.below(value)]


def _result(latest: LatestResult | None, clock: Clock) -> Cell:
    if latest is None:
        return ["never measured"]
    if latest.value is None:
        return [latest.text or "no result", rows.below(brief_age(latest.at, clock.now))]
    unit = unit_text(latest.unit)
    return [f"{_number(latest)} {unit}".strip(), rows.below(brief_age(latest.at, clock.now))]


def _number(latest: LatestResult) -> str:
    return f"{latest.comparator or ''}{number(latest.value)}" if latest.value is not None else "no number"


def _spark(row: CohortRow, clock: Clock) -> Cell:
    if len(row.spark) < 2:
        return [rows.span("too few", "soft")]
    (first, start), (last, end) = row.spark[0], row.spark[-1]
    words = (
        f"{len(row.spark)} glucagon values from {when_text(first, 'day', clock.zone)} ({number(start)}) "
        f"to {when_text(last, 'day', clock.zone)} ({number(end)})"
    )
    return [sparkline([at.timestamp() for at, _ in row.spark], [value for _, value in row.spark], words=words)]


def _skin(row: CohortRow, clock: Clock) -> Cell:
    latest = f"IGA {row.iga}" if row.iga is not None else row.skin
    return _aged(latest, row.skin_at, clock, missing="never assessed")


def _aged(value: str | None, at: datetime | None, clock: Clock, *, missing: str) -> Cell:
    if value is None or at is None:
        return [missing]
    return [value, rows.below(brief_age(at, clock.now))]


def _weight(row: CohortRow) -> Cell:
    if row.weight_kg is None:
        return ["never measured"]
    change = row.weight_change
    if change is None:
        return [f"{number(row.weight_kg)} kg"]
    months = round((change.at - change.since).days / 30.44)
    moved = rows.below(f"{change.percent:+.1f} % in {months} mo")
    return [f"{number(row.weight_kg)} kg", moved]


def _regimen(row: CohortRow, clock: Clock) -> Cell:
    if row.regimen is None:
        return ["none recorded"]
    regimen = row.regimen
    text = regimen_text(regimen.drug, regimen.dose, regimen.unit, regimen.interval_days).replace("every", "/")
    if row.planned_injection is None or row.deceased:
        return [text]
    late = row.planned_injection < clock.now.astimezone(clock.zone).date()
    due = f"next {day_text(row.planned_injection)}" + (", not recorded" if late else "")
    return [text, rows.below(due)]


def _seen(row: CohortRow, clock: Clock) -> Cell:
    if row.last_seen is None:
        return ["nothing recorded"]
    return [age_text(row.last_seen, clock.now), rows.below(when_text(row.last_seen, "day", clock.zone))]
