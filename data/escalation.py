"""Carrying a flag further that nobody acknowledges: to the next on the rota, to everybody, to the lead of the team.

    urgent   30 min -> next on the rota; 2 h -> all oncologists and the admins; 4 h -> again, and a banner for the team
    high     1 working day -> lead of the team; 3 working days -> all oncologists
    medium   14 days -> lead of the team, and again every week

The time counts from when the flag was last told anew. Each rung is climbed once; where several have passed (Nadir was
down), the highest alone is. Acknowledging stops it: the flag's row is held while a rung is climbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from data.announcing import Carried, MailPolicy, next_step, tell, tell_admins
from data.audit import write_audit
from data.deadlines import working_days_after
from data.models import Escalation, Flag, Outbox, Patient
from data.passing_on import TO_PEOPLE, told_already
from data.people import Actor
from data.rota import leads_of
from data.settings import Settings
from data.survivors import standing_id
from data.telling import TOLD, Chosen, all_muted, everyone, hearing_teams, local_day, next_in_turn, roster_at
from data.upsert import insert_or

NEXT, ALL, AGAIN = 1, 2, 3
"""The rungs of an urgent flag."""
ACTOR: Final = "escalation"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a site waits for somebody to acknowledge a flag."""

    urgent: tuple[timedelta, timedelta, timedelta]
    high_working_days: tuple[int, int]
    medium: timedelta
    medium_again: timedelta
    zone: ZoneInfo

    def rungs(self, severity: str, told_at: datetime) -> Iterator[tuple[int, datetime]]:
        """The rungs of a flag of `severity` with the moments they are due, in rising order; without end for medium."""
        if severity == "urgent":
            yield from ((rung, told_at + wait) for rung, wait in enumerate(self.urgent, start=1))
        elif severity == "high":
            local = told_at.astimezone(self.zone)
            for rung, days in enumerate(self.high_working_days, start=1):
                day = working_days_after(local.date(), days)
                yield rung, datetime.combine(day, local.timetz()).astimezone(told_at.tzinfo)
        elif severity == "medium":
            due, rung = told_at + self.medium, 1
            while True:
                yield rung, due
                due, rung = due + self.medium_again, rung + 1

    def reached(self, severity: str, told_at: datetime, now: datetime) -> int:
        """The highest rung that is due at `now`; 0 for none."""
        highest = 0
        for rung, due in self.rungs(severity, told_at):
            if due > now:
                break
            highest = rung
        return highest

    @property
    def shortest(self) -> timedelta:
        """Nothing is due earlier than this after a flag was told."""
        return min(self.urgent[0], timedelta(days=1), self.medium)


def patience(settings: Settings) -> Patience:
    """The waits the settings describe."""
    return Patience(
        urgent=(
            timedelta(seconds=settings.urgent_next_s),
            timedelta(seconds=settings.urgent_all_s),
            timedelta(seconds=settings.urgent_repeat_s),
        ),
        high_working_days=(settings.high_lead_days, settings.high_all_days),
        medium=timedelta(days=settings.medium_lead_days),
        medium_again=timedelta(days=settings.medium_repeat_days),
        zone=settings.zone,
    )


def unanswered(session: Session, waits: Patience, *, now: datetime) -> list[str]:
    """Ids of open flags with a rung due that was not climbed, urgent ones first."""
    ended = func.coalesce(Patient.deceased_at, Patient.withdrawn_at, Patient.transferred_at)
    waiting = (
        select(Flag.id, Flag.episode, Flag.severity, Flag.opened_at)
        .join(Patient, Patient.id == standing_id(Flag.patient_id))
        .where(Flag.status == "open", Flag.severity.in_(sorted(TOLD)), ended.is_(None))
        .where(Flag.opened_at <= now - waits.shortest)
    )
    flags = session.execute(waiting).all()
    tellings = _tellings(session, waiting.with_only_columns(Flag.id))
    climbed = _climbed(session, waiting.with_only_columns(Flag.id))
    due = []
    for flag in flags:
        step, told_at = tellings.get((flag.id, flag.episode), (0, flag.opened_at))
        if waits.reached(flag.severity, told_at, now) > climbed.get((flag.id, flag.episode, step), 0):
            due.append((flag.severity != "urgent", told_at, flag.id))
    return [flag_id for _severity, _told_at, flag_id in sorted(due)]


