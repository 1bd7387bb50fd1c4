"""The worklist: who needs me today?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dash import Dash, html
from dash.development.base_component import Component

from clinical.finding import SEVERITIES
from dashboard.parts import rows
from dashboard.parts.badges import AXIS_WORDS, DUE_WORDS, chip, severity
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
        flags = worklist(session, current_actor(), now=clock.now, zone=clock.zone)
        strip = worklist_strip(session, current_actor())
    return html.Div(
        [
            html.H1("Worklist"),
            _strip(strip, clock),
            *([_filters(flags), _table(flags, clock)] if flags else [_empty(strip, clock)]),
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


def _filters(flags: Sequence[WorklistRow]) -> Component:
    severities = [name for name in SEVERITIES if any(r.severity == name for r in flags)]
    axes = [name for name in AXIS_WORDS if any(r.axis == name for r in flags)]
    return html.Div(
        [
            _group("Severity", [chip("severity", name, severity(name)) for name in severities]),
            _group("Axis", [chip("axis", name, AXIS_WORDS[name]) for name in axes]),
            _group("Due", [chip("overdue", "yes", "Overdue")]),
            html.Span(f"{len(flags)} rows", className="soft small", role="status", **{"data-shown": TABLE}),
        ],
        className="filters no-print",
        **{"data-filters": TABLE},
    )


def _group(name: str, chips: list[Component]) -> Component:
    return html.Fieldset([html.Legend(name), *chips])


def _table(flags: Sequence[WorklistRow], clock: Clock) -> Component:
    return rows.table(
        TABLE,
        ("Severity", "Patient", "What and why", "Since", "Due", "Status"),
        [_row(row, clock) for row in flags],
        caption="Flags that stand, most pressing first",
        css="dense stacking worklist",
    )


def _row(row: WorklistRow, clock: Clock) -> dict[str, Any]:
    name = row.patient_name or "Name not recorded"
    born = day_text(row.birth_date) if row.birth_date else "birth date not recorded"
    evidence = f"evidence from {day_text(row.first_evidence_at.astimezone(clock.zone))}"
    return rows.row(
        [
            rows.cell(rows.severity(row.severity)),
            rows.cell(
                rows.link(name, f"/p/{quote(row.mrn, safe='')}"), rows.below(f"{row.mrn}, {born}"), css="patient"
            ),
            rows.cell(rows.link(row.title, f"/flag/{row.flag}"), rows.span(row.why, "why", title=row.why), css="what"),
            rows.cell(since_text(row.since, clock.now), rows.below(evidence), css="when", name="Since"),
            rows.cell(*_due(row), css="when", name="Due"),
            rows.cell(*_standing(row, clock), name="Status"),
        ],
        severity=row.severity,
        axis=row.axis,
        overdue="yes" if row.overdue else "no",
    )


def _due(row: WorklistRow) -> list[rows.Part]:
    if row.due is None:
        return [DUE_WORDS[row.severity]]
    when = day_text(row.due)
    if row.overdue:
        return [rows.span(f"overdue since {when}", "overdue")]
    return [when, rows.below(DUE_WORDS[row.severity])]


def _standing(row: WorklistRow, clock: Clock) -> list[rows.Part]:
    parts = [rows.status(row.status)]
    if row.owner:
        parts.append(rows.below(row.owner))
    if row.cleared_at is not None:
        parts.append(rows.below("data cleared it, not seen yet"))
    if row.snoozed_until is not None:
        parts.append(rows.below(f"until {moment_text(row.snoozed_until, clock.zone)}"))
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
