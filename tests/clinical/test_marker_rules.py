"""R01, R02, R03, R33, R41 and R42: what is said of glucagon, in which state, and what is held back."""

from __future__ import annotations

import re

import pytest

from clinical.chart import Entry
from clinical.finding import Suppressed, UsedThreshold
from clinical.rules import judge_chart
from tests.clinical.charts import (
    PROTOCOL,
    but_schedule,
    chart,
    findings,
    glucagon,
    lab,
    lesion,
    moment,
    operation,
    response,
    skin,
    state,
    symptom,
    therapy,
    ultrasound,
)

RESIDUAL = state(-10, "residual-stable")
NED = state(-10, "ned-resected")
LANREOTIDE = therapy(-400, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)


def test_a_provisional_rise_is_r01_with_the_numbers_in_one_sentence() -> None:
    found = findings(60, RESIDUAL, glucagon(0, 60), glucagon(60, 99))
    assert set(but_schedule(found)) == {"R01"}
    why = found["R01"].why
    assert why.count(".") - len(re.findall(r"\d\.\d", why)) == 1
    for part in ("99 pg/mL", "2024-03-01", "80 pg/mL", "60 pg/mL", "2024-01-01", "+65 %", "nadir from 1 result"):
        assert part in why
    assert found["R01"].compared_with is not None
    assert found["R01"].compared_with.value == 60
    assert {t.name: t.value for t in found["R01"].thresholds}["rcv_up"] == pytest.approx(0.642, abs=1e-3)
    assert "fasting state" in found["R01"].not_recorded


def test_a_confirmed_rise_is_r02_and_contains_r01() -> None:
    found = findings(90, RESIDUAL, glucagon(0, 60), glucagon(60, 99), glucagon(90, 101))
    assert set(but_schedule(found)) == {"R02"}
    assert found["R02"].contains == ("R01",)
    assert (found["R02"].severity, found["R02"].title) == ("medium", "Biochemical progression")


def test_doubling_is_high() -> None:
    assert findings(90, RESIDUAL, glucagon(0, 60), glucagon(60, 160), glucagon(90, 160))["R02"].severity == "high"


def test_at_steady_state_of_the_analogue_it_is_an_escape() -> None:
    found = findings(90, RESIDUAL, LANREOTIDE, glucagon(0, 60), glucagon(60, 99), glucagon(90, 101))
    assert "escape" in found["R02"].title


def test_before_the_third_injection_it_is_no_escape() -> None:
    shots = [therapy(-29 + 28 * n, "injection", drug="lanreotide", dose=120, interval_days=28) for n in range(2)]
    samples = [glucagon(-3, 60), glucagon(20, 99), glucagon(27, 101)]
    assert findings(27, RESIDUAL, *shots, *samples)["R02"].title == "Biochemical progression"


def test_without_evidence_of_disease_a_confirmed_rise_is_recurrence_and_contains_the_rest() -> None:
    found = findings(90, NED, glucagon(0, 60), glucagon(60, 99), glucagon(90, 101))
    assert set(found) == {"R03"}
    assert found["R03"].contains == ("R01", "R42")
    assert found["R03"].severity == "high"


def test_one_result_of_twice_the_limit_is_recurrence_and_one_below_is_not() -> None:
    assert "R03" in findings(60, NED, glucagon(0, 60), glucagon(60, 160))
    assert "R03" not in findings(60, NED, glucagon(0, 60), glucagon(60, 159))


def test_a_change_of_method_does_not_block_recurrence() -> None:
    found = findings(60, NED, glucagon(0, 60, method="RIA"), glucagon(60, 320, upper=159, method="ELISA"))
    assert {"R03", "R31"} <= set(found)


def test_an_earlier_glucagon_of_before_the_operation_is_no_recurrence() -> None:
    found = findings(40, glucagon(-30, 900), operation(0), state(1, "ned-resected"), glucagon(40, 60))
    assert found == {}


def test_a_normal_result_ends_recurrence() -> None:
    assert "R03" not in findings(90, NED, glucagon(0, 60), glucagon(60, 160), glucagon(90, 75))


