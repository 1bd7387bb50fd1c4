"""How a person wants to be told: quiet hours, their zone, and which severities of which team how. Urgent is never off.

An address the mail server refuses for good is switched off here, and on again by a test mail that arrives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from clinical.saying import say
from data.audit import write_audit
from data.errors import BadInput
from data.models import MailChoice, Person, PersonTeam, Subscription, Team
from data.people import CLINICAL_ROLES, Actor, Forbidden
from data.quiet import MINUTES_A_DAY, QuietHours, held_until
from data.upsert import insert_or

SUBSCRIBED: Final = ("urgent", "high", "medium")
OFFERED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "oncologist": {
            "urgent": ("on-call", "at-once"),
            "high": ("on-call", "at-once", "digest"),
            "medium": ("digest", "at-once", "off"),
        },
        "nurse": {"urgent": ("on-call", "at-once"), "high": ("on-call", "at-once"), "medium": ("off", "at-once")},
    }
)
"""By role and severity what may be chosen; the first holds without a choice. A nurse is on no rota, so that `on-call`
tells them of nothing."""


class NotChosen(BadInput):
    """A choice that is not offered; the message says which."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person has chosen. `quiet` are local times `HH:MM`, `how` by team id and severity what holds."""

    zone: str | None
    quiet: tuple[str, str] | None
    off_at: datetime | None
    off_why: str | None
    teams: tuple[tuple[int, str], ...]
    how: Mapping[tuple[int, str], str]


def choices_of(session: Session, actor: Actor) -> Choices:
    """The actor's own choices, with what holds where none was made. Raises Forbidden for no person."""
    person_id = _own(actor)
    stored = session.execute(select(MailChoice).where(MailChoice.person_id == person_id)).scalar_one_or_none()
    offered = OFFERED.get(actor.role, {})
    teams = session.execute(
        select(Team.id, Team.name)
        .join(PersonTeam, PersonTeam.team_id == Team.id)
        .where(PersonTeam.person_id == person_id)
        .order_by(Team.name)
    ).all()
    rows = session.execute(
        select(Subscription.team_id, Subscription.severity, Subscription.how).where(Subscription.person_id == person_id)
    )
    chosen = {(row.team_id, row.severity): row.how for row in rows}
    how = {
        (team_id, severity): chosen.get((team_id, severity), kinds[0])
        for team_id, _name in teams
        for severity, kinds in offered.items()
    }
    quiet = None
    if stored is not None and stored.quiet_from is not None and stored.quiet_to is not None:
        quiet = (_clock_text(stored.quiet_from), _clock_text(stored.quiet_to))
    return Choices(
        zone=None if stored is None else stored.zone,
        quiet=quiet,
        off_at=None if stored is None else stored.off_at,
        off_why=None if stored is None else stored.off_why,
        teams=tuple((row.id, row.name) for row in teams) if offered else (),
        how=how,
    )


def choose(
    session: Session,
    actor: Actor,
    *,
    zone: str,
    quiet: tuple[str, str] | None,
    how: Mapping[tuple[int, str], str],
    now: datetime,
) -> None:
    """Keep the actor's choices: zone (empty: the site's), quiet hours, and how each severity of each team is told.

    Raises NotChosen for a zone, time or way that is not offered or a team the actor is not in, Forbidden for no person.
    """
    person_id = _own(actor)
    offered = OFFERED.get(actor.role, {})
    for (team_id, severity), kind in how.items():
        if team_id not in actor.team_ids or kind not in offered.get(severity, ()):
            raise NotChosen(say("there is no such choice for alerts of this severity and team"))
    minutes = (None, None) if quiet is None else (_minutes(quiet[0]), _minutes(quiet[1]))
    if quiet is not None and minutes[0] == minutes[1]:
        raise NotChosen(say("quiet hours begin and end at different times"))
    values = {"zone": _known_zone(zone), "quiet_from": minutes[0], "quiet_to": minutes[1]}
    before = _said(session, actor, person_id)
    _keep(session, person_id, values)
    session.execute(delete(Subscription).where(Subscription.person_id == person_id))
    if how:
        session.execute(
            insert(Subscription),
            [{"person_id": person_id, "team_id": t, "severity": s, "how": kind} for (t, s), kind in how.items()],
        )
    detail = {"old": before, "new": _said(session, actor, person_id)}
    write_audit(session, actor, "person.alerts", now=now, object=actor.name, detail=detail)


