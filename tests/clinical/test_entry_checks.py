"""Doubts about typed numbers, and the body map."""

from __future__ import annotations

from decimal import Decimal

import pytest

from clinical.body_map import PARTS, mapped_surface
from clinical.entry_checks import doubts, possible
from clinical.protocol import bundled_protocol
from clinical.skin_scores import SkinScoreError

PROTOCOL = bundled_protocol()


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "last", "kind"),
    [
        ("glucose", "5.2", "mg/dL", 95.0, "unit"),
        ("glucose", "97", "mmol/L", 95.0, "unit"),
        ("glucagon", "70", "pmol/L", 72.0, "unit"),
        ("glucagon", "20.5", "pg/mL", 72.0, "unit"),
        ("weight", "134", "kg", 61.0, "unit"),
        ("zinc", "12.2", "ug/dL", 80.0, "unit"),
        ("haemoglobin", "13.1", "g/L", 129.0, "unit"),
        ("weight", "6.12", "kg", 61.0, "decimal"),
        ("glucagon", "720", "pg/mL", 71.0, "decimal"),
        ("hba1c", "41", "%", 5.9, "unit"),
        ("weight", "38", "kg", 61.0, "change"),
        ("glucagon", "700", "pg/mL", 105.0, "change"),
        ("zinc", "3", "ug/dL", None, "implausible"),
    ],
)
def test_a_slip_is_asked_about(analyte: str, value: str, unit: str, last: float | None, kind: str) -> None:
    assert kind in [doubt.kind for doubt in doubts(analyte, Decimal(value), unit, last, PROTOCOL)]


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "last"),
    [
        ("weight", "60.1", "kg", 61.0),
        ("weight", "57", "kg", 61.0),
        ("glucagon", "190", "pg/mL", 72.0),
        ("glucagon", "20.5", "pmol/L", 72.0),
        ("glucose", "5.2", "mmol/L", 95.0),
        ("hba1c", "41", "mmol/mol", 5.9),
        ("zinc", "80", "ug/dL", None),
        ("inr", "1.1", "{INR}", 1.0),
    ],
)
def test_an_ordinary_value_is_not(analyte: str, value: str, unit: str, last: float | None) -> None:
    assert doubts(analyte, Decimal(value), unit, last, PROTOCOL) == ()


def test_vital_signs_have_bounds_and_laboratory_values_hardly_any() -> None:
    assert (
        possible("weight", 61, PROTOCOL)
        and not possible("weight", 612, PROTOCOL)
        and not possible("heart-rate", 3, PROTOCOL)
    )
    assert possible("glucagon", 250_000, PROTOCOL) and not possible("glucose", 1.2e38, PROTOCOL)


def test_the_whole_map_is_the_whole_body() -> None:
    assert mapped_surface(dict.fromkeys(PARTS, 100)) == 100
    assert mapped_surface({}) == 0
    assert mapped_surface({"trunk-front": 50, "arm_left-front": 100, "genital": 25}) == 9 + 4.5 + 0.25


@pytest.mark.parametrize("marked", [{"tail": 50}, {"genital": 101}, {"genital": -1}, {"genital": float("nan")}])
def test_what_is_not_on_the_map_is_refused(marked: dict[str, float]) -> None:
    with pytest.raises(SkinScoreError):
        mapped_surface(marked)
