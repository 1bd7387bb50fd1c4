"""The trial of a draft, step by step: asked for, worked on by a process of its own, ended.

The process says that it lives with every chunk of patients. Where it falls silent the trial begins anew in another one;
only the words of the last process count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from clinical.saying import kept
from data.db import Database
from data.detached import start_detached
from data.dry_run import Tried
from data.flag_sentences import sentence
from data.models import Patient, ProtocolDraft, ProtocolTrialChange
from data.people import Actor, reached
from data.settings import Settings
from data.survivors import standing_id

SILENT: Final = timedelta(seconds=30)
MOST_ATTEMPTS: Final = 3
LISTED: Final = 200
WHAT: Final = {"newly_open": "opens", "no_longer_open": "ends", "severity_changed": "severity"}


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial for one process; its words count only while `attempt` is the draft's last."""

    draft: str
    attempt: int


@dataclass(frozen=True, slots=True)
class TrialChange:
    """A flag that would open, no longer open or have another severity, for a patient the reader may see."""

    what: str
    mrn: str
    patient_name: str | None
    rule: str
    severity: str
    instead_of: str | None
    why: str


@dataclass(frozen=True, slots=True)
class TrialList:
    """What a trial found as one reader sees it: the first changes, and by `what` how many are theirs and how many
    there are in all."""

    listed: tuple[TrialChange, ...]
    own: Mapping[str, int]
    all: Mapping[str, int]


def start_trial(database: Database, settings: Settings, *, now: datetime) -> bool:
    """Start a process for the trial that was asked for or whose process died; False where none is to start."""
    with database.write() as session:
        trial = _next(session, now)
    if trial is None:
        return False
    told = {
        "protocol_file": None if settings.protocol_file is None else str(settings.protocol_file.resolve()),
        "jurisdiction": settings.jurisdiction,
        "draft": trial.draft,
        "attempt": trial.attempt,
    }
    start_detached("data.protocol.trial_child", database, told)
    return True


def _next(session: Session, now: datetime) -> Trial | None:
    draft = session.scalar(
        select(ProtocolDraft)
        .where(ProtocolDraft.standing.is_(True), ProtocolDraft.state == "trying")
        .with_for_update(skip_locked=True)
    )
    if draft is None or (draft.beat_at is not None and draft.beat_at >= now - SILENT):
        return None
    if draft.beat_at is not None:
        draft.attempt += 1
    if draft.attempt - int((draft.progress or {}).get("first", draft.attempt)) >= MOST_ATTEMPTS:
        _break(draft, f"The process was ended {MOST_ATTEMPTS} times, by the system or for using too much.")
        return None
    draft.beat_at = now
    return Trial(draft.id, draft.attempt)


def trial_of(session: Session, trial: Trial) -> ProtocolDraft | None:
    """The draft of a trial; None when the trial is no longer wanted."""
    return session.scalar(_wanted(trial))


def _locked(session: Session, trial: Trial) -> ProtocolDraft | None:
    return session.scalar(_wanted(trial).with_for_update())


def _wanted(trial: Trial) -> Select[ProtocolDraft]:
    same = ProtocolDraft.id == trial.draft, ProtocolDraft.attempt == trial.attempt
    return select(ProtocolDraft).where(*same, ProtocolDraft.state == "trying")


def begin(session: Session, trial: Trial, *, patients: int, now: datetime) -> bool:
    """Note how many patients there are and forget what an earlier process wrote; False when it is no longer wanted."""
    draft = _locked(session, trial)
    if draft is None:
        return False
    session.execute(delete(ProtocolTrialChange).where(ProtocolTrialChange.draft_id == trial.draft))
    draft.progress = (draft.progress or {}) | {"done": 0, "of": patients}
    draft.beat_at = now
    return True


def write_chunk(session: Session, trial: Trial, tried: Iterable[Tried], *, done: int, now: datetime) -> bool:
    """Store what a chunk of patients gave; False, and nothing is stored, when the trial is no longer wanted."""
    draft = _locked(session, trial)
    if draft is None:
        return False
    rows = [
        {
            "draft_id": trial.draft,
            "patient_id": one.patient_id,
            "what": WHAT[what],
            "rule": finding.rule,
            "subject": finding.subject,
            "severity": finding.severity,
            "instead_of": instead_of,
            "why": str(finding.why),
            "said": {"why": kept(finding.why)},
        }
        for one in tried
        for what, finding, instead_of in one.differences
    ]
    if rows:
        session.execute(insert(ProtocolTrialChange), rows)
    draft.progress, draft.beat_at = (draft.progress or {}) | {"done": done}, now
    return True


def finish(
    session: Session, trial: Trial, outcome: Mapping[str, int], *, in_force: Protocol, tried: Protocol, now: datetime
) -> bool:
    """Write what the trial came to; False when it is no longer wanted. `outcome`: patients, failed, broken."""
    draft = _locked(session, trial)
    if draft is None:
        return False
    counts = session.execute(
        select(ProtocolTrialChange.what, func.count())
        .where(ProtocolTrialChange.draft_id == trial.draft)
        .group_by(ProtocolTrialChange.what)
    )
    draft.state, draft.tried_at, draft.beat_at = "tried", now, None
    draft.base_version, draft.trial_version = in_force.version, tried.version
    draft.outcome = {**outcome, **dict.fromkeys(WHAT.values(), 0), **{what: count for what, count in counts}}
    return True


def give_up(session: Session, trial: Trial, why: str) -> None:
    """Write that the trial ended without an outcome."""
    draft = _locked(session, trial)
    if draft is not None:
        _break(draft, why)


def trial_list(session: Session, actor: Actor, draft_id: str) -> TrialList:
    """What the trial found: patients only where the actor may see them, counts for all."""
    change = ProtocolTrialChange
    wanted, mine = change.draft_id == draft_id, reached(actor, change.patient_id)
    counts = select(change.what, func.count()).where(wanted).group_by(change.what)
    rows = session.execute(
        select(
            *(change.what, Patient.mrn, Patient.name, change.rule, change.severity, change.instead_of, change.why),
            change.said,
        )
        .select_from(change)
        .join(Patient, Patient.id == standing_id(change.patient_id))
        .where(wanted, mine)
        .order_by(change.what.desc(), Patient.mrn, change.rule, change.id)
        .limit(LISTED)
    )
    listed = tuple(
        TrialChange(r.what, r.mrn, r.name, r.rule, r.severity, r.instead_of, sentence(r.said, "why", r.why))
        for r in rows
    )
    return TrialList(listed, _counted(session, counts.where(mine)), _counted(session, counts))


def _counted(session: Session, query: Any) -> dict[str, int]:
    return dict.fromkeys(WHAT.values(), 0) | {what: count for what, count in session.execute(query)}


def _break(draft: ProtocolDraft, why: str) -> None:
    draft.state, draft.why, draft.beat_at = "broken", why, None
