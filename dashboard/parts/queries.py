"""Questions on values as people read them: a line each, a thread, and the fields to say something."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, message
from dashboard.parts.as_recorded import STATE_WORDS, query_address
from dashboard.parts.times import Clock, age_text, moment_text
from data.queries import LONGEST, Query, Step

STEP_WORDS = {
    (None, "open"): message("asked"),
    ("open", "answered"): message("answered"),
    ("answered", "open"): message("asked again"),
    ("open", "closed"): message("closed without an answer"),
    ("answered", "closed"): message("closed"),
}


def state_pill(state: str) -> Component:
    """The state of a question as a word in a frame."""
    return html.Span(_(STATE_WORDS[state]), className=f"pill query-{state}")


def query_lines(queries: Sequence[Query], clock: Clock) -> Component:
    """Questions on one value, a line each with its link."""
    return html.Ul(
        [
            html.Li(
                [
                    state_pill(query.state),
                    " ",
                    dcc.Link(query.words, href=query_address(query.mrn, query.id)),
                    " ",
                    html.Span(f"{query.asked_by}, {age_text(query.asked_at, clock.now)}", className="soft small"),
                ]
            )
            for query in queries
        ],
        className="plain-list bare",
    )


def thread(query: Query, clock: Clock) -> Component:
    """Every step of a question, oldest first."""
    return html.Ol([_step(step, clock) for step in query.steps], className="timeline")


def words_field(id: str, label: str) -> Component:
    """Where somebody writes."""
    return html.Div(
        [html.Label(label, htmlFor=id), dcc.Textarea(id=id, required=True, maxLength=LONGEST)], className="field"
    )


def _step(step: Step, clock: Clock) -> Component:
    did = _(STEP_WORDS[(step.before, step.after)])
    said = _("{who} {did} {at}", who=step.who, did=did, at=moment_text(step.at, clock.zone))
    return html.Li([html.P(step.words, className="query-words"), html.Span(said, className="soft small")])
