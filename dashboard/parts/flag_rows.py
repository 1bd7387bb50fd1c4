"""Flags as a list: severity, title with its link, what and why with the numbers, since when, in which status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import tell
from dashboard.parts.badges import severity, status
from dashboard.parts.times import Clock, age_text, day_text

ORDER = ("urgent", "high", "medium", "low", "info")


def flag_rows(flags: Sequence[Mapping[str, Any]], clock: Clock) -> Component:
    """The flags (documents of the contract), most severe first, newest first within a severity."""
    newest = sorted(flags, key=lambda f: str(f["opened_at"]), reverse=True)
    ordered = sorted(newest, key=lambda f: ORDER.index(f["severity"]))
    return html.Ul([_row(flag, clock) for flag in ordered], className="flag-list")


def _row(flag: Mapping[str, Any], clock: Clock) -> Component:
    opened = datetime.fromisoformat(flag["opened_at"])
    since = f"{age_text(opened, clock.now)} ({day_text(opened.astimezone(clock.zone))})"
    return html.Li(
        [
            severity(flag["severity"]),
            dcc.Link(tell(flag["title"]), href=f"/flag/{flag['id']}"),
            html.Span([status(flag["status"]), " ", html.Span(since, className="soft small")]),
            html.P(tell(flag["why"])),
        ]
    )
