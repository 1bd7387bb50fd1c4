"""A flag in the hands of a person: found among what they may see, at the version they read, with a reason given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.announcing import cancel_unsent
from data.audit import write_audit
from data.errors import BadInput
from data.flag_moves import MOVES, Action, Mover, Status, move, next_status, stale
from data.models import Flag, Patient
from data.people import Actor, Forbidden, NotFound, visible
from data.survivors import standing_id

SHORTEST_REASON: Final = 3


class ReasonMissing(BadInput):
    """An action on a flag without a reason of at least a few letters."""


def reached_flag(session: Session, actor: Actor, flag_id: str, action: Action) -> Any:
    """The row of the flag, locked, with the `uuid` of its patient. Raises Forbidden for a role `action` is not for,
    NotFound for a flag the actor may not see."""
    if actor.role not in MOVES[action].roles:
        raise Forbidden(f"to {action} a flag is not for the role {actor.role}")
    flag = session.execute(
        select(
            *(Flag.id, Flag.patient_id, Patient.uuid, Flag.severity, Flag.status, Flag.version, Flag.cleared_at),
            *(Flag.rule, Flag.rule_version, Flag.protocol_version, Flag.episode, Flag.why, Flag.as_of, Flag.finding),
        )
        .select_from(Flag)
        .join(Patient, Patient.id == standing_id(Flag.patient_id))
        .where(Flag.id == flag_id, visible(actor))
        .with_for_update(of=Flag)
    ).one_or_none()
    if flag is None:
        raise NotFound(f"no flag {flag_id!r}")
    return flag


def at_hand(session: Session, actor: Actor, flag_id: str, action: Action, *, why: str, version: int) -> Any:
    """As `reached_flag`; raises besides ReasonMissing, StaleVersion, NotAllowed, in that order."""
    flag = reached_flag(session, actor, flag_id, action)
    require_reason(why)
    if flag.version != version:
        raise stale(session, flag_id, version)
    next_status(flag.status, action)
    return flag


def require_reason(why: str) -> None:
    """Raise ReasonMissing for fewer than a few letters."""
    if len(why.strip()) < SHORTEST_REASON:
        raise ReasonMissing(say("say why in at least {n} letters", n=SHORTEST_REASON))


def moved(
    session: Session, actor: Actor, flag: Any, action: Action, why: str, now: datetime, values: Mapping[str, Any]
) -> Status:
    """Make the move in the actor's name and cancel what was not mailed yet; returns the new status."""
    mover = Mover(actor.name, now, why.strip(), actor.person_id)
    status = move(session, flag.id, action, mover, status=flag.status, version=flag.version, values=values)
    cancel_unsent(session, [flag.id], why=f"the flag is {status}")
    return status


def audit_move(session: Session, actor: Actor, flag: Any, action: Action, status: Status, now: datetime) -> None:
    """Write the audit row of a move."""
    detail = {"rule": flag.rule, "from": flag.status, "to": status, "version": flag.version + 1}
    write_audit(session, actor, f"flag.{action}", now=now, patient_uuid=flag.uuid, object=flag.id, detail=detail)
