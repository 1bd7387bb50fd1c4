"""The visit form: vital signs, skin, symptoms, the injection given, glucose, laboratory values that came on paper.

Each section becomes ordinary records through the same reading as an import. A symptom answered with no is stored as
asked and absent; one that was not answered is not stored at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from clinical.analytes import CATALOGUE
from clinical.body_map import mapped_surface
from clinical.entry_checks import Doubt
from clinical.saying import Day, Figure, say
from clinical.skin_scores import SkinScoreError
from clinical.therapy import drug_named
from data.entry.numbers import LastValue, latest_before, quantity, reference_range, typed_number
from data.entry.said import Reading
from data.intake.coded import SYMPTOMS, flag, skin_detail, symptom_detail, therapy_detail
from data.intake.item import Held, Item
from data.intake.moments import Moment

VITALS: Final = ("weight", "height", "heart-rate", "systolic", "diastolic", "qtc")
COUNTS: Final = ("stools-per-day", "rescue-doses")
NUMBERS: Final = (*VITALS, *COUNTS)
SKIN: Final = (
    *("overall", "iga", "bsa", "erythema", "erosion", "crust", "mucosal", "itch", "pain"),
    *("sites", "infection", "new_drug", "note"),
)
METER: Final = "meter"
ANSWERS: Final = frozenset({"yes", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The injection that is planned: what the regimen says of drug and dose, and the days it may be late or early."""

    drug: str | None = None
    dose: float | None = None
    unit: str | None = None
    earliest: date | None = None
    latest: date | None = None
    early_days: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the form is held against: last values by analyte, the planned injection, who enters."""

    last: Mapping[str, LastValue]
    planned: Planned
    rater: str


def read_visit(reading: Reading, known: Known) -> None:
    """Read the whole form into `reading`: items, problems and questions."""
    try:
        at = reading.moment("when")
    except Held as held:
        reading.refuse("when", held)
        return
    for name in NUMBERS:
        _measured(reading, known, name, name, at)
    _skin(reading, known, at)
    _symptoms(reading, at)
    _injection(reading, known, at)
    for row in reading.rows("glucose"):
        _glucose(reading, known, row, at)
    for row in reading.rows("lab"):
        _laboratory(reading, known, row)
    reading.finish()
    if not reading.items and not reading.problems:
        reading.refuse("", Held(say("nothing is entered yet")))


def _measured(reading: Reading, known: Known, field: str, analyte: str, at: Moment) -> None:
    unit = reading.text(f"{field}.unit") or CATALOGUE[analyte].canonical_unit
    if not reading.text(field):
        return
    try:
        columns = quantity(reading, field, analyte, unit, latest_before(known.last, analyte))
        reading.add(_item(reading, "lab", at, field, analyte=analyte, **columns), field)
    except Held as held:
        reading.refuse(field, held)


def _skin(reading: Reading, known: Known, at: Moment) -> None:
    said = reading.below("skin")
    marked, typed = said.pop("map", ""), dict(said)
    if not typed and not marked:
        return
    unknown = sorted(typed.keys() - set(SKIN))
    for name in unknown:
        reading.refuse(f"skin.{name}", Held(say("the form has no such field")))
    try:
        for name in ("bsa", "itch", "pain"):
            if name in typed:
                typed[name] = _plain(reading, f"skin.{name}")
        regions: dict[str, float] = _marked(marked) if marked else {}
        if regions and "bsa" not in typed:
            typed["bsa"] = f"{mapped_surface(regions):g}"
        stated = {name: value for name, value in typed.items() if name in SKIN}
        detail = skin_detail({**stated, "rater": known.rater})
    except Held as held:
        reading.refuse("skin" if unknown else _field_of(held, "skin", SKIN), held)
        return
    if regions:
        detail["map"] = regions
    reading.add(_item(reading, "skin", at, "skin", analyte="skin-assessment", detail=detail), "skin")


def _plain(reading: Reading, field: str) -> str:
    parsed = typed_number(reading.text(field))
    if parsed.comparator is not None:
        raise Held(say("{name}: write the number alone", name=field.rpartition(".")[2]))
    return str(parsed.value)


def _marked(text: str) -> dict[str, float]:
    """`head-front:50;genital:25` as shares by part. Raises Held."""
    marked: dict[str, float] = {}
    for entry in text.split(";"):
        part, _, share = entry.partition(":")
        try:
            marked[part] = float(typed_number(share).value)
        except Held as held:
            raise Held(say("map {entry} cannot be read", entry=repr(entry))) from held
    try:
        mapped_surface(marked)
    except SkinScoreError as error:
        raise Held(say("map: {why}", why=error.args[0])) from error
    return marked


def _symptoms(reading: Reading, at: Moment) -> None:
    for name, answer in sorted(reading.below("symptom").items()):
        field = f"symptom.{name}"
        try:
            if name not in SYMPTOMS:
                raise Held(say("the form has no such field"))
            if answer not in ANSWERS:
                raise Held(say("{answer} is neither yes nor no", answer=repr(answer[:40])))
            detail = symptom_detail({"name": name, "present": answer})
            reading.add(_item(reading, "symptom", at, field, analyte="symptom", detail=detail), field)
        except Held as held:
            reading.refuse(field, held)


def _injection(reading: Reading, known: Known, at: Moment) -> None:
    said = reading.below("injection")
    if not said:
        return
    names = ("drug", "dose", "unit", "route", "note", "planned_next", "when", "batch", "site")
    if strange := sorted(said.keys() - set(names)):
        reading.refuse(f"injection.{strange[0]}", Held(say("the form has no such field")))
        return
    try:
        on = reading.moment("injection.when", at)
        if "dose" in said:
            said["dose"] = _plain(reading, "injection.dose")
        detail = therapy_detail({**said, "kind": "injection"})
    except Held as held:
        reading.refuse(_field_of(held, "injection", names), held)
        return
    beside = {name: said[name] for name in ("batch", "site") if name in said}
    _doubt_injection(reading, known.planned, detail, on)
    columns: dict[str, Any] = {"value": said.get("dose"), "unit": said.get("unit"), "detail": detail | beside}
    reading.add(_item(reading, "therapy", on, "injection", **columns), "injection.drug")


def _doubt_injection(reading: Reading, planned: Planned, detail: Mapping[str, Any], on: Moment) -> None:
    if planned.drug is None:
        return
    drug, dose = detail.get("drug"), detail.get("dose")
    if drug != planned.drug and drug_named(planned.drug) is not None:
        words = say("the regimen is {planned}, {drug} is entered", planned=planned.drug, drug=drug)
        reading.ask("injection.drug", str(drug), Doubt("change", words), say("Injection: {words}.", words=words))
    elif dose is not None and planned.dose is not None and (dose, detail.get("unit")) != (planned.dose, planned.unit):
        words = say(
            "the regimen says {planned} {unit}, {dose} {entered} is entered",
            planned=Figure(f"{planned.dose:g}"),
            unit=planned.unit or "",
            dose=Figure(f"{dose:g}"),
            entered=detail.get("unit"),
        )
        reading.ask("injection.dose", f"{dose:g}", Doubt("change", words), say("Injection: {words}.", words=words))
    given = date.fromisoformat(on.text[:10]) if on.precision in ("day", "minute", "second") else None
    if given is not None and planned.earliest is not None and (planned.earliest - given).days > planned.early_days:
        words = say(
            "{n} days before the planned date {day}",
            n=(planned.earliest - given).days,
            day=Day(planned.earliest.isoformat()),
        )
        reading.ask("injection.when", on.text, Doubt("change", words), say("Injection: {words}.", words=words))


def _glucose(reading: Reading, known: Known, row: str, at: Moment) -> None:
    said = reading.below(row)
    if not said.keys() - {"unit", "fasting"}:
        return
    try:
        if "value" not in said:
            raise Held(say("there is no value beside the time"))
        fasting = flag(said, "fasting")
        analyte = "glucose-fasting" if fasting else "glucose"
        on = reading.moment(f"{row}.when", at)
        columns = quantity(reading, f"{row}.value", analyte, _unit(said, analyte), latest_before(known.last, analyte))
        item = _item(reading, "lab", on, row, analyte=analyte, method=METER, fasting=fasting, **columns)
        reading.add(item, f"{row}.value")
    except Held as held:
        reading.refuse(f"{row}.value", held)


def _laboratory(reading: Reading, known: Known, row: str) -> None:
    said = reading.below(row)
    if not said.keys() - {"unit", "lab", "method", "when", "fasting"}:
        return
    field = f"{row}.value"
    try:
        analyte = said.get("analyte", "")
        if analyte not in CATALOGUE:
            field = f"{row}.analyte"
            raise Held(say("say which value it is"), say("choose it from the list"))
        if "value" not in said:
            raise Held(say("the value is empty"), say("leave the whole line empty, or enter the value"))
        unit = _unit(said, analyte)
        columns = quantity(reading, field, analyte, unit, latest_before(known.last, analyte), comparators=True)
        columns |= reference_range(reading, row, analyte, unit)
        field = f"{row}.when"
        on = reading.moment(field)
        field = f"{row}.fasting"
        fasting = True if analyte == "glucose-fasting" else flag(said, "fasting")
    except Held as held:
        reading.refuse(field, held)
        return
    columns |= {"lab": said.get("lab"), "method": said.get("method"), "fasting": fasting}
    reading.add(_item(reading, "lab", on, row, analyte=analyte, **columns), f"{row}.value")


def _unit(said: Mapping[str, str], analyte: str) -> str:
    if not said.get("unit"):
        raise Held(say("the unit is missing"), say("one of {which}", which=", ".join(CATALOGUE[analyte].units)))
    return said["unit"]


def _item(reading: Reading, kind: Any, at: Moment, place: str, **columns: Any) -> Item:
    return Item(
        patient_id=reading.patient_id,
        kind=kind,
        effective_at=at.at,
        effective_text=at.text,
        precision=at.precision,
        place=place,
        **columns,
    )


def _field_of(held: Held, section: str, names: tuple[str, ...]) -> str:
    """The field a message of `data.intake.coded` is about: it begins with the field's name."""
    first = str(held).split(" ", 1)[0].rstrip(":")
    return f"{section}.{first}" if first in names else section
