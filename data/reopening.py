"""Flags that rest on a value which is corrected now: closed reviews come back, and who was told hears of it.

A review that a person has closed rests on what they read. Where that was wrong they look again, even if the rules find
nothing any more: the flag opens with its history, keeps its episode and cannot be cleared by the data before somebody
has acknowledged it. Flags that only the data have closed were nobody's decision and stay closed (decision 0030).

What a person corrects reopens in the transaction of the correction. What a source corrects (HL7 `C`, FHIR `corrected`,
a retracted duplicate) reopens when the patient is judged the next time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.saying import kept, say
from data.announcing import MailPolicy, announce, follow_up
from data.flag_moves import CLOSED, Action, Mover, Status, change, move
from data.flag_writes import Trace, note_untold
from data.models import Flag, FlagHistory
from data.reviews import end_review
from data.telling import TOLD


@dataclass(frozen=True, slots=True)
class _Used:
    """A flag as it is read for this; `records` are the ids of its evidence."""

    id: str
    patient_id: int
    rule: str
    severity: str
    dedup_key: str
    episode: int
    status: Status
    version: int
    resolved_at: datetime | None
    records: frozenset[str]


def reopen_reviews(
    session: Session, patient_ids: Sequence[int], record: str, mover: Mover, mail: MailPolicy, *, since: datetime
) -> tuple[Trace, ...]:
    """Reopen the reviews of these patients (one person) that used the record, and write the mails that follow.

    `since` is when the value was changed: a review closed later was closed in the knowledge of it. Of the reviews of
    one question the last is reopened; where a later episode stands already, that one is opened again instead unless it
    rests on the value itself and is judged anew. What to audit is returned: the head of the audit chain is taken last.
    """
    flags = _flags(session, patient_ids)
    used = [flag for flag in flags if record in flag.records]
    told = {flag.id for flag in used if follow_up(session, flag.id, mail, mover.at, since=since)}
    standing = {flag.dedup_key: flag for flag in flags if flag.status not in CLOSED}
    closed = [flag for flag in used if flag.resolved_at is not None and flag.resolved_at <= since]
    reviewed = _reviewed(session, [flag.id for flag in closed])
    last = {flag.dedup_key: flag for flag in sorted(used, key=lambda flag: flag.episode) if flag.id in reviewed}
    traces = []
    for key, flag in last.items():
        now_stands = standing.get(key)
        if now_stands is None:
            why = say("a value it used was corrected: {reason}", reason=mover.why)
        elif now_stands not in used:
            flag = now_stands
            why = say(
                "a value that an earlier, closed review of this question used was corrected: {reason}", reason=mover.why
            )
        else:
            continue
        traces.append(_reopen(session, flag, mover, why))
        if flag.severity in TOLD:
            end_review(session, flag.patient_id, flag.id, now=mover.at)
        if flag.severity in TOLD and flag.id not in told and not announce(session, flag, mail, mover.at):
            note_untold(session, flag.id, mover.who, mover.at)
    return tuple(traces)


def _reopen(session: Session, flag: _Used, mover: Mover, why: str) -> Trace:
    said, kept_as = Mover(mover.who, mover.at, why, mover.person_id), {"said": kept(why)}
    values: Mapping[str, Any] = {"reopened_at": mover.at, "resolved_at": None}
    if flag.status == "open":
        change(
            session, flag.id, said, status="open", target="open", version=flag.version, values=values, detail=kept_as
        )
    else:
        action: Action = "reconsider" if flag.status in CLOSED else "reopen"
        move(session, flag.id, action, said, status=flag.status, version=flag.version, values=values, detail=kept_as)
    detail = {"rule": flag.rule, "episode": flag.episode, "from": flag.status, "to": "open"}
    return Trace("flag.reconsider", flag.id, detail)


def _flags(session: Session, patient_ids: Sequence[int]) -> list[_Used]:
    rows = session.execute(
        select(
            *(Flag.id, Flag.patient_id, Flag.rule, Flag.severity, Flag.dedup_key, Flag.episode, Flag.status),
            *(Flag.version, Flag.resolved_at, Flag.finding),
        )
        .where(Flag.patient_id.in_(patient_ids))
        .order_by(Flag.id)
        .with_for_update()
    )
    return [
        _Used(
            id=row.id,
            patient_id=row.patient_id,
            rule=row.rule,
            severity=row.severity,
            dedup_key=row.dedup_key,
            episode=row.episode,
            status=cast("Status", row.status),
            version=row.version,
            resolved_at=row.resolved_at,
            records=frozenset(evidence["record"] for evidence in row.finding.get("evidence", ())),
        )
        for row in rows
    ]


def _reviewed(session: Session, flag_ids: Sequence[str]) -> set[str]:
    """Those of the flags that a person has acted on."""
    acted = select(FlagHistory.flag_id).where(FlagHistory.flag_id.in_(flag_ids), FlagHistory.person_id.is_not(None))
    return set(session.scalars(acted))
