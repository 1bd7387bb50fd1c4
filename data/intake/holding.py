"""Putting items into quarantine: with their raw content, cause and suggestion, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.intake.item import Refused
from data.intake.sheet_format import XLSX, sheet_format
from data.models import Quarantined
from data.upsert import insert_or

HELD = "held"
LONGEST_PLACE = 500


def hold(
    session: Session,
    refused: Sequence[Refused],
    *,
    batch_id: str,
    format: str,
    options: Mapping[str, str],
    now: datetime,
) -> None:
    """Keep the items in the transaction of `session`. One that is already held is not held a second time."""
    if not refused:
        return
    formats = [_format(format, one) for one in refused]
    digests = [_digest(*pair) for pair in zip(formats, refused, strict=True)]
    held = select(Quarantined.digest).where(Quarantined.state == HELD, Quarantined.digest.in_(digests))
    known = set(session.scalars(held))
    rows = [
        {
            "batch_id": batch_id,
            "place": one.where[-LONGEST_PLACE:],
            "why": one.why.replace("\x00", "\ufffd"),
            "suggestion": one.suggestion,
            "raw": one.raw,
            "digest": digest,
            "format": own,
            "options": dict(options) or None,
            "state": HELD,
            "created_at": now,
        }
        for one, own, digest in zip(refused, formats, digests, strict=True)
        if digest not in known
    ]
    if rows:
        session.execute(insert_or(session, Quarantined).on_conflict_do_nothing(), rows)


def _format(format: str, refused: Refused) -> str:
    """What the raw content is read as again: a row of a workbook is kept as a sheet of text."""
    return sheet_format(refused.raw.encode()) or format if format == XLSX else format


def _digest(format: str, refused: Refused) -> str:
    return sha256(f"{format}\x00{refused.raw or refused.where}".encode("utf-8", "replace")).hexdigest()
