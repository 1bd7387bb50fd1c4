"""What a visit says was not there, not asked or not done, so that an empty field never has to stand for it.

Each statement is an ordinary coded finding (`none`, `not-asked`, `not-done`) about an item of the form, or about a
check that the schedule owed. It takes no owed check off the list: what was not done stays due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clinical.chart import Chart, CodedFinding
from data.entry.said import Reading
from data.intake.item import Held, Item
from data.intake.moments import Moment

NONE, NOT_ASKED, NOT_DONE = "none", "not-asked", "not-done"
STATEMENTS: Final = frozenset({NONE, NOT_ASKED, NOT_DONE})
OWED: Final = "due-"
"""Begins the name of a check that the schedule owes: `due-zinc`."""


@dataclass(frozen=True, slots=True)
class About:
    """An item of the form: what can be stated about it, and the fields that say otherwise (a name, or what begins
    with it and a dot)."""

    answers: tuple[str, ...]
    fields: tuple[str, ...]


ABOUT: Final[Mapping[str, About]] = {
    "weight": About((NOT_DONE,), ("weight",)),
    "vital-signs": About((NOT_DONE,), ("heart-rate", "systolic", "diastolic")),
    "skin": About((NOT_DONE,), ("skin",)),
    "skin-sites": About((NONE,), ("skin.sites",)),
    "stools-per-day": About((NOT_ASKED,), ("stools-per-day",)),
    "rescue-doses": About((NONE, NOT_ASKED), ("rescue-doses",)),
    "symptoms": About((NOT_ASKED,), ("symptom",)),
    "injection": About((NONE, NOT_ASKED), ("injection",)),
    "glucose": About((NONE, NOT_ASKED), ("glucose",)),
    "laboratory": About((NONE, NOT_ASKED), ("lab",)),
}


def read_stated(reading: Reading, owed: frozenset[str], at: Moment) -> None:
    """Read the statements into `reading`; `owed` are the codes of the checks that the schedule owes."""
    said = reading.below("stated")
    for name in sorted(said):
        item, _, beside = name.partition(".")
        if beside == "why" and item in said:
            continue
        field = f"stated.{name}"
        try:
            about = About((NOT_DONE,), ()) if item.startswith(OWED) else ABOUT.get(item)
            if beside or about is None or (item.startswith(OWED) and item.removeprefix(OWED) not in owed):
                raise Held("the form has no such field")
            if said[name] not in about.answers:
                raise Held(f"{said[name][:40]!r} cannot be said of this", f"one of {', '.join(about.answers)}")
            if other := _said_otherwise(reading, about):
                raise Held(f"{said[name]} and a value in {other}", "take one of the two back")
            reading.add(_item(reading, item, said[name], said.get(f"{item}.why"), at), field)
        except Held as held:
            reading.refuse(field, held)


def last_stated(chart: Chart) -> dict[str, CodedFinding]:
    """By item the last statement about it."""
    return {f.item: f for f in chart.findings if f.code in STATEMENTS and f.item is not None}


def _said_otherwise(reading: Reading, about: About) -> str | None:
    for name in sorted(reading.said):
        if any(name == field or name.startswith(f"{field}.") for field in about.fields):
            return name
    return None


def _item(reading: Reading, item: str, answer: str, why: str | None, at: Moment) -> Item:
    detail: dict[str, Any] = {"code": answer, "item": item} | ({"why": why} if why else {})
    return Item(
        patient_id=reading.patient_id,
        kind="finding",
        effective_at=at.at,
        effective_text=at.text,
        precision=at.precision,
        place=f"stated.{item}",
        detail=detail,
    )
