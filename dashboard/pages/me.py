"""My alerts and rota: how the reader is told, whether their address works, and who is on call for their teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from clinical.saying import say
from dashboard.language import _, tell
from dashboard.parts.alerts import address_state, choices_form, waiting_tests_card
from dashboard.parts.rota import NOBODY, coming_stand_ins, gap_notice, rota_table, stand_in_form, week_form
from dashboard.parts.tabs.view import parsed
from dashboard.parts.times import Clock
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.duty_tests import acknowledge_test, count_waiting, send_test_mail, waiting_tests
from data.errors import BadInput
from data.mail_choices import OFFERED, choices_of, choose
from data.outbox import mail_policy
from data.people import Forbidden, NotFound
from data.rota_changes import (
    MOST_WEEKS,
    list_rota,
    may_keep,
    members_of,
    remove_stand_in,
    rota_teams,
    set_stand_in,
    set_weeks,
)

POLICY = Policy(frozenset({"oncologist", "nurse", "admin"}), scoped=True)
ROUTE = Route(
    "/me",
    title="My alerts and rota",
    policy=POLICY,
    nav="Alerts",
    count=count_waiting,
    viewed=True,
)
WEEKS_SHOWN = 8
LONGEST_ID = 18


def layout(search: str | None = None) -> Component:
    """The reader's page; the address may name the team whose rota is shown."""
    clock, actor, settings = _clock(), current_actor(), current_settings()
    with current_database().read() as session:
        choices = choices_of(session, actor)
        waiting = waiting_tests(session, actor)
        teams = rota_teams(session, actor)
        team = _chosen(parsed(search).get("team"), teams)
        rota = None if team is None else _rota(session, team, clock)
    form = (
        choices_form(
            choices,
            actor.role,
            site=settings.site_timezone,
            held_hours=settings.quiet_held_s // 3600,
            an_hour=settings.medium_an_hour,
        )
        if actor.role in OFFERED
        else html.P(_("As an admin you are told of technical faults at once, at any hour; flags are for clinicians."))
    )
    return html.Div(
        [
            html.H1(_("My alerts and rota")),
            html.Div(waiting_tests_card(waiting, clock), id="me-tests", **{"aria-live": "polite"}),
            html.Section(
                [
                    html.Header(html.H2(_("How I am told"))),
                    form,
                    html.Div(id="me-said", role="status"),
                ],
                className="card stacked",
            ),
            html.Section(
                [
                    html.Header(html.H2(_("My address"))),
                    html.Div(address_state(choices, actor.name, clock)),
                    html.Button(_("Send me a test mail"), id="me-test", type="button", className="button"),
                    html.Div(id="me-test-said", role="status"),
                ],
                className="card stacked",
            ),
            _teams(teams, team),
            dcc.Store(id="rota-team", data=None if team is None else team[0]),
            html.Div(id="rota-said", role="status"),
            html.Div(rota, id="rota-card"),
        ],
        className="page form-page me-page",
    )


def register(app: Dash) -> None:
    """A callback for each thing that is saved; each says what became of it."""
    _choosing(app)
    _testing(app)
    _naming(app)
    _standing_in(app)


