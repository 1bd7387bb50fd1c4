"""Who was told of a flag: each mail with why it went to that person, when, and what the mail server answered."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.language import _, message
from dashboard.parts.times import Clock, moment_text
from data.delivery_log import Delivery

STATE_WORDS = {
    "pending": message("to be sent"),
    "sending": message("being sent"),
    "retry": message("to be tried again"),
    "sent": message("sent"),
    "dead": message("given up"),
    "cancelled": message("not sent"),
    "digested": message("told in another mail"),
    "held": message("held for a person"),
}
CHOSEN_WORDS = {
    "on-call": message("on call"),
    "stand-in": message("standing in for who is on call"),
    "everyone": message("nobody is on call: all oncologists of the team"),
    "subscribed": message("at their own wish"),
    "assigned": message("the flag was handed to them"),
    "next-on-rota": message("next on the rota"),
    "lead": message("lead of the team"),
}


def mails_section(mails: Sequence[Delivery], clock: Clock) -> Component:
    """The delivery log of a flag, newest first. It holds no content: no mail keeps what it said."""
    if not mails:
        return html.P(_("No mail tells anybody of this flag."), className="soft")
    return html.Ol([_mail(mail, clock) for mail in mails], className="timeline", reversed=True)


def _mail(mail: Delivery, clock: Clock) -> Component:
    lines: list[Component] = [
        html.Span(_answer(mail, code, text), className="soft") for _at, code, text in mail.answers
    ]
    if mail.state in ("cancelled", "dead") and mail.note and not mail.answers:
        lines = [html.Span(mail.note, className="soft", lang="en")]
    if mail.state == "pending" and mail.held_until is not None:
        held = _("quiet hours of this person, until {at}", at=moment_text(mail.held_until, clock.zone))
        lines.append(html.Span(held, className="soft"))
    at = moment_text(mail.sent_at or mail.written_at, clock.zone)
    return html.Li(
        [
            html.Strong(f"{mail.name}: {_(STATE_WORDS[mail.state])}"),
            html.Span(f"{at}, {_reason(mail)}", className="soft"),
            *lines,
        ]
    )


def _reason(mail: Delivery) -> str:
    if mail.kind == "technical":
        return _("as an admin")
    if mail.corrects:
        return _("told before; a value was corrected")
    why = _(CHOSEN_WORDS[mail.why]) if mail.why in CHOSEN_WORDS else _("by the rule of that time")
    if mail.rung:
        why = _(
            "nobody had acknowledged: {why}", why=_("all oncologists of the team") if mail.why == "everyone" else why
        )
    return _("{why}, in the digest", why=why) if mail.kind == "digest" else why


def _answer(mail: Delivery, code: int | None, text: str | None) -> Component:
    return html.Span([f"{mail.email}: ", html.Span(f"{code or ''} {text or ''}".strip(), lang="en")])
