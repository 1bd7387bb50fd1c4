"""R08 (slow growth over two scans) and R37 (size and receptors disagree)."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.finding import Finding
from tests.clinical.charts import findings, lesion, operation, response, state, therapy

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