@pytest.mark.parametrize("interpretation", ["H", "HH", "high"])
def test_the_first_value_above_the_limit_counts_in_words_too(interpretation: str) -> None:
    found = findings(60, NED, glucagon(0, 60), glucagon(60, None, upper=None, interpretation=interpretation))
    assert ("R03" if interpretation == "HH" else "R42") in found


def test_high_twice_in_words_is_recurrence() -> None:
    words = [glucagon(day, None, upper=None, text="high") for day in (60, 90)]
    assert "R03" in findings(90, NED, glucagon(0, 60), *words)


def test_the_first_value_above_the_limit_stays_open_until_two_are_within() -> None:
    rows: list[Entry] = [NED, glucagon(0, 60), glucagon(60, 98), glucagon(90, 70), glucagon(120, 70)]
    assert "R42" in findings(60, *rows)
    assert "R42" in findings(90, *rows)
    assert "R42" not in findings(120, *rows)


def test_after_an_operation_glucagon_that_never_was_normal_is_an_incomplete_remission() -> None:
    rows: list[Entry] = [glucagon(-30, 508, upper=140), operation(0), state(1, "residual-stable")]
    found = findings(30, *rows, glucagon(30, 317, upper=140))
    assert found["R33"].severity == "medium"
    assert "30 days after the resection" in found["R33"].why
    assert "R01" not in findings(180, *rows, glucagon(30, 317, upper=140), glucagon(180, 331, upper=140))
    assert "R33" not in findings(60, *rows, glucagon(30, 317, upper=140), glucagon(60, 100, upper=140))


@pytest.mark.parametrize("procedure", ["resection", "cholecystectomy", "prrt"])
def test_a_rise_soon_after_a_procedure_is_held_back_and_shown_as_such(procedure: str) -> None:
    rows = [RESIDUAL, operation(0, procedure), glucagon(5, 60), glucagon(20, 130), glucagon(30, 130)]
    judged = judge_chart(chart(*rows), PROTOCOL, moment(30.9))
    assert not {"R01", "R02"} & {f.rule for f in judged.findings}
    assert judged.suppressed[0] == Suppressed(
        what="rise of glucagon on 2024-01-31", why=f"{procedure} on 2024-01-01, less than 42 days before the sample"
    )


def test_surgery_holds_back_rises_from_its_day_on_for_six_weeks() -> None:
    removed = operation(60, "cholecystectomy")
    rows = [RESIDUAL, glucagon(0, 60), removed]
    for held_back in (60, 101):
        assert "R01" not in findings(held_back, *rows, glucagon(held_back, 130))
    for called in (59, 102):
        assert "R01" in findings(called, *rows, glucagon(called, 130))


def test_another_procedure_holds_no_rise_back() -> None:
    rows = [RESIDUAL, glucagon(0, 60), operation(50, "biopsy"), glucagon(60, 130)]
    assert "R01" in findings(60, *rows)


def test_surgery_does_not_hold_back_recurrence() -> None:
    assert "R03" in findings(20, operation(0), state(1, "ned-resected"), glucagon(5, 60), glucagon(20, 170))


def test_a_sample_under_renal_failure_is_not_judged_and_says_why() -> None:
    failing = lab(58, "egfr", 25, unit="mL/min/{1.73_m2}")
    found = findings(60, RESIDUAL, glucagon(0, 60), glucagon(60, 99), failing)
    assert set(but_schedule(found)) == {"R41"}
    assert "eGFR 25 mL/min/1.73 m²" in found["R41"].why


def test_under_lasting_renal_failure_a_rise_is_still_shown() -> None:
    failing = lab(-10, "egfr", 25, unit="mL/min/{1.73_m2}")
    found = findings(60, RESIDUAL, failing, glucagon(0, 60), glucagon(30, 61), glucagon(60, 110))
    assert set(but_schedule(found)) == {"R41"}


