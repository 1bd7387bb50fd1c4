"""R31: a series that changed its laboratory, method or unit, and values nobody can have."""

from __future__ import annotations

import pytest

from tests.clinical.charts import but_schedule, by_subject, findings, glucagon, lab, state, told

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


def test_one_draw_measured_by_two_laboratories_is_no_change() -> None:
    paired = [glucagon(0, value, lab=lab) for value, lab in ((60, "North"), (100, "South"))]
    assert "R31" not in findings(1, STATE, *paired)


def test_a_plausible_value_hides_no_implausible_one_of_another_quantity() -> None:
    rows = [lab(0, "zinc", 80, unit="ug/dL"), lab(1, "albumin", 4000, unit="g/L"), lab(2, "tsh", 2, unit="m[IU]/L")]
    assert list(by_subject("R31", 3, STATE, *rows)) == ["albumin:implausible"]


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


def test_all_that_a_change_of_method_says() -> None:
    found = findings(
        60,
        STATE,
        glucagon(-30, 55, lab="A", method="RIA"),
        glucagon(0, 60, lab="A", method="RIA"),
        glucagon(60, 160, upper=159, lab="B", method="ELISA"),
    )["R31"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon:assay",
        "title": "Glucagon: another laboratory and method",
        "question": "Accept the new epoch? Is there a paired sample?",
        "why": (
            "Glucagon of 2024-03-01 (160 pg/mL, upper limit 159 pg/mL, B, ELISA) does not continue the series "
            "of 2024-01-01 (60 pg/mL, upper limit 80 pg/mL, A, RIA)."
        ),
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60"],
        "compared": ("previous", 60, "pg/mL", 0, None),
        "thresholds": ["new_assay_settled"],
        "suppressed": [
            (
                "R01, R02 across the change",
                ("results of different assays are not compared; what needs only the result's own range is judged"),
            )
        ],
    }


def test_all_that_another_upper_limit_says() -> None:
    found = findings(60, STATE, glucagon(0, 60, upper=80), glucagon(60, 61, upper=159, comparator="<"))["R31"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon:assay",
        "title": "Glucagon: another upper limit, method not recorded",
        "question": "Accept the new epoch? Is there a paired sample?",
        "why": (
            "Glucagon of 2024-03-01 (<61 pg/mL, upper limit 159 pg/mL, laboratory and method not recorded) "
            "does not continue the series of 2024-01-01 (60 pg/mL, upper limit 80 pg/mL, laboratory and method "
            "not recorded)."
        ),
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60"],
        "compared": ("previous", 60, "pg/mL", 0, None),
        "thresholds": ["new_assay_settled"],
        "suppressed": [
            (
                "R01, R02 across the change",
                ("results of different assays are not compared; what needs only the result's own range is judged"),
            )
        ],
    }


def test_all_that_a_change_of_unit_says() -> None:
    found = by_subject(
        "R31", 60, lab(0, "chromogranin-a", 80, unit="ng/mL"), lab(60, "chromogranin-a", 4, unit="nmol/L")
    )["chromogranin-a:assay"]
    assert told(found) == {
        "severity": "medium",
        "subject": "chromogranin-a:assay",
        "title": "Chromogranin A: another unit",
        "question": "Accept the new epoch? Is there a paired sample?",
        "why": (
            "Chromogranin A of 2024-03-01 (4 nmol/L, laboratory and method not recorded) does not continue the "
            "series of 2024-01-01 (80 ng/mL, laboratory and method not recorded)."
        ),
        "since": 60,
        "evidence": ["chromogranin-a@0", "chromogranin-a@60"],
        "compared": ("previous", 80, "ng/mL", 0, None),
        "thresholds": ["new_assay_settled"],
        "suppressed": [
            (
                "R01, R02 across the change",
                ("results of different assays are not compared; what needs only the result's own range is judged"),
            )
        ],
    }


def test_all_that_an_implausible_marker_says() -> None:
    found = by_subject("R31", 60, STATE, glucagon(0, 60), glucagon(60, 4))["glucagon:implausible"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon:implausible",
        "title": "Glucagon: implausible value",
        "question": "Is the value or its unit wrong: correct it or confirm it?",
        "why": "Glucagon 4 pg/mL on 2024-03-01 lies outside 5 to 100000 pg/mL.",
        "since": 60,
        "evidence": ["glucagon@60"],
        "suppressed": [("judging Glucagon of 2024-03-01", "implausible value")],
    }


def test_all_that_an_implausible_value_says() -> None:
    found = by_subject("R31", 60, lab(60, "haemoglobin", 1200, unit="g/L", comparator=">"))["haemoglobin:implausible"]
    assert told(found) == {
        "severity": "medium",
        "subject": "haemoglobin:implausible",
        "title": "Haemoglobin: implausible value",
        "question": "Is the value or its unit wrong: correct it or confirm it?",
        "why": "Haemoglobin >1200 g/L on 2024-03-01 lies outside 15 to 260 g/L.",
        "since": 60,
        "evidence": ["haemoglobin@60"],
    }
