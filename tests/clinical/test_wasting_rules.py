"""R25, R27 and R28: weight, haemoglobin, albumin and amino acids."""

from __future__ import annotations

from typing import Any

import pytest

from clinical.chart import Entry
from clinical.protocol import bundled_protocol
from clinical.weight import weight_change
from tests.clinical.charts import chart, coded, findings, lab, symptom, told


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


@pytest.mark.parametrize(("day", "named"), [(0, False), (1, True), (184, True), (185, False)])
def test_fluid_counts_when_it_came_after_the_first_weight_and_up_to_the_day_after_the_last(
    day: int, named: bool
) -> None:
    found = findings(190, weight(0, 100), weight(183, 90), symptom(day, "oedema"))["R25"]
    assert ("more may be lost" in found.why) is named


def test_of_several_the_latest_fluid_is_named() -> None:
    rows = [weight(0, 100), weight(183, 90), symptom(50, "oedema"), symptom(150, "leg-swelling")]
    assert "; leg swelling on 2024-05-30, so that more may be lost" in findings(190, *rows)["R25"].why


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


def test_no_fall_is_told_to_an_upper_bound() -> None:
    assert "R27" not in findings(60, haemoglobin(0, 100), haemoglobin(60, 90, comparator="<"))


def test_a_fall_counts_from_the_highest_of_the_three_months() -> None:
    found = findings(60, haemoglobin(0, 100), haemoglobin(30, 120), haemoglobin(60, 95))["R27"]
    assert "120 g/L on 2024-01-31" in found.why


@pytest.mark.parametrize(("day", "named"), [(-1, False), (0, True)])
def test_a_transfusion_of_the_three_months_around_it_is_named(day: int, named: bool) -> None:
    found = findings(100, haemoglobin(100, 79), coded(day, "transfusion"))["R27"]
    assert ("transfusion" in found.why) is named


def test_a_very_low_haemoglobin_that_did_not_fall_is_compared_with_the_limit_alone() -> None:
    found = told(findings(60, haemoglobin(0, 85), haemoglobin(60, 79))["R27"])
    assert found["why"] == "Haemoglobin 79 g/L on 2024-03-01, below 80 g/L."
    assert found["evidence"] == ["haemoglobin@60"]
    assert found["compared"] == ("lower-limit", 80, "g/L", None, None)
    assert found["thresholds"] == ["haemoglobin_low"]


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


@pytest.mark.parametrize("beside", [albumin(0, 40), albumin(0, None, text="not enough serum")])
def test_an_albumin_that_is_not_low_hides_no_low_amino_acids(beside: Entry) -> None:
    low = lab(0, "amino-acids", 1500, unit="umol/L", ref_low=2000)
    assert findings(1, beside, low)["R28"].subject == "amino-acids"


@pytest.mark.parametrize(("value", "lower"), [(None, 2000), (1500, None)])
def test_amino_acids_the_laboratory_calls_low_are_held_against_its_word(
    value: float | None, lower: float | None
) -> None:
    found = findings(1, lab(0, "amino-acids", value, interpretation="L", unit="umol/L", ref_low=lower))["R28"]
    assert found.why.endswith("on 2024-01-01, called low by the laboratory.")
    assert found.compared_with is None


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


def test_all_that_weight_loss_says() -> None:
    found = findings(183, lab(0, "weight", 70, unit="kg"), lab(183, "weight", 66.5, unit="kg"), coded(100, "ascites"))[
        "R25"
    ]
    assert told(found) == {
        "severity": "low",
        "subject": "weight",
        "title": "Weight loss",
        "question": "Catabolism, pancreatic insufficiency, tumour?",
        "why": (
            "Weight 66.5 kg on 2024-07-02, 5.0 % less than 70 kg on 2024-01-01; ascites on 2024-04-10, so that "
            "more may be lost than is weighed."
        ),
        "since": 183,
        "evidence": ["weight@0", "finding@100", "weight@183"],
        "compared": ("baseline", 70, "kg", 0, None),
        "thresholds": ["weight_loss_low", "weight_baseline"],
    }


