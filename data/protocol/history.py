"""What was done to the protocol, newest first: values activated, values signed, drafts given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.models import ProtocolDraft, ProtocolSignature, ProtocolValue

MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One deed. `old` and `new` in `unit`; a draft that was withdrawn names no threshold."""

    what: Literal["activated", "signed", "withdrawn"]
    at: datetime
    who: str
    threshold: str | None = None
    old: float | None = None
    new: float | None = None
    unit: str | None = None
    why: str = ""
    source: str = ""
    proposed_by: str = ""
    version: str = ""


def protocol_history(session: Session, threshold: str | None = None) -> tuple[Step, ...]:
    """The newest deeds, of one threshold or of all. Who proposed, tried and read stands in the audit trail too."""
    values, signatures = select(ProtocolValue), select(ProtocolSignature)
    if threshold is not None:
        values = values.where(ProtocolValue.threshold == threshold)
        signatures = signatures.where(ProtocolSignature.threshold == threshold)
    steps = [
        Step(
            what="activated",
            at=row.at,
            who=row.who,
            threshold=row.threshold,
            old=row.old_value,
            new=row.value,
            unit=row.unit,
            why=f"{row.reason} / {row.why}",
            source=row.source,
            proposed_by=row.proposed_by,
            version=row.protocol_version,
        )
        for row in session.scalars(values.order_by(ProtocolValue.id.desc()).limit(MOST))
    ]
    steps += [
        Step(
            what="signed",
            at=row.at,
            who=row.who,
            threshold=row.threshold,
            new=row.value,
            unit=row.unit,
            version=row.protocol_version,
        )
        for row in session.scalars(signatures.order_by(ProtocolSignature.id.desc()).limit(MOST))
    ]
    if threshold is None:
        given_up = select(ProtocolDraft).where(ProtocolDraft.state == "withdrawn")
        steps += [
            Step(what="withdrawn", at=row.closed_at, who=row.closed_by or "", why=row.closed_why or "")
            for row in session.scalars(given_up.order_by(ProtocolDraft.closed_at.desc()).limit(MOST))
            if row.closed_at is not None
        ]
    return tuple(sorted(steps, key=lambda step: step.at, reverse=True)[:MOST])
