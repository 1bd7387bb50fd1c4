"""What each job of the schedule does, as a function of nothing but the fence of its transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from clinical.protocol import Protocol
from data.alarms import alarm_once
from data.announcing import MailPolicy
from data.db import Database
from data.downtime import DigestDue, tell_of_downtime
from data.feeds import tell_of_silence
from data.intake.uploads import upload_folder
from data.job_plan import prune_wishes
from data.job_runs import prune_runs
from data.outbox import mail_policy
from data.settings import Settings
from jobs.anchors import anchor_audit, verify_audit
from jobs.digest import digest
from jobs.imports import tend_imports
from jobs.reminders import remind
from jobs.runs import Counts, Fence, Work
from jobs.schedule import Daily, Job
from jobs.sweep import sweep
from jobs.watchdog import miscounts, troubles

log = structlog.get_logger()

KEPT: Final = timedelta(days=30)
FREQUENT: Final = ("sweep", "feeds", "watch", "imports")


def work_of(
    job: Job,
    database: Database,
    settings: Settings,
    protocol: Protocol,
    *,
    moment: Callable[[], datetime],
    clock: Callable[[], datetime],
) -> Work:
    """The function of a job, lacking only the fence. It judges as of `moment`; `clock` is the wall's."""
    mail = mail_policy(settings)
    digest_time = Daily(settings.digest_at, settings.zone)

    def swept(fence: Fence) -> Counts:
        report = sweep(
            database,
            protocol=protocol,
            mail=mail,
            as_of=moment(),
            now=clock(),
            full=job.name == "full-sweep",
            fence=fence,
        )
        with database.write() as session:
            late = tell_of_downtime(session, mail, _digest_due(digest_time, clock()), now=clock())
            fence(session)
        return _in_numbers(report.as_json()) | {"outbox_rows": report.counts.outbox_rows + late}

    def digested(fence: Fence) -> Counts:
        return digest(database, digest_time, mail, as_of=moment(), now=clock(), fence=fence)

    def reminded(fence: Fence) -> Counts:
        return remind(database, digest_time, mail, as_of=moment(), now=clock(), fence=fence)

    def listened(fence: Fence) -> Counts:
        with database.write() as session:
            silent, mails = tell_of_silence(session, mail, now=clock())
            fence(session)
        return {"silent": silent, "mails": mails}

    def watched(fence: Fence) -> Counts:
        return _watch(database, settings, now=clock(), fence=fence)

    def tended(fence: Fence) -> Counts:
        return tend_imports(database, upload_folder(settings), now=clock(), fence=fence)

    def checked(fence: Fence) -> Counts:
        with database.read() as session:
            lines = miscounts(session, protocol, settings, now=clock())
        return _alarmed(database, lines, mail, now=clock(), fence=fence)

    def anchored(fence: Fence) -> Counts:
        return anchor_audit(database, settings.anchor_file, now=clock(), fence=fence)

    def verified(fence: Fence) -> Counts:
        return verify_audit(database, settings.anchor_file, mail, now=clock(), fence=fence)

    return {
        "sweep": swept,
        "full-sweep": swept,
        "digest": digested,
        "reminders": reminded,
        "feeds": listened,
        "watch": watched,
        "invariants": checked,
        "anchor": anchored,
        "verify-audit": verified,
        "imports": tended,
    }[job.name]


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
