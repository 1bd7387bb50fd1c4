"""Skin scores: formulas, bands, limits and what each is validated for (clinical reference section 9)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.skin_scores import (
    BODY_PARTS,
    BSA_REGIONS,
    BodyPart,
    NmePanel,
    SkinScore,
    SkinScoreError,
    area_score,
    body_surface,
    dlqi,
    easi,
    iga,
    iga_by_signs,
    nme,
    pasi,
    scorad,
)

UNINVOLVED = dict.fromkeys(BSA_REGIONS, 0.0)


def parts(*given: tuple[tuple[float, ...], float]) -> dict[str, BodyPart]:
    return {
        name: BodyPart(signs=signs, area_percent=area) for name, (signs, area) in zip(BODY_PARTS, given, strict=True)
    }


def test_the_body_surface_of_the_reference() -> None:
    found = body_surface(UNINVOLVED | {"leg_left": 40, "leg_right": 40, "genital": 100, "trunk_front": 10})
    assert found.score == 17.2
    assert body_surface(dict.fromkeys(BSA_REGIONS, 100.0)).score == 100


def test_easi_of_the_reference() -> None:
    found = easi(
        parts(((1, 1, 0, 0), 20), ((2, 1, 1, 0), 40), ((1, 1, 0, 0), 20), ((3, 2, 2, 1), 60)),
    )
    assert (found.score, found.band) == (16.8, "moderate")
    everything = parts(*[((3, 3, 3, 3), 100)] * 4)
    assert easi(everything).score == easi(everything, under_8=True).score == 72


def test_pasi_of_the_reference() -> None:
    assert pasi(parts(((1, 1, 1), 5), ((2, 2, 2), 20), ((1, 1, 2), 20), ((3, 2, 3), 40))).score == 14.7


@pytest.mark.parametrize(
    ("extent", "authors", "charman"),
    [
        (49, "mild", "clear or almost clear"),
        (50, "mild", "mild"),
        (124, "mild", "mild"),
        (125, "moderate", "mild"),
        (145, "moderate", "moderate"),
        (245, "moderate", "severe"),
        (250, "moderate", "severe"),
        (251, "severe", "severe"),
    ],
)
def test_both_sets_of_scorad_bands(extent: float, authors: str, charman: str) -> None:
    rest, itch = divmod(extent / 5, 3.5)
    signs = [min(3, max(0, int(rest) - 3 * n)) for n in range(6)]
    found = scorad(0, signs, itch=itch, sleep_loss=0)
    assert found.score == pytest.approx(extent / 5)
    assert (found.band, found.parts["charman_band"]) == (authors, charman)


def test_scorad_of_the_reference() -> None:
    found = scorad(24, [2, 2, 2, 1, 1, 1], itch=5, sleep_loss=3)
    assert (found.score, found.band, found.parts["objective"]) == (44.3, "moderate", 36.3)
    assert scorad(100, [3] * 6, itch=10, sleep_loss=10).score == 103


@pytest.mark.parametrize(
    ("total", "band"),
    [(0, "none"), (1, "none"), (2, "small"), (6, "moderate"), (11, "very large"), (21, "extremely large")],
)
def test_the_bands_of_dlqi(total: int, band: str) -> None:
    items = [min(3, max(0, total - 3 * number)) for number in range(10)]
    assert (dlqi(items).score, dlqi(items).band) == (total, band)


def test_dlqi_forgives_one_unanswered_item_and_not_two() -> None:
    assert dlqi([None, *[1] * 9]).score == 9
    two = dlqi([None, None, *[1] * 8])
    assert (two.score, two.band) == (None, None) and "2 items are unanswered" in two.why


def test_the_edges_of_the_area_score() -> None:
    edges = [0, 0.5, 9.9, 10, 29.9, 30, 49, 50, 69.9, 70, 89, 90, 100]
    assert [area_score(p) for p in edges] == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]


def test_iga_has_the_names_of_its_grades() -> None:
    assert [iga(grade).band for grade in range(5)] == ["clear", "almost clear", "mild", "moderate", "severe"]


def test_the_nme_panel_is_never_one_number_and_says_it_is_unvalidated() -> None:
    found = nme(NmePanel(iga=3, bsa=12.5, erythema=2, erosion=1, crust=1, mucosal=0, itch=4, pain=6, infection="none"))
    assert (found.score, found.band) == (None, "moderate")
    assert "unvalidated" in found.validation
    assert (found.parts["bsa"], found.parts["itch"], found.parts["iga_by_signs"]) == (12.5, 4, 3)
    assert "not recorded: pain" in nme(NmePanel(iga=0, bsa=0, erythema=0, erosion=0, crust=0, mucosal=0, itch=0,
                                                infection="none")).why  # fmt: skip


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ({"bsa": 0, "erythema": 0, "erosion": 0, "crust": 0}, 0),
        ({"bsa": 2, "erythema": 1, "erosion": 0, "crust": 0}, 1),
        ({"bsa": 9, "erythema": 2, "erosion": 0, "crust": 1}, 2),
        ({"bsa": 1, "erythema": 1, "erosion": 1, "crust": 0}, 3),
        ({"bsa": 10, "erythema": 1, "erosion": 0, "crust": 0}, 3),
        ({"bsa": 30, "erythema": 2, "erosion": 2, "crust": 1}, 3),
        ({"bsa": 31, "erythema": 2, "erosion": 1, "crust": 1}, 4),
        ({"infection": "confirmed"}, 4),
        ({"bsa": 31, "erythema": 2, "erosion": 1}, None),
    ],
)
def test_the_iga_that_the_signs_amount_to(signs: dict[str, Any], expected: int | None) -> None:
    assert iga_by_signs(NmePanel(**signs)) == expected


def test_an_eroded_mucosa_is_active_whatever_the_surface() -> None:
    assert nme(NmePanel(bsa=0, mucosal=1)).parts["active"] is True
    assert nme(NmePanel(erosion=1)).parts["active"] is True
    assert nme(NmePanel(erythema=0, erosion=0, crust=0, mucosal=0)).parts["active"] is False
    assert nme(NmePanel(erythema=0)).parts["active"] is None


CLEAR = ((0.0, 0.0, 0.0, 0.0), 0.0)


@pytest.mark.parametrize(
    ("score", "cause"),
    [
        (lambda: body_surface({"genital": 100}), "missing"),
        (lambda: body_surface(UNINVOLVED | {"tail": 5}), "tail: no region"),
        (lambda: body_surface(UNINVOLVED | {"genital": 101}), "genital: 101 is not between 0 and 100"),
        (lambda: body_surface(UNINVOLVED | {"genital": float("nan")}), "genital"),
        (lambda: easi(parts(((1.25, 0, 0, 0), 5), CLEAR, CLEAR, CLEAR)), "head sign 1: 1.25 .* steps of 0.5"),
        (lambda: easi(parts(((1, 0, 0), 5), CLEAR, CLEAR, CLEAR)), "head: 3 signs given"),
        (lambda: easi({"head": BodyPart(signs=(0, 0, 0, 0), area_percent=0)}), "expected head, upper, trunk, lower"),
        (lambda: pasi(parts(((5, 0, 0), 5), *[((0, 0, 0), 0)] * 3)), "between 0 and 4"),
        (lambda: scorad(101, [0] * 6, itch=0, sleep_loss=0), "extent"),
        (lambda: scorad(1, [0] * 5, itch=0, sleep_loss=0), "5 given"),
        (lambda: scorad(1, [4] * 6, itch=0, sleep_loss=0), "sign 1"),
        (lambda: scorad(1, [0] * 6, itch=11, sleep_loss=0), "itch"),
        (lambda: dlqi([0] * 9), "9 given"),
        (lambda: dlqi([4] + [0] * 9), "item 1"),
        (lambda: iga(5), "iga"),
        (lambda: nme(NmePanel(itch=10.5)), "itch"),
        (lambda: nme(NmePanel(erosion=4)), "erosion"),
    ],
)
def test_an_entry_outside_its_scale_is_refused_by_name(score: Any, cause: str) -> None:
    with pytest.raises(SkinScoreError, match=cause):
        score()


halves = st.integers(0, 6).map(lambda n: n / 2)
body_part = st.tuples(st.tuples(halves, halves, halves, halves), st.floats(0, 100))


@given(st.lists(body_part, min_size=4, max_size=4), st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_a_worse_sign_never_lowers_easi(given_parts: list[Any], part: int, sign: int, under_8: bool) -> None:
    before = easi(parts(*given_parts), under_8=under_8)
    signs, area = given_parts[part]
    worse = [*given_parts]
    worse[part] = (tuple(3.0 if n == sign else s for n, s in enumerate(signs)), area)
    after = easi(parts(*worse), under_8=under_8)
    assert before.score is not None and after.score is not None
    assert 0 <= before.score <= after.score <= 72


@given(st.dictionaries(st.sampled_from(sorted(BSA_REGIONS)), st.floats(0, 100)))
def test_body_surface_stays_between_nothing_and_all(involved: dict[str, float]) -> None:
    found: SkinScore = body_surface(UNINVOLVED | involved)
    assert found.score is not None and 0 <= found.score <= 100
