"""Findings made by hand, and judging with them: for tests of what becomes of a finding, whatever rule made it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.finding import ComparedWith, Evidence, Finding, Severity, UsedThreshold
from data.differences import dedup_key, differences
from data.flag_writes import Bench, Written, standing_flags, write_differences
from data.models import Patient
from tests.data.ward import POLICY

FIRST_SEEN = datetime(2026, 2, 1, tzinfo=UTC)


def finding(
    rule: str = "R03",
    severity: Severity = "high",
    records: Iterable[str] = ("1",),
    subject: str = "glucagon",
    **more: Any,
) -> Finding:
    """A finding of `rule` that rests on the named records."""
    return Finding(
        rule=rule,
        rule_version="1",
        axis="marker",
        severity=severity,
        subject=subject,
        title="Recurrence by marker",
        question="CT/MRI and SSTR PET?",
        why=f"glucagon 230 pg/mL, above 60 pg/mL by {rule}",
        first_evidence_at=FIRST_SEEN,
        evidence=tuple(
            Evidence(
                record=record,
                kind="lab",
                effective=FIRST_SEEN,
                precision="day",
                analyte="glucagon",
                value=230.0,
                unit="pg/mL",
                ref_high=150.0,
            )
            for record in records
        ),
        **{
            "compared_with": ComparedWith(kind="nadir", value=60.0, unit="pg/mL", effective=FIRST_SEEN, note="epoch 2"),
            "thresholds": (
                UsedThreshold(name="rcv_up", value=0.642, unit="1", source="reference 4.1", signed_off=False),
            ),
            **more,
        },
    )


def judge_as(
    session: Session, patient_id: int, findings: Iterable[Finding], *, now: datetime, as_of: datetime | None = None
) -> Written:
    """Bring the patient's flags in line with the findings, as `data.judge` does with those of the rules."""
    moment = as_of or now
    uuid = session.scalars(select(Patient.uuid).where(Patient.id == patient_id)).one()
    standing = standing_flags(session, [patient_id]).get(patient_id, [])
    changes = differences({dedup_key(uuid, f): f for f in findings}, standing, moment)
    bench = Bench("sweep", "proto", 1, now, POLICY)
    return write_differences(session, bench, changes, patient_id=patient_id, patient_uuid=uuid, moment=moment)
