"""The actions of the flag page: each writes once, says what became of it and shows what then stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from clinical.saying import say
from dashboard.language import _, tell
from dashboard.parts.badges import STATUS_WORDS
from dashboard.parts.decision_words import DECISION_WORDS
from dashboard.parts.flag_actions import PASSWORD, Acting, actions
from dashboard.parts.flag_details import history, standing
from dashboard.parts.step_up import proof
from dashboard.parts.times import Clock, moment_text
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.proving import prove_again
from dashboard.request import (
    current_actor,
    current_database,
    current_settings,
    current_sign_in,
    request_now,
)
from data.assigning import assign, colleagues
from data.decisions import DECIDERS, NOT_APPLICABLE, REGIMEN, Decided, Decision, decide, decisions_on
from data.errors import BadInput
from data.flag_moves import MOVES, StaleVersion
from data.flags import acknowledge, show_flag, snooze
from data.outbox import mail_policy
from data.step_up import proved_at
from data.throttle import TooManyTries
from data.trends import identity
from data.withheld import muted_until

POLICY = Policy(CLINICAL, flag_argument="flag_id")
DECIDING = Policy(DECIDERS, flag_argument="flag_id")
LONGEST_NUMBER = 18
LONGEST_SPAN = 7

Flag = Mapping[str, Any]


def register_actions(app: Dash) -> None:
    """Register a callback for each action."""
    _taking(app)
    _deciding(app)
    _handing_over(app)
    _putting_aside(app)


def read_flag(session: Session, flag_id: str) -> Flag:
    """The flag as `show_flag` gives it, with `muted_until`. Raises NotFound when the actor may not see it."""
    flag = show_flag(session, current_actor(), flag_id)
    return flag | {"muted_until": muted_until(session, flag_id, request_now())}


def acting_on(session: Session, flag: Flag) -> Acting:
    """What the actor of this request can do with a flag."""
    actor = current_actor()
    return Acting(
        flag=flag,
        who=identity(session, actor, flag["patient"]),
        role=actor.role,
        colleagues=colleagues(session, actor, flag["id"]),
        proved_at=proved_at(session, current_sign_in(), request_now()),
    )


def _taking(app: Dash) -> None:
    @guarded(
        app,
        *_outputs(first=True),
        Input("flag-acknowledge", "n_clicks"),
        State("flag-why", "value"),
        State("flag-id", "data"),
        State("flag-version", "data"),
        policy=POLICY,
        running=[(Output("flag-acknowledge", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def take(clicks: int | None, why: str | None, flag_id: str, version: int) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 6

        def write(session: Session) -> str:
            acknowledge(session, current_actor(), flag_id, why=why or "", version=version, now=request_now())
            return _("Acknowledged by {person}. The flag is yours now.", person=current_actor().name)

        return _acted(flag_id, write, yours=f"{_('Acknowledge')}: {why or ''}").parts


def _deciding(app: Dash) -> None:
    @guarded(
        app,
        *_outputs(),
        Output("flag-proof", "children"),
        Input("flag-decide", "n_clicks"),
        State("flag-decision", "value"),
        State("flag-reason", "value"),
        State("flag-rationale", "value"),
        State(PASSWORD, "value"),
        State("flag-key", "data"),
        State("flag-id", "data"),
        State("flag-version", "data"),
        policy=DECIDING,
        running=[(Output("flag-decide", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def record(
        clicks: int | None,
        kind: str | None,
        reason: str | None,
        rationale: str | None,
        password: str | None,
        key: str,
        flag_id: str,
        version: int,
    ) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 7
        now = request_now()
        kind, rationale = kind or "", rationale or ""
        said = Decision(kind=kind, rationale=rationale, reason=reason if kind == NOT_APPLICABLE else None)

        def sign() -> None:
            if password:
                prove_again(password)

        def write(session: Session) -> str:
            decided = decide(session, current_sign_in(), flag_id, said, key=key, version=version, now=now)
            return _recorded(said, decided)

        yours = f"{_(DECISION_WORDS.get(kind, '')) or _('no decision chosen')}: {rationale}"
        answer = _acted(flag_id, write, yours=yours, before=sign)
        return (*answer.parts, no_update if answer.done else _proof(_clock()))


def _handing_over(app: Dash) -> None:
    @guarded(
        app,
        *_outputs(),
        Input("flag-assign", "n_clicks"),
        State("flag-to", "value"),
        State("flag-hand-why", "value"),
        State("flag-id", "data"),
        State("flag-version", "data"),
        policy=POLICY,
        running=[(Output("flag-assign", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def hand_over(
        clicks: int | None, to: str | None, why: str | None, flag_id: str, version: int
    ) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 6

        def write(session: Session) -> str:
            mail = mail_policy(current_settings())
            actor, now = current_actor(), request_now()
            person = int(to) if to and to.isascii() and to.isdigit() and len(to) < LONGEST_NUMBER else 0
            assign(session, actor, flag_id, to=person, why=why or "", version=version, mail=mail, now=now)
            return _("Handed over. It stands open until it is taken.")

        return _acted(flag_id, write, yours=f"{_('Hand over to somebody else')}: {why or ''}").parts


def _putting_aside(app: Dash) -> None:
    @guarded(
        app,
        *_outputs(),
        Input("flag-snooze", "n_clicks"),
        State("flag-until", "value"),
        State("flag-snooze-why", "value"),
        State("flag-id", "data"),
        State("flag-version", "data"),
        policy=POLICY,
        running=[(Output("flag-snooze", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def put_aside(
        clicks: int | None, minutes: str | None, why: str | None, flag_id: str, version: int
    ) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 6
        clock = _clock()

        def write(session: Session) -> str:
            until = clock.now + _span(minutes)
            snooze(session, current_actor(), flag_id, why=why or "", until=until, version=version, now=clock.now)
            return _("Put aside until {at}; it comes back by itself.", at=moment_text(until, clock.zone))

        return _acted(flag_id, write, yours=f"{_('Put aside for a time')}: {why or ''}").parts


@dataclass(frozen=True, slots=True)
class _Answer:
    """The parts every action answers with, and whether it was done."""

    parts: tuple[object, ...]
    done: bool = False


def _outputs(*, first: bool = False) -> tuple[Output, ...]:
    places = (
        ("flag-result", "children"),
        ("flag-standing", "children"),
        ("flag-history", "children"),
        ("flag-actions", "children"),
        ("flag-version", "data"),
        ("flag-form", "hidden"),
    )
    return tuple(Output(id, property, allow_duplicate=not first) for id, property in places)


def _acted(
    flag_id: str,
    write: Callable[[Session], str],
    *,
    yours: str,
    before: Callable[[], None] | None = None,
) -> _Answer:
    clock = _clock()
    changed: StaleVersion | None = None
    said = ""
    try:
        if before is not None:
            before()
        with current_database().write() as session:
            said = write(session)
    except StaleVersion as stale:
        changed = stale
    except TooManyTries as busy:
        return _refused(_("Too many tries. Wait {n} s, then try again.", n=busy.wait_s))
    except BadInput as refused:
        return _refused(_("Not saved: {why}.", why=tell(refused.args[0])))
    flag, acting, decisions = _read(flag_id)
    stands = (standing(flag, clock), history(flag, decisions, clock))
    if changed is not None:
        both = _both(changed, yours, flag, clock)
        taken = flag["status"] not in MOVES["acknowledge"].sources
        return _Answer((both, *stands, no_update, flag["version"], taken))
    done = html.P(said, className="done")
    return _Answer((done, *stands, actions(acting, clock), flag["version"], no_update), done=True)


def _refused(why: str) -> _Answer:
    return _Answer((html.P(why, className="error"), *(no_update,) * 5))


def _both(changed: StaleVersion, yours: str, flag: Flag, clock: Clock) -> Component:
    last = flag["history"][-1]
    said = _(
        "Not saved: you read version {given}, and {person} changed the flag on {at} to version {current} ({status}). "
        "What now stands is shown here; what you wrote is kept in the form.",
        given=changed.given,
        person=changed.who,
        at=moment_text(changed.at, clock.zone),
        current=changed.current,
        status=_(STATUS_WORDS[changed.status]).lower(),
    )
    theirs = f"{_(STATUS_WORDS[last['to']])}: {tell(last['why'])} ({last['who']})"
    pair = ((_("Yours, not saved"), yours), (_("What stands"), theirs))
    return html.Div(
        [
            html.P(said, className="error"),
            html.Dl([html.Div([html.Dt(name), html.Dd(text)]) for name, text in pair], className="both-versions"),
        ]
    )


def _recorded(said: Decision, decided: Decided) -> str:
    words = _(DECISION_WORDS[said.kind])
    if said.kind in REGIMEN:
        return _(
            "Recorded: {decision}. No regimen has changed by it: enter the change in the regimen, linked below.",
            decision=words,
        )
    if decided.status == "in-review":
        return _("Recorded: {decision}. The flag stays in review until it is answered.", decision=words)
    return _("Recorded: {decision}. The flag is closed.", decision=words)


def _span(minutes: str | None) -> timedelta:
    if minutes is None or not minutes.isascii() or not minutes.isdigit() or len(minutes) > LONGEST_SPAN:
        raise BadInput(say("choose for how long"))
    return timedelta(minutes=int(minutes))


def _proof(clock: Clock) -> Component:
    with current_database().read() as session:
        return proof(proved_at(session, current_sign_in(), clock.now), clock, id=PASSWORD)


def _read(flag_id: str) -> tuple[Flag, Acting, list[dict[str, Any]]]:
    """The flag, what the actor can do with it, and the decisions about it."""
    with current_database().read() as session:
        flag = read_flag(session, flag_id)
        acting = acting_on(session, flag)
        decisions = decisions_on(session, flag_id)
    return flag, acting, decisions


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
