"""Operations: do the jobs run, does mail leave, are the feeds heard, what waits for somebody - and nobody's data."""

from __future__ import annotations

from datetime import datetime

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.language import _, whole
from dashboard.parts import operations as parts
from dashboard.parts import operations_work as work
from dashboard.parts.times import Clock, moment_text, since_text
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.errors import BadInput
from data.feeds import list_feeds, set_interval
from data.freshness import sweep_age_s, sweep_limit_s
from data.identity_proposals import waiting_proposals
from data.job_plan import PlannedJob, ask_for_run, planned_jobs
from data.job_runs import list_gaps
from data.operations import (
    clock_offset_s,
    held_by_format,
    leader,
    mail_figures,
    mails_in_trouble,
    may_look,
    newest_mails,
    roles_count,
    storage,
    team_lines,
)
from data.outbox import SHORTEST_REASON, MailNotRetried, clear_dead, retry
from data.people import NotFound

LOOKING = Policy(frozenset({"admin", "auditor"}))
WATCHING = Policy(frozenset({"admin", "auditor"}), polling=True)
ACTING = Policy(frozenset({"admin"}))
ROUTE = Route("/ops", title="Operations", policy=LOOKING, nav="Operations")
REFRESH_MS = 5_000
GAPS_SHOWN = 10


def layout() -> Component:
    """The page for an admin, who acts, or an auditor, who looks."""
    may_look(current_actor())
    return html.Div(
        [
            html.H1(_("Operations")),
            html.Div(id="ops-said", role="status"),
            dcc.Interval(id="ops-clock", interval=REFRESH_MS),
            html.Div(_live(), id="ops-live", className="stacked"),
            _mail_card(),
            html.Div(_feeds(), id="ops-feeds", className="stacked"),
            *_rest(),
        ],
        className="page",
    )


def register(app: Dash) -> None:
    """Looking again every five seconds, and what an admin can do: ask for a run, work off mails, set intervals."""

    @guarded(
        app,
        Output("ops-live", "children"),
        Output("ops-mails", "children"),
        Input("ops-clock", "n_intervals"),
        policy=WATCHING,
    )
    def look_again(ticks: int | None) -> object:
        return (_live(), _mails()) if ticks else (no_update, no_update)

    @guarded(
        app,
        Output("ops-said", "children"),
        Output("ops-live", "children", allow_duplicate=True),
        Input({"type": "ops-run", "job": ALL}, "n_clicks"),
        policy=ACTING,
        prevent_initial_call=True,
    )
    def run_now(clicks: list[int | None]) -> object:
        if not any(clicks):
            return no_update, no_update
        job = _chosen("job")
        with current_database().write() as session:
            new = ask_for_run(session, current_actor(), job, now=request_now())
        words = _(work.JOB_WORDS[job]) if job in work.JOB_WORDS else job
        asked = _("Asked for: {job}. The scheduler takes it within seconds.", job=words)
        return _done(asked if new else _("Already asked for: {job}.", job=words)), _live()

    _register_mail(app)
    _register_feeds(app)


def _register_mail(app: Dash) -> None:
    @guarded(
        app,
        Output("ops-said", "children", allow_duplicate=True),
        Output("ops-mails", "children", allow_duplicate=True),
        Input({"type": "ops-retry", "mail": ALL}, "n_clicks"),
        policy=ACTING,
        prevent_initial_call=True,
    )
    def send_again(clicks: list[int | None]) -> object:
        if not any(clicks):
            return no_update, no_update
        try:
            with current_database().write() as session:
                retry(session, current_actor(), _chosen("mail"), now=request_now())
        except MailNotRetried:
            return _refused(_("This mail has moved on meanwhile; look at the list again.")), _mails()
        return _done(_("The mail is queued and goes out at once, under the number it always had.")), _mails()

    @guarded(
        app,
        Output("ops-said", "children", allow_duplicate=True),
        Output("ops-mails", "children", allow_duplicate=True),
        Output("ops-why", "value"),
        Input({"type": "ops-clear", "mail": ALL}, "n_clicks"),
        State("ops-why", "value"),
        policy=ACTING,
        prevent_initial_call=True,
    )
    def clear_mail(clicks: list[int | None], why: str | None) -> object:
        if not any(clicks):
            return no_update, no_update, no_update
        if len((why or "").strip()) < SHORTEST_REASON:
            return (
                _refused(_("Say below the list why it may be cleared: who told its reader, and how.")),
                no_update,
                why,
            )
        try:
            with current_database().write() as session:
                clear_dead(session, current_actor(), _chosen("mail"), why=why or "", now=request_now())
        except MailNotRetried:
            return _refused(_("This mail has moved on meanwhile; look at the list again.")), _mails(), why
        return _done(_("Cleared. The flag stays on the worklist.")), _mails(), ""


