"""Every table of Nadir; importing this package fills `Base.metadata`."""

from data.models.account import Invitation, Person, PersonTeam, Session, Throttle
from data.models.audit import Audit, AuditHead
from data.models.base import Base
from data.models.flag import Flag, FlagHistory, Judgement
from data.models.job import Gap, JobRun, Leader, Watermark
from data.models.mail import DeliveryAttempt, Digest, Outbox
from data.models.patient import Patient, PatientIdentifier, PatientTeam, Team
from data.models.record import Batch, Ingest, IngestPatient, Quarantined, ReadingDay, Record

__all__ = [
    "Audit",
    "AuditHead",
    "Base",
    "Batch",
    "DeliveryAttempt",
    "Digest",
    "Flag",
    "FlagHistory",
    "Gap",
    "Ingest",
    "IngestPatient",
    "Invitation",
    "JobRun",
    "Judgement",
    "Leader",
    "Outbox",
    "Patient",
    "PatientIdentifier",
    "PatientTeam",
    "Person",
    "PersonTeam",
    "Quarantined",
    "ReadingDay",
    "Record",
    "Session",
    "Team",
    "Throttle",
    "Watermark",
]
