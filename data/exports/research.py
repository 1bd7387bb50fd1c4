"""Records for research: under pseudonyms, with shifted days, without a word that somebody wrote, and only of patients
whose newest word about research is yes.

The pseudonym is an HMAC of the patient's uuid under a key that is kept in a file of its own, outside the database; so
is the number of days by which all dates of a patient are moved back, the same for each of theirs. Without that file
nobody finds the way back, with it and the database one does: the file stays with the hospital (docs/privacy.md).
"""

from __future__ import annotations

import hmac
import json
import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.consent import agreed
from data.exports.sheet_cells import Value, sheet
from data.models import Erasure, Patient, Record
from data.people import SYSTEM_ROLE, Actor, Forbidden
from data.survivors import not_merged, standing_id

ACTION: Final = "research.export"
SHIFT_DAYS: Final = 365
OLDEST_TOLD: Final = 89
HEADS: Final = (
    *("pseudonym", "sex", "age_at_sample", "kind", "analyte", "shifted_day", "comparator", "value", "unit"),
    *("ref_low", "ref_high", "fasting", "status", "coded"),
)
# What people wrote or who they are; everything else of a detail is a number or a code.
WRITTEN: Final = frozenset({"note", "notes", "rater", "reader", "decided_by", "why", "label", "lesion", "batch"})
_CODE = re.compile(r"[a-z0-9][a-z0-9;.+-]{0,40}", re.ASCII)


def research_sheet(session: Session, actor: Actor, key: bytes, *, now: datetime) -> tuple[str, int]:
    """The rows as CSV, and of how many patients. `session` writes: the export is in the trail, with its patients.

    Raises Forbidden for anyone but the system, who acts on the machine where the key is.
    """
    if actor.role != SYSTEM_ROLE:
        raise Forbidden("a research export is made on the machine that has the key")
    erased = select(Erasure.patient_id)
    patients = session.scalars(
        select(Patient).where(not_merged(), agreed(Patient.id, "research"), Patient.id.not_in(erased))
    ).all()
    by_id = {patient.id: patient for patient in patients}
    rows = session.execute(
        select(standing_id(Record.patient_id).label("standing"), *Record.__table__.c)
        .where(standing_id(Record.patient_id).in_(by_id), Record.superseded_by.is_(None))
        .order_by(Record.id)
    )
    made = [_row(by_id[row.standing], row, key) for row in rows]
    made.sort(key=lambda one: (str(one[0]), str(one[5])))
    text = sheet(HEADS, made)
    detail = {
        "patients": sorted(p.uuid for p in patients),
        "rows": len(made),
        "sha256": sha256(text.encode()).hexdigest(),
    }
    write_audit(session, actor, ACTION, now=now, detail=detail)
    return text, len(patients)


def pseudonym(uuid: str, key: bytes) -> str:
    """The name of a patient in research data: 16 hexadecimal digits."""
    return hmac.new(key, f"pseudonym {uuid}".encode(), sha256).hexdigest()[:16]


def shift(uuid: str, key: bytes) -> timedelta:
    """By how much the days of a patient are moved back: 1 to SHIFT_DAYS days."""
    drawn = int.from_bytes(hmac.new(key, f"shift {uuid}".encode(), sha256).digest()[:8])
    return timedelta(days=1 + drawn % SHIFT_DAYS)


def _row(patient: Patient, row: Any, key: bytes) -> list[Value]:
    day = row.effective_at.date()
    age = None
    if patient.birth_date is not None:
        born = patient.birth_date
        age = min(OLDEST_TOLD, day.year - born.year - ((day.month, day.day) < (born.month, born.day)))
    return [
        *(pseudonym(patient.uuid, key), patient.sex, age, row.kind, row.analyte),
        (day - shift(patient.uuid, key)).isoformat(),
        *(row.comparator, row.canonical_value, row.canonical_unit, row.canonical_ref_low, row.canonical_ref_high),
        *(row.fasting, row.status, _coded(row.detail)),
    ]


def _coded(detail: dict[str, Any] | None) -> str | None:
    """Numbers, truth values and codes of a detail; no day, no sentence, no name."""
    kept = {
        name: value
        for name, value in (detail or {}).items()
        if name not in WRITTEN
        and (isinstance(value, bool | int | float) or (isinstance(value, str) and _is_code(value)))
    }
    return json.dumps(kept, sort_keys=True) if kept else None


def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and not re.match(r"\d{4}-\d{2}", text)
