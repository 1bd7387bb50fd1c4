"""RECIST 1.1: the worked examples of clinical reference section 5.2, and laws that hold for any lesions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.recist import NewLesion, NonTargetResponse, TargetResponse, VisitAssessment, assess, overall_response
from tests.clinical.charts import lesion

ORDER = {"CR": 0, "PR": 1, "SD": 2, "PD": 3}


def series(*sums: float) -> tuple[VisitAssessment, ...]:
    """One target lesion measured every sixty days."""
    return assess(lesion(60 * n, "T1", mm) for n, mm in enumerate(sums))


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ((97, 67), "PR"),
        ((97, 67, 60, 71), "SD"),
        ((97, 67, 60, 73), "PD"),
        ((18, 22), "SD"),
        ((18, 23), "PD"),
        ((50, 60), "PD"),
        ((50, 59), "SD"),
        ((100, 70), "PR"),
        ((100, 71), "SD"),
        ((100, 70.1), "SD"),
        ((14, 9.8), "PR"),
        ((27, 27, 32.4), "PD"),
        ((40, 46), "SD"),
        ((40, 46, 49), "PD"),
    ],
)
def test_the_target_response_at_the_last_scan(sums: tuple[float, ...], expected: str) -> None:
    assert series(*sums)[-1].target == expected


def test_the_baseline_has_a_sum_and_no_response() -> None:
    baseline = series(50, 50)[0]
    assert (baseline.sum_mm, baseline.overall, baseline.nadir) == (50.0, None, None)


def test_nodes_below_ten_millimetres_leave_a_complete_response_with_a_sum() -> None:
    visits = assess(
        [lesion(0, "N", 22, node=True), lesion(0, "L", 20), lesion(60, "N", 9, node=True), lesion(60, "L", 0)]
    )
    assert (visits[-1].target, visits[-1].sum_mm) == ("CR", 9.0)


def test_a_regrowing_node_is_progression_by_the_rule_and_says_what_it_is() -> None:
    visits = assess(lesion(60 * n, "N", mm, node=True) for n, mm in enumerate((16, 9, 14)))
    assert visits[-1].target == "PD"
    assert "node below 15 mm" in visits[-1].reason


@pytest.mark.parametrize("mm", [7, 3])
def test_a_lesion_that_comes_back_after_a_complete_response_is_progression(mm: float) -> None:
    assert series(20, 0, mm)[-1].target == "PD"


@pytest.mark.parametrize(("read", "target", "overall"), [(65, "PD", "PD"), (52, "NE", "NE")])
def test_a_missing_target_lesion_cannot_undo_progression(read: float, target: str, overall: str) -> None:
    baseline = [lesion(0, "T1", 20), lesion(0, "T2", 20), lesion(0, "T3", 10)]
    later = [lesion(60, "T1", read - 20), lesion(60, "T2", 20), lesion(60, "T3", state="not-evaluable")]
    visit = assess([*baseline, *later])[-1]
    assert (visit.target, visit.overall) == (target, overall)
    assert "T3" in visit.reason


def test_a_lesion_without_a_row_is_not_evaluated_and_sets_no_nadir() -> None:
    rows = [
        lesion(0, "T1", 30),
        lesion(0, "T2", 30),
        lesion(60, "T1", 10),
        lesion(120, "T1", 30),
        lesion(120, "T2", 30),
    ]
    visits = assess(rows)
    assert visits[1].target == "NE"
    assert (visits[2].nadir, visits[2].target) == (60.0, "SD")


def test_too_small_to_measure_is_five_millimetres_and_absent_is_none() -> None:
    visits = assess([lesion(0, "T1", 20), lesion(60, "T1", state="too-small"), lesion(120, "T1", state="absent")])
    assert [v.sum_mm for v in visits] == [20.0, 5.0, 0.0]


def test_parts_of_a_split_lesion_are_added_and_merged_lesions_count_once() -> None:
    split = [
        lesion(0, "T1", 40),
        lesion(60, "T1", state="split", into="T1a;T1b"),
        lesion(60, "T1a", 15),
        lesion(60, "T1b", 12),
    ]
    assert assess(split)[-1].sum_mm == 27.0
    merged = [
        lesion(0, "T1", 20),
        lesion(0, "T2", 20),
        lesion(60, "T1", state="merged", into="T2"),
        lesion(60, "T2", 45),
        lesion(120, "T2", 44),
    ]
    assert [v.sum_mm for v in assess(merged)] == [40.0, 45.0, 44.0]


def test_an_unequivocal_new_lesion_is_progression_whatever_the_targets_do() -> None:
    rows = [
        lesion(0, "T1", 20),
        lesion(0, "N1", role="non-target", state="present"),
        lesion(60, "T1", state="absent"),
        lesion(60, "N1", role="non-target", state="present"),
        lesion(60, "X", 12, role="new"),
    ]
    visit = assess(rows)[-1]
    assert (visit.target, visit.non_target, visit.new, visit.overall) == ("CR", "non-CR/non-PD", "yes", "PD")


def test_an_equivocal_new_lesion_is_none_until_it_is_confirmed_then_from_its_first_scan() -> None:
    first = [lesion(0, "T1", 20), lesion(60, "T1", 20), lesion(60, "X", role="new", state="equivocal")]
    assert (assess(first)[-1].new, assess(first)[-1].overall) == ("equivocal", "SD")
    later = [*first, lesion(120, "T1", 20), lesion(120, "X", 15, role="new")]
    assert [v.overall for v in assess(later)] == [None, "PD", "PD"]


def test_a_focus_on_receptor_imaging_is_no_recist_lesion() -> None:
    rows = [lesion(0, "T1", 20, modality="CT"), lesion(60, "T1", 20, modality="CT")]
    assert assess([*rows, lesion(60, "F", role="new", modality="68Ga-DOTATATE PET/CT")])[-1].overall == "SD"


def test_without_disease_the_answer_is_ned_or_recurrence() -> None:
    assert assess([lesion(0, "X", 9, role="new")])[0].overall == "recurrence"
    assert assess([lesion(0, "X", role="new", state="equivocal")])[0].overall == "equivocal"
    assert assess([lesion(0, "X", role="new", state="absent")])[0].overall == "NED"


def test_a_lesion_that_was_there_at_the_start_of_a_series_is_not_new_again() -> None:
    rows = [lesion(day, "T1", 20) for day in (0, 60)] + [lesion(day, "X", 12, role="new") for day in (0, 60)]
    assert assess(rows)[-1].overall == "SD"


def test_no_lesions_give_no_visits() -> None:
    assert assess([]) == ()


@pytest.mark.parametrize(
    ("target", "non_target", "new", "expected"),
    [
        ("CR", "CR", "no", "CR"),
        ("CR", None, "no", "CR"),
        ("CR", "non-CR/non-PD", "no", "PR"),
        ("CR", "NE", "no", "PR"),
        ("PR", "NE", "no", "PR"),
        ("SD", "non-CR/non-PD", "no", "SD"),
        ("NE", "non-CR/non-PD", "no", "NE"),
        ("PD", "CR", "no", "PD"),
        ("SD", "PD", "no", "PD"),
        ("SD", "NE", "yes", "PD"),
        ("SD", "CR", "equivocal", "SD"),
        (None, "CR", "no", "CR"),
        (None, "non-CR/non-PD", "no", "non-CR/non-PD"),
        (None, "NE", "no", "NE"),
        (None, "PD", "no", "PD"),
    ],
)
def test_the_overall_response_follows_the_table(
    target: TargetResponse | None, non_target: NonTargetResponse | None, new: NewLesion, expected: str
) -> None:
    assert overall_response(target, non_target, new) == expected


sizes = st.integers(min_value=0, max_value=1500)


@given(st.lists(sizes, min_size=1, max_size=6), sizes, st.integers(min_value=0, max_value=500))
def test_a_response_is_never_better_for_larger_lesions(earlier: list[int], now: int, more: int) -> None:
    def last(tenths: int) -> str:
        rows = [lesion(60 * n, "T1", mm / 10) for n, mm in enumerate([*earlier, tenths])]
        return assess(rows)[-1].target or ""

    assert ORDER[last(now)] <= ORDER[last(now + more)]


@given(st.permutations(range(8)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    rows = [lesion(60 * n, name, 20 + n) for n in range(4) for name in ("T1", "T2")]
    assert assess([rows[n] for n in order]) == assess(rows)
