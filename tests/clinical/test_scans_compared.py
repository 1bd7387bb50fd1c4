"""R08 (slow growth over two scans) and R37 (size and receptors disagree)."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.finding import Finding
from tests.clinical.charts import findings, lesion, operation, response, state, therapy, told

RESIDUAL = state(-10, "residual-stable")
NED = state(-10, "ned-resected")
DOTATATE = "68Ga-DOTATATE PET/CT"


def series(*sums: float | None, every: float = 90, **given: object) -> list[Entry]:
    """One target lesion scanned every so many days; None = not evaluable."""
    return [
        lesion(n * every, "T1", mm, state="measured" if mm is not None else "not-evaluable", signed=True, **given)
        for n, mm in enumerate(sums)
    ]


def growth(*entries: Entry, day: float = 500) -> Finding | None:
    return findings(day, RESIDUAL, *entries).get("R08")


@pytest.mark.parametrize(
    ("sums", "fires"),
    [
        ((100, 110, 110), True),
        ((100, 109.9, 110), False),
        ((100, 110, 109.9), False),
        ((100, 119.9, 119.9), True),
        ((100, 119, 120), False),
        ((40, 45, 45), True),
        ((40, 44.9, 45), False),
        ((40, 45, 44.9), False),
        ((100, 110), False),
        ((100, 80, 88, 90), True),
        ((100, 80, 90, 85), False),
        ((100, 110, None, 111), True),
    ],
)
def test_two_scans_in_a_row_a_tenth_and_5_mm_above_the_nadir(sums: tuple[float | None, ...], fires: bool) -> None:
    assert (growth(*series(*sums)) is not None) is fires


def test_it_says_the_sums_the_nadir_and_the_pace() -> None:
    found = growth(*series(100, 111, 115, every=182.625))
    assert found is not None
    assert (found.severity, found.question) == ("low", "Slow growth: shorten the interval of scans?")
    for part in ("111 and 115 mm", "+15 %", "nadir of 100 mm", "+15 % a year"):
        assert part in found.why
    assert len(found.evidence) == 2
    assert found.compared_with is not None
    assert (found.compared_with.value, found.compared_with.unit) == (100, "mm")


def test_progression_takes_its_place() -> None:
    found = findings(500, RESIDUAL, *series(100, 112, 121))
    assert "R06" in found
    assert "R08" not in found


def test_a_reader_who_sees_progression_takes_its_place() -> None:
    assert growth(*series(100, 112, 114), response(180, "PD", modality="CT")) is None


def test_a_newer_reading_without_measurements_ends_it() -> None:
    assert growth(*series(100, 112, 114), response(300, "SD", modality="CT")) is None


def test_a_newer_scan_that_could_not_be_evaluated_does_not_end_it() -> None:
    assert growth(*series(100, 112, 114), response(300, "NE", modality="CT")) is not None


def test_a_scan_on_which_one_target_was_not_evaluable_is_passed_over() -> None:
    other = [
        lesion(day, "T2", mm, state="measured" if mm else "not-evaluable", signed=True)
        for day, mm in ((0, 50), (90, 56), (180, None), (270, 57))
    ]
    assert growth(*series(50, 56, 56, 57), *other) is not None


def test_calculated_progression_that_a_reader_calls_stable_is_no_slow_growth() -> None:
    assert growth(*series(100, 112, 121), response(180, "SD", modality="CT")) is None


def test_the_pace_counts_from_the_scan_of_the_nadir() -> None:
    found = growth(*series(100, 80, 90, 90))
    assert found is not None
    assert found.why.endswith("+12 % over the nadir of 80 mm, +25 % a year since it.")


def test_where_the_nadir_was_measured_with_other_lesions_no_pace_is_told() -> None:
    """The last scan before PRRT is the new baseline, with the lesion that came in since; its own sum was another."""
    days = ((0, 100, None), (95, 100, 50), (200, 110, 55), (290, 112, 56))
    rows = [lesion(day, "T1", first, signed=True) for day, first, _ in days]
    rows += [lesion(day, "T2", second, signed=True) for day, _, second in days if second is not None]
    found = growth(*rows, operation(97, "prrt"))
    assert found is not None
    assert found.why.endswith("sums of 165 and 168 mm, +12 % over the nadir of 150 mm.")


def test_a_treatment_between_the_scans_starts_anew() -> None:
    assert growth(*series(100, 112, 126), therapy(100, "start", drug="everolimus")) is None


@pytest.mark.parametrize(("prrt", "rule"), [(97, "R07"), (96, "R08")])
def test_within_twelve_weeks_after_prrt_it_is_imaged_again(prrt: float, rule: str) -> None:
    scans = [lesion(day, "T1", mm, signed=True) for day, mm in ((95, 100), (150, 111), (180, 112))]
    found = findings(200, RESIDUAL, *scans, operation(prrt, "prrt"))
    assert {"R07", "R08"} & set(found) == {rule}
    if rule == "R07":
        assert "PRRT" in found["R07"].suppressed[0].why


def disagree(*entries: Entry, day: float = 500) -> Finding | None:
    return findings(day, NED, *entries).get("R37")


CT_NEW = lesion(100, "L1", 12, role="new", modality="CT", site="liver", signed=True)
FOCUS = lesion(100, "F1", role="new", modality=DOTATATE, state="present", signed=True)


@pytest.mark.parametrize("negative", ["NED", "CR"])
def test_a_negative_receptor_scan_does_not_close_a_new_lesion(negative: str) -> None:
    found = disagree(CT_NEW, response(120, negative, modality=DOTATATE))
    assert found is not None
    assert (found.severity, found.question) == ("medium", "Which scan decides? Biopsy?")
    for part in ("CT of 2024-04-10", "a new lesion (L1, liver, 12 mm)", f"{DOTATATE} of 2024-04-30", "20 days apart"):
        assert part in found.why
    assert {e.kind for e in found.evidence} == {"lesion", "response"}


def test_an_equivocal_lesion_or_focus_says_nothing_another_scan_could_contradict() -> None:
    equivocal = lesion(100, "L1", 8, role="new", modality="MRI", state="equivocal", signed=True)
    found = findings(130, NED, equivocal, response(120, "NED", modality="octreotide scan"))
    assert "R07" in found
    assert "R37" not in found
    focus = lesion(100, "F1", role="new", modality=DOTATATE, state="equivocal", signed=True)
    assert disagree(focus, response(90, "NED", modality="CT")) is None


def test_other_names_of_receptor_scans_are_known() -> None:
    assert disagree(CT_NEW, response(120, "NED", modality="octreotide scan")) is not None


def test_a_focus_that_ct_does_not_show_disagrees() -> None:
    found = disagree(FOCUS, response(90, "NED", modality="CT"))
    assert found is not None
    assert "CT of 2024-03-31 does not (NED)" in found.why


def test_progression_elsewhere_does_not_explain_a_focus() -> None:
    found = findings(500, RESIDUAL, FOCUS, response(95, "PD", modality="CT"))
    assert "R37" in found


@pytest.mark.parametrize(("day", "fires"), [(220, True), (221, False)])
def test_they_lie_within_120_days(day: float, fires: bool) -> None:
    assert (disagree(CT_NEW, response(day, "NED", modality=DOTATATE)) is not None) is fires
    assert (disagree(CT_NEW, response(200 - day, "NED", modality=DOTATATE)) is not None) is fires


def test_scans_that_agree_say_nothing() -> None:
    assert disagree(CT_NEW, FOCUS) is None
    assert disagree(response(100, "NED", modality="CT"), response(100, "NED", modality=DOTATATE)) is None
    assert disagree(CT_NEW, response(110, "PD", modality=DOTATATE)) is None
    both = (response(100, "PD", modality="CT"), response(100, "PD", modality=DOTATATE))
    assert findings(500, RESIDUAL, *both).get("R37") is None


def test_receptor_progression_against_a_stable_ct_disagrees() -> None:
    both = (response(100, "SD", modality="CT"), response(100, "PD", modality=DOTATATE))
    assert "R37" in findings(500, RESIDUAL, *both)


def test_one_kind_of_scan_alone_cannot_disagree() -> None:
    assert disagree(CT_NEW) is None
    assert disagree(FOCUS) is None


def test_a_scan_that_could_not_be_read_is_no_negative_one() -> None:
    assert disagree(CT_NEW, response(120, "NE", modality=DOTATATE)) is None
    assert disagree(FOCUS, response(120, "NE", modality="CT")) is None
    unread = lesion(120, "L1", modality=DOTATATE, state="not-evaluable", signed=True)
    assert disagree(CT_NEW, unread) is None


def test_lesions_without_uptake_are_a_negative_scan() -> None:
    assert disagree(CT_NEW, lesion(120, "L1", modality=DOTATATE, state="absent", signed=True)) is not None


def test_a_later_scan_that_shows_the_lesion_too_settles_it() -> None:
    negative = response(120, "NED", modality=DOTATATE)
    shown = lesion(200, "L1", role="new", modality=DOTATATE, state="present", signed=True)
    assert disagree(CT_NEW, negative, shown) is None


def test_a_scan_that_could_not_be_evaluated_but_shows_a_new_lesion_tells_of_it() -> None:
    unread = response(100, "NE", modality="CT")
    assert disagree(CT_NEW, unread, response(120, "NED", modality=DOTATATE)) is not None


def test_a_receptor_scan_without_a_readable_lesion_leaves_the_one_before_it() -> None:
    unread = lesion(120, "L1", modality=DOTATATE, state="not-evaluable", signed=True)
    assert disagree(CT_NEW, response(110, "NED", modality=DOTATATE), unread) is not None


def test_a_new_lesion_beside_known_disease_is_not_closed_by_a_negative_receptor_scan() -> None:
    assert "R37" in findings(500, RESIDUAL, CT_NEW, response(120, "NED", modality=DOTATATE))


def test_a_tumour_seen_without_disease_is_named_and_so_is_a_scan_of_unknown_modality() -> None:
    found = disagree(lesion(100, "L1", 14, signed=True), response(120, "NED", modality=DOTATATE))
    assert found is not None
    assert found.why.startswith("CT or MRI of 2024-04-10 shows tumour (L1, 14 mm), 68Ga-DOTATATE PET/CT of 2024-04-30")


def test_a_baseline_does_not_show_a_focus_and_has_no_verdict() -> None:
    found = findings(500, RESIDUAL, FOCUS, lesion(90, "T1", 50, modality="CT", signed=True)).get("R37")
    assert found is not None
    assert found.why.endswith("CT of 2024-03-31 does not; 10 days apart.")


def test_all_that_growth_soon_after_prrt_says() -> None:
    found = findings(
        200,
        RESIDUAL,
        *(lesion(day, "T1", mm, signed=True) for day, mm in ((95, 100), (150, 111), (180, 112))),
        operation(97, "prrt"),
    )["R07"]
    assert told(found) == {
        "severity": "medium",
        "subject": "imaging",
        "title": "Growth on a scan soon after PRRT",
        "question": "Which test next? Re-image in 6-12 weeks?",
        "why": (
            "Scan of 2024-06-29: +12 % over the nadir of 100 mm; PRRT on 2024-04-07, 83 days before the scan: "
            "pseudo-progression is possible for 12 weeks."
        ),
        "since": 180,
        "evidence": ["lesion@180"],
        "compared": ("nadir", 100, "mm", None, "baseline 100 mm"),
        "thresholds": ["recist_progression", "recist_progression_least"],
        "suppressed": [
            (
                "growth on a scan (R06, R08)",
                ("PRRT on 2024-04-07, 83 days before the scan: pseudo-progression is possible for 12 weeks"),
            )
        ],
        "missing": ["modality"],
    }


def test_all_that_slow_growth_says() -> None:
    found = findings(500, RESIDUAL, *series(100, 111, 115, every=182.625))["R08"]
    assert told(found) == {
        "severity": "low",
        "subject": "imaging",
        "title": "Slow growth below progression",
        "question": "Slow growth: shorten the interval of scans?",
        "why": (
            "Scans of 2024-07-01 and 2024-12-31: sums of 111 and 115 mm, +15 % over the nadir of 100 mm, +15 % "
            "a year since it."
        ),
        "since": 182.625,
        "evidence": ["lesion@182.625", "lesion@365.25"],
        "compared": ("nadir", 100, "mm", None, None),
        "thresholds": ["slow_growth", "slow_growth_least", "recist_progression"],
    }


def test_all_that_a_negative_receptor_scan_against_a_lesion_says() -> None:
    found = findings(500, NED, CT_NEW, response(120, "NED", modality=DOTATATE))["R37"]
    assert told(found) == {
        "severity": "medium",
        "subject": "scans",
        "title": "CT or MRI and receptor imaging disagree",
        "question": "Which scan decides? Biopsy?",
        "why": (
            "CT of 2024-04-10 shows a new lesion (L1, liver, 12 mm), 68Ga-DOTATATE PET/CT of 2024-04-30 is "
            "negative; 20 days apart."
        ),
        "since": 120,
        "evidence": ["lesion@100", "response@120"],
        "thresholds": ["scan_disagreement_window"],
    }


def test_all_that_a_focus_that_ct_does_not_show_says() -> None:
    found = findings(500, NED, FOCUS, response(90, "NED"))["R37"]
    assert told(found) == {
        "severity": "medium",
        "subject": "scans",
        "title": "CT or MRI and receptor imaging disagree",
        "question": "Which scan decides? Biopsy?",
        "why": (
            "68Ga-DOTATATE PET/CT of 2024-04-10 shows a new lesion (F1), CT or MRI of 2024-03-31 does not "
            "(NED); 10 days apart."
        ),
        "since": 100,
        "evidence": ["response@90", "lesion@100"],
        "thresholds": ["scan_disagreement_window"],
        "missing": ["modality of the scan of 2024-03-31"],
    }


def test_all_that_receptor_progression_against_a_stable_ct_says() -> None:
    found = findings(500, RESIDUAL, response(100, "SD", modality="CT"), response(100, "PD", modality=DOTATATE))["R37"]
    assert told(found) == {
        "severity": "medium",
        "subject": "scans",
        "title": "CT or MRI and receptor imaging disagree",
        "question": "Which scan decides? Biopsy?",
        "why": ("68Ga-DOTATATE PET/CT of 2024-04-10 shows progression, CT of 2024-04-10 does not (SD); 0 days apart."),
        "since": 100,
        "evidence": ["response@100", "response@100"],
        "thresholds": ["scan_disagreement_window"],
    }
