"""The parts of the flag page: where it stands, values, thresholds, what was held back, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import ENGLISH, _, tell
from dashboard.parts.as_recorded import ask_address, correct_address
from dashboard.parts.badges import AXIS_WORDS, DUE_WORDS, STATUS_WORDS, arrow, severity, status
from dashboard.parts.coded import coded, threshold_name
from dashboard.parts.decision_words import decision_text
from dashboard.parts.protocol_words import signed_mark
from dashboard.parts.quantities import arrows, name_of, number, quantity, range_text, unit_text
from dashboard.parts.times import Clock, age_text, moment_text, when_text
from data.protocol.in_force import Standing
from data.provenance import SENSOR

Flag = Mapping[str, Any]


def standing(flag: Flag, clock: Clock) -> list[Component]:
    """Severity, axis, rule, status and times of the flag in one line."""
    opened = _moment(flag["opened_at"])
    facts: list[Component] = [
        severity(flag["severity"]),
        html.Span(_("review: {due}", due=_(DUE_WORDS[flag["severity"]]))),
        html.Span(
            _(
                "{axis}, rule {rule} version {version}",
                axis=_(AXIS_WORDS[flag["axis"]]),
                rule=flag["rule"],
                version=flag["rule_version"],
            )
        ),
        html.Span(_("opened {at}, {ago}", at=moment_text(opened, clock.zone), ago=age_text(opened, clock.now))),
        status(flag["status"]),
    ]
    if flag["owner"]:
        given = flag["status"] == "open"
        owner = _("given to {person}, not taken yet") if given else _("with {person}")
        facts.append(html.Span(owner.format(person=flag["owner"])))
    if flag["cleared_at"] is not None:
        cleared = moment_text(_moment(flag["cleared_at"]), clock.zone)
        facts.append(html.Span(_("the data no longer show it since {at}; nobody has seen it yet", at=cleared)))
    if flag["snoozed_until"] is not None:
        facts.append(html.Span(_("until {at}", at=moment_text(_moment(flag["snoozed_until"]), clock.zone))))
    if flag["muted_until"] is not None:
        until = moment_text(_moment(flag["muted_until"]), clock.zone)
        facts.append(html.Span(_("muted: no mails until {at}", at=until), className="pill muted"))
    return facts


def values_table(flag: Flag, clock: Clock) -> Component:
    """Every value the flag rests on, oldest first, and what they were held against."""
    rows = [_value_row(e, clock, flag["patient"]) for e in flag["finding"]["evidence"]]
    compared = flag["finding"]["compared_with"]
    if compared is not None:
        rows.append(_compared_row(compared, clock))
    return _table(_("Values used"), (_("Date"), _("What"), _("Value"), _("Upper limit"), _("Age"), _("Change")), rows)


def unsigned_note(flag: Flag, standing: Standing) -> Component | None:
    """That the flag rests on thresholds nobody has signed off; nothing where all are."""
    used = flag["finding"]["thresholds"]
    unsigned = sum(not _is_signed(t, standing) for t in used)
    if not unsigned:
        return None
    said = _(
        "{n} of the {all} thresholds this flag rests on are not signed off by an oncologist of this site.",
        n=unsigned,
        all=len(used),
    )
    return html.P([html.Strong(_("Draft protocol.") + " "), said], className="notice")


def _is_signed(used: Mapping[str, Any], standing: Standing) -> bool:
    """Whether the value that was applied is the one in force and signed."""
    now = standing.protocol.thresholds.get(used["name"])
    if now is None or isinstance(used["value"], str):
        return bool(used["signed_off"])
    return now.signed_off and now.value == used["value"]


def thresholds_table(flag: Flag, standing: Standing, clock: Clock) -> Component:
    """The thresholds as they were applied, with their sources and who has signed them off."""
    if not flag["finding"]["thresholds"]:
        return html.P(_("This rule applies no threshold."), className="soft")
    rows = [
        html.Tr(
            [
                html.Th(threshold_name(t["name"]), scope="row"),
                html.Td(_threshold(t), className="number"),
                html.Td(t["source"], lang=ENGLISH),
                html.Td(_sign_off(t, standing, clock)),
            ]
        )
        for t in flag["finding"]["thresholds"]
    ]
    return _table(_("Thresholds applied"), (_("Threshold"), _("Value"), _("Source"), _("Sign-off")), rows)


def _sign_off(used: Mapping[str, Any], standing: Standing, clock: Clock) -> str | Component:
    now = standing.protocol.thresholds.get(used["name"])
    if now is not None and not isinstance(used["value"], str) and now.value != used["value"]:
        return _("no longer in force")
    return signed_mark(standing, used["name"], clock) if _is_signed(used, standing) else _("not signed off")


def unexplained(flag: Flag) -> list[Component]:
    """What was held back and why, and what would have been good to know and was not recorded."""
    parts: list[Component] = []
    if flag["suppressed"]:
        items = [html.Li([html.Strong(tell(s["what"])), f": {tell(s['why'])}"]) for s in flag["suppressed"]]
        parts += [html.H3(_("Held back")), html.Ul(items, className="plain-list")]
    if flag["contains"]:
        parts += [html.H3(_("Contains")), html.P(", ".join(flag["contains"]))]
    parts.append(html.H3(_("Not recorded")))
    if flag["finding"]["not_recorded"]:
        parts.append(html.Ul([html.Li(tell(item)) for item in flag["finding"]["not_recorded"]], className="plain-list"))
    else:
        parts.append(html.P(_("Nothing the rule asks for is missing."), className="soft"))
    return parts


def history(flag: Flag, decisions: Sequence[Mapping[str, Any]], clock: Clock) -> Component:
    """What was done with the flag, newest first; `decisions` are those about it."""
    known = {decision["id"]: decision for decision in decisions}
    steps = zip(flag["history"], flag["details"], strict=True)
    entries = [_entry(entry, detail, known.get(detail.get("decision")), clock.zone) for entry, detail in steps]
    return html.Ol(entries[::-1], className="timeline", reversed=True)


def _entry(
    entry: Mapping[str, Any], detail: Mapping[str, Any], decision: Mapping[str, Any] | None, zone: ZoneInfo
) -> Component:
    before, after = entry["from"], entry["to"]
    now = _(STATUS_WORDS[after])
    moved = now if before in (None, after) else f"{_(STATUS_WORDS[before])} → {now}"
    said: list[str | Component] = [tell(entry["why"])]
    if decision is not None:
        said = [html.Span(_("Decided: {what}", what=decision_text(decision)), className="decided"), *said]
    if "to" in detail:
        said = [html.Span(_("Handed to {person}", person=detail["to"]), className="decided"), *said]
    who = f"{entry['who']}, {moment_text(_moment(entry['at']), zone)}"
    return html.Li([html.Strong(moved), html.Span(who, className="soft"), *said])


def _value_row(e: Mapping[str, Any], clock: Clock, mrn: str) -> Component:
    at = _moment(e["effective"])
    what = name_of(e["analyte"]) if e["analyte"] else _capital(coded(e["kind"]))
    value: list[str | Component] = [_value(e)]
    mark = arrows(e["value"], None, e["ref_high"])
    if mark:
        value += [" ", arrow(mark)]
    limit = range_text(None, e["ref_high"]) if e["analyte"] else ""
    return html.Tr(
        [
            html.Td(when_text(at, e["precision"], clock.zone), className="when"),
            html.Th(what, scope="row"),
            html.Td(value),
            html.Td(limit),
            html.Td(age_text(at, clock.now), className="when"),
            html.Td(_ways(mrn, e["record"]), className="ways"),
        ]
    )


def _ways(mrn: str, record: str) -> list[str | Component]:
    """The ways from a value to correcting it and to asking about it."""
    asking = dcc.Link(_("Ask"), href=ask_address(mrn, record))
    if record.isdigit():
        return [dcc.Link(_("Correct"), href=correct_address(mrn, record)), " ", asking]
    return [asking] if record.startswith(SENSOR) and "/" not in record else []


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _value(e: Mapping[str, Any]) -> str:
    if e["value"] is None:
        return tell(e["text"]) if e["text"] else _("no number")
    return quantity(e["value"], e["unit"], e["comparator"])


def _compared_row(compared: Mapping[str, Any], clock: Clock) -> Component:
    at = None if compared["effective"] is None else _moment(compared["effective"])
    value = "" if compared["value"] is None else quantity(compared["value"], compared["unit"])
    said = ", ".join(part for part in (value, tell(compared["note"] or "")) if part)
    return html.Tr(
        [
            html.Td("" if at is None else when_text(at, "day", clock.zone), className="when"),
            html.Th(_("Compared with: {what}", what=coded(compared["kind"])), scope="row"),
            html.Td(said),
            html.Td(""),
            html.Td("" if at is None else age_text(at, clock.now), className="when"),
            html.Td(""),
        ]
    )


def _threshold(threshold: Mapping[str, Any]) -> str:
    value = threshold["value"]
    if isinstance(value, str):
        return value
    return f"{number(value)} {unit_text(threshold['unit'])}".removesuffix(" 1").strip()


def _table(name: str, heads: Sequence[str], rows: Sequence[Component]) -> Component:
    return html.Div(
        html.Table(
            [
                html.Caption(name, className="visually-hidden"),
                html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
                html.Tbody(list(rows)),
            ],
            className="dense",
        ),
        className="table-frame",
        tabIndex=0,
        role="group",
        **{"aria-label": name},
    )


def _moment(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
