"""R40: raised glucagon or the rash where no tumour is found; never worded as recurrence."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.finding import Finding
from tests.clinical.charts import findings, glucagon, lab, lesion, operation, response, skin, state, therapy

SEARCHED = state(-10, "no-tumour-found")
RASH = skin(0, overall="active")


def without(*entries: Entry, day: float = 60) -> Finding | None:
    return findings(day, *entries).get("R40")


def words(finding: Finding) -> str:
    return " ".join((finding.title, finding.question, finding.why)).lower()


def test_hyperglucagonaemia_without_a_tumour_asks_for_the_cause() -> None:
    found = without(SEARCHED, glucagon(0, 900, 250))
    assert found is not None
    assert (found.severity, found.title) == ("info", "Hyperglucagonaemia, no tumour found")
    for part in ("900 pg/mL", "upper limit 250 pg/mL", "3.6 times", "no tumour found on complete work-up"):
        assert part in found.why
    assert "malabsorption" in found.question
    assert "recurrence" not in words(found)
    assert found.compared_with is not None
    assert found.compared_with.value == 250


@pytest.mark.parametrize(
    ("value", "title"),
    [(250, None), (251, "borderline"), (274.9, "borderline"), (275, "Hyperglucagonaemia"), (900, "Hyperglucagonaemia")],
)
def test_below_1_1_times_the_limit_it_is_borderline(value: float, title: str | None) -> None:
    found = without(SEARCHED, glucagon(0, value, 250))
    assert (found is None) if title is None else (found is not None and title in found.title)


def test_the_rash_alone_is_enough_after_a_complete_search() -> None:
    found = without(SEARCHED, RASH)
    assert found is not None
    assert found.title == "Active rash, no tumour found"
    assert "2024-01-01" in found.why


@pytest.mark.parametrize(
    ("look", "fires"),
    [
        ({"iga": 2}, True),
        ({"iga": 1}, False),
        ({"overall": "improved"}, False),
        ({"overall": "worse"}, True),
        ({"erosion": 1, "sites": ("groin",)}, True),
        ({"erosion": 0, "sites": ("groin",)}, False),
        ({"bsa": 5}, False),
    ],
)
def test_what_counts_as_active(look: dict[str, object], fires: bool) -> None:
    assert (without(SEARCHED, skin(0, **look)) is not None) is fires


def test_skin_that_healed_and_glucagon_that_fell_end_it() -> None:
    assert without(SEARCHED, RASH, skin(30, overall="clear")) is None
    assert without(SEARCHED, glucagon(0, 900, 250), glucagon(30, 200, 250)) is None


def test_a_note_without_severity_ends_nothing() -> None:
    assert without(SEARCHED, RASH, skin(30, infection="none")) is not None


def test_what_else_raises_it_is_named() -> None:
    beside = [
        lab(0, "crp", 290, unit="mg/L"),
        lab(0, "egfr", 45, unit="mL/min/{1.73_m2}"),
        therapy(-300, "start", drug="empagliflozin"),
        therapy(-300, "start", drug="sitagliptin"),
        therapy(-200, "stop", drug="sitagliptin"),
    ]
    found = without(SEARCHED, glucagon(0, 900, 250), *beside)
    assert found is not None
    for part in ("acute illness (CRP 290 mg/L", "eGFR 45", "empagliflozin"):
        assert part in found.why
    assert "sitagliptin" not in found.why


def test_words_alone_are_enough() -> None:
    found = without(SEARCHED, glucagon(0, None, None, interpretation="H"))
    assert found is not None
    assert 'glucagon "h"' in found.why.lower()
    assert found.compared_with is None


def test_before_any_work_up_both_together_ask_to_localise() -> None:
    found = without(RASH, glucagon(0, 2254, 250))
    assert found is not None
    assert found.question.startswith("Localise a tumour?")
    assert "no tumour recorded so far" in found.why
    assert "recurrence" not in words(found)


@pytest.mark.parametrize(
    "known",
    [
        state(-10, "pre-op"),
        state(-10, "ned-resected"),
        operation(-20),
        lesion(-20, "T1", 30),
        response(-20, "SD"),
    ],
)
def test_a_known_tumour_is_no_question_of_r40(known: Entry) -> None:
    assert without(known, RASH, glucagon(0, 2254, 250)) is None


@pytest.mark.parametrize("alone", [RASH, glucagon(0, 2254, 250)])
def test_before_a_work_up_one_alone_is_not_enough(alone: Entry) -> None:
    assert without(alone) is None


def test_a_scan_that_shows_nothing_leaves_the_question_open() -> None:
    assert without(RASH, glucagon(0, 2254, 250), response(20, "NED"), lesion(20, "T", state="absent")) is not None
    assert without(state(-10, "unknown"), RASH, glucagon(0, 2254, 250)) is not None
