"""Working off what could not be read: list, show, read again after something was mended, discard."""

from __future__ import annotations

import tempfile
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.db import Database
from data.errors import BadInput
from data.intake.batch import ImportOptions, import_sources
from data.intake.holding import HELD
from data.intake.source import FHIR, SourceFile, Sources
from data.intake.tally import BatchSummary
from data.models import Quarantined
from data.people import SYSTEM_ROLE, Actor, Forbidden, NotFound

LARGEST_ID = 2**63 - 1


class AlreadyClosed(BadInput):
    """The item was settled or discarded before; nothing was changed."""


def list_quarantined(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """Everything held, oldest first, without the raw content."""
    _require_system(actor)
    rows = session.scalars(select(Quarantined).where(Quarantined.state == HELD).order_by(Quarantined.id))
    return [_listed(row) for row in rows]


def show_quarantined(session: Session, actor: Actor, item: int) -> dict[str, Any]:
    """One item with its raw content. Raises NotFound."""
    row = _get(session, actor, item)
    return _listed(row) | {"raw": row.raw, "options": row.options}


def retry_quarantined(
    database: Database, actor: Actor, item: int, *, now: datetime, mrn: str | None = None
) -> BatchSummary:
    """Read a held item again with the options it came with; it is settled when nothing of it is held any more.

    `mrn` names the patient where the item itself names none that is known. Raises NotFound, AlreadyClosed, and
    ImportRefused when the item cannot be read at all.
    """
    with database.read() as session:
        row = _open(session, actor, item)
        place, raw, format = row.place, row.raw.encode(), row.format
        kept = row.options or {}
    options: ImportOptions = {
        "team": kept.get("team"),
        "mrn": mrn or kept.get("mrn"),
        "date_order": kept.get("date_order"),
        "zone": kept.get("zone"),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("item.json" if format == FHIR else "item.csv")
        path.write_bytes(raw)
        sources = Sources(format, (SourceFile(path, place),), (), sha256(raw).hexdigest())
        summary = import_sources(database, actor, sources, now=now, **options)
    if not summary.quarantined:
        with database.write() as session:
            _close(session, actor, _open(session, actor, item), "settled", now)
    return summary


def discard_quarantined(session: Session, actor: Actor, item: int, *, now: datetime) -> dict[str, Any]:
    """Close an item without storing it; it stays listed with who did so. Raises NotFound, AlreadyClosed."""
    row = _open(session, actor, item)
    _close(session, actor, row, "discarded", now)
    return _listed(row)


def _listed(row: Quarantined) -> dict[str, Any]:
    return {
        "id": row.id,
        "batch": row.batch_id,
        "format": row.format,
        "where": row.place,
        "why": row.why,
        "suggestion": row.suggestion,
        "state": row.state,
        "created_at": row.created_at.isoformat(),
    }


def _close(session: Session, actor: Actor, row: Quarantined, state: str, now: datetime) -> None:
    row.state, row.closed_at, row.closed_by = state, now, actor.name
    session.flush()
    write_audit(session, actor, f"quarantine.{state}", now=now, object=f"item {row.id}")


def _open(session: Session, actor: Actor, item: int) -> Quarantined:
    row = _get(session, actor, item)
    if row.state != HELD:
        raise AlreadyClosed(f"item {item} is {row.state} already")
    return row


def _get(session: Session, actor: Actor, item: int) -> Quarantined:
    _require_system(actor)
    row = session.get(Quarantined, item) if 0 < item <= LARGEST_ID else None
    if row is None:
        raise NotFound(f"no item {item} in quarantine")
    return row


def _require_system(actor: Actor) -> None:
    """A held item may be about anybody: nobody's teams say who may see it."""
    if actor.role != SYSTEM_ROLE:
        raise Forbidden("quarantine is worked off on the command line")
