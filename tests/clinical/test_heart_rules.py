"""R23 and R35: a slow pulse, a long QTc, a fast pulse."""

from __future__ import annotations

import pytest

from clinical.chart import Entry, Result
from clinical.rules import judge_chart
from tests.clinical.charts import PROTOCOL, chart, findings, lab, moment, symptom, therapy, told


def pulse(day: float, value: float | None, **given: object) -> Result:
    return lab(day, "heart-rate", value, **{"unit": "/min", **given})


def qtc(day: float, value: float | None, **given: object) -> Result:
    return lab(day, "qtc", value, **{"unit": "ms", **given})


def of(rule: str, day: float, *entries: Entry) -> dict[str, str]:
    """Severity by subject of a rule's findings."""
    judged = judge_chart(chart(*entries), PROTOCOL, moment(day + 0.999))
    return {f.subject: f.severity for f in judged.findings if f.rule == rule}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([pulse(0, 49), pulse(1, 49)], True),
        ([pulse(0, 49), pulse(90, 45)], True),
        ([pulse(0, 49), pulse(1, 50)], False),
        ([pulse(0, 50), pulse(1, 49)], False),
        ([pulse(0, 49), pulse(0.9, 48)], False),
        ([pulse(0, 49)], False),
        ([pulse(0, 45), pulse(5, 60), pulse(9, 45)], False),
        ([pulse(0, 45), pulse(5, 45), pulse(9, 62)], False),
        ([pulse(0, 49), pulse(1, 50, comparator="<")], True),
        ([pulse(0, 59), symptom(7, "dyspnoea")], True),
        ([pulse(7, 59), symptom(0, "palpitations")], True),
        ([pulse(0, 59), symptom(8, "chest-pain")], False),
        ([pulse(0, 60), symptom(0, "chest-pain")], False),
        ([pulse(0, 59), symptom(0, "fever")], False),
        ([pulse(0, 59), symptom(0, "dyspnoea", present=False)], False),
    ],
)
def test_a_slow_pulse_twice_or_with_symptoms_is_medium(rows: list[Entry], found: bool) -> None:
    assert of("R23", 100, *rows) == ({"heart-rate": "medium"} if found else {})


@pytest.mark.parametrize(
    ("value", "severity"), [(480, None), (481, "high"), (500, "high"), (501, "urgent"), (560, "urgent")]
)
def test_a_long_qtc_is_high_and_from_501_urgent(value: float, severity: str | None) -> None:
    assert of("R23", 0, qtc(0, value)).get("qtc") == severity


@pytest.mark.parametrize(("value", "severity"), [(459, None), (460, "high")])
def test_sixty_above_the_baseline_is_high(value: float, severity: str | None) -> None:
    rows = [qtc(-30, 380), qtc(-10, 400), therapy(0, "start", drug="pasireotide"), qtc(30, 410), qtc(90, value)]
    assert of("R23", 100, *rows).get("qtc") == severity


def test_without_an_analogue_the_first_ecg_is_the_baseline() -> None:
    assert of("R23", 100, qtc(0, 390), qtc(50, 420), qtc(90, 450)) == {"qtc": "high"}


def test_the_latest_ecg_decides() -> None:
    assert of("R23", 100, qtc(0, 400), qtc(50, 520), qtc(90, 410)) == {}
    assert of("R23", 100, qtc(50, 520), qtc(90, None, status="absent")) == {"qtc": "urgent"}


def test_a_rise_between_devices_is_not_judged_but_the_value_is() -> None:
    assert of("R23", 9, qtc(0, 390, method="A"), qtc(9, 470, method="B")) == {}
    found = findings(9, qtc(0, 390, method="A"), qtc(9, 490, method="B"))["R23"]
    assert found.suppressed[0].why == "different devices: A and B"
    assert "device" not in found.not_recorded
    assert of("R23", 9, qtc(0, 390, method="A"), qtc(9, 470)) == {"qtc": "high"}


def test_a_long_qtc_tells_its_baseline_its_drug_and_what_nobody_recorded() -> None:
    rows = [qtc(-10, 400), therapy(0, "start", drug="pasireotide-lar", interval_days=28), qtc(30, 505)]
    found = findings(40, *rows)["R23"]
    assert found.why == (
        "QTc 505 ms on 2024-01-31 (baseline 400 ms on 2023-12-22, 105 ms above it), on pasireotide-lar."
    )
    assert found.not_recorded == ("potassium", "magnesium", "device")
    assert found.compared_with is not None
    assert (found.compared_with.kind, found.compared_with.value) == ("baseline", 400)