def _said(session: Session, actor: Actor, person_id: int) -> dict[str, Any]:
    """What a person has chosen, as the audit trail says it."""
    chosen = choices_of(session, actor)
    rows = session.execute(
        select(Team.name, Subscription.severity, Subscription.how)
        .join(Team, Team.id == Subscription.team_id)
        .where(Subscription.person_id == person_id)
        .order_by(Team.name, Subscription.severity)
    )
    return {"zone": chosen.zone, "quiet": chosen.quiet, "how": [list(row) for row in rows]}


def held(
    session: Session,
    person_ids: Iterable[int],
    severity: str,
    *,
    created_at: datetime,
    now: datetime,
    site: ZoneInfo,
    longest: timedelta,
) -> dict[int, datetime]:
    """By person until when a mail of `severity` waits for their quiet hours to end; who may be told now is left out."""
    rows = session.execute(
        select(MailChoice.person_id, MailChoice.zone, MailChoice.quiet_from, MailChoice.quiet_to).where(
            MailChoice.person_id.in_(list(person_ids)), MailChoice.quiet_from.is_not(None)
        )
    )
    found = {}
    for row in rows:
        hours = QuietHours(row.quiet_from, row.quiet_to, site if row.zone is None else ZoneInfo(row.zone))
        until = held_until(severity, hours, created_at=created_at, now=now, longest=longest)
        if until is not None:
            found[row.person_id] = until
    return found


def switch_off(session: Session, person_id: int, why: str, *, now: datetime) -> None:
    """Send nothing but test mails to this person's address any more: the mail server refused it for good."""
    before = _off_why(session, person_id)
    _keep(session, person_id, {"off_at": now, "off_why": why})
    _audit(session, person_id, "mail.address-off", before, why, now)


def switch_on(session: Session, person_id: int, *, now: datetime) -> bool:
    """Write to this person's address again; whether it had been switched off."""
    before = _off_why(session, person_id)
    if before is None:
        return False
    _keep(session, person_id, {"off_at": None, "off_why": None})
    _audit(session, person_id, "mail.address-on", before, None, now)
    return True


def _off_why(session: Session, person_id: int) -> str | None:
    return session.scalar(select(MailChoice.off_why).where(MailChoice.person_id == person_id).with_for_update())


def _audit(session: Session, person_id: int, action: str, before: str | None, after: str | None, now: datetime) -> None:
    email = session.scalars(select(Person.email).where(Person.id == person_id)).one()
    detail = {"old": before, "new": after}
    write_audit(session, Actor.system("sender"), action, now=now, object=email, detail=detail)


def _keep(session: Session, person_id: int, values: dict[str, Any]) -> None:
    session.execute(
        insert_or(session, MailChoice.__table__)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=["person_id"], set_=values)
    )


def _own(actor: Actor) -> int:
    if actor.person_id is None or actor.role not in CLINICAL_ROLES | {"admin"}:
        raise Forbidden("Only a person who is told of flags or faults has alerts.")
    return actor.person_id


def _known_zone(name: str) -> str | None:
    if not name.strip():
        return None
    try:
        return ZoneInfo(name.strip()).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NotChosen(say("there is no time zone {name}", name=repr(name[:64]))) from error


def _minutes(text: str) -> int:
    hour, colon, minute = text.strip().partition(":")
    if colon and hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit() and len(text) <= 5:
        found = int(hour) * 60 + int(minute)
        if int(minute) < 60 and found < MINUTES_A_DAY:
            return found
    raise NotChosen(say("quiet hours need two times of day, written 22:00 and 06:30"))


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
