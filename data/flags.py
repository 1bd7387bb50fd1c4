"""Flags as people read and act on them, each within what the actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.errors import BadInput
from data.flag_hands import at_hand, audit_move, moved
from data.flag_moves import (
    CLINICIANS,
    STATUSES,
    Mover,
    Status,
    check_snooze,
    move,
)
from data.flag_sentences import restored_finding, sentence
from data.models import Flag, FlagHistory, Judgement, Patient, Person
from data.people import Actor, Forbidden, NotFound, visible
from data.survivors import numbered, standing_id, survivor_of

READERS: Final = CLINICIANS | {"system"}
EVIDENCE: Final = ("record", "kind", "analyte", "value", "comparator", "unit", "effective", "ref_high")
COMPARISON: Final = ("kind", "value", "unit", "effective")
DATE_LENGTH: Final = {"year": 4, "month": 7, "day": 10}
THRESHOLD: Final = ("name", "value", "source", "signed_off")


def list_flags(
    session: Session, actor: Actor, *, mrn: str | None = None, status: str | None = None
) -> list[dict[str, Any]]:
    """The flags the actor may see, newest first, as the contract prints them, sentences as they were made (`Said`).

    Raises NotFound for a patient the actor may not see, BadInput for an unknown status, Forbidden for a role that sees
    no patients.
    """
    _require_reader(actor)
    query = (
        select(Flag, Patient.mrn)
        .select_from(Flag)
        .join(Patient, Patient.id == standing_id(Flag.patient_id))
        .where(visible(actor))
        .order_by(Flag.opened_at.desc(), Flag.id)
    )
    if mrn is not None:
        if session.scalar(select(Patient.id).where(numbered(mrn), visible(actor))) is None:
            raise NotFound(f"no patient {mrn!r}")
        query = query.where(numbered(mrn))
    if status is not None:
        if status not in STATUSES:
            raise BadInput(f"no status {status!r}; a flag is one of {', '.join(STATUSES)}")
        query = query.where(Flag.status == status)
    rows = session.execute(query).all()
    histories = _histories(session, [flag.id for flag, _ in rows])
    return [_as_contract(flag, patient_mrn, histories.get(flag.id, [])) for flag, patient_mrn in rows]


def flags_of(session: Session, patient_ids: Sequence[int], mrn: str) -> list[dict[str, Any]]:
    """Every flag of one person, newest first, as the contract prints it but for the history, which stays empty.

    Within a check of the caller: nothing is asked about who may see them.
    """
    flags = session.scalars(
        select(Flag).where(Flag.patient_id.in_(patient_ids)).order_by(Flag.opened_at.desc(), Flag.id)
    )
    return [_as_contract(flag, mrn, []) for flag in flags]


def show_flag(session: Session, actor: Actor, flag_id: str) -> dict[str, Any]:
    """One flag as the contract prints it, with what the flag's page needs beside: `version`, `owner`, `cleared_at`,
    `snoozed_until`, `protocol_version`, the whole `finding` as the rule gave it, and `details`: for each step of the
    history what was noted with it, `{}` for nothing.

    Raises NotFound for a flag the actor may not see, Forbidden for a role that sees no patients.
    """
    _require_reader(actor)
    row = session.execute(
        select(Flag, Patient.mrn, Person.name)
        .select_from(Flag)
        .join(Patient, Patient.id == standing_id(Flag.patient_id))
        .join(Person, Person.id == Flag.owner_id, isouter=True)
        .where(Flag.id == flag_id, visible(actor))
    ).one_or_none()
    if row is None:
        raise NotFound(f"no flag {flag_id!r}")
    flag, mrn, owner = row
    document = _as_contract(flag, mrn, _histories(session, [flag_id]).get(flag_id, []))
    return document | {
        "version": flag.version,
        "owner": owner,
        "cleared_at": _iso(flag.cleared_at),
        "snoozed_until": _iso(flag.snoozed_until),
        "protocol_version": flag.protocol_version,
        "finding": restored_finding(flag.finding),
        "details": [row.detail or {} for row in _steps(session, [flag_id])],
    }


def acknowledge(session: Session, actor: Actor, flag_id: str, *, why: str, version: int, now: datetime) -> Status:
    """Take an open or snoozed flag: "I have it". The actor becomes its owner and what was not mailed yet is cancelled.

    A flag the data have cleared meanwhile is resolved with it: it has now been seen. Returns the status it then has.
    Raises Forbidden, NotFound, ReasonMissing, StaleVersion or NotAllowed, in that order.
    """
    flag = at_hand(session, actor, flag_id, "acknowledge", why=why, version=version)
    status = moved(session, actor, flag, "acknowledge", why, now, {"owner_id": actor.person_id, "reopened_at": None})
    if flag.cleared_at is not None:
        seen = Mover("rules", now, f"seen after the data had cleared it at {_iso(flag.cleared_at)}")
        status = move(session, flag.id, "clear", seen, status=status, version=version + 1)
    audit_move(session, actor, flag, "acknowledge", status, now)
    return status


def snooze(
    session: Session, actor: Actor, flag_id: str, *, why: str, until: datetime, version: int, now: datetime
) -> Status:
    """Put a flag aside until a moment its severity allows; it then comes back by itself to where it was.

    Raises as `acknowledge`, and NotAllowed for a time that is not ahead or too far.
    """
    flag = at_hand(session, actor, flag_id, "snooze", why=why, version=version)
    check_snooze(flag.severity, now=now, until=until)
    status = moved(session, actor, flag, "snooze", why, now, {"snoozed_until": until})
    due = Judgement.next_due_at
    session.execute(
        update(Judgement)
        .where(Judgement.patient_id == survivor_of(session, flag.patient_id), due.is_(None) | (due > until))
        .values(next_due_at=until)
        .execution_options(synchronize_session=False)
    )
    audit_move(session, actor, flag, "snooze", status, now)
    return status


def _require_reader(actor: Actor) -> None:
    if actor.role not in READERS:
        raise Forbidden(f"flags are not for the role {actor.role}")


def _as_contract(flag: Flag, mrn: str, history: list[dict[str, Any]]) -> dict[str, Any]:
    finding = restored_finding(flag.finding)
    said = flag.finding.get("said")
    comparison = finding["compared_with"]
    return {
        "id": flag.id,
        "patient": mrn,
        "rule": flag.rule,
        "rule_version": flag.rule_version,
        "axis": flag.axis,
        "severity": flag.severity,
        "status": flag.status,
        "episode": flag.episode,
        "opened_at": _iso(flag.opened_at),
        "as_of": _iso(flag.as_of),
        "first_evidence_at": _iso(flag.first_evidence_at),
        "title": sentence(said, "title", flag.title),
        "question": sentence(said, "question", flag.question),
        "why": sentence(said, "why", flag.why),
        "evidence": [_evidence(evidence) for evidence in finding["evidence"]],
        "compared_with": None if comparison is None else _some(comparison, COMPARISON),
        "thresholds": [_some(threshold, THRESHOLD) for threshold in finding["thresholds"]],
        "suppressed": finding["suppressed"],
        "contains": finding["contains"],
        "history": history,
    }


def _evidence(evidence: dict[str, Any]) -> dict[str, Any]:
    shown = DATE_LENGTH.get(evidence["precision"])  # a date without a time stays a date
    return _some(evidence, EVIDENCE) | {"effective": evidence["effective"][:shown]}


def _some(document: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: document[key] for key in keys}


def _histories(session: Session, flag_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in _steps(session, flag_ids):
        entry = {"at": _iso(row.at), "who": row.who, "from": row.from_status, "to": row.to_status}
        entry["why"] = sentence(row.detail, "said", row.why)
        found.setdefault(row.flag_id, []).append(entry)
    return found


def _steps(session: Session, flag_ids: list[str]) -> Sequence[FlagHistory]:
    wanted = FlagHistory.flag_id.in_(flag_ids)
    return session.scalars(select(FlagHistory).where(wanted).order_by(FlagHistory.flag_id, FlagHistory.id)).all()


def _iso(moment: datetime | None) -> Any:
    return msgspec.to_builtins(moment)
