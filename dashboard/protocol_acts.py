"""The acts on the protocol: signing, proposing, trying, activating, muting; each shows what then stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from clinical.saying import say
from dashboard.language import _, counted, tell
from dashboard.parts.protocol_burden import DAYS, mute_panel
from dashboard.parts.protocol_draft import PASSWORD, Drafting, draft_panel
from dashboard.parts.protocol_rule import SIGN_PASSWORD, rule_panel
from dashboard.parts.step_up import proof
from dashboard.parts.times import Clock
from dashboard.policy import PEOPLE, Policy, guarded
from dashboard.proving import prove_again
from dashboard.request import (
    current_actor,
    current_database,
    current_parts,
    current_settings,
    current_sign_in,
    current_standing,
    forget_standing,
    request_now,
)
from data.errors import BadInput
from data.mutes import MUTERS, end_mute, list_mutes, mute, own_teams
from data.people import NotFound
from data.protocol.drafts import activate, ask_trial, drop, propose, standing_draft, withdraw
from data.protocol.signing import SIGNERS, sign_off
from data.protocol.trials import SILENT, start_trial, trial_list
from data.step_up import proved_at
from data.throttle import TooManyTries

SIGNING = Policy(SIGNERS)
MUTING = Policy(MUTERS, scoped=True)
LOOKING = Policy(PEOPLE, scoped=True, polling=True)
POLL_MS = 1_500
LONGEST_NUMBER = 18


def read_draft(session: Session) -> Drafting:
    """The standing draft as the person who asks may see it."""
    actor, draft = current_actor(), standing_draft(session)
    return Drafting(
        draft=draft,
        found=None if draft is None or draft.outcome is None else trial_list(session, actor, draft.id),
        standing=current_standing(),
        may=actor.role in SIGNERS,
        proved_at=proved_at(session, current_sign_in(), request_now()),
    )


def register_rule(app: Dash) -> None:
    """Signing and proposing, on the page of a rule."""
    _signing(app)
    _proposing(app)


def register_draft(app: Dash) -> None:
    """What is done with the standing draft."""
    _trying(app)
    _activating(app)
    _withdrawing(app)
    _dropping(app)
    _looking(app)


def register_mutes(app: Dash) -> None:
    """Muting a rule, and ending a mute."""
    _muting(app)
    _unmuting(app)


def _signing(app: Dash) -> None:
    @guarded(
        app,
        Output("protocol-said", "children"),
        Output("protocol-rule-panel", "children"),
        Output("protocol-sign-proof", "children"),
        Input("protocol-sign", "n_clicks"),
        State("protocol-signed", "value"),
        State(SIGN_PASSWORD, "value"),
        State("protocol-version", "data"),
        State("protocol-rule", "data"),
        policy=SIGNING,
        running=[(Output("protocol-sign", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def sign(
        clicks: int | None, names: list[str] | None, password: str | None, version: str, rule: str
    ) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 3

        def write(session: Session) -> str:
            signed_in, base = current_sign_in(), current_parts().protocol
            signed = sign_off(session, signed_in, names or [], version=version, base=base, now=request_now())
            return counted(
                "{n} threshold signed off by {who}.", "{n} thresholds signed off by {who}.", signed, who=_me()
            )

        said, done = _acted(write, password)
        if not done:
            return said, no_update, _proof(SIGN_PASSWORD)
        return said, _rule_panel(rule), no_update


def _proposing(app: Dash) -> None:
    @guarded(
        app,
        Output("protocol-said", "children", allow_duplicate=True),
        Output("protocol-rule-panel", "children", allow_duplicate=True),
        Input("protocol-propose", "n_clicks"),
        State("protocol-name", "value"),
        State("protocol-value", "value"),
        State("protocol-source", "value"),
        State("protocol-reason", "value"),
        State("protocol-rule", "data"),
        policy=SIGNING,
        running=[(Output("protocol-propose", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def put_in_draft(
        clicks: int | None, name: str | None, value: str | None, source: str | None, reason: str | None, rule: str
    ) -> tuple[object, ...]:
        if not clicks:
            return no_update, no_update

        def write(session: Session) -> str:
            propose(
                session,
                current_actor(),
                name or "",
                value=_number(value),
                source=source or "",
                reason=reason or "",
                base=current_parts().protocol,
                now=request_now(),
            )
            return _("It stands in the draft. Nothing has changed yet: the draft is tried, then put in force.")

        said, done = _acted(write)
        return said, _rule_panel(rule) if done else no_update


def _trying(app: Dash) -> None:
    @guarded(
        app,
        *_draft_outputs(first=True),
        Input("protocol-try", "n_clicks"),
        State("protocol-draft-version", "data"),
        policy=SIGNING,
        running=[(Output("protocol-try", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def try_it(clicks: int | None, version: int) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 4

        def write(session: Session) -> str:
            ask_trial(session, current_actor(), version=version, now=request_now())
            return _("The trial has begun.")

        said, done = _acted(write)
        if done:
            start_trial(current_database(), current_settings(), now=request_now())
        return said, *_draft_panel()


def _activating(app: Dash) -> None:
    @guarded(
        app,
        *_draft_outputs(),
        Output("protocol-proof", "children"),
        Input("protocol-activate", "n_clicks"),
        State("protocol-why", "value"),
        State(PASSWORD, "value"),
        State("protocol-draft-version", "data"),
        policy=SIGNING,
        running=[(Output("protocol-activate", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def put_in_force(clicks: int | None, why: str | None, password: str | None, version: int) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 5

        def write(session: Session) -> str:
            signed_in, base = current_sign_in(), current_parts().protocol
            made = activate(session, signed_in, version=version, why=why or "", base=base, now=request_now())
            return _("Protocol {version} is in force. What was changed is to be signed anew.", version=made.version)

        said, done = _acted(write, password)
        if not done:
            return said, no_update, no_update, no_update, _proof(PASSWORD)
        return said, *_draft_panel(), no_update


def _withdrawing(app: Dash) -> None:
    @guarded(
        app,
        *_draft_outputs(),
        Input("protocol-withdraw", "n_clicks"),
        State("protocol-withdraw-why", "value"),
        State("protocol-draft-version", "data"),
        policy=SIGNING,
        running=[(Output("protocol-withdraw", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def give_up(clicks: int | None, why: str | None, version: int) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 4

        def write(session: Session) -> str:
            withdraw(session, current_actor(), version=version, why=why or "", now=request_now())
            return _("The draft is withdrawn.")

        said, done = _acted(write)
        return (said, *_draft_panel()) if done else (said, no_update, no_update, no_update)


def _dropping(app: Dash) -> None:
    @guarded(
        app,
        *_draft_outputs(),
        Input("protocol-drop", "n_clicks"),
        State("protocol-drop-name", "value"),
        State("protocol-draft-version", "data"),
        policy=SIGNING,
        running=[(Output("protocol-drop", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def take_out(clicks: int | None, name: str | None, version: int) -> tuple[object, ...]:
        if not clicks:
            return (no_update,) * 4

        def write(session: Session) -> str:
            drop(session, current_actor(), name or "", version=version, now=request_now())
            return _("Taken out of the draft.")

        said, done = _acted(write)
        return (said, *_draft_panel()) if done else (said, no_update, no_update, no_update)


def _looking(app: Dash) -> None:
    @guarded(
        app,
        Output("protocol-draft", "children", allow_duplicate=True),
        Output("protocol-draft-version", "data", allow_duplicate=True),
        Output("protocol-clock", "disabled", allow_duplicate=True),
        Output("protocol-seen", "data"),
        Input("protocol-clock", "n_intervals"),
        State("protocol-seen", "data"),
        policy=LOOKING,
        prevent_initial_call=True,
    )
    def look(_intervals: int | None, seen: str) -> tuple[object, ...]:
        with current_database().read() as session:
            draft = standing_draft(session)
        trying = draft is not None and draft.state == "trying"
        if draft is not None and trying and (draft.beat_at is None or draft.beat_at < request_now() - SILENT):
            start_trial(current_database(), current_settings(), now=request_now())
        mark = "" if draft is None else f"{draft.version} {draft.state} {(draft.progress or {}).get('done')}"
        if mark == seen:
            return (no_update,) * 4
        return *_draft_panel(), mark


def _muting(app: Dash) -> None:
    @guarded(
        app,
        Output("protocol-said", "children", allow_duplicate=True),
        Output("protocol-mutes", "children"),
        Input("mute-make", "n_clicks"),
        State("mute-rule", "value"),
        State("mute-team", "value"),
        State("mute-days", "value"),
        State("mute-why", "value"),
        policy=MUTING,
        running=[(Output("mute-make", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def make(
        clicks: int | None, rule: str | None, team: str | None, days: str | None, why: str | None
    ) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update

        def write(session: Session) -> str:
            if days not in {str(n) for n in DAYS}:
                raise BadInput(say("choose for how long"))
            now, chosen = request_now(), (rule or "").strip().upper()
            until = now + timedelta(days=int(days or 0))
            mute(session, current_actor(), _id(team), chosen, until=until, why=why or "", now=now)
            return _("Muted. Flags of {rule} open as ever, without mails to the team.", rule=chosen)

        said, done = _acted(write)
        return said, _mute_panel() if done else no_update


def _unmuting(app: Dash) -> None:
    @guarded(
        app,
        Output("protocol-said", "children", allow_duplicate=True),
        Output("protocol-mutes", "children", allow_duplicate=True),
        Input("mute-end", "n_clicks"),
        State("mute-ended", "value"),
        State("mute-end-why", "value"),
        policy=MUTING,
        running=[(Output("mute-end", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def end(clicks: int | None, which: str | None, why: str | None) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update

        def write(session: Session) -> str:
            end_mute(session, current_actor(), _id(which), why=why or "", now=request_now())
            return _("The mute is over. What nobody has seen is told by the next sweep.")

        said, done = _acted(write)
        return said, _mute_panel() if done else no_update


def _acted(write: Callable[[Session], str], password: str | None = None) -> tuple[Component, bool]:
    """What is said of an act, and whether it was done. A password that was typed is proved first."""
    try:
        if password:
            prove_again(password)
        with current_database().write() as session:
            said = write(session)
    except TooManyTries as busy:
        return html.P(_("Too many tries. Wait {n} s, then try again.", n=busy.wait_s), className="error"), False
    except NotFound:
        return html.P(_("Not saved: {why}.", why=_("choose one of your own")), className="error"), False
    except BadInput as refused:
        return html.P(_("Not saved: {why}.", why=tell(refused.args[0])), className="error"), False
    forget_standing()
    return html.P(said, className="done"), True


def _draft_outputs(*, first: bool = False) -> tuple[Output, ...]:
    places = (
        ("protocol-said", "children"),
        ("protocol-draft", "children"),
        ("protocol-draft-version", "data"),
        ("protocol-clock", "disabled"),
    )
    return tuple(Output(id, property, allow_duplicate=not first or id == "protocol-said") for id, property in places)


def _draft_panel() -> tuple[object, ...]:
    with current_database().read() as session:
        drafting = read_draft(session)
    draft = drafting.draft
    trying = draft is not None and draft.state == "trying"
    return draft_panel(drafting, _clock()), 0 if draft is None else draft.version, not trying


def _mute_panel() -> list[Component | None]:
    actor, clock = current_actor(), _clock()
    with current_database().read() as session:
        mutes, teams = list_mutes(session, actor, now=clock.now), own_teams(session, actor)
    return mute_panel(mutes, teams, may=actor.role in MUTERS, clock=clock)


def _rule_panel(rule: str) -> list[Component | None]:
    with current_database().read() as session:
        drafting = read_draft(session)
    return rule_panel(rule, drafting, _clock())


def _proof(id: str) -> Component:
    clock = _clock()
    with current_database().read() as session:
        return proof(proved_at(session, current_sign_in(), clock.now), clock, id=id)


def _number(text: str | None) -> float:
    try:
        return float((text or "").strip().replace(",", "."))
    except ValueError as error:
        raise BadInput(say("the new value is a number above zero, in the unit of the threshold")) from error


def _id(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER else 0


def _me() -> str:
    return current_sign_in().person_name


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
