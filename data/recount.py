"""The flags of a sample counted a second, plain way: whole charts of 50 patients against the flags that stand.

The sweep works by watermark, due dates and differences, so a patient it forgot would look like one with nothing to say.
Here nothing is incremental: of patients whose judgement is up to date every chart is loaded anew and judged as of the
moment of that judgement: each finding must have a flag that the data have not cleared, and each such flag a finding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from random import Random
from typing import Final

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from clinical.rules import judge_chart
from data.charts import load_charts
from data.differences import dedup_key
from data.models import Flag, IngestPatient, Judgement, Patient, PatientSurvivor

SAMPLE: Final = 50

Sampled = Row[int, str, datetime, int]


def recounted(session: Session, *, protocol: Protocol, chance: Random) -> list[str]:
    """A line for each rule of which a sampled patient lacks a flag, or has one that the data do not show.

    Looked at are patients judged by `protocol` of whom nothing has come in since, and who were not merged. A patient
    who is judged while this looks is left out.
    """
    settled = _settled(session)
    ids = sorted(chance.sample(settled, min(SAMPLE, len(settled))))
    before = _judgements(session, ids, protocol)
    standing = _standing(session, before)
    charts = load_charts(session, sorted(before))
    missing: Counter[str] = Counter()
    unfounded: Counter[str] = Counter()
    after = _judgements(session, ids, protocol)
    for id, patient in before.items():
        if after.get(id) != patient:
            continue
        found = judge_chart(charts[id], protocol, patient.judged_at).findings
        findings = {dedup_key(patient.uuid, finding): finding.rule for finding in found}
        contained = {rule for finding in found for rule in finding.contains}
        flags = standing.get(id, {})
        missing.update(rule for key, rule in findings.items() if key not in flags)
        unfounded.update(rule for key, rule in flags.items() if key not in findings and rule not in contained)
    return [
        *_lines(missing, "have no flag although the data show it"),
        *_lines(unfounded, "have a flag the data do not show"),
    ]


def _settled(session: Session) -> list[int]:
    newest = (
        select(func.max(IngestPatient.seq)).where(IngestPatient.patient_id == Judgement.patient_id).scalar_subquery()
    )
    end = func.coalesce(Patient.deceased_at, Patient.withdrawn_at, Patient.transferred_at)
    return list(
        session.scalars(
            select(Judgement.patient_id)
            .join(Patient, Patient.id == Judgement.patient_id)
            .where(Judgement.failures == 0, end.is_(None), _alone())
            .where(func.coalesce(newest, 0) <= Judgement.judged_seq)
            .order_by(Judgement.patient_id)
        )
    )


def _alone() -> ColumnElement[bool]:
    merged = select(PatientSurvivor.patient_id).union(select(PatientSurvivor.survivor_id))
    return Patient.id.not_in(merged)


def _judgements(session: Session, ids: Iterable[int], protocol: Protocol) -> dict[int, Sampled]:
    rows = session.execute(
        select(Patient.id, Patient.uuid, Judgement.judged_at, Judgement.judged_seq)
        .join(Judgement, Judgement.patient_id == Patient.id)
        .where(Patient.id.in_(list(ids)), Judgement.protocol_version == protocol.version)
    )
    return {row.id: row for row in rows}


def _standing(session: Session, ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """By patient the rule by key of every flag that the data have not cleared, attended to, closed or not."""
    rows = session.execute(
        select(Flag.patient_id, Flag.dedup_key, Flag.rule).where(
            Flag.patient_id.in_(list(ids)), Flag.cleared_at.is_(None)
        )
    )
    found: dict[int, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row.patient_id, {})[row.dedup_key] = row.rule
    return found


def _lines(counts: Counter[str], what: str) -> list[str]:
    return [f"{rule}: {count} of a sample of {SAMPLE} patients {what}" for rule, count in sorted(counts.items())]
