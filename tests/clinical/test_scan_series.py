"""After which treatments the lesions are measured against a new baseline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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


def test_the_scan_before_embolisation_ends_one_series_and_begins_the_next() -> None:
    chart = Chart(
        patient="p",
        therapy=(procedure(210, "embolisation"),),
        lesions=(lesion(0, "liver", 20), lesion(200, "liver", 30), lesion(400, "liver", 28)),
    )
    _, grown, after = assessments(chart)
    assert grown.overall == "PD"
    assert (after.baseline, after.overall) == (30.0, "SD")
