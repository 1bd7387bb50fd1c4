"""What a person decides about a flag: a signed record that is never changed, beside the status it leads to.

A decision changes no regimen: that is entered where regimens are. A question that is passed on (investigate, refer) is
not answered yet, so the flag stays in review; every other decision closes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.announcing import cancel_unsent
from data.audit import write_audit
from data.errors import BadInput
from data.flag_hands import reached_flag, require_reason
from data.flag_moves import CLOSED, MOVES, Action, Mover, NotAllowed, Status, change, move, stale
from data.models import Flag, FlagDecision, Person
from data.sessions import SignedIn
from data.step_up import require_proof

NOT_APPLICABLE: Final = "not-applicable"
KINDS: Final = (
    *("no-change", "interval", "dose-up", "dose-down", "switch", "stop", "investigate", "refer"),
    NOT_APPLICABLE,
)
PASSED_ON: Final = frozenset({"investigate", "refer"})
REGIMEN: Final = frozenset({"interval", "dose-up", "dose-down", "switch", "stop"})
REASONS: Final = ("wrong-value", "explained", "known", "other-patient-goal", "rule-does-not-fit", "other")
DECIDERS: Final = MOVES["resolve"].roles
LONGEST: Final = 4000
TAKEN: Final = say("taken with the decision")
_TOWARDS_REVIEW: Final[Mapping[str, Action]] = {"snoozed": "wake", "open": "acknowledge", "acknowledged": "review"}


class NotDecided(BadInput):
    """A decision that cannot be recorded as given; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be recorded: one of `KINDS`, why, and with `not-applicable` one of `REASONS`."""

    kind: str
    rationale: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision as it stands; `again` when it had been recorded before under the same key."""

    id: str
    status: Status
    again: bool = False


def decide(
    session: Session, signed_in: SignedIn, flag_id: str, said: Decision, *, key: str, version: int, now: datetime
) -> Decided:
    """Record a decision about a flag that is not closed, once per `key`, and move the flag where it leads.

    The actor becomes the owner; what lies between the flag's status and its review is gone through in their name.
    Raises Forbidden, NotFound, NotDecided (for what is no decision, and for a key used for something else),
    ReasonMissing, StaleVersion, NotAllowed for a closed flag, ProofMissing, in that order.
    """
    actor = signed_in.actor
    flag = reached_flag(session, actor, flag_id, "resolve")
    person_id = actor.person_id
    if person_id is None:
        raise NotDecided(say("a decision is signed by a person"))
    rationale, digest = said.rationale.strip(), _digest(flag_id, person_id, said)
    before = session.scalar(select(FlagDecision).where(FlagDecision.key == key))
    if before is not None:
        if before.digest != digest:
            raise NotDecided(say("this was already recorded with other content; load the page again"))
        return Decided(before.id, before.to_status, again=True)  # type: ignore[arg-type]
    _check(said, key)
    require_reason(rationale)
    if flag.version != version:
        raise stale(session, flag_id, version)
    if flag.status in CLOSED:
        raise NotAllowed(say("a flag that is {status} is not decided again", status=say(flag.status)))
    proved = require_proof(session, signed_in, now)
    id, mover = str(uuid4()), Mover(actor.name, now, rationale, person_id)
    status, version = _to_review(session, flag, mover)
    status = _end(session, flag_id, said, mover, version, {"decision": id, "kind": said.kind})
    session.add(
        FlagDecision(
            id=id,
            key=key,
            digest=digest,
            flag_id=flag_id,
            flag_version=flag.version,
            rule_version=flag.rule_version,
            protocol_version=flag.protocol_version,
            basis={
                "as_of": flag.as_of.isoformat(),
                "why": flag.why,
                "records": [evidence["record"] for evidence in flag.finding["evidence"]],
            },
            decision=said.kind,
            reason=said.reason,
            rationale=rationale,
            to_status=status,
            person_id=person_id,
            who=actor.name,
            at=now,
            proved_at=proved,
        )
    )
    session.flush()
    cancel_unsent(session, [flag_id], why=f"the flag is {status}")
    detail = {"rule": flag.rule, "from": flag.status, "to": status, "version": version + 1, "decision": said.kind}
    detail |= {"id": id} | ({"reason": said.reason} if said.reason else {})
    write_audit(session, actor, "flag.decide", now=now, patient_uuid=flag.uuid, object=flag_id, detail=detail)
    return Decided(id, status)


def decisions_of(session: Session, patient_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Every decision about flags of one person, oldest first: `id, flag, decision, reason, rationale, at` (aware UTC),
    `who` (e-mail address), `name, why` (what the flag said then).

    Within a check of the caller: nothing is asked about who may see them.
    """
    return _decisions(session, Flag.patient_id.in_(patient_ids))


def decisions_on(session: Session, flag_id: str) -> list[dict[str, Any]]:
    """The decisions about one flag; otherwise as `decisions_of`."""
    return _decisions(session, Flag.id == flag_id)


def _decisions(session: Session, wanted: ColumnElement[bool]) -> list[dict[str, Any]]:
    rows = session.execute(
        select(FlagDecision, Person.name)
        .join(Flag, Flag.id == FlagDecision.flag_id)
        .join(Person, Person.id == FlagDecision.person_id)
        .where(wanted)
        .order_by(FlagDecision.at, FlagDecision.id)
    ).all()
    return [
        {
            "id": row.id,
            "flag": row.flag_id,
            "decision": row.decision,
            "reason": row.reason,
            "rationale": row.rationale,
            "at": row.at,
            "who": row.who,
            "name": name,
            "why": row.basis["why"],
        }
        for row, name in rows
    ]


def _check(said: Decision, key: str) -> None:
    if said.kind not in KINDS:
        raise NotDecided(say("choose what is decided"))
    if said.kind == NOT_APPLICABLE and said.reason not in REASONS:
        raise NotDecided(say("choose why the flag does not apply"))
    if said.kind != NOT_APPLICABLE and said.reason is not None:
        raise NotDecided(say("a reason of the list goes only with a flag that does not apply"))
    if len(said.rationale) > LONGEST:
        raise NotDecided(say("the rationale is longer than {n} letters", n=LONGEST))
    if not 16 <= len(key) <= 64 or not key.isascii():
        raise NotDecided(say("the page has no key of its own; load it again"))


def _to_review(session: Session, flag: Any, mover: Mover) -> tuple[Status, int]:
    status, version = flag.status, flag.version
    on_the_way = Mover(mover.who, mover.at, TAKEN, mover.person_id)
    while status != "in-review":
        status = move(session, flag.id, _TOWARDS_REVIEW[status], on_the_way, status=status, version=version)
        version += 1
    return status, version


def _end(
    session: Session, flag_id: str, said: Decision, mover: Mover, version: int, detail: Mapping[str, Any]
) -> Status:
    values = {"owner_id": mover.person_id}
    if said.kind in PASSED_ON:
        change(
            session,
            flag_id,
            mover,
            status="in-review",
            target="in-review",
            version=version,
            values=values,
            detail=detail,
        )
        return "in-review"
    action: Action = "override" if said.kind == NOT_APPLICABLE else "resolve"
    return move(session, flag_id, action, mover, status="in-review", version=version, values=values, detail=detail)


def _digest(flag_id: str, person_id: int, said: Decision) -> str:
    content = [flag_id, person_id, said.kind, said.reason, said.rationale.strip()]
    return sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
