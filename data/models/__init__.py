"""Every table of Nadir; importing this package fills `Base.metadata`."""

from data.models.account import Invitation, Person, PersonTeam, Session, Throttle
from data.models.audit import Audit, AuditHead
from data.models.base import Base
from data.models.entry import Correction, EntryDraft, EntryHead, EntrySave, LaboratoryHabit
from data.models.feed import Feed, Hl7Message
from data.models.flag import Flag, FlagDecision, FlagHistory, Judgement
from data.models.glance import Glance
from data.models.identity import IdentityProposal, PatientMerge, PatientStatus, PatientSurvivor
from data.models.imports import ImportJob
from data.models.job import Gap, JobPlan, JobRequest, JobRun, Leader, Watermark
from data.models.mail import DeliveryAttempt, Digest, Outbox
from data.models.mapping import LearnedMapping
from data.models.patient import Patient, PatientIdentifier, PatientTeam, Team
from data.models.query import DataQuery, DataQueryStep
from data.models.record import Batch, Ingest, IngestPatient, Quarantined, ReadingDay, Record, RecordReport

__all__ = [
    "Audit",
    "AuditHead",
    "Base",
    "Batch",
    "Correction",
    "DataQuery",
    "DataQueryStep",
    "DeliveryAttempt",
    "Digest",
    "EntryDraft",
    "EntryHead",
    "EntrySave",
    "Feed",
    "Flag",
    "FlagDecision",
    "FlagHistory",
    "Gap",
    "Glance",
    "Hl7Message",
    "IdentityProposal",
    "ImportJob",
    "Ingest",
    "IngestPatient",
    "Invitation",
    "JobPlan",
    "JobRequest",
    "JobRun",
    "Judgement",
    "LaboratoryHabit",
    "Leader",
    "LearnedMapping",
    "Outbox",
    "Patient",
    "PatientIdentifier",
    "PatientMerge",
    "PatientStatus",
    "PatientSurvivor",
    "PatientTeam",
    "Person",
    "PersonTeam",
    "Quarantined",
    "ReadingDay",
    "Record",
    "RecordReport",
    "Session",
    "Team",
    "Throttle",
    "Watermark",
]