def _register_feeds(app: Dash) -> None:
    @guarded(
        app,
        Output("ops-said", "children", allow_duplicate=True),
        Output("ops-feeds", "children"),
        Input({"type": "ops-interval", "feed": ALL}, "n_clicks"),
        State({"type": "ops-hours", "feed": ALL}, "value"),
        State({"type": "ops-hours", "feed": ALL}, "id"),
        policy=ACTING,
        prevent_initial_call=True,
    )
    def set_hours(clicks: list[int | None], hours: list[str | None], ids: list[dict[str, str]]) -> object:
        if not any(clicks):
            return no_update, no_update
        feed = _chosen("feed")
        typed = next((text for text, id in zip(hours, ids, strict=False) if id.get("feed") == feed), None)
        application, _newline, facility = feed.partition("\n")
        try:
            seconds = _seconds(typed)
            with current_database().write() as session:
                set_interval(session, current_actor(), application, facility, seconds=seconds, now=request_now())
        except BadInput:
            return _refused(_("Not set: hours between 0.02 (a minute) and 8784 (a year), or nothing.")), no_update
        return _done(_("Set. A feed is silent after one and a half times that.")), _feeds()


def _chosen(name: str) -> str:
    """The part of the pressed button's id that says what it is about. Raises NotFound for what no button has."""
    chosen = ctx.triggered_id
    if not isinstance(chosen, dict) or not isinstance(chosen.get(name), str):
        raise NotFound("There is no such button.")
    return str(chosen[name])


def _seconds(hours: str | None) -> int | None:
    """Raises BadInput for what is no number of hours."""
    text = (hours or "").strip().replace(",", ".")
    if not text:
        return None
    try:
        return round(float(text) * work.HOUR_S)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text!r} is no number of hours") from error


def _clock() -> Clock:
    return Clock(request_now(), current_settings().zone)


def _acting() -> bool:
    return current_actor().role in ACTING.roles


def _live() -> list[Component]:
    """Jobs and the audit trail, as they stand now."""
    clock, acting = _clock(), _acting()
    with current_database().read() as session:
        age_s, leads = sweep_age_s(session, now=clock.now), leader(session)
        jobs = planned_jobs(session)
        gaps = list_gaps(session, newest=GAPS_SHOWN)
    late = age_s is None or age_s > sweep_limit_s(current_settings().sweep_s)
    swept = _("never") if age_s is None else _("{n} s ago", n=whole(age_s))
    nobody = html.P(_("No scheduler has led yet: start nadir scheduler, or nadir up."), className="notice")
    return [
        parts.facts(
            [
                (_("Last good sweep"), swept, late),
                (_("Scheduler that leads"), _leader(leads), leads is None),
            ]
        ),
        parts.card(
            _("Jobs"),
            work.jobs_table(jobs, clock, acting=acting) if jobs else nobody,
            _gaps(gaps, clock),
            id="ops-jobs",
        ),
        _audit({job.name: job for job in jobs}, clock),
    ]


def _mails() -> list[Component]:
    """Mail as it stands now."""
    clock = _clock()
    with current_database().read() as session:
        figures, trouble = mail_figures(session, now=clock.now), mails_in_trouble(session)
    table = work.mail_table("ops-trouble-table", _("Mails in trouble"), trouble, clock, acting=_acting())
    return [
        work.mail_facts(figures, clock),
        table if trouble else html.P(_("No mail is in trouble."), className="soft"),
    ]


