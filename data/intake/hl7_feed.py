"""Messages of a laboratory feed: stored raw, taken in and answered in one transaction, which the caller commits.

Nothing of an answer may leave before that commit. What is received together is stored together: one ingest number and
one audit row for all of it. A feed brings results, never people: what is about nobody known, or not clearly about one
person, waits in quarantine for somebody to look at it, and an alarm says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, select, tuple_
from sqlalchemy.orm import Session

from data.alarms import Reason, alarm_once
from data.announcing import MailPolicy
from data.identity_proposals import propose
from data.intake.deaths import death_told
from data.intake.fhir_read import quoted
from data.intake.fhir_types import Reference
from data.intake.hl7_letter import Arrived, Key, Letter
from data.intake.hl7_patient import has_number, patient_facts
from data.intake.hl7_v2 import Group, Hl7Import, read_messages
from data.intake.holding import hold
from data.intake.identity import Disputed, Proposed, recognise, restated
from data.intake.item import Held, Refused
from data.intake.learned import in_force
from data.intake.parcel import Ignored, Notice, Parcel
from data.intake.source import HL7
from data.models import Batch, Feed, Hl7Message
from data.people import Actor
from data.records import Verdict, lock_ingest, open_batch, store_chunk
from data.upsert import insert_on

_MESSAGE = cast(Table, Hl7Message.__table__)
_KEY = (_MESSAGE.c.application, _MESSAGE.c.facility, _MESSAGE.c.control_id)
# Made once: building a statement costs more than a small one takes.
_KNOWN = select(*_KEY, _MESSAGE.c.digest, _MESSAGE.c.state, _MESSAGE.c.answer).where(
    tuple_(*_KEY).in_(bindparam("keys", expanding=True))
)
_BATCH = cast(Table, Batch.__table__).c
_OPENED = select(_BATCH.id).where(_BATCH.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class Desk:
    """Who takes a feed in: the acting system, the zone of times that carry none, whom alarms go to."""

    actor: Actor
    zone: ZoneInfo
    policy: MailPolicy


def receive(session: Session, desk: Desk, arrived: Sequence[Arrived], *, now: datetime) -> list[bytes | None]:
    """Take messages in, in order, and give the answer to each; None where its sender wants none.

    A message that was taken in before is answered as it was then, and nothing is applied twice; one that carries the
    control id of another is refused. Raises SQLAlchemyError when the database cannot do it, and whatever else goes
    wrong: then none of it must be committed.
    """
    letters = [Letter(one) for one in arrived]
    usable = [letter for letter in letters if letter.fault is None]
    if usable:
        lock_ingest(session)
        _tell_apart(session, usable)
        _take_in(session, desk, [letter for letter in usable if letter.new], now)
    if any(letter.rehearsal for letter in letters):
        alarm_once(session, "feed-training", desk.policy, now=now)
    return [letter.settled(now) for letter in letters]


def keep_failed(session: Session, desk: Desk, arrived: Arrived, why: str, *, now: datetime) -> bytes | None:
    """Keep a message that could not be taken in, raise the alarm, and give the answer that says so.

    Sent again it is tried again. `why` is for those who run the site; the sender is told nothing of it.
    """
    letter = Letter(arrived)
    if letter.fault is None:
        letter.outcome, letter.state, letter.told = "error", "failed", "it could not be taken in, the site is told"
        letter.why = why
        _keep(session, [letter], batch_id=None, now=now)
        alarm_once(session, "feed-failed", desk.policy, now=now)
    return letter.settled(now)


def _tell_apart(session: Session, letters: Sequence[Letter]) -> None:
    """Find which were answered before, which carry the control id of another message, and which are new."""
    keys = sorted({letter.key for letter in letters})
    answered: dict[tuple[Key, str], bytes | None] = {}
    first: set[Key] = set()
    for *key, digest, state, reply in session.connection().execute(_KNOWN, {"keys": keys}):
        if state != "failed":
            answered[(key[0], key[1], key[2]), digest] = reply
        if state == "done":
            first.add((key[0], key[1], key[2]))
    here: dict[tuple[Key, str], Letter] = {}
    for letter in letters:
        mark = (letter.key, letter.digest)
        if mark in answered:
            letter.stored = (answered[mark],)
        elif mark in here:
            letter.same_as = here[mark]
        else:
            here[mark] = letter
            if letter.key in first:
                letter.outcome, letter.state = "error", "conflict"
                letter.told = "this control id was used for another message"
            first.add(letter.key)


def _take_in(session: Session, desk: Desk, letters: Sequence[Letter], now: datetime) -> None:
    reader = _Reader(session, desk, now)
    for letter in letters:
        if letter.state == "done":
            reader.read(letter)
    kept = [letter for letter in letters if letter.outcome != "reject"]
    if not kept:
        return
    batch_id = _batch_of_today(session, desk, now)
    taken = [(letter, parcel) for letter in kept for parcel in letter.parcels]
    items = [item for _, parcel in taken if isinstance(parcel.outcome, tuple) for item in parcel.outcome]
    verdicts = iter(store_chunk(session, batch_id=batch_id, items=items, actor=desk.actor, now=now))
    parked: list[Refused] = []
    for letter, parcel in taken:
        refused = _refused(parcel, verdicts)
        if refused is not None:
            parked.append(refused)
            letter.told = "stored; part of it waits for a person"
    hold(session, parked, batch_id=batch_id, format=HL7, options={"zone": desk.zone.key}, now=now)
    for place, proposed in [*reader.proposed, *_announced(session, taken)]:
        propose(session, proposed, batch_id=batch_id, place=place, now=now)
    for letter in kept:
        letter.settled(now)
    _keep(session, kept, batch_id=batch_id, now=now)
    reasons: dict[Reason, bool] = {
        "feed-parked": bool(parked),
        "feed-conflict": any(letter.state == "conflict" for letter in kept),
    }
    for reason, is_so in reasons.items():
        if is_so:
            alarm_once(session, reason, desk.policy, now=now)


def _batch_of_today(session: Session, desk: Desk, now: datetime) -> str:
    batch_id = f"mllp-{now:%Y-%m-%d}"
    if session.connection().execute(_OPENED, {"id": batch_id}).first() is None:
        open_batch(session, desk.actor, batch_id=batch_id, format=HL7, now=now)
    return batch_id


def _announced(session: Session, taken: Sequence[tuple[Letter, Parcel]]) -> Iterator[tuple[str, Proposed]]:
    """What messages without results say of patients, with their places; a person decides about each."""
    for _, parcel in taken:
        if isinstance(parcel.outcome, Notice):
            notice = parcel.outcome
            for proposed in (*restated(session, notice.facts, notice.merged), *death_told(session, notice.facts)):
                yield parcel.where, proposed


def _refused(parcel: Parcel, verdicts: Iterator[Verdict]) -> Refused | None:
    """The parcel for quarantine, if it or a part of it was refused."""
    if isinstance(parcel.outcome, Refused):
        return parcel.outcome
    if not isinstance(parcel.outcome, tuple):
        return None
    why = sorted(
        {
            verdict.why or "refused"
            for _, verdict in zip(parcel.outcome, verdicts, strict=False)
            if verdict.outcome == "refused"
        }
    )
    if not why:
        return None
    suggestion = "send it again with OBX-11 C, or settle it by hand"
    return Refused(where=parcel.where, why="; ".join(why), suggestion=suggestion, raw=quoted(parcel.raw))


def _keep(session: Session, letters: Sequence[Letter], *, batch_id: str | None, now: datetime) -> None:
    """Store the messages as they came, with their answers, and that their senders were heard."""
    rows: list[dict[str, Any]] = []
    heard: dict[tuple[str, str], dict[str, Any]] = {}
    for letter in letters:
        application, facility, control_id = letter.key
        sender = {"application": application, "facility": facility}
        peer = letter.arrived.peer
        rows.append(
            sender
            | {
                "peer": peer,
                "control_id": control_id,
                "digest": letter.digest,
                "content": letter.arrived.content,
                "received_at": now,
                "state": letter.state,
                "why": letter.why,
                "answer": letter.settled(now),
                "batch_id": batch_id,
            }
        )
        heard[application, facility] = sender | {
            "last_heard_at": now,
            "last_control_id": control_id,
            "last_peer": peer,
        }
    connection = session.connection()
    keep_messages, keep_heard = _keeping(connection.dialect.name)
    connection.execute(keep_messages, rows)
    connection.execute(keep_heard, list(heard.values()))


@cache
def _keeping(dialect: str) -> tuple[Any, Any]:
    """The statements that keep messages and when their senders were heard, on a kind of database."""
    message, feed = insert_on(dialect, _MESSAGE), insert_on(dialect, cast(Table, Feed.__table__))
    changed = {name: message.excluded[name] for name in ("received_at", "state", "why", "answer", "batch_id", "peer")}
    index = ["application", "facility", "control_id", "digest"]
    latest = {name: feed.excluded[name] for name in ("last_heard_at", "last_control_id", "last_peer")}
    return (
        message.on_conflict_do_update(index_elements=index, set_=changed),
        feed.on_conflict_do_update(index_elements=["application", "facility"], set_=latest),
    )


class _Reader:
    """Reads messages into parcels; each patient of a message is recognised or its results are held."""

    given: int | None = None

    def __init__(self, session: Session, desk: Desk, now: datetime) -> None:
        self._session = session
        self._desk = desk
        self._now = now
        self._import = Hl7Import(now, self, desk.zone, in_force(session))
        self._met: dict[str, int | Held] = {}
        self.proposed: list[tuple[str, Proposed]] = []

    def read(self, letter: Letter) -> None:
        """Read one message; one of a kind nobody here reads is rejected."""
        name = "mllp:" + "/".join(letter.key)
        read = list(read_messages(name, letter.arrived.content))
        if all(isinstance(one, Parcel) and isinstance(one.outcome, Ignored) for one in read):
            letter.outcome, letter.told = "reject", "messages of this type are not taken here"
        for one in read:
            if isinstance(one, Group):
                self._met[one.reference] = self._whose(one)
            letter.parcels += self._import.parcels(name, one)

    def resolve(self, file: str, reference: Reference, contained: tuple[dict[str, Any], ...]) -> int:
        """The patient of a group. Raises Held."""
        del file, contained
        found = self._met[reference.reference or ""]
        if isinstance(found, Held):
            raise found
        return found

    def _whose(self, group: Group) -> int | Held:
        try:
            if group.pid is None or not has_number(group.pid):
                raise Held("there is no patient number (PID-3)", "send the hospital's number in PID-3")
            facts = patient_facts(group.pid, self._now)
            known = recognise(self._session, self._desk.actor, facts)
            self.proposed += [(f"{group.where}.PID", told) for told in death_told(self._session, facts)]
        except Held as held:
            if isinstance(held, Disputed):
                self.proposed.append((f"{group.where}.PID", held.proposed))
            return held
        return known
