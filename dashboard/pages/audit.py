"""The audit trail: who did what to whose record and when; for one patient, who saw it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from dash import Dash, html
from dash.development.base_component import Component
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from dashboard.language import _
from dashboard.parts import audit as parts
from dashboard.parts.audit_asking import asked_in, fields, in_address
from dashboard.parts.tabs.view import parsed
from dashboard.parts.times import Clock
from dashboard.policy import Policy
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.audit_search import READERS, Asked, Looker, actions, search_audit, who_saw

PATH = "/audit"
ROUTE = Route(PATH, title="Audit trail", policy=Policy(READERS), nav="Audit", viewed=True)


def layout(search: str | None = None) -> Component:
    """The rows that the address asks for, newest first. Every look at this page is a row of the trail itself."""
    found = parsed(search)
    asked, before = asked_in(found), _number(found.get("before"))
    clock = Clock(request_now(), current_settings().zone)
    with current_database().write() as session:
        who = _who(session, asked, before)
        lines, older = search_audit(session, current_actor(), asked, zone=clock.zone, now=clock.now, before=before)
        known = actions(session)
    auditing = current_actor().role == "auditor"
    return html.Div(
        [
            html.H1(_("Audit trail")),
            html.P(
                _("Who did what and when, newest first. That you look here is written down too.")
                + ("" if auditing else " " + _("Whose record a row is about is shown to auditors.")),
                className="soft",
            ),
            _refused(found.get("refused")),
            _form(asked, known, auditing=auditing),
            None if who is None else parts.who_saw_card(asked.patient or "", who, clock),
            parts.lines_card(lines, clock),
            _pages(asked, before, older),
            parts.export_card(asked, whole=asked == Asked()),
        ],
        className="page wide",
    )


def register(app: Dash) -> None:
    """The page is read with its address; it has no callbacks."""


def _who(session: Session, asked: Asked, before: int | None) -> Sequence[Looker] | None:
    """Everybody who saw the patient asked for, above the first page of a search for nothing else."""
    alone = asked.patient is not None and asked == Asked(patient=asked.patient)
    if not alone or before is not None or current_actor().role != "auditor":
        return None
    return who_saw(session, current_actor(), asked.patient or "", now=request_now())


def _form(asked: Asked, known: Sequence[str], *, auditing: bool) -> Component:
    return html.Form(
        [
            html.Div(fields(asked, known, auditing=auditing), className="audit-fields"),
            html.Div(
                [
                    html.Button(_("Search"), type="submit", className="button primary"),
                    html.A(_("Everything"), href=PATH, className="button", **{"data-in-app": ""}),
                ],
                className="audit-ways",
            ),
        ],
        method="GET",
        action=PATH,
        className="card stacked no-print",
        **{"data-in-app": ""},
    )


def _pages(asked: Asked, before: int | None, older: int | None) -> Component | None:
    ways = []
    if before is not None:
        ways.append((_("Newest"), in_address(asked)))
    if older is not None:
        ways.append((_("Older rows"), in_address(asked) | {"before": str(older)}))
    links = [
        html.A(words, href=f"{PATH}?{urlencode(query)}" if query else PATH, className="button", **{"data-in-app": ""})
        for words, query in ways
    ]
    return html.Nav(links, className="audit-ways no-print", **{"aria-label": _("Pages of rows")}) if links else None


def _refused(why: str | None) -> Component | None:
    """Why an export did not come."""
    if why is None:
        return None
    words = (
        _("Too many tries: wait a little, then type your password again.")
        if why == "wait"
        else _("Nothing was taken out: that is not your password, nor a code of your authenticator.")
    )
    return html.P(words, className="error", role="alert")


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= parts.LONGEST_NUMBER):
        raise BadRequest("The address holds no row number.")
    return int(text)
