"""The worklist: who needs me today?"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from dash import Dash, dcc, html
from dash.development.base_component import Component

from clinical.finding import SEVERITIES
from dashboard.parts.badges import AXIS_WORDS, DUE_WORDS, severity, status
from dashboard.parts.times import Clock, day_text, moment_text, since_text
from dashboard.policy import CLINICAL, Policy
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.worklist import WorklistRow, WorklistStrip, worklist, worklist_strip

ROUTE = Route("/", title="Worklist", policy=Policy(CLINICAL, scoped=True), nav="Worklist")
TABLE = "worklist-table"


def layout() -> Component:
    """The page for the person who asks: the flags that stand for the patients of their teams."""
    clock = Clock(request_now(), current_settings().zone)
    with current_database().read() as session:
        rows = worklist(session, current_actor(), now=clock.now, zone=clock.zone)
        strip = worklist_strip(session, current_actor())
    return html.Div(
        [
            html.H1("Worklist"),
            _strip(strip, clock),
            *([_filters(rows), _table(rows, clock)] if rows else [_empty(strip, clock)]),
        ],
        className="page",
    )


def register(_app: Dash) -> None:
    """The page has no callbacks: filters work on the rows that are there."""


def _strip(strip: WorklistStrip, clock: Clock) -> Component:
    tally = [
        html.Span([severity(name), " ", html.B(str(strip.open_by_severity[name]))])
        for name in SEVERITIES
        if strip.open_by_severity[name]
    ]
    oldest = strip.oldest_unacknowledged
    return html.Dl(
        [
            _fact("Open, not acknowledged", html.Span(tally or "none", className="tally")),
            _fact("Oldest not acknowledged", "none" if oldest is None else since_text(oldest, clock.now)),
            _fact("Last sweep", *_sweep(strip, clock)),
            _fact("Alert mail", *_mail(strip, clock)),
        ],
        className="strip",
    )


def _fact(name: str, *value: str | Component) -> Component:
    return html.Div([html.Dt(name), html.Dd(list(value))], className="card")


def _sweep(strip: WorklistStrip, clock: Clock) -> list[str | Component]:
    if strip.last_sweep_at is None:
        return [html.Span("none has finished yet", className="overdue")]
    judged = f"{strip.patients_judged} of {strip.patients} patients judged"
    value: list[str | Component] = [since_text(strip.last_sweep_at, clock.now), " ", _soft(judged)]
    if strip.patients_failing:
        value += [" ", html.Span(f"{strip.patients_failing} could not be judged", className="overdue")]
    return value


def _mail(strip: WorklistStrip, clock: Clock) -> list[str | Component]:
    if strip.dead_mails:
        return [html.Span(f"{strip.dead_mails} could not be delivered", className="overdue")]
    if strip.oldest_unsent_mail is not None:
        return ["waiting to be sent ", _soft(f"oldest written {since_text(strip.oldest_unsent_mail, clock.now)}")]
    return ["nothing waiting"]


def _soft(text: str) -> Component:
    return html.Span(text, className="soft")


def _filters(rows: Sequence[WorklistRow]) -> Component:
    severities = [name for name in SEVERITIES if any(r.severity == name for r in rows)]
    axes = [name for name in AXIS_WORDS if any(r.axis == name for r in rows)]
    return html.Div(
        [
            _group("Severity", [_chip("severity", name, severity(name)) for name in severities]),
            _group("Axis", [_chip("axis", name, AXIS_WORDS[name]) for name in axes]),
            _group("Due", [_chip("overdue", "yes", "Overdue")]),
            html.Span(f"{len(rows)} rows", className="soft small", role="status", **{"data-shown": TABLE}),
        ],
        className="filters no-print",
        **{"data-filters": TABLE},
    )


def _group(name: str, chips: list[Component]) -> Component:
    return html.Fieldset([html.Legend(name), *chips])


def _chip(name: str, value: str, content: str | Component) -> Component:
    return html.Button(
        content, type="button", className="chip", **{"data-filter": f"{name}:{value}", "aria-pressed": "false"}
    )


def _table(rows: Sequence[WorklistRow], clock: Clock) -> Component:
    heads = ("Severity", "Patient", "What and why", "Since", "Due", "Status")
    return html.Div(
        html.Table(
            [
                html.Caption("Flags that stand, most pressing first", className="visually-hidden"),
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody([_row(row, clock) for row in rows]),
            ],
            id=TABLE,
            className="dense stacking worklist",
        ),
        className="table-frame",
    )


def _row(row: WorklistRow, clock: Clock) -> Component:
    return html.Tr(
        [
            html.Td(severity(row.severity)),
            html.Td(_patient(row), className="patient"),
            html.Td([dcc.Link(row.title, href=f"/flag/{row.flag}"), html.P(row.why, title=row.why)], className="what"),
            html.Td(
                [since_text(row.since, clock.now), html.Span(_evidence(row, clock), className="age")],
                className="when",
                **{"data-name": "Since"},
            ),
            html.Td(_due(row), className="when", **{"data-name": "Due"}),
            html.Td(_standing(row, clock), **{"data-name": "Status"}),
        ],
        **{"data-severity": row.severity, "data-axis": row.axis, "data-overdue": "yes" if row.overdue else "no"},
    )


def _evidence(row: WorklistRow, clock: Clock) -> str:
    return f"evidence from {day_text(row.first_evidence_at.astimezone(clock.zone))}"


def _patient(row: WorklistRow) -> list[Component]:
    born = day_text(row.birth_date) if row.birth_date else "birth date not recorded"
    return [
        dcc.Link(row.patient_name or "Name not recorded", href=f"/p/{quote(row.mrn, safe='')}"),
        html.Span(f"{row.mrn}, {born}", className="age"),
    ]


def _due(row: WorklistRow) -> list[str | Component]:
    if row.due is None:
        return [DUE_WORDS[row.severity]]
    when = day_text(row.due)
    if row.overdue:
        return [html.Span(f"overdue since {when}", className="overdue")]
    return [when, html.Span(DUE_WORDS[row.severity], className="age")]


def _standing(row: WorklistRow, clock: Clock) -> list[str | Component]:
    parts: list[str | Component] = [status(row.status)]
    if row.owner:
        parts.append(html.Span(row.owner, className="age"))
    if row.cleared_at is not None:
        parts.append(html.Span("data cleared it, not seen yet", className="age"))
    if row.snoozed_until is not None:
        parts.append(html.Span(f"until {moment_text(row.snoozed_until, clock.zone)}", className="age"))
    return parts


def _empty(strip: WorklistStrip, clock: Clock) -> Component:
    if strip.last_sweep_at is None:
        said = "No sweep has finished yet: nothing has been judged. This list says nothing about any patient."
    else:
        said = (
            f"No flag stands. The last sweep ran {since_text(strip.last_sweep_at, clock.now)} "
            f"({moment_text(strip.last_sweep_at, clock.zone)}); {strip.patients_judged} of {strip.patients} patients "
            "of your teams are judged. Rules judge only what was recorded."
        )
    return html.P(said, className="card empty")
