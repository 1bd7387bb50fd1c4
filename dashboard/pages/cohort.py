"""The cohort: how is everybody?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from dash import Dash, dcc, html
from dash.development.base_component import Component

from clinical.finding import SEVERITIES
from clinical.wording import number
from dashboard.parts.badges import arrow, severity
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
UNSORTED = frozenset({"Course"})

Cell = list[str | Component]


def layout() -> Component:
    """The patients of the teams of the person who asks."""
    clock = Clock(request_now(), current_settings().zone)
    with current_database().read() as session:
        rows = cohort(session, current_actor(), now=clock.now)
    if not rows:
        said = "None of your teams follows a patient yet."
        return html.Div([html.H1("Patients"), html.P(said, className="card empty")], className="page")
    return html.Div(
        [
            html.H1("Patients"),
            html.Div([_search(), _counted(rows)], className="filters no-print"),
            _table(rows, clock),
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


def _counted(rows: Sequence[CohortRow]) -> Component:
    return html.Span(f"{len(rows)} rows", className="soft small", role="status", **{"data-shown": TABLE})


def _table(rows: Sequence[CohortRow], clock: Clock) -> Component:
    return html.Div(
        html.Table(
            [
                html.Caption("Patients; each head sorts its column", className="visually-hidden"),
                html.Thead(html.Tr([_head(name) for name in COLUMNS])),
                html.Tbody([_row(row, clock) for row in rows]),
            ],
            id=TABLE,
            className="dense cohort",
        ),
        className="table-frame",
        tabIndex=0,
        role="group",
        **{"aria-label": "Patients"},
    )


def _head(name: str) -> Component:
    return html.Th(name if name in UNSORTED else html.Button(name, type="button", className="sort"), scope="col")


def _row(row: CohortRow, clock: Clock) -> Component:
    worst = next((i for i, name in enumerate(SEVERITIES) if row.flags[name]), len(SEVERITIES))
    times = row.glucagon.times_limit if row.glucagon else None
    return html.Tr(
        [
            html.Th(_patient(row), scope="row", **{"data-sort": (row.name or row.mrn).casefold()}),
            _cell(_flags(row), sort=worst),
            _cell([STATE_IN_BRIEF[row.state]], sort=STATE_IN_BRIEF[row.state]),
            _cell(_glucagon(row.glucagon, clock), sort=times),
            _cell(_spark(row, clock), sort=None),
            _cell(_skin(row, clock), sort=row.iga),
            _cell(_aged(row.response, row.response_at, clock, missing="not recorded"), sort=row.response),
            _cell(_result(row.hba1c, clock), sort=row.hba1c.value if row.hba1c else None),
            _cell(_weight(row), sort=row.weight_change.percent if row.weight_change else None),
            _cell(_regimen(row, clock), sort=row.regimen.drug if row.regimen else None),
            _cell(_seen(row, clock), sort=row.last_seen.timestamp() if row.last_seen else None),
        ]
    )


def _cell(content: Cell, *, sort: float | str | None) -> Component:
    return html.Td(content, **{"data-sort": "" if sort is None else str(sort)})


def _patient(row: CohortRow) -> Cell:
    born = day_text(row.birth_date) if row.birth_date else "birth date not recorded"
    said = f"{row.mrn}, {born}" + (", deceased" if row.deceased else "")
    link = dcc.Link(row.name or "Name not recorded", href=f"/p/{quote(row.mrn, safe='')}")
    return [link, html.Span(said, className="age")]


def _flags(row: CohortRow) -> Cell:
    found: Cell = []
    for name in SEVERITIES:
        if row.flags[name]:
            found.append(html.Span([severity(name), f" {row.flags[name]}"], className="count"))
    return found or ["none"]


def _glucagon(latest: LatestResult | None, clock: Clock) -> Cell:
    if latest is None:
        return ["never measured"]
    if latest.times_limit is None:
        return _result(latest, clock)
    marks = "↑" * min(int(latest.times_limit), ARROWS) if latest.times_limit > 1 else ""
    head: Cell = [f"{number(round(latest.times_limit, 2))} ×"]
    if marks:
        head += [" ", arrow(marks)]
    if latest.trend is not None:
        head += [
            " ",
            html.Span(TREND_SIGNS[latest.trend], title=TREND_WORDS[latest.trend], role="img", **_said(latest)),
        ]
    value = f"{_number(latest)} {unit_text(latest.unit)}, {brief_age(latest.at, clock.now)}"
    return [html.Span(head), html.Span(value, className="age")]


def _said(latest: LatestResult) -> dict[str, str]:
    return {"aria-label": TREND_WORDS[latest.trend]}


def _result(latest: LatestResult | None, clock: Clock) -> Cell:
    if latest is None:
        return ["never measured"]
    if latest.value is None:
        return [latest.text or "no result", html.Span(brief_age(latest.at, clock.now), className="age")]
    unit = unit_text(latest.unit)
    return [f"{_number(latest)} {unit}".strip(), html.Span(brief_age(latest.at, clock.now), className="age")]


def _number(latest: LatestResult) -> str:
    return f"{latest.comparator or ''}{number(latest.value)}" if latest.value is not None else "no number"


def _spark(row: CohortRow, clock: Clock) -> Cell:
    if len(row.spark) < 2:
        return [html.Span("too few", className="soft")]
    (first, start), (last, end) = row.spark[0], row.spark[-1]
    words = (
        f"{len(row.spark)} glucagon values from {when_text(first, 'day', clock.zone)} ({number(start)}) "
        f"to {when_text(last, 'day', clock.zone)} ({number(end)})"
    )
    image = sparkline([at.timestamp() for at, _ in row.spark], [value for _, value in row.spark], words=words)
    return [image] if image is not None else []


def _skin(row: CohortRow, clock: Clock) -> Cell:
    latest = f"IGA {row.iga}" if row.iga is not None else row.skin
    return _aged(latest, row.skin_at, clock, missing="never assessed")


def _aged(value: str | None, at: datetime | None, clock: Clock, *, missing: str) -> Cell:
    if value is None or at is None:
        return [missing]
    return [value, html.Span(brief_age(at, clock.now), className="age")]


def _weight(row: CohortRow) -> Cell:
    if row.weight_kg is None:
        return ["never measured"]
    change = row.weight_change
    if change is None:
        return [f"{number(row.weight_kg)} kg"]
    months = round((change.at - change.since).days / 30.44)
    moved = html.Span(f"{change.percent:+.1f} % in {months} mo", className="age")
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
    return [text, html.Span(due, className="age")]


def _seen(row: CohortRow, clock: Clock) -> Cell:
    if row.last_seen is None:
        return ["nothing recorded"]
    return [age_text(row.last_seen, clock.now), html.Span(when_text(row.last_seen, "day", clock.zone), className="age")]
