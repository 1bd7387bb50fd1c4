"""Learned mappings: proposed by one person from what was held, in force once another has approved, retired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.analytes import CATALOGUE
from clinical.units import accepted_units
from data.audit import write_audit
from data.errors import BadInput
from data.intake.learned import accepted, named
from data.models import LearnedMapping, Quarantined
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden, NotFound

KINDS: Final = ("unit", "code")
SHORTEST_REASON: Final = 5
LONGEST_WRITTEN: Final = 100
LONGEST_NAME: Final = 200


class MappingError(BadInput):
    """A mapping that cannot be proposed, approved or retired as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMapping:
    """That `laboratory` means `meaning` where it writes `written`. `kind` is unit or code, `item` the held item it was
    seen in."""

    laboratory: str
    kind: str
    written: str
    meaning: str
    reason: str
    item: int | None = None


def propose_mapping(
    session: Session, actor: Actor, new: NewMapping, *, now: datetime, name: str | None = None
) -> dict[str, Any]:
    """Propose a mapping; nothing is read by it before somebody else has approved it.

    Its meaning is a unit Nadir knows or a code of the catalogue, what is written is not one. `name` is who proposes
    where the actor is the command line. Raises MappingError, NotFound for an unknown item, Forbidden for anyone but a
    clinician, an admin or the system.
    """
    who = _who(actor, name)
    lab, text = named(new.laboratory), new.written.strip()
    _check(new.kind, text, new.meaning, new.reason, lab)
    if new.item is not None and session.get(Quarantined, new.item) is None:
        raise NotFound(f"no item {new.item} in quarantine")
    own = LearnedMapping
    there = session.scalar(
        select(own).where(own.laboratory == lab, own.kind == new.kind, own.written == text, own.retired_at.is_(None))
    )
    if there is not None:
        raise MappingError(f"mapping {there.id} says what {new.laboratory!r} means by {text!r}: retire it first")
    row = LearnedMapping(
        laboratory=lab,
        kind=new.kind,
        written=text,
        meaning=new.meaning,
        reason=new.reason.strip(),
        item_id=new.item,
        proposed_by=who,
        proposed_at=now,
    )
    session.add(row)
    session.flush()
    _audit(session, actor, "mapping.propose", row, now, row.reason)
    return _listed(row)


def approve_mapping(
    session: Session, actor: Actor, mapping: int, *, now: datetime, name: str | None = None
) -> dict[str, Any]:
    """Put a proposed mapping in force.

    Raises MappingError when the one who proposed it approves it, NotFound, Forbidden.
    """
    who = _who(actor, name)
    row = _get(session, mapping)
    if row.retired_at is not None:
        raise MappingError(f"mapping {mapping} is retired")
    if row.approved_at is not None:
        raise MappingError(f"mapping {mapping} is in force already")
    if row.proposed_by.casefold() == who.casefold():
        raise MappingError(f"{who} proposed mapping {mapping}: somebody else has to approve it")
    row.approved_by, row.approved_at = who, now
    session.flush()
    _audit(session, actor, "mapping.approve", row, now, None)
    return _listed(row)


def retire_mapping(
    session: Session, actor: Actor, mapping: int, *, reason: str, now: datetime, name: str | None = None
) -> dict[str, Any]:
    """End a mapping, or refuse a proposed one; what was read by it stays and says so. Raises as `approve_mapping`."""
    who = _who(actor, name)
    row = _get(session, mapping)
    if row.retired_at is not None:
        raise MappingError(f"mapping {mapping} is retired already")
    if len(reason.strip()) < SHORTEST_REASON:
        raise MappingError(f"say why in at least {SHORTEST_REASON} letters")
    row.retired_by, row.retired_at, row.retired_reason = who, now, reason.strip()
    session.flush()
    _audit(session, actor, "mapping.retire", row, now, reason)
    return _listed(row)


