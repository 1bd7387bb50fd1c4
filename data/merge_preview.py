"""What a merge, or taking one back, would change of what is seen - shown before anybody decides. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from data.flag_moves import CLOSED
from data.merges import merge_in_force, pair_to_merge
from data.models import Flag, Patient, PatientIdentifier, PatientMerge, PatientTeam, ReadingDay, Record, Team
from data.patient_status import state_of
from data.people import Actor

IDENTITY: Final = ("name", "birth_date", "sex")
"""What tells two people apart: where both sides say it and say it differently, they contradict each other."""


def preview_merge(session: Session, actor: Actor, *, merged: str, into: str) -> dict[str, Any]:
    """What merging would show together: `{"merged": side, "survivor": side, "contradictions": [names of facts]}`.

    A side is `{"mrn", "uuid", "name", "birth_date", "sex", "status", "teams", "numbers", "with": [mrns merged into it],
    "records", "first", "last", "sensor_days", "flags"}`: counts of everything under its numbers. Raises what
    `merge_patients` would raise, but for the reason.
    """
    one, survivor = pair_to_merge(session, actor, merged=merged, into=into)
    sides = [_side(session, patient) for patient in (one, survivor)]
    return {"merged": sides[0], "survivor": sides[1], "contradictions": contradictions(*sides)}


def preview_unmerge(session: Session, actor: Actor, *, merged: str) -> dict[str, Any]:
    """What taking the merge in force of `merged` back would leave: as `preview_merge`, each side with what is its own.

    `"since"` is how many records came under the old numbers after the merge, `"reason"`, `"by"`, `"at"` are the
    merge's own. Raises what `unmerge_patient` would raise, but for the reason.
    """
    one, row = merge_in_force(session, actor, merged=merged)
    into = session.get_one(Patient, row.into_id)
    leaving = _merged_into(session, one.id)
    staying = [id for id in _merged_into(session, into.id) if id not in leaving]
    sides = [_side(session, one, leaving), _side(session, into, staying)]
    return {
        "merged": sides[0],
        "survivor": sides[1],
        "contradictions": contradictions(*sides),
        "since": _count(session, Record, leaving, Record.recorded_at > row.merged_at),
        "reason": row.reason,
        "by": row.merged_by,
        "at": row.merged_at.isoformat(),
    }


def person(session: Session, patient: Patient) -> dict[str, Any]:
    """Who a patient is, without anything of the record."""
    numbers = session.execute(
        select(PatientIdentifier.system, PatientIdentifier.value)
        .where(PatientIdentifier.patient_id == patient.id)
        .order_by(PatientIdentifier.id)
    )
    return {
        "mrn": patient.mrn,
        "uuid": patient.uuid,
        "system": patient.mrn_system,
        "name": patient.name,
        "birth_date": None if patient.birth_date is None else patient.birth_date.isoformat(),
        "sex": patient.sex,
        "status": state_of(patient),
        "numbers": [f"{value} ({system})" for system, value in numbers],
    }


def contradictions(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The facts of `IDENTITY` that both sides state, and state differently."""
    return [name for name in IDENTITY if None not in (one[name], other[name]) and one[name] != other[name]]


def _side(session: Session, patient: Patient, group: Sequence[int] | None = None) -> dict[str, Any]:
    ids = _merged_into(session, patient.id) if group is None else group
    mine = Record.patient_id.in_(ids)
    first, last = session.execute(
        select(func.min(Record.effective_at), func.max(Record.effective_at)).where(mine)
    ).one()
    teams = session.scalars(
        select(Team.name)
        .join(PatientTeam, PatientTeam.team_id == Team.id)
        .where(PatientTeam.patient_id.in_(ids))
        .distinct()
        .order_by(Team.name)
    )
    others = session.scalars(select(Patient.mrn).where(Patient.id.in_(ids), Patient.id != patient.id))
    return person(session, patient) | {
        "teams": list(teams),
        "with": sorted(others),
        "records": _count(session, Record, ids, Record.superseded_by.is_(None)),
        "first": _iso(first),
        "last": _iso(last),
        "sensor_days": _count(session, ReadingDay, ids),
        "flags": _count(session, Flag, ids, Flag.status.not_in(sorted(CLOSED))),
    }


def _count(session: Session, table: Any, ids: Sequence[int], *more: Any) -> int:
    wanted = select(func.count()).select_from(table).where(table.patient_id.in_(ids), *more)
    return session.scalar(wanted) or 0


def _merged_into(session: Session, patient_id: int) -> list[int]:
    """The patient and everybody whose chain of merges in force leads through it."""
    from_of: dict[int, list[int]] = {}
    for from_id, into_id in session.execute(
        select(PatientMerge.from_id, PatientMerge.into_id).where(PatientMerge.unmerged_at.is_(None))
    ):
        from_of.setdefault(into_id, []).append(from_id)
    found = [patient_id]
    for id in found:
        found += from_of.get(id, [])
    return sorted(found)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
