"""`/metrics`: the figures of the site as Prometheus text, for this machine or who has the token. Nobody's data.

It is closed until NADIR_METRICS_TOKEN_FILE is set. Behind a proxy on this machine everybody seems to come from it, so a
request that was forwarded needs the token.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from flask import Flask, request
from flask.typing import ResponseReturnValue

from dashboard.policy import Policy
from dashboard.request import current_database, current_settings, request_now
from data.feeds import list_feeds
from data.freshness import sweep_age_s
from data.job_plan import planned_jobs
from data.operations import clock_offset_s, held_by_format, mail_figures, storage

ENDPOINT: Final = "metrics"
OPERATING: Final = Policy(frozenset({"admin", "auditor"}))
TEXT: Final = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def install_metrics(server: Flask) -> None:
    """Answer at `/metrics`."""
    server.add_url_rule("/metrics", ENDPOINT, _metrics)


def metrics_open() -> bool:
    """Whether this request may read the figures without a sign-in."""
    path = current_settings().metrics_token_file
    return path is not None and (_from_here() or _with_token(path))


def _metrics() -> ResponseReturnValue:
    return "".join(f"{line}\n" for line in _lines()), 200, TEXT


def _from_here() -> bool:
    address = request.remote_addr
    direct = not any(request.headers.get(name) for name in FORWARDED)
    return direct and address is not None and ip_address(address).is_loopback


def _with_token(path: Path) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not path.is_file():
        return False
    token = path.read_bytes().strip()
    return bool(token) and hmac.compare_digest(given.encode(), token)


def _lines() -> Iterator[str]:
    now = request_now()
    with current_database().read() as session:
        age_s, mail = sweep_age_s(session, now=now), mail_figures(session, now=now)
        jobs, feeds = planned_jobs(session), list_feeds(session, now=now)
        held, stored = sum(held_by_format(session).values()), storage(session)
        offset = clock_offset_s(session, now=now)
    yield from _gauge("sweep_age_seconds", "Since the last good sweep ended", {"": age_s})
    yield from _gauge(
        "mail_oldest_unsent_seconds", "Age of the oldest mail that should have left", {"": mail.oldest_unsent_s}
    )
    yield from _gauge("mail_dead", "Mails given up and not cleared", {"": mail.dead})
    yield from _gauge("mail_tries_last_hour", "Tries to hand a mail over in the last hour", {"": mail.tried})
    yield from _gauge("mail_failed_tries_last_hour", "Those the mail server did not accept", {"": mail.failed})
    accepted = None if mail.accepted_at is None else (now - mail.accepted_at).total_seconds()
    yield from _gauge("mail_accepted_age_seconds", "Since a mail server last accepted a mail", {"": accepted})
    last = {job.name: job.finished_at for job in jobs if job.outcome == "done" and job.finished_at is not None}
    ages = {f'job="{name}"': (now - at).total_seconds() for name, at in last.items()}
    yield from _gauge("job_done_age_seconds", "Since the newest run of a job ended well", ages)
    heard = {f'feed="{_label(feed.name)}"': (now - feed.last_heard_at).total_seconds() for feed in feeds}
    yield from _gauge("feed_silence_seconds", "Since a feed was last heard", heard)
    yield from _gauge("quarantine_held", "Items held in quarantine", {"": held})
    yield from _gauge("database_bytes", "Size of the database", {"": stored.database})
    yield from _gauge("disk_free_bytes", "Free on the disk of the database", {"": stored.free})
    yield from _gauge("clock_offset_seconds", "Database clock ahead of this machine's", {"": offset})


def _gauge(name: str, help: str, values: Mapping[str, float | None]) -> Iterator[str]:
    known = {labels: value for labels, value in values.items() if value is not None}
    if known:
        yield f"# HELP nadir_{name} {help}."
        yield f"# TYPE nadir_{name} gauge"
    for labels, value in known.items():
        yield f"nadir_{name}{{{labels}}} {value:.15g}" if labels else f"nadir_{name} {value:.15g}"


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