def test_an_invalid_sample_of_twice_the_limit_says_why_until_a_valid_one_follows() -> None:
    rows = [RESIDUAL, glucagon(0, 60), glucagon(60, 200, fasting=False), glucagon(90, 61)]
    assert "not fasting" in findings(60, *rows)["R41"].why
    assert "R41" not in findings(90, *rows)


def test_a_rise_in_an_invalid_sample_below_twice_the_limit_is_left_alone() -> None:
    assert "R41" not in findings(60, RESIDUAL, glucagon(0, 60), glucagon(60, 130, fasting=False))


def test_under_renal_failure_a_glucagon_that_would_be_no_rise_is_left_alone() -> None:
    failing = lab(58, "egfr", 25, unit="mL/min/{1.73_m2}")
    assert "R41" not in findings(60, RESIDUAL, glucagon(0, 60), glucagon(60, 90), failing)


def test_two_samples_too_close_together_confirm_nothing() -> None:
    found = findings(63, RESIDUAL, glucagon(0, 60), glucagon(60, 99), glucagon(63, 101))
    assert set(but_schedule(found)) == {"R01"}
    assert "confirmed" not in found["R01"].why


def test_the_reference_change_value_of_the_patient_stands_among_the_thresholds_with_its_source() -> None:
    used = findings(60, RESIDUAL, glucagon(0, 60), glucagon(60, 99))["R01"].thresholds[0]
    source = PROTOCOL.threshold("glucagon_cv_within").source
    assert used == UsedThreshold(
        name="rcv_up",
        value=0.6418,
        unit="1",
        source=f"log-normal reference change value, one-sided 95 %; {source}",
        signed_off=False,
    )


def test_of_a_rise_within_the_epoch_and_one_across_dose_changes_the_graver_is_told() -> None:
    """A drift over twice the nadir of all doses is confirmed by its own; within the dose the second sample is the
    first rise, or a confirmed one that has not doubled."""
    doses = [therapy(day, "dose", drug="lanreotide", dose=dose, interval_days=28) for day, dose in ((0, 60), (100, 90))]
    earlier = [RESIDUAL, *doses, glucagon(50, 90)]
    drift = findings(180, *earlier, glucagon(110, 100), glucagon(150, 190), glucagon(180, 195))["R02"]
    assert "across dose changes" in drift.why
    within = findings(180, *earlier[:-1], glucagon(110, 60), glucagon(150, 190), glucagon(180, 195))["R02"]
    assert "across dose changes" not in within.why


def test_nothing_is_found_of_a_patient_who_has_died_or_withdrawn() -> None:
    rows = [NED, glucagon(0, 60), glucagon(60, 300)]
    assert findings(70, *rows, deceased=moment(65)) == {}
    assert findings(70, *rows, withdrawn=moment(65)) == {}
    assert findings(64, *rows, deceased=moment(65)) != {}


def test_what_is_not_known_yet_is_not_judged() -> None:
    late = glucagon(60, 300)
    late = type(late)(**{name: getattr(late, name) for name in late.__dataclass_fields__} | {"known_at": moment(70)})
    judged = judge_chart(chart(NED, glucagon(0, 60), late), PROTOCOL, moment(65))
    assert judged.findings == ()
    assert judged.next_due == moment(70)


def test_no_finding_names_a_dose_or_says_all_clear() -> None:
    every = [
        *findings(90, RESIDUAL, LANREOTIDE, glucagon(0, 60), glucagon(60, 99), glucagon(90, 101)).values(),
        *findings(90, NED, glucagon(0, 60), glucagon(60, 300), glucagon(90, 310)).values(),
        *findings(70, RESIDUAL, skin(0, iga=0), skin(60, iga=4), skin(70, iga=4), response(65, "PD")).values(),
        *findings(9, ultrasound(0, stones="multiple"), symptom(5, "fever"), lesion(3, "X", 9, role="new")).values(),
    ]
    assert len(every) >= 6
    for finding in every:
        said = " ".join((finding.title, finding.question, finding.why)).lower()
        assert not re.search(r"all clear|\b\d+ ?(mg|ug|µg|mcg|units?)\b(?!/)", said)
