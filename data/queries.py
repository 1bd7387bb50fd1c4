"""Data queries: a question on one stored value, asked, answered and closed by the patient's team.

    open -> answered -> closed
    open -> closed, answered -> open (asked again)

Oncologists and nurses of the teams ask and answer; who asked, or an oncologist, closes. Every step is a row with who,
when and what was said, and a step is refused to who has not seen the one before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from sqlalchemy import CursorResult, Select, func, or_, select, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.cohort import in_team
from data.errors import BadInput
from data.models import DataQuery, DataQueryStep, Patient, Person, Record
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, Actor, Forbidden, NotFound, visible
from data.provenance import provenance
from data.survivors import members, standing_id
from data.upsert import insert_or

State = Literal["open", "answered", "closed"]
Action = Literal["answer", "close", "again"]

STATES: Final[tuple[State, ...]] = ("open", "answered", "closed")
WAITING: Final = ("open", "answered")
SHORTEST, LONGEST = 3, 2_000
MOST_LISTED: Final = 200
MOVES: Final[Mapping[Action, tuple[frozenset[State], State]]] = MappingProxyType(
    {
        "answer": (frozenset({"open"}), "answered"),
        "again": (frozenset({"answered"}), "open"),
        "close": (frozenset({"open", "answered"}), "closed"),
    }
)


class NotAsked(BadInput):
    """A question or step that cannot be taken; the message says why. Nothing was changed."""


class QueryChanged(NotAsked):
    """Somebody else has moved the question since it was read."""

    def __init__(self) -> None:
        super().__init__("somebody else has answered or closed it meanwhile; what now stands is shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a question. `before` None: it was asked."""

    at: datetime
    who: str
    before: State | None
    after: State
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question with its steps, oldest first; in lists they are left out. `about` is a record or a day of a sensor,
    `analyte` and `kind` those of the record; `may_close` is for the actor who reads it."""

    id: int
    mrn: str
    patient_name: str | None
    about: str
    kind: str | None
    analyte: str | None
    words: str
    state: State
    version: int
    asked_at: datetime
    asked_by: str
    may_close: bool
    steps: tuple[Step, ...] = ()


def ask(session: Session, actor: Actor, mrn: str, about: str, *, words: str, key: str, now: datetime) -> int:
    """Ask about a record, or a day of a sensor, of a patient; the number of the question.

    `key` is made when the form opens: the same question sent twice is asked once. Raises Forbidden, NotFound for a
    patient the actor may not see or a record they do not have, NotAsked.
    """
    _require_clinician(actor)
    patient = find_by_mrn(session, actor, mrn)
    found = provenance(session, actor, mrn, about)
    said = _checked(words)
    inserted: int | None = session.scalar(
        insert_or(session, DataQuery)
        .values(
            key=key,
            patient_id=patient.id,
            record_id=int(found.versions[-1].id) if found.versions else None,
            sensor_day=None if found.versions else about,
            words=said,
            state="open",
            version=1,
            asked_at=now,
            asked_by_id=actor.person_id,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(DataQuery.id)
    )
    if inserted is None:
        before = session.execute(
            select(DataQuery.id, DataQuery.patient_id, DataQuery.words).where(DataQuery.key == key)
        ).one()
        if (before.patient_id, before.words) != (patient.id, said):
            raise NotAsked("this form was sent already with another question; open it anew")
        return int(before.id)
    _step(session, actor, inserted, None, "open", said, now)
    write_audit(
        session, actor, "query.ask", now=now, patient_uuid=patient.uuid, object=str(inserted), detail={"about": about}
    )
    return int(inserted)


def advance(
    session: Session, actor: Actor, mrn: str, query: int, action: Action, *, words: str, version: int, now: datetime
) -> State:
    """Answer, ask again or close a question read at `version`; the state it then has.

    Raises Forbidden for who may not, NotFound, QueryChanged, NotAsked for a step its state does not allow or without
    words.
    """
    _require_clinician(actor)
    patient = find_by_mrn(session, actor, mrn)
    row = session.execute(
        select(DataQuery.id, DataQuery.state, DataQuery.version, DataQuery.asked_by_id)
        .where(DataQuery.id == query, DataQuery.patient_id.in_(members(session, patient.id)))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(f"no question {query}")
    if action == "close" and not _may_close(actor, row.asked_by_id):
        raise Forbidden("a question is closed by who asked it, or by an oncologist")
    said = _checked(words)
    sources, target = MOVES[action]
    if row.version != version:
        raise QueryChanged
    if row.state not in sources:
        raise NotAsked(f"a question that is {row.state} cannot take this step")
    changed = cast(
        "CursorResult[Any]",
        session.execute(
            update(DataQuery)
            .where(DataQuery.id == query, DataQuery.version == version)
            .values(state=target, version=version + 1)
            .execution_options(synchronize_session=False)
        ),
    )
    if changed.rowcount != 1:
        raise QueryChanged
    _step(session, actor, query, cast("State", row.state), target, said, now)
    write_audit(
        session,
        actor,
        f"query.{action}",
        now=now,
        patient_uuid=patient.uuid,
        object=str(query),
        detail={"from": row.state, "to": target, "version": version + 1},
    )
    return target


def show_query(session: Session, actor: Actor, mrn: str, query: int) -> Query:
    """One question of a patient with its steps. Raises NotFound when the actor may not see it."""
    patient = find_by_mrn(session, actor, mrn)
    own = DataQuery.patient_id.in_(members(session, patient.id))
    found = _read(session, actor, _wanted(actor).where(DataQuery.id == query, own))
    if not found:
        raise NotFound(f"no question {query}")
    return found[0]


def queries_about(session: Session, actor: Actor, mrn: str, about: Iterable[str]) -> tuple[Query, ...]:
    """The questions on these records (the versions of one value) or days of a sensor, oldest first."""
    patient = find_by_mrn(session, actor, mrn)
    own = DataQuery.patient_id.in_(members(session, patient.id))
    named = sorted(about)
    records = [int(one) for one in named if one.isascii() and one.isdigit()]
    meant = or_(DataQuery.record_id.in_(records), DataQuery.sensor_day.in_(named))
    wanted = _wanted(actor).where(meant, own).order_by(DataQuery.id)
    return tuple(_read(session, actor, wanted))


def list_queries(
    session: Session, actor: Actor, *, team: str | None = None, state: str | None = None
) -> tuple[tuple[Query, ...], int]:
    """The questions of the actor's teams, those that wait longest first, and how many there are; steps left out.

    `state` None: those that are open or answered; at most `MOST_LISTED` are listed.
    """
    _require_clinician(actor)
    states = WAITING if state not in STATES else (state,)
    wanted = _wanted(actor).where(DataQuery.state.in_(states))
    if team is not None:
        wanted = wanted.where(in_team(actor, team))
    count = session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    rows = session.execute(wanted.order_by(DataQuery.state.desc(), DataQuery.asked_at, DataQuery.id).limit(MOST_LISTED))
    return tuple(_query(row, actor, ()) for row in rows), count


def count_open(session: Session, actor: Actor) -> int:
    """How many questions of the actor's teams nobody has answered yet."""
    return (
        session.scalar(
            select(func.count())
            .select_from(DataQuery)
            .join(Patient, Patient.id == standing_id(DataQuery.patient_id))
            .where(DataQuery.state == "open", visible(actor))
        )
        or 0
    )


