"""The protocol in force: what this installation brings, the values activated since, and who has signed which.

Every process asks the database each time it begins something, so an activated protocol is taken up without a restart,
and what was begun is ended under one whole version. What was read last is kept for as long as nothing was added.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from clinical.protocol import Protocol, Revision, Threshold, revised
from data.models import ProtocolSignature, ProtocolValue


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a value (e-mail address and name), and when."""

    who: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """How a value came into force: its row, who activated it when and why."""

    id: int
    who: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The protocol in force. `activations` and `signatures` by threshold; a threshold that is in neither has the value
    this installation brought, unsigned."""

    protocol: Protocol
    activations: Mapping[str, Activation]
    signatures: Mapping[str, Signature]

    def threshold(self, name: str) -> Threshold:
        """The threshold as it is in force. Raises KeyError for an unknown name."""
        return self.protocol.threshold(name)


def protocol_in_force(session: Session, base: Protocol) -> Protocol:
    """The protocol to judge by; `base` is the one this installation brings: as bundled, under the site's file."""
    return standing_protocol(session, base).protocol


def standing_protocol(session: Session, base: Protocol) -> Standing:
    """The protocol in force with who activated and who signed what."""
    stamp = session.execute(_STAMP).one()
    key = (base.version, *stamp)
    engine = session.get_bind().engine
    with _lock:
        kept = _kept.get(engine)
    if kept is not None and kept[0] == key:
        return kept[1]
    made = _read(session, base)
    with _lock:
        _kept[engine] = (key, made)
    return made


# What is added last, and when: an id that was given out and taken back may come again with another content.
_STAMP: Final = select(
    select(func.max(ProtocolValue.id)).scalar_subquery(),
    select(func.max(ProtocolValue.at)).scalar_subquery(),
    select(func.max(ProtocolSignature.id)).scalar_subquery(),
    select(func.max(ProtocolSignature.at)).scalar_subquery(),
)
_lock = threading.Lock()
_kept: WeakKeyDictionary[Engine, tuple[Hashable, Standing]] = WeakKeyDictionary()


def _read(session: Session, base: Protocol) -> Standing:
    changeable = {name for name, threshold in base.thresholds.items() if not threshold.fixed}
    values = {
        row.threshold: row
        for row in session.scalars(select(ProtocolValue).order_by(ProtocolValue.id))
        # A threshold that a later version of the program no longer knows, or counts in another unit.
        if row.threshold in changeable and row.unit == base.thresholds[row.threshold].unit
    }
    revisions = {name: Revision(row.value, row.source) for name, row in values.items()}
    signatures = {
        row.threshold: Signature(row.who, row.name, row.at)
        for row in session.scalars(select(ProtocolSignature).order_by(ProtocolSignature.id.desc()))
        if _holds(row, base, values.get(row.threshold))
    }
    activations = {name: Activation(row.id, row.who, row.at, row.why) for name, row in values.items()}
    return Standing(revised(base, revisions, signed=signatures), activations, signatures)


def _holds(signature: ProtocolSignature, base: Protocol, value: ProtocolValue | None) -> bool:
    """Whether what was signed is what is in force now."""
    threshold = base.thresholds.get(signature.threshold)
    if threshold is None or threshold.unit != signature.unit:
        return False
    if value is None:
        return signature.value_id is None and signature.value == threshold.value
    return signature.value_id == value.id
