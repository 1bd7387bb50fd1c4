"""A flag of the worklist as the cells of a row, and as the one card that a phone shows instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from dashboard.language import _, counted, tell, whole
from dashboard.parts import rows
from dashboard.parts.badges import DUE_WORDS
from dashboard.parts.times import Clock, day_text, moment_text, since_text
from data.reviews import DueReview
from data.worklist import WorklistRow

Cell = list[rows.Part]


def worklist_row(row: WorklistRow, clock: Clock) -> dict[str, Any]:
    """The cells by column."""
    born = day_text(row.birth_date) if row.birth_date else _("birth date not recorded")
    patient = rows.link(row.patient_name or _("Name not recorded"), f"/p/{quote(row.mrn, safe='')}")
    flag = rows.link(tell(row.title), f"/flag/{row.flag}")
    since = since_text(row.since, clock.now)
    evidence = _("evidence {date}", date=day_text(row.first_evidence_at.astimezone(clock.zone)))
    due, standing = _due(row), _standing(row, clock)
    why = rows.span(tell(row.why), "why", title=tell(row.why))
    cells: dict[str, Cell] = {
        "severity": [rows.severity(row.severity)],
        "patient": [patient, rows.below(f"{row.mrn}, {born}")],
        "what": [flag, why],
        "since": [since, rows.below(evidence)],
        "due": due,
        "status": standing,
        "card": [
            rows.severity(row.severity),
            *(rows.span(part, "card-due") if isinstance(part, str) else part for part in due[:1]),
            rows.span(f"{row.patient_name or _('Name not recorded')}, {row.mrn}", "card-patient"),
            flag,
            why,
        ],
    }
    return {name: {"parts": parts} for name, parts in cells.items()}


def _due(row: WorklistRow) -> Cell:
    if row.due is None:
        return [_(DUE_WORDS[row.severity])]
    when = day_text(row.due)
    if row.overdue:
        return [rows.span(_("overdue since {when}", when=when), "overdue")]
    if row.due == row.reviewed_until:
        return [when, rows.below(_("reviewed, nothing to do until then"))]
    return [when, rows.below(_(DUE_WORDS[row.severity]))]


def _standing(row: WorklistRow, clock: Clock) -> Cell:
    parts: Cell = [rows.status(row.status), rows.below(row.owner or _("nobody has it"))]
    if row.cleared_at is not None:
        parts.append(rows.below(_("data cleared it, not seen yet")))
    if row.snoozed_until is not None:
        parts.append(rows.below(_("until {at}", at=moment_text(row.snoozed_until, clock.zone))))
    if row.muted_until is not None:
        parts.append(rows.below(_("muted: no mails until {at}", at=moment_text(row.muted_until, clock.zone))))
    return parts


def review_list(due: Sequence[DueReview], count: int, clock: Clock) -> Component:
    """The patients whose last review is over, folded: who has to be looked at again though no flag may stand."""
    heads = [_("Patient"), _("Since"), _("Reviewed by"), _("What was said")]
    made = [rows.row(_review_cells(one, clock, heads)) for one in due]
    said = counted("{n} patient is due for review again", "{n} patients are due for review again", count)
    more = _("the first {n} are listed", n=whole(len(due))) if count > len(due) else None
    return html.Details(
        [
            html.Summary(said if more is None else f"{said}, {more}"),
            rows.table("worklist-reviews", heads, made, caption=said, css="dense stacking"),
        ],
        className="card due-reviews",
    )


def _review_cells(one: DueReview, clock: Clock, heads: Sequence[str]) -> list[dict[str, Any]]:
    ended = one.review.ended_at
    if ended is None:
        since: Cell = [rows.span(day_text(one.review.until), "overdue")]
    else:
        address = f"/flag/{one.review.ended_by_flag}"
        since = [day_text(ended.astimezone(clock.zone)), " ", rows.link(_("what came up"), address)]
    return [
        rows.cell(
            rows.link(one.patient_name or _("Name not recorded"), f"/p/{quote(one.mrn, safe='')}"),
            rows.below(one.mrn),
            heads=True,
        ),
        rows.cell(*since, name=heads[1]),
        rows.cell(one.review.name, rows.below(day_text(one.review.at.astimezone(clock.zone))), name=heads[2]),
        rows.cell(one.review.why, css="words", name=heads[3]),
    ]
