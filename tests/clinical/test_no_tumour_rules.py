"""R40: raised glucagon or the rash where no tumour is found; never worded as recurrence."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.finding import Finding
from tests.clinical.charts import (
    coded,
    findings,
    glucagon,
    lab,
    lesion,
    operation,
    response,
    skin,
    state,
    therapy,
    told,
)

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


def test_diagnoses_that_raise_it_are_named_once_with_their_first_day() -> None:
    sick = [coded(day, code) for code in ("pancreatitis", "cirrhosis") for day in (-80, -20)]
    renal = lab(-1, "egfr", 45, unit="mL/min/{1.73_m2}")
    found = without(SEARCHED, glucagon(0, 900, 250), *sick, renal)
    assert found is not None
    assert found.why.endswith(
        "; recorded beside it: eGFR 45 mL/min/1.73 m\u00b2 on 2023-12-31, cirrhosis on 2023-10-13 and pancreatitis on "
        "2023-10-13."
    )


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
        *(operation(-20, procedure) for procedure in ("prrt", "embolisation", "ablation")),
        lesion(-20, "T1", 30),
        *(response(-20, verdict) for verdict in ("CR", "PR", "SD", "PD")),
    ],
)
def test_a_known_tumour_is_no_question_of_r40(known: Entry) -> None:
    assert without(known, RASH, glucagon(0, 2254, 250)) is None


def test_disease_stated_once_is_not_forgotten_when_the_state_becomes_unknown() -> None:
    unknown = state(-5, "unknown")
    assert without(state(-10, "residual-stable"), unknown, RASH, glucagon(0, 2254, 250)) is None
    searched = without(SEARCHED, unknown, RASH, glucagon(0, 2254, 250))
    assert searched is not None
    assert searched.question.startswith("Localise a tumour?")


def test_a_lower_bound_just_above_the_limit_may_be_any_height_and_is_not_borderline() -> None:
    found = without(SEARCHED, glucagon(0, 260, 250, comparator=">"))
    assert found is not None
    assert found.title == "Hyperglucagonaemia, no tumour found"
    assert found.why.startswith("Glucagon >260 pg/mL on 2024-01-01 (upper limit 250 pg/mL, 1.04 times it);")


@pytest.mark.parametrize(("upper", "limit"), [(None, ""), (0, " (upper limit 0 pg/mL)")])
def test_a_number_called_high_is_told_with_the_limit_that_is_there(upper: float | None, limit: str) -> None:
    found = without(SEARCHED, glucagon(0, 900, upper, interpretation="H"))
    assert found is not None
    assert found.why.startswith(f"Glucagon 900 pg/mL on 2024-01-01{limit}; no tumour found")


@pytest.mark.parametrize("alone", [RASH, glucagon(0, 2254, 250)])
def test_before_a_work_up_one_alone_is_not_enough(alone: Entry) -> None:
    assert without(alone) is None


def test_a_scan_that_shows_nothing_leaves_the_question_open() -> None:
    assert without(RASH, glucagon(0, 2254, 250), response(20, "NED"), lesion(20, "T", state="absent")) is not None
    assert without(state(-10, "unknown"), RASH, glucagon(0, 2254, 250)) is not None


def test_all_that_hyperglucagonaemia_says() -> None:
    found = findings(
        60,
        SEARCHED,
        glucagon(0, 900, 250),
        RASH,
        lab(0, "crp", 290, unit="mg/L"),
        therapy(-300, "start", drug="empagliflozin"),
    )["R40"]
    assert told(found) == {
        "severity": "info",
        "subject": "no-tumour",
        "title": "Hyperglucagonaemia, no tumour found",
        "question": "Cause (liver, kidney, drugs, malabsorption, glucagon receptor)? Repeat fasting?",
        "why": (
            "Glucagon 900 pg/mL on 2024-01-01 (upper limit 250 pg/mL, 3.6 times it) and rash active on "
            "2024-01-01; no tumour found on complete work-up; recorded beside it: acute illness (CRP 290 mg/L "
            "on 2024-01-01) and empagliflozin raises glucagon."
        ),
        "since": 0,
        "evidence": ["glucagon@0", "skin@0"],
        "compared": ("upper-limit", 250, "pg/mL", None, None),
        "thresholds": ["borderline_factor"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_borderline_glucagon_says() -> None:
    found = findings(60, SEARCHED, glucagon(0, 251, 250, comparator=">="), glucagon(30, 260, 250))["R40"]
    assert told(found) == {
        "severity": "info",
        "subject": "no-tumour",
        "title": "Glucagon borderline above its limit, no tumour found",
        "question": "Cause (liver, kidney, drugs, malabsorption, glucagon receptor)? Repeat fasting?",
        "why": (
            "Glucagon 260 pg/mL on 2024-01-31 (upper limit 250 pg/mL, 1.04 times it, borderline); no tumour "
            "found on complete work-up."
        ),
        "since": 30,
        "evidence": ["glucagon@30"],
        "compared": ("upper-limit", 250, "pg/mL", None, None),
        "thresholds": ["borderline_factor"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_rash_says() -> None:
    found = findings(60, SEARCHED, RASH)["R40"]
    assert told(found) == {
        "severity": "info",
        "subject": "no-tumour",
        "title": "Active rash, no tumour found",
        "question": "Cause (liver, kidney, drugs, malabsorption, glucagon receptor)? Repeat fasting?",
        "why": "Rash active on 2024-01-01; no tumour found on complete work-up.",
        "since": 0,
        "evidence": ["skin@0"],
        "thresholds": ["borderline_factor"],
    }


def test_all_that_a_high_word_says() -> None:
    found = findings(60, SEARCHED, glucagon(0, None, None, interpretation="H"))["R40"]
    assert told(found) == {
        "severity": "info",
        "subject": "no-tumour",
        "title": "Hyperglucagonaemia, no tumour found",
        "question": "Cause (liver, kidney, drugs, malabsorption, glucagon receptor)? Repeat fasting?",
        "why": 'Glucagon "H" on 2024-01-01; no tumour found on complete work-up.',
        "since": 0,
        "evidence": ["glucagon@0"],
        "thresholds": ["borderline_factor"],
        "missing": ["fasting state", "laboratory", "method", "upper limit", "glucose at the draw", "eGFR"],
    }


def test_all_that_is_said_before_a_work_up() -> None:
    found = findings(60, RASH, glucagon(0, 2254, 250))["R40"]
    assert told(found) == {
        "severity": "info",
        "subject": "no-tumour",
        "title": "Hyperglucagonaemia, no tumour recorded",
        "question": (
            "Localise a tumour? Cause (liver, kidney, drugs, malabsorption, glucagon receptor)? Repeat fasting?"
        ),
        "why": (
            "Glucagon 2254 pg/mL on 2024-01-01 (upper limit 250 pg/mL, 9.02 times it) and rash active on "
            "2024-01-01; no tumour recorded so far."
        ),
        "since": 0,
        "evidence": ["glucagon@0", "skin@0"],
        "compared": ("upper-limit", 250, "pg/mL", None, None),
        "thresholds": ["borderline_factor"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }
