"""What an import would do, or did, in numbers and in its first rows: small enough to show and to keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.intake.item import Item, Refused
from data.intake.tally import BatchSummary
from data.intake.watch import Seen
from data.models import Patient
from data.people import Actor, visible

MOST_ROWS = 200
MOST_PATIENTS = 50
CUT = 300


class Account:
    """Collects what an import decides. Memory is bounded: rows beyond the first 200 are counted, not kept."""

    def __init__(self) -> None:
        self.read = 0
        self._rows: list[tuple[int | None, dict[str, Any]]] = []
        self._held: list[dict[str, Any]] = []
        self._brought: dict[int, tuple[str, str]] = {}
        self._touched: dict[int, int] = {}

    def watch(self, seen: Sequence[Seen], summary: BatchSummary) -> None:
        """Take note of a chunk."""
        self.read = summary.read
        for one in seen:
            if one.patient is not None and isinstance(one.outcome, str):
                self._brought.setdefault(one.patient[0], (one.patient[1], one.outcome))
            for item in one.items:
                if isinstance(one.outcome, str):
                    self._touched[item.patient_id] = self._touched.get(item.patient_id, 0) + 1
            if len(self._rows) < MOST_ROWS:
                self._rows += _rows(one)

    def document(self, session: Session, actor: Actor, summary: BatchSummary, *, mrn: str | None) -> dict[str, Any]:
        """Counts, patients, first rows and held items. `mrn` is the patient of a file that names none."""
        ids = sorted(self._touched.keys() | self._brought.keys())
        known = _known(session, actor, ids)
        numbers = {id: number for id, (number, _) in self._brought.items()} | {id: n for id, (n, _) in known.items()}
        patients = [
            {
                "mrn": numbers[id],
                "name": known[id][1] if id in known else None,
                "new": id in self._brought and self._brought[id][1] == "stored",
                "rows": self._touched.get(id, 0),
            }
            for id in ids
            if id in numbers
        ]
        if mrn is not None and not patients and summary.stored + summary.unchanged + summary.superseded:
            name = session.scalar(select(Patient.name).where(Patient.mrn == mrn, visible(actor)))
            patients = [{"mrn": mrn, "name": name, "new": False, "rows": summary.stored + summary.unchanged}]
        return {
            "format": summary.format,
            "read": summary.read,
            "stored": summary.stored,
            "unchanged": summary.unchanged,
            "superseded": summary.superseded,
            "ignored": summary.ignored.total(),
            "ignored_types": dict(summary.ignored.most_common(20)),
            "held": len(summary.quarantined),
            "held_first": [_held(one) for one in summary.quarantined[:MOST_ROWS]],
            "patient_count": len(patients),
            "new_patients": sum(patient["new"] for patient in patients),
            "patients": patients[:MOST_PATIENTS],
            "rows": [row | {"mrn": numbers.get(id or 0)} for id, row in self._rows[:MOST_ROWS]],
        }


def _known(session: Session, actor: Actor, ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
    found: dict[int, tuple[str, str | None]] = {}
    for start in range(0, len(ids), 1_000):
        wanted = select(Patient.id, Patient.mrn, Patient.name).where(
            Patient.id.in_(ids[start : start + 1_000]), visible(actor)
        )
        found |= {id: (mrn, name) for id, mrn, name in session.execute(wanted)}
    return found


def _rows(seen: Seen) -> list[tuple[int | None, dict[str, Any]]]:
    place = {"where": seen.where[-CUT:]}
    if isinstance(seen.outcome, Refused):
        return [(None, place | {"verdict": "held", "why": seen.outcome.why[:CUT]})]
    verdict = place | {"verdict": seen.outcome}
    if seen.patient is not None:
        return [(seen.patient[0], verdict | {"what": "patient"})]
    return [(item.patient_id, verdict | _values(item)) for item in seen.items]


def _values(item: Item) -> dict[str, Any]:
    received = " ".join(part for part in (f"{item.comparator or ''}{item.value or ''}", item.unit or "") if part)
    canonical = None
    if item.canonical_value is not None:
        canonical = f"{item.comparator or ''}{item.canonical_value:.6g} {item.canonical_unit or ''}".strip()
    return {
        "what": item.analyte or item.kind,
        "when": item.effective_text[:CUT] or None,
        "received": (received or (item.text or "")[:CUT]) or None,
        "canonical": canonical,
    }


def _held(refused: Refused) -> dict[str, Any]:
    return {
        "where": refused.where[-CUT:],
        "why": refused.why[:CUT],
        "suggestion": refused.suggestion,
        "raw": refused.raw[:CUT],
    }
