"""Working off what could not be read: list, show, read again after something was mended, discard.

The command line reaches every item. A nurse or oncologist reaches what came in for one of their teams, for a patient
they see or by their own hand, an admin everything: nobody can say yet whom a held item is about.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from data.audit import GIVEN, write_audit
from data.db import Database
from data.errors import BadInput
from data.intake.batch import import_sources
from data.intake.holding import HELD
from data.intake.options import ImportOptions
from data.intake.sheet_format import SHEET_FORMATS
from data.intake.sheets import given_to
from data.intake.source import FHIR, HL7, SourceFile, Sources
from data.intake.tally import BatchSummary
from data.models import Batch, Patient, Quarantined, Team
from data.patients import find_by_mrn
from data.people import CLINICAL_ROLES, SYSTEM_ROLE, Actor, Forbidden, NotFound, visible
from data.survivors import standing_id

LARGEST_ID = 2**63 - 1
SHORTEST_REASON = 5


class AlreadyClosed(BadInput):
    """The item was settled or discarded before; nothing was changed."""


def list_quarantined(session: Session, actor: Actor, *, newest: int | None = None) -> list[dict[str, Any]]:
    """Everything held that the actor reaches, oldest first, without the raw content.

    With `newest` only so many, the latest first.
    """
    order = Quarantined.id if newest is None else Quarantined.id.desc()
    wanted = select(Quarantined).where(Quarantined.state == HELD, _reach(actor)).order_by(order).limit(newest)
    return [_listed(row) for row in session.scalars(wanted)]


def count_quarantined(session: Session, actor: Actor) -> int:
    """How much is held that the actor reaches."""
    return session.scalar(select(func.count()).where(Quarantined.state == HELD, _reach(actor))) or 0


def held_counts(session: Session, *, now: datetime) -> dict[str, int | None]:
    """`held`: how many items wait; `oldest_s`: for how many seconds the oldest has, None where none waits."""
    count, oldest = session.execute(
        select(func.count(), func.min(Quarantined.created_at)).where(Quarantined.state == HELD)
    ).one()
    return {"held": count, "oldest_s": None if oldest is None else max(0, int((now - oldest).total_seconds()))}


def show_quarantined(session: Session, actor: Actor, item: int) -> dict[str, Any]:
    """One item with its raw content. Raises NotFound."""
    row = _get(session, actor, item)
    return _listed(row) | {"raw": row.raw, "options": row.options}


def retry_quarantined(
    database: Database, actor: Actor, item: int, *, now: datetime, mrn: str | None = None
) -> BatchSummary:
    """Read a held item again with the options it came with; it is settled when nothing of it is held any more.

    `mrn` names the patient: of a row of a sheet instead of the one it names, else where the item itself names none
    that is known. Raises NotFound, AlreadyClosed, and
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
    if mrn is not None and format in SHEET_FORMATS:
        raw = given_to(raw.decode(), mrn).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / {FHIR: "item.json", HL7: "item.hl7"}.get(format, "item.csv")
        path.write_bytes(raw)
        sources = Sources(format, (SourceFile(path, place),), (), sha256(raw).hexdigest())
        reader = replace(actor, mending=True)
        summary = import_sources(database, reader, sources, now=now, **options)
    if not summary.quarantined:
        with database.write() as session:
            patient_uuid = None if mrn is None else find_by_mrn(session, reader, mrn).uuid
            _close(session, actor, _open(session, actor, item), "settled", now, patient_uuid=patient_uuid)
    return summary


def discard_quarantined(
    session: Session, actor: Actor, item: int, *, now: datetime, reason: str | None = None
) -> dict[str, Any]:
    """Close an item without storing it; the audit trail keeps who did so and why.

    Raises NotFound, AlreadyClosed, and BadInput when a person gives no reason.
    """
    said = (reason or "").strip()
    if actor.role != SYSTEM_ROLE and len(said) < SHORTEST_REASON:
        raise BadInput("say why the item is not needed")
    row = _open(session, actor, item)
    _close(session, actor, row, "discarded", now, reason=said[:2000] or None)
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


def _close(
    session: Session,
    actor: Actor,
    row: Quarantined,
    state: str,
    now: datetime,
    *,
    reason: str | None = None,
    patient_uuid: str | None = None,
) -> None:
    before = row.state
    row.state, row.closed_at, row.closed_by = state, now, actor.name
    session.flush()
    detail = {"old": before, "new": state} | ({} if reason is None else {GIVEN: reason})
    action, item = f"quarantine.{state}", f"item {row.id}"
    write_audit(session, actor, action, now=now, patient_uuid=patient_uuid, object=item, detail=detail)


def _open(session: Session, actor: Actor, item: int) -> Quarantined:
    row = _get(session, actor, item)
    if row.state != HELD:
        raise AlreadyClosed(f"item {item} is {row.state} already")
    return row


def _get(session: Session, actor: Actor, item: int) -> Quarantined:
    within = 0 < item <= LARGEST_ID
    row = session.scalar(select(Quarantined).where(Quarantined.id == item, _reach(actor))) if within else None
    if row is None:
        raise NotFound(f"no item {item} in quarantine")
    return row


def _reach(actor: Actor) -> ColumnElement[bool]:
    if actor.role in (SYSTEM_ROLE, "admin"):
        return true()
    if actor.role not in CLINICAL_ROLES:
        raise Forbidden("quarantine is worked off by nurses, oncologists and admins")
    brought = Quarantined.batch_id.in_(select(Batch.id).where(Batch.actor == actor.name))
    teams = select(Team.name).where(Team.id.in_(sorted(actor.team_ids)))
    own = aliased(Patient)
    patients = select(own.mrn).join(Patient, Patient.id == standing_id(own.id)).where(visible(actor))
    return or_(
        brought,
        Quarantined.options["team"].as_string().in_(teams),
        Quarantined.options["mrn"].as_string().in_(patients),
    )
