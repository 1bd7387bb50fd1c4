"""Putting items into quarantine: with their raw content, cause and suggestion, each once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session

from data.intake.item import Refused
from data.intake.sheet_format import XLSX, sheet_format
from data.journeys import ask, one_of, tell
from data.models.base import to_ms

HELD = "held"
LONGEST_PLACE = 500
_HOLD: Final = (
    "INSERT INTO quarantine (batch_id, place, why, suggestion, raw, digest, format, options, state, created_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


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
    among, given = one_of(session, digests)
    asked = f"SELECT digest FROM quarantine WHERE state = %s AND digest {among}"  # noqa: S608  # nosec B608
    (held,) = ask(session, (asked, (HELD, given)))
    known = {digest for (digest,) in held}
    shared = (json.dumps(dict(options)) if options else None, HELD, to_ms(now))
    rows = [
        (
            batch_id,
            one.where[-LONGEST_PLACE:],
            one.why.replace("\x00", "\ufffd"),
            one.suggestion,
            one.raw,
            digest,
            own,
            *shared,
        )
        for one, own, digest in zip(refused, formats, digests, strict=True)
        if digest not in known
    ]
    tell(session, [(_HOLD, rows)])


def _format(format: str, refused: Refused) -> str:
    """What the raw content is read as again: a row of a workbook is kept as a sheet of text."""
    return sheet_format(refused.raw.encode()) or format if format == XLSX else format


def _digest(format: str, refused: Refused) -> str:
    return sha256(f"{format}\x00{refused.raw or refused.where}".encode("utf-8", "replace")).hexdigest()
