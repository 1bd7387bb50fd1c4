"""The review of a patient as a whole: what the last one said, and the form for another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import uuid4

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.times import Clock, age_text, day_text, moment_text
from data.reviews import LONGEST_WORDS, Review


@dataclass(frozen=True, slots=True)
class Reviewing:
    """The last review, up to which day another may reach (None: an urgent flag stands), and whether the reader may."""

    last: Review | None
    latest: date | None
    may: bool
    named: str


def review_panel(reviewing: Reviewing, clock: Clock) -> list[Component | None]:
    """What stands and the form."""
    return [_last(reviewing.last, clock), _form(reviewing, clock) if reviewing.may else None]


def _last(review: Review | None, clock: Clock) -> Component:
    if review is None:
        return html.P(_("Nobody has recorded a review of this patient as a whole."), className="soft")
    until = day_text(review.until)
    today = clock.now.astimezone(clock.zone).date()
    by = _(
        "{name}, {at}, {ago}",
        name=review.name,
        at=moment_text(review.at, clock.zone),
        ago=age_text(review.at, clock.now),
    )
    said: list[str | Component] = [html.Strong(_("Reviewed, nothing to do until {day}.", day=until))]
    if review.ended_at is not None:
        at = moment_text(review.ended_at, clock.zone)
        link = dcc.Link(_("what came up"), href=f"/flag/{review.ended_by_flag}")
        said = [html.Strong(_("The review no longer holds since {at}:", at=at) + " "), link]
    elif today > review.until:
        said = [html.Strong(_("The review was good until {day} and is due again.", day=until), className="overdue")]
    return html.Div([html.P(said), html.P(review.why), html.P(by, className="soft small")], className="review-last")


def _form(reviewing: Reviewing, clock: Clock) -> Component:
    if reviewing.latest is None:
        said = _("An urgent flag stands: it is taken or decided, a review does not put it off.")
        return html.P(said, className="soft no-print")
    first = clock.now.astimezone(clock.zone).date() + timedelta(days=1)
    advice = _("With the flags that stand, up to {day}.", day=day_text(reviewing.latest))
    return html.Details(
        [
            html.Summary(_("Record a review")),
            html.Div(
                [
                    html.Label(_("Nothing to do until (required)"), htmlFor="review-until"),
                    dcc.Input(
                        id="review-until",
                        type="date",
                        value="",
                        min=first.isoformat(),
                        max=reviewing.latest.isoformat(),
                    ),
                    html.Span(advice, className="soft small"),
                ],
                className="field short",
            ),
            html.Div(
                [
                    html.Label(_("What you looked at and why nothing is to be done (required)"), htmlFor="review-why"),
                    dcc.Textarea(id="review-why", required=True, maxLength=LONGEST_WORDS),
                ],
                className="field",
            ),
            dcc.Store(id="review-key", data=str(uuid4())),
            html.Button(
                _("Record the review for {patient}", patient=reviewing.named),
                id="review-record",
                type="button",
                className="button primary",
            ),
        ],
        className="stacked no-print",
    )
