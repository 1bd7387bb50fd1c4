"""Signing thresholds off: an oncologist, by name, with the password typed again, for the value that is in force."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from clinical.saying import say
from data.audit import write_audit
from data.errors import BadInput
from data.models import ProtocolSignature
from data.people import Actor, Forbidden
from data.protocol.in_force import standing_protocol
from data.sessions import SignedIn
from data.step_up import require_proof

SIGNERS: Final = frozenset({"oncologist"})
READERS: Final = frozenset({"oncologist", "nurse", "admin", "auditor"})


class NotSigned(BadInput):
    """What cannot be signed as asked; the message says why."""


def require_signer(actor: Actor) -> int:
    """The id of the person. Raises Forbidden for who may not change or sign the protocol."""
    if actor.role not in SIGNERS or actor.person_id is None:
        raise Forbidden("the protocol is changed and signed by oncologists")
    return actor.person_id


def sign_off(
    session: Session, signed_in: SignedIn, names: Collection[str], *, version: str, base: Protocol, now: datetime
) -> int:
    """Sign these thresholds as they are in force; how many were not signed before.

    `version` is that of the protocol that was read. Raises Forbidden, NotSigned (nothing chosen, an unknown name,
    another protocol in force by now), ProofMissing, in that order.
    """
    person_id = require_signer(signed_in.actor)
    standing = standing_protocol(session, base)
    if not names:
        raise NotSigned(say("tick what you sign"))
    if unknown := sorted(set(names) - standing.protocol.thresholds.keys()):
        raise NotSigned(say("there is no threshold {name}", name=unknown[0]))
    if standing.protocol.version != version:
        raise NotSigned(say("the protocol was changed since you read it; load the page again"))
    proved = require_proof(session, signed_in, now)
    wanted = sorted(set(names) - standing.signatures.keys())
    for name in wanted:
        threshold, set_by = standing.threshold(name), standing.activations.get(name)
        session.add(
            ProtocolSignature(
                threshold=name,
                value=threshold.value,
                unit=threshold.unit,
                source=threshold.source,
                value_id=None if set_by is None else set_by.id,
                protocol_version=version,
                person_id=person_id,
                who=signed_in.actor.name,
                name=signed_in.person_name,
                at=now,
                proved_at=proved,
            )
        )
    session.flush()
    if wanted:
        values = {name: standing.protocol[name] for name in wanted}
        detail = {"protocol": version, "values": values}
        write_audit(session, signed_in.actor, "protocol.sign", now=now, object=f"protocol {version}", detail=detail)
    return len(wanted)
