"""The frame around every page: who is signed in, where one can go, whether surveillance runs - and the page by address.

The frame as first sent holds no data and nothing about the person; callbacks fill it.
"""

from __future__ import annotations

from datetime import timedelta

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard.policy import PEOPLE, Policy, guarded, require_role, require_scope
from dashboard.request import current_database, current_settings, current_sign_in, request_now
from dashboard.routing import Pages
from data.freshness import dead_mails, oldest_unsent_s, sweep_age_s, sweep_limit_s
from data.people import NotFound

# The theme's default shade fails 4.5:1 against its background.
THEME = {"primaryShade": {"light": 8, "dark": 8}}
SLOWEST_POLL_S = 30
MAIL_LATE_S = 300


def frame(pages: Pages, *, idle_s: int, environment: str) -> Component:
    """The layout of the application. It polls often enough to notice soon that the sign-in has ended."""
    poll_s = max(1, min(SLOWEST_POLL_S, idle_s // 5))
    links = [
        dcc.Link(page.ROUTE.nav, href=page.ROUTE.pattern, className="shell-link")
        for page in pages.modules
        if page.ROUTE.nav is not None
    ]
    return dmc.MantineProvider(
        id="shell-theme",
        theme=THEME,
        defaultColorScheme="auto",
        children=[
            dcc.Location(id="shell-location", refresh="callback-nav"),
            dcc.Store(id="shell-title", storage_type="memory"),
            dcc.Store(id="shell-arrived", storage_type="memory"),
            dcc.Interval(id="shell-clock", interval=poll_s * 1000),
            html.A("Skip to the page", href="#shell-page", className="shell-skip"),
            html.Header(className="shell-header", children=[_brand(environment), html.Nav(links, **_NAV), _person()]),
            html.Div(id="shell-banner", role="alert"),
            html.Main(id="shell-page", tabIndex="-1"),
        ],
    )


def register(app: Dash, pages: Pages) -> None:
    """Register the frame's callbacks."""
    app.clientside_callback(
        ClientsideFunction("nadir_shell", "arrived"),
        Output("shell-arrived", "data"),
        Input("shell-title", "data"),
        State("shell-location", "pathname"),
        prevent_initial_call=True,
    )

    @guarded(
        app,
        Output("shell-page", "children"),
        Output("shell-title", "data"),
        Input("shell-location", "pathname"),
        policy=Policy(PEOPLE, scoped=True),
    )
    def show_page(pathname: str) -> tuple[Component, str]:
        place = pages.at(pathname)
        if place is None:
            raise NotFound("There is no such page.")
        route = place.page.ROUTE
        require_role(route.policy, route.pattern)
        require_scope(route.policy, dict(place.arguments), route.pattern, noting="always")
        return place.page.layout(**place.arguments), f"{route.title} - Nadir"

    @guarded(
        app,
        Output("shell-person", "children"),
        Output("shell-role", "children"),
        Output("shell-sweep", "children"),
        Output("shell-mail", "children"),
        Output("shell-banner", "children"),
        Input("shell-clock", "n_intervals"),
        policy=Policy(PEOPLE, polling=True),
    )
    def show_state(_n_intervals: int | None) -> tuple[str, str, str, str, Component | None]:
        signed_in, now = current_sign_in(), request_now()
        with current_database().read() as session:
            age_s = sweep_age_s(session, now=now)
            waiting_s, dead = oldest_unsent_s(session, now=now), dead_mails(session)
        late = age_s is None or age_s > sweep_limit_s(current_settings().sweep_s)
        return (
            signed_in.person_name,
            signed_in.actor.role,
            sweep_text(age_s),
            mail_text(waiting_s, dead),
            _alarm(age_s) if late else None,
        )


def sweep_text(age_s: int | None) -> str:
    """`Last sweep 4 min ago`, or that there was none."""
    return "No sweep has run yet" if age_s is None else f"Last sweep {_ago(age_s)}"


def mail_text(waiting_s: int | None, dead: int) -> str:
    """The state of alert mail in words: dead mails first, then how long the oldest waits."""
    if dead:
        return f"Mail: {dead} could not be delivered"
    if waiting_s is not None and waiting_s > MAIL_LATE_S:
        return f"Mail: oldest waits since {_span(waiting_s)}"
    return "Mail: nothing overdue"


def _alarm(age_s: int | None) -> Component:
    since = "no sweep has finished yet" if age_s is None else f"the last sweep finished {_ago(age_s)}"
    return html.Div(
        className="shell-alarm",
        children=[
            html.Strong("Surveillance is not running: "),
            f"{since}. New results are not being judged and no alert will come. Look at the patients yourself.",
        ],
    )


def _ago(seconds: int) -> str:
    return "just now" if seconds < 60 else f"{_span(seconds)} ago"


def _span(seconds: int) -> str:
    span = timedelta(seconds=seconds)
    if span < timedelta(hours=1):
        return f"{max(1, seconds // 60)} min"
    if span < timedelta(days=1):
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{span.days} d {seconds % 86_400 // 3600} h"


_NAV = {"id": "shell-nav", "className": "shell-nav", "aria-label": "Pages"}


def _brand(environment: str) -> Component:
    name = [html.Span("Nadir", className="shell-name")]
    if environment != "production":
        name.append(html.Span(environment, className="shell-environment"))
    return dcc.Link(name, href="/", className="shell-brand")


def _person() -> Component:
    return html.Div(
        className="shell-person",
        children=[
            html.Div(
                className="shell-state",
                children=[html.Span(id="shell-sweep"), html.Span(id="shell-mail")],
            ),
            html.Div(className="shell-who", children=[html.Span(id="shell-person"), html.Span(id="shell-role")]),
            html.Form(
                action="/logout",
                method="POST",
                children=html.Button("Sign out", type="submit", className="shell-out"),
            ),
        ],
    )
