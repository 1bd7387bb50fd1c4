"""RECIST 1.1 visit by visit: non-target lesions, nodes at their limits, what was not read, and the reason in words."""

from __future__ import annotations

import pytest

from clinical.chart import Lesion
from clinical.recist import VisitAssessment, assess, change_tenths, target_response
from tests.clinical.charts import lesion


def series(*sums: float) -> tuple[VisitAssessment, ...]:
    """One target lesion, no node, measured every sixty days."""
    return assess(lesion(60 * n, "T1", mm) for n, mm in enumerate(sums))


def nodes(*sums: float) -> tuple[VisitAssessment, ...]:
    """One target node measured every sixty days."""
    return assess(lesion(60 * n, "N1", mm, node=True) for n, mm in enumerate(sums))


# ---- sums in tenths of a millimetre ----------------------------------------------------------------------------------


def test_a_lesion_that_never_was_gone_does_not_come_back() -> None:
    assert target_response(30, 200, 0) == "PR"
    assert target_response(240, 300, 220, was_complete_response=True) == "SD"
    assert series(0, 3)[-1].target == "SD"


def test_after_a_complete_response_the_smallest_length_is_progression_and_nothing_is_not() -> None:
    assert target_response(1, 200, 0, was_complete_response=True) == "PD"
    assert target_response(0, 200, 0, complete=False, was_complete_response=True) == "NE"


def test_every_visit_is_held_against_the_first_baseline() -> None:
    assert [v.target for v in series(100, 90, 65)] == [None, "SD", "PR"]
    assert [v.baseline for v in series(100, 90, 65)] == [None, 100.0, 100.0]


# ---- nodes at ten and fifteen millimetres ----------------------------------------------------------------------------


def test_a_node_of_exactly_ten_millimetres_is_not_gone() -> None:
    assert nodes(20, 10)[-1].target == "PR"
    assert nodes(20, 9.9)[-1].target == "CR"


@pytest.mark.parametrize(("at_first", "later"), [(True, False), (False, True)])
def test_a_node_is_one_wherever_it_was_said(at_first: bool, later: bool) -> None:
    rows = [lesion(0, "N1", 22, node=at_first), lesion(60, "N1", 9, node=later)]
    assert assess(rows)[-1].target == "CR"


@pytest.mark.parametrize(
    ("sums", "node", "regrowing"),
    [
        ((16, 4, 10), True, True),
        ((16, 8, 14.9), True, True),
        ((16, 8, 15), True, False),
        ((30, 5, 12), False, False),
    ],
)
def test_progression_by_a_node_between_ten_and_fifteen_millimetres_says_so(
    sums: tuple[float, ...], node: bool, regrowing: bool
) -> None:
    last = (nodes if node else series)(*sums)[-1]
    assert last.target == "PD"
    assert ("; a node below 15 mm is regrowing" in last.reason) is regrowing


def test_a_shrinking_node_of_twelve_millimetres_is_not_called_regrowing() -> None:
    assert "regrowing" not in nodes(22, 12)[-1].reason


# ---- what was not read -----------------------------------------------------------------------------------------------


def test_a_length_on_a_row_that_was_not_evaluable_is_not_used() -> None:
    rows = [lesion(0, "T1", 20), lesion(0, "T2", 20), lesion(60, "T1", 20)]
    visit = assess([*rows, lesion(60, "T2", 20, state="not-evaluable")])[-1]
    assert (visit.sum_mm, visit.target) == (20.0, "NE")


def test_a_measured_lesion_without_a_length_was_not_read() -> None:
    visit = assess([lesion(0, "T1", 20), lesion(0, "T2", 20), lesion(60, "T1", 20), lesion(60, "T2")])[-1]
    assert (visit.sum_mm, visit.target) == (20.0, "NE")


def test_a_lesion_too_small_keeps_a_length_that_was_measured_all_the_same() -> None:
    assert assess([lesion(0, "T1", 20), lesion(60, "T1", 3, state="too-small")])[-1].sum_mm == 3.0


