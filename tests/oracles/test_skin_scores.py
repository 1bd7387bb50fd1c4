"""EASI, PASI, SCORAD and DLQI against published arithmetic (see docs/oracles.md)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from clinical.skin_scores import BODY_PARTS, BodyPart, dlqi, easi, pasi, scorad

pytestmark = pytest.mark.oracles


@pytest.fixture
def rows(
    shared_data: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], list[dict[str, str]]]:
    """Reads an oracle file; its count is printed and recorded."""

    def read(name: str) -> list[dict[str, str]]:
        with (shared_data / "skin_scores" / name).open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        record_property(f"skin_scores/{name}", len(found))
        with capsys.disabled():
            print(f"\n  skin_scores/{name}: {len(found)} rows")
        return found

    return read


def parts(row: dict[str, str], signs: tuple[str, ...]) -> dict[str, BodyPart]:
    return {
        part: BodyPart(
            signs=tuple(float(row[f"{part}_{sign}"]) for sign in signs), area_percent=float(row[f"{part}_area_percent"])
        )
        for part in BODY_PARTS
    }


def test_every_easi_case_agrees(rows: Callable[[str], list[dict[str, str]]]) -> None:
    signs = ("erythema", "edema_papulation", "excoriation", "lichenification")
    cases = rows("easi_cases.csv")
    assert len(cases) >= 21
    for row in cases:
        found = easi(parts(row, signs), under_8=row["age"] == "under 8")
        assert (found.score, found.band) == (float(row["expected_easi"]), row["expected_band"]), row["case"]


def test_every_pasi_case_agrees(rows: Callable[[str], list[dict[str, str]]]) -> None:
    cases = rows("pasi_cases.csv")
    assert len(cases) >= 19
    for row in cases:
        found = pasi(parts(row, ("erythema", "induration", "desquamation")))
        assert found.score == float(row["expected_pasi"]), row["case"]


def test_every_scorad_case_agrees(rows: Callable[[str], list[dict[str, str]]]) -> None:
    cases = rows("scorad_cases.csv")
    assert len(cases) >= 14
    for row in cases:
        found = scorad(
            float(row["extent_A_percent"]),
            [int(row[f"B{number}"]) for number in range(1, 7)],
            itch=float(row["pruritus"]),
            sleep_loss=float(row["sleep_loss"]),
        )
        assert found.score is not None
        # The file prints one decimal.
        assert round(found.score, 1) == pytest.approx(float(row["expected_scorad"])), row["case"]
        assert found.parts["objective"] == pytest.approx(float(row["expected_objective_scorad"]), abs=0.05), row["case"]
        assert found.band == row["expected_band"], row["case"]


def test_every_dlqi_case_agrees(rows: Callable[[str], list[dict[str, str]]]) -> None:
    cases = rows("dlqi_cases.csv")
    assert len(cases) >= 4
    for row in cases:
        found = dlqi([int(row[f"q{number}"]) if row[f"q{number}"] else None for number in range(1, 11)])
        expected = float(row["expected_total"]) if row["expected_total"] else None
        assert (found.score, found.band) == (expected, row["expected_band"] or None), row["case"]