def test_a_qtc_below_a_bound_is_not_long_and_above_one_is() -> None:
    assert of("R23", 0, qtc(0, 490, comparator="<")) == {}
    assert of("R23", 0, qtc(0, 490, comparator=">")) == {"qtc": "high"}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([pulse(0, 100), pulse(1, 100)], True),
        ([pulse(0, 99), pulse(1, 110)], False),
        ([pulse(0, 110), pulse(1, 99)], False),
        ([pulse(0, 110), pulse(0.9, 110)], False),
        ([pulse(0, 110)], False),
        ([pulse(0, 110), pulse(0.9, 80), pulse(1.8, 110)], False),
        ([pulse(0, None, text="tachycardia")], True),
        ([pulse(0, None, interpretation="H")], True),
        ([pulse(0, None, text="normal")], False),
        ([pulse(0, None, text="tachycardia"), pulse(9, 80)], False),
        ([pulse(0, 110), pulse(5, None, text="tachycardia"), pulse(9, 105)], True),
        ([pulse(0, 110), pulse(1, 110), pulse(2, None, status="absent")], True),
    ],
)
def test_a_fast_pulse_twice_or_noted_in_words_is_medium(rows: list[Entry], found: bool) -> None:
    assert of("R35", 900, *rows) == ({"heart-rate": "medium"} if found else {})


def test_what_else_makes_a_pulse_fast_is_named_beside_it() -> None:
    fast = [pulse(0, 110), pulse(10, 112)]
    anaemic = lab(-80, "haemoglobin", 95, unit="g/L", ref_low=120)
    overactive = [lab(0, "tsh", 0.1, ref_low=0.4), lab(0, "free-t4", 3.0, ref_high=1.7)]
    found = findings(20, *fast, anaemic, *overactive, symptom(17, "fever"))["R35"]
    assert "also recorded: fever, anaemia, low TSH and high free T4" in found.why
    assert len(found.evidence) == 6
    assert found.first_evidence_at == moment(0)
    for other in (
        lab(-81, "haemoglobin", 95, unit="g/L", ref_low=120),
        lab(0, "haemoglobin", 120, unit="g/L", ref_low=120),
        lab(0, "tsh", 6, ref_low=0.4, ref_high=4),
        lab(0, "free-t4", 0.5, ref_low=0.9, ref_high=1.7),
        symptom(18, "fever"),
    ):
        assert "also recorded" not in findings(20, *fast, other)["R35"].why


def test_an_anaemia_of_long_ago_hides_no_thyroid_of_now() -> None:
    old = lab(-400, "haemoglobin", 90, unit="g/L", ref_low=120)
    fast = [lab(day, "heart-rate", 110, unit="/min") for day in (0, 2)]
    found = findings(3, old, *fast, lab(1, "tsh", 0.1, unit="m[IU]/L", ref_low=0.4))["R35"]
    assert found.why.endswith("; also recorded: low TSH.")


def test_the_latest_rate_stands_for_a_slow_pulse_and_the_qtc_of_the_day_of_the_start_is_a_baseline() -> None:
    slow = [lab(day, "heart-rate", rate, unit="/min") for day, rate in ((0, 48), (1, 47), (2, 46))]
    assert "heart rate 46 /min on 2024-01-03" in findings(3, *slow)["R23"].why
    start = therapy(0, "start", drug="lanreotide")
    rows = [lab(-10, "qtc", 430, unit="ms"), lab(0, "qtc", 400, unit="ms"), lab(30, "qtc", 465, unit="ms")]
    assert "baseline 400 ms" in findings(31, start, *rows)["R23"].why
    bound = lab(30, "qtc", 490, unit="ms", comparator="<=")
    assert "R23" not in findings(31, start, rows[1], bound)


def test_all_that_a_slow_pulse_says() -> None:
    found = findings(
        100,
        pulse(0, 49),
        pulse(90, 45),
        therapy(-200, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28),
    )["R23"]
    assert told(found) == {
        "severity": "medium",
        "subject": "heart-rate",
        "title": "Slow heart rate",
        "question": (
            "ECG, potassium and magnesium, other drugs that slow the heart or lengthen QT; review the analogue?"
        ),
        "why": "Heart rate 49 /min on 2024-01-01 and heart rate 45 /min on 2024-03-31, on lanreotide.",
        "since": 0,
        "evidence": ["heart-rate@0", "heart-rate@90"],
        "compared": ("lower-limit", 50, "/min", None, None),
        "thresholds": ["bradycardia", "heart_rate_apart"],
        "missing": ["potassium", "magnesium"],
    }


