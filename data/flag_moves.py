"""The life of a flag: every status it can have, every move between them, and the one function that makes a move.

    open -> acknowledged -> in-review -> resolved | overridden
    open / acknowledged / in-review <-> snoozed

    resolved | overridden -> open, when a value that the closed review used was corrected

Whom a flag is handed to has not taken it yet: it stands open again until they do.
Moves of a person need a role and a reason; moves of the data are made by `data.judge`, the last one by
`data.reopening`. Nothing else moves a closed flag: what comes back is a new episode. Every move raises the version and
leaves a row of history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from sqlalchemy import CursorResult, Table, insert, select, update
from sqlalchemy.orm import Session

from clinical.saying import say
from data.errors import BadInput
from data.models import Flag, FlagHistory

Status = Literal["open", "acknowledged", "in-review", "snoozed", "resolved", "overridden"]
Action = Literal[
    "acknowledge",
    "assign",
    "review",
    "snooze",
    "resolve",
    "override",
    "wake",
    "reopen",
    "clear",
    "contain",
    "reconsider",
]

STATUSES: Final[tuple[Status, ...]] = ("open", "acknowledged", "in-review", "snoozed", "resolved", "overridden")
CLOSED: Final[frozenset[Status]] = frozenset({"resolved", "overridden"})
STANDING: Final[frozenset[Status]] = frozenset(STATUSES) - CLOSED
SEEN: Final[frozenset[Status]] = frozenset({"acknowledged", "in-review"})
CLINICIANS: Final = frozenset({"oncologist", "nurse"})

LONGEST_SNOOZE: Final[Mapping[str, timedelta]] = MappingProxyType(
    {
        "urgent": timedelta(hours=4),
        "high": timedelta(days=3),
        "medium": timedelta(days=30),
        "low": timedelta(days=180),
        "info": timedelta(days=180),
    }
)


class NotAllowed(BadInput):
    """A move the flag's status, severity or the asked time does not allow; the message says which."""


class StaleVersion(BadInput):
    """The flag was changed by someone else since it was read. Carries both versions and what happened in between."""

    def __init__(self, flag_id: str, *, given: int, current: int, status: str, who: str, at: datetime) -> None:
        super().__init__(
            f"flag {flag_id} was changed by {who} at {at.isoformat()} (now {status}, version {current}; "
            f"you read version {given})"
        )
        self.given = given
        self.current = current
        self.status = status
        self.who = who
        self.at = at


@dataclass(frozen=True, slots=True)
class Move:
    """Where a move starts and ends. `target` None: back to where the flag was before it was snoozed.

    `roles` are those whose people may make it; empty: the data do.
    """

    sources: frozenset[Status]
    target: Status | None
    roles: frozenset[str] = frozenset()


MOVES: Final[Mapping[Action, Move]] = MappingProxyType(
    {
        "acknowledge": Move(frozenset({"open", "snoozed"}), "acknowledged", CLINICIANS),
        "assign": Move(STANDING, "open", CLINICIANS),
        "review": Move(frozenset({"acknowledged"}), "in-review", CLINICIANS),
        "snooze": Move(frozenset({"open", "acknowledged", "in-review"}), "snoozed", CLINICIANS),
        "resolve": Move(frozenset({"in-review"}), "resolved", frozenset({"oncologist"})),
        "override": Move(frozenset({"in-review"}), "overridden", frozenset({"oncologist"})),
        "wake": Move(frozenset({"snoozed"}), None),
        "reopen": Move(frozenset({"acknowledged", "in-review", "snoozed"}), "open"),
        "clear": Move(STANDING, "resolved"),
        "contain": Move(STANDING, "resolved"),
        "reconsider": Move(CLOSED, "open"),
    }
)


_HISTORY: Final = insert(cast(Table, FlagHistory.__table__))


def next_status(status: Status, action: Action, before_snooze: Status | None = None) -> Status:
    """The status `action` leads to from `status`. Raises NotAllowed when the table has no such move.

    `before_snooze` is where a snoozed flag came from; `wake` needs it.
    """
    move = MOVES[action]
    if status not in move.sources:
        raise NotAllowed(
            say("a flag that is {status} cannot be moved by {action}", status=say(status), action=repr(action))
        )
    if move.target is not None:
        return move.target
    if before_snooze not in MOVES["snooze"].sources:
        raise NotAllowed(f"a snoozed flag cannot wake to {before_snooze!r}")
    return before_snooze


