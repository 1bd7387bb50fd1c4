"""The hourly anchor of the audit chain, its copy outside the database, and the daily walk along the whole of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from data.alarms import alarm_once
from data.anchors import append_anchor, head_anchor, read_anchors, verify_against
from data.announcing import MailPolicy
from data.audit_copy import copy_on
from data.db import Database
from jobs.runs import Counts, Fence


def anchor_audit(database: Database, path: Path | None, *, now: datetime, fence: Fence) -> Counts:
    """Append where the chain stands to the anchor file; nothing where there is no file. Raises OSError."""
    with database.write() as session:
        anchor = head_anchor(session)
        fence(session)
    if path is None or anchor is None:
        return {"anchored": 0}
    append_anchor(path, anchor, now=now)
    return {"anchored": 1, "seq": anchor.seq}


def copy_audit(database: Database, path: Path | None, *, fence: Fence) -> Counts:
    """Append to the copy what came since; nothing where there is none. Raises CopyBroken, OSError."""
    with database.write() as session:
        fence(session)
    return {"copied": 0 if path is None else copy_on(database, path)}


def verify_audit(database: Database, path: Path | None, policy: MailPolicy, *, now: datetime, fence: Fence) -> Counts:
    """Walk the chain, against the anchors where there are some; the admins are told when it does not hold.

    Raises UnreadableAnchor.
    """
    anchors = read_anchors(path) if path is not None and path.exists() else []
    with database.read() as session:
        report = verify_against(session, anchors)
    with database.write() as session:
        if not report.ok:
            alarm_once(session, "audit-broken", policy, now=now)
        fence(session)
    return {"rows": report.rows, "anchors": len(anchors), "first_bad": report.first_bad, "why": report.why}
