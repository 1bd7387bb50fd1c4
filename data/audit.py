"""The audit chain: every row is bound to the one before it by an HMAC under a key that is not in the database.

A row edited, removed, swapped or inserted without the key breaks the chain from that row on. The head row is locked
while a row is appended, so that two writers can neither fork the chain nor leave a gap. Cutting rows off the end shows
only against the head kept here or an anchor kept elsewhere.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from data.journeys import Question, Statement, ask, tell
from data.models import Audit, AuditHead, AuditReason
from data.models.base import to_ms

if TYPE_CHECKING:
    from data.people import Actor

HEAD_ID = 1
FIRST_MAC = "0" * 64
GIVEN = "reason_given"
REASON_MAC = "reason_mac"
ERASED = "patient.erase"
"""The action whose rows name, in their detail's `reasons`, the rows whose reasons were erased."""
_COLUMNS = ("at", "actor", "role", "action", "patient_uuid", "object", "outcome", "request_id", "source", "detail")
_STORED = ("seq", "key_id", "mac", *_COLUMNS)
_MAC = _STORED.index("mac")
_APPEND = f"INSERT INTO audit ({', '.join(_STORED)}) VALUES ({', '.join(['%s'] * len(_STORED))})"  # noqa: S608  # nosec B608
_MOVE_HEAD = "UPDATE audit_head SET seq = %s, mac = %s WHERE id = %s"
_KEEP_REASON = "INSERT INTO audit_reason (seq, words) VALUES (%s, %s)"
_BOTH = f"WITH moved AS ({_MOVE_HEAD}) {_APPEND}"


class AuditUnavailable(RuntimeError):
    """No audit row can be written, so nothing that needs one may happen. The message says why."""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `verify` found: how many rows stand, and the first that does not with the reason."""

    rows: int
    head_mac: str
    first_bad: int | None = None
    why: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the whole chain stands."""
        return self.first_bad is None


def key_id(key: bytes) -> str:
    """The name of a key on audit rows: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(key).hexdigest()[:16]


def write_audit(
    session: Session,
    actor: Actor,
    action: str,
    *,
    now: datetime,
    patient_uuid: str | None = None,
    object: str | None = None,
    outcome: str = "ok",
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Append one row in the transaction of `session` and return its number.

    `session.info["audit_key"]` signs it. `detail` holds plain JSON values and never a password, a token or clinical
    free text; about a patient whom the actor has opened in an emergency it says so. What stands in it under GIVEN is a
    reason that a person wrote: it is kept beside the chain, which binds it, so that it can be erased (decision 0045).
    Raises AuditUnavailable without a key or a head, TypeError or ValueError when `detail` is no JSON.
    """
    entry = Entry(
        actor=actor,
        action=action,
        now=now,
        patient_uuid=patient_uuid,
        object=object,
        outcome=outcome,
        detail=detail,
    )
    return write_audits(session, [entry])


def write_audits(session: Session, entries: Sequence[Entry]) -> int:
    """As `write_audit`, a row for each of the entries (one at least) in their order; the number of the last one."""
    (head,) = ask(session, head_asked(session))
    seq, statements = appended(session, head, *entries)
    tell(session, statements)
    return seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a row is to say: see `write_audit`."""

    actor: Actor
    action: str
    now: datetime
    patient_uuid: str | None = None
    object: str | None = None
    outcome: str = "ok"
    detail: Mapping[str, Any] | None = None


def head_asked(session: Session) -> Question:
    """The question for the last row of the chain; once it is asked nobody else appends until the transaction ends."""
    lock = "" if session.get_bind().dialect.name == "sqlite" else " FOR UPDATE"
    return f"SELECT seq, mac FROM audit_head WHERE id = %s{lock}", (HEAD_ID,)  # noqa: S608  # nosec B608


def appended(session: Session, head: Sequence[Any], *entries: Entry) -> tuple[int, list[Statement]]:
    """What writes a row for each of the entries (one at least) behind `head`, the answer to `head_asked`, and the
    number of the last one."""
    key = session.info.get("audit_key")
    if not key:
        raise AuditUnavailable("this session carries no audit key; open it with data.db.Database")
    if not head:
        raise AuditUnavailable("the audit chain has no head: run `nadir db upgrade`")
    ((last, mac),) = head
    seq = int(last)
    rows: list[tuple[Any, ...]] = []
    reasons: list[tuple[Any, ...]] = []
    for entry in entries:
        seq += 1
        row, said = _row(key, seq, mac, entry)
        rows.append(row)
        mac = row[_MAC]
        if said is not None:
            reasons.append((seq, said))
    moved = (seq, mac, HEAD_ID)
    reasoned: list[Statement] = [(_KEEP_REASON, reasons)] if reasons else []
    if len(rows) == 1 and session.get_bind().dialect.name != "sqlite":
        return seq, [(_BOTH, [(*moved, *rows[0])]), *reasoned]
    return seq, [(_MOVE_HEAD, [moved]), (_APPEND, rows), *reasoned]


def _row(key: bytes, seq: int, last_mac: str, entry: Entry) -> tuple[tuple[Any, ...], str | None]:
    """The row of an entry as it is stored, and the reason that is kept beside it."""
    actor, uuid, detail = entry.actor, entry.patient_uuid, entry.detail
    if uuid is not None and any(opened.patient_uuid == uuid for opened in actor.opened):
        detail = {**(detail or {}), "emergency": True}
    said = None if detail is None else detail.get(GIVEN)
    if detail is not None and said is not None:
        detail = {name: value for name, value in detail.items() if name != GIVEN}
        detail[REASON_MAC] = _reason_mac(key, seq, said)
    at, of_whom = to_ms(entry.now), (entry.action, uuid, entry.object, entry.outcome)
    stated = (actor.name, actor.role, *of_whom, actor.request_id, actor.source)
    written = None if detail is None else _json(detail)
    plain = None if written is None else json.loads(written)
    mac = _mac(key, last_mac, seq, (at, *stated, plain))
    return (seq, key_id(key), mac, at, *stated, written), said


def verify(session: Session) -> AuditReport:
    """Walk the chain from its first row and report the first row that does not fit, if any.

    A row counts under the key of the session, or under a previous one while no later key has signed: whoever still
    holds a key that was replaced can append nothing. Raises AuditUnavailable when `session` carries no key.
    """
    key = session.info.get("audit_key")
    if not key:
        raise AuditUnavailable("this session carries no audit key; open it with data.db.Database")
    table, said = Audit.__table__, AuditReason.__table__
    of_head = select(AuditHead.seq, AuditHead.mac).where(AuditHead.id == HEAD_ID)
    # Rows and head in one statement: they are of one moment then, also while others append.
    head_seq = of_head.with_only_columns(AuditHead.seq).scalar_subquery().label("head_seq")
    head_mac = of_head.with_only_columns(AuditHead.mac).scalar_subquery().label("head_mac")
    wanted = select(table, said.c.words, head_seq, head_mac)
    ordered = wanted.outerjoin(said, said.c.seq == table.c.seq).order_by(table.c.seq)
    rows = session.execute(ordered, execution_options={"yield_per": 1000})
    keys = {key_id(known): known for known in (key, *session.info.get("previous_audit_keys", ()))}
    expected, mac, without_reason = 1, FIRST_MAC, set[int]()
    signer, head = None, None
    for row in rows.mappings():
        if signer is not None and signer != row["key_id"]:
            keys.pop(signer, None)
        signer = row["key_id"]
        why = _fault(row, expected, mac, keys.get(signer))
        if why is not None:
            return AuditReport(expected - 1, mac, expected, why)
        detail = row["detail"] or {}
        if REASON_MAC in detail and row["words"] is None:
            without_reason.add(expected)
        if row["action"] == ERASED:
            without_reason -= set(detail.get("reasons", ()))
        expected, mac, head = expected + 1, row["mac"], (row["head_seq"], row["head_mac"])
    if head is None:
        head = session.execute(of_head).one_or_none() or (None, None)
    cut_off = _end_fault(head, expected - 1, mac)
    if cut_off is not None:
        return AuditReport(expected - 1, mac, expected, cut_off)
    if without_reason:
        return AuditReport(expected - 1, mac, min(without_reason), "its reason is missing and no erasure says why")
    return AuditReport(expected - 1, mac)


def _end_fault(head: tuple[int | None, str | None], last: int, mac: str) -> str | None:
    if head[0] is None:
        return "the head of the chain is missing"
    return None if head == (last, mac) else f"rows are missing: the head stands at {head[0]}"


def _fault(row: RowMapping, expected: int, previous_mac: str, key: bytes | None) -> str | None:
    if row["seq"] != expected:
        return f"row {expected} is missing: the next row is {row['seq']}"
    if key is None:
        return f"signed with another key, or one that was replaced before ({row['key_id']})"
    if not hmac.compare_digest(row["mac"], _mac(key, previous_mac, expected, _fields(row))):
        return "the row does not match its signature"
    said = (row["detail"] or {}).get(REASON_MAC)
    if row["words"] is not None and not hmac.compare_digest(str(said), _reason_mac(key, expected, row["words"])):
        return "its reason is not the one that was given"
    return None


def _fields(row: RowMapping) -> tuple[Any, ...]:
    return (to_ms(row["at"]), *(row[name] for name in _COLUMNS[1:]))


def _reason_mac(key: bytes, seq: int, reason: str) -> str:
    return hmac.new(key, _json(["reason", seq, reason]).encode(), sha256).hexdigest()


def _mac(key: bytes, previous_mac: str, seq: int, fields: Sequence[Any]) -> str:
    message = _json([previous_mac, seq, *fields]).encode()
    return hmac.new(key, message, sha256).hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
