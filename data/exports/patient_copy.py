"""A patient's own copy: everything kept about them and who saw it, in one file that people read and programs too.

The file is a page without scripts from anywhere; what programs read stands in it as JSON (`application/json`, id
`nadir`): every row of every table that belongs to the patient, and the whole trail.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.audit_search import lookers
from data.belonging import belonging
from data.models import Audit, AuditReason, Patient
from data.patients import find_by_mrn
from data.people import Actor
from data.survivors import members

ACTION: Final = "patient.copy"
FORM: Final = 1
_PAGE = Environment(
    loader=PackageLoader("data", "exports/templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
).get_template("patient_copy.html")


def patient_copy(session: Session, actor: Actor, mrn: str, *, zone: ZoneInfo, now: datetime) -> str:
    """The file as HTML with the JSON in it; that it was made is in the trail, and in the file.

    `session` writes. Raises NotFound when the actor may not see the patient.
    """
    patient = find_by_mrn(session, actor, mrn)
    ids = members(session, patient.id)
    uuids = list(session.scalars(select(Patient.uuid).where(Patient.id.in_(ids)).order_by(Patient.id)))
    write_audit(session, actor, ACTION, now=now, patient_uuid=patient.uuid)
    kept = {table.name: _rows(session, table, whose) for table, whose in belonging(ids).items()}
    trail = [
        {"seq": row.seq, "at": _plain(row.at), "who": row.actor, "role": row.role, "action": row.action}
        | {"outcome": row.outcome, "about": row.object, "why": row.words}
        for row in session.execute(
            select(Audit.seq, Audit.at, Audit.actor, Audit.role, Audit.action, Audit.outcome, Audit.object)
            .add_columns(AuditReason.words)
            .outerjoin(AuditReason, AuditReason.seq == Audit.seq)
            .where(Audit.patient_uuid.in_(uuids))
            .order_by(Audit.seq)
        )
    ]
    whole = {"form": FORM, "patient": patient.mrn, "made_at": now.isoformat(), "tables": kept, "trail": trail}
    return _PAGE.render(
        patient=patient,
        zone=zone,
        now=now,
        kept={name: rows for name, rows in kept.items() if rows},
        counts=[(name, len(rows)) for name, rows in kept.items() if rows],
        lookers=lookers(session, uuids),
        trail=trail,
        machine=_in_a_page(whole),
    )


def _rows(session: Session, table: Any, whose: Any) -> Sequence[Mapping[str, Any]]:
    found = session.execute(select(table).where(whose).order_by(*table.primary_key)).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _in_a_page(document: Any) -> Markup:
    """JSON that no text in it can end early: `<`, `>` and `&` stand as escapes, which are the same JSON."""
    text = json.dumps(document, ensure_ascii=False, indent=1, default=str)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  # nosec B704
