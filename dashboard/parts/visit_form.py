"""The visit form of one patient as data: sections and fields with their last values and ages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from clinical.analytes import CATALOGUE
from clinical.body_map import PARTS
from clinical.chart import Chart, Entry
from clinical.surveillance import DueItem
from clinical.wording import number
from dashboard.parts.entry_fields import (
    Field,
    checks_field,
    choice_field,
    number_field,
    section,
    select_field,
    text_field,
)
from dashboard.parts.entry_page import entry_head
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.quantities import name_of, unit_text
from dashboard.parts.times import Clock, age_text, day_text, when_text
from data.entry.numbers import LastValue
from data.entry.opening import Opening
from data.entry.visit import COUNTS, VITALS
from data.intake.coded import SITES

IGA = ("0 clear", "1 almost clear", "2 mild", "3 moderate", "4 severe")
SIGN = ("0 none", "1 slight", "2 moderate", "3 severe")
SIGNS = (
    ("erythema", "Redness"),
    ("erosion", "Erosion, blisters"),
    ("crust", "Crust or scale"),
    ("mucosal", "Mouth, tongue, lips"),
)
SYMPTOMS = (
    ("steatorrhoea", "Fatty stool"),
    ("oily-stool", "Oily stool"),
    ("diarrhoea", "Diarrhoea"),
    ("ruq-pain", "Pain right upper belly"),
    ("fever", "Fever"),
    ("jaundice", "Jaundice"),
    ("leg-swelling", "Leg swelling"),
    ("chest-pain", "Chest pain"),
    ("dyspnoea", "Short of breath"),
    ("stroke-signs", "Signs of stroke"),
    ("palpitations", "Palpitations"),
    ("severe-hypoglycaemia", "Severe hypoglycaemia"),
    ("ketoacidosis", "Ketoacidosis"),
)
DRUGS = (
    ("lanreotide", "lanreotide"),
    ("octreotide LAR", "octreotide LAR"),
    ("pasireotide LAR", "pasireotide LAR"),
    ("octreotide", "octreotide, short-acting"),
)
SITES_OF_INJECTION = ("left buttock", "right buttock", "left thigh", "right thigh", "abdomen", "other")
YES_NO = (("yes", "yes"), ("no", "no"))


def visit_form(opening: Opening, clock: Clock) -> dict[str, Any]:
    """Everything assets/entry-form.js needs to build the form."""
    return {
        **entry_head(opening, clock),
        "form": "visit",
        "title": "visit",
        "when": text_field("when", f"When ({clock.zone.key})", type="datetime-local"),
        "now": clock.now.astimezone(clock.zone).strftime("%Y-%m-%dT%H:%M"),
        "zone": clock.zone.key,
        "parts": {name: {"words": part.words, "surface": part.surface} for name, part in PARTS.items()},
        "analytes": {
            code: {"units": _units(code), "last": last_words(opening.last.get(code), clock)} for code in CATALOGUE
        },
        "habits": [
            {
                "lab": habit.laboratory,
                "analyte": habit.analyte,
                "unit": habit.unit or "",
                "low": habit.ref_low or "",
                "high": habit.ref_high or "",
                "method": habit.method or "",
            }
            for habit in opening.habits
        ],
        "planned": _planned(opening),
        "sections": [
            _vitals(opening, clock),
            _skin(opening.chart, clock),
            _symptoms(opening, clock),
            _injection(opening, clock),
            _glucose(opening, clock),
            _laboratory(),
        ],
    }


def owed_words(item: DueItem, clock: Clock) -> str:
    """`zinc: overdue since 3 Mar 2026 (8 months), last 1 Feb 2025`"""
    last = "never recorded" if item.last is None else f"last {day_text(item.last.effective)}"
    if item.overdue(clock.now):
        since = day_text(item.due)
        return f"{item.name}: overdue, was due {since} ({age_text(item.due, clock.now)}), {last}"
    return f"{item.name}: due {day_text(item.due)}, {last}"


def last_words(last: LastValue | None, clock: Clock) -> str:
    """The last value with its unit, date and age; that there was none where there was none."""
    if last is None:
        return "never recorded"
    when = when_text(last.effective_at, last.precision, clock.zone)
    return f"last {last.value} {unit_text(last.unit)}, {when} ({age_text(last.effective_at, clock.now)})"


def _units(analyte: str) -> list[tuple[str, str]]:
    return [(unit, unit_text(unit) or "no unit") for unit in CATALOGUE[analyte].units]


def _planned(opening: Opening) -> dict[str, Any] | None:
    planned = opening.planned
    if planned.drug is None:
        return None
    words = regimen_text(planned.drug, planned.dose, planned.unit, None)
    dates = {"earliest": planned.earliest, "latest": planned.latest}
    drug = planned.drug.replace("-lar", " LAR")
    fill = {
        "injection.drug": drug,
        "injection.dose": "" if planned.dose is None else f"{planned.dose:g}",
        "injection.unit": planned.unit or "",
    }
    return {"words": words, "fill": fill} | {k: None if day is None else day.isoformat() for k, day in dates.items()}


def _vitals(opening: Opening, clock: Clock) -> Field:
    return section("vitals", "Weight and vital signs", [_measured(opening, name, clock) for name in VITALS])


def _measured(opening: Opening, analyte: str, clock: Clock) -> Field:
    return number_field(
        analyte, name_of(analyte), units=_units(analyte)[:3], last=last_words(opening.last.get(analyte), clock)
    )


def _skin(chart: Chart, clock: Clock) -> Field:
    def last(name: str, words: Callable[[Any], str] = str) -> str:
        return _last_of(chart.skin, name, words, clock)

    return section(
        "skin",
        "Skin",
        [
            {"kind": "map", "name": "skin.map", "label": "Body map", "surface": "skin.bsa"},
            number_field("skin.bsa", "Body surface, %", last=last("bsa", number), hint="from the map, or typed"),
            choice_field("skin.iga", "Overall (IGA)", _graded(IGA), last=last("iga")),
            *(choice_field(f"skin.{name}", label, _graded(SIGN), last=last(name)) for name, label in SIGNS),
            number_field("skin.itch", "Itch, 0 to 10", last=last("itch", number)),
            number_field("skin.pain", "Pain, 0 to 10", last=last("pain", number)),
            checks_field(
                "skin.sites",
                "Sites",
                [(site, site.replace("-", " ")) for site in sorted(SITES)],
                last=last("sites", ", ".join),
            ),
            choice_field(
                "skin.infection",
                "Infection",
                [("none", "none"), ("suspected", "suspected"), ("confirmed", "confirmed")],
                last=last("infection"),
            ),
            text_field("skin.new_drug", "New drug since the last visit", last=last("new_drug"), hint="or: none"),
            text_field("skin.note", "Note on the skin"),
        ],
        note="The scales are working scales, not validated for necrolytic migratory erythema.",
    )


def _graded(words: Iterable[str]) -> list[tuple[str, str]]:
    return [(word[0], word) for word in words]


def _last_of(entries: tuple[Entry, ...], name: str, words: Callable[[Any], str], clock: Clock) -> str:
    for entry in reversed(entries):
        value = getattr(entry, name)
        if value is not None and value != ():
            return f"last {words(value)}, {clock.when(entry)} ({clock.age(entry)})"
    return "never recorded"


def _symptoms(opening: Opening, clock: Clock) -> Field:
    last = {symptom.name: symptom for symptom in opening.chart.symptoms}

    def said(name: str) -> str:
        found = last.get(name)
        if found is None:
            return "never asked"
        return f"last {'yes' if found.present else 'no'}, {clock.when(found)} ({clock.age(found)})"

    rows = [{"name": f"symptom.{name}", "label": label, "last": said(name)} for name, label in SYMPTOMS]
    return section(
        "symptoms",
        "Symptoms",
        [
            *(_measured(opening, name, clock) for name in COUNTS),
            {"kind": "answers", "label": "Asked today", "rows": rows, "none": "No to all that are not answered"},
        ],
        note="What is not answered is kept as not asked, which is not the same as no.",
    )


def _injection(opening: Opening, clock: Clock) -> Field:
    given = [t for t in opening.chart.therapy if t.kind == "injection"]
    last = "never recorded"
    if given:
        dose = regimen_text(given[-1].drug or "drug not named", given[-1].dose, given[-1].unit, None)
        last = f"last {dose}, {clock.when(given[-1])} ({clock.age(given[-1])})"
    return section(
        "injection",
        "Injection given",
        [
            {"kind": "planned"},
            select_field("injection.drug", "Drug", DRUGS),
            number_field("injection.dose", "Dose", last=last),
            select_field("injection.unit", "Unit of the dose", [("mg", "mg"), ("ug", "µg")]),
            text_field("injection.when", "Given on", type="date", hint="empty: at this visit"),
            text_field("injection.batch", "Batch number"),
            select_field("injection.site", "Site", [(site, site) for site in SITES_OF_INJECTION]),
            text_field("injection.planned_next", "Next one planned for", type="date"),
            text_field("injection.note", "Note on the injection"),
        ],
        open=opening.planned.drug is not None,
    )


def _glucose(opening: Opening, clock: Clock) -> Field:
    columns = [
        number_field(
            "value", "Glucose", units=_units("glucose")[:2], last=last_words(opening.last.get("glucose"), clock)
        ),
        text_field("when", "When", type="datetime-local", hint="empty: at this visit"),
        choice_field("fasting", "Fasting", YES_NO),
    ]
    return section("glucose", "Glucose readings", [_rows("glucose", columns, "Another reading")], open=False)


def _laboratory() -> Field:
    analytes = sorted(
        ((code, known.name) for code, known in CATALOGUE.items() if known.group not in _NOT_BLOOD),
        key=lambda pair: pair[1].casefold(),
    )
    columns = [
        select_field("analyte", "Value", analytes),
        text_field("value", "Result", hint="as printed, with < or >"),
        select_field("unit", "Unit", []),
        text_field("low", "Lower limit"),
        text_field("high", "Upper limit"),
        text_field("when", "Sampled on", type="date"),
        text_field("lab", "Laboratory"),
        text_field("method", "Method"),
        choice_field("fasting", "Fasting", YES_NO),
    ]
    return section(
        "laboratory",
        "Laboratory values that came on paper",
        [_rows("lab", columns, "Another value")],
        open=False,
        note="A laboratory's unit, range and method are offered again the next time; check them against the paper.",
    )


def _rows(prefix: str, columns: list[Field], add: str) -> Field:
    return {"kind": "rows", "prefix": prefix, "columns": columns, "add": add}


_NOT_BLOOD = ("vital", "symptom-score")
