"""The accounts of the demonstration: an oncologist of both teams, a nurse of one, an admin and an auditor of none."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.demo.story import NORTH, SOUTH, TEAMS
from data.models import Team
from data.people import Actor, add_person, add_team, redeem


@dataclass(frozen=True, slots=True)
class Account:
    """A demonstration account: who signs in, with which role, for which teams."""

    email: str
    name: str
    role: str
    teams: tuple[str, ...]


ACCOUNTS = (
    Account("oncologist@demo.example", "Dr Demo Oncologist", "oncologist", (NORTH, SOUTH)),
    Account("nurse@demo.example", "Demo Nurse", "nurse", (NORTH,)),
    Account("admin@demo.example", "Demo Admin", "admin", ()),
    Account("auditor@demo.example", "Demo Auditor", "auditor", ()),
)
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for one another when they type a password off a screen."""


def make_teams(session: Session, actor: Actor, now: datetime) -> None:
    """The two care teams, where they are not there yet."""
    known = set(session.scalars(select(Team.name)))
    for name in TEAMS:
        if name not in known:
            add_team(session, actor, name, now=now)


def make_people(session: Session, actor: Actor, now: datetime) -> tuple[tuple[str, str, str], ...]:
    """The accounts as (e-mail, role, password); each password is made here, shown once and kept nowhere.

    Raises AccountError where one of the addresses is taken.
    """
    made = []
    for account in ACCOUNTS:
        token = add_person(
            session, actor, email=account.email, name=account.name, role=account.role, teams=account.teams, now=now
        )
        password = "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))
        redeem(session, token, password, now)
        made.append((account.email, account.role, password))
    return tuple(made)