def _mail_card() -> Component:
    """Mail; the reason stands outside what is looked at again, so that nobody loses what they type."""
    label = html.Label(_("Why a mail may be cleared (required for that)"), htmlFor="ops-why")
    why = html.Div([label, dcc.Input(id="ops-why", type="text", value="", maxLength=300)], className="field ops-why")
    live = html.Div(_mails(), id="ops-mails", className="stacked")
    return parts.card(_("Mail"), live, why if _acting() else None, id="ops-mail")


def _leader(leads: tuple[str, str] | None) -> str:
    return _("none") if leads is None else _("{host}, process {number}", host=leads[0], number=leads[1])


def _gaps(gaps: list[tuple[datetime, datetime]], clock: Clock) -> Component | None:
    if not gaps:
        return None
    lines = [
        html.Li(_("{since} to {until}", since=moment_text(since, clock.zone), until=moment_text(until, clock.zone)))
        for since, until in reversed(gaps)
    ]
    return html.Details(
        [html.Summary(_("No surveillance from - to")), html.Ul(lines, className="plain-list")], open=True
    )


def _audit(jobs: dict[str, PlannedJob], clock: Clock) -> Component:
    verified, anchored = jobs.get("verify-audit"), jobs.get("anchor")
    found = dict(verified.counts or {}) if verified and verified.outcome == "done" else {}
    broken = found.get("first_bad") is not None
    if not found or verified is None or verified.finished_at is None:
        said = _("not verified yet")
    elif broken:
        said = _("row {n} does not hold", n=whole(int(found["first_bad"])))
    else:
        ago = since_text(verified.finished_at, clock.now)
        said = _("{n} rows hold, verified {ago}", n=whole(int(found["rows"])), ago=ago)
    seq = dict(anchored.counts or {}).get("seq") if anchored and anchored.finished_at else None
    where = (
        _("row {n}, {ago}", n=whole(int(seq)), ago=since_text(anchored.finished_at, clock.now))
        if seq is not None and anchored is not None and anchored.finished_at is not None
        else _("no anchor file is set")
        if current_settings().anchor_file is None
        else _("not anchored yet")
    )
    return parts.card(
        _("Audit trail"),
        parts.facts([(_("Chain"), said, broken), (_("Last anchor"), where, False)]),
        html.P(_privacy_ways()),
        id="ops-audit",
    )


def _privacy_ways() -> list[Component | str]:
    ways: list[Component | str] = [dcc.Link(_("Search the audit trail"), href="/audit")]
    return [*ways, " · ", html.A(_("Erase an identity"), href="/erasure")] if _acting() else ways


def _feeds() -> list[Component]:
    clock = _clock()
    with current_database().read() as session:
        feeds = list_feeds(session, now=clock.now)
    never = html.P(_("No feed was ever heard."), className="soft")
    table = work.feeds_table(feeds, clock, acting=_acting()) if feeds else never
    aside = _("silent after one and a half times its interval")
    return [parts.card(_("Feeds"), table, id="ops-feeds-card", aside=aside)]


def _rest() -> list[Component]:
    now, clock = request_now(), _clock()
    with current_database().read() as session:
        newest = newest_mails(session)
        offset = clock_offset_s(session, now=now)
        formats, proposals = held_by_format(session), waiting_proposals(session, now=now)["open"] or 0
        stored, roles, teams = storage(session), roles_count(session), team_lines(session)
    last = _("The mails written last")
    table = work.mail_table("ops-mail-table", last, newest, clock, acting=False)
    none = html.P(_("No mail was written yet."), className="soft")
    return [
        html.Details([html.Summary(last), table if newest else none], className="card"),
        parts.card(_("Quarantine"), parts.held(formats, proposals, acting=_acting()), id="ops-held"),
        parts.card(_("Storage and clock"), parts.storage_facts(stored, offset), id="ops-storage"),
        parts.card(_("Accounts and teams"), parts.accounts(roles, teams), id="ops-accounts"),
    ]


def _done(text: str) -> Component:
    return html.P(text, className="done")


def _refused(text: str) -> Component:
    return html.P(text, className="error")
