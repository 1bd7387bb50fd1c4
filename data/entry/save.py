"""One save of one form: one transaction, one batch, all of it or nothing.

In this order: is it the patient the form was opened for, was this save stored already, has somebody else saved
meanwhile, can everything be read, is there something to ask. Only then are records written. The rules judge the patient
afterwards in a transaction of their own (`data.entry.judged`), so that a rule that fails never undoes a save.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import write_audit
from data.entry.drafts import drop_draft
from data.entry.known import remember_habits
from data.entry.said import NotSaved, Problem, Question, Unsure, digest
from data.errors import BadInput
from data.intake.item import Item
from data.models import EntryHead, EntrySave, Patient, PatientIdentifier
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, Actor, Forbidden
from data.records import lock_ingest, open_batch, store_chunk
from data.survivors import members
from data.upsert import insert_or

OTHER_PATIENT: Final = say("this form was opened for another patient than the one of this page")
FORMS: Final = frozenset({"visit", "imaging", "therapy"})
SHORTEST_KEY, LONGEST_KEY = 16, 64


class WrongPatient(BadInput):
    """A form, or a wristband, of another patient than the one the address names. Nothing was changed."""


class KeyReused(BadInput):
    """A save key that was used for other content. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """What somebody else saved, field by field as it was typed."""

    who: str
    at: datetime
    said: Mapping[str, str]


class Changed(BadInput):
    """Somebody saved this form of this patient since it was opened; `theirs` are those saves, oldest first."""

    def __init__(self, theirs: tuple[Theirs, ...], *, given: int, current: int) -> None:
        self.theirs, self.given, self.current = theirs, given, current
        last = theirs[-1] if theirs else None
        who = "somebody" if last is None else f"{last.who} at {last.at.isoformat()}"
        super().__init__(f"changed by {who}: version {current} now, you opened version {given}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a browser sends to be saved. `patient` is the uuid of the patient the form was opened for, `key` names this
    save, `version` is the one the form was opened at, `confirmed` the questions that were answered with yes."""

    patient: str
    key: str
    version: int
    said: Mapping[str, str]
    confirmed: frozenset[str] = frozenset()
    wristband: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A save that is stored. `again`: it was stored before under the same key; nothing was written now."""

    patient_id: int
    batch: str
    version: int
    stored: int
    at: datetime
    who: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What reading a form came to."""

    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    questions: tuple[Question, ...]


def save_form(
    session: Session,
    actor: Actor,
    mrn: str,
    form: str,
    sent: Submission,
    read: Callable[[Session, Patient], Content],
    *,
    now: datetime,
) -> Saved:
    """Store what `read` makes of the form, in the transaction of `session`.

    Raises Forbidden, NotFound, WrongPatient, KeyReused, Changed, NotSaved or Unsure, in that order; nothing is then
    stored.
    """
    if actor.role not in CLINICAL_ROLES or actor.person_id is None:
        raise Forbidden("patients' values are entered by clinicians")
    if form not in FORMS:
        raise ValueError(f"no form {form!r}")
    lock_ingest(session)
    patient = find_by_mrn(session, actor, mrn)
    _require_same(session, patient, sent)
    said = digest(sent.said)
    before = session.get(EntrySave, sent.key)
    if before is not None:
        return _already(before, patient, form, said)
    current = form_version(session, patient.id, form)
    if sent.version != current:
        raise Changed(_since(session, patient.id, form, sent.version), given=sent.version, current=current)
    content = read(session, patient)
    if content.problems:
        raise NotSaved(content.problems)
    open_questions = [question for question in content.questions if question.id not in sent.confirmed]
    if open_questions:
        raise Unsure(open_questions)
    batch = f"{form}-{uuid4().hex}"
    open_batch(session, actor, batch_id=batch, format=form, now=now, digest=said)
    items = [_named(item, batch) for item in content.items]
    verdicts = store_chunk(session, batch_id=batch, items=items, actor=actor, now=now)
    refused = [
        Problem(item.place, verdict.why or "refused")
        for item, verdict in zip(items, verdicts, strict=True)
        if verdict.outcome == "refused"
    ]
    if refused:
        raise NotSaved(refused)
    stored = sum(verdict.outcome in ("stored", "superseded") for verdict in verdicts)
    _raise_version(session, patient.id, form, current + 1)
    save = EntrySave(
        key=sent.key,
        patient_id=patient.id,
        form=form,
        version=current + 1,
        batch_id=batch,
        digest=said,
        said=dict(sent.said),
        stored=stored,
        at=now,
        who=actor.name,
    )
    session.add(save)
    session.flush()
    remember_habits(session, items, now=now)
    drop_draft(session, actor, patient.id, form)
    write_audit(
        session,
        actor,
        "entry.save",
        now=now,
        patient_uuid=patient.uuid,
        object=f"batch {batch}",
        detail={"form": form, "version": current + 1, "items": len(items), "stored": stored}
        | ({"confirmed": len(content.questions)} if content.questions else {}),
    )
    return _saved(save)


def form_version(session: Session, patient_id: int, form: str) -> int:
    """The version of this form of this patient; 0 before it was ever saved."""
    return (
        session.scalar(select(EntryHead.version).where(EntryHead.patient_id == patient_id, EntryHead.form == form)) or 0
    )


def checked_key(key: Any) -> str:
    """The key itself. Raises NotSaved for what is no key a browser makes."""
    plain = isinstance(key, str) and key.isascii() and all(c.isalnum() or c == "-" for c in key)
    if not plain or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise NotSaved([Problem("", say("the form has no save key; reload the page"))])
    return str(key)


def _require_same(session: Session, patient: Patient, sent: Submission) -> None:
    if sent.patient != patient.uuid:
        raise WrongPatient(OTHER_PATIENT)
    band = sent.wristband.strip()
    if not band:
        return
    own = members(session, patient.id)
    numbers = set(session.scalars(select(Patient.mrn).where(Patient.id.in_(own))))
    numbers |= set(session.scalars(select(PatientIdentifier.value).where(PatientIdentifier.patient_id.in_(own))))
    if band not in numbers:
        raise WrongPatient(
            say("the wristband says {band}, this page is of {mrn}", band=repr(band[:60]), mrn=patient.mrn)
        )


def _already(before: EntrySave, patient: Patient, form: str, said: str) -> Saved:
    if (before.patient_id, before.form, before.digest) != (patient.id, form, said):
        raise KeyReused(say("this save was already stored with other content; open the form anew"))
    return _saved(before, again=True)


def _saved(save: EntrySave, *, again: bool = False) -> Saved:
    return Saved(
        patient_id=save.patient_id,
        batch=save.batch_id,
        version=save.version,
        stored=save.stored,
        at=save.at,
        who=save.who,
        again=again,
    )


def _named(item: Item, batch: str) -> Item:
    item.source_id = f"{batch}/{item.place}"
    return item


def _since(session: Session, patient_id: int, form: str, version: int) -> tuple[Theirs, ...]:
    saves = session.scalars(
        select(EntrySave)
        .where(EntrySave.patient_id == patient_id, EntrySave.form == form, EntrySave.version > version)
        .order_by(EntrySave.version)
    )
    return tuple(Theirs(save.who, save.at, save.said) for save in saves)


def _raise_version(session: Session, patient_id: int, form: str, version: int) -> None:
    statement = insert_or(session, EntryHead).values(patient_id=patient_id, form=form, version=version)
    session.execute(statement.on_conflict_do_update(index_elements=["patient_id", "form"], set_={"version": version}))