def test_a_visit_at_which_no_target_lesion_was_read_has_no_sum() -> None:
    visit = assess([lesion(0, "T1", 20), lesion(60, "T1", state="not-evaluable")])[-1]
    assert (visit.sum_mm, visit.target, visit.overall) == (None, "NE", "NE")


def test_where_the_first_scan_was_incomplete_the_first_complete_one_is_the_baseline() -> None:
    first = [lesion(0, "T1", 20), lesion(0, "T2", state="not-evaluable")]
    second = [lesion(60, "T1", 20), lesion(60, "T2", 30)]
    third = [lesion(120, "T1", 20), lesion(120, "T2", 10)]
    visits = assess([*first, *second, *third])
    assert [v.target for v in visits] == [None, "NE", "PR"]
    assert [v.baseline for v in visits] == [None, None, 50.0]
    assert visits[0].reason == "baseline, sum 20 mm; not evaluated: T2"
    assert visits[1].reason == "baseline, sum 50 mm"


# ---- split and merged ------------------------------------------------------------------------------------------------


def test_the_parts_of_a_split_lesion_are_followed_at_later_visits() -> None:
    rows = [
        lesion(0, "T1", 40),
        lesion(60, "T1", state="split", into="T1a; T1b"),
        lesion(60, "T1a", 15),
        lesion(60, "T1b", 12),
        lesion(120, "T1a", 14),
        lesion(120, "T1b", 11),
    ]
    assert [(v.sum_mm, v.target) for v in assess(rows)] == [(40.0, None), (27.0, "PR"), (25.0, "PR")]


def test_a_split_that_names_no_parts_leaves_the_lesion_itself() -> None:
    visit = assess([lesion(0, "T1", 40), lesion(60, "T1", 38, state="split")])[-1]
    assert (visit.sum_mm, visit.target) == (38.0, "SD")


def test_only_a_split_or_a_merger_moves_a_lesion_to_another_name() -> None:
    assert assess([lesion(0, "T1", 40), lesion(60, "T1", 38, into="T2")])[-1].sum_mm == 38.0


def test_a_merged_lesion_is_read_with_the_one_it_merged_into() -> None:
    rows = [lesion(0, "T1", 20), lesion(0, "T2", 20), lesion(60, "T1", state="merged", into="T2"), lesion(60, "T2", 45)]
    assert assess(rows)[-1].target == "SD"


# ---- non-target lesions ----------------------------------------------------------------------------------------------


def non_target(day: float, name: str, state: str = "present", mm: float | None = None, **given: bool) -> Lesion:
    return lesion(day, name, mm, role="non-target", state=state, **given)


BASELINE = [lesion(0, "T1", 20), non_target(0, "A"), non_target(0, "N", "measured", 13, node=True)]
UNCHANGED = lesion(60, "T1", 20)


@pytest.mark.parametrize(
    ("later", "expected", "overall"),
    [
        ([non_target(60, "A"), non_target(60, "N", "measured", 13)], "non-CR/non-PD", "SD"),
        ([non_target(60, "A", "absent"), non_target(60, "N", "measured", 9.9)], "CR", "SD"),
        ([non_target(60, "A", "absent"), non_target(60, "N", "measured", 10)], "non-CR/non-PD", "SD"),
        ([non_target(60, "A", "absent"), non_target(60, "N")], "non-CR/non-PD", "SD"),
        ([non_target(60, "A", "measured", 8), non_target(60, "N", "absent")], "non-CR/non-PD", "SD"),
        ([non_target(60, "A", "measured", 8, node=True), non_target(60, "N", "absent")], "CR", "SD"),
        ([non_target(60, "A", "absent")], "NE", "SD"),
        ([non_target(60, "A", "absent"), non_target(60, "N", "not-evaluable")], "NE", "SD"),
        ([non_target(60, "A", "unequivocal-progression")], "PD", "PD"),
    ],
)
def test_the_non_target_response_and_what_it_makes_of_stable_targets(
    later: list[Lesion], expected: str, overall: str
) -> None:
    visits = assess([*BASELINE, UNCHANGED, *later])
    assert visits[0].non_target is None
    assert (visits[-1].non_target, visits[-1].overall) == (expected, overall)
    assert visits[-1].reason.endswith(f"; non-target lesions {expected}")