def list_mappings(session: Session, actor: Actor, *, all: bool = False) -> list[dict[str, Any]]:
    """The mappings proposed and in force, oldest first, with `all` the retired ones too. Raises Forbidden."""
    if actor.role not in (SYSTEM_ROLE, "admin", "auditor", *CLINICAL_ROLES):
        raise Forbidden("mappings are for clinicians and admins")
    wanted = select(LearnedMapping).order_by(LearnedMapping.id)
    rows: Sequence[LearnedMapping] = session.scalars(
        wanted if all else wanted.where(LearnedMapping.retired_at.is_(None))
    ).all()
    return [_listed(row) for row in rows]


def _check(kind: str, written: str, meaning: str, reason: str, laboratory: str) -> None:
    units = {unit for analyte in CATALOGUE for unit in accepted_units(analyte)}
    if kind not in KINDS:
        raise MappingError(f"a mapping is of a unit or a code, not {kind!r}")
    if not laboratory or len(laboratory) > LONGEST_NAME:
        raise MappingError(f"a mapping is of one laboratory, named in 1 to {LONGEST_NAME} characters")
    if not written or len(written) > LONGEST_WRITTEN or not written.isprintable():
        raise MappingError(f"what is written has 1 to {LONGEST_WRITTEN} printable characters")
    if len(reason.strip()) < SHORTEST_REASON:
        raise MappingError(f"say why in at least {SHORTEST_REASON} letters")
    if kind == "unit" and meaning not in units:
        raise MappingError(f"{meaning!r} is no unit Nadir knows")
    if kind == "unit" and any(accepted(analyte, written) for analyte in CATALOGUE):
        raise MappingError(f"{written!r} is a unit Nadir knows: it means what it says")
    if kind == "code" and meaning not in CATALOGUE:
        raise MappingError(f"{meaning!r} is not in the catalogue")
    if kind == "code" and written in CATALOGUE:
        raise MappingError(f"{written!r} is a code of the catalogue: it means what it says")


def _who(actor: Actor, name: str | None) -> str:
    """Whose word it is: the person's own, or on the command line the name that was given."""
    if actor.role not in (SYSTEM_ROLE, "admin", *CLINICAL_ROLES):
        raise Forbidden("mappings are for clinicians and admins")
    if actor.role != SYSTEM_ROLE:
        return actor.name
    if name is None or not name.strip():
        raise MappingError("say who you are: a mapping needs two people")
    return name.strip()[:LONGEST_NAME]


def _get(session: Session, mapping: int) -> LearnedMapping:
    row = session.scalar(select(LearnedMapping).where(LearnedMapping.id == mapping).with_for_update())
    if row is None:
        raise NotFound(f"no mapping {mapping}")
    return row


def _audit(session: Session, actor: Actor, action: str, row: LearnedMapping, now: datetime, reason: str | None) -> None:
    write_audit(
        session,
        actor,
        action,
        now=now,
        object=f"mapping {row.id}",
        detail={
            "laboratory": row.laboratory,
            "kind": row.kind,
            "written": row.written,
            "meaning": row.meaning,
            "proposed_by": row.proposed_by,
            "approved_by": row.approved_by,
            "reason": reason,
        },
    )


def _listed(row: LearnedMapping) -> dict[str, Any]:
    state = "retired" if row.retired_at is not None else "in force" if row.approved_at is not None else "proposed"
    return {
        "id": row.id,
        "state": state,
        "laboratory": row.laboratory,
        "kind": row.kind,
        "written": row.written,
        "meaning": row.meaning,
        "reason": row.reason,
        "item": row.item_id,
        "proposed_by": row.proposed_by,
        "proposed_at": row.proposed_at.isoformat(),
        "approved_by": row.approved_by,
        "approved_at": None if row.approved_at is None else row.approved_at.isoformat(),
        "retired_by": row.retired_by,
        "retired_at": None if row.retired_at is None else row.retired_at.isoformat(),
        "retired_reason": row.retired_reason,
    }
