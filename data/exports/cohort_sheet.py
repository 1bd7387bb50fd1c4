"""The cohort as a file for a spreadsheet, with the audit row that says who took whom out."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

import msgspec
from sqlalchemy.orm import Session

from clinical.finding import SEVERITIES
from data.audit import write_audit
from data.cohort import CohortRow, CohortView, cohort
from data.exports.sheet_cells import Value, sheet
from data.people import Actor

HEADS = (
    *("mrn", "name", "birth_date", "deceased", "as_of", "newer_data_wait", "state", "last_seen"),
    *("glucagon", "glucagon_comparator", "glucagon_unit", "glucagon_upper_limit", "glucagon_times_limit"),
    *("glucagon_at", "iga", "skin", "skin_at", "response", "response_at", "best_change_percent", "best_change_on"),
    *("hba1c", "hba1c_comparator", "hba1c_unit", "hba1c_at", "time_in_range_percent", "time_in_range_to"),
    *("weight_kg", "weight_at", "weight_change_percent", "drug", "dose", "dose_unit", "interval_days"),
    *("next_injection", "overdue", *(f"flags_{severity}" for severity in SEVERITIES)),
)
_NO_RESULT: tuple[Value, ...] = (None,) * 4


def cohort_sheet(session: Session, actor: Actor, view: CohortView, *, now: datetime) -> str:
    """The whole view as CSV, and an audit row with the view, the patients in it and the hash of the file."""
    rows = cohort(session, actor, view)
    text = sheet(HEADS, (_row(row) for row in rows))
    asked = {name: value for name, value in msgspec.to_builtins(view).items() if value and name != "find"}
    write_audit(
        session,
        actor,
        "cohort.export",
        now=now,
        detail={
            "view": asked,
            "searched": view.find is not None,
            "rows": len(rows),
            "patients": [row.uuid for row in rows],
            "sha256": sha256(text.encode()).hexdigest(),
        },
    )
    return text


def _row(row: CohortRow) -> list[Value]:
    head: list[Value] = [row.mrn, row.name, row.birth_date, row.deceased, row.as_of, row.waiting]
    tail: list[Value] = [row.overdue, *(row.flags[severity] for severity in SEVERITIES)]
    seen = row.glance
    if seen is None:
        return [*head, *(None,) * (len(HEADS) - len(head) - len(tail)), *tail]
    glucagon, hba1c, given, best = seen.glucagon, seen.hba1c, seen.regimen, seen.best_change
    return [
        *head,
        *(seen.state, seen.last_seen),
        *((glucagon.value, glucagon.comparator, glucagon.unit) if glucagon else _NO_RESULT[:3]),
        *((glucagon.ref_high, glucagon.times_limit, glucagon.at) if glucagon else _NO_RESULT[:3]),
        *(seen.iga, seen.skin, seen.skin_at, seen.response, seen.response_at),
        *((best.percent, best.on) if best else _NO_RESULT[:2]),
        *((hba1c.value, hba1c.comparator, hba1c.unit, hba1c.at) if hba1c else _NO_RESULT),
        *((_percent(seen.sensor.in_range), seen.sensor.last) if seen.sensor else _NO_RESULT[:2]),
        *(seen.weight_kg, seen.weight_at, seen.weight_change.percent if seen.weight_change else None),
        *((given.drug, given.dose, given.unit, given.interval_days) if given else _NO_RESULT),
        given.next_planned if given else None,
        *tail,
    ]


def _percent(part: float | None) -> float | None:
    return None if part is None else 100 * part
