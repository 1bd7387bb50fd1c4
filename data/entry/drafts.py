"""What a person has typed and not saved: kept by person, patient and form, so that no end of a page loses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, delete, select
from sqlalchemy.orm import Session

from data.models import EntryDraft, EntrySave
from data.people import CLINICAL_ROLES, Actor, Forbidden
from data.upsert import insert_or

_DRAFT = cast(Table, EntryDraft.__table__).c


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in a form. `key` and `version` are those of its opening, `number` counts the drafts of it."""

    key: str
    number: int
    version: int
    said: Mapping[str, str]


def keep_draft(session: Session, actor: Actor, patient_id: int, form: str, typed: Typed, *, now: datetime) -> None:
    """Keep what stands in the form; a draft of the same opening that was made earlier never overwrites a later one.

    A form with nothing in it keeps no draft, and neither does one that was saved meanwhile. Raises Forbidden for who
    enters no values.
    """
    if actor.role not in CLINICAL_ROLES or actor.person_id is None:
        raise Forbidden("drafts are kept for clinicians")
    if session.get(EntrySave, typed.key) is not None:
        return
    if not typed.said:
        drop_draft(session, actor, patient_id, form)
        return
    content = {
        "key": typed.key,
        "number": typed.number,
        "version": typed.version,
        "said": dict(typed.said),
        "saved_at": now,
    }
    statement = insert_or(session, EntryDraft).values(
        person_id=actor.person_id, patient_id=patient_id, form=form, **content
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "patient_id", "form"],
            set_=content,
            where=(_DRAFT.key != typed.key) | (_DRAFT.number < typed.number),
        )
    )


def draft_of(session: Session, actor: Actor, patient_id: int, form: str) -> EntryDraft | None:
    """The person's own draft of this form of this patient."""
    if actor.person_id is None:
        return None
    return session.scalar(
        select(EntryDraft).where(
            EntryDraft.person_id == actor.person_id, EntryDraft.patient_id == patient_id, EntryDraft.form == form
        )
    )


def drop_draft(session: Session, actor: Actor, patient_id: int, form: str) -> None:
    """Forget the person's draft of this form of this patient."""
    session.execute(
        delete(EntryDraft).where(
            EntryDraft.person_id == actor.person_id, EntryDraft.patient_id == patient_id, EntryDraft.form == form
        )
    )
