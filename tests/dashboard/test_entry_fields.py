"""Every numeric field of every entry form, held against every robustness string: a clear message, or a plain number."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from clinical.chart import Chart
from clinical.protocol import bundled_protocol
from data.entry.numbers import LastValue
from data.entry.regimen import read_regimen
from data.entry.said import NotSaved, Reading, texts
from data.entry.visit import Known, Planned, read_visit
from tests.dashboard.forms import BESIDE, CLOCK, NUMERIC

BLNS = Path(__file__).parents[3] / "shared/data/robustness/blns.json"
OWN = (
    *("１２", "٣", "²", "½", "1e309", "-1e309", "1e-400", "NaN", "Infinity", "-0", "0x10", "1_000", "1 000", "1'000"),
    *(
        "1,234",
        "1.234,5",
        "1.2.3",
        "--1",
        "+-1",
        "5 kg",
        "6O",
        "=1+1",
        "\u200b5",
        "5\u00a0",
        "9" * 400,
        "x" * 1_000_000,
    ),
)
STRINGS = (*OWN, *(json.loads(BLNS.read_text(encoding="utf-8")) if BLNS.exists() else ()))
PLAIN = re.compile(r"([<>]=?|≤|≥)?[ \t]*[+-]?[0-9]{1,15}([.,][0-9]+)?([eE][+-]?[0-9]{1,3})?")
LAST: dict[str, LastValue] = {}


def read(form: str, field: str, text: str) -> Reading | NotSaved:
    try:
        said = texts({**BESIDE[form](field), field: text})
    except NotSaved as refused:
        return refused
    reading = Reading(said=said, patient_id=1, protocol=bundled_protocol(), zone=CLOCK.zone, now=CLOCK.now)
    if form == "visit":
        read_visit(reading, Known(last=LAST, planned=Planned(), owed=frozenset(), rater="nurse"))
    else:
        read_regimen(reading, Chart(patient="u"))
    return reading


def test_the_forms_have_numeric_fields_in_every_section_that_takes_numbers() -> None:
    assert {name.partition(".")[0] for name in NUMERIC["visit"]} >= {"weight", "skin", "injection", "glucose", "lab"}
    assert len(NUMERIC["visit"]) == 21 and len(NUMERIC["therapy"]) == 4


@pytest.mark.parametrize(("form", "field"), [(form, field) for form in NUMERIC for field in NUMERIC[form]])
def test_a_numeric_field_takes_plain_numbers_and_says_why_not_to_all_else(form: str, field: str) -> None:
    for text in STRINGS:
        if not text.strip():
            continue
        found = read(form, field, text)
        if isinstance(found, NotSaved) or found.problems:
            assert all(problem.why for problem in found.problems), text[:60]
            continue
        if found.questions:
            assert all(question.words for question in found.questions)
            continue
        assert PLAIN.fullmatch(text.strip()), f"{field} took {text[:60]!r}"
        numbers = [item.canonical_value for item in found.items if item.canonical_value is not None]
        assert all(math.isfinite(number) for number in numbers), f"{field} took {text[:60]!r}"
