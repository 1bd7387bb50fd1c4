"""Settings that are set, set again and taken back: what a team and a person chose before must not be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from data.mail_choices import choose, switch_off, switch_on
from data.models import ProtocolDraft, StandIn
from data.people import Actor, add_person
from data.person_language import choose_language
from data.preferences import prefer
from data.protocol.drafts import drop, propose
from data.rota_changes import members_of, remove_stand_in, set_lead, set_stand_in, set_weeks
from tests.security.wards import SYSTEM, Wards, actor_of


@dataclass(frozen=True)
class Keeper:
    """An oncologist who keeps the settings of their team; `members` are the ids of its oncologists."""

    session: Session
    actor: Actor
    team: int
    members: list[int]
    now: datetime

    @property
    def today(self) -> date:
        """The day of the change."""
        return self.now.date()


def second_thoughts(wards: Wards, protocol: Protocol) -> Iterator[tuple[str, Callable[[], object]]]:
    """The changes, each in a transaction of its own."""
    changes = (_second_oncologist, *_of_the_team(), *_of_the_person(), *_of_the_protocol(protocol))
    yield from (("setting", partial(_by_keeper, wards, act)) for act in changes)


def _by_keeper(wards: Wards, act: Callable[[Keeper], object]) -> object:
    with wards.web.database.write() as session:
        actor = actor_of(session, wards.sides["North"].people["oncologist"])
        (team,) = actor.team_ids
        members = [member.id for member in members_of(session, team)]
        return act(Keeper(session, actor, team, members, datetime.now(UTC)))


def _second_oncologist(k: Keeper) -> object:
    email = "second@north.example"
    return add_person(k.session, SYSTEM, email=email, role="oncologist", teams=["North"], now=k.now)


def _of_the_team() -> Iterator[Callable[[Keeper], object]]:
    for place in (0, 1):
        yield lambda k, place=place: set_weeks(
            k.session, k.actor, k.team, k.today, weeks=2, person_id=k.members[place], now=k.now
        )
        yield lambda k, place=place: set_lead(k.session, k.actor, k.team, k.members[place], now=k.now)
    yield lambda k: set_weeks(k.session, k.actor, k.team, k.today, weeks=2, person_id=None, now=k.now)
    yield lambda k: set_stand_in(
        k.session,
        k.actor,
        k.team,
        person_id=k.members[0],
        first_day=k.today,
        last_day=k.today,
        stand_in_id=k.members[1],
        now=k.now,
    )
    newest = select(StandIn.id).order_by(StandIn.id.desc()).limit(1)
    yield lambda k: remove_stand_in(k.session, k.actor, k.session.scalars(newest).one(), now=k.now)


def _of_the_person() -> Iterator[Callable[[Keeper], object]]:
    for unit in ("pmol/L", "pg/mL", "pmol/L"):
        yield lambda k, unit=unit: prefer(k.session, k.actor, "glucagon-unit", unit, now=k.now)
    for code in ("de", "en"):
        yield lambda k, code=code: choose_language(k.session, k.actor, code, now=k.now)
    for zone, quiet, how in (("Europe/Berlin", ("22:00", "07:00"), "at-once"), ("UTC", None, "off")):
        yield lambda k, zone=zone, quiet=quiet, how=how: choose(
            k.session, k.actor, zone=zone, quiet=quiet, how={(k.team, "medium"): how}, now=k.now
        )
    for why in ("550 no such mailbox", "551 gone"):
        yield lambda k, why=why: switch_off(k.session, k.members[0], why, now=k.now)
    yield lambda k: switch_on(k.session, k.members[0], now=k.now)


def _of_the_protocol(protocol: Protocol) -> Iterator[Callable[[Keeper], object]]:
    name = next(name for name, threshold in protocol.thresholds.items() if not threshold.fixed)
    standing = select(ProtocolDraft.version).where(ProtocolDraft.standing)
    for factor in (1.1, 1.2):
        yield lambda k, factor=factor: propose(
            k.session,
            k.actor,
            name,
            value=protocol[name] * factor,
            source="a trial",
            reason="what was found in it",
            base=protocol,
            now=k.now,
        )
    yield lambda k: drop(k.session, k.actor, name, version=k.session.scalars(standing).one(), now=k.now)
