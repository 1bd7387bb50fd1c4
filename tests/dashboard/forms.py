"""The numeric fields of each entry form, by the form's own list of fields, and what must stand beside each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from clinical.chart import Chart
from dashboard.parts.regimen_form import regimen_form
from dashboard.parts.times import Clock
from dashboard.parts.visit_form import visit_form
from data.entry.opening import Opening
from data.entry.visit import Planned
from data.trends import Head, Identity

CLOCK = Clock(datetime(2026, 1, 5, 9, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
WHO = Identity(
    **{"mrn": "N1", "name": None, "birth_date": None, "sex": None, "teams": ()},
    **{"deceased": None, "withdrawn": None, "transferred": None, "synthetic": False},
)
OPENING = Opening(
    **{"uuid": "u", "who": "w", "chart": Chart(patient="u"), "version": 0},
    head=Head(identity=WHO, state="unknown", regimen=None),
    **{"draft": None, "last": {}, "planned": Planned(), "owed": (), "habits": (), "namesakes": ()},
)


def numeric(form: dict[str, Any]) -> tuple[str, ...]:
    """Names of the fields of a form that take a number: typed, printed, or chosen by its digit."""
    return tuple(name for part in form["sections"] for field in part["fields"] for name in _names(field, ""))


def _names(field: dict[str, Any], prefix: str) -> Iterator[str]:
    if field["kind"] == "rows":
        for column in field["columns"]:
            yield from _names(column, f"{field['prefix']}.1.")
    graded = field["kind"] == "choice" and all(value.isdigit() for value, _words in field["options"])
    if field["kind"] == "number" or field.get("numeric") or graded:
        yield prefix + field["name"]


NUMERIC = {"visit": numeric(visit_form(OPENING, CLOCK)), "therapy": numeric(regimen_form(OPENING, CLOCK))}


def beside_visit(field: str) -> dict[str, str]:
    """What a visit needs beside the field to be a whole one but for it."""
    if field.startswith("glucose"):
        return {"when": "2026-01-05T09:30", "glucose.1.unit": "mg/dL"}
    if field == "injection.dose":
        return {"when": "2026-01-05T09:30", "injection.drug": "lanreotide", "injection.unit": "mg"}
    if field.startswith("lab"):
        lab = {"analyte": "zinc", "value": "80", "unit": "ug/dL", "when": "2026-01-04"}
        return {"when": "2026-01-05T09:30"} | {f"lab.1.{name}": text for name, text in lab.items()}
    return {"when": "2026-01-05T09:30"}


def beside_therapy(field: str) -> dict[str, str]:
    """What a decision on therapy needs beside the field."""
    part = field.partition(".")[0]
    drug = "lanreotide" if part == "analogue" else "everolimus"
    said = {"what": "start", "drug": drug, "dose": "10", "unit": "mg", "reason": "why"}
    return {"when": "2026-01-05", "decided_by": "Dr Weiss"} | {f"{part}.{name}": text for name, text in said.items()}


BESIDE: Mapping[str, Callable[[str], dict[str, str]]] = {"visit": beside_visit, "therapy": beside_therapy}
