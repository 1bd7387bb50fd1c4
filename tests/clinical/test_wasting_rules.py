"""R25, R27 and R28: weight, haemoglobin, albumin and amino acids."""

from __future__ import annotations

from typing import Any

import pytest

from clinical.chart import Entry
from clinical.protocol import bundled_protocol
from clinical.weight import weight_change
from tests.clinical.charts import chart, coded, findings, lab, symptom


def weight(day: float, value: float, **given: Any) -> Entry:
    return lab(day, "weight", value, unit="kg", **given)


def haemoglobin(day: float, value: float, **given: Any) -> Entry:
    return lab(day, "haemoglobin", value, unit="g/L", **given)


def albumin(day: float, value: float | None, **given: Any) -> Entry:
    return lab(day, "albumin", value, unit="g/L", **given)


@pytest.mark.parametrize(
    ("now", "severity"),
    [(95.1, None), (95, "low"), (90.1, "low"), (90, "medium"), (80.1, "medium"), (80, "high"), (110, None)],
)
def test_weight_lost_in_half_a_year(now: float, severity: str | None) -> None:
    found = findings(183, weight(0, 100), weight(183, now))
    assert (found["R25"].severity if "R25" in found else None) == severity


@pytest.mark.parametrize(
    ("days", "flagged"),
    [(1, True), (90, True), (91, True), (274, True), (275, False), (0, False)],
)
def test_the_baseline_is_at_most_nine_months_old(days: int, flagged: bool) -> None:
    assert ("R25" in findings(days, weight(0, 100), weight(days, 80))) is flagged


def test_the_weight_nearest_to_half_a_year_is_the_baseline_not_the_highest() -> None:
    course = chart(weight(0, 100), weight(100, 90), weight(180, 88), weight(280, 87))
    change = weight_change(course, bundled_protocol())
    assert change is not None
    assert change.baseline.value == 90
    assert change.lost == pytest.approx(3 / 90)


def test_younger_weights_are_the_baseline_only_without_older_ones() -> None:
    course = chart(weight(0, 100), weight(10, 99), weight(80, 90))
    change = weight_change(course, bundled_protocol())
    assert change is not None
    assert change.baseline.value == 100


def test_weight_gained_and_a_first_weight_say_nothing() -> None:
    assert "R25" not in findings(100, weight(0, 60), weight(100, 66))
    assert "R25" not in findings(100, weight(100, 60))


@pytest.mark.parametrize(
    ("fluid", "named"),
    [
        (symptom(50, "leg-swelling"), True),
        (symptom(50, "oedema"), True),
        (coded(50, "ascites"), True),
        (symptom(50, "leg-swelling", present=False), False),
        (symptom(-1, "oedema"), False),
    ],
)
def test_fluid_hides_a_loss_and_is_named(fluid: Entry, named: bool) -> None:
    why = findings(183, weight(0, 100), weight(183, 94), fluid)["R25"].why
    assert ("more may be lost" in why) is named


def test_the_sentence_holds_both_weights() -> None:
    found = findings(183, weight(0, 70), weight(183, 63))["R25"]
    assert found.why == "Weight 63 kg on 2024-07-02, 10.0 % less than 70 kg on 2024-01-01."
    assert found.compared_with is not None
    assert found.compared_with.value == 70


@pytest.mark.parametrize(
    ("entries", "flagged"),
    [
        ((haemoglobin(0, 80),), False),
        ((haemoglobin(0, 79),), True),
        ((haemoglobin(0, 80, comparator="<"),), True),
        ((haemoglobin(0, 140), haemoglobin(80, 120)), False),
        ((haemoglobin(0, 140), haemoglobin(80, 119)), True),
        ((haemoglobin(0, 140), haemoglobin(100, 119)), True),
        ((haemoglobin(0, 140), haemoglobin(101, 119)), False),
        ((haemoglobin(0, 140), haemoglobin(30, 125), haemoglobin(80, 119)), True),
        ((haemoglobin(0, 140), haemoglobin(40, 110), haemoglobin(80, 121)), False),
        ((haemoglobin(0, 119), haemoglobin(80, 140)), False),
    ],
)
def test_haemoglobin_very_low_or_fallen_fast(entries: tuple[Entry, ...], flagged: bool) -> None:
    found = findings(120, *entries)
    assert (found["R27"].severity if "R27" in found else None) == ("high" if flagged else None)


def test_a_fall_names_where_it_came_from_and_what_was_recorded_of_causes() -> None:
    entries = (haemoglobin(0, 140), haemoglobin(80, 110))
    found = findings(90, *entries, coded(75, "bleeding"), coded(-100, "transfusion"))["R27"]
    assert found.why == "Haemoglobin 110 g/L on 2024-03-21, 140 g/L on 2024-01-01; bleeding on 2024-03-16."
    assert found.compared_with is not None
    assert (found.compared_with.kind, found.compared_with.value) == ("previous", 140)
    assert findings(1, haemoglobin(0, 70))["R27"].title == "Haemoglobin very low"


@pytest.mark.parametrize(
    ("entry", "subject"),
    [
        (albumin(0, 30), None),
        (albumin(0, 29.9), "albumin"),
        (albumin(0, 30, comparator="<"), "albumin"),
        (albumin(0, None, interpretation="L"), None),
        (lab(0, "amino-acids", 1800, unit="umol/L", ref_low=1900), "amino-acids"),
        (lab(0, "amino-acids", 1900, unit="umol/L", ref_low=1900), None),
        (lab(0, "amino-acids", 1800, unit="umol/L"), None),
        (lab(0, "amino-acids", None, text="low"), "amino-acids"),
    ],
)
def test_albumin_and_amino_acids(entry: Entry, subject: str | None) -> None:
    found = findings(1, entry)
    assert (found["R28"].subject if "R28" in found else None) == subject


@pytest.mark.parametrize(("crp", "tagged"), [(10, False), (11, True)])
def test_inflammation_is_named_beside_low_albumin(crp: float, tagged: bool) -> None:
    found = findings(1, albumin(0, 25), lab(0, "crp", crp, unit="mg/L"))["R28"]
    assert ("inflammation at the time" in found.why) is tagged
    assert found.severity == "medium"


def test_an_ordinary_patient_is_silent() -> None:
    quiet = [
        *(weight(d, 70 + (d % 5) / 4) for d in range(0, 900, 90)),
        *(haemoglobin(d, 138 + d % 7) for d in range(0, 900, 90)),
        *(albumin(d, 41 + d % 3) for d in range(0, 900, 90)),
    ]
    assert not {"R25", "R27", "R28"} & findings(900, *quiet).keys()
