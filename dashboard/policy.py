"""Who may call what. A callback or route without a policy stops the start.

The check sits inside the function that Dash calls, not on the address: whatever way leads to the function, it meets the
rule. Everything a callback receives is chosen by the browser, so the patient is looked up on the server each time, and
"exists, but not for you" answers like "does not exist".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

from dash import Dash
from flask import g
from sqlalchemy.orm import Session

from dashboard.base_path import addressed
from dashboard.request import current_actor, current_database, current_settings, current_sign_in, request_now
from dashboard.schema import Schema
from data.access import Reach, note_denied, note_read, reach_flag, reach_patient
from data.emergency import Privacy
from data.outbox import mail_policy
from data.people import CLINICAL_ROLES, ROLES, Actor, Forbidden, NotFound
from data.reading_pace import note_pace, reads_many, tell_of_pace
from data.sessions import touch

CLINICAL = CLINICAL_ROLES
PEOPLE = frozenset({"oncologist", "nurse", "admin", "auditor"})

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Noting = Literal["always", "once", "never"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call a callback or open a route, and which of its arguments names a patient or a flag.

    `scoped`: names no patient but returns only what the actor may see. `polling`: called by a timer of the page, so it
    is no sign that somebody is there. `public`: needs no sign-in.
    """

    roles: frozenset[str]
    patient_argument: str | None = None
    flag_argument: str | None = None
    polling: bool = False
    scoped: bool = False
    public: bool = False

    def decision(self, role: str) -> str:
        """`allow`, `deny`, or `scope`: allowed for what the person's teams follow."""
        if role not in self.roles:
            return "deny"
        return "scope" if self.scoped or self.patient_argument or self.flag_argument else "allow"


PUBLIC = Policy(frozenset(ROLES), public=True)
SIGNED_IN = Policy(PEOPLE)


class MissingPolicy(RuntimeError):
    """Callbacks or routes stand open; the message names them. Nothing is served."""


def guarded(
    app: Dash, *dependencies: Any, policy: Policy, **keywords: Any
) -> Callable[[Callable[Given, Answer]], Callable[Given, Answer]]:
    """Register a callback under a policy. The function's annotations are the schema of its arguments.

    Raises TypeError for a parameter without annotation or a policy that names a parameter the function lacks.
    """

    def register(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
        schema = Schema(function)
        for named in (policy.patient_argument, policy.flag_argument):
            if named is not None and named not in schema.signature.parameters:
                raise TypeError(f"{function.__qualname__} has no parameter {named!r}, which its policy names")
        place = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"

        @wraps(function)
        def under_policy(*args: Any, **kwargs: Any) -> Any:
            require_role(policy, place)
            arguments = schema.check(args, kwargs)
            require_scope(policy, arguments, place, noting="once")
            if not policy.polling:
                note_activity()
            return addressed(function(**arguments))  # type: ignore[call-arg]  # the schema has bound them

        under_policy.policy = policy  # type: ignore[attr-defined]
        app.callback(*dependencies, **keywords)(under_policy)
        return function

    return register


def require_role(policy: Policy, place: str) -> None:
    """Raise Unauthorized without a sign-in, and Forbidden, leaving an audit row, when the role may not."""
    actor = current_actor()
    if actor.role not in policy.roles:
        with current_database().write() as session:
            note_denied(session, actor, None, place, now=request_now())
        raise Forbidden("Your role does not open this.")


def require_scope(policy: Policy, arguments: dict[str, Any], place: str, *, noting: Noting) -> None:
    """Check the patient or flag that the arguments name and write the audit row of the reading.

    A page view is noted `always`; what the page loads afterwards `once` for as long as a sign-in may idle, which is
    covered by the row of the page view; a look that hands out no data `never`. Raises NotFound alike for what the
    actor may not see and for what does not exist.
    """
    reaches = _reaches(policy, arguments)
    if not reaches:
        return
    actor, now = current_actor(), request_now()
    same = {reach.patient_uuid for reach in reaches}
    if len(same) > 1 or not all(reach.allowed for reach in reaches):
        with current_database().write() as session:
            note_denied(session, actor, reaches[0].patient_uuid, place, now=now)
        raise NotFound("There is no such patient or flag among those your teams follow.")
    uuid = reaches[0].patient_uuid
    if uuid is not None and (noting == "always" or (noting == "once" and not reaches[0].noted)):
        with current_database().write() as session:
            note_read(session, actor, uuid, place, now=now)
            if reads_many(session, actor, now):
                _many(session, actor, now)


def note_activity() -> None:
    """Start the idle time of the sign-in again, at most once per tenth of it."""
    if g.get("activity_noted"):
        return
    g.activity_noted = True
    signed_in, now = current_sign_in(), request_now()
    if now - signed_in.seen_at >= timedelta(seconds=current_settings().idle_s) / 10:
        with current_database().write() as session:
            touch(session, signed_in, now)


def _many(session: Session, actor: Actor, now: datetime) -> None:
    settings = current_settings()
    note_pace(session, actor, now)
    if not settings.read_only:
        tell_of_pace(session, actor, Privacy(mail_policy(settings), settings.privacy_mail), now)


def _reaches(policy: Policy, arguments: dict[str, Any]) -> list[Reach]:
    if policy.patient_argument is None and policy.flag_argument is None:
        return []
    actor = current_actor()
    since = request_now() - timedelta(seconds=current_settings().idle_s)
    found = []
    with current_database().read() as session:
        if policy.patient_argument is not None:
            found.append(reach_patient(session, actor, arguments[policy.patient_argument], since=since))
        if policy.flag_argument is not None:
            found.append(reach_flag(session, actor, arguments[policy.flag_argument], since=since))
    return found
