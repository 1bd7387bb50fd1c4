"""The rules, run for one patient straight after a save, and the flags it opened or changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from clinical.protocol import Protocol
from clinical.saying import say
from data.announcing import MailPolicy
from data.db import Database
from data.flags import list_flags
from data.judge import judge
from data.models import Flag, Patient
from data.people import Actor
from data.survivors import standing_id, survivor_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the rules said. `changed` are flags that this judging opened or changed, `urgent` every urgent flag that
    stands, as documents of the contract; `failed` says why the rules could not be run (the next sweep tries again)."""

    urgent: tuple[dict[str, Any], ...] = ()
    changed: tuple[dict[str, Any], ...] = ()
    failed: str | None = None


def judge_now(
    database: Database, actor: Actor, patient_id: int, *, protocol: Protocol, mail: MailPolicy, now: datetime
) -> Heard:
    """Judge one patient in a transaction of its own; mails are written, never sent here.

    Never raises for what the rules or the database cannot do: the save before it stands.
    """
    try:
        with database.write() as session:
            own = survivor_of(session, patient_id)
            before = _versions(session, own)
            counts = judge(session, [own], protocol=protocol, as_of=now, now=now, mail=mail, actor=actor)
            after = _versions(session, own)
        with database.read() as session:
            mrn = session.scalar(select(Patient.mrn).where(Patient.id == own))
            flags = list_flags(session, actor, mrn=mrn)
    except SQLAlchemyError:
        return Heard(failed=say("the rules could not be run now; the next sweep will"))
    standing = [flag for flag in flags if flag["status"] not in ("resolved", "overridden")]
    return Heard(
        urgent=tuple(flag for flag in standing if flag["severity"] == "urgent"),
        changed=tuple(flag for flag in standing if after.get(flag["id"]) != before.get(flag["id"])),
        failed=counts.failed[0].why if counts.failed else None,
    )


def _versions(session: Any, patient_id: int) -> dict[str, int]:
    rows = session.execute(select(Flag.id, Flag.version).where(standing_id(Flag.patient_id) == patient_id))
    return {id: version for id, version in rows}
