"""The regimen form: what a clinician decided about the analogue or another drug, from when, why and whose decision.

It records a decision and holds it against the record: what is not given cannot be stopped, what is in force is not
decided again. It never says which dose. Each decision is one ordinary therapy record, as an import would make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from clinical.chart import Chart
from clinical.entry_checks import Doubt
from clinical.therapy import (
    Regimen,
    analogues_given,
    drug_named,
    is_analogue,
    is_long_acting,
    regimen_at,
    running,
)
from clinical.wording import date_of, quantity
from data.entry.said import Reading
from data.entry.visit import plain_number
from data.intake.coded import therapy_detail
from data.intake.item import Held, Item
from data.intake.moments import Moment

ANALOGUE: Final = ("start", "switch", "dose", "interval", "date", "stop")
"""What can be decided about the analogue; `switch` starts another one, `date` moves the next injection alone."""
OTHER: Final = ("start", "dose", "stop")
SHORTEST_REASON: Final = 3
_FIELDS: Final = ("what", "drug", "dose", "unit", "interval_days", "route", "planned_next", "reason")
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "start": ("drug",),
    "switch": ("drug",),
    "dose": ("dose", "unit"),
    "interval": ("interval_days",),
    "date": ("planned_next",),
    "stop": (),
}
_TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "start": ("drug", "dose", "unit", "interval_days", "route", "planned_next"),
    "switch": ("drug", "dose", "unit", "interval_days", "route", "planned_next"),
    "dose": ("dose", "unit", "planned_next"),
    "interval": ("interval_days", "planned_next"),
    "date": ("planned_next",),
    "stop": ("drug",),
}
_KINDS: Final[Mapping[str, str]] = {"switch": "start", "date": "interval"}
_WORDS: Final[Mapping[str, str]] = {
    "drug": "the drug",
    "dose": "the new dose",
    "unit": "the unit of the dose",
    "interval_days": "the new interval in days",
    "planned_next": "the date of the next injection",
}


@dataclass(frozen=True, slots=True)
class _Said:
    """One part of the form: its prefix and what stands in it."""

    part: str
    fields: dict[str, str]

    def at(self, name: str) -> str:
        return f"{self.part}.{name}"


def read_regimen(reading: Reading, chart: Chart) -> None:
    """Read the whole form into `reading`, held against the therapy of the chart (known now, in days of the site)."""
    try:
        on = reading.moment("when")
        if on.precision != "day":
            raise Held("write the date alone, without a time")
    except Held as held:
        reading.refuse("when", held)
        return
    decided_by = reading.text("decided_by")
    for part in ("analogue", "other"):
        said = _Said(part, reading.below(part))
        if said.fields:
            _part(reading, chart, said, on, decided_by)
    reading.finish()
    if not reading.items and not reading.problems:
        reading.refuse("", Held("nothing is entered yet"))
    elif not decided_by:
        reading.refuse("decided_by", Held("say whose decision it is", "the name of the clinician"))


def _part(reading: Reading, chart: Chart, said: _Said, on: Moment, decided_by: str) -> None:
    if strange := sorted(said.fields.keys() - set(_FIELDS)):
        reading.refuse(said.at(strange[0]), Held("the form has no such field"))
        return
    what = said.fields.get("what", "")
    if what not in (ANALOGUE if said.part == "analogue" else OTHER):
        reading.refuse(said.at("what"), Held("say what was decided", "choose it from the list"))
        return
    before = len(reading.problems)
    _require(reading, said, what)
    drug = _drug(reading, chart, said, what, on)
    if len(reading.problems) > before or drug is None:
        return
    try:
        detail = _detail(reading, said, what, drug, decided_by)
    except Held as held:
        reading.refuse(_field_of(held, said), held)
        return
    _against_the_record(reading, chart, said, what, on, detail)
    if len(reading.problems) == before:
        reading.add(_item(reading, said, on, detail), said.at("what"))


def _require(reading: Reading, said: _Said, what: str) -> None:
    if len(said.fields.get("reason", "").strip()) < SHORTEST_REASON:
        reading.refuse(said.at("reason"), Held("say why", f"{SHORTEST_REASON} letters or more"))
    needed = _NEEDS[what] if said.part == "analogue" else (*_NEEDS[what], *(() if what == "start" else ("drug",)))
    for name in needed:
        if name not in said.fields:
            reading.refuse(said.at(name), Held(f"{_WORDS[name]} is missing"))
    surplus = said.fields.keys() - {"what", "reason", *needed, *_TAKES[what]}
    for name in sorted(surplus):
        reading.refuse(said.at(name), Held(f"{_WORDS.get(name, name)} has no place in this decision", "empty it"))


def _drug(reading: Reading, chart: Chart, said: _Said, what: str, on: Moment) -> str | None:
    """The house name of the drug that is decided about; a decision that does not fit the record is refused."""
    if said.part == "other":
        return _other_drug(reading, chart, said, what, on)
    regimen = regimen_at(chart, on.at)
    if what in ("start", "switch"):
        drug = drug_named(said.fields.get("drug", ""))
        if not is_analogue(drug):
            reading.refuse(said.at("drug"), Held("that is no somatostatin analogue Nadir knows"))
        elif what == "start" and regimen is not None and not _beside(drug, regimen):
            reading.refuse(said.at("what"), Held(f"{_name(regimen)} is given since {date_of(regimen.since.date())}"))
        elif what == "switch" and (regimen is None or regimen.drug == drug):
            why = "no analogue is given that could be replaced" if regimen is None else f"{_name(regimen)} is given"
            reading.refuse(said.at("what"), Held(why))
        return drug
    if what == "stop":
        return _stopped(reading, said, analogues_given(chart, on.at), on)
    if regimen is None:
        reading.refuse(said.at("what"), Held(f"no analogue is given on {on.text}", "record its start first"))
        return None
    if what in ("interval", "date") and not regimen.long_acting:
        reading.refuse(said.at("what"), Held(f"{_name(regimen)} is no depot with an interval"))
    return regimen.drug


def _stopped(reading: Reading, said: _Said, given: tuple[str, ...], on: Moment) -> str | None:
    """The analogue that is stopped; which one has to be said where two are given."""
    drug = drug_named(said.fields.get("drug", ""))
    if not given:
        reading.refuse(said.at("what"), Held(f"no analogue is given on {on.text}", "record its start first"))
    elif "drug" in said.fields and drug not in given:
        reading.refuse(said.at("drug"), Held(f"that is not given on {on.text}; {' and '.join(given)} is"))
    elif drug is None and len(given) > 1:
        reading.refuse(said.at("drug"), Held(f"say which is stopped: {' or '.join(given)}"))
    else:
        return drug or given[0]
    return None


def _beside(drug: str | None, regimen: Regimen) -> bool:
    """Whether the drug is given beside the regimen: a short-acting one to a depot, or the other way round."""
    return is_long_acting(drug) != regimen.long_acting


def _other_drug(reading: Reading, chart: Chart, said: _Said, what: str, on: Moment) -> str | None:
    drug = drug_named(said.fields.get("drug", ""))
    if drug is None or is_analogue(drug):
        if "drug" in said.fields:
            why = "that is no drug Nadir knows" if drug is None else "an analogue is entered above"
            reading.refuse(said.at("drug"), Held(why))
        return None
    given = running(chart, frozenset({drug}), on.at)
    if what == "start" and given:
        reading.refuse(said.at("what"), Held(f"{drug} is given since {date_of(given[0].effective.date())}"))
    elif what != "start" and not given:
        reading.refuse(said.at("what"), Held(f"{drug} is not given on {on.text}", "record its start first"))
    return drug


def _detail(reading: Reading, said: _Said, what: str, drug: str, decided_by: str) -> dict[str, Any]:
    fields = {name: text for name, text in said.fields.items() if name not in ("what", "reason")}
    for name in ("dose", "interval_days"):
        if name in fields:
            fields[name] = plain_number(reading, said.at(name))
            if float(fields[name]) <= 0:
                raise Held(f"{name} {fields[name]} is not above zero")
    if "unit" in fields and "dose" not in fields:
        raise Held("unit without a dose", "enter the dose")
    told = {"kind": _KINDS.get(what, what), "drug": drug, "decided_by": decided_by, "note": said.fields["reason"]}
    return therapy_detail({**fields, **told})


def _against_the_record(
    reading: Reading, chart: Chart, said: _Said, what: str, on: Moment, detail: Mapping[str, Any]
) -> None:
    planned = detail.get("planned_next")
    if planned is not None and date.fromisoformat(planned) < on.at.date():
        reading.refuse(said.at("planned_next"), Held(f"{planned} lies before {on.text}", "check the date"))
    if said.part == "other":
        return
    later = [t for t in chart.therapy if is_analogue(t.drug) and t.kind != "injection" and t.effective > on.at]
    if later:
        words = f"a later change is recorded, on {date_of(later[0].effective.date())}"
        reading.ask("when", on.text, Doubt("change", words), f"Regimen: {words}.")
    regimen = regimen_at(chart, on.at)
    if regimen is None or what not in ("dose", "interval"):
        return
    dose, unit, interval = detail.get("dose"), detail.get("unit"), detail.get("interval_days")
    if (what == "dose" and (dose, unit) == (regimen.dose, regimen.unit)) or (
        what == "interval" and interval == regimen.interval_days
    ):
        reading.refuse(said.at(what if what == "dose" else "interval_days"), Held("that is in force already"))
    elif what == "dose" and regimen.dose and dose and _far(reading, dose, unit, regimen):
        words = f"{quantity(regimen.dose, regimen.unit)} before, {quantity(dose, unit)} is entered"
        reading.ask(said.at("dose"), f"{dose:g} {unit}", Doubt("change", words), f"Dose: {words}.")


def _far(reading: Reading, dose: float, unit: str | None, regimen: Regimen) -> bool:
    """Whether a dose is so far from the one in force that it was more often mistyped than decided."""
    apart = max(dose / (regimen.dose or dose), (regimen.dose or dose) / dose)
    return unit != regimen.unit or apart >= reading.protocol["entry_dose_factor"]


def _item(reading: Reading, said: _Said, on: Moment, detail: Mapping[str, Any]) -> Item:
    dose = None if "dose" not in said.fields else plain_number(reading, said.at("dose"))
    return Item(
        patient_id=reading.patient_id,
        kind="therapy",
        effective_at=on.at,
        effective_text=on.text,
        precision=on.precision,
        place=said.part,
        value=dose,
        unit=said.fields.get("unit"),
        detail=detail,
    )


def _name(regimen: Regimen) -> str:
    return regimen.drug.replace("-lar", " LAR")


def _field_of(held: Held, said: _Said) -> str:
    first = str(held).split(" ", 1)[0].rstrip(":")
    return said.at(first if first in _FIELDS else "what")
