"""What each job of the schedule does, as a function of nothing but the fence of its transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from clinical.protocol import Protocol
from data.alarms import alarm_once
from data.announcing import MailPolicy
from data.db import Database
from data.downtime import DigestDue, tell_of_downtime
from data.escalation import patience
from data.feeds import tell_of_silence
from data.intake.uploads import upload_folder
from data.job_plan import prune_wishes
from data.job_runs import prune_runs
from data.mutes import tell_withheld
from data.outbox import mail_policy
from data.protocol.in_force import protocol_in_force
from data.protocol.trials import start_trial
from data.settings import Settings
from jobs.anchors import anchor_audit, copy_audit, verify_audit
from jobs.backup import back_up_nightly
from jobs.digest import digest
from jobs.downtime_lists import print_downtime_lists
from jobs.duty import escalate, tend_rota
from jobs.imports import tend_imports
from jobs.reminders import remind
from jobs.retention import keep_no_longer
from jobs.runs import Counts, Fence, Work
from jobs.schedule import Daily, Job
from jobs.sweep import sweep
from jobs.watchdog import miscounts, troubles

log = structlog.get_logger()

KEPT: Final = timedelta(days=30)
FREQUENT: Final = ("sweep", "feeds", "watch", "imports", "escalation", "rota", "audit-copy")


def work_of(
    job: Job,
    database: Database,
    settings: Settings,
    protocol: Protocol,
    *,
    moment: Callable[[], datetime],
    clock: Callable[[], datetime],
) -> Work:
    """The function of a job, lacking only the fence. It judges as of `moment`; `clock` is the wall's.

    `protocol` is what this installation brings: a sweep judges by what is in force when it begins.
    """
    desk = _Desk(database, settings, protocol, mail_policy(settings), moment, clock)
    works: dict[str, Work] = {
        "sweep": partial(desk.sweep, full=False),
        "full-sweep": partial(desk.sweep, full=True),
        "digest": desk.digest,
        "reminders": desk.remind,
        "feeds": desk.listen,
        "watch": desk.watch,
        "invariants": desk.check,
        "anchor": desk.anchor,
        "verify-audit": desk.verify,
        "backup": desk.back_up,
        "downtime-lists": desk.print_lists,
        "retention": desk.let_go,
        "imports": desk.tend,
        "escalation": desk.escalate,
        "rota": desk.tend_rota,
        "audit-copy": desk.copy_audit,
    }
    return works[job.name]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every job works with, and each job as a method."""

    database: Database
    settings: Settings
    protocol: Protocol
    mail: MailPolicy
    moment: Callable[[], datetime]
    clock: Callable[[], datetime]

    @property
    def digest_time(self) -> Daily:
        return Daily(self.settings.digest_at, self.settings.zone)

    def sweep(self, fence: Fence, *, full: bool) -> Counts:
        with self.database.read() as session:
            in_force = protocol_in_force(session, self.protocol)
        report = sweep(
            self.database,
            protocol=in_force,
            mail=self.mail,
            as_of=self.moment(),
            now=self.clock(),
            full=full,
            fence=fence,
        )
        with self.database.write() as session:
            late = tell_withheld(session, self.mail, now=self.clock())
            due = _digest_due(self.digest_time, self.clock())
            late += tell_of_downtime(session, self.mail, due, now=self.clock())
            fence(session)
        return _in_numbers(report.as_json()) | {"outbox_rows": report.counts.outbox_rows + late}

    def digest(self, fence: Fence) -> Counts:
        return digest(self.database, self.digest_time, self.mail, as_of=self.moment(), now=self.clock(), fence=fence)

    def remind(self, fence: Fence) -> Counts:
        return remind(self.database, self.digest_time, self.mail, as_of=self.moment(), now=self.clock(), fence=fence)

    def listen(self, fence: Fence) -> Counts:
        with self.database.write() as session:
            silent, mails = tell_of_silence(session, self.mail, now=self.clock())
            fence(session)
        return {"silent": silent, "mails": mails}

    def watch(self, fence: Fence) -> Counts:
        return _watch(self.database, self.settings, now=self.clock(), fence=fence)

    def tend(self, fence: Fence) -> Counts:
        start_trial(self.database, self.settings, now=self.clock())
        return tend_imports(self.database, upload_folder(self.settings), now=self.clock(), fence=fence)

    def escalate(self, fence: Fence) -> Counts:
        return escalate(self.database, self.mail, patience(self.settings), now=self.clock(), fence=fence)

    def tend_rota(self, fence: Fence) -> Counts:
        return tend_rota(self.database, self.mail, self.settings, now=self.clock(), fence=fence)

    def check(self, fence: Fence) -> Counts:
        with self.database.read() as session:
            protocol = protocol_in_force(session, self.protocol)
            lines = miscounts(session, protocol, self.settings, now=self.clock())
        return _alarmed(self.database, lines, self.mail, now=self.clock(), fence=fence)

    def anchor(self, fence: Fence) -> Counts:
        return anchor_audit(self.database, self.settings.anchor_file, now=self.clock(), fence=fence)

    def copy_audit(self, fence: Fence) -> Counts:
        return copy_audit(self.database, self.settings.audit_copy_file, fence=fence)

    def back_up(self, fence: Fence) -> Counts:
        return back_up_nightly(self.database, self.settings, now=self.clock(), fence=fence)

    def print_lists(self, fence: Fence) -> Counts:
        return print_downtime_lists(self.database, self.settings, fence=fence)

    def let_go(self, fence: Fence) -> Counts:
        return keep_no_longer(self.database, self.settings, now=self.clock(), fence=fence)

    def verify(self, fence: Fence) -> Counts:
        return verify_audit(self.database, self.settings.anchor_file, self.mail, now=self.clock(), fence=fence)


def _digest_due(when: Daily, now: datetime) -> DigestDue:
    due = when.latest(now)
    return DigestDue(due.astimezone(when.zone).date(), due)


def _alarmed(database: Database, lines: Sequence[str], mail: MailPolicy, *, now: datetime, fence: Fence) -> Counts:
    for line in lines:
        log.error("invariant broken", what=line)
    with database.write() as session:
        if lines:
            alarm_once(session, "invariant-broken", mail, now=now)
        fence(session)
    return {"broken": len(lines), "lines": list(lines)}


def _watch(database: Database, settings: Settings, *, now: datetime, fence: Fence) -> Counts:
    with database.read() as session:
        lines = troubles(session, settings, now=now)
    for line in lines:
        log.warning("trouble", what=line)
    with database.write() as session:
        pruned = prune_runs(session, FREQUENT, before=now - KEPT)
        prune_wishes(session, before=now - KEPT)
        fence(session)
    return {"troubles": len(lines), "pruned": pruned}


def _in_numbers(report: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of a sweep without the hospital numbers in it: rows of runs are read by people who see no patients."""
    return {
        name: len(value) if isinstance(value, list) else value
        for name, value in report.items()
        if isinstance(value, int | list)
    }
