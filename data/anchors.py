"""Anchors of the audit chain: where its head stood, kept where whoever can edit the database cannot.

The chain alone does not show that its last rows were cut off together with its head; an anchor does. An anchor file
has one JSON object a line: `at`, `seq`, `mac`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import HEAD_ID, AuditReport, verify
from data.errors import BadInput
from data.models import Audit, AuditHead


class UnreadableAnchor(BadInput):
    """An anchor file that is missing, empty or not one; the message names the line."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Row `seq` of the chain had the signature `mac`."""

    seq: int
    mac: str


def head_anchor(session: Session) -> Anchor | None:
    """The newest row of the chain; None before the first."""
    head = session.execute(select(AuditHead.seq, AuditHead.mac).where(AuditHead.id == HEAD_ID)).one_or_none()
    return None if head is None or head.seq == 0 else Anchor(head.seq, head.mac)


def append_anchor(path: Path, anchor: Anchor, *, now: datetime) -> None:
    """Add a line to the file and see it on the disk. Raises OSError where that cannot be done."""
    line = json.dumps({"at": now.isoformat(), "seq": anchor.seq, "mac": anchor.mac}) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, line.encode())
        os.fsync(file)
    finally:
        os.close(file)


def read_anchors(path: Path) -> Sequence[Anchor]:
    """Every anchor of the file. Raises UnreadableAnchor."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableAnchor(f"{path} cannot be read: {error}") from error
    anchors = [_anchor(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not anchors:
        raise UnreadableAnchor(f"{path} holds no anchor")
    return anchors


def _anchor(path: Path, number: int, line: str) -> Anchor:
    try:
        found = json.loads(line)
        return Anchor(int(found["seq"]), str(found["mac"]))
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableAnchor(f"{path}, line {number} is no anchor: it needs seq and mac") from error


def verify_against(session: Session, anchors: Sequence[Anchor]) -> AuditReport:
    """As `data.audit.verify`, and whether each anchor's row still stands as it was signed."""
    report = verify(session)
    for anchor in sorted(anchors, key=lambda anchor: anchor.seq):
        if report.first_bad is not None and report.first_bad <= anchor.seq:
            return report
        mac = session.scalar(select(Audit.mac).where(Audit.seq == anchor.seq))
        if mac is None:
            why = f"rows are missing: an anchor knows row {anchor.seq}, the chain ends at {report.rows}"
            return AuditReport(report.rows, report.head_mac, min(anchor.seq, report.rows + 1), why)
        if mac != anchor.mac:
            return AuditReport(report.rows, report.head_mac, anchor.seq, "the row is not the one an anchor knows")
    return report