def climb(session: Session, flag_id: str, policy: MailPolicy, waits: Patience, *, now: datetime) -> int:
    """Climb the rung of a flag that is due, if it is still open and nobody did; returns how many mails were written."""
    flag = session.execute(
        select(
            *(Flag.id, Flag.patient_id, Flag.rule, Flag.severity, Flag.episode, Flag.status, Flag.opened_at),
            Patient.uuid,
        )
        .join(Patient, Patient.id == Flag.patient_id)
        .where(Flag.id == flag_id)
        .with_for_update(of=Flag)
    ).one()
    if flag.status != "open" or all_muted(session, flag, now):
        return 0
    step, told_at = _tellings(session, [flag_id]).get((flag_id, flag.episode), (0, flag.opened_at))
    rung = waits.reached(flag.severity, told_at, now)
    if rung <= _climbed(session, [flag_id]).get((flag_id, flag.episode, step), 0):
        return 0
    mails = _tell_rung(session, flag, rung, policy, now)
    row = {"flag_id": flag_id, "episode": flag.episode, "told_step": step, "rung": rung, "at": now, "mails": mails}
    session.execute(insert_or(session, Escalation.__table__).values(row))
    write_audit(
        session,
        Actor.system(ACTOR),
        "flag.escalate",
        now=now,
        patient_uuid=flag.uuid,
        object=flag_id,
        detail={"rung": rung, "mails": mails},
    )
    return mails


def long_unanswered(session: Session, patients: Any) -> list[str]:
    """Ids of open urgent flags that reached the last rung, of the patients a where-clause on `Patient.id` leaves."""
    last_told = (
        select(func.max(Outbox.step))
        .where(Outbox.flag_id == Flag.id, Outbox.episode == Flag.episode, Outbox.rung == 0, Outbox.corrects.is_(None))
        .scalar_subquery()
    )
    return list(
        session.scalars(
            select(Flag.id)
            .join(Patient, Patient.id == standing_id(Flag.patient_id))
            .join(Escalation, (Escalation.flag_id == Flag.id) & (Escalation.episode == Flag.episode))
            .where(Flag.status == "open", Flag.severity == "urgent", Escalation.rung >= AGAIN, patients)
            .where(Escalation.told_step == func.coalesce(last_told, 0))
            .order_by(Flag.opened_at)
        )
    )


def _tell_rung(session: Session, flag: Any, rung: int, policy: MailPolicy, now: datetime) -> int:
    step = next_step(session, flag)
    people = _people(session, flag, rung, policy, now)
    carried = Carried(rung, flag.opened_at)
    mails = tell(session, flag, people, policy, now, step=step, carried=carried)
    if not people:
        return tell_admins(session, flag, "no-recipient", policy, now, step=step, carried=carried)
    if flag.severity == "urgent" and rung >= ALL:
        mails += tell_admins(session, flag, "not-acknowledged", policy, now, step=step, carried=carried)
    return mails


def _people(session: Session, flag: Any, rung: int, policy: MailPolicy, now: datetime) -> Sequence[Chosen]:
    if flag.severity == "urgent" and rung == NEXT:
        told = told_already(session, flag.id, flag.episode)
        person = next_in_turn(session, flag, told, now=now, zone=policy.zone)
        # Everybody was told and nobody answered: whoever comes first in turn hears of it again.
        person = person or next_in_turn(session, flag, set(), now=now, zone=policy.zone)
        return [] if person is None else [person]
    team_ids = hearing_teams(session, flag, now)
    roster = roster_at(session, team_ids, local_day(now, policy.zone))
    if flag.severity == "medium" or (flag.severity == "high" and rung == 1):
        named = leads_of(session, team_ids)
        leads = [lead for team, lead in named.items() if lead in roster.reached.get(team, ())]
        if leads:
            return [Chosen(lead, "lead") for lead in sorted(set(leads))]
    return everyone(roster, team_ids)


def _tellings(
    session: Session, flag_ids: Sequence[str] | Select[Any]
) -> Mapping[tuple[str, int], tuple[int, datetime]]:
    """By flag and episode the step at which it was last told anew, and when."""
    rows = session.execute(
        select(Outbox.flag_id, Outbox.episode, Outbox.step, func.min(Outbox.created_at).label("at"))
        .where(Outbox.flag_id.in_(flag_ids), Outbox.rung == 0, Outbox.corrects.is_(None))
        .where(Outbox.kind.in_((*TO_PEOPLE, "technical")))
        .group_by(Outbox.flag_id, Outbox.episode, Outbox.step)
        .order_by(Outbox.step)
    )
    return {(row.flag_id, row.episode): (row.step, row.at) for row in rows if row.flag_id is not None}


def _climbed(session: Session, flag_ids: Sequence[str] | Select[Any]) -> Mapping[tuple[str, int, int], int]:
    rows = session.execute(
        select(Escalation.flag_id, Escalation.episode, Escalation.told_step, func.max(Escalation.rung))
        .where(Escalation.flag_id.in_(flag_ids))
        .group_by(Escalation.flag_id, Escalation.episode, Escalation.told_step)
    )
    return {(flag_id, episode, step): rung for flag_id, episode, step, rung in rows}
