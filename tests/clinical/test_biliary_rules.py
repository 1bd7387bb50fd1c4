"""R16 and R18: the biliary complication that cannot wait, and the ultrasound under an analogue that is overdue."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.rules import judge_chart, registered
from tests.clinical.charts import PROTOCOL, chart, findings, lab, moment, operation, symptom, therapy, ultrasound

STONES = ultrasound(0, stones="multiple", wall_mm=2.5, cbd_mm=4)


@pytest.mark.parametrize(
    "entries",
    [
        (STONES, symptom(20, "ruq-pain")),
        (STONES, symptom(20, "fever")),
        (symptom(20, "fever"), ultrasound(23, sludge=True)),
        (ultrasound(20, stones="single", murphy=True),),
        (ultrasound(20, sludge=True, fluid=True),),
        (ultrasound(20, stones="multiple", wall_mm=5.1),),
        (ultrasound(20, stones="multiple", wall_mm=3.5), lab(21, "crp", 60, unit="mg/L", ref_high=5)),
        (symptom(20, "jaundice"),),
        (symptom(20, "fever"), symptom(22, "ruq-pain")),
        (lab(20, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2),),
        (ultrasound(0, cbd_mm=5), ultrasound(20, cbd_mm=7)),
        (operation(-50, "cholecystectomy"), ultrasound(20, cbd_mm=11)),
        (lab(20, "lipase", 180, unit="U/L", ref_high=60), symptom(21, "abdominal-pain")),
        (operation(-50, "cholecystectomy"), symptom(20, "jaundice")),
    ],
)
def test_it_is_urgent(entries: tuple[Entry, ...]) -> None:
    finding = findings(25, *entries)["R16"]
    assert finding.severity == "urgent"
    assert "same-day" in finding.question


@pytest.mark.parametrize(
    "entries",
    [
        (STONES,),
        (symptom(20, "ruq-pain"),),
        (symptom(20, "fever"),),
        (STONES, symptom(20, "fever", present=False)),
        (symptom(1, "fever"), symptom(20, "ruq-pain")),
        (STONES, operation(10, "cholecystectomy"), symptom(20, "fever")),
        (STONES, ultrasound(10, stones="none", sludge=False), symptom(20, "fever")),
        (ultrasound(20, stones="multiple", wall_mm=3.5),),
        (ultrasound(20, stones="multiple", wall_mm=3.0), lab(21, "crp", 60, unit="mg/L", ref_high=5)),
        (ultrasound(20, stones="none", murphy=True),),
        (lab(20, "bilirubin", 1.8, unit="mg/dL", ref_high=1.2),),
        (ultrasound(0, cbd_mm=5), ultrasound(20, cbd_mm=6.9)),
        (operation(-50, "cholecystectomy"), ultrasound(20, cbd_mm=10)),
        (lab(20, "lipase", 179, unit="U/L", ref_high=60), symptom(21, "ruq-pain")),
        (lab(20, "lipase", 900, unit="U/L", ref_high=60),),
    ],
)
def test_it_is_not_urgent(entries: tuple[Entry, ...]) -> None:
    assert "R16" not in findings(25, *entries)


def test_a_bilirubin_that_was_high_is_urgent_again_only_when_it_rises_beyond_chance() -> None:
    high = lab(-60, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2)
    assert "R16" not in findings(25, high, lab(20, "bilirubin", 2.2, unit="mg/dL", ref_high=1.2))
    assert "R16" in findings(25, high, lab(20, "bilirubin", 3.3, unit="mg/dL", ref_high=1.2))


def test_a_duct_that_was_wide_before_is_not_new() -> None:
    wide = ultrasound(-200, cbd_mm=8)
    assert "R16" not in findings(25, wide, ultrasound(20, cbd_mm=8))


def test_an_acute_sign_counts_for_thirty_days_and_the_rule_says_when_it_ends() -> None:
    jaundice = chart(symptom(0, "jaundice"))
    judged = judge_chart(jaundice, PROTOCOL, moment(29.9))
    assert [f.rule for f in judged.findings] == ["R16"]
    assert judged.next_due == moment(30)
    assert judge_chart(jaundice, PROTOCOL, moment(30)).findings == ()


START = therapy(0, "start", drug="octreotide-lar", dose=20, unit="mg", interval_days=28)


@pytest.mark.parametrize(
    ("day", "severity"), [(90, None), (91, "medium"), (457, "medium"), (458, "high"), (2000, "high")]
)
def test_without_any_ultrasound_it_is_overdue_from_day_91_of_the_analogue(day: int, severity: str | None) -> None:
    found = findings(day, START)
    assert (found["R18"].severity if "R18" in found else None) == severity


@pytest.mark.parametrize(("days_ago", "severity"), [(274, None), (275, "medium"), (457, "medium"), (458, "high")])
def test_it_is_overdue_nine_months_after_the_last_one(days_ago: int, severity: str | None) -> None:
    found = findings(1000, START, ultrasound(1000 - days_ago, stones="none"))
    assert (found["R18"].severity if "R18" in found else None) == severity


def test_an_ultrasound_on_which_the_gallbladder_was_not_seen_does_not_count() -> None:
    assert "R18" in findings(400, START, ultrasound(390, gallbladder="not-seen"))


@pytest.mark.parametrize(
    "entries",
    [
        (operation(10, "cholecystectomy"),),
        (ultrasound(10, gallbladder="absent"),),
        (therapy(200, "stop", drug="octreotide-lar"),),
    ],
    ids=["cholecystectomy", "absent on ultrasound", "analogue stopped"],
)
def test_nothing_is_overdue_without_gallbladder_or_analogue(entries: tuple[Entry, ...]) -> None:
    assert "R18" not in findings(1000, START, *entries)


def test_time_alone_makes_it_due_and_the_rule_says_when() -> None:
    started = chart(START)
    (overdue,) = [rule.next_due for rule in registered() if rule.id == "R18"]
    assert overdue is not None
    assert [overdue(started, PROTOCOL, moment(day)) for day in (10, 91, 500)] == [moment(91), moment(458), None]