def test_all_that_a_slow_pulse_with_symptoms_says() -> None:
    found = findings(100, pulse(0, 55), symptom(3, "chest-pain"))["R23"]
    assert told(found) == {
        "severity": "medium",
        "subject": "heart-rate",
        "title": "Slow heart rate with symptoms",
        "question": (
            "ECG, potassium and magnesium, other drugs that slow the heart or lengthen QT; review the analogue?"
        ),
        "why": "Chest pain on 2024-01-04 and heart rate 55 /min on 2024-01-01.",
        "since": 0,
        "evidence": ["heart-rate@0", "symptom@3"],
        "compared": ("lower-limit", 60, "/min", None, None),
        "thresholds": ["bradycardia_with_symptoms", "heart_signs_together"],
        "missing": ["potassium", "magnesium"],
    }


def test_all_that_a_long_qtc_says() -> None:
    found = findings(
        40,
        qtc(-10, 400, method="A"),
        therapy(0, "start", drug="pasireotide-lar", interval_days=28),
        qtc(30, 505, method="A"),
    )["R23"]
    assert told(found) == {
        "severity": "urgent",
        "subject": "qtc",
        "title": "Long QTc",
        "question": (
            "ECG, potassium and magnesium, other drugs that slow the heart or lengthen QT; review the analogue?"
        ),
        "why": ("QTc 505 ms on 2024-01-31 (baseline 400 ms on 2023-12-22, 105 ms above it), on pasireotide-lar."),
        "since": 30,
        "evidence": ["qtc@-10", "qtc@30"],
        "compared": ("baseline", 400, "ms", -10, None),
        "thresholds": ["qtc_long", "qtc_rise", "qtc_urgent"],
        "missing": ["potassium", "magnesium"],
    }


def test_all_that_a_long_qtc_of_another_device_says() -> None:
    found = findings(9, qtc(0, 390, method="A"), qtc(9, 490, method="B"))["R23"]
    assert told(found) == {
        "severity": "high",
        "subject": "qtc",
        "title": "Long QTc",
        "question": (
            "ECG, potassium and magnesium, other drugs that slow the heart or lengthen QT; review the analogue?"
        ),
        "why": "QTc 490 ms on 2024-01-10 (baseline 390 ms on 2024-01-01).",
        "since": 9,
        "evidence": ["qtc@0", "qtc@9"],
        "compared": ("baseline", 390, "ms", 0, None),
        "thresholds": ["qtc_long", "qtc_rise", "qtc_urgent"],
        "suppressed": [("rise of QTc over its baseline", "different devices: A and B")],
        "missing": ["potassium", "magnesium"],
    }


def test_all_that_a_first_long_qtc_says() -> None:
    found = findings(9, qtc(9, 490))["R23"]
    assert told(found) == {
        "severity": "high",
        "subject": "qtc",
        "title": "Long QTc",
        "question": (
            "ECG, potassium and magnesium, other drugs that slow the heart or lengthen QT; review the analogue?"
        ),
        "why": "QTc 490 ms on 2024-01-10.",
        "since": 9,
        "evidence": ["qtc@9"],
        "thresholds": ["qtc_long", "qtc_rise", "qtc_urgent"],
        "missing": ["potassium", "magnesium", "device"],
    }


def test_all_that_a_fast_pulse_says() -> None:
    found = findings(
        20, pulse(0, 110), pulse(10, 112), symptom(17, "fever"), lab(-80, "haemoglobin", 95, unit="g/L", ref_low=120)
    )["R35"]
    assert told(found) == {
        "severity": "medium",
        "subject": "heart-rate",
        "title": "Fast heart rate at rest",
        "question": "Cardiomyopathy of the syndrome: echocardiogram?",
        "why": (
            "Heart rate 110 /min on 2024-01-01 and heart rate 112 /min on 2024-01-11; also recorded: fever and anaemia."
        ),
        "since": 0,
        "evidence": ["haemoglobin@-80", "heart-rate@0", "heart-rate@10", "symptom@17"],
        "compared": ("upper-limit", 100, "/min", None, None),
        "thresholds": ["tachycardia", "heart_rate_apart"],
    }


def test_all_that_a_pulse_called_fast_says() -> None:
    found = findings(20, pulse(0, None, text="tachycardia"))["R35"]
    assert told(found) == {
        "severity": "medium",
        "subject": "heart-rate",
        "title": "Fast heart rate at rest",
        "question": "Cardiomyopathy of the syndrome: echocardiogram?",
        "why": 'Heart rate "tachycardia" on 2024-01-01.',
        "since": 0,
        "evidence": ["heart-rate@0"],
        "compared": ("upper-limit", 100, "/min", None, None),
        "thresholds": ["tachycardia", "heart_rate_apart"],
    }
