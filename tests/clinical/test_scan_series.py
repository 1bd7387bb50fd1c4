"""After which treatments the lesions are measured against a new baseline."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clinical.chart import Chart, Lesion, Therapy
from clinical.imaging import assessments

DAY_ZERO = datetime(2024, 1, 1, tzinfo=UTC)


def lesion(day: int, name: str, mm: int, role: str = "target") -> Lesion:
    at = DAY_ZERO + timedelta(days=day)
    return Lesion(
        record=f"{name}@{day}",
        effective=at,
        known_at=at,
        precision="day",
        lesion=name,
        role=role,  # type: ignore[arg-type]
        diameter_tenths=mm * 10,
        signed=True,
    )


def procedure(day: int, name: str) -> Therapy:
    at = DAY_ZERO + timedelta(days=day)
    return Therapy(record=name, effective=at, known_at=at, precision="day", kind="procedure", procedure=name)


def test_what_an_operation_removed_is_not_missed_on_the_scan_after_it() -> None:
    chart = Chart(
        patient="p",
        therapy=(procedure(30, "resection"),),
        lesions=(lesion(0, "pancreas", 30), lesion(400, "liver", 17, "new"), lesion(400, "node", 16, "new")),
    )
    before, after = assessments(chart)
    assert before.overall is None
    assert after.baseline is None
    assert "pancreas" not in after.reason
    assert (after.new, after.overall) == ("yes", "recurrence")


def test_what_is_left_after_an_operation_is_its_own_baseline() -> None:
    chart = Chart(
        patient="p",
        therapy=(procedure(30, "resection"),),
        lesions=(
            *(lesion(0, "pancreas", 50), lesion(0, "liver", 20)),
            *(lesion(120, "liver", 20), lesion(300, "liver", 26)),
        ),
    )
    _, first, second = assessments(chart)
    assert first.overall is None
    assert (second.baseline, second.overall) == (20.0, "PD")


def grown_before_it_was_treated(treatment: Therapy) -> list[str | None]:
    """The verdicts where a lesion shrank, grew back and, treated, stays."""
    sums = ((0, 50), (90, 30), (180, 50), (300, 52))
    chart = Chart(patient="p", therapy=(treatment,), lesions=tuple(lesion(day, "liver", mm) for day, mm in sums))
    return [visit.overall for visit in assessments(chart)]


@pytest.mark.parametrize("day", [180, 185])
@pytest.mark.parametrize("name", ["prrt", "embolisation", "ablation"])
def test_a_treatment_of_the_tumour_makes_the_scan_up_to_its_day_the_new_baseline(name: str, day: int) -> None:
    assert grown_before_it_was_treated(procedure(day, name)) == [None, "PR", "PD", "SD"]


def test_so_does_a_new_systemic_drug_and_what_treats_no_tumour_does_not() -> None:
    drug = replace(procedure(185, "start"), kind="start", procedure=None, drug="everolimus")
    assert grown_before_it_was_treated(drug) == [None, "PR", "PD", "SD"]
    assert grown_before_it_was_treated(procedure(185, "cholecystectomy")) == [None, "PR", "PD", "PD"]


@pytest.mark.parametrize("name", ["prrt", "resection"])
def test_a_treatment_before_the_first_scan_or_after_the_last_divides_nothing(name: str) -> None:
    expected = [None, "PR", "PD", "PD"]
    assert grown_before_it_was_treated(procedure(-10, name)) == expected
    if name == "resection":
        assert grown_before_it_was_treated(procedure(310, name)) == expected


def test_the_scan_of_the_day_of_an_operation_was_made_before_it() -> None:
    chart = Chart(
        patient="p",
        therapy=(procedure(90, "resection"),),
        lesions=tuple(lesion(day, "liver", mm) for day, mm in ((0, 20), (90, 20), (150, 40), (240, 40))),
    )
    assert [visit.overall for visit in assessments(chart)] == [None, "SD", None, "SD"]


def test_a_receptor_scan_is_no_baseline_of_sizes() -> None:
    focus = replace(lesion(20, "liver", 50), modality="68Ga-DOTATATE PET/CT")
    chart = Chart(
        patient="p",
        therapy=(procedure(30, "prrt"),),
        lesions=(lesion(0, "liver", 50), focus, lesion(130, "liver", 60)),
    )
    assert [visit.overall for visit in assessments(chart)] == [None, "PD"]


def test_the_scan_before_embolisation_ends_one_series_and_begins_the_next() -> None:
    chart = Chart(
        patient="p",
        therapy=(procedure(210, "embolisation"),),
        lesions=(lesion(0, "liver", 20), lesion(200, "liver", 30), lesion(400, "liver", 28)),
    )
    _, grown, after = assessments(chart)
    assert grown.overall == "PD"
    assert (after.baseline, after.overall) == (30.0, "SD")
