"""Judging: charts, the rules, the difference to the flags that stand, and that difference written down.

The sweep, a save and a correction all call `judge`.

Time never runs backwards for a patient: a judgement as of a moment before the last one is made as of the last one
instead, unless that lies ahead of the wall clock (a trial with a future date, or a clock that was set back). So no flag
is cleared because someone looked at the past, and new data are judged whatever `as_of` says. Sweeps as of rising
moments in the past find each flag when it could first have been seen, unless the patient was judged later before.

Whoever judges a patient holds the patient's row (PostgreSQL) or the database (SQLite) until the end of the transaction,
so two judges of one patient come one after the other; the unique index on the open flag stands behind that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.finding import SEVERITIES, Finding
from clinical.protocol import Protocol
from clinical.rules import Judged, judge_chart
from clinical.saying import say
from data.announcing import MailPolicy, alarm, cancel_unsent
from data.audit import Entry, write_audits
from data.chart_rows import UnreadableRecord
from data.charts import charts_or_why
from data.differences import StandingFlag, dedup_key, differences
from data.entry.past import Changed, changed_by_sources
from data.flag_moves import Mover
from data.flag_writes import Bench, Trace, Written, standing_flags, write_differences
from data.glance import save_glances, stored_glance
from data.models import Ingest, Judgement, Patient
from data.people import Actor
from data.reopening import reopen_reviews
from data.survivors import groups, not_merged
from data.upsert import put

TRIES_AT_ONCE: Final = 3
RETRY_AFTER: Final = timedelta(hours=1)
LONGEST_FAILURE: Final = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """A patient who could not be judged, by hospital number, and why."""

    mrn: str
    why: str


@dataclass(slots=True)
class JudgeCounts:
    """What judging changed: flags opened, updated and resolved, mails written, and who could not be judged."""

    evaluated: int = 0
    opened: int = 0
    updated: int = 0
    resolved: int = 0
    outbox_rows: int = 0
    failed: list[Failure] = field(default_factory=list)

    def add(self, other: JudgeCounts | Written) -> None:
        """Take in the counts of another chunk, or of one patient."""
        self.opened += other.opened
        self.updated += other.updated
        self.resolved += other.resolved
        self.outbox_rows += other.outbox_rows
        if isinstance(other, JudgeCounts):
            self.evaluated += other.evaluated
            self.failed.extend(other.failed)


@dataclass(frozen=True, slots=True)
class _Patient:
    id: int
    uuid: str
    mrn: str
    judged_at: datetime | None
    judged_seq: int
    failures: int

    def moment(self, as_of: datetime, now: datetime) -> datetime:
        """The moment to judge as of: see the module."""
        return as_of if self.judged_at is None else max(as_of, min(self.judged_at, now))


def judge(
    session: Session,
    patient_ids: Iterable[int],
    *,
    protocol: Protocol,
    as_of: datetime,
    now: datetime,
    mail: MailPolicy,
    actor: Actor,
) -> JudgeCounts:
    """Judge the patients as of `as_of` and write what changed in the transaction of `session`.

    For a patient whose flags stand as they stood only the judgement and the glance (`data.glance`) are written. A
    patient who cannot be judged is counted in `failed`, keeps the flags that stand and is tried again at the next
    sweeps, after three failures in a row hourly; the admins then get one technical mail. Errors of the database itself
    are raised. `now` is the wall clock: history, mail and audit carry it.
    """
    patients = _lock(session, sorted(set(patient_ids)))
    counts = JudgeCounts()
    audits: list[tuple[str, Written]] = []
    bench = Bench(actor.name, protocol.version, session.scalar(select(func.max(Ingest.seq))) or 0, now, mail)
    ids = [patient.id for patient in patients]
    for patient, written in _reopen(session, bench, patients):
        counts.add(written)
        audits.append((patient.uuid, written))
    charts, flags = charts_or_why(session, ids), standing_flags(session, ids)
    judgements: list[dict[str, Any]] = []
    glances: list[dict[str, Any]] = []
    for patient in patients:
        moment, standing = patient.moment(as_of, now), flags.get(patient.id, [])
        try:
            chart = _readable(charts[patient.id])
            judged = judge_chart(chart, protocol, moment)
            written = _write(session, bench, patient, chart, judged, standing, moment)
        except Exception as error:
            if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError | DataError):
                raise
            judgements.append(_failed(bench, patient, error, moment))
            counts.failed.append(Failure(patient.mrn, judgements[-1]["last_failure"]))
            continue
        judgements.append(_judged(bench, patient, _next_due(judged, standing, moment), moment))
        glances.append(stored_glance(patient.id, chart, protocol, moment))
        audits.append((patient.uuid, written))
        counts.evaluated += 1
        counts.add(written)
    put(session, Judgement, judgements)
    save_glances(session, glances)
    given_up = sum(row["failures"] == TRIES_AT_ONCE for row in judgements)
    if given_up:
        counts.outbox_rows += alarm(session, "patients-not-judged", mail, now, patients=given_up)
    _audit(session, actor, audits, now)
    return counts


def _lock(session: Session, patient_ids: Sequence[int]) -> list[_Patient]:
    rows = session.execute(
        select(Patient.id, Patient.uuid, Patient.mrn)
        .where(Patient.id.in_(patient_ids), not_merged())
        .order_by(Patient.id)
        .with_for_update(key_share=True)
    ).all()
    judgements = {
        row.patient_id: row
        for row in session.execute(
            select(Judgement.patient_id, Judgement.judged_at, Judgement.judged_seq, Judgement.failures).where(
                Judgement.patient_id.in_(patient_ids)
            )
        )
    }
    found: list[_Patient] = []
    for id, uuid, mrn in rows:
        last = judgements.get(id)
        before = (None, 0, 0) if last is None else (last.judged_at, last.judged_seq, last.failures)
        found.append(_Patient(id, uuid, mrn, *before))
    return found


def _reopen(session: Session, bench: Bench, patients: Iterable[_Patient]) -> Iterator[tuple[_Patient, Written]]:
    """Open again what rested on values that their sources have changed since the patients were judged last."""
    judged = {patient.id: patient for patient in patients if patient.judged_seq}
    together = groups(session, judged)
    owners = {member: id for id in judged for member in together.get(id, (id,))}
    changes: dict[int, list[Changed]] = {}
    for change in changed_by_sources(session, owners, min((p.judged_seq for p in judged.values()), default=0)):
        owner = owners[change.patient_id]
        if change.seq > judged[owner].judged_seq:
            changes.setdefault(owner, []).append(change)
    for owner, theirs in changes.items():
        members = together.get(owner, (owner,))
        traces = [trace for change in theirs for trace in _reopened(session, bench, members, change)]
        if traces:
            yield judged[owner], Written(updated=len(traces), traces=traces)


def _reopened(session: Session, bench: Bench, members: Sequence[int], change: Changed) -> Iterable[Trace]:
    mover = Mover(bench.actor, bench.now, say("{why} ({who})", why=change.why or say("by its source"), who=change.who))
    return reopen_reviews(session, members, change.record, mover, bench.mail, since=change.at)


def _readable(chart: Chart | UnreadableRecord) -> Chart:
    if isinstance(chart, UnreadableRecord):
        raise chart
    return chart


def _write(
    session: Session,
    bench: Bench,
    patient: _Patient,
    chart: Chart,
    judged: Judged,
    standing: Sequence[StandingFlag],
    moment: datetime,
) -> Written:
    if any(end is not None and end <= moment for end in (chart.deceased, chart.withdrawn, chart.transferred)):
        cancel_unsent(session, [flag.id for flag in standing], why="the patient is no longer followed")
        return Written()
    changes = differences(_by_key(patient.uuid, judged.findings), standing, moment)
    if not changes:
        return Written()
    with session.begin_nested():
        return write_differences(
            session, bench, changes, patient_id=patient.id, patient_uuid=patient.uuid, moment=moment
        )


def _by_key(patient_uuid: str, findings: Iterable[Finding]) -> dict[str, Finding]:
    mildest_first = sorted(findings, key=lambda finding: -SEVERITIES.index(finding.severity))
    return {dedup_key(patient_uuid, finding): finding for finding in mildest_first}


def _next_due(judged: Judged, standing: Iterable[StandingFlag], moment: datetime) -> datetime | None:
    ends = (flag.snoozed_until for flag in standing if flag.status == "snoozed")
    return min((due for due in (judged.next_due, *ends) if due is not None and due > moment), default=None)


def _judged(bench: Bench, patient: _Patient, next_due: datetime | None, moment: datetime) -> dict[str, Any]:
    return {
        "patient_id": patient.id,
        "judged_seq": bench.seen_seq,
        "judged_at": moment,
        "next_due_at": next_due,
        "protocol_version": bench.protocol_version,
        "failures": 0,
        "last_failure": None,
    }


def _failed(bench: Bench, patient: _Patient, error: Exception, moment: datetime) -> dict[str, Any]:
    failures = patient.failures + 1
    first_line = (str(error).splitlines() or [""])[0]
    return _judged(bench, patient, moment if failures < TRIES_AT_ONCE else moment + RETRY_AFTER, moment) | {
        "judged_seq": patient.judged_seq,
        "failures": failures,
        "last_failure": f"{type(error).__name__}: {first_line}"[:LONGEST_FAILURE],
    }


def _audit(session: Session, actor: Actor, audits: Iterable[tuple[str, Written]], now: datetime) -> None:
    entries = [
        Entry(
            actor=actor,
            action=trace.action,
            now=now,
            patient_uuid=patient_uuid,
            object=trace.flag_id,
            detail=trace.detail,
        )
        for patient_uuid, written in audits
        for trace in written.traces
    ]
    if entries:
        write_audits(session, entries)
