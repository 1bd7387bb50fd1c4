"""What works, on the operations page: the jobs, the mails and the laboratory feeds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, counted, marked, message, whole
from dashboard.parts.badges import SEVERITY_WORDS
from dashboard.parts.operations import cell, facts, listed, pill
from dashboard.parts.times import Clock, moment_text, since_text
from data.feeds import FeedState
from data.job_plan import PlannedJob
from data.operations import MailFigures, MailLine

JOB_WORDS = {
    "sweep": message("Sweep: judge whoever has new data or is due"),
    "full-sweep": message("Full sweep: judge everybody"),
    "digest": message("Daily digest"),
    "reminders": message("Weekly reminder of surveillance"),
    "feeds": message("Watch over the feeds"),
    "watch": message("Watchdog: sweeps and mail"),
    "invariants": message("Count flags and mails a second way"),
    "anchor": message("Anchor of the audit trail"),
    "verify-audit": message("Walk along the audit trail"),
    "backup": message("Nightly backup"),
    "downtime-lists": message("Printable lists for when Nadir is away"),
    "retention": message("Let go of what is past its time"),
    "imports": message("Imports that nobody works on"),
    "escalation": message("Carry further what nobody acknowledged"),
    "rota": message("Gaps in the rota, test alerts"),
    "audit-copy": message("Copy of the audit trail for the site's log"),
}
OUTCOME_WORDS = {"done": message("done"), "failed": message("failed")}
STATE_WORDS = {
    "pending": message("waits"),
    "sending": message("is being sent"),
    "retry": message("tried in vain, is tried again"),
    "sent": message("sent"),
    "dead": message("given up"),
    "cancelled": message("cancelled"),
    "digested": message("in a digest"),
    "held": message("held"),
}
MAIL_WORDS = {
    "immediate": message("flag"),
    "digest": message("digest"),
    "test": message("test mail"),
    "technical": message("technical alarm"),
}
HOUR_S = 3600


def jobs_table(jobs: Sequence[PlannedJob], clock: Clock, *, acting: bool) -> Component:
    """Every job: when it is due, how its newest run went, and the button that asks for one."""
    heads = [_("Job"), _("Times"), _("Last run"), _("Next"), *([_("Run now")] if acting else [])]
    return listed("ops-jobs-table", _("Jobs"), heads, [_job(job, clock, acting=acting) for job in jobs])


def _job(job: PlannedJob, clock: Clock, *, acting: bool) -> Component:
    words = _(JOB_WORDS[job.name]) if job.name in JOB_WORDS else job.name
    cells = [
        html.Th([words, html.Span(job.name, className="age", lang="en")], scope="row"),
        cell(times_text(job.schedule), name=_("Times")),
        cell(*_last_run(job, clock), name=_("Last run")),
        cell(_in_text(job.next_due_at, clock), name=_("Next")),
    ]
    if acting:
        label = [_("Run now"), html.Span(f": {words}", className="visually-hidden")]
        button = html.Button(label, id={"type": "ops-run", "job": job.name}, type="button", className="button small")
        waiting = html.Span(_("asked for, waits for the scheduler"), className="age") if job.waiting_since else None
        cells.append(cell(button, waiting))
    return html.Tr(cells)


def _last_run(job: PlannedJob, clock: Clock) -> list[Component | str | None]:
    if job.started_at is None:
        return [html.Span(_("never yet"), className="soft")]
    if job.outcome is None or job.finished_at is None:
        return [pill(_("running"), ""), html.Span(_("since {at}", at=_at(job.started_at, clock)), className="age")]
    seconds = max(0.0, (job.finished_at - job.started_at).total_seconds())
    said = _("{ago}, took {n} s", ago=since_text(job.finished_at, clock.now), n=marked(f"{seconds:.1f}"))
    error = html.Span(job.error, className="age ops-said", lang="en") if job.error else None
    return [pill(_(OUTCOME_WORDS[job.outcome]), job.outcome), html.Span(said, className="age"), error]


def times_text(schedule: str) -> str:
    """The times of a job, which the scheduler writes in English, in the language in force."""
    if every := re.fullmatch(r"every (\d+) s", schedule):
        seconds = int(every[1])
        if seconds % HOUR_S == 0:
            return counted("every hour", "every {n} hours", seconds // HOUR_S)
        return _("every {n} min", n=seconds // 60) if seconds % 60 == 0 else _("every {n} s", n=seconds)
    if daily := re.fullmatch(r"daily (\d\d:\d\d) (\S+)", schedule):
        return _("daily at {time} ({zone})", time=daily[1], zone=daily[2])
    return schedule


def _in_text(moment: datetime, clock: Clock) -> str:
    seconds = int((moment - clock.now).total_seconds())
    if seconds < 0:
        return _("overdue since {at}", at=_at(moment, clock))
    return _("in {n} s", n=seconds) if seconds < 120 else _at(moment, clock)


def _at(moment: datetime, clock: Clock) -> str:
    return moment_text(moment, clock.zone)


def mail_facts(mail: MailFigures, clock: Clock) -> Component:
    """The figures of mail; the error rate is of the last hour."""
    waits = _("nothing waits") if mail.oldest_unsent_s is None else _("{n} s", n=whole(mail.oldest_unsent_s))
    accepted = _("never") if mail.accepted_at is None else since_text(mail.accepted_at, clock.now)
    rate = (
        _("no try in the last hour")
        if not mail.tried
        else _("{failed} of {tried} tries", failed=whole(mail.failed), tried=whole(mail.tried))
    )
    return facts(
        [
            (_("Oldest unsent"), waits, (mail.oldest_unsent_s or 0) > 300),
            (_("Given up"), whole(mail.dead), mail.dead > 0),
            (_("Last accepted by the mail server"), accepted, False),
            (_("Errors in the last hour"), rate, 2 * mail.failed > mail.tried),
        ]
    )


def mail_table(id: str, caption: str, mails: Sequence[MailLine], clock: Clock, *, acting: bool) -> Component:
    """Mails with their tries; dead and waiting ones can be sent again, dead ones cleared."""
    heads = [_("To"), _("What"), _("State"), _("Tries"), _("Written"), *([_("Do")] if acting else [])]
    return listed(id, caption, heads, [_mail(mail, clock, acting=acting) for mail in mails])


def _mail(mail: MailLine, clock: Clock, *, acting: bool) -> Component:
    answer = " ".join(str(part) for part in (mail.last_code, mail.last_error) if part)
    severity = _(SEVERITY_WORDS[mail.severity]) if mail.severity in SEVERITY_WORDS else ""
    next_try = _("next try {at}", at=_at(mail.next_at, clock)) if mail.state == "retry" else None
    cells = [
        html.Th(mail.recipient, scope="row"),
        cell(_(MAIL_WORDS[mail.kind]), html.Span(severity, className="age"), name=_("What")),
        cell(
            pill(_(STATE_WORDS[mail.state]), mail.state),
            html.Span(next_try, className="age") if next_try else None,
            html.Span(answer, className="age ops-said", lang="en") if answer else None,
        ),
        cell(str(mail.attempts), name=_("Tries")),
        cell(since_text(mail.created_at, clock.now), name=_("Written")),
    ]
    if acting:
        whose = html.Span(f": {mail.recipient}", className="visually-hidden")
        cells.append(
            cell(
                _button([_("Send again"), whose], "ops-retry", mail.id),
                _button([_("Clear"), whose], "ops-clear", mail.id) if mail.state == "dead" else None,
            )
        )
    return html.Tr(cells)


def _button(label: Sequence[Component | str], type: str, mail: str) -> Component:
    return html.Button(label, id={"type": type, "mail": mail}, type="button", className="button small")


def feeds_table(feeds: Sequence[FeedState], clock: Clock, *, acting: bool) -> Component:
    """Every feed, when it was last heard and how often it is to be."""
    heads = [_("Feed"), _("Last heard"), _("State"), _("Expected every (hours)")]
    return listed("ops-feeds-table", _("Feeds"), heads, [_feed(feed, clock, acting=acting) for feed in feeds])


def _feed(feed: FeedState, clock: Clock, *, acting: bool) -> Component:
    hours = None if feed.interval_s is None else feed.interval_s / HOUR_S
    said = "" if hours is None else f"{hours:g}"
    unwatched = pill(_("not watched"), "")
    state = (
        unwatched if hours is None else pill(_("silent"), "dead") if feed.silent else pill(_("heard in time"), "done")
    )
    return html.Tr(
        [
            html.Th(feed.name, scope="row"),
            cell(
                since_text(feed.last_heard_at, clock.now),
                html.Span(_at(feed.last_heard_at, clock), className="age"),
                name=_("Last heard"),
            ),
            cell(state),
            cell(_interval(feed, said), name=_("Every (h)")) if acting else cell(marked(said) or "-"),
        ]
    )


def _interval(feed: FeedState, hours: str) -> Component:
    which = f"{feed.application}\n{feed.facility}"
    label = _("Hours within which {feed} is to be heard; empty: not watched", feed=feed.name)
    field = dcc.Input(
        id={"type": "ops-hours", "feed": which}, type="text", inputMode="decimal", value=hours, maxLength=8, size="6"
    )
    return html.Div(
        [
            html.Label([html.Span(label, className="visually-hidden"), field]),
            html.Button(
                [_("Set"), html.Span(f": {feed.name}", className="visually-hidden")],
                id={"type": "ops-interval", "feed": which},
                type="button",
                className="button small",
            ),
        ],
        className="ops-interval",
    )
