"""A slow rise across changes of the analogue, that none of its epochs shows by itself."""

from __future__ import annotations

import pytest

from clinical.change import Rise
from clinical.chart import Entry
from tests.clinical.charts import glucagon, moment, operation, therapy
from tests.clinical.courses import course

ANALOGUE = {"drug": "lanreotide", "unit": "mg", "interval_days": 28}


def across(*entries: Entry) -> Rise | None:
    return course(*entries).across


def steps(*days: float) -> list[Entry]:
    return [therapy(day, "dose", dose=30 * (n + 1), **ANALOGUE) for n, day in enumerate(days)]


def test_a_confirmed_drift_shows_its_samples_nadir_and_limit() -> None:
    rise = across(*steps(0, 100, 200), glucagon(50, 100), glucagon(150, 150), glucagon(250, 205), glucagon(280, 200))
    assert rise is not None
    assert (rise.first.result.value, rise.last.result.value) == (205, 200)
    assert (rise.nadir.value, rise.nadir.at, rise.limit, rise.rcv) == (100, moment(50), 200, None)
    assert (rise.confirmed, rise.doubling, rise.across_changes) == (True, True, True)


@pytest.mark.parametrize(
    "drift",
    [
        [glucagon(250, 199.9), glucagon(280, 210)],
        [glucagon(250, 200), glucagon(256, 210)],
        [glucagon(250, 200), glucagon(280, 179.9)],
        [glucagon(250, 240), glucagon(280, 210)],
        [glucagon(250, 210), glucagon(260, 150), glucagon(280, 210)],
        [glucagon(250, 210), glucagon(280, 210, fasting=False)],
        [glucagon(250, 210), glucagon(280, None, text="high")],
    ],
    ids=[
        "below twice",
        "too close",
        "below twice again",
        "fell by more than a tenth",
        "interrupted",
        "invalid",
        "words",
    ],
)
def test_no_drift(drift: list[Entry]) -> None:
    assert across(*steps(0, 100, 200), glucagon(50, 100), glucagon(150, 150), *drift) is None


@pytest.mark.parametrize(
    ("drift", "doubling"),
    [
        ([glucagon(150, 240, 120), glucagon(180, 240, 120)], True),
        ([glucagon(150, 239, 120), glucagon(180, 240, 120)], False),
        ([glucagon(150, 240, 120), glucagon(180, 239, 120)], False),
        ([glucagon(150, 300, 120), glucagon(180, 225, 120), glucagon(210, 245, 120)], False),
        ([glucagon(150, 225, 120), glucagon(180, 240, 120), glucagon(210, 245, 120)], True),
        ([glucagon(150, 240, 120), glucagon(180, 230, 120), glucagon(400, 245, 120)], False),
        ([glucagon(150, 240, 120), glucagon(180, 240, 120), glucagon(210, 220, 120)], True),
    ],
)
def test_a_drift_doubles_when_two_samples_that_confirm_each_other_do(drift: list[Entry], doubling: bool) -> None:
    rise = across(*steps(0, 100), glucagon(50, 100, 120), *drift)
    assert rise is not None
    assert rise.doubling is doubling


def test_a_drift_is_compared_within_the_same_phase_of_the_injection_cycle() -> None:
    shots = [therapy(28 * n, "injection", dose=90 if n < 4 else 120, **ANALOGUE) for n in range(9)]
    assert across(*shots, glucagon(27, 100), glucagon(122, 210), glucagon(150, 210)) is None
    assert across(*shots, glucagon(27, 100), glucagon(139, 210), glucagon(167, 210)) is not None
    mixed = [glucagon(10, 40), glucagon(27, 100), glucagon(139, 190), glucagon(167, 190)]
    assert across(*shots, *mixed) is None


def test_a_drift_needs_the_upper_limit_and_the_absolute_step() -> None:
    low = {"upper": 30}
    assert across(*steps(0, 100), glucagon(50, 20, **low), glucagon(150, 45, **low), glucagon(180, 49, **low)) is None
    risen = across(*steps(0, 100), glucagon(50, 20, **low), glucagon(150, 50, **low), glucagon(180, 50, **low))
    assert risen is not None
    assert across(*steps(0, 100), glucagon(50, 20), glucagon(150, 79), glucagon(180, 79)) is None
    unknown = {"upper": None}
    series = [glucagon(50, 100, **unknown), glucagon(150, 210, **unknown), glucagon(180, 210, **unknown)]
    assert across(*steps(0, 100), *series) is None


@pytest.mark.parametrize(
    ("between", "drifts"),
    [
        (glucagon(165, None, text="high"), True),
        (glucagon(165, None, text="see comment"), True),
        (glucagon(165, None, text="normal"), False),
        (glucagon(165, 79, comparator="<"), False),
        (glucagon(165, 100, comparator="<"), True),
    ],
    ids=["high", "a text", "normal", "below x within", "below x"],
)
def test_only_a_sample_known_to_be_no_drift_ends_one(between: Entry, drifts: bool) -> None:
    found = across(*steps(0, 100), glucagon(50, 100), glucagon(150, 210), between, glucagon(180, 210))
    assert (found is not None) is drifts


def test_an_invalid_sample_sets_no_nadir_across_steps() -> None:
    low = glucagon(60, 40, fasting=False)
    assert across(*steps(0, 100), glucagon(50, 100), low, glucagon(150, 90), glucagon(180, 90)) is None


def test_a_drift_within_one_step_is_none_across_steps() -> None:
    assert across(*steps(0), glucagon(50, 100), glucagon(150, 210), glucagon(180, 210)) is None


def test_an_operation_ends_the_comparison_across_steps() -> None:
    drift = [glucagon(50, 100), glucagon(150, 210), glucagon(180, 210)]
    assert across(*steps(0, 100), *drift) is not None
    assert across(*steps(0, 100), operation(60), *drift) is None


def test_another_assay_is_not_compared_across_steps() -> None:
    later = [glucagon(150, 210, lab="B"), glucagon(180, 210, lab="B")]
    assert across(*steps(0, 100), glucagon(50, 100, lab="A"), *later) is None


def test_a_drift_is_over_when_a_later_sample_is_none() -> None:
    drift = [glucagon(50, 100), glucagon(150, 210), glucagon(180, 210)]
    assert across(*steps(0, 100), *drift, glucagon(210, 120)) is None
    assert across(*steps(0, 100), *drift, glucagon(210, None, text="see comment")) is not None
    ended = across(*steps(0, 100), *drift, glucagon(210, 120), glucagon(240, 210))
    assert ended is None