def test_all_that_heavy_weight_loss_says_without_fluid() -> None:
    found = findings(183, lab(0, "weight", 70, unit="kg"), lab(183, "weight", 56, unit="kg"))["R25"]
    assert told(found) == {
        "severity": "high",
        "subject": "weight",
        "title": "Weight loss",
        "question": "Catabolism, pancreatic insufficiency, tumour?",
        "why": "Weight 56 kg on 2024-07-02, 20.0 % less than 70 kg on 2024-01-01.",
        "since": 183,
        "evidence": ["weight@0", "weight@183"],
        "compared": ("baseline", 70, "kg", 0, None),
        "thresholds": ["weight_loss_high", "weight_baseline"],
    }


def test_all_that_a_very_low_haemoglobin_says() -> None:
    found = findings(
        80,
        lab(20, "haemoglobin", 110, unit="g/L"),
        lab(80, "haemoglobin", 79, unit="g/L"),
        coded(80, "bleeding"),
        coded(-9, "transfusion"),
        coded(-11, "bleeding"),
    )["R27"]
    assert told(found) == {
        "severity": "high",
        "subject": "haemoglobin",
        "title": "Haemoglobin very low",
        "question": "Anaemia work-up: bleeding, transfusion?",
        "why": (
            "Haemoglobin 79 g/L on 2024-03-21, below 80 g/L, 110 g/L on 2024-01-21; bleeding on 2023-12-21; "
            "transfusion on 2023-12-23; bleeding on 2024-03-21."
        ),
        "since": 80,
        "evidence": ["finding@-11", "finding@-9", "haemoglobin@20", "finding@80", "haemoglobin@80"],
        "compared": ("previous", 110, "g/L", 20, None),
        "thresholds": ["haemoglobin_low", "haemoglobin_fall", "haemoglobin_fall_window"],
    }


def test_all_that_a_haemoglobin_that_fell_says() -> None:
    found = findings(
        80,
        lab(0, "haemoglobin", 121, unit="g/L"),
        lab(20, "haemoglobin", 115, unit="g/L"),
        lab(80, "haemoglobin", 100, unit="g/L"),
    )["R27"]
    assert told(found) == {
        "severity": "high",
        "subject": "haemoglobin",
        "title": "Haemoglobin fallen fast",
        "question": "Anaemia work-up: bleeding, transfusion?",
        "why": "Haemoglobin 100 g/L on 2024-03-21, 121 g/L on 2024-01-01.",
        "since": 80,
        "evidence": ["haemoglobin@0", "haemoglobin@80"],
        "compared": ("previous", 121, "g/L", 0, None),
        "thresholds": ["haemoglobin_fall", "haemoglobin_fall_window"],
    }


def test_all_that_a_low_albumin_says() -> None:
    found = findings(30, lab(30, "albumin", 29.9, unit="g/L"), lab(29, "crp", 60, unit="mg/L"))["R28"]
    assert told(found) == {
        "severity": "medium",
        "subject": "albumin",
        "title": "Albumin low",
        "question": "Nutrition support?",
        "why": ("Albumin 29.9 g/L on 2024-01-31, below 30 g/L; inflammation at the time: CRP 60 mg/L on 2024-01-30."),
        "since": 30,
        "evidence": ["crp@29", "albumin@30"],
        "compared": ("lower-limit", 30, "g/L", None, None),
        "thresholds": ["albumin_low"],
    }


def test_all_that_low_amino_acids_say() -> None:
    found = findings(30, lab(30, "amino-acids", 1900, unit="umol/L", ref_low=2000))["R28"]
    assert told(found) == {
        "severity": "medium",
        "subject": "amino-acids",
        "title": "Amino acids low",
        "question": "Nutrition support?",
        "why": "Amino acids 1900 µmol/L on 2024-01-31, below 2000 µmol/L.",
        "since": 30,
        "evidence": ["amino-acids@30"],
        "compared": ("lower-limit", 2000, "umol/L", None, None),
    }


def test_all_that_amino_acids_called_low_say() -> None:
    found = findings(30, lab(30, "amino-acids", None, text="low"))["R28"]
    assert told(found) == {
        "severity": "medium",
        "subject": "amino-acids",
        "title": "Amino acids low",
        "question": "Nutrition support?",
        "why": 'Amino acids "low" on 2024-01-31, called low by the laboratory.',
        "since": 30,
        "evidence": ["amino-acids@30"],
    }
