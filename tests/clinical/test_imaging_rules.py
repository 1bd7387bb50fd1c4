"""R06 and R07: signed progression and recurrence, and the scans that still need a reader or another scan."""

from __future__ import annotations

import pytest

from tests.clinical.charts import but_schedule, findings, lesion, operation, response, state, told

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


def test_prrt_given_after_the_scan_excuses_nothing() -> None:
    cycles = [operation(day, "prrt") for day in (0, 110)]
    assert "R06" in findings(115, RESIDUAL, *cycles, response(100, "PD"))


@pytest.mark.parametrize(("day", "rule"), [(89, "R07"), (90, "R37")])
def test_a_scan_of_size_before_a_focus_does_not_settle_it_and_one_of_the_same_day_does(day: int, rule: str) -> None:
    focus = lesion(90, "F", role="new", modality="68Ga-DOTATATE PET/CT", signed=True)
    found = findings(90, NED, focus, response(day, "NED", modality="CT"))
    assert rule in found
    assert ("R07" in found) is (rule == "R07")


def test_a_statement_of_the_day_of_the_scan_holds_for_it() -> None:
    found = findings(90, state(90, "ned-resected"), lesion(90, "L1", 14, signed=True))
    assert found["R06"].title == "Recurrence by imaging"


@pytest.mark.parametrize(
    "seen",
    [
        {"role": "new", "state": "absent"},
        {"role": "new", "state": "not-evaluable"},
        {"role": "target", "state": "absent"},
        {"role": "target", "state": "not-evaluable"},
        {"role": "non-target", "state": "present"},
    ],
)
@pytest.mark.parametrize("modality", ["CT", "68Ga-DOTATATE PET/CT"])
def test_what_is_not_there_or_may_be_nothing_is_no_recurrence(seen: dict[str, str], modality: str) -> None:
    assert not {"R06", "R07"} & findings(90, NED, lesion(90, "L1", modality=modality, signed=True, **seen)).keys()


def test_of_several_readings_of_one_day_the_last_signed_one_stands() -> None:
    assert but_schedule(findings(90, RESIDUAL, response(90, "PD", signed=False), response(90, "SD"))) == {}
    assert "R06" in findings(90, RESIDUAL, response(90, "SD"), response(90.5, "PD"))
    assert "R06" not in findings(90, RESIDUAL, response(90, "PD"), response(90.5, "SD"))


def test_a_scan_known_only_by_its_month_is_named_by_it() -> None:
    assert "Scan of 2024-03: read as PD" in findings(90, RESIDUAL, response(90, "PD", precision="month"))["R06"].why


def test_the_latest_scan_decides_and_one_that_could_not_be_read_does_not() -> None:
    assert but_schedule(findings(180, RESIDUAL, response(90, "PD"), response(180, "SD"))) == {}
    assert set(but_schedule(findings(180, RESIDUAL, response(90, "PD"), response(180, "NE")))) == {"R06"}


def test_an_operation_starts_a_new_series_of_measurements() -> None:
    rows = [lesion(0, "T1", 20, signed=True), operation(30), lesion(60, "T1", 40, signed=True)]
    assert but_schedule(findings(60, RESIDUAL, *rows)) == {}
    assert "R06" in findings(150, RESIDUAL, *rows, lesion(150, "T1", 50, signed=True))


def test_all_that_progression_by_imaging_says() -> None:
    found = findings(90, RESIDUAL, *GROWN)["R06"]
    assert told(found) == {
        "severity": "high",
        "subject": "imaging",
        "title": "Progression by imaging",
        "question": "Progression by imaging: MDT?",
        "why": (
            "Scan of 2024-03-31: calculated PD, signed (sum 60 mm, +20.0 % (+10 mm) against the nadir of 50 "
            "mm, +20.0 % against the baseline of 50 mm)."
        ),
        "since": 90,
        "evidence": ["lesion@90"],
        "compared": ("nadir", 50, "mm", None, "baseline 50 mm"),
        "thresholds": ["recist_progression", "recist_progression_least"],
        "missing": ["modality"],
    }


def test_all_that_a_read_progression_says() -> None:
    found = findings(90, RESIDUAL, response(90, "PD", reader="Dr R"))["R06"]
    assert told(found) == {
        "severity": "high",
        "subject": "imaging",
        "title": "Progression by imaging",
        "question": "Progression by imaging: MDT?",
        "why": "Scan of 2024-03-31: read as PD, signed by Dr R.",
        "since": 90,
        "evidence": ["response@90"],
        "thresholds": ["recist_progression", "recist_progression_least"],
        "missing": ["modality", "lesion measurements"],
    }


def test_all_that_recurrence_by_imaging_says() -> None:
    found = findings(
        90,
        NED,
        lesion(90, "L1", 9, role="new", site="liver", signed=True),
        lesion(90, "L2", role="new", organ="bone", state="present", modality="CT", reader="Dr S", signed=True),
    )["R06"]
    assert told(found) == {
        "severity": "high",
        "subject": "imaging",
        "title": "Recurrence by imaging",
        "question": "Recurrence by imaging: MDT?",
        "why": "Scan of 2024-03-31: calculated recurrence, signed (L1, liver, 9 mm, L2, bone).",
        "since": 90,
        "evidence": ["lesion@90", "lesion@90"],
        "thresholds": ["recist_progression", "recist_progression_least"],
        "missing": ["modality"],
    }


