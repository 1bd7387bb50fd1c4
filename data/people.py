"""Who acts, what they may see, and the accounts and teams behind that."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Self

from sqlalchemy import ColumnElement, Select, and_, delete, false, or_, select, true, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.errors import BadInput
from data.known_devices import forget_devices
from data.models import Invitation, Patient, PatientSurvivor, PatientTeam, Person, PersonTeam, Team
from data.models import Session as SignIn
from data.passwords import MIN_LENGTH, MIN_LENGTH_BESIDE_FACTOR, check_password, hash_password
from data.second_factor import drop_second_factor, has_second_factor
from data.survivors import not_merged
from data.throttle import account_bucket, clear, proof_bucket

ROLES = ("oncologist", "nurse", "admin", "auditor", "service")
CLINICAL_ROLES = frozenset({"oncologist", "nurse"})
# Who may take files in. An admin does so for teams they belong to and sees patients only while files are matched.
IMPORTING_ROLES = CLINICAL_ROLES | {"admin"}
SYSTEM_ROLE = "system"
INVITATION_LIFE = timedelta(days=3)
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
EMAIL_MAX = 200


class NotFound(LookupError):
    """Nothing of that name that the actor may see: the same answer whether it exists elsewhere or not at all."""


class Forbidden(PermissionError):
    """The actor's role does not allow this."""


