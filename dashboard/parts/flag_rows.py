"""Flags as a list: severity, title with its link, what and why with the numbers, since when, in which status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, tell
from dashboard.parts.badges import severity, status
from dashboard.parts.decision_words import decision_text
from dashboard.parts.times import Clock, age_text, day_text

ORDER = ("urgent", "high", "medium", "low", "info")


def flag_rows(
    flags: Sequence[Mapping[str, Any]], clock: Clock, decisions: Sequence[Mapping[str, Any]] = ()
) -> Component:
    """The flags (documents of the contract), most severe first, newest first within a severity; what was last decided
    about one stands with it (`decisions` oldest first)."""
    newest = sorted(flags, key=lambda f: str(f["opened_at"]), reverse=True)
    ordered = sorted(newest, key=lambda f: ORDER.index(f["severity"]))
    last = {decision["flag"]: decision for decision in decisions}
    return html.Ul([_row(flag, last.get(flag["id"]), clock) for flag in ordered], className="flag-list")


def _row(flag: Mapping[str, Any], decision: Mapping[str, Any] | None, clock: Clock) -> Component:
    opened = datetime.fromisoformat(flag["opened_at"])
    since = f"{age_text(opened, clock.now)} ({day_text(opened.astimezone(clock.zone))})"
    return html.Li(
        [
            severity(flag["severity"]),
            dcc.Link(tell(flag["title"]), href=f"/flag/{flag['id']}"),
            html.Span([status(flag["status"]), " ", html.Span(since, className="soft small")]),
            html.P(tell(flag["why"])),
            None if decision is None else html.P(_decided(decision, clock), className="decided"),
        ]
    )


def _decided(decision: Mapping[str, Any], clock: Clock) -> str:
    on = day_text(decision["at"].astimezone(clock.zone))
    return _("Decided: {what}", what=f"{decision_text(decision)} ({decision['name']}, {on})")
