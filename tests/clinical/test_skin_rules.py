"""R11 and R12: skin that is worse, with and without stable disease shown beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clinical.chart import Entry
from clinical.skin import skin_worse
from tests.clinical.charts import (
    PROTOCOL,
    but_schedule,
    chart,
    findings,
    glucagon,
    lab,
    lesion,
    moment,
    response,
    skin,
    state,
    therapy,
    told,
)

STATE = state(-300, "residual-stable")
SHOTS = [therapy(-100 + 28 * n, "injection", drug="lanreotide", dose=120, interval_days=28) for n in range(6)]
SKIN = [skin(0, iga=1), skin(60, iga=3, infection="none", new_drug="none"), skin(69, iga=3)]
GLUCAGON = [glucagon(-30, 70), glucagon(-2, 72), glucagon(54, 68)]
SCAN = response(9, "SD", modality="CT")
NUTRIENTS: dict[str, Entry] = {
    "zinc": lab(60, "zinc", 82, unit="ug/dL", fasting=True),
    "albumin": lab(60, "albumin", 38, unit="g/L"),
    "amino-acids": lab(60, "amino-acids", 2500, unit="umol/L", ref_low=2000),
}


def relapse(**changed: Entry | None) -> list[Entry]:
    """Vector (a) of the clinical reference, with nutrients exchanged or left out."""
    nutrients = [e for e in (NUTRIENTS | changed).values() if e is not None]
    return [STATE, *SHOTS, *SKIN, *GLUCAGON, SCAN, *nutrients]


def test_skin_worse_with_stable_disease_on_an_analogue_is_r11() -> None:
    found = findings(69, *relapse())
    assert {"R11", "R12"} & set(found) == {"R11"}
    finding = found["R11"]
    assert finding.severity == "medium"
    for part in ("IGA 3 after 1", "2024-03-10", "zinc 82 µg/dL", "scan of 2024-01-10 SD", "lanreotide"):
        assert part in finding.why


def test_low_zinc_makes_it_r12() -> None:
    found = findings(69, *relapse(zinc=lab(60, "zinc", 55, unit="ug/dL", fasting=True)))
    assert {"R11", "R12"} & set(but_schedule(found)) == {"R12"}
    assert "zinc 55 µg/dL" in found["R12"].why
    assert found["R12"].severity == "medium"


@pytest.mark.parametrize("missing", ["zinc", "albumin", "amino-acids"])
def test_a_nutrient_nobody_measured_makes_it_r12_and_is_named(missing: str) -> None:
    found = findings(69, *relapse(**{missing: None}))
    assert {"R11", "R12"} & set(but_schedule(found)) == {"R12"}
    assert any(missing.split("-")[0] in name for name in found["R12"].not_recorded)


@pytest.mark.parametrize(("ratio", "rule", "word"), [(0.2, "R11", "not low"), (0.21, "R12", "abnormal")])
def test_essential_fatty_acids_stand_for_amino_acids(ratio: float, rule: str, word: str) -> None:
    fatty = lab(60, "efa-ratio", ratio, unit="1")
    found = findings(69, *relapse(**{"amino-acids": None}), fatty)
    assert {"R11", "R12"} & set(found) == {rule}
    assert f"triene:tetraene ratio {ratio} on 2024-03-01 ({word})" in found[rule].why


def test_a_nutrient_without_its_limit_is_missing_one_and_a_word_of_the_laboratory_is_enough() -> None:
    bare = lab(60, "amino-acids", 2500, unit="umol/L")
    limit = "a limit for amino acids 2500 \u00b5mol/L on 2024-03-01"
    assert limit in findings(69, *relapse(**{"amino-acids": bare}))["R12"].not_recorded
    worded = lab(60, "amino-acids", None, text="normal")
    assert (
        'amino acids "normal" on 2024-03-01 (not low)' in findings(69, *relapse(**{"amino-acids": worded}))["R11"].why
    )


def test_an_old_scan_makes_it_r12() -> None:
    found = findings(69, *[e for e in relapse() if e is not SCAN], response(69 - 300, "SD"))
    assert {"R11", "R12"} & set(but_schedule(found)) == {"R12"}


def test_without_an_analogue_it_is_r12() -> None:
    assert "R11" not in findings(69, *[e for e in relapse() if e not in SHOTS])


def test_an_infection_makes_it_r12() -> None:
    infected = [e for e in relapse() if e is not SKIN[1]] + [skin(60, iga=3, infection="suspected", new_drug="none")]
    assert {"R11", "R12"} & set(findings(69, *infected)) == {"R12"}


def test_a_drug_that_gives_a_rash_is_named_and_silences_nothing() -> None:
    start = therapy(-250, "start", drug="everolimus")
    assert "everolimus" in findings(69, *relapse(), start)["R11"].why


def test_a_drug_stopped_before_gives_no_rash_and_one_started_that_day_may() -> None:
    stopped = [therapy(-250, "start", drug="everolimus"), therapy(-50, "stop", drug="everolimus")]
    assert "everolimus" not in findings(69, *relapse(), *stopped)["R11"].why
    assert "everolimus" in findings(69, *relapse(), *stopped, therapy(69, "start", drug="everolimus"))["R11"].why


@pytest.mark.parametrize("none", ["none", "No", ""])
def test_a_note_that_there_is_no_new_drug_names_none(none: str) -> None:
    noted = [e for e in relapse() if e is not SKIN[1]] + [skin(60, iga=3, infection="none", new_drug=none)]
    assert findings(69, *noted)["R11"].why.endswith("no infection and no new drug.")


def test_what_was_recorded_on_the_last_day_of_its_window_is_recent_enough() -> None:
    looked_at = skin(9, iga=1, infection="none", new_drug="none")
    nutrients = [replace(entry, effective=moment(9), known_at=moment(9)) for entry in NUTRIENTS.values()]
    rows = [STATE, *SHOTS, looked_at, skin(60, iga=3), skin(69, iga=3), *nutrients]
    oldest = [glucagon(69 - 90, 70), response(69 - 180, "SD")]
    assert "R11" in findings(69, *rows, *oldest)
    assert "glucagon within 90 days" in findings(69, *rows, glucagon(69 - 91, 70), oldest[1])["R12"].why
    assert "scan within 180 days" in findings(69, *rows, oldest[0], response(69 - 181, "SD"))["R12"].why
    for missing in ("infection", "new drugs"):
        day_earlier = skin(8, iga=1, infection="none", new_drug="none")
        stale = [e for e in (*rows, *oldest) if e is not looked_at]
        assert missing in findings(69, *stale, day_earlier)["R12"].not_recorded


def test_an_invalid_glucagon_does_not_stand_for_a_stable_one() -> None:
    fed = [glucagon(54, 68, fasting=False)]
    found = findings(69, *[e for e in relapse() if e not in GLUCAGON], *fed)
    assert "a valid glucagon within 90 days" in found["R12"].not_recorded


def test_a_glucagon_above_its_limit_that_does_not_rise_is_stable_where_disease_is_known() -> None:
    raised = [glucagon(day, 300) for day in (-30, -2, 54)]
    assert "R11" in findings(69, *[e for e in relapse() if e not in GLUCAGON], *raised)


def test_without_evidence_of_disease_a_normal_glucagon_is_stable() -> None:
    assert "R11" in findings(69, *[e for e in relapse() if e is not STATE], state(-300, "ned-resected"))


def test_a_scan_that_could_not_be_evaluated_leaves_the_one_before_it() -> None:
    assert "scan of 2024-01-10 SD" in findings(69, *relapse(), response(20, "NE", modality="CT"))["R11"].why


def test_a_scan_may_be_known_by_its_measurements_alone() -> None:
    measured = [lesion(day, "T1", 50, modality="CT", signed=True) for day in (-100, 9)]
    assert "scan of 2024-01-10 SD" in findings(69, *[e for e in relapse() if e is not SCAN], *measured)["R11"].why


def test_the_assessment_it_is_compared_with_is_the_one_of_the_lowest_grade() -> None:
    before = [skin(0, overall="improved"), skin(20, iga=1), skin(40, iga=0)]
    found = told(findings(60, STATE, *before, skin(60, iga=3))["R12"])
    assert found["compared"] == ("previous", 0, "{score}", 40, "best of the last three assessments")


def test_skin_called_worse_at_the_first_look_is_compared_with_nothing() -> None:
    found = told(findings(10, STATE, skin(10, overall="worse"))["R12"])
    assert found["why"].startswith("Skin worse on 2024-01-11: called worse; not yet confirmed by a second look")
    assert found["compared"] == ("previous", None, None, None, "best of the last three assessments")


def test_bullae_all_over_are_high() -> None:
    severe = [e for e in relapse() if e not in SKIN[1:]]
    severe += [skin(60, iga=4, infection="none", new_drug="none"), skin(69, iga=4)]
    assert findings(69, *severe)["R11"].severity == "high"


def test_words_alone_are_enough_for_worse() -> None:
    found = findings(365, STATE, skin(0, overall="active"), skin(30, overall="improved"), skin(365, overall="active"))
    assert set(but_schedule(found)) == {"R12"}
    assert found["R12"].severity == "low"
    assert "active after improved" in found["R12"].why


def test_active_skin_that_never_was_better_is_not_worse() -> None:
    assert but_schedule(findings(30, STATE, skin(0, overall="active"), skin(30, overall="active"))) == {}


def worse(*looks: Entry) -> bool:
    return skin_worse(chart(*looks), PROTOCOL) is not None


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"iga": 1}, {"iga": 2}, True),
        ({"iga": 0}, {"iga": 1}, False),
        ({"iga": 2}, {"iga": 2}, False),
        ({"bsa": 0}, {"bsa": 5}, True),
        ({"bsa": 20}, {"bsa": 30}, True),
        ({"bsa": 4}, {"bsa": 9}, True),
        ({"bsa": 4}, {"bsa": 8.9}, False),
        ({"bsa": 20}, {"bsa": 29}, False),
        ({"erosion": 0}, {"erosion": 1, "sites": ("groin",)}, True),
        ({"erosion": 0}, {"erosion": 1, "sites": ("trunk",)}, False),
        ({"erosion": 0}, {"erosion": 1, "mucosal": 1}, True),
        ({"overall": "clear"}, {"erosion": 1, "sites": ("groin",)}, True),
        ({"overall": "stable"}, {"erosion": 1, "sites": ("groin",)}, False),
        ({"erosion": 1, "sites": ("groin",)}, {"erosion": 2, "sites": ("groin",)}, False),
    ],
)
def test_one_component_can_say_worse(before: dict[str, object], now: dict[str, object], expected: bool) -> None:
    assert worse(skin(0, **before), skin(30, **now)) is expected


def test_each_component_is_compared_with_its_own_best() -> None:
    change = skin_worse(chart(skin(0, iga=1), skin(20, iga=0), skin(40, iga=3)), PROTOCOL)
    assert change is not None
    assert change.changes == ("IGA 3 after 0 on 2024-01-21",)
    assert worse(skin(0, bsa=10), skin(20, bsa=4), skin(40, bsa=9))
    assert worse(skin(0, bsa=0.5), skin(20, bsa=0), skin(40, bsa=5.2))
    mucosa = skin_worse(chart(skin(0, erosion=0), skin(40, erosion=1, mucosal=1)), PROTOCOL)
    assert mucosa is not None
    assert mucosa.changes == ("new erosion at a predilection site (mucosa)",)


def test_a_note_without_severity_ends_no_worsening() -> None:
    assert worse(skin(0, iga=1), skin(30, iga=3), skin(35, infection="none"))


def test_it_is_compared_with_the_best_of_the_last_three() -> None:
    assert worse(*(skin(10 * n, iga=iga) for n, iga in enumerate((1, 2, 2, 2))))
    recovered = [skin(10 * n, iga=iga) for n, iga in enumerate((0, 3, 0, 0, 0, 0))]
    assert not worse(*recovered)


@pytest.mark.parametrize(("days", "confirmed"), [(2, False), (3, True), (21, True), (22, False)])
def test_a_second_look_confirms_after_3_to_21_days(days: int, confirmed: bool) -> None:
    found = skin_worse(chart(skin(0, iga=1), skin(60, iga=3), skin(60 + days, iga=3)), PROTOCOL)
    assert found is not None
    assert (found.confirmed_by is not None) is confirmed


def test_the_same_rater_does_not_confirm_himself() -> None:
    found = skin_worse(chart(skin(0, iga=1), skin(60, iga=3, rater="A"), skin(69, iga=3, rater="A")), PROTOCOL)
    assert found is not None
    assert found.confirmed_by is None
    assert found.same_rater


def test_all_that_a_skin_recurrence_says() -> None:
    found = findings(69, *relapse())["R11"]
    assert told(found) == {
        "severity": "medium",
        "subject": "skin",
        "title": "Skin recurrence with stable disease",
        "question": "Skin recurrence with stable disease and markers: review SSA dose/interval; nutrient cause?",
        "why": (
            "Skin worse on 2024-03-10: IGA 3 after 1 on 2024-01-01; confirmed on 2024-03-10; on lanreotide; "
            "glucagon without a rise on 2024-02-24, scan of 2024-01-10 SD, zinc 82 µg/dL on 2024-03-01 (not "
            "low), albumin 38 g/L on 2024-03-01 (not low), amino acids 2500 µmol/L on 2024-03-01 (not low), no "
            "infection and no new drug."
        ),
        "since": 60,
        "evidence": [
            "skin@0",
            "response@9",
            "glucagon@54",
            "albumin@60",
            "amino-acids@60",
            "skin@60",
            "zinc@60",
            "skin@69",
        ],
        "compared": ("previous", 1, "{score}", 0, "best of the last three assessments"),
        "thresholds": [
            "skin_iga_step",
            "skin_iga_least",
            "skin_bsa_points",
            "skin_bsa_relative",
            "skin_glucagon_window",
            "skin_imaging_window",
            "skin_nutrient_window",
        ],
    }


def test_all_that_worse_skin_without_causes_looked_for_says() -> None:
    found = findings(69, skin(0, iga=1), skin(60, iga=2))["R12"]
    assert told(found) == {
        "severity": "low",
        "subject": "skin",
        "title": "Skin is worse, not yet confirmed",
        "question": "Order zinc, amino acids, albumin, swab or biopsy?",
        "why": (
            "Skin worse on 2024-03-01: IGA 2 after 1 on 2024-01-01; not yet confirmed by a second look after "
            "3-21 days; not on an analogue; missing: a valid glucagon within 90 days, a scan that was read, "
            "zinc, albumin, amino acids or essential fatty acids, infection and new drugs."
        ),
        "since": 60,
        "evidence": ["skin@0", "skin@60"],
        "compared": ("previous", 1, "{score}", 0, "best of the last three assessments"),
        "thresholds": [
            "skin_iga_step",
            "skin_iga_least",
            "skin_bsa_points",
            "skin_bsa_relative",
            "skin_glucagon_window",
            "skin_imaging_window",
            "skin_nutrient_window",
        ],
        "missing": [
            "a valid glucagon within 90 days",
            "a scan that was read",
            "zinc",
            "albumin",
            "amino acids or essential fatty acids",
            "infection",
            "new drugs",
        ],
    }


def test_all_that_worse_skin_of_one_rater_says() -> None:
    found = findings(
        69,
        STATE,
        skin(0, bsa=4),
        skin(60, bsa=12, iga=3, infection="suspected", new_drug="rifampicin", rater="A"),
        skin(69, bsa=12, iga=3, rater="A"),
        glucagon(-60, 60),
        glucagon(0, 160),
        response(60, "PD", modality="CT"),
    )["R12"]
    assert told(found) == {
        "severity": "medium",
        "subject": "skin",
        "title": "Skin is worse, not yet confirmed",
        "question": "Order zinc, amino acids, albumin, swab or biopsy?",
        "why": (
            "Skin worse on 2024-03-10: 12 % of the body surface after 4 % on 2024-01-01; seen again by the "
            "same rater, another rater or a photo review is needed; not on an analogue; glucagon is rising; "
            "progression on the scan of 2024-03-01; infection suspected; possible drug rash: rifampicin; "
            "missing: zinc, albumin and amino acids or essential fatty acids."
        ),
        "since": 60,
        "evidence": ["skin@0", "response@60", "skin@60", "skin@69"],
        "compared": ("previous", None, None, 0, "best of the last three assessments"),
        "thresholds": [
            "skin_iga_step",
            "skin_iga_least",
            "skin_bsa_points",
            "skin_bsa_relative",
            "skin_glucagon_window",
            "skin_imaging_window",
            "skin_nutrient_window",
        ],
        "missing": ["zinc", "albumin", "amino acids or essential fatty acids"],
    }


def test_all_that_worse_skin_with_an_old_scan_says() -> None:
    found = findings(
        69,
        STATE,
        *SHOTS,
        *SKIN,
        glucagon(69 - 91, 70),
        response(69 - 300, "SD", modality="CT"),
        therapy(0, "start", drug="everolimus"),
    )["R12"]
    assert told(found) == {
        "severity": "medium",
        "subject": "skin",
        "title": "Skin is worse",
        "question": "Order zinc, amino acids, albumin, swab or biopsy?",
        "why": (
            "Skin worse on 2024-03-10: IGA 3 after 1 on 2024-01-01; confirmed on 2024-03-10; no infection; "
            "possible drug rash: everolimus; missing: a valid glucagon within 90 days, a scan within 180 days "
            "(last SD on 2023-05-15), zinc, albumin and amino acids or essential fatty acids."
        ),
        "since": 60,
        "evidence": ["skin@0", "skin@60", "skin@69"],
        "compared": ("previous", 1, "{score}", 0, "best of the last three assessments"),
        "thresholds": [
            "skin_iga_step",
            "skin_iga_least",
            "skin_bsa_points",
            "skin_bsa_relative",
            "skin_glucagon_window",
            "skin_imaging_window",
            "skin_nutrient_window",
        ],
        "missing": [
            "a valid glucagon within 90 days",
            "a scan within 180 days (last SD on 2023-05-15)",
            "zinc",
            "albumin",
            "amino acids or essential fatty acids",
        ],
    }


def test_all_that_worse_skin_with_glucagon_above_its_limit_says() -> None:
    found = findings(
        69, state(-300, "ned-resected"), *SHOTS, *SKIN, glucagon(-30, 70), glucagon(54, 85), SCAN, *NUTRIENTS.values()
    )["R12"]
    assert told(found) == {
        "severity": "medium",
        "subject": "skin",
        "title": "Skin is worse",
        "question": "Order zinc, amino acids, albumin, swab or biopsy?",
        "why": (
            "Skin worse on 2024-03-10: IGA 3 after 1 on 2024-01-01; confirmed on 2024-03-10; glucagon is above "
            "its limit; scan of 2024-01-10 SD; zinc 82 µg/dL on 2024-03-01 (not low); albumin 38 g/L on "
            "2024-03-01 (not low); amino acids 2500 µmol/L on 2024-03-01 (not low); no infection; no new drug."
        ),
        "since": 60,
        "evidence": [
            "skin@0",
            "response@9",
            "glucagon@54",
            "albumin@60",
            "amino-acids@60",
            "skin@60",
            "zinc@60",
            "skin@69",
        ],
        "compared": ("previous", 1, "{score}", 0, "best of the last three assessments"),
        "thresholds": [
            "skin_iga_step",
            "skin_iga_least",
            "skin_bsa_points",
            "skin_bsa_relative",
            "skin_glucagon_window",
            "skin_imaging_window",
            "skin_nutrient_window",
        ],
    }