def _wanted(actor: Actor) -> Select[DataQuery, str, str | None, str, str, str | None]:
    """The questions that the actor may see, with whom and what they are about."""
    return (
        select(DataQuery, Patient.mrn, Patient.name, Person.email, Record.kind, Record.analyte)
        .select_from(DataQuery)
        .join(Patient, Patient.id == standing_id(DataQuery.patient_id))
        .join(Person, Person.id == DataQuery.asked_by_id)
        .outerjoin(Record, Record.id == DataQuery.record_id)
        .where(visible(actor))
    )


def _read(
    session: Session, actor: Actor, wanted: Select[DataQuery, str, str | None, str, str, str | None]
) -> list[Query]:
    rows = session.execute(wanted).all()
    steps: dict[int, list[Step]] = {}
    for step in session.scalars(
        select(DataQueryStep)
        .where(DataQueryStep.query_id.in_([row[0].id for row in rows]))
        .order_by(DataQueryStep.query_id, DataQueryStep.id)
    ):
        before, after = cast("State | None", step.from_state), cast("State", step.to_state)
        said = Step(at=step.at, who=step.who, before=before, after=after, words=step.words)
        steps.setdefault(step.query_id, []).append(said)
    return [_query(row, actor, steps.get(row[0].id, ())) for row in rows]


def _query(row: Sequence[Any], actor: Actor, steps: Iterable[Step]) -> Query:
    asked, mrn, name, email, kind, analyte = row
    return Query(
        id=asked.id,
        mrn=mrn,
        patient_name=name,
        about=asked.sensor_day or str(asked.record_id),
        kind=kind,
        analyte=analyte,
        words=asked.words,
        state=asked.state,
        version=asked.version,
        asked_at=asked.asked_at,
        asked_by=email,
        may_close=_may_close(actor, asked.asked_by_id),
        steps=tuple(steps),
    )


def _step(
    session: Session, actor: Actor, query: int, before: State | None, after: State, words: str, now: datetime
) -> None:
    session.add(
        DataQueryStep(
            query_id=query,
            at=now,
            who=actor.name,
            person_id=actor.person_id,
            from_state=before,
            to_state=after,
            words=words,
        )
    )
    session.flush()


def _may_close(actor: Actor, asked_by_id: int) -> bool:
    return actor.role == "oncologist" or actor.person_id == asked_by_id


def _checked(words: str) -> str:
    said = words.strip()
    if not SHORTEST <= len(said) <= LONGEST or "\x00" in said:
        raise NotAsked(f"write {SHORTEST} to {LONGEST} letters")
    return said


def _require_clinician(actor: Actor) -> None:
    if actor.role not in CLINICAL_ROLES or actor.person_id is None:
        raise Forbidden("questions about values are asked and answered by clinicians")
