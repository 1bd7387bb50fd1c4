"""What a person prefers to see. It changes what is shown to that person and nothing that is judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from data.audit import write_audit
from data.errors import BadInput
from data.models import Person
from data.people import Actor, Forbidden

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"glucagon-unit": ("pg/mL", "pmol/L"), "glucose-unit": ("mg/dL", "mmol/L")}
)
"""By name what may be chosen; the first is what holds without a choice."""


def preferred(stored: Mapping[str, Any] | None) -> dict[str, str]:
    """Every preference, the stored one where it is a choice and the first choice else."""
    kept = stored or {}
    return {name: kept[name] if kept.get(name) in choices else choices[0] for name, choices in CHOICES.items()}


def prefer(session: Session, actor: Actor, name: str, value: str, *, now: datetime) -> None:
    """Keep a preference of the actor. Raises BadInput for no such preference or choice, Forbidden for no person."""
    if value not in CHOICES.get(name, ()):
        raise BadInput(f"no preference {name!r} of {value!r}")
    if actor.person_id is None:
        raise Forbidden("Only a person has preferences.")
    # One person may have two windows open: the row is locked before it is read.
    stored = session.scalar(select(Person.preferences).where(Person.id == actor.person_id).with_for_update())
    before, kept = preferred(stored)[name], {**(stored or {}), name: value}
    session.execute(update(Person).where(Person.id == actor.person_id).values(preferences=kept))
    detail = {"preference": name, "old": before, "new": value}
    write_audit(session, actor, "person.prefer", now=now, object=actor.name, detail=detail)
