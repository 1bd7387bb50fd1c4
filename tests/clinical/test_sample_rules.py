"""R34: samples that were sent and whose result is not back."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from tests.clinical.charts import findings, glucagon, lab


@pytest.mark.parametrize(
    ("analyte", "day", "severity"),
    [
        *(("glucagon", day, said) for day, said in ((21, None), (22, "low"), (42, "low"), (43, "medium"))),
        *(("zinc", day, said) for day, said in ((7, None), (8, "low"), (14, "low"), (15, "medium"))),
    ],
)
def test_a_result_is_missed_after_its_usual_time(analyte: str, day: int, severity: str | None) -> None:
    found = findings(day, lab(0, analyte, None, status="absent"))
    assert (found["R34"].severity if "R34" in found else None) == severity


def test_it_names_the_sample_and_what_is_missing() -> None:
    found = findings(30, glucagon(0, None, status="absent"))["R34"]
    assert found.subject == "glucagon"
    assert "sent on 2024-01-01, 30 days ago" in found.why
    assert found.not_recorded == ("result of 2024-01-01",)


@pytest.mark.parametrize(
    "answer",
    [
        glucagon(0, 60),
        glucagon(25, 60),
        glucagon(25, None, text="normal"),
        glucagon(25, None, interpretation="H"),
    ],
)
def test_a_result_of_that_sample_or_a_later_one_ends_the_waiting(answer: Entry) -> None:
    assert "R34" not in findings(60, glucagon(0, None, status="absent"), answer)


def test_an_earlier_result_or_another_analyte_does_not() -> None:
    sent = glucagon(0, None, status="absent")
    assert "R34" in findings(60, sent, glucagon(-1, 60), lab(10, "zinc", 80))


def test_a_registered_result_without_content_is_waited_for_too() -> None:
    assert "R34" in findings(60, glucagon(0, None, status="registered"))


def test_of_several_samples_the_latest_is_waited_for() -> None:
    found = findings(60, glucagon(0, None, status="absent"), glucagon(30, None, status="absent"))["R34"]
    assert (found.severity, [e.effective.day for e in found.evidence]) == ("low", [31])
