"""What a next scan is held against, and what is asked about a length or a choice of target lesions."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from clinical.chart import Chart, Lesion
from clinical.lesion_checks import Chosen, choice_doubts, length_doubts, target_doubts
from clinical.lesion_table import lesion_table
from tests.clinical.charts import PROTOCOL
from tests.clinical.test_scan_series import DAY_ZERO, lesion, procedure


def named(*lesions: Lesion, **more: object) -> list[tuple[str, str]]:
    table = lesion_table(Chart(patient="p", lesions=lesions, **more))  # type: ignore[arg-type]
    return [(known.name, known.role) for known in table.lesions]


def test_nothing_is_known_of_who_was_never_scanned() -> None:
    table = lesion_table(Chart(patient="p"))
    assert (table.lesions, table.baseline, table.before, table.followed) == ((), None, (), False)


def test_target_lesions_stand_first_each_with_its_last_size() -> None:
    rows = (
        *(lesion(0, "n", 8, "non-target"), lesion(0, "a", 30), lesion(60, "a", 25), lesion(60, "x", 9, "new")),
        replace(lesion(120, "a", 1), diameter_tenths=None, state="not-evaluable"),
    )
    table = lesion_table(Chart(patient="p", lesions=rows))
    assert [(known.name, known.role) for known in table.lesions] == [("a", "target"), ("n", "non-target"), ("x", "new")]
    first = table.lesions[0]
    assert first.measured is not None
    assert (first.measured.diameter_tenths, first.last.state) == (250, "not-evaluable")
    assert (table.baseline, table.followed) == (DAY_ZERO.date(), True)


def test_what_split_is_followed_by_its_parts_and_what_merged_by_the_other() -> None:
    split = replace(lesion(60, "a", 1), diameter_tenths=None, state="split", into="a1;a2")
    merged = replace(lesion(60, "b", 1), diameter_tenths=None, state="merged", into="c")
    rows = (lesion(0, "a", 30), lesion(0, "b", 12), lesion(0, "c", 14), split, merged)
    found = named(*rows, lesion(60, "a1", 12), lesion(60, "a2", 9), lesion(60, "c", 25))
    assert [name for name, _ in found] == ["c", "a1", "a2"]


def test_after_an_operation_nothing_is_followed_until_a_scan_shows_what_is_left() -> None:
    operated = (procedure(30, "resection"),)
    before = (lesion(0, "pancreas", 40), lesion(0, "liver", 20))
    table = lesion_table(Chart(patient="p", therapy=operated, lesions=before))
    assert (table.lesions, table.baseline, table.before) == ((), None, ("pancreas", "liver"))
    table = lesion_table(Chart(patient="p", therapy=operated, lesions=(*before, lesion(90, "liver", 20))))
    assert [known.name for known in table.lesions] == ["liver"]
    assert table.baseline == date(2024, 3, 31)


def test_a_lesion_new_before_a_treatment_is_old_disease_after_it() -> None:
    rows = (lesion(0, "a", 30), lesion(60, "a", 30), lesion(60, "x", 12, "new"))
    assert named(*rows) == [("a", "target"), ("x", "new")]
    assert named(*rows, therapy=(procedure(61, "embolisation"),)) == [("a", "target"), ("x", "non-target")]


def test_foci_of_receptor_scans_are_no_lesions_of_the_table() -> None:
    focus = replace(lesion(60, "bone", 9, "new"), modality="SSTR PET/CT")
    assert named(lesion(0, "a", 30), focus) == [("a", "target")]


@pytest.mark.parametrize(
    ("tenths", "last", "kind"),
    [
        *((310, 300, None), (31, 300, "decimal"), (3000, 300, "decimal"), (30, 3000, "decimal")),
        *((120, 300, "change"), (121, 300, None), (749, 300, None), (750, 300, "change"), (90, 220, None)),
        *((2501, None, "implausible"), (2500, None, None), (50, 0, None)),
    ],
)
def test_a_length_far_from_the_last_one_is_asked_about(tenths: int, last: int | None, kind: str | None) -> None:
    assert [doubt.kind for doubt in length_doubts(tenths, last, PROTOCOL)] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("node", "tenths", "words"),
    [
        *((False, 100, None), (False, 99, "not measurable"), (True, 150, None), (True, 149, "non-target")),
        *((True, 100, "non-target"), (True, 99, "normal"), (False, None, None)),
    ],
)
def test_a_target_lesion_must_be_measurable(node: bool, tenths: int | None, words: str | None) -> None:
    found = target_doubts(Chosen(name="x", organ="liver", node=node, tenths=tenths), PROTOCOL)
    assert len(found) == (words is not None)
    assert words is None or words in found[0].words


def test_at_most_five_targets_and_two_of_an_organ() -> None:
    def chosen(*organs: str) -> list[Chosen]:
        return [Chosen(name=str(n), organ=o, node=False, tenths=200) for n, o in enumerate(organs)]

    assert choice_doubts(chosen("liver", "Liver", "lung", "bone", "bone"), PROTOCOL) == ()
    assert [str(d.words)[:1] for d in choice_doubts(chosen("liver", "liver", "liver", "a", "b", "c"), PROTOCOL)] == [
        "6",
        "3",
    ]