def test_non_target_lesions_alone_have_a_response_and_no_sum() -> None:
    visits = assess([non_target(0, "A"), non_target(60, "A"), non_target(120, "A", "absent")])
    assert [(v.sum_mm, v.target, v.overall) for v in visits] == [
        (None, None, None),
        (None, None, "non-CR/non-PD"),
        (None, None, "CR"),
    ]
    assert [v.reason for v in visits] == [
        "baseline without target lesions",
        "non-target lesions non-CR/non-PD",
        "non-target lesions CR",
    ]


# ---- new lesions -----------------------------------------------------------------------------------------------------


def test_a_new_lesion_counts_from_the_scan_that_shows_it_not_from_one_that_does_not() -> None:
    targets = [lesion(day, "T1", 20) for day in (0, 60, 120)]
    shown = lesion(120, "X", 12, role="new")
    for state in ("absent", "not-evaluable"):
        visits = assess([*targets, lesion(60, "X", role="new", state=state), shown])
        assert [v.new for v in visits] == ["no", "no", "yes"]
        assert [v.overall for v in visits] == [None, "SD", "PD"]


def test_nothing_is_new_on_a_baseline_that_follows_disease() -> None:
    assert assess([lesion(0, "T1", 20), lesion(0, "X", role="new", state="equivocal")])[0].new == "no"


# ---- the sentence and the sources ------------------------------------------------------------------------------------


def test_the_reason_names_the_sum_the_nadir_and_the_baseline() -> None:
    visits = series(100, 60, 73.5)
    assert [v.reason for v in visits] == [
        "baseline, sum 100 mm",
        "sum 60 mm, -40.0 % (-40 mm) against the nadir of 100 mm, -40.0 % against the baseline of 100 mm",
        "sum 73.5 mm, +22.5 % (+13.5 mm) against the nadir of 60 mm, -26.5 % against the baseline of 100 mm",
    ]


def test_the_reason_does_not_divide_by_zero() -> None:
    assert series(0, 3)[-1].reason == (
        "sum 3 mm, from zero (+3 mm) against the nadir of 0 mm, from zero against the baseline of 0 mm"
    )


def test_the_reason_lists_everything_that_speaks() -> None:
    baseline = [lesion(0, name, 20) for name in ("T1", "T2", "T3")] + [non_target(0, "A")]
    later = [lesion(60, "T1", 80), non_target(60, "A"), lesion(60, "X", 9, role="new")]
    assert assess([*baseline, *later])[-1].reason == (
        "sum 80 mm, +33.3 % (+20 mm) against the nadir of 60 mm, +33.3 % against the baseline of 60 mm; "
        "not evaluated: T2, T3; non-target lesions non-CR/non-PD; unequivocal new lesion"
    )


def test_the_reason_without_disease() -> None:
    assert assess([lesion(0, "X", role="new", state="absent")])[0].reason == "no lesion"
    assert assess([lesion(0, "X", 9, role="new")])[0].reason == "unequivocal new lesion"
    equivocal = assess([lesion(0, "X", role="new", state="equivocal")])[0]
    assert equivocal.reason == "equivocal new lesion: image again"


def test_a_visit_names_its_rows_and_is_signed_when_all_of_them_are() -> None:
    rows = [lesion(0, "T1", 20, signed=True), lesion(0, "T2", 20, signed=False), lesion(60, "T1", 20, signed=True)]
    visits = assess(rows)
    assert [v.signed for v in visits] == [False, True]
    assert [set(v.records) for v in visits] == [{rows[0].record, rows[1].record}, {rows[2].record}]


def test_a_change_is_cut_off_so_that_what_is_shown_has_been_reached() -> None:
    assert [change_tenths(*pair) for pair in ((601, 501), (600, 500), (599, 500))] == [199, 200, 198]
    assert [change_tenths(*pair) for pair in ((701, 1000), (700, 1000), (7, 0), (0, 7))] == [-299, -300, None, -1000]
    assert "+19.9 % (+10 mm) against the nadir of 50.1 mm" in series(50.1, 60.1)[-1].reason
    assert series(50.1, 60.1)[-1].target == "SD"