def check_snooze(severity: str, *, now: datetime, until: datetime) -> None:
    """Raises NotAllowed when `until` is not ahead of `now` or further than the severity allows."""
    longest = LONGEST_SNOOZE[severity]
    if until <= now:
        raise NotAllowed(say("a flag is snoozed until a moment ahead"))
    if until - now > longest:
        raise NotAllowed(
            say(
                "a flag of severity {severity} is snoozed for at most {span}",
                severity=say(severity),
                span=_in_words(longest),
            )
        )


@dataclass(frozen=True, slots=True)
class Mover:
    """Who makes a move, when by the wall clock, and why."""

    who: str
    at: datetime
    why: str
    person_id: int | None = None


def move(
    session: Session,
    flag_id: str,
    action: Action,
    mover: Mover,
    *,
    status: Status,
    version: int,
    values: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Status:
    """Make one move of a flag read at `status` and `version`; returns the new status.

    `values` are further columns that change with it, `detail` goes into the history. Raises NotAllowed, or StaleVersion
    when the flag is no longer at `version`.
    """
    before = status_before_snooze(session, flag_id) if action == "wake" else None
    target = next_status(status, action, before)
    changes = dict(values or {})
    if status == "snoozed":
        changes.setdefault("snoozed_until", None)
    if target in CLOSED:
        changes.setdefault("resolved_at", mover.at)
    change(session, flag_id, mover, status=status, target=target, version=version, values=changes, detail=detail)
    return target


def change(
    session: Session,
    flag_id: str,
    mover: Mover,
    *,
    status: Status,
    target: Status,
    version: int,
    values: Mapping[str, Any],
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write a change of a flag and its row of history; `target == status` when only its content changes.

    Raises StaleVersion when the flag is no longer at `version`.
    """
    changed = cast(
        "CursorResult[Any]",
        session.execute(
            update(Flag)
            .where(Flag.id == flag_id, Flag.version == version)
            .values(**values, status=target, version=version + 1)
            .execution_options(synchronize_session=False)
        ),
    )
    if changed.rowcount != 1:
        raise stale(session, flag_id, version)
    write_history(session, flag_id, mover, status=status, target=target, detail=detail)


def write_history(
    session: Session,
    flag_id: str,
    mover: Mover,
    *,
    status: Status | None,
    target: Status,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append a row of history; `status` None is the flag's beginning."""
    session.execute(
        _HISTORY,
        {
            "flag_id": flag_id,
            "at": mover.at,
            "who": mover.who,
            "person_id": mover.person_id,
            "from_status": status,
            "to_status": target,
            "why": mover.why,
            "detail": None if detail is None else dict(detail),
        },
    )


def status_before_snooze(session: Session, flag_id: str) -> Status | None:
    """The status a flag had when it was last snoozed; None when it never was."""
    return cast(
        "Status | None",
        session.scalar(
            select(FlagHistory.from_status)
            .where(FlagHistory.flag_id == flag_id, FlagHistory.to_status == "snoozed")
            .where(FlagHistory.from_status != "snoozed")
            .order_by(FlagHistory.id.desc())
            .limit(1)
        ),
    )


def stale(session: Session, flag_id: str, given: int) -> StaleVersion:
    """The error to raise for a flag read at version `given`, with what has become of it since."""
    version, status = session.execute(select(Flag.version, Flag.status).where(Flag.id == flag_id)).one()
    who, at = session.execute(
        select(FlagHistory.who, FlagHistory.at)
        .where(FlagHistory.flag_id == flag_id)
        .order_by(FlagHistory.id.desc())
        .limit(1)
    ).one()
    return StaleVersion(flag_id, given=given, current=version, status=status, who=who, at=at)


def _in_words(length: timedelta) -> str:
    return say("{n} days", n=length.days) if length.days else say("{n} hours", n=length.seconds // 3600)
