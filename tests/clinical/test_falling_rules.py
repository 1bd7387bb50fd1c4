"""R04 (glucagon falls while disease or skin is worse) and R05 (chromogranin A alone)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clinical.chart import CodedFinding, Entry
from clinical.finding import Finding, UsedThreshold
from clinical.rules import judge_chart
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    coded,
    findings,
    glucagon,
    lab,
    moment,
    operation,
    response,
    state,
    therapy,
    told,
)
from tests.clinical.test_concordance_rules import syndrome

RESIDUAL = state(-500, "residual-stable")
PD = response(90, "PD", modality="CT")


def hook(*entries: Entry, day: float = 400) -> Finding | None:
    return findings(day, RESIDUAL, *entries).get("R04")


def test_a_fall_by_half_under_progression_asks_for_a_dilution() -> None:
    found = hook(glucagon(0, 3000), glucagon(80, 1500), PD)
    assert found is not None
    assert (found.severity, found.question) == ("medium", "Hook effect or change of assay: dilute and run again?")
    for part in ("1500 pg/mL", "3000 pg/mL", "-50 %", "read as PD"):
        assert part in found.why
    assert {e.kind for e in found.evidence} == {"lab", "response"}
    assert found.compared_with is not None
    assert found.compared_with.value == 3000


@pytest.mark.parametrize(
    ("before", "now", "fires"),
    [
        (3000, 1501, False),
        (90, 70, True),
        (90, 80, True),
        (90, 81, False),
        (79, 60, False),
        (150, 75, True),
    ],
)
def test_it_falls_by_half_or_to_within_the_limit(before: float, now: float, fires: bool) -> None:
    assert (hook(glucagon(0, before), glucagon(80, now), PD) is not None) is fires


def test_a_marker_that_was_never_raised_says_nothing() -> None:
    assert hook(glucagon(0, 72), glucagon(80, 68), PD) is None
    assert findings(69, *syndrome()).get("R04") is None


def test_a_fall_beside_a_skin_recurrence_asks_as_well() -> None:
    found = findings(69, *syndrome(glucagon(-30, 700), glucagon(-2, 650), glucagon(54, 68)))
    assert {"R04", "R11"} <= set(found)
    assert "Skin worse" in found["R04"].why


def test_the_highest_of_the_year_is_what_it_fell_from() -> None:
    assert hook(glucagon(0, 3000), glucagon(30, 1400), glucagon(80, 1300), PD) is not None


@pytest.mark.parametrize(("first", "fires"), [(-285, True), (-286, False)])
def test_a_value_older_than_a_year_is_not_compared(first: float, fires: bool) -> None:
    assert (hook(glucagon(first, 3000), glucagon(80, 60), PD) is not None) is fires


def test_an_operation_explains_the_fall() -> None:
    assert hook(glucagon(0, 3000), operation(40), glucagon(80, 60), PD) is None


def test_an_operation_after_the_fall_does_not_explain_it() -> None:
    assert hook(glucagon(0, 3000), glucagon(80, 60), PD, operation(100)) is not None


def test_the_highest_is_compared_and_not_the_first() -> None:
    found = hook(glucagon(0, 100), glucagon(30, 3000), glucagon(80, 1400), PD)
    assert found is not None
    assert "1400 pg/mL (upper limit 80 pg/mL) on 2024-03-21 after 3000 pg/mL" in found.why


def test_a_word_is_higher_than_another_when_it_says_so_and_no_number_is_told_from_it() -> None:
    words = [glucagon(day, None, None, text=text) for day, text in ((0, "high"), (40, "normal"), (80, "normal"))]
    assert hook(*words, PD) is not None
    assert hook(words[0], glucagon(80, 300), PD) is None


def test_a_number_without_its_limit_is_judged_by_the_word_beside_it() -> None:
    high = {"upper": None, "interpretation": "H"}
    found = hook(glucagon(0, 3000, **high), glucagon(80, 1500, **high), PD)
    assert found is not None
    assert "Glucagon 1500 pg/mL on 2024-03-21 after 3000 pg/mL on 2024-01-01 (-50 %)" in found.why


def test_a_bound_without_its_limit_is_told_as_a_bound() -> None:
    high = {"upper": None, "interpretation": "H"}
    found = hook(glucagon(0, 3000, comparator=">", **high), glucagon(80, 1500, **high), PD)
    assert found is not None
    assert "after >3000 pg/mL on 2024-01-01" in found.why


def test_another_assay_is_not_compared() -> None:
    assert hook(glucagon(0, 3000, method="RIA"), glucagon(80, 60, method="ELISA"), PD) is None


@pytest.mark.parametrize(("scan", "fires"), [(200, True), (201, False)])
def test_the_sample_lies_within_120_days_of_the_scan(scan: float, fires: bool) -> None:
    assert (hook(glucagon(0, 3000), glucagon(80, 60), response(scan, "PD", modality="CT")) is not None) is fires


def test_a_bound_counts_where_it_tells() -> None:
    below = hook(glucagon(0, 3000), glucagon(80, 15, comparator="<"), PD)
    assert below is not None
    assert "Glucagon <15 pg/mL (upper limit 80 pg/mL)" in below.why
    assert hook(glucagon(0, 3000), glucagon(80, 500, comparator=">"), PD) is None
    assert hook(glucagon(0, 3000), glucagon(80, 500, comparator=">="), PD) is None
    assert hook(glucagon(0, None, None, text="high"), glucagon(80, None, None, text="normal"), PD) is not None


def test_an_invalid_sample_says_nothing() -> None:
    assert hook(glucagon(0, 3000), glucagon(80, 60, disqualifiers=("haemolysed",)), PD) is None


def test_a_fall_without_anything_worse_is_response() -> None:
    assert hook(glucagon(0, 3000), glucagon(80, 60), response(90, "SD", modality="CT")) is None


def cga(day: float, value: float, **given: object) -> Entry:
    return lab(day, "chromogranin-a", value, unit="ug/L", ref_high=100, **given)


CGA = (cga(0, 90), cga(60, 140), cga(90, 150))


def test_chromogranin_alone_is_low_and_supports_only() -> None:
    found = findings(90, RESIDUAL, *CGA)["R05"]
    assert found.severity == "low"
    for part in ("150", "+67 %", "2024-01-01"):
        assert part in found.why
    assert {t.name: t.value for t in found.thresholds}["rcv_up"] == pytest.approx(0.467, abs=1e-3)


def test_its_reference_change_value_is_signed_off_when_both_variations_are() -> None:
    variations = ("chromogranin_cv_within", "chromogranin_cv_analytical")
    for signed, both in ((variations[:1], False), (variations[1:], False), (variations, True)):
        thresholds = {
            name: replace(t, signed_off=name in signed, source="S") for name, t in PROTOCOL.thresholds.items()
        }
        judged = judge_chart(chart(RESIDUAL, *CGA), replace(PROTOCOL, thresholds=thresholds), moment(90.9)).findings
        (used,) = [t for f in judged if f.rule == "R05" for t in f.thresholds if t.name == "rcv_up"]
        assert used == UsedThreshold(
            name="rcv_up",
            value=0.4669,
            unit="1",
            source="log-normal reference change value, one-sided 95 %; S",
            signed_off=both,
        )


def test_bounds_are_told_as_bounds() -> None:
    why = findings(90, RESIDUAL, CGA[0], cga(60, 140, comparator=">"), cga(90, 150, comparator=">"))["R05"].why
    assert "Chromogranin A >150 ug/L on" in why
    assert "after >140 ug/L on" in why


@pytest.mark.parametrize(("first", "second", "fires"), [(132.1, 133, True), (131.9, 133, False), (133, 131.9, False)])
def test_both_samples_rise_by_the_reference_change_value(first: float, second: float, fires: bool) -> None:
    assert ("R05" in findings(90, RESIDUAL, cga(0, 90), cga(60, first), cga(90, second))) is fires


@pytest.mark.parametrize(
    ("stronger", "rule"),
    [
        ((glucagon(0, 60), glucagon(60, 99)), "R01"),
        ((glucagon(0, 60), glucagon(60, 99), glucagon(90, 101)), "R02"),
        ((PD,), "R06"),
    ],
)
def test_it_is_silent_beside_what_is_stronger(stronger: tuple[Entry, ...], rule: str) -> None:
    found = findings(95, RESIDUAL, *CGA, *stronger)
    assert rule in found
    assert "R05" not in found


def finding(day: float, code: str) -> CodedFinding:
    return CodedFinding(record=f"{code}@{day}", effective=moment(day), known_at=moment(day), precision="day", code=code)


PPI = therapy(30, "start", drug="omeprazole")
RENAL = {"unit": "mL/min/{1.73_m2}"}


@pytest.mark.parametrize(
    ("confounder", "why"),
    [
        ((therapy(-300, "start", drug="metformin"), PPI), "proton pump inhibitor"),
        ((therapy(90, "start", drug="omeprazole"),), "proton pump inhibitor"),
        ((PPI, therapy(76, "stop", drug="omeprazole")), "proton pump inhibitor"),
        ((PPI, therapy(75.5, "stop", drug="omeprazole")), None),
        ((therapy(91, "start", drug="omeprazole"),), None),
        ((lab(0, "egfr", 59.9, **RENAL),), "eGFR 59.9"),
        ((lab(0, "egfr", 60, **RENAL),), None),
        ((lab(-1, "egfr", 40, **RENAL),), None),
        ((lab(0, "egfr", 40, **RENAL), lab(80, "egfr", 70, **RENAL)), None),
        ((lab(0, "egfr", 50, comparator=">", **RENAL),), None),
        ((lab(0, "egfr", 50, comparator=">=", **RENAL),), None),
        ((operation(49, "cholecystectomy"),), "less than 42 days"),
        ((operation(48, "cholecystectomy"),), None),
    ],
)
def test_what_explains_it_holds_it_back_and_is_shown(confounder: tuple[Entry, ...], why: str | None) -> None:
    judged = judge_chart(chart(RESIDUAL, *CGA, *confounder), PROTOCOL, moment(92))
    fired = "R05" in {f.rule for f in judged.findings}
    assert fired is (why is None)
    assert [s.what for s in judged.suppressed] == ([] if why is None else ["rise of chromogranin A on 2024-03-31"])
    assert all(why in s.why for s in judged.suppressed if why)


def test_gastritis_is_found_in_the_words_of_a_biopsy_and_named_once() -> None:
    biopsies = [coded(day, "biopsy", text="Atrophic gastritis") for day in (-100, -50)]
    other = coded(-20, "biopsy", text="Normal mucosa")
    judged = judge_chart(chart(RESIDUAL, *CGA, *biopsies, other), PROTOCOL, moment(92))
    assert [s.why for s in judged.suppressed] == ["gastritis on 2023-09-23"]
    assert "R05" in findings(92, RESIDUAL, *CGA, other)


def test_gastritis_holds_it_back() -> None:
    whole = chart(RESIDUAL, *CGA)
    with_gastritis = type(whole)(
        patient="p", states=whole.states, results=whole.results, findings=(finding(-100, "atrophic-gastritis"),)
    )
    judged = judge_chart(with_gastritis, PROTOCOL, moment(92))
    assert "R05" not in {f.rule for f in judged.findings}
    assert "gastritis" in judged.suppressed[0].why


def test_of_a_patient_who_died_nothing_is_found_and_why_is_said() -> None:
    judged = judge_chart(chart(RESIDUAL, *CGA, deceased=moment(91)), PROTOCOL, moment(92))
    assert judged.findings == ()
    assert judged.suppressed[0].why == "the patient died on 2024-04-01"
    assert judge_chart(chart(RESIDUAL, *CGA, withdrawn=moment(91)), PROTOCOL, moment(92)).findings == ()


def test_all_that_a_fall_under_progression_says() -> None:
    found = findings(400, RESIDUAL, glucagon(0, 3000), glucagon(80, 1500), PD)["R04"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon falls while the disease or the skin is worse",
        "question": "Hook effect or change of assay: dilute and run again?",
        "why": (
            "Glucagon 1500 pg/mL (upper limit 80 pg/mL) on 2024-03-21 after 3000 pg/mL (upper limit 80 pg/mL) "
            "on 2024-01-01 (-50 %), yet: Scan of 2024-03-31: read as PD, signed."
        ),
        "since": 80,
        "evidence": ["glucagon@0", "glucagon@80", "response@90"],
        "compared": (
            "previous",
            3000,
            "pg/mL",
            0,
            "highest of the same assay within the year before, since the last operation",
        ),
        "thresholds": ["hook_fall", "hook_window", "concordance_window"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_fall_in_words_says() -> None:
    found = findings(400, RESIDUAL, glucagon(0, 3000), glucagon(80, None, upper=None, text="normal"), PD)["R04"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon falls while the disease or the skin is worse",
        "question": "Hook effect or change of assay: dilute and run again?",
        "why": (
            'Glucagon "normal" on 2024-03-21 after 3000 pg/mL (upper limit 80 pg/mL) on 2024-01-01, yet: Scan '
            "of 2024-03-31: read as PD, signed."
        ),
        "since": 80,
        "evidence": ["glucagon@0", "glucagon@80", "response@90"],
        "compared": (
            "previous",
            3000,
            "pg/mL",
            0,
            "highest of the same assay within the year before, since the last operation",
        ),
        "thresholds": ["hook_fall", "hook_window", "concordance_window"],
        "missing": ["fasting state", "laboratory", "method", "upper limit", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_fall_from_words_says() -> None:
    found = findings(400, RESIDUAL, glucagon(0, None, upper=None, interpretation="H"), glucagon(80, 60), PD)["R04"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon falls while the disease or the skin is worse",
        "question": "Hook effect or change of assay: dilute and run again?",
        "why": (
            'Glucagon 60 pg/mL (upper limit 80 pg/mL) on 2024-03-21 after "H" on 2024-01-01, yet: Scan of '
            "2024-03-31: read as PD, signed."
        ),
        "since": 80,
        "evidence": ["glucagon@0", "glucagon@80", "response@90"],
        "compared": (
            "previous",
            None,
            "pg/mL",
            0,
            "highest of the same assay within the year before, since the last operation",
        ),
        "thresholds": ["hook_fall", "hook_window", "concordance_window"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_chromogranin_alone_says() -> None:
    found = findings(90, RESIDUAL, *CGA)["R05"]
    assert told(found) == {
        "severity": "low",
        "subject": "chromogranin-a",
        "title": "Chromogranin A rises alone",
        "question": "Chromogranin A supports only: what else raises it?",
        "why": (
            "Chromogranin A 150 ug/L on 2024-03-31, +67 % over the nadir of 90 ug/L (2024-01-01), after 140 "
            "ug/L on 2024-03-01; no rise of glucagon, no progression by imaging."
        ),
        "since": 60,
        "evidence": ["chromogranin-a@60", "chromogranin-a@90"],
        "compared": ("nadir", 90, "ug/L", 0, None),
        "thresholds": [
            "rcv_up",
            "chromogranin_cv_within",
            "chromogranin_cv_analytical",
            "confirm_earliest",
            "confirm_latest",
        ],
        "missing": ["fasting state", "laboratory", "method"],
    }
