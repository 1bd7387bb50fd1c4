"""Reading the flags that stand for judging, and writing differences to them: flag, history and mail in one go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import uuid4

import msgspec
from sqlalchemy import Table, Text, bindparam, func, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from clinical.finding import Finding
from clinical.saying import kept, say
from data.announcing import MailPolicy, announce, cancel_unsent
from data.differences import Difference, StandingFlag, dedup_key, evidence_digest, rekeyed
from data.flag_moves import CLOSED, Mover, Status, change, move, status_before_snooze, write_history
from data.flag_sentences import finding_document
from data.models import Flag, Patient
from data.models.flag import OPEN_ONLY
from data.reviews import end_review
from data.survivors import survivors
from data.telling import TOLD
from data.upsert import insert_on
from data.withheld import why_withheld

NOBODY = say("no recipient and no admin: nobody was told")


class _Shown(msgspec.Struct):
    record: str


class _RestsOn(msgspec.Struct):
    evidence: list[_Shown]


_RESTS_ON = msgspec.json.Decoder(_RestsOn)


@dataclass(frozen=True, slots=True)
class Trace:
    """What the audit trail is to say of one change."""

    action: str
    flag_id: str
    detail: dict[str, Any]


@dataclass(slots=True)
class Written:
    """What was written for one patient; `traces` are still to be audited."""

    opened: int = 0
    updated: int = 0
    resolved: int = 0
    outbox_rows: int = 0
    traces: list[Trace] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Bench:
    """What is the same for every patient of one judging: in whose name, by which protocol, up to which number."""

    actor: str
    protocol_version: str
    seen_seq: int
    now: datetime
    mail: MailPolicy


def standing_flags(session: Session, patient_ids: Sequence[int]) -> dict[int, list[StandingFlag]]:
    """By patient: flags not closed, and those a person closed whose finding has not been seen to go since.

    Flags of patients merged into one of these are among them, under the key that the survivor's finding has. The rows
    stay locked, so that nobody acts on a flag while it is judged.
    """
    wanted = set(patient_ids)
    merged = {id: survivor for id, survivor in survivors(session).items() if survivor in wanted}
    uuids = _uuids(session, merged.values())
    rows = session.execute(
        select(
            *(Flag.id, Flag.patient_id, Flag.rule, Flag.severity, Flag.dedup_key, Flag.episode, Flag.status),
            *(Flag.version, Flag.evidence_digest, Flag.cleared_at, Flag.snoozed_until, Flag.reopened_at),
            sql_cast(Flag.finding, Text).label("finding"),
        )
        .where(Flag.patient_id.in_([*patient_ids, *merged]), or_(OPEN_ONLY, Flag.cleared_at.is_(None)))
        .order_by(Flag.id)
        .with_for_update()
    )
    found: dict[int, list[StandingFlag]] = {}
    for row in rows.all():
        status = cast("Status", row.status)
        flag = StandingFlag(
            id=row.id,
            patient_id=row.patient_id,
            rule=row.rule,
            severity=row.severity,
            dedup_key=_key_of(row.dedup_key, uuids.get(merged.get(row.patient_id, 0))),
            episode=row.episode,
            status=status,
            version=row.version,
            evidence_digest=row.evidence_digest,
            records=frozenset([shown.record for shown in _RESTS_ON.decode(row.finding).evidence]),
            cleared_at=row.cleared_at,
            snoozed_until=row.snoozed_until,
            before_snooze=status_before_snooze(session, row.id) if status == "snoozed" else None,
            reopened=row.reopened_at is not None,
        )
        found.setdefault(merged.get(flag.patient_id, flag.patient_id), []).append(flag)
    return found


def _uuids(session: Session, patient_ids: Iterable[int]) -> dict[int, str]:
    rows = session.execute(select(Patient.id, Patient.uuid).where(Patient.id.in_(set(patient_ids))))
    return {id: uuid for id, uuid in rows}


def _key_of(own_key: str, survivor_uuid: str | None) -> str:
    return own_key if survivor_uuid is None else rekeyed(own_key, survivor_uuid)


def write_differences(
    session: Session,
    bench: Bench,
    changes: Sequence[Difference],
    *,
    patient_id: int,
    patient_uuid: str,
    moment: datetime,
) -> Written:
    """Write the changes of one patient as of `moment`; what to audit comes back in `traces`."""
    written = Written()
    for difference in changes:
        if difference.flag is None:
            finding = cast("Finding", difference.finding)
            _open(session, bench, finding, written, patient_id=patient_id, patient_uuid=patient_uuid, moment=moment)
        else:
            _change(session, bench, difference, difference.flag, moment, written)
    return written


def _open(
    session: Session,
    bench: Bench,
    finding: Finding,
    written: Written,
    *,
    patient_id: int,
    patient_uuid: str,
    moment: datetime,
) -> None:
    id, key = str(uuid4()), dedup_key(patient_uuid, finding)
    content = _content(bench, finding, moment)
    episode = session.scalar(
        _opening(session.get_bind().dialect.name),
        {
            **content,
            "id": id,
            "patient_id": patient_id,
            "subject": finding.subject,
            "dedup_key": key,
            "status": "open",
            "opened_at": moment,
            "first_seq": bench.seen_seq,
            "version": 1,
            "whose": patient_id,
            "of_key": key,
        },
    )
    if episode is None:
        return  # another judge opened it first
    flag = StandingFlag(
        id=id,
        patient_id=patient_id,
        rule=finding.rule,
        severity=finding.severity,
        dedup_key=key,
        episode=episode,
        status="open",
        version=1,
        evidence_digest=content["evidence_digest"],
        records=frozenset(evidence.record for evidence in finding.evidence),
        cleared_at=None,
        snoozed_until=None,
    )
    mover = Mover(bench.actor, bench.now, str(finding.why))
    write_history(
        session, flag.id, mover, status=None, target="open", detail=_detail(bench, finding, moment, finding.why)
    )
    written.opened += 1
    written.traces.append(_trace("open", flag, None, "open", moment))
    _worse(session, bench, flag, written)


@cache
def _opening(dialect: str) -> Any:
    """The statement that opens a flag, unless one of the same key is open, and answers with its episode."""
    flag = cast("Table", Flag.__table__)
    before = select(func.max(flag.c.episode)).where(
        flag.c.patient_id == bindparam("whose"), flag.c.dedup_key == bindparam("of_key")
    )
    return (
        insert_on(dialect, flag)
        .values(episode=func.coalesce(before.scalar_subquery(), 0) + 1)
        .on_conflict_do_nothing(index_elements=["dedup_key"], index_where=OPEN_ONLY)
        .returning(flag.c.episode)
    )


def _change(
    session: Session, bench: Bench, difference: Difference, flag: StandingFlag, moment: datetime, written: Written
) -> None:
    finding, what = difference.finding, difference.what
    mover = Mover(bench.actor, bench.now, str(difference.why))
    values: dict[str, Any] = {"cleared_at": flag.cleared_at or moment}
    detail: dict[str, Any] = {"as_of": msgspec.to_builtins(moment), "said": kept(difference.why)}
    if finding is not None:
        values = {**_content(bench, finding, moment), "cleared_at": None}
        detail = _detail(bench, finding, moment, difference.why)
    if what == "reopen" or what == "wake" or what == "clear" or what == "contain":
        status = move(
            session, flag.id, what, mover, status=flag.status, version=flag.version, values=values, detail=detail
        )
    else:
        status = flag.status
        change(
            session,
            flag.id,
            mover,
            status=status,
            target=status,
            version=flag.version,
            values=values,
            detail=detail,
        )
    written.traces.append(_trace(what, flag, flag.status, status, moment))
    if status in CLOSED and flag.status not in CLOSED:
        written.resolved += 1
        cancel_unsent(session, [flag.id], why=str(difference.why))
        return
    written.updated += 1
    severity = flag.severity if finding is None else finding.severity
    if difference.worse:
        _worse(session, bench, replace(flag, severity=severity), written)
    elif what == "wake" and status == "open":
        _tell(session, bench, replace(flag, severity=severity), written)


def _tell(session: Session, bench: Bench, flag: StandingFlag, written: Written) -> None:
    rows = announce(session, flag, bench.mail, bench.now)
    written.outbox_rows += rows
    if not rows and flag.severity in TOLD:
        note_untold(session, flag.id, bench.actor, bench.now)


def _worse(session: Session, bench: Bench, flag: StandingFlag, written: Written) -> None:
    """What opens or grows worse is told, and ends what somebody said of the patient before it."""
    _tell(session, bench, flag, written)
    if flag.severity in TOLD:
        end_review(session, flag.patient_id, flag.id, now=bench.now)


def note_untold(session: Session, flag_id: str, who: str, now: datetime) -> None:
    """Write into the history of an open flag that nobody was told of it, and why."""
    why = why_withheld(session, flag_id) or NOBODY
    write_history(session, flag_id, Mover(who, now, str(why)), status="open", target="open", detail={"said": kept(why)})


def _content(bench: Bench, finding: Finding, moment: datetime) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "rule_version": finding.rule_version,
        "protocol_version": bench.protocol_version,
        "axis": finding.axis,
        "severity": finding.severity,
        "title": str(finding.title),
        "question": str(finding.question),
        "why": str(finding.why),
        "finding": finding_document(finding),
        "evidence_digest": evidence_digest(finding),
        "as_of": moment,
        "first_evidence_at": finding.first_evidence_at,
    }


def _detail(bench: Bench, finding: Finding, moment: datetime, why: str) -> dict[str, Any]:
    return {
        "as_of": msgspec.to_builtins(moment),
        "severity": finding.severity,
        "rule_version": finding.rule_version,
        "protocol_version": bench.protocol_version,
        "records": [evidence.record for evidence in finding.evidence],
        "said": kept(why),
    }


def _trace(what: str, flag: StandingFlag, before: str | None, after: str, moment: datetime) -> Trace:
    detail = {"rule": flag.rule, "episode": flag.episode, "from": before, "to": after}
    return Trace(f"flag.{what}", flag.id, {**detail, "as_of": msgspec.to_builtins(moment)})
