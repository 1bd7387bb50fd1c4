"""Every table of Nadir; importing this package fills `Base.metadata`."""

from data.models.account import (
    Emergency,
    Invitation,
    KnownDevice,
    Person,
    PersonTeam,
    RecoveryCode,
    SecondFactor,
    ServiceToken,
    Session,
    Throttle,
)
from data.models.audit import Audit, AuditHead, AuditReason
from data.models.base import Base
from data.models.duty import (
    DutyTest,
    Escalation,
    MailChoice,
    RotaGap,
    RotaWeek,
    StandIn,
    Subscription,
    TeamLead,
)
from data.models.entry import Correction, EntryDraft, EntryHead, EntrySave, LaboratoryHabit
from data.models.feed import Feed, Hl7Message
from data.models.flag import Flag, FlagDecision, FlagHistory, Judgement
from data.models.glance import Glance
from data.models.identity import IdentityProposal, PatientMerge, PatientStatus, PatientSurvivor
from data.models.imports import ImportJob
from data.models.job import Gap, JobPlan, JobRequest, JobRun, Leader, SweepPart, Watermark
from data.models.mail import DeliveryAttempt, Digest, Outbox
from data.models.mapping import LearnedMapping
from data.models.patient import Patient, PatientIdentifier, PatientTeam, Team
from data.models.privacy import Consent, Erasing, Erasure
from data.models.protocol import (
    FlagWithheld,
    ProtocolDraft,
    ProtocolSignature,
    ProtocolTrialChange,
    ProtocolValue,
    RuleMute,
)
from data.models.query import DataQuery, DataQueryStep
from data.models.record import Batch, Ingest, IngestPatient, Quarantined, ReadingDay, Record, RecordReport
from data.models.review import PatientReview

__all__ = [
    "Audit",
    "AuditHead",
    "AuditReason",
    "Base",
    "Batch",
    "Consent",
    "Correction",
    "DataQuery",
    "DataQueryStep",
    "DeliveryAttempt",
    "Digest",
    "DutyTest",
    "Emergency",
    "EntryDraft",
    "EntryHead",
    "EntrySave",
    "Erasing",
    "Erasure",
    "Escalation",
    "Feed",
    "Flag",
    "FlagDecision",
    "FlagHistory",
    "FlagWithheld",
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
    "KnownDevice",
    "LaboratoryHabit",
    "Leader",
    "LearnedMapping",
    "MailChoice",
    "Outbox",
    "Patient",
    "PatientIdentifier",
    "PatientMerge",
    "PatientReview",
    "PatientStatus",
    "PatientSurvivor",
    "PatientTeam",
    "Person",
    "PersonTeam",
    "ProtocolDraft",
    "ProtocolSignature",
    "ProtocolTrialChange",
    "ProtocolValue",
    "Quarantined",
    "ReadingDay",
    "Record",
    "RecordReport",
    "RecoveryCode",
    "RotaGap",
    "RotaWeek",
    "RuleMute",
    "SecondFactor",
    "ServiceToken",
    "Session",
    "StandIn",
    "Subscription",
    "SweepPart",
    "Team",
    "TeamLead",
    "Throttle",
    "Watermark",
]
