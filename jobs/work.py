"""What each job of the schedule does, as a function of nothing but the fence of its transactions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from clinical.protocol import Protocol
from data.db import Database
from data.escalation import patience
from data.intake.uploads import upload_folder
from data.job_runs import prune_runs
from data.mutes import tell_withheld
from data.outbox import mail_policy
from data.protocol.in_force import protocol_in_force
from data.protocol.trials import start_trial
from data.settings import Settings
from jobs.digest import digest
from jobs.duty import escalate, tend_rota
from jobs.imports import tend_imports
from jobs.runs import Counts, Fence, Work
from jobs.schedule import Daily, Job
from jobs.sweep import sweep
from jobs.watchdog import troubles

log = structlog.get_logger()

KEPT: Final = timedelta(days=30)
FREQUENT: Final = ("sweep", "watch", "imports", "escalation", "rota")


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
    mail = mail_policy(settings)

    def swept(fence: Fence) -> Counts:
        with database.read() as session:
            in_force = protocol_in_force(session, protocol)
        report = sweep(
            database,
            protocol=in_force,
            mail=mail,
            as_of=moment(),
            now=clock(),
            full=job.name == "full-sweep",
            fence=fence,
        )
        with database.write() as session:
            late = tell_withheld(session, mail, now=clock())
            fence(session)
        return {**_in_numbers(report.as_json()), "outbox_rows": report.counts.outbox_rows + late}

    def digested(fence: Fence) -> Counts:
        when = Daily(settings.digest_at, settings.zone)
        return digest(database, when, mail, as_of=moment(), now=clock(), fence=fence)

    def watched(fence: Fence) -> Counts:
        return _watch(database, settings, now=clock(), fence=fence)

    def tended(fence: Fence) -> Counts:
        start_trial(database, settings, now=clock())
        return tend_imports(database, upload_folder(settings), now=clock(), fence=fence)

    def escalated(fence: Fence) -> Counts:
        return escalate(database, mail, patience(settings), now=clock(), fence=fence)

    def rota_tended(fence: Fence) -> Counts:
        return tend_rota(database, mail, settings, now=clock(), fence=fence)

    works = {"sweep": swept, "full-sweep": swept, "digest": digested, "watch": watched, "imports": tended}
    return (works | {"escalation": escalated, "rota": rota_tended})[job.name]


def _watch(database: Database, settings: Settings, *, now: datetime, fence: Fence) -> Counts:
    with database.read() as session:
        lines = troubles(session, settings, now=now)
    for line in lines:
        log.warning("trouble", what=line)
    with database.write() as session:
        pruned = prune_runs(session, FREQUENT, before=now - KEPT)
        fence(session)
    return {"troubles": len(lines), "pruned": pruned}


def _in_numbers(report: Mapping[str, Any]) -> Counts:
    """The counts of a sweep without the hospital numbers in it: rows of runs are read by people who see no patients."""
    return {
        name: len(value) if isinstance(value, list) else value
        for name, value in report.items()
        if isinstance(value, int | list)
    }
