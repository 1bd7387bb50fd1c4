"""R19: signs of malabsorption that come together, each at its limit, and none of them alone."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from clinical.absorption import absorption_signs, fat_absorption, usual_stools
from clinical.chart import Entry
from clinical.rules import judge_chart
from clinical.units import to_canonical
from tests.clinical.charts import PROTOCOL, chart, findings, lab, moment, symptom, therapy, told

DAY = 200


def stools(day: float, count: float) -> Entry:
    return lab(day, "stools-per-day", count, unit="{stools}/d")


def elastase(day: float, value: float, **given: object) -> Entry:
    return lab(day, "elastase", value, unit="ug/g", **given)


def weight(day: float, value: float) -> Entry:
    return lab(day, "weight", value, unit="kg")


USUAL = (stools(-300, 1), stools(-200, 1), stools(-100, 2))
SIGNS: dict[str, tuple[Entry, ...]] = {
    "stools": (*USUAL, stools(DAY - 20, 5), stools(DAY - 5, 6)),
    "elastase": (elastase(DAY - 10, 150),),
    "weight": (weight(DAY - 183, 70), weight(DAY, 66)),
    "vitamins": (lab(DAY - 10, "vitamin-d", 15, unit="ng/mL"),),
    "fat": (lab(DAY - 10, "faecal-fat", 9, unit="g/d"),),
}


@pytest.mark.parametrize("name", SIGNS)
def test_one_sign_alone_is_seen_and_is_no_finding(name: str) -> None:
    signs = absorption_signs(chart(*SIGNS[name]), PROTOCOL, moment(DAY + 0.5))
    assert [sign.name for sign in signs] == [name]
    assert "R19" not in findings(DAY, *SIGNS[name])


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(SIGNS, 2)))
def test_any_two_signs_are_a_finding(one: str, other: str) -> None:
    found = findings(DAY, *SIGNS[one], *SIGNS[other])["R19"]
    assert found.severity == "medium"
    assert found.question.startswith("Pancreatic insufficiency")


@pytest.mark.parametrize(("now", "severity"), [(63.1, "medium"), (63, "high"), (66.5, "medium"), (66.6, None)])
def test_a_tenth_of_the_weight_makes_it_high(now: float, severity: str | None) -> None:
    found = findings(DAY, weight(DAY - 183, 70), weight(DAY, now), *SIGNS["elastase"])
    assert (found["R19"].severity if "R19" in found else None) == severity


def _with_elastase(*entries: Entry) -> bool:
    return "R19" in findings(DAY, *entries, *SIGNS["elastase"])


def test_four_stools_more_than_usual_on_two_days() -> None:
    assert _with_elastase(*USUAL, stools(DAY - 20, 5), stools(DAY - 5, 5))
    assert not _with_elastase(*USUAL, stools(DAY - 20, 5), stools(DAY - 5, 4.9))
    assert not _with_elastase(*USUAL, stools(DAY - 5, 5))
    assert not _with_elastase(*USUAL, stools(DAY - 20, 5), stools(DAY - 5, 6), stools(DAY - 1, 2))
    assert not _with_elastase(*USUAL, stools(DAY - 5.9, 5), stools(DAY - 5.1, 6)), "one day"


def test_what_is_usual_is_what_was_before_the_analogue_else_the_first_three() -> None:
    start = therapy(-150, "start", drug="lanreotide", interval_days=28)
    counts = (stools(-300, 1), stools(-200, 3), stools(-100, 6), stools(-90, 6))
    assert usual_stools(chart(*counts)) == 3
    assert usual_stools(chart(*counts, start)) == 2
    assert usual_stools(chart()) is None


@pytest.mark.parametrize("name", ["oily-stool", "steatorrhoea"])
def test_oily_stools_on_two_visits(name: str) -> None:
    assert _with_elastase(symptom(DAY - 60, name), symptom(DAY - 5, name))
    assert not _with_elastase(symptom(DAY - 5, name))
    assert not _with_elastase(symptom(DAY - 60, name), symptom(DAY - 5, name), symptom(DAY - 1, name, present=False))
    assert not _with_elastase(symptom(DAY - 60, "diarrhoea"), symptom(DAY - 5, "diarrhoea"))


def test_an_oily_stool_and_many_stools_on_two_days_join() -> None:
    assert _with_elastase(*USUAL, stools(DAY - 20, 6), symptom(DAY - 5, "oily-stool"))


def test_stools_of_more_than_half_a_year_ago_are_past() -> None:
    two = (symptom(0, "oily-stool"), symptom(10, "oily-stool"), *SIGNS["elastase"])
    whole = chart(*two)
    assert "stools" in {s.name for s in absorption_signs(whole, PROTOCOL, moment(182.9))}
    assert "stools" not in {s.name for s in absorption_signs(whole, PROTOCOL, moment(183))}


@pytest.mark.parametrize(
    ("result", "low"),
    [
        (elastase(DAY - 5, 200), False),
        (elastase(DAY - 5, 199), True),
        (elastase(DAY - 5, 15, comparator="<"), True),
        (elastase(DAY - 5, 500, comparator=">"), False),
        (elastase(DAY - 5, 90, disqualifiers=("watery-stool",)), False),
        (elastase(DAY - 5, 90, text="watery sample"), False),
        (elastase(DAY - 400, 90), True),
        (elastase(DAY - 401, 90), False),
    ],
)
def test_faecal_elastase(result: Entry, low: bool) -> None:
    assert ("R19" in findings(DAY - 1, result, *SIGNS["fat"])) is low


def test_a_normal_elastase_does_not_close_it() -> None:
    assert "R19" in findings(DAY, elastase(DAY - 5, 400), *SIGNS["weight"], *SIGNS["vitamins"])


def test_a_low_elastase_of_a_watery_stool_is_shown_as_held_back() -> None:
    watery = (elastase(DAY - 5, 90), symptom(DAY - 5, "watery-stool"))
    assert "R19" not in findings(DAY, *watery, *SIGNS["fat"])
    (held,) = judge_chart(chart(*watery), PROTOCOL, moment(DAY)).suppressed
    assert held.why == "watery stool"
    normal = (elastase(DAY - 5, 300), symptom(DAY - 5, "watery-stool"))
    assert judge_chart(chart(*normal), PROTOCOL, moment(DAY)).suppressed == ()


def test_what_was_held_back_stands_beside_the_finding_too() -> None:
    loose = elastase(DAY - 10, 150, disqualifiers=("watery-stool",))
    found = findings(DAY, loose, *SIGNS["weight"], *SIGNS["fat"])["R19"]
    assert told(found)["suppressed"] == [("faecal elastase 150 \u00b5g/g of 2024-07-09", "watery stool")]


def test_a_heavy_loss_of_long_ago_does_not_make_it_high() -> None:
    lost = [weight(0, 70), weight(100, 60)]
    later = [lab(400, "faecal-fat", 9, unit="g/d"), lab(400, "vitamin-d", 15, unit="ng/mL")]
    assert findings(400, *lost, *later)["R19"].severity == "medium"


def test_how_low_the_elastase_is_stands_in_the_sentence() -> None:
    assert "Low faecal elastase" in findings(DAY, elastase(DAY - 5, 100), *SIGNS["fat"])["R19"].why
    assert "Severely low faecal elastase" in findings(DAY, elastase(DAY - 5, 99), *SIGNS["fat"])["R19"].why


@pytest.mark.parametrize(
    "vitamin",
    [
        lab(DAY - 5, "vitamin-a", 15),
        lab(DAY - 5, "vitamin-d", 15),
        lab(DAY - 5, "vitamin-e", to_canonical("vitamin-e", Decimal(10), "umol/L")),
        lab(DAY - 5, "vitamin-k1", 0.1, ref_low=0.15),
        lab(DAY - 5, "inr", 1.4),
        lab(DAY - 5, "pivka-ii", 5, ref_high=2),
    ],
)
def test_any_fat_soluble_vitamin_counts(vitamin: Entry) -> None:
    assert "R19" in findings(DAY, vitamin, *SIGNS["fat"])


@pytest.mark.parametrize("other", [lab(DAY - 5, "zinc", 40), lab(DAY - 5, "b12", 100)])
def test_other_deficiencies_do_not_count(other: Entry) -> None:
    assert "R19" not in findings(DAY, other, *SIGNS["fat"])


@pytest.mark.parametrize(("grams", "flagged"), [(7, False), (7.1, True)])
def test_faecal_fat(grams: float, flagged: bool) -> None:
    assert ("R19" in findings(DAY, lab(DAY - 5, "faecal-fat", grams), *SIGNS["elastase"])) is flagged


def test_the_coefficient_of_fat_absorption() -> None:
    """Reference section 7: 100 g in and 9 g out is 91 %."""
    assert fat_absorption(100, 9) == pytest.approx(0.91)
    assert "91 % absorbed if 100 g a day were eaten" in findings(DAY, *SIGNS["fat"], *SIGNS["elastase"])["R19"].why
    with pytest.raises(ValueError, match="fat eaten"):
        fat_absorption(0, 1)


def test_weight_counts_while_it_is_of_the_last_half_year() -> None:
    entries = (weight(0, 70), weight(100, 60), lab(200, "faecal-fat", 9))
    assert "R19" in findings(282, *entries)
    assert "R19" not in findings(283, *entries)
    assert judge_chart(chart(*entries), PROTOCOL, moment(250)).next_due == moment(283)


def test_it_names_the_analogue_the_enzymes_and_what_was_never_measured() -> None:
    treatment = (therapy(0, "start", drug="lanreotide", interval_days=28), therapy(50, "start", drug="pancreatin"))
    found = findings(DAY, *SIGNS["weight"], *SIGNS["vitamins"], *treatment)["R19"]
    assert "on pancreatin since 2024-02-20" in found.why
    assert "on lanreotide since 2024-01-01" in found.why
    assert found.not_recorded == ("faecal elastase", "usual stools a day")
    assert "vitamins A, D, E, K" in findings(DAY, *SIGNS["weight"], *SIGNS["fat"])["R19"].not_recorded


def test_all_that_malabsorption_says() -> None:
    found = findings(
        200,
        *SIGNS["stools"],
        *SIGNS["weight"],
        elastase(190, 150),
        symptom(189, "diarrhoea"),
        therapy(0, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28),
        therapy(100, "start", drug="pancreatin"),
    )["R19"]
    assert told(found) == {
        "severity": "medium",
        "subject": "malabsorption",
        "title": "Malabsorption possible",
        "question": "Pancreatic insufficiency: work-up, dietitian, part of the analogue?",
        "why": (
            "5 stools a day on 2024-06-29 (usually 1) and 6 stools a day on 2024-07-14 (usually 1); low faecal "
            "elastase 150 µg/g on 2024-07-09; weight 66 kg on 2024-07-19, 5.7 % less than 70 kg on 2024-01-18; "
            "on pancreatin since 2024-04-10; on lanreotide since 2024-01-01 (200 days)."
        ),
        "since": 17,
        "evidence": ["weight@17", "stools-per-day@180", "elastase@190", "stools-per-day@195", "weight@200"],
        "thresholds": [
            "absorption_signs",
            "stools_more",
            "oily_visits",
            "absorption_window",
            "elastase_low",
            "elastase_severe",
            "absorption_result_window",
            "weight_loss_low",
            "weight_baseline",
        ],
        "missing": ["vitamins A, D, E, K"],
    }


def test_all_that_malabsorption_without_weights_says() -> None:
    found = findings(200, elastase(190, 150), lab(190, "vitamin-d", 15, unit="ng/mL"))["R19"]
    assert told(found) == {
        "severity": "medium",
        "subject": "malabsorption",
        "title": "Malabsorption possible",
        "question": "Pancreatic insufficiency: work-up, dietitian, part of the analogue?",
        "why": "Low faecal elastase 150 µg/g on 2024-07-09; low vitamin D 15 ng/mL on 2024-07-09.",
        "since": 190,
        "evidence": ["elastase@190", "vitamin-d@190"],
        "thresholds": [
            "absorption_signs",
            "elastase_low",
            "elastase_severe",
            "absorption_result_window",
            "vitamin_d_low",
        ],
        "missing": ["usual stools a day"],
    }


def test_all_that_malabsorption_says_of_what_nobody_measured() -> None:
    found = findings(200, weight(17, 70), weight(200, 66), lab(190, "faecal-fat", 9, unit="g/d"))["R19"]
    assert told(found) == {
        "severity": "medium",
        "subject": "malabsorption",
        "title": "Malabsorption possible",
        "question": "Pancreatic insufficiency: work-up, dietitian, part of the analogue?",
        "why": (
            "Weight 66 kg on 2024-07-19, 5.7 % less than 70 kg on 2024-01-18; faecal fat 9 g/d on 2024-07-09, "
            "91 % absorbed if 100 g a day were eaten."
        ),
        "since": 17,
        "evidence": ["weight@17", "faecal-fat@190", "weight@200"],
        "thresholds": [
            "absorption_signs",
            "weight_loss_low",
            "weight_baseline",
            "absorption_window",
            "faecal_fat_high",
            "absorption_result_window",
        ],
        "missing": ["faecal elastase", "vitamins A, D, E, K", "usual stools a day"],
    }
