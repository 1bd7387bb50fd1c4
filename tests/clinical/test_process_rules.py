"""R31: a series that changed its laboratory, method or unit, and values nobody can have."""

from __future__ import annotations

import pytest

from tests.clinical.charts import but_schedule, findings, glucagon, lab, state

STATE = state(-10, "residual-stable")


def test_another_method_asks_for_a_new_epoch_and_names_both() -> None:
    old = glucagon(0, 60, lab="A", method="RIA")
    found = findings(60, STATE, old, glucagon(60, 160, upper=159, lab="A", method="ELISA"))
    assert set(but_schedule(found)) == {"R31"}
    for part in ("160 pg/mL", "159", "ELISA", "RIA", "2024-01-01"):
        assert part in found["R31"].why
    assert found["R31"].suppressed[0].what.startswith("R01, R02")


def test_another_laboratory_asks_too() -> None:
    assert "laboratory" in findings(60, STATE, glucagon(0, 60, lab="A"), glucagon(60, 61, lab="B"))["R31"].title


def test_two_results_of_the_new_method_settle_it() -> None:
    rows = [glucagon(0, 60, method="RIA"), *(glucagon(60 + 30 * n, 61, method="ELISA") for n in range(2))]
    assert "R31" in findings(60, STATE, *rows)
    assert "R31" not in findings(90, STATE, *rows)


def test_a_laboratory_that_was_never_recorded_is_no_change() -> None:
    assert but_schedule(findings(60, STATE, glucagon(0, 60, lab="A"), glucagon(60, 61))) == {}


def test_another_kind_of_kit_of_chromogranin_is_a_change_of_unit() -> None:
    rows = [lab(0, "chromogranin-a", 80, unit="ng/mL"), lab(60, "chromogranin-a", 4, unit="nmol/L")]
    assert "unit" in findings(60, STATE, *rows)["R31"].title


@pytest.mark.parametrize("value", [4, 150_000])
def test_a_glucagon_nobody_can_have_asks_for_correction_and_is_not_judged(value: float) -> None:
    found = findings(60, STATE, glucagon(0, 60), glucagon(60, value))
    assert "implausible" in found["R31"].title
    assert {"R01", "R02"} & set(found) == set()


def test_a_later_plausible_value_closes_it() -> None:
    rows = (lab(0, "haemoglobin", 1200, unit="g/L"), lab(90, "haemoglobin", 120, unit="g/L"))
    assert but_schedule(findings(90, STATE, *rows)) == {}
    assert "R31" in findings(60, STATE, lab(0, "haemoglobin", 1200, unit="g/L"))
