"""Muted rules: a team that wants no mails of a rule for a time. Flags open as ever; urgent ones are always told.

What a mute has withheld is told when it is over, unless somebody has seen the flag by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.rules.registry import registered
from clinical.saying import kept, say
from data.announcing import MailPolicy, announce
from data.audit import write_audit
from data.errors import BadInput
from data.flag_hands import require_reason
from data.flag_moves import Mover, write_history
from data.models import RuleMute, Team
from data.people import Actor, Forbidden, NotFound
from data.telling import TOLD
from data.withheld import NEVER, standing_at, withheld_and_over

LONGEST: Final = timedelta(days=90)
LONGEST_REASON: Final = 2000
MUTERS: Final = frozenset({"oncologist"})
LISTED: Final = 200


class NotMuted(BadInput):
    """A mute that cannot be made as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Mute:
    """A mute as people read it. `standing`: it withholds mails at this moment; `own`: the reader may end it."""

    id: int
    team: str
    rule: str
    reason: str
    since: datetime
    until: datetime
    who: str
    ended_at: datetime | None
    ended_by: str | None
    standing: bool
    own: bool


def mute(session: Session, actor: Actor, team_id: int, rule: str, *, until: datetime, why: str, now: datetime) -> int:
    """Withhold the mails of a rule from one of the actor's teams until a moment; the id of the mute.

    Raises Forbidden, NotFound for a team that is not the actor's, NotMuted (unknown or always urgent rule, a moment
    that is not ahead or too far, a mute that stands), ReasonMissing.
    """
    _require_muter(actor)
    if team_id not in actor.team_ids:
        raise NotFound("no such team of yours")
    found = next((one for one in registered() if one.id == rule), None)
    if found is None:
        raise NotMuted(say("choose a rule"))
    if set(found.severities) <= NEVER:
        raise NotMuted(say("{rule} is always urgent, and urgent flags are always told", rule=rule))
    if not now < until <= now + LONGEST:
        raise NotMuted(say("a rule is muted until a moment ahead, for at most {n} days", n=LONGEST.days))
    require_reason(why)
    if len(why) > LONGEST_REASON:
        raise NotMuted(say("the reason has at most {n} letters", n=LONGEST_REASON))
    team = session.scalars(select(Team.name).where(Team.id == team_id).with_for_update()).one()
    if session.scalar(select(RuleMute.id).where(RuleMute.team_id == team_id, RuleMute.rule == rule, standing_at(now))):
        raise NotMuted(say("{rule} is muted for {team} already; end that first", rule=rule, team=team))
    row = RuleMute(
        team_id=team_id,
        rule=rule,
        reason=why.strip(),
        since=now,
        until=until,
        person_id=actor.person_id or 0,
        who=actor.name,
    )
    session.add(row)
    session.flush()
    detail = {"rule": rule, "until": until.isoformat(), "mute": row.id}
    write_audit(session, actor, "rule.mute", now=now, object=f"team {team}", detail=detail)
    return row.id


def end_mute(session: Session, actor: Actor, mute_id: int, *, why: str, now: datetime) -> None:
    """End a mute of one of the actor's teams before its time. Raises Forbidden, NotFound, ReasonMissing."""
    _require_muter(actor)
    row = session.scalar(
        select(RuleMute)
        .where(RuleMute.id == mute_id, RuleMute.team_id.in_(sorted(actor.team_ids)), standing_at(now))
        .with_for_update()
    )
    if row is None:
        raise NotFound("no such mute of your teams stands")
    require_reason(why)
    row.ended_at, row.ended_by, row.ended_why = now, actor.name, why.strip()[:LONGEST_REASON]
    write_audit(
        session, actor, "rule.unmute", now=now, object=f"mute {mute_id}", detail={"rule": row.rule, "mute": mute_id}
    )


def list_mutes(session: Session, actor: Actor, *, now: datetime) -> tuple[Mute, ...]:
    """The mutes a reader may know of, those that stand first, then the newest.

    Clinicians see those of their teams, others all: what rules a team mutes says nothing of any patient.
    """
    query = select(RuleMute, Team.name, standing_at(now).label("standing")).join(Team, Team.id == RuleMute.team_id)
    if actor.role in ("oncologist", "nurse"):
        query = query.where(RuleMute.team_id.in_(sorted(actor.team_ids)))
    rows = session.execute(query.order_by(standing_at(now).desc(), RuleMute.id.desc()).limit(LISTED))
    return tuple(
        Mute(
            id=row.id,
            team=team,
            rule=row.rule,
            reason=row.reason,
            since=row.since,
            until=row.until,
            who=row.who,
            ended_at=row.ended_at,
            ended_by=row.ended_by,
            standing=bool(standing),
            own=bool(standing) and actor.role in MUTERS and row.team_id in actor.team_ids,
        )
        for row, team, standing in rows
    )


def tell_withheld(session: Session, mail: MailPolicy, *, now: datetime) -> int:
    """Tell of the open flags that were withheld by a mute which is over; how many mails were written."""
    written = 0
    for flag in withheld_and_over(session, now):
        if flag.status != "open" or flag.severity not in TOLD:
            continue
        written += announce(session, flag, mail, now)
        over = say("the rule is no longer muted: told now")
        write_history(
            session, flag.id, Mover("sweep", now, over), status="open", target="open", detail={"said": kept(over)}
        )
    return written


def own_teams(session: Session, actor: Actor) -> dict[int, str]:
    """The actor's teams, by id, in the order of their names."""
    rows = session.execute(select(Team.id, Team.name).where(Team.id.in_(sorted(actor.team_ids))).order_by(Team.name))
    return {id: name for id, name in rows}


def _require_muter(actor: Actor) -> None:
    if actor.role not in MUTERS or actor.person_id is None:
        raise Forbidden("rules are muted by oncologists, for their own teams")
