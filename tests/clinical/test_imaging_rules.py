"""R06 and R07: signed progression and recurrence, and the scans that still need a reader or another scan."""

from __future__ import annotations

import pytest

from tests.clinical.charts import but_schedule, findings, lesion, operation, response, state

RESIDUAL = state(-10, "residual-stable")
NED = state(-10, "ned-resected")
GROWN = [lesion(0, "T1", 50, signed=True), lesion(90, "T1", 60, signed=True)]


def test_a_signed_response_alone_is_enough() -> None:
    found = findings(90, RESIDUAL, response(90, "PD", modality="CT", reader="Dr R"))
    assert set(but_schedule(found)) == {"R06"}
    assert "signed by Dr R" in found["R06"].why


def test_calculated_progression_of_signed_lesions_is_r06_with_its_sums() -> None:
    why = findings(90, RESIDUAL, *GROWN)["R06"].why
    assert "sum 60 mm, +20.0 % (+10 mm) against the nadir of 50 mm" in why


def test_calculated_progression_nobody_signed_is_r07() -> None:
    found = findings(90, RESIDUAL, GROWN[0], lesion(90, "T1", 60))
    assert set(but_schedule(found)) == {"R07"}
    assert "who reads it" in found["R07"].question


def test_an_unsigned_response_is_r07() -> None:
    assert set(but_schedule(findings(90, RESIDUAL, response(90, "PD", signed=False)))) == {"R07"}


def test_a_signed_reading_stands_over_the_calculation() -> None:
    assert but_schedule(findings(90, RESIDUAL, GROWN[0], lesion(90, "T1", 60), response(90, "SD"))) == {}


@pytest.mark.parametrize(("signed", "rule"), [(True, "R06"), (False, "R07")])
def test_a_new_lesion_without_evidence_of_disease_is_recurrence_when_signed(signed: bool, rule: str) -> None:
    found = findings(90, NED, lesion(90, "L1", 9, role="new", site="liver", signed=signed))
    assert set(but_schedule(found)) == {rule}
    assert "liver" in found[rule].why


def test_a_measured_lesion_in_a_patient_without_disease_is_recurrence_too() -> None:
    assert findings(90, NED, lesion(90, "L1", 14, signed=True))["R06"].title == "Recurrence by imaging"


def test_an_equivocal_lesion_asks_for_the_next_test() -> None:
    found = findings(90, NED, lesion(90, "L1", role="new", state="equivocal", signed=True))
    assert set(but_schedule(found)) == {"R07"}
    assert "Which test next" in found["R07"].question


def test_a_focus_on_receptor_imaging_alone_stays_open_until_a_scan_of_size() -> None:
    focus = lesion(90, "F", role="new", modality="68Ga-DOTATATE PET/CT", signed=True)
    assert set(findings(90, NED, focus)) == {"R07"}
    assert set(findings(100, NED, focus, response(100, "NED", modality="MRI"))) == {"R37"}


@pytest.mark.parametrize(("day", "rule"), [(83, "R07"), (84, "R06")])
def test_progression_within_twelve_weeks_after_prrt_is_imaged_again(day: int, rule: str) -> None:
    found = findings(day, RESIDUAL, operation(0, "prrt"), response(day, "PD"))
    assert set(but_schedule(found)) == {rule}
    if rule == "R07":
        assert "PRRT on 2024-01-01" in found["R07"].suppressed[0].why


def test_the_latest_scan_decides_and_one_that_could_not_be_read_does_not() -> None:
    assert but_schedule(findings(180, RESIDUAL, response(90, "PD"), response(180, "SD"))) == {}
    assert set(but_schedule(findings(180, RESIDUAL, response(90, "PD"), response(180, "NE")))) == {"R06"}


def test_an_operation_starts_a_new_series_of_measurements() -> None:
    rows = [lesion(0, "T1", 20, signed=True), operation(30), lesion(60, "T1", 40, signed=True)]
    assert but_schedule(findings(60, RESIDUAL, *rows)) == {}
    assert "R06" in findings(150, RESIDUAL, *rows, lesion(150, "T1", 50, signed=True))
