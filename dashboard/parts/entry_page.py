"""What the entry pages share: the place of the form, and the warning of patients with like names."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from dash import html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.times import Clock, day_text, moment_text
from data.entry.opening import Opening


def entry_frame(form: dict[str, Any]) -> Component:
    """The place where the browser builds a form from its data."""
    address = f"/p/{quote(form['mrn'], safe='')}/entry/{form['form']}"
    return html.Div(className="entry", **{"data-entry": msgspec.json.encode(form).decode(), "data-address": address})


def entry_head(opening: Opening, clock: Clock) -> dict[str, Any]:
    """What every form carries: of its patient, checked again on the server when it is saved; what was begun; and the
    words for signing in again."""
    who = opening.head.identity
    return {
        "patient": opening.uuid,
        "mrn": who.mrn,
        "name": who.name or _("name not recorded"),
        "version": opening.version,
        "draft": _draft(opening, clock),
        "again": {
            "who": opening.who,
            "heading": _("Sign in to go on"),
            "said": _(
                "You were signed out after a time without activity. What you typed is still here, covered, and is not "
                "in the record."
            ),
            "email": _("E-mail"),
            "password": _("Password"),
            "button": _("Sign in and go on"),
            "other": _("Sign in as somebody else; what is not kept as a draft is lost"),
            "refused": _("The e-mail address and password do not match an account."),
            "code": _("Code of your authenticator"),
            "wrong": _("That code is not right, or was used before."),
            "wait": _("Too many tries. Wait a minute, then try again."),
            "unreached": _("Nadir cannot be reached. Try again."),
        },
    }


def namesakes(opening: Opening) -> Component | None:
    """That other patients have a like name, each with number and birth date; nothing where there are none."""
    if not opening.namesakes:
        return None
    named = [
        _(
            "{name} ({mrn}, born {date})",
            name=other.name,
            mrn=other.mrn,
            date=_("not recorded") if other.birth_date is None else day_text(other.birth_date),
        )
        for other in opening.namesakes
    ]
    return html.P(
        [html.Strong(_("Like names:") + " "), "; ".join(named), ". ", _("Check the birth date or scan the wristband.")],
        className="notice",
        id="entry-namesakes",
    )


def _draft(opening: Opening, clock: Clock) -> dict[str, Any] | None:
    draft = opening.draft
    if draft is None:
        return None
    at = moment_text(draft.saved_at, clock.zone)
    return {"key": draft.key, "number": draft.number, "version": draft.version, "said": draft.said, "at": at}
