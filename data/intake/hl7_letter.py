"""One message of a feed on its way through: what it is known by, what became of it, and its answer, made once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from data.intake.hl7_answer import Header, Outcome, Unanswerable, answer, read_header
from data.intake.parcel import Parcel

Key = tuple[str, str, str]
State = Literal["done", "conflict", "failed"]
_FURTHER_HEADER = re.compile(rb"[\r\n](?:MSH|FHS|BHS)")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as it came, without its block, from the address `peer`."""

    content: bytes
    peer: str


class Letter:
    """One message on its way through: `fault` says why it is neither taken in nor kept.

    `rehearsal` is set where the reason is that it is not about real patients.
    """

    def __init__(self, arrived: Arrived) -> None:
        self.arrived = arrived
        self.digest = sha256(arrived.content).hexdigest()
        self.header: Header | None = None
        self.fault: str | None = None
        self.rehearsal = False
        self.outcome: Outcome = "accept"
        self.state: State = "done"
        self.told = ""
        self.why: str | None = None
        self.stored: tuple[bytes | None] | None = None
        self.same_as: Letter | None = None
        self.parcels: list[Parcel] = []
        try:
            self.header = read_header(arrived.content)
            self.fault = self.header.fault() or self.header.rehearsal
            self.rehearsal = self.header.rehearsal is not None
        except Unanswerable as error:
            self.fault = str(error)
        if self.fault is None and _FURTHER_HEADER.search(arrived.content.strip()):
            self.fault = "a block holds one message"
        if self.fault is not None:
            self.outcome, self.told = "reject", self.fault

    @property
    def key(self) -> Key:
        """What a sender promises to use for one message only."""
        application, facility = ("", "") if self.header is None else self.header.sender
        return application, facility, "" if self.header is None else self.header.control_id

    @property
    def new(self) -> bool:
        """Whether it is still to be taken in."""
        return self.stored is None and self.same_as is None and self.fault is None

    def settled(self, now: datetime) -> bytes | None:
        """The answer; made once, so that it is the same whenever the message comes again."""
        if self.same_as is not None:
            return self.same_as.settled(now)
        if self.stored is None:
            self.stored = (answer(self.header, self.outcome, self.told, now=now),)
        return self.stored[0]
