"""The frame around every page: who is signed in, where one can go, whether surveillance runs - and the page by address.

The frame as first sent holds no data and nothing about the person; callbacks fill it.
"""

from __future__ import annotations

from datetime import timedelta

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from dashboard.base_path import inward
from dashboard.browser_texts import translated_texts
from dashboard.emergency_banner import emergency_words
from dashboard.language import LANGUAGES, _, counted, language, message
from dashboard.policy import CLINICAL, PEOPLE, Policy, guarded, require_role, require_scope
from dashboard.request import current_database, current_protocol, current_settings, current_sign_in, request_now
from dashboard.routing import Pages, Route
from data.escalation import long_unanswered
from data.freshness import dead_mails, oldest_unsent_s, sweep_age_s, sweep_limit_s
from data.people import Actor, NotFound, visible

# The theme's default shade fails 4.5:1 against its background.
THEME = {"primaryShade": {"light": 8, "dark": 8}}
SLOWEST_POLL_S = 30
ROLE_WORDS = {
    "oncologist": message("oncologist"),
    "nurse": message("nurse"),
    "admin": message("admin"),
    "auditor": message("auditor"),
}
MAIL_LATE_S = 300


def frame(pages: Pages, *, idle_s: int, environment: str) -> Component:
    """The layout of the application. It polls often enough to notice soon that the sign-in has ended."""
    poll_s = max(1, min(SLOWEST_POLL_S, idle_s // 5))
    links = [
        dcc.Link(
            [_(route.nav or ""), html.Span(id=_count_id(route), className="shell-count")],
            route.pattern,
            id=_link_id(route),
            className=_link_css(route, None),
        )
        for route in _navigation(pages)
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
            html.A(_("Skip to the page"), href="#shell-page", className="shell-skip"),
            html.Header(className="shell-header", children=[_brand(environment), html.Nav(links, **_nav()), _person()]),
            html.Div(hidden=True, **{"data-words": translated_texts()}),
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
        State("shell-location", "search"),
        policy=Policy(PEOPLE, scoped=True),
    )
    def show_page(pathname: str, search: str | None) -> tuple[Component, str]:
        place = pages.at(inward(pathname))
        if place is None:
            raise NotFound("There is no such page.")
        route = place.page.ROUTE
        require_role(route.policy, route.pattern)
        require_scope(route.policy, dict(place.arguments), route.pattern, noting="always")
        wanted = {"search": search} if route.viewed else {}
        return place.page.layout(**place.arguments, **wanted), f"{_(route.title)} - Nadir"

    @guarded(
        app,
        Output("shell-person", "children"),
        Output("shell-role", "children"),
        Output("shell-sweep", "children"),
        Output("shell-mail", "children"),
        Output("shell-banner", "children"),
        *(Output(_count_id(route), "children") for route in _navigation(pages)),
        *(Output(_link_id(route), "className") for route in _navigation(pages)),
        Input("shell-clock", "n_intervals"),
        policy=Policy(PEOPLE, polling=True),
    )
    def show_state(_n_intervals: int | None) -> tuple[str | Component | list[Component | None] | None, ...]:
        signed_in, now = current_sign_in(), request_now()
        with current_database().read() as session:
            age_s = sweep_age_s(session, now=now)
            waiting_s, dead = oldest_unsent_s(session, now=now), dead_mails(session)
            waiting = [_waiting(session, signed_in.actor, route) for route in _navigation(pages)]
            unanswered = long_unanswered(session, visible(signed_in.actor))
            emergency = emergency_words(session, signed_in, now)
        late = age_s is None or age_s > sweep_limit_s(current_settings().sweep_s)
        return (
            signed_in.person_name,
            _(ROLE_WORDS[signed_in.actor.role]),
            sweep_text(age_s),
            mail_text(waiting_s, dead),
            [_emergency(emergency), *_banner(age_s if late else None, late=late), _unanswered(unanswered)],
            *waiting,
            *(_link_css(route, signed_in.actor.role) for route in _navigation(pages)),
        )


def sweep_text(age_s: int | None) -> str:
    """`Last sweep 4 min ago`, or that there was none."""
    return _("No sweep has run yet") if age_s is None else _("Last sweep {ago}", ago=_ago(age_s))


def mail_text(waiting_s: int | None, dead: int) -> str:
    """The state of alert mail in words: dead mails first, then how long the oldest waits."""
    if dead:
        return _("Mail: {n} could not be delivered", n=dead)
    if waiting_s is not None and waiting_s > MAIL_LATE_S:
        return _("Mail: oldest waits since {span}", span=_span(waiting_s))
    return _("Mail: nothing overdue")


def _navigation(pages: Pages) -> list[Route]:
    return [page.ROUTE for page in pages.modules if page.ROUTE.nav is not None]


def _count_id(route: Route) -> str:
    return f"shell-count-{(route.nav or '').lower()}"


def _link_id(route: Route) -> str:
    return f"shell-link-{(route.nav or '').lower()}"


def _link_css(route: Route, role: str | None) -> str:
    """Pages that are for clinicians are in the navigation from the start, the others for whom they are for."""
    shown = not CLINICAL.isdisjoint(route.policy.roles) if role is None else role in route.policy.roles
    return "shell-link" if shown else "shell-link shell-closed"


def _waiting(session: Session, actor: Actor, route: Route) -> Component | None:
    if route.count is None or actor.role not in route.policy.roles:
        return None
    count = route.count(session, actor)
    return html.Span([str(count), html.Span(" " + _("waiting"), className="visually-hidden")]) if count else None


def _emergency(words: str | None) -> Component | None:
    if words is None:
        return None
    return html.Div([html.Strong(_("Emergency access") + ": "), words], className="shell-emergency")


def _banner(age_s: int | None, *, late: bool) -> list[Component]:
    """What everybody has to know on whatever page: surveillance that stands still, a protocol nobody has signed."""
    parts = [_read_only()] if current_settings().read_only else []
    if late:
        parts.append(_alarm(age_s))
    protocol = current_protocol()
    unsigned = len(protocol.unsigned())
    if unsigned and current_settings().environment == "production":
        parts.append(_unsigned(unsigned, len(protocol.thresholds)))
    return parts


def _read_only() -> Component:
    words = _("You can look at everything. Nothing can be entered, changed or acknowledged, and no alert is sent.")
    return html.Div([html.Strong(_("Nadir is read-only.") + " "), words], className="shell-alarm")


def _unsigned(unsigned: int, all: int) -> Component:
    said = _(
        "{n} of {all} thresholds are not signed off by an oncologist of this hospital. Rules judge by them all the "
        "same.",
        n=unsigned,
        all=all,
    )
    return html.Div(
        className="shell-unsigned",
        children=[
            html.Strong(_("Draft protocol.") + " "),
            said + " ",
            dcc.Link(_("See the protocol"), href="/protocol"),
        ],
    )


def _alarm(age_s: int | None) -> Component:
    since = _("no sweep has finished yet") if age_s is None else _("the last sweep finished {ago}", ago=_ago(age_s))
    return html.Div(
        className="shell-alarm",
        children=[
            html.Strong(_("Surveillance is not running:") + " "),
            since + ". " + _("New results are not being judged and no alert will come. Look at the patients yourself."),
        ],
    )


def _unanswered(flag_ids: list[str]) -> Component | None:
    """That urgent flags of the reader's teams have reached the last step of escalation; nothing where none has."""
    if not flag_ids:
        return None
    said = counted(
        "An urgent flag has not been acknowledged.", "{n} urgent flags have not been acknowledged.", len(flag_ids)
    )
    return html.Div(
        className="shell-alarm",
        children=[
            html.Strong(said + " "),
            _("All oncologists of the team were mailed, twice.") + " ",
            dcc.Link(_("Open the oldest"), href=f"/flag/{flag_ids[0]}"),
        ],
    )


def _ago(seconds: int) -> str:
    return _("just now") if seconds < 60 else _("{span} ago", span=_span(seconds))


def _span(seconds: int) -> str:
    span = timedelta(seconds=seconds)
    if span < timedelta(hours=1):
        return _("{n} min", n=max(1, seconds // 60))
    if span < timedelta(days=1):
        return _("{h} h {n} min", h=seconds // 3600, n=seconds % 3600 // 60)
    return _("{d} d {h} h", d=span.days, h=seconds % 86_400 // 3600)


def _languages() -> Component:
    """One button for each other language; choosing one is remembered for the person."""
    return html.Form(
        action="/language",
        method="POST",
        className="shell-languages",
        children=[
            html.Button(name, type="submit", name="language", value=code, className="shell-out", lang=code)
            for code, name in LANGUAGES.items()
            if code != language()
        ],
    )


def _nav() -> dict[str, str]:
    return {"id": "shell-nav", "className": "shell-nav", "aria-label": _("Pages")}


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
            html.A(
                href="/account",
                className="shell-who",
                children=[html.Span(id="shell-person"), html.Span(id="shell-role")],
            ),
            _languages(),
            html.Form(
                action="/logout",
                method="POST",
                children=html.Button(_("Sign out"), type="submit", className="shell-out"),
            ),
        ],
    )
