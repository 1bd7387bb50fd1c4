"""What is looked for in the audit trail: as fields of a form, and as it stands in an address or a form sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date

from dash import dcc, html
from dash.development.base_component import Component
from werkzeug.exceptions import BadRequest

from dashboard.language import _
from data.audit_search import Asked

LONGEST = 200


def asked_in(sent: Mapping[str, str]) -> Asked:
    """The search that was sent; empty fields ask for nothing. Raises BadRequest for what is no search."""
    said = {name: sent.get(name, "").strip() for name in ("person", "patient", "action")}
    if any(len(text) > LONGEST or "\x00" in text for text in said.values()):
        raise BadRequest("The search is too long.")
    return Asked(
        person=said["person"] or None,
        patient=said["patient"] or None,
        action=said["action"] or None,
        since=_day(sent.get("since")),
        until=_day(sent.get("until")),
    )


def in_address(asked: Asked) -> dict[str, str]:
    """What `asked_in` reads back to the same."""
    return {name: str(value) for name, value in asdict(asked).items() if value is not None}


def fields(asked: Asked, known: Sequence[str], *, auditing: bool) -> list[Component]:
    """The fields, filled with what is asked for; the patient for auditors only. `known`: the actions there are."""
    return [
        _text("person", _("Person (part of the address)"), asked.person),
        *([_text("patient", _("Patient (hospital number)"), asked.patient)] if auditing else []),
        _action(asked.action, known),
        _date("since", _("From"), asked.since),
        _date("until", _("Up to and including"), asked.until),
    ]


def hidden(asked: Asked) -> list[Component]:
    """The search as fields that nobody sees, for a form that goes on with it."""
    return [dcc.Input(type="hidden", name=name, value=value) for name, value in in_address(asked).items()]


def _text(name: str, label: str, value: str | None) -> Component:
    id = f"audit-{name}"
    field = dcc.Input(id=id, name=name, type="text", value=value or "", autoComplete="off", maxLength=LONGEST)
    return html.Div([html.Label(label, htmlFor=id), field], className="field")


def _date(name: str, label: str, value: date | None) -> Component:
    id = f"audit-{name}"
    field = dcc.Input(id=id, name=name, type="date", value="" if value is None else value.isoformat())
    return html.Div([html.Label(label, htmlFor=id), field], className="field")


def _action(chosen: str | None, known: Sequence[str]) -> Component:
    groups = sorted({f"{action.partition('.')[0]}." for action in known if "." in action})
    offered = [*groups, *known]
    options = [html.Option(_("all"), value="")]
    options += [
        html.Option(f"{name}*" if name.endswith(".") else name, value=name, selected=name == chosen)
        for name in sorted({*offered, *([chosen] if chosen else [])})
    ]
    return html.Div(
        [html.Label(_("Action"), htmlFor="audit-action"), html.Select(options, id="audit-action", name="action")],
        className="field",
    )


def _day(text: str | None) -> date | None:
    if not (text or "").strip():
        return None
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError as error:
        raise BadRequest("The address holds no date.") from error
