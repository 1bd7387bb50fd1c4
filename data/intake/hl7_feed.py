"""Messages of a laboratory feed: stored raw, taken in and answered in one transaction, which the caller commits.

Nothing of an answer may leave before that commit. What is received together is stored together: one ingest number and
one audit row for all of it. A feed brings results, never people: what is about nobody known, or not clearly about one
person, waits in quarantine for somebody to look at it, and an alarm says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from data.alarms import Reason, alarm_once
from data.announcing import MailPolicy
from data.audit import write_audit
from data.identity_proposals import propose
from data.intake.deaths import death_told
from data.intake.fhir_read import quoted
from data.intake.fhir_types import Reference
from data.intake.hl7_letter import Arrived, Key, Letter
from data.intake.hl7_patient import has_number, patient_facts
from data.intake.hl7_v2 import Group, Hl7Import, read_messages
from data.intake.holders import Holders
from data.intake.holding import hold
from data.intake.identity import Disputed, PatientFacts, Proposed, holders_of, recognise, restated
from data.intake.item import Held, Refused
from data.intake.learned import IN_FORCE, Learned, learned
from data.intake.parcel import Ignored, Notice, Parcel
from data.intake.source import HL7
from data.journeys import Question, Row, tell
from data.models.base import to_ms
from data.people import Actor
from data.records import Verdict, lock_ingest, open_batch, store_chunk

PARKED: Final = "message.park"
_KEEP: Final = (
    "INSERT INTO hl7_message (application, facility, control_id, digest, peer, content, received_at, state, why,"
    " answer, batch_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (application, facility, control_id, digest) DO UPDATE SET peer = excluded.peer,"
    " received_at = excluded.received_at, state = excluded.state, why = excluded.why, answer = excluded.answer,"
    " batch_id = excluded.batch_id"
)
_HEARD: Final = (
    "INSERT INTO feed (application, facility, last_heard_at, last_control_id, last_peer) VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (application, facility) DO UPDATE SET last_heard_at = excluded.last_heard_at,"
    " last_control_id = excluded.last_control_id, last_peer = excluded.last_peer"
)


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
        batch_id = f"mllp-{now:%Y-%m-%d}"
        known, mappings, opened = lock_ingest(session, _known(usable), IN_FORCE, _opened(batch_id))
        _tell_apart(known, usable)
        sitting = _Sitting(session, desk, now, batch_id, bool(opened), learned(mappings))
        _take_in(sitting, [letter for letter in usable if letter.new])
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


def _known(letters: Sequence[Letter]) -> Question:
    """The question for what was received under the control ids of the letters before."""
    keys = sorted({letter.key for letter in letters})
    marks = ", ".join(["(%s, %s, %s)"] * len(keys))
    return (
        "SELECT application, facility, control_id, digest, state, answer FROM hl7_message"  # noqa: S608  # nosec B608
        f" WHERE (application, facility, control_id) IN (VALUES {marks})",
        tuple(part for key in keys for part in key),
    )


def _opened(batch_id: str) -> Question:
    return "SELECT id FROM batch WHERE id = %s", (batch_id,)


def _tell_apart(known: Sequence[Any], letters: Sequence[Letter]) -> None:
    """Find which were answered before, which carry the control id of another message, and which are new."""
    answered: dict[tuple[Key, str], bytes | None] = {}
    first: set[Key] = set()
    for *key, digest, state, reply in known:
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


def _take_in(sitting: _Sitting, letters: Sequence[Letter]) -> None:
    session, desk, now, batch_id = sitting.session, sitting.desk, sitting.now, sitting.batch_id
    reader = _Reader(sitting)
    reader.read([letter for letter in letters if letter.state == "done"])
    kept = [letter for letter in letters if letter.outcome != "reject"]
    if not kept:
        return
    if not sitting.opened:
        open_batch(session, desk.actor, batch_id=batch_id, format=HL7, now=now)
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
    proposals = [*reader.proposed, *_announced(session, taken)]
    for place, proposed in proposals:
        propose(session, proposed, batch_id=batch_id, place=place, now=now)
    for letter in kept:
        letter.settled(now)
    _keep(session, kept, batch_id=batch_id, now=now)
    conflicts = any(letter.state == "conflict" for letter in kept)
    _alarm(sitting, {"feed-parked": bool(parked), "feed-conflict": conflicts})
    if parked or proposals:
        waits = {"held": len(parked), "proposed": len(proposals)}
        write_audit(session, desk.actor, PARKED, now=now, object=f"batch {batch_id}", detail=waits)


def _alarm(sitting: _Sitting, reasons: Mapping[Reason, bool]) -> None:
    for reason, is_so in reasons.items():
        if is_so:
            alarm_once(sitting.session, reason, sitting.desk.policy, now=sitting.now)


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
    at = to_ms(now)
    rows: list[Row] = []
    heard: dict[tuple[str, str], Row] = {}
    for letter in letters:
        application, facility, control_id = letter.key
        peer, content = letter.arrived.peer, letter.arrived.content
        became = (letter.state, letter.why, letter.settled(now), batch_id)
        rows.append((*letter.key, letter.digest, peer, content, at, *became))
        heard[application, facility] = (application, facility, at, control_id, peer)
    tell(session, [(_KEEP, rows), (_HEARD, list(heard.values()))])


@dataclass(frozen=True, slots=True)
class _Sitting:
    """What is received together: its transaction, the batch of the day, whether it is open, the mappings in force."""

    session: Session
    desk: Desk
    now: datetime
    batch_id: str
    opened: bool
    mappings: Learned


class _Reader:
    """Reads messages into parcels; each patient of a message is recognised or its results are held."""

    given: int | None = None

    def __init__(self, sitting: _Sitting) -> None:
        self._sitting = sitting
        self._import = Hl7Import(sitting.now, self, sitting.desk.zone, sitting.mappings)
        self._met: dict[str, int | Held] = {}
        self.proposed: list[tuple[str, Proposed]] = []

    def read(self, letters: Sequence[Letter]) -> None:
        """Read messages; one of a kind nobody here reads is rejected."""
        found = []
        for letter in letters:
            name = "mllp:" + "/".join(letter.key)
            found.append((letter, name, list(read_messages(name, letter.arrived.content))))
        self._meet([one for _, _, read in found for one in read if isinstance(one, Group)])
        for letter, name, read in found:
            if all(isinstance(one, Parcel) and isinstance(one.outcome, Ignored) for one in read):
                letter.outcome, letter.told = "reject", "messages of this type are not taken here"
            for one in read:
                letter.parcels += self._import.parcels(name, one)

    def resolve(self, file: str, reference: Reference, contained: tuple[dict[str, Any], ...]) -> int:
        """The patient of a group. Raises Held."""
        del file, contained
        found = self._met[reference.reference or ""]
        if isinstance(found, Held):
            raise found
        return found

    def _meet(self, groups: Sequence[Group]) -> None:
        """Find out whom the groups are about, by one look at everybody who has one of their numbers."""
        told: list[tuple[Group, PatientFacts]] = []
        for group in groups:
            try:
                told.append((group, self._facts(group)))
            except Held as held:
                self._met[group.reference] = held
        if not told:
            return
        among = holders_of(self._sitting.session, [facts for _, facts in told])
        for group, facts in told:
            self._met[group.reference] = self._whose(group, facts, among)

    def _facts(self, group: Group) -> PatientFacts:
        if group.pid is None or not has_number(group.pid):
            raise Held("there is no patient number (PID-3)", "send the hospital's number in PID-3")
        return patient_facts(group.pid, self._sitting.now)

    def _whose(self, group: Group, facts: PatientFacts, among: Holders) -> int | Held:
        try:
            known = recognise(self._sitting.session, self._sitting.desk.actor, facts, among)
            self.proposed += [(f"{group.where}.PID", told) for told in death_told(self._sitting.session, facts)]
        except Held as held:
            if isinstance(held, Disputed):
                self.proposed.append((f"{group.where}.PID", held.proposed))
            return held
        return known
