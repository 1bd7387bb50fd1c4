"""R34: samples that were sent and whose result is not back."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.rules import judge_chart, registered
from tests.clinical.charts import PROTOCOL, by_subject, chart, findings, glucagon, lab, moment, told


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


def test_the_rule_says_when_it_is_missed_and_when_for_long() -> None:
    (due,) = [rule.next_due for rule in registered() if rule.id == "R34"]
    assert due is not None
    sent = chart(glucagon(0, None, status="absent"))
    assert [due(sent, PROTOCOL, moment(day)) for day in (1, 22, 43)] == [moment(22), moment(43), None]
    judged = [judge_chart(sent, PROTOCOL, moment(day)).findings for day in (22, 43)]
    assert [f.severity for found in judged for f in found] == ["low", "medium"]


def test_a_sample_that_may_still_come_hides_no_missed_one() -> None:
    sent = [glucagon(0, None, status="absent"), lab(1, "zinc", None, status="absent")]
    assert list(by_subject("R34", 10, *sent)) == ["zinc"]


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


def test_a_result_marked_absent_is_none_whatever_stands_beside_it() -> None:
    assert "R34" in findings(30, glucagon(0, None, status="absent", text="high"))


def test_of_several_samples_the_latest_is_waited_for() -> None:
    found = findings(60, glucagon(0, None, status="absent"), glucagon(30, None, status="absent"))["R34"]
    assert (found.severity, [e.effective.day for e in found.evidence]) == ("low", [31])


def test_all_that_a_missing_result_says() -> None:
    found = findings(43, glucagon(0, None, status="absent"))["R34"]
    assert told(found) == {
        "severity": "medium",
        "subject": "glucagon",
        "title": "Glucagon: sent, no result",
        "question": "Chase the laboratory, or draw again?",
        "why": (
            "Glucagon was sent on 2024-01-01, 43 days ago, and no result is recorded; it usually takes up to 21 days."
        ),
        "since": 0,
        "evidence": ["glucagon@0"],
        "compared": ("schedule", 21, "d", 22, None),
        "thresholds": ["result_back_glucagon", "result_back_long"],
        "missing": ["result of 2024-01-01"],
    }