class AccountError(BadInput):
    """An account, team or link that cannot be used as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A patient whom a clinician of another team has opened in an emergency (`data.emergency`)."""

    patient_id: int
    patient_uuid: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person in a request, or a command or job of the system itself.

    `importing`: the person's file is being matched with patients, which an admin otherwise does not see. `mending`: an
    admin has a held item read again, which may be about anybody. `opened`: patients seen beside those of the teams.
    """

    name: str
    role: str
    person_id: int | None = None
    team_ids: frozenset[int] = frozenset()
    request_id: str | None = None
    source: str | None = None
    importing: bool = False
    mending: bool = False
    opened: frozenset[Opened] = frozenset()

    @classmethod
    def system(cls, name: str) -> Self:
        """A command line or a job: sees every patient. `name` says which, for the audit trail."""
        return cls(name=name, role=SYSTEM_ROLE)


def visible(actor: Actor) -> ColumnElement[bool]:
    """The where-clause on `Patient.id` that leaves the patients `actor` may see.

    The system sees all, clinicians the patients of their teams, everybody else none - but for an admin whose file is
    being matched or who has a held item read again. A merged patient is seen as its survivor, by the teams of both, and
    not on its own.
    """
    if actor.role == SYSTEM_ROLE or (actor.role == "admin" and actor.mending):
        return not_merged()
    if actor.role in (IMPORTING_ROLES if actor.importing else CLINICAL_ROLES) and (actor.team_ids or actor.opened):
        theirs = _followed(actor)
        survivors = select(PatientSurvivor.survivor_id).where(PatientSurvivor.patient_id.in_(theirs))
        return not_merged() & or_(Patient.id.in_(theirs), Patient.id.in_(survivors))
    return false()


def reached(actor: Actor, patient_id: Any) -> ColumnElement[bool]:
    """The where-clause on a column of patients that leaves what is shown under the patients of `visible(actor)`.

    Without a look at `patient`, for tables where every row carries a patient: the teams' own, and whoever is one with
    one of those.
    """
    if actor.role == SYSTEM_ROLE:
        return true()
    if actor.role not in CLINICAL_ROLES or not (actor.team_ids or actor.opened):
        return false()
    theirs = _followed(actor)
    groups = select(PatientSurvivor.survivor_id).where(
        PatientSurvivor.patient_id.in_(theirs) | PatientSurvivor.survivor_id.in_(theirs)
    )
    merged = select(PatientSurvivor.patient_id).where(PatientSurvivor.survivor_id.in_(groups))
    return or_(patient_id.in_(theirs), patient_id.in_(groups), patient_id.in_(merged))


def person_actor(
    session: Session, person: Person, *, request_id: str | None = None, source: str | None = None
) -> Actor:
    """The actor a person is at this moment, with the role and teams the database holds now."""
    team_ids = session.scalars(select(PersonTeam.team_id).where(PersonTeam.person_id == person.id))
    return Actor(person.email, person.role, person.id, frozenset(team_ids), request_id, source)


def add_team(session: Session, actor: Actor, name: str, *, now: datetime) -> Team:
    """A new care team. Raises AccountError for an empty or taken name."""
    _require_administrator(actor)
    name = name.strip()
    if not name or len(name) > 120:
        raise AccountError("a team needs a name of 1 to 120 characters")
    if session.scalar(select(Team.id).where(Team.name == name)) is not None:
        raise AccountError(f"there is already a team {name!r}")
    team = Team(name=name)
    session.add(team)
    session.flush()
    write_audit(session, actor, "team.add", now=now, object=name)
    return team


def list_teams(session: Session) -> list[Team]:
    """Every team by name."""
    return list(session.scalars(select(Team).order_by(Team.name)))


def find_team(session: Session, name: str) -> Team:
    """The team called `name`. Raises NotFound."""
    team = session.scalar(select(Team).where(Team.name == name))
    if team is None:
        raise NotFound(f"no team {name!r}")
    return team


def add_person(
    session: Session,
    actor: Actor,
    *,
    email: str,
    role: str,
    teams: list[str] | tuple[str, ...],
    now: datetime,
    name: str | None = None,
) -> str:
    """A new account without a password; returns the one-time token of the link that chooses it.

    Raises AccountError for an unusable or taken address or an unknown role, NotFound for an unknown team.
    """
    _require_administrator(actor)
    email = email.strip().lower()
    if not EMAIL.fullmatch(email) or len(email) > EMAIL_MAX:
        raise AccountError(f"{email!r} is not an e-mail address Nadir can write to")
    if role not in ROLES:
        raise AccountError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
    if session.scalar(select(Person.id).where(Person.email == email)) is not None:
        raise AccountError(f"there is already an account {email}")
    found = [find_team(session, team) for team in teams]
    person = Person(email=email, name=(name or email.partition("@")[0])[:200], role=role, created_at=now)
    session.add(person)
    session.flush()
    session.add_all(PersonTeam(person_id=person.id, team_id=team.id) for team in found)
    write_audit(session, actor, "person.add", now=now, object=email, detail={"role": role, "teams": list(teams)})
    return invite(session, actor, email, now=now)


def invite(session: Session, actor: Actor, email: str, *, now: datetime) -> str:
    """A fresh one-time token for the account; earlier ones stop working. Raises NotFound."""
    _require_administrator(actor)
    person = _person(session, email)
    session.execute(
        update(Invitation).where(Invitation.person_id == person.id, Invitation.used_at.is_(None)).values(used_at=now)
    )
    token = secrets.token_urlsafe(32)
    session.add(Invitation(token_hash=_hash(token), person_id=person.id, expires_at=now + INVITATION_LIFE))
    session.flush()
    write_audit(session, actor, "person.invite", now=now, object=person.email)
    return token


def invited(session: Session, token: str, now: datetime) -> Person:
    """The person a one-time link belongs to. Raises AccountError when it is unknown, used or too old."""
    return _invitation(session, token, now)[1]


def redeem(session: Session, token: str, password: str, now: datetime) -> Person:
    """Choose the password of the account behind a one-time token; it ends every sign-in of the account.

    Raises AccountError when the token is unknown, used or too old, WeakPassword for a password that may not be used.
    """
    invitation, person = _invitation(session, token, now)
    check_password(password, email=person.email, name=person.name, least=least_length(session, person))
    person.password_hash = hash_password(password)
    invitation.used_at = now
    end_sessions(session, person.id, now)
    forget_devices(session, person.id)
    for bucket in (account_bucket(person.email), proof_bucket(person.id)):
        clear(session, bucket)
    write_audit(session, person_actor(session, person), "person.password", now=now, object=person.email)
    return person


def least_length(session: Session, person: Person) -> int:
    """How many characters a password of this person has at least."""
    return MIN_LENGTH_BESIDE_FACTOR if has_second_factor(session, person.id) else MIN_LENGTH


def reset(session: Session, actor: Actor, email: str, *, now: datetime) -> str:
    """Take password and second factor from an account and end its sign-ins; the token of a fresh one-time link.

    For who has lost the phone, or whose account is closed after a hundred wrong passwords. Raises NotFound.
    """
    _require_administrator(actor)
    person = _person(session, email)
    person.password_hash = None
    drop_second_factor(session, actor, person, now)
    end_sessions(session, person.id, now)
    return invite(session, actor, email, now=now)


def disable(session: Session, actor: Actor, email: str, *, now: datetime) -> None:
    """Close an account and end its sign-ins. Raises NotFound, or AccountError for the last enabled admin."""
    _require_administrator(actor)
    person = _person_no_longer_admin(session, email)
    person.disabled_at = now
    end_sessions(session, person.id, now)
    write_audit(session, actor, "person.disable", now=now, object=person.email)


def set_role(session: Session, actor: Actor, email: str, role: str, *, now: datetime) -> None:
    """Give an account another role and end its sign-ins. Raises NotFound, or AccountError as `add_person`."""
    _require_administrator(actor)
    if role not in ROLES:
        raise AccountError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
    person = _person(session, email) if role == "admin" else _person_no_longer_admin(session, email)
    before, person.role = person.role, role
    end_sessions(session, person.id, now)
    write_audit(session, actor, "person.role", now=now, object=person.email, detail={"old": before, "new": role})


def set_teams(session: Session, actor: Actor, email: str, teams: list[str], *, now: datetime) -> None:
    """Put an account into exactly these teams. Raises NotFound."""
    _require_administrator(actor)
    person = _person(session, email)
    found = [find_team(session, team) for team in teams]
    mine = select(Team.name).join(PersonTeam, PersonTeam.team_id == Team.id).where(PersonTeam.person_id == person.id)
    before = session.scalars(mine.order_by(Team.name)).all()
    session.execute(delete(PersonTeam).where(PersonTeam.person_id == person.id))
    session.add_all(PersonTeam(person_id=person.id, team_id=team.id) for team in found)
    session.flush()
    detail = {"old": list(before), "new": sorted(team.name for team in found)}
    write_audit(session, actor, "person.teams", now=now, object=person.email, detail=detail)


def list_people(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """Every account by e-mail address: `email, name, role, teams, disabled, has_password`."""
    _require_administrator(actor)
    teams: dict[int, list[str]] = {}
    pairs = select(PersonTeam.person_id, Team.name).join(Team, Team.id == PersonTeam.team_id).order_by(Team.name)
    for person_id, team in session.execute(pairs):
        teams.setdefault(person_id, []).append(team)
    return [
        {
            "email": p.email,
            "name": p.name,
            "role": p.role,
            "teams": teams.get(p.id, []),
            "disabled": p.disabled_at is not None,
            "has_password": p.password_hash is not None,
        }
        for p in session.scalars(select(Person).order_by(Person.email))
    ]


def end_sessions(session: Session, person_id: int, now: datetime) -> None:
    """End every sign-in of a person that has not ended yet, also under an id that is just being replaced."""
    still = or_(SignIn.ended_at.is_(None), SignIn.ended_at > now)
    session.execute(update(SignIn).where(SignIn.person_id == person_id, still).values(ended_at=now))


def _require_administrator(actor: Actor) -> None:
    if actor.role not in ("admin", SYSTEM_ROLE):
        raise Forbidden("accounts and teams are kept by an admin")


def _person(session: Session, email: str) -> Person:
    person = session.scalar(select(Person).where(Person.email == email.strip().lower()).with_for_update())
    if person is None:
        raise NotFound(f"no account {email!r}")
    return person


def _person_no_longer_admin(session: Session, email: str) -> Person:
    """The account, locked together with every enabled admin. Raises NotFound, or AccountError for the last of them.

    One statement locks them by id, so that two admins who take each other away wait for one another in one order.
    """
    address = email.strip().lower()
    enabled = and_(Person.role == "admin", Person.disabled_at.is_(None))
    wanted = select(Person).where(or_(enabled, Person.email == address)).order_by(Person.id)
    locked = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()
    person = next((one for one in locked if one.email == address), None)
    if person is None:
        raise NotFound(f"no account {email!r}")
    admins = [one for one in locked if one.role == "admin" and one.disabled_at is None]
    if admins == [person]:
        raise AccountError(f"{person.email} is the last admin; name another one first")
    return person


def _followed(actor: Actor) -> Select[int]:
    """The patients of the actor's teams and those opened in an emergency."""
    theirs = select(PatientTeam.patient_id).where(PatientTeam.team_id.in_(sorted(actor.team_ids)))
    if not actor.opened:
        return theirs
    opened = sorted(opened.patient_id for opened in actor.opened)
    return select(Patient.id).where(or_(Patient.id.in_(theirs), Patient.id.in_(opened)))


def _invitation(session: Session, token: str, now: datetime) -> tuple[Invitation, Person]:
    row = session.execute(
        select(Invitation, Person)
        .join(Person, Person.id == Invitation.person_id)
        .where(Invitation.token_hash == _hash(token), Invitation.used_at.is_(None), Invitation.expires_at > now)
        .where(Person.disabled_at.is_(None))
    ).one_or_none()
    if row is None:
        raise AccountError("This link has been used or is too old. Ask an admin for a new one.")
    return row[0], row[1]


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
