"""R24: hypothyroidism under an analogue, and its central form."""

from __future__ import annotations

import pytest

from clinical.chart import Entry, Result
from tests.clinical.charts import findings, lab, therapy, told


def tsh(day: float, value: float | None, **given: object) -> Result:
    return lab(day, "tsh", value, **{"unit": "m[IU]/L", "ref_low": 0.4, "ref_high": 4.0, **given})


def t4(day: float, value: float | None, **given: object) -> Result:
    return lab(day, "free-t4", value, **{"unit": "ng/dL", "ref_low": 0.9, "ref_high": 1.7, **given})


def severity(day: float, *entries: Entry) -> str | None:
    found = findings(day, *entries)
    return found["R24"].severity if "R24" in found else None


@pytest.mark.parametrize(("apart", "said"), [(27, None), (28, "low"), (84, "low"), (85, None)])
def test_a_high_tsh_counts_when_a_second_one_confirms_it_after_four_to_twelve_weeks(
    apart: int, said: str | None
) -> None:
    assert severity(100, tsh(0, 6.0), tsh(apart, 5.0)) == said


@pytest.mark.parametrize(("apart", "said"), [(27, None), (28, "low"), (84, "low"), (85, None)])
def test_a_low_free_t4_counts_the_same_way(apart: int, said: str | None) -> None:
    assert severity(100, t4(0, 0.8), t4(apart, 0.7)) == said


def test_at_the_limit_is_within_it() -> None:
    assert severity(60, tsh(0, 4.0), tsh(40, 6.0)) is None
    assert severity(60, t4(0, 0.9), t4(40, 0.8)) is None


def test_once_is_not_enough_and_a_normal_one_between_or_after_ends_it() -> None:
    assert severity(60, tsh(0, 6.0)) is None
    assert severity(60, tsh(0, 6.0), tsh(20, 3.0), tsh(40, 6.0)) is None
    assert severity(60, tsh(0, 6.0), tsh(40, 6.0), tsh(50, 3.0)) is None


def test_it_stands_while_later_results_stay_high() -> None:
    found = findings(400, tsh(0, 6.0), tsh(40, 7.0), tsh(300, 8.0))["R24"]
    assert [e.value for e in found.evidence] == [6.0, 7.0, 8.0]
    assert "TSH 6 mIU/L on 2024-01-01" in found.why
    assert found.compared_with is not None
    assert (found.compared_with.kind, found.compared_with.value) == ("upper-limit", 4.0)


def test_it_is_compared_with_the_limit_of_the_latest_result() -> None:
    found = findings(400, tsh(0, 6.0), tsh(40, 7.0), tsh(300, 8.0, ref_high=5.0))["R24"]
    assert found.compared_with is not None
    assert found.compared_with.value == 5.0


def test_where_both_are_confirmed_tsh_tells_and_a_normal_tsh_does_not_hide_a_low_free_t4() -> None:
    low = [t4(0, 0.8), t4(40, 0.7)]
    assert "TSH" in findings(60, *low, tsh(0, 6.0), tsh(40, 7.0))["R24"].why
    assert severity(60, *low, tsh(0, 2.0), tsh(40, 2.0)) == "low"


@pytest.mark.parametrize(("apart", "said"), [(0, "medium"), (7, "medium"), (8, None)])
def test_both_low_in_one_draw_is_central(apart: int, said: str | None) -> None:
    assert severity(20, tsh(0, 0.2), t4(apart, 0.7)) == said


def test_a_low_tsh_with_normal_free_t4_and_the_reverse_are_silent() -> None:
    assert severity(20, tsh(0, 0.2), t4(0, 1.2)) is None
    assert severity(20, tsh(0, 2.0), t4(0, 0.7)) is None


def test_results_without_limits_count_by_their_words_only() -> None:
    bare = {"ref_low": None, "ref_high": None}
    assert severity(60, tsh(0, 60.0, **bare), tsh(40, 60.0, **bare)) is None
    assert severity(60, tsh(0, None, interpretation="H", **bare), tsh(40, None, text="high", **bare)) == "low"


def test_a_sample_without_a_result_says_nothing() -> None:
    assert severity(60, tsh(0, 6.0), tsh(20, None, status="absent"), tsh(40, 6.0)) == "low"


def test_what_was_drawn_in_acute_illness_does_not_count_and_is_shown_as_left_aside() -> None:
    ill = tsh(40, 6.0, disqualifiers=("acute-illness",))
    assert severity(60, tsh(0, 6.0), ill) is None
    assert severity(60, tsh(0, 6.0), tsh(40, 6.0), lab(41, "crp", 150, unit="mg/L")) is None
    found = findings(90, tsh(0, 6.0), ill, tsh(70, 6.0))["R24"]
    assert [(s.what, s.why) for s in found.suppressed] == [("TSH 6 mIU/L on 2024-02-10", "acute illness at the draw")]


def test_levothyroxine_is_named_beside_it() -> None:
    rows = [tsh(0, 6.0), tsh(40, 6.0), therapy(50, "start", drug="levothyroxine")]
    assert "levothyroxine recorded from 2024-02-20" in findings(60, *rows)["R24"].why


def test_all_that_hypothyroidism_says() -> None:
    found = findings(60, tsh(0, 6.0), tsh(40, 7.0), therapy(50, "start", drug="levothyroxine"))["R24"]
    assert told(found) == {
        "severity": "low",
        "subject": "thyroid",
        "title": "Hypothyroidism",
        "question": "Hypothyroidism: treat?",
        "why": ("TSH 6 mIU/L on 2024-01-01 and TSH 7 mIU/L on 2024-02-10; levothyroxine recorded from 2024-02-20."),
        "since": 0,
        "evidence": ["tsh@0", "tsh@40", "therapy@50"],
        "compared": ("upper-limit", 4, "m[IU]/L", None, "limit of the laboratory"),
        "thresholds": ["thyroid_confirm_earliest", "thyroid_confirm_latest"],
    }


def test_all_that_a_low_free_t4_says() -> None:
    found = findings(60, t4(0, 0.8), t4(40, 0.7), t4(50, 0.6, disqualifiers=("acute-illness",)))["R24"]
    assert told(found) == {
        "severity": "low",
        "subject": "thyroid",
        "title": "Hypothyroidism",
        "question": "Hypothyroidism: treat?",
        "why": "Free T4 0.8 ng/dL on 2024-01-01 and free T4 0.7 ng/dL on 2024-02-10.",
        "since": 0,
        "evidence": ["free-t4@0", "free-t4@40"],
        "compared": ("lower-limit", 0.9, "ng/dL", None, "limit of the laboratory"),
        "thresholds": ["thyroid_confirm_earliest", "thyroid_confirm_latest"],
        "suppressed": [("free T4 0.6 ng/dL on 2024-02-20", "acute illness at the draw")],
    }


def test_all_that_central_hypothyroidism_says() -> None:
    found = findings(60, tsh(0, 0.2), t4(3, 0.7))["R24"]
    assert told(found) == {
        "severity": "medium",
        "subject": "thyroid",
        "title": "Central hypothyroidism possible",
        "question": "Hypothyroidism: treat?",
        "why": "TSH 0.2 mIU/L on 2024-01-01 and free T4 0.7 ng/dL on 2024-01-04.",
        "since": 0,
        "evidence": ["tsh@0", "free-t4@3"],
        "compared": ("lower-limit", 0.9, "ng/dL", None, "limit of the laboratory"),
        "thresholds": ["thyroid_together"],
    }
