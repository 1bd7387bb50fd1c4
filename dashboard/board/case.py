"""One patient as a tumour board discusses it: what the patient page reads, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from data.people import Actor
from data.sensor_course import SensorDays, whole_sensor_course
from data.trends import Identity, Trends, identity, trends


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """Who it is, the trends in canonical units, and the days of the sensors (mg/dL)."""

    identity: Identity
    trends: Trends
    sensor: SensorDays


def read_case(session: Session, actor: Actor, mrn: str, *, protocol: Protocol, now: datetime) -> Case:
    """The patient with this number as known at `now`. Raises NotFound when the actor may not see `mrn`."""
    found = trends(session, actor, mrn, protocol=protocol, now=now)
    return Case(
        identity=identity(session, actor, mrn),
        trends=found,
        sensor=whole_sensor_course(session, found.patient_ids, found.chart),
    )