def _choosing(app: Dash) -> None:
    @guarded(
        app,
        Output("me-said", "children"),
        Input("me-save", "n_clicks"),
        State({"type": "me-how", "team": ALL, "severity": ALL}, "value"),
        State({"type": "me-how", "team": ALL, "severity": ALL}, "id"),
        State("me-quiet-from", "value"),
        State("me-quiet-to", "value"),
        State("me-zone", "value"),
        policy=POLICY,
        running=[(Output("me-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def save(
        clicks: int | None,
        ways: list[str],
        ids: list[dict[str, Any]],
        start: str | None,
        end: str | None,
        zone: str | None,
    ) -> object:
        if not clicks:
            return no_update
        quiet = (start or "", end or "") if start or end else None

        def write(session: Session) -> None:
            how = dict(zip(map(_asked, ids), ways, strict=False))
            choose(session, current_actor(), zone=zone or "", quiet=quiet, how=how, now=request_now())

        return _written(write, _("Saved. It holds from the next alert on."))[0]


def _testing(app: Dash) -> None:
    @guarded(
        app,
        Output("me-test-said", "children"),
        Input("me-test", "n_clicks"),
        policy=POLICY,
        running=[(Output("me-test", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def test(clicks: int | None) -> object:
        if not clicks:
            return no_update
        policy = mail_policy(current_settings())

        def write(session: Session) -> None:
            send_test_mail(session, current_actor(), policy, now=request_now())

        return _written(write, _("A test mail is on its way. If it has not arrived in a few minutes, tell an admin."))[
            0
        ]

    @guarded(
        app,
        Output("me-tests", "children"),
        Input("me-acknowledge", "n_clicks"),
        policy=POLICY,
        running=[(Output("me-acknowledge", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def acknowledge(clicks: int | None) -> object:
        if not clicks:
            return no_update
        actor, now = current_actor(), request_now()
        with current_database().write() as session:
            for one in waiting_tests(session, actor):
                acknowledge_test(session, actor, one.id, now=now)
        return html.P(_("Acknowledged: alerts reach you."), className="done")


def _naming(app: Dash) -> None:
    @guarded(
        app,
        *_rota_outputs(),
        Input("rota-save", "n_clicks"),
        State("rota-team", "data"),
        State("rota-week", "value"),
        State("rota-weeks-long", "value"),
        State("rota-person", "value"),
        policy=POLICY,
        running=[(Output("rota-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def name(
        clicks: int | None, team: int, week: str | None, weeks: str | None, person: str | None
    ) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update

        def write(session: Session) -> None:
            if person is None:
                raise BadInput(say("choose who is on call, or nobody"))
            set_weeks(
                session,
                current_actor(),
                team,
                _day(week),
                weeks=_count(weeks),
                person_id=None if person == NOBODY else _number(person),
                now=request_now(),
            )

        return _changed(team, write)


def _standing_in(app: Dash) -> None:
    @guarded(
        app,
        *_rota_outputs(),
        Input("rota-away-save", "n_clicks"),
        State("rota-team", "data"),
        State("rota-away", "value"),
        State("rota-from", "value"),
        State("rota-to", "value"),
        State("rota-stand-in", "value"),
        policy=POLICY,
        running=[(Output("rota-away-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def stand_in(
        clicks: int | None, team: int, away: str | None, first: str | None, last: str | None, by: str | None
    ) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update

        def write(session: Session) -> None:
            if away is None or by is None:
                raise BadInput(say("choose who is away and who takes their place"))
            set_stand_in(
                session,
                current_actor(),
                team,
                person_id=_number(away),
                first_day=_day(first),
                last_day=_day(last),
                stand_in_id=_number(by),
                now=request_now(),
            )

        return _changed(team, write)

    @guarded(
        app,
        *_rota_outputs(),
        Input("rota-end-save", "n_clicks"),
        State("rota-team", "data"),
        State("rota-end", "value"),
        policy=POLICY,
        running=[(Output("rota-end-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def back(clicks: int | None, team: int, stand_in: str | None) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update

        def write(session: Session) -> None:
            if stand_in is None:
                raise BadInput(say("choose the stand-in that ends"))
            remove_stand_in(session, current_actor(), _number(stand_in), now=request_now())

        return _changed(team, write)


def _rota_outputs() -> tuple[Output, Output]:
    return (
        Output("rota-said", "children", allow_duplicate=True),
        Output("rota-card", "children", allow_duplicate=True),
    )


def _changed(team_id: int, write: Callable[[Session], None]) -> tuple[object, object]:
    """What to say of a change of a team's rota, and the rota as it now stands; the forms stay where it was refused."""
    with current_database().read() as session:
        team = next((one for one in rota_teams(session, current_actor()) if one[0] == team_id), None)
    if team is None:
        raise NotFound("There is no such team among yours.")
    said, done = _written(write, _("Saved. Alerts follow from now on."))
    if not done:
        return said, no_update
    with current_database().read() as session:
        return said, _rota(session, team, _clock())


def _written(write: Callable[[Session], None], done: str) -> tuple[Component, bool]:
    """What to say of a change, and whether it was made."""
    try:
        with current_database().write() as session:
            write(session)
    except (BadInput, Forbidden) as refused:
        return html.P(_("Not saved: {why}.", why=tell(refused.args[0]).rstrip(".")), className="error"), False
    return html.P(done, className="done"), True


def _teams(teams: tuple[tuple[int, str], ...], shown: tuple[int, str] | None) -> Component | None:
    if len(teams) < 2 or shown is None:
        return None
    links = [
        html.A(
            name,
            href=f"/me?{urlencode({'team': team_id})}",
            className="chip on" if team_id == shown[0] else "chip",
            **{"data-in-app": "", **({"aria-current": "true"} if team_id == shown[0] else {})},
        )
        for team_id, name in teams
    ]
    return html.Nav(
        [html.Span(_("Rota of"), className="soft small"), *links],
        className="chips no-print",
        **{"aria-label": _("Teams")},
    )


def _rota(session: Session, team: tuple[int, str], clock: Clock) -> Component:
    team_id, name = team
    actor, today = current_actor(), clock.now.astimezone(clock.zone).date()
    weeks = list_rota(session, [team_id], today, WEEKS_SHOWN)
    members = members_of(session, team_id)
    keeps = may_keep(actor, team_id)
    lead = weeks[0]["lead"]
    return html.Section(
        [
            html.Header(
                [
                    html.H2(_("Rota of {team}", team=name)),
                    html.Span(
                        _("Lead of the team: {person}", person=lead) if lead else _("No lead of the team is named."),
                        className="soft small",
                    ),
                ]
            ),
            gap_notice(weeks, today),
            rota_table(weeks, name, today),
            week_form(members, today) if keeps else None,
            stand_in_form(members, coming_stand_ins(weeks), actor.person_id, keeps, today),
        ],
        className="card stacked",
    )


def _chosen(asked: str | None, teams: tuple[tuple[int, str], ...]) -> tuple[int, str] | None:
    return next((one for one in teams if str(one[0]) == asked), teams[0] if teams else None)


def _asked(id: dict[str, Any]) -> tuple[int, str]:
    team, kind = id.get("team"), id.get("severity")
    if not isinstance(team, int) or not isinstance(kind, str):
        raise BadInput(say("there is no such choice for alerts of this severity and team"))
    return team, kind


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError as error:
        raise BadInput(say("{text} is not a date; write it as 2026-03-01", text=repr(text))) from error


def _count(text: str | None) -> int:
    text = (text or "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_WEEKS))):
        raise BadInput(say("choose 1 to {n} weeks", n=MOST_WEEKS))
    return int(text)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_ID):
        raise BadInput(say("choose an oncologist of the team whose account is open"))
    return int(text)


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)
