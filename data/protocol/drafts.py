"""Changing thresholds: a draft with source and reason, tried on everybody, then activated by a person.

One draft stands at a time, whatever is proposed together is tried together. Whatever changes in it takes its trial
away; a trial counts only for the protocol in force that it was held against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from clinical.protocol import Protocol, Revision, revised
from clinical.saying import say
from data.audit import GIVEN, write_audit
from data.errors import BadInput
from data.flag_hands import require_reason
from data.models import ProtocolDraft, ProtocolTrialChange, ProtocolValue
from data.people import Actor
from data.protocol.in_force import Standing, standing_protocol
from data.protocol.signing import require_signer
from data.sessions import SignedIn
from data.step_up import require_proof

LONGEST: Final = 2000
TRIAL_HOLDS: Final = timedelta(days=7)
"""How long a trial counts: patients go on having results."""


class NotChanged(BadInput):
    """A change of the protocol that cannot be made as asked; the message says why. Nothing was changed."""


def standing_draft(session: Session) -> ProtocolDraft | None:
    """The draft that is worked on, None where none is."""
    return session.scalar(select(ProtocolDraft).where(ProtocolDraft.standing.is_(True)))


def tried_protocol(in_force: Protocol, changes: Mapping[str, Mapping[str, Any]]) -> Protocol:
    """The protocol in force with the changes of a draft; what changes is not signed. Raises ProtocolError."""
    revisions = {name: Revision(float(change["value"]), str(change["source"])) for name, change in changes.items()}
    signed = {name for name, threshold in in_force.thresholds.items() if threshold.signed_off}
    return revised(in_force, revisions, signed=signed - revisions.keys())


def propose(
    session: Session,
    actor: Actor,
    name: str,
    *,
    value: float,
    source: str,
    reason: str,
    base: Protocol,
    now: datetime,
) -> ProtocolDraft:
    """Put another value of a threshold, in its unit, into the standing draft, or into a new one.

    Raises Forbidden, NotChanged (unknown or fixed threshold, no usable value, the value in force, no source, too long),
    ReasonMissing.
    """
    require_signer(actor)
    in_force = standing_protocol(session, base).protocol
    source, reason = source.strip(), reason.strip()
    _check(in_force, name, value, source, reason)
    require_reason(reason)
    draft = _locked(session)
    if draft is None:
        draft = ProtocolDraft(
            id=str(uuid4()), standing=True, state="open", changes={}, version=0, opened_at=now, opened_by=actor.name
        )
        session.add(draft)
    change = {"value": value, "source": source, "reason": reason, "who": actor.name, "at": now.isoformat()}
    replaced = draft.changes.get(name, {}).get("value")
    _rewrite(session, draft, {**draft.changes, name: change})
    detail = {
        "threshold": name,
        "old": in_force[name],
        "replaced": replaced,
        "new": value,
        "source": source,
        "draft": draft.id,
        GIVEN: reason,
    }
    write_audit(session, actor, "protocol.propose", now=now, object=f"threshold {name}", detail=detail)
    return draft


def drop(session: Session, actor: Actor, name: str, *, version: int, now: datetime) -> None:
    """Take one change out of the standing draft; with the last one the draft is withdrawn.

    Raises Forbidden, NotChanged where it is not in it or the draft is no longer at `version`.
    """
    require_signer(actor)
    draft = _at(session, version)
    if name not in draft.changes:
        raise NotChanged(say("the draft does not change this threshold"))
    left = dict(draft.changes)
    dropped = left.pop(name)
    _rewrite(session, draft, left)
    if not left:
        _close(session, draft, "withdrawn", actor, say("nothing was left in it"), now)
    write_audit(
        session,
        actor,
        "protocol.drop",
        now=now,
        object=f"threshold {name}",
        detail={"draft": draft.id, "dropped": dropped["value"], "left": len(left)},
    )


def withdraw(session: Session, actor: Actor, *, version: int, why: str, now: datetime) -> None:
    """Give the standing draft up. Raises Forbidden, NotChanged, ReasonMissing."""
    require_signer(actor)
    require_reason(why)
    draft = _at(session, version)
    _close(session, draft, "withdrawn", actor, why.strip()[:LONGEST], now)
    write_audit(session, actor, "protocol.withdraw", now=now, object=f"draft {draft.id}")


def ask_trial(session: Session, actor: Actor, *, version: int, now: datetime) -> None:
    """Have the standing draft tried on everybody. Raises Forbidden, NotChanged."""
    require_signer(actor)
    draft = _at(session, version)
    if draft.state == "trying":
        raise NotChanged(say("the trial is under way"))
    _forget_trial(session, draft)
    draft.state, draft.asked_at, draft.attempt = "trying", now, draft.attempt + 1
    # How many processes have died of this trial is counted from here.
    draft.progress = {"done": 0, "first": draft.attempt}
    write_audit(session, actor, "protocol.try", now=now, object=f"draft {draft.id}")


def activate(
    session: Session, signed_in: SignedIn, *, version: int, why: str, base: Protocol, now: datetime
) -> Protocol:
    """Put the standing draft in force, as tried; the protocol that then is. What changed is to be signed anew.

    Raises Forbidden, NotChanged (nothing stands or it is no longer at `version`; not tried, too long ago, against
    another protocol, or somebody could not be judged under it), ReasonMissing, ProofMissing.
    """
    actor = signed_in.actor
    person_id = require_signer(actor)
    draft = _at(session, version)
    standing = standing_protocol(session, base)
    _require_trial(draft, standing, now)
    require_reason(why)
    proved = require_proof(session, signed_in, now)
    made = tried_protocol(standing.protocol, draft.changes)
    for name, change in sorted(draft.changes.items()):
        row = ProtocolValue(
            threshold=name,
            old_value=standing.protocol[name],
            value=made[name],
            unit=made.threshold(name).unit,
            source=change["source"],
            reason=change["reason"],
            proposed_by=change["who"],
            draft_id=draft.id,
            protocol_version=made.version,
            person_id=person_id,
            who=actor.name,
            why=why.strip()[:LONGEST],
            at=now,
            proved_at=proved,
        )
        session.add(row)
    values = {name: {"old": standing.protocol[name], "new": made[name]} for name in sorted(draft.changes)}
    _close(session, draft, "activated", actor, why.strip()[:LONGEST], now)
    session.flush()
    detail = {"from": standing.protocol.version, "to": made.version, "values": values, "draft": draft.id}
    write_audit(session, actor, "protocol.activate", now=now, object=f"protocol {made.version}", detail=detail)
    return made


def why_not_activated(draft: ProtocolDraft, standing: Standing, now: datetime) -> str | None:
    """Why a draft cannot be activated as it is; None where it can."""
    if draft.state != "tried" or draft.outcome is None or draft.tried_at is None:
        return say("the draft has not been tried")
    if draft.base_version != standing.protocol.version:
        return say("the protocol in force has changed since the trial; try the draft again")
    if now - draft.tried_at > TRIAL_HOLDS:
        return say("the trial is older than {n} days; try the draft again", n=TRIAL_HOLDS.days)
    if draft.outcome["broken"]:
        return say("{n} patients could not be judged under the draft", n=draft.outcome["broken"])
    return None


def _require_trial(draft: ProtocolDraft, standing: Standing, now: datetime) -> None:
    refused = why_not_activated(draft, standing, now)
    if refused is not None:
        raise NotChanged(refused)


def _check(in_force: Protocol, name: str, value: float, source: str, reason: str) -> None:
    threshold = in_force.thresholds.get(name)
    if threshold is None:
        raise NotChanged(say("there is no threshold {name}", name=name))
    if threshold.fixed:
        raise NotChanged(say("this number belongs to a published definition and cannot be changed"))
    if not math.isfinite(value) or value < 0 or (value == 0 and threshold.value > 0):
        raise NotChanged(say("the new value is a number above zero, in the unit of the threshold"))
    if value == threshold.value:
        raise NotChanged(say("this is the value in force"))
    if threshold.unit == "d" and value != int(value):
        raise NotChanged(say("days are counted in whole numbers"))
    if not source:
        raise NotChanged(say("say where the new value comes from"))
    if len(source) > LONGEST or len(reason) > LONGEST:
        raise NotChanged(say("source and reason have at most {n} letters each", n=LONGEST))


def _locked(session: Session) -> ProtocolDraft | None:
    return session.scalar(select(ProtocolDraft).where(ProtocolDraft.standing.is_(True)).with_for_update())


def _at(session: Session, version: int) -> ProtocolDraft:
    draft = _locked(session)
    if draft is None:
        raise NotChanged(say("no draft stands any more; load the page again"))
    if draft.version != version:
        raise NotChanged(say("somebody changed the draft meanwhile; load the page again"))
    return draft


def _rewrite(session: Session, draft: ProtocolDraft, changes: dict[str, Any]) -> None:
    draft.changes, draft.version, draft.state = changes, draft.version + 1, "open"
    try:
        session.flush()
    except IntegrityError as error:
        raise NotChanged(say("somebody changed the draft meanwhile; load the page again")) from error
    _forget_trial(session, draft)


def _forget_trial(session: Session, draft: ProtocolDraft) -> None:
    session.execute(delete(ProtocolTrialChange).where(ProtocolTrialChange.draft_id == draft.id))
    draft.outcome = draft.base_version = draft.trial_version = draft.tried_at = None
    draft.asked_at = draft.beat_at = draft.progress = draft.why = None


def _close(session: Session, draft: ProtocolDraft, state: str, actor: Actor, why: str, now: datetime) -> None:
    session.execute(delete(ProtocolTrialChange).where(ProtocolTrialChange.draft_id == draft.id))
    draft.standing, draft.state = None, state
    draft.closed_at, draft.closed_by, draft.closed_why = now, actor.name, str(why)
