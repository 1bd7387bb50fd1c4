"""What disqualifies a marker sample, in the words a clinician reads, and what nobody recorded of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from clinical.chart import Chart, CodedFinding, Entry, Result
from clinical.validity import disqualified, not_recorded, plausible, plausible_numbers
from tests.clinical.charts import PROTOCOL, chart, coded, glucagon, lab, moment, therapy

EGFR = {"unit": "mL/min/{1.73_m2}"}
CRP = {"unit": "mg/L"}


def against(sample: Result, *others: Entry) -> tuple[str, ...]:
    return disqualified(sample, chart(sample, *others), PROTOCOL)


def timed(result: Result, hours: float = 0) -> Result:
    """The result, known to the minute and so many hours later."""
    at = result.effective + timedelta(hours=hours)
    return replace(result, effective=at, known_at=at, precision="minute")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"fasting": False}, "not fasting"),
        ({"disqualifiers": ("haemolysed",)}, "haemolysed sample"),
        ({"disqualifiers": ("wrong-tube",)}, "wrong tube"),
        ({"disqualifiers": ("acute-illness",)}, "acute illness at the draw"),
        ({"disqualifiers": ("rescue-glucagon",)}, "rescue glucagon before the draw"),
        ({"disqualifiers": ("decompensated-cirrhosis",)}, "decompensated cirrhosis"),
        ({"disqualifiers": ("thawed",)}, "thawed"),
    ],
)
def test_what_was_recorded_against_the_sample_itself(given: dict[str, object], reason: str) -> None:
    assert against(glucagon(0, 60, **given)) == (reason,)


def test_fasting_or_not_recorded_is_nothing_against_it() -> None:
    assert against(glucagon(0, 60, fasting=True)) == against(glucagon(0, 60)) == ()


@pytest.mark.parametrize(
    ("value", "comparator", "within"),
    [
        (4.9, None, False),
        (5, None, True),
        (100_000, None, True),
        (100_001, None, False),
        (2, "<", True),
        (0, "<", True),
        (2, "<=", True),
        (-1, "<=", False),
        (2, ">", False),
        (None, None, True),
    ],
)
def test_the_plausible_range_of_glucagon(value: float | None, comparator: str | None, within: bool) -> None:
    sample = glucagon(0, value, comparator=comparator)
    assert plausible(sample) is within
    assert plausible_numbers("glucagon", [sample]) == ((sample,) if within and value is not None else ())


def test_an_implausible_value_is_a_reason_with_its_number() -> None:
    assert against(glucagon(0, 2)) == ("implausible value 2 pg/mL",)


def test_an_analyte_that_is_not_in_the_catalogue_has_no_range() -> None:
    assert plausible(lab(0, "unobtainium", -1))


# ---- glucose at the draw ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "comparator", "reasons"),
    [
        (70.1, None, ("glucose 70.1 mg/dL at the draw",)),
        (70.2, None, ()),
        (50, "<", ("glucose 50 mg/dL at the draw",)),
        (50, "<=", ("glucose 50 mg/dL at the draw",)),
        (50, ">", ()),
        (None, None, ()),
    ],
)
def test_a_low_glucose_on_the_same_day(value: float | None, comparator: str | None, reasons: tuple[str, ...]) -> None:
    assert against(glucagon(0, 60), lab(0, "glucose", value, unit="mg/dL", comparator=comparator)) == reasons


@pytest.mark.parametrize(("hours", "counts"), [(-2.1, False), (-2, True), (2, True), (2.1, False)])
def test_with_both_times_known_two_hours_are_the_same_draw(hours: float, counts: bool) -> None:
    sample = timed(glucagon(0, 60))
    assert bool(against(sample, timed(lab(0, "glucose-fasting", 60, unit="mg/dL"), hours))) is counts


def test_a_draw_around_midnight_is_one_draw() -> None:
    glucose = lab(0, "glucose", 60, unit="mg/dL")
    assert against(timed(glucagon(0, 60), 23.5), timed(glucose, 24.5))
    assert against(timed(glucagon(0, 60), 24.5), timed(glucose, 23.5))


def test_where_either_time_is_unknown_the_day_decides() -> None:
    sample, glucose = glucagon(0, 60), lab(0, "glucose", 60, unit="mg/dL")
    assert against(timed(sample, 20), glucose)
    assert against(sample, timed(glucose, 20))
    assert not against(timed(sample, 1), lab(-1, "glucose", 60, unit="mg/dL"))
    assert not against(sample, timed(glucose, -1))


# ---- conditions around the draw --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "value", "comparator", "reasons"),
    [
        (0, 29.9, None, ("eGFR 29.9 mL/min/1.73 m² on 2024-01-01",)),
        (0, 30, None, ()),
        (-90, 25, None, ("eGFR 25 mL/min/1.73 m² on 2023-10-03",)),
        (-91, 25, None, ()),
        (1, 25, None, ()),
        (0, 15, "<", ("eGFR 15 mL/min/1.73 m² on 2024-01-01",)),
        (0, 15, ">", ()),
        (0, 15, ">=", ()),
        (0, None, None, ()),
    ],
)
def test_renal_failure(day: float, value: float | None, comparator: str | None, reasons: tuple[str, ...]) -> None:
    assert against(glucagon(0, 60), lab(day, "egfr", value, comparator=comparator, **EGFR)) == reasons


def test_of_several_egfr_the_last_up_to_the_day_of_the_draw_counts() -> None:
    sample = glucagon(0, 60)
    assert not against(sample, lab(-10, "egfr", 25, **EGFR), lab(-5, "egfr", 60, **EGFR), lab(5, "egfr", 20, **EGFR))
    assert against(sample, lab(-10, "egfr", 60, **EGFR), lab(0, "egfr", 25, **EGFR), lab(5, "egfr", 60, **EGFR))
    assert against(sample, timed(lab(0, "egfr", 25, **EGFR), 15)), "later on the same day"


@pytest.mark.parametrize(
    ("day", "value", "comparator", "reasons"),
    [
        (0, 100, None, ("acute illness (CRP 100 mg/L on 2024-01-01)",)),
        (0, 99.9, None, ()),
        (-3, 250, None, ("acute illness (CRP 250 mg/L on 2023-12-29)",)),
        (3, 250, ">", ("acute illness (CRP >250 mg/L on 2024-01-04)",)),
        (-3.1, 250, None, ()),
        (3.1, 250, None, ()),
        (0, 250, "<", ()),
        (0, 250, "<=", ()),
        (0, None, None, ()),
    ],
)
def test_inflammation(day: float, value: float | None, comparator: str | None, reasons: tuple[str, ...]) -> None:
    assert against(glucagon(0, 60), lab(day, "crp", value, comparator=comparator, **CRP)) == reasons


def test_of_several_crp_the_nearest_counts() -> None:
    sample = glucagon(0, 60)
    far, near = lab(-3, "crp", 250, **CRP), lab(1, "crp", 5, **CRP)
    assert not against(sample, far, near)
    assert against(sample, lab(-3, "crp", 5, **CRP), lab(1, "crp", 250, **CRP), lab(2, "crp", 5, **CRP))
    assert against(sample, lab(-20, "crp", 5, **CRP), lab(-2, "crp", 250, **CRP))


@pytest.mark.parametrize(("day", "counts"), [(-91, False), (-90, True), (90, True), (91, False)])
def test_decompensated_cirrhosis(day: float, counts: bool) -> None:
    sample = glucagon(0, 60)
    found = CodedFinding(record="c", effective=moment(day), known_at=moment(day), code="decompensated-cirrhosis")
    whole = Chart(patient="p", results=(sample,), findings=(found,))
    assert disqualified(sample, whole, PROTOCOL) == (
        (f"decompensated cirrhosis on {moment(day).date()}",) if counts else ()
    )
    other = Chart(patient="p", results=(sample,), findings=(replace(found, code="biopsy"),))
    assert disqualified(sample, other, PROTOCOL) == ()


@pytest.mark.parametrize(("day", "counts"), [(-3, False), (-2.99, True), (0, True), (0.01, False)])
def test_rescue_glucagon(day: float, counts: bool) -> None:
    given = therapy(day, "injection", drug="glucagon")
    assert against(glucagon(0, 60), given) == ((f"rescue glucagon on {moment(day).date()}",) if counts else ())
    assert against(glucagon(0, 60), therapy(day, "injection", drug="octreotide")) == ()


def test_several_reasons_are_all_named_in_order() -> None:
    assert against(glucagon(0, 60, fasting=False), lab(0, "egfr", 20, **EGFR), lab(0, "crp", 120, **CRP)) == (
        "not fasting",
        "eGFR 20 mL/min/1.73 m² on 2024-01-01",
        "acute illness (CRP 120 mg/L on 2024-01-01)",
    )


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        (lab(0, "glucose", 50, unit="mg/dL"), "glucose 50 mg/dL"),
        (coded(0, "decompensated-cirrhosis"), "decompensated cirrhosis"),
        (therapy(-1, "injection", drug="glucagon"), "rescue glucagon"),
    ],
)
def test_a_reason_found_beside_the_sample_joins_that_of_the_sample(beside: Entry, reason: str) -> None:
    first, second = disqualified(sample := glucagon(0, 60, fasting=False), chart(sample, beside), PROTOCOL)
    assert first == "not fasting"
    assert second.startswith(reason)


def test_glucose_kidney_and_inflammation_say_nothing_of_another_marker() -> None:
    sample = lab(0, "chromogranin-a", 100, unit="ng/mL")
    others = [lab(0, "glucose", 50, unit="mg/dL"), lab(0, "egfr", 20, **EGFR), lab(0, "crp", 120, **CRP)]
    assert against(sample, *others) == ()


# ---- what nobody recorded --------------------------------------------------------------------------------------------


def test_everything_that_was_not_recorded_is_listed() -> None:
    sample = glucagon(0, 60, upper=None)
    assert not_recorded(sample, chart(sample)) == (
        "fasting state",
        "laboratory",
        "method",
        "upper limit",
        "glucose at the draw",
        "eGFR",
    )


def test_what_was_recorded_is_not_listed() -> None:
    sample = glucagon(0, 60, fasting=False, lab="A", method="RIA")
    around = [lab(0, "glucose", 90, unit="mg/dL"), lab(-300, "egfr", 90, **EGFR)]
    assert not_recorded(sample, chart(sample, *around)) == ()
    later = [lab(1, "glucose", 90, unit="mg/dL"), lab(1, "egfr", 90, **EGFR)]
    assert not_recorded(sample, chart(sample, *later)) == ("glucose at the draw", "eGFR")


def test_of_another_marker_glucose_and_kidney_are_not_asked() -> None:
    sample = lab(0, "chromogranin-a", 100, unit="ng/mL")
    assert not_recorded(sample, chart(sample)) == ("fasting state", "laboratory", "method", "upper limit")
