"""R04 (glucagon falls while disease or skin is worse) and R05 (chromogranin A alone)."""

from __future__ import annotations

import pytest

from clinical.chart import CodedFinding, Entry
from clinical.finding import Finding
from clinical.rules import judge_chart
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    findings,
    glucagon,
    lab,
    moment,
    operation,
    response,
    state,
    therapy,
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


def test_another_assay_is_not_compared() -> None:
    assert hook(glucagon(0, 3000, method="RIA"), glucagon(80, 60, method="ELISA"), PD) is None


@pytest.mark.parametrize(("scan", "fires"), [(200, True), (201, False)])
def test_the_sample_lies_within_120_days_of_the_scan(scan: float, fires: bool) -> None:
    assert (hook(glucagon(0, 3000), glucagon(80, 60), response(scan, "PD", modality="CT")) is not None) is fires


def test_a_bound_counts_where_it_tells() -> None:
    assert hook(glucagon(0, 3000), glucagon(80, 15, comparator="<"), PD) is not None
    assert hook(glucagon(0, 3000), glucagon(80, 500, comparator=">"), PD) is None
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
        ((PPI,), "proton pump inhibitor"),
        ((PPI, therapy(76, "stop", drug="omeprazole")), "proton pump inhibitor"),
        ((PPI, therapy(75.5, "stop", drug="omeprazole")), None),
        ((therapy(91, "start", drug="omeprazole"),), None),
        ((lab(0, "egfr", 59.9, **RENAL),), "eGFR 59.9"),
        ((lab(0, "egfr", 60, **RENAL),), None),
        ((lab(-1, "egfr", 40, **RENAL),), None),
        ((lab(0, "egfr", 40, **RENAL), lab(80, "egfr", 70, **RENAL)), None),
        ((lab(0, "egfr", 50, comparator=">", **RENAL),), None),
        ((operation(49, "cholecystectomy"),), "less than 42 days"),
        ((operation(48, "cholecystectomy"),), None),
    ],
)
def test_what_explains_it_holds_it_back_and_is_shown(confounder: tuple[Entry, ...], why: str | None) -> None:
    judged = judge_chart(chart(RESIDUAL, *CGA, *confounder), PROTOCOL, moment(92))
    fired = "R05" in {f.rule for f in judged.findings}
    assert fired is (why is None)
    assert any(why in s.why for s in judged.suppressed) if why else judged.suppressed == ()


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
