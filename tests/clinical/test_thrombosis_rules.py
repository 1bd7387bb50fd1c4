"""R26: signs of a clot."""

from __future__ import annotations

import pytest

from clinical.rules import judge_chart
from tests.clinical.charts import PROTOCOL, chart, coded, findings, moment, symptom, told


@pytest.mark.parametrize("name", ["leg-swelling", "chest-pain", "dyspnoea", "stroke-signs"])
def test_each_sign_alone_is_urgent(name: str) -> None:
    found = findings(0, symptom(0, name))["R26"]
    assert found.severity == "urgent"
    assert found.question.endswith("imaging now?")


@pytest.mark.parametrize(("day", "current"), [(30, True), (31, False)])
def test_a_sign_counts_for_thirty_days(day: int, current: bool) -> None:
    assert ("R26" in findings(day, symptom(0, "dyspnoea"))) is current


def test_the_rule_says_when_a_sign_is_over() -> None:
    signs = chart(symptom(0, "dyspnoea"), symptom(10, "chest-pain"))
    due = judge_chart(signs, PROTOCOL, moment(10)).next_due
    assert due == moment(31)
    assert [f.rule for f in judge_chart(chart(symptom(0, "dyspnoea")), PROTOCOL, due).findings] == []


def test_other_symptoms_and_denied_ones_are_silent() -> None:
    assert "R26" not in findings(0, symptom(0, "fever"), symptom(0, "leg-swelling", present=False))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("thromboembolism", "Pulmonary embolism and deep vein thrombosis"),
        ("thromboembolism", None),
        ("doppler", "positive, popliteal vein"),
        ("doppler", "Deep vein thrombosis, left leg"),
        ("d-dimer", "raised"),
        ("laboratory", "D-dimer strongly positive"),
        ("ct", "Pulmonary embolism, right heart normal"),
        ("ct", "No pleural effusion; segmental pulmonary embolism"),
        ("ct", "Portal vein thrombosis"),
        ("stroke", "Left hemisphere"),
    ],
)
def test_a_recorded_clot_or_a_positive_test_is_urgent(code: str, text: str | None) -> None:
    assert findings(0, coded(0, code, text=text))["R26"].severity == "urgent"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("doppler", None),
        ("doppler", "normal flow in both legs"),
        ("doppler", "no deep vein thrombosis"),
        ("d-dimer", "normal"),
        ("thromboembolism", "negative"),
        ("thromboembolism", "No"),
        ("thromboembolism", "none"),
        ("stroke", "absent"),
        ("ct", "Pulmonary embolism excluded"),
        ("ct", "no evidence of thrombosis or embolism"),
        ("histology", "Vascular tumour thrombus, perineural invasion"),
        ("procedure", "Embolisation of the hepatic artery"),
        ("grade", "NET G1"),
    ],
)
def test_a_test_without_a_clot_is_silent(code: str, text: str | None) -> None:
    assert "R26" not in findings(0, coded(0, code, text=text))


def test_the_sentence_names_every_current_sign() -> None:
    found = findings(40, symptom(0, "chest-pain"), symptom(30, "leg-swelling"), symptom(38, "dyspnoea"))["R26"]
    assert found.why.startswith("A swollen leg on 2024-01-31 and shortness of breath on 2024-02-08")
    assert len(found.evidence) == 2


def test_all_that_signs_of_a_clot_say() -> None:
    found = findings(
        20,
        symptom(18, "leg-swelling"),
        symptom(10, "leg-swelling"),
        symptom(12, "stroke-signs"),
        coded(11, "d-dimer", text="D-dimer positive"),
    )["R26"]
    assert told(found) == {
        "severity": "urgent",
        "subject": "thrombosis",
        "title": "Thrombosis or embolism possible",
        "question": "Thrombosis or embolism: imaging now?",
        "why": (
            "A swollen leg on 2024-01-11, D-dimer positive on 2024-01-12, signs of a stroke on 2024-01-13 and "
            "a swollen leg on 2024-01-19; clots are part of the glucagonoma syndrome."
        ),
        "since": 10,
        "evidence": ["symptom@10", "finding@11", "symptom@12", "symptom@18"],
        "thresholds": ["thrombosis_window"],
    }


def test_all_that_shortness_of_breath_says() -> None:
    found = findings(20, symptom(18, "dyspnoea"), symptom(19, "chest-pain"))["R26"]
    assert told(found) == {
        "severity": "urgent",
        "subject": "thrombosis",
        "title": "Thrombosis or embolism possible",
        "question": "Thrombosis or embolism: imaging now?",
        "why": (
            "Shortness of breath on 2024-01-19 and chest pain on 2024-01-20; clots are part of the glucagonoma "
            "syndrome."
        ),
        "since": 18,
        "evidence": ["symptom@18", "symptom@19"],
        "thresholds": ["thrombosis_window"],
    }
