"""A flag of the worklist as the cells of a row, and as the one card that a phone shows instead."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from dashboard.language import _, tell
from dashboard.parts import rows
from dashboard.parts.badges import DUE_WORDS
from dashboard.parts.times import Clock, day_text, moment_text, since_text
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
    return [when, rows.below(_(DUE_WORDS[row.severity]))]


def _standing(row: WorklistRow, clock: Clock) -> Cell:
    parts: Cell = [rows.status(row.status), rows.below(row.owner or _("nobody has it"))]
    if row.cleared_at is not None:
        parts.append(rows.below(_("data cleared it, not seen yet")))
    if row.snoozed_until is not None:
        parts.append(rows.below(_("until {at}", at=moment_text(row.snoozed_until, clock.zone))))
    return parts