def test_all_that_a_tumour_seen_without_disease_says() -> None:
    found = findings(90, NED, lesion(90, "L1", 14, modality="CT", reader="Dr S", signed=True))["R06"]
    assert told(found) == {
        "severity": "high",
        "subject": "imaging",
        "title": "Recurrence by imaging",
        "question": "Recurrence by imaging: MDT?",
        "why": "Scan of 2024-03-31: tumour seen (L1, 14 mm), signed by Dr S.",
        "since": 90,
        "evidence": ["lesion@90"],
        "thresholds": ["recist_progression", "recist_progression_least"],
    }


def test_all_that_an_unsigned_progression_says() -> None:
    found = findings(90, RESIDUAL, GROWN[0], lesion(90, "T1", 60))["R07"]
    assert told(found) == {
        "severity": "medium",
        "subject": "imaging",
        "title": "Progression not signed by a reader",
        "question": "Calculated progression, not signed: who reads it?",
        "why": (
            "Scan of 2024-03-31: calculated PD (sum 60 mm, +20.0 % (+10 mm) against the nadir of 50 mm, +20.0 "
            "% against the baseline of 50 mm); nobody has signed this reading."
        ),
        "since": 90,
        "evidence": ["lesion@90"],
        "compared": ("nadir", 50, "mm", None, "baseline 50 mm"),
        "thresholds": ["recist_progression", "recist_progression_least"],
        "missing": ["modality"],
    }


def test_all_that_an_equivocal_lesion_says() -> None:
    found = findings(
        90,
        RESIDUAL,
        response(90, "SD", modality="CT"),
        lesion(90, "L1", 8, role="new", state="equivocal", site="liver", signed=True),
    )["R07"]
    assert told(found) == {
        "severity": "medium",
        "subject": "imaging",
        "title": "Equivocal new lesion",
        "question": "Which test next? Re-image in 6-12 weeks?",
        "why": "Scan of 2024-03-31: read as SD, with an equivocal new lesion (L1, liver, 8 mm).",
        "since": 90,
        "evidence": ["lesion@90", "response@90"],
        "thresholds": ["recist_progression", "recist_progression_least"],
    }


def test_all_that_an_equivocal_lesion_nobody_read_says() -> None:
    found = findings(90, NED, lesion(90, "L1", role="new", state="equivocal", modality="CT", signed=True))["R07"]
    assert told(found) == {
        "severity": "medium",
        "subject": "imaging",
        "title": "Equivocal new lesion",
        "question": "Which test next? Re-image in 6-12 weeks?",
        "why": "Scan of 2024-03-31: equivocal new lesion (L1).",
        "since": 90,
        "evidence": ["lesion@90"],
        "thresholds": ["recist_progression", "recist_progression_least"],
    }


def test_all_that_a_focus_on_receptor_imaging_says() -> None:
    found = findings(90, NED, lesion(90, "F", role="new", modality="68Ga-DOTATATE PET/CT", signed=True))["R07"]
    assert told(found) == {
        "severity": "medium",
        "subject": "receptor-imaging",
        "title": "New focus on receptor imaging alone",
        "question": "Which test next? Re-image in 6-12 weeks?",
        "why": "Receptor imaging of 2024-03-31 shows a new focus (F); no CT or MRI since tells its size.",
        "since": 90,
        "evidence": ["lesion@90"],
        "thresholds": ["recist_progression", "recist_progression_least"],
    }


def test_all_that_progression_on_receptor_imaging_says() -> None:
    found = findings(90, RESIDUAL, response(90, "PD", modality="68Ga-DOTATATE PET/CT"))["R07"]
    assert told(found) == {
        "severity": "medium",
        "subject": "receptor-imaging",
        "title": "New focus on receptor imaging alone",
        "question": "Which test next? Re-image in 6-12 weeks?",
        "why": "Receptor imaging of 2024-03-31 shows progression; no CT or MRI since tells its size.",
        "since": 90,
        "evidence": ["response@90"],
        "thresholds": ["recist_progression", "recist_progression_least"],
        "missing": ["lesion measurements"],
    }


def test_all_that_progression_soon_after_prrt_says() -> None:
    found = findings(83, RESIDUAL, operation(0, "prrt"), response(83, "PD"))["R07"]
    assert told(found) == {
        "severity": "medium",
        "subject": "imaging",
        "title": "Progression on a scan soon after PRRT",
        "question": "Which test next? Re-image in 6-12 weeks?",
        "why": (
            "Scan of 2024-03-24: read as PD; PRRT on 2024-01-01, 83 days before the scan: pseudo-progression "
            "is possible for 12 weeks."
        ),
        "since": 83,
        "evidence": ["response@83"],
        "thresholds": ["recist_progression", "recist_progression_least"],
        "suppressed": [
            (
                "growth on a scan (R06, R08)",
                ("PRRT on 2024-01-01, 83 days before the scan: pseudo-progression is possible for 12 weeks"),
            )
        ],
        "missing": ["modality", "lesion measurements"],
    }
