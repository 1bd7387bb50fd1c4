"""Units: known numbers, refusals, and the round trip as a law."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.analytes import CATALOGUE, by_loinc
from clinical.units import UnitError, accepted_units, canonical_unit, convert, to_canonical


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "to", "expected"),
    [
        ("glucagon", "100", "pmol/L", "pg/mL", 348.27473),
        ("glucagon", "1", "pg/mL", "pmol/L", 0.287130),
        ("glucagon", "500", "ng/L", "pg/mL", 500.0),
        ("glucose", "1", "mg/dL", "mmol/L", 0.0555075),
        ("hba1c", "6.5", "%", "mmol/mol", 47.54115),
        ("hba1c", "53", "mmol/mol", "%", 6.999488),
        ("zinc", "1", "ug/dL", "umol/L", 0.152952),
        ("vitamin-d", "1", "ng/mL", "nmol/L", 2.49602),
        ("vitamin-a", "1", "ug/dL", "umol/L", 0.0349113),
        ("vitamin-e", "1", "mg/L", "umol/L", 2.32177),
        ("b12", "1", "pg/mL", "pmol/L", 0.737806),
        ("mma", "1", "ug/L", "nmol/L", 8.46812),
        ("vitamin-k1", "1", "ng/mL", "nmol/L", 2.21877),
        ("bilirubin", "1", "mg/dL", "umol/L", 17.1039),
        ("creatinine", "1", "mg/dL", "umol/L", 88.4033),
        ("cholesterol", "1", "mg/dL", "mmol/L", 0.0258629),
        ("triglycerides", "1", "mg/dL", "mmol/L", 0.0112943),
        ("free-t4", "1", "ng/dL", "pmol/L", 12.8722),
        ("copper", "1", "ug/dL", "umol/L", 0.157366),
        ("haemoglobin", "1", "g/dL", "mmol/L", 0.620559),
        ("albumin", "4.2", "g/dL", "g/L", 42.0),
    ],
)
def test_conversions_agree_with_the_clinical_reference(
    analyte: str, value: str, unit: str, to: str, expected: float
) -> None:
    assert convert(analyte, Decimal(value), unit, to) == pytest.approx(expected, rel=2e-5)


def test_picograms_per_litre_are_refused_for_glucagon_with_the_exact_reason() -> None:
    with pytest.raises(UnitError) as refused:
        to_canonical("glucagon", Decimal(230), "pg/L")
    assert str(refused.value) == "unit 'pg/L' is not accepted for glucagon"
    assert refused.value.suggestion == "accepted units: pg/mL, ng/L, pmol/L, fmol/mL"


def test_a_unit_in_the_wrong_case_is_refused_and_the_right_one_is_named() -> None:
    with pytest.raises(UnitError, match=r"'MG/DL' is not accepted for glucose; did you mean 'mg/dL'\?") as refused:
        to_canonical("glucose", Decimal(118), "MG/DL")
    assert refused.value.suggestion == "send 'mg/dL'"


@pytest.mark.parametrize(("analyte", "unit"), [("zinc", "dag/L"), ("zinc", "xxmol/L"), ("insulin", "mcU/mL")])
def test_only_micrograms_and_micromoles_are_written_with_mc(analyte: str, unit: str) -> None:
    with pytest.raises(UnitError, match="is not accepted"):
        to_canonical(analyte, Decimal(1), unit)


@pytest.mark.parametrize(
    ("analyte", "unit", "known_as"),
    [
        ("zinc", "µg/dL", "ug/dL"),
        ("zinc", "μg/dl", "ug/dL"),
        ("zinc", "mcg/dL", "ug/dL"),
        ("zinc", "mcmol/L", "umol/L"),
        ("glucose", "mmol/l", "mmol/L"),
        ("systolic", "mmHg", "mm[Hg]"),
        ("heart-rate", "{beats}/min", "/min"),
        ("heart-rate", "beats/minute", "/min"),
        ("egfr", "mL/min/1.73m2", "mL/min/{1.73_m2}"),
        ("egfr", "mL/min", "mL/min"),
        ("egfr", "ml/min", "mL/min"),
        ("tsh", "mIU/L", "m[IU]/L"),
        ("tsh", "µIU/mL", "u[IU]/mL"),
        ("alp", "IU/L", "U/L"),
    ],
)
def test_common_spellings_mean_the_ucum_unit(analyte: str, unit: str, known_as: str) -> None:
    assert to_canonical(analyte, Decimal("7.5"), unit) == to_canonical(analyte, Decimal("7.5"), known_as)


def test_chromogranin_a_kits_are_never_converted_into_one_another() -> None:
    with pytest.raises(UnitError, match="kits") as refused:
        convert("chromogranin-a", Decimal(100), "ng/mL", "nmol/L")
    assert refused.value.suggestion == "compare only results of one kit"
    assert canonical_unit("chromogranin-a", "nmol/L") == "nmol/L"
    assert canonical_unit("chromogranin-a", "ug/L") == "ng/mL"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_is_refused(value: str) -> None:
    with pytest.raises(UnitError, match=f"^{value} is not a finite number$") as refused:
        to_canonical("glucagon", Decimal(value), "pg/mL")
    assert refused.value.suggestion == "send a plain decimal number"


def test_a_number_that_no_double_holds_is_refused() -> None:
    with pytest.raises(UnitError, match=r"^1\.000e\+400 is outside the range of numbers Nadir can hold$") as refused:
        to_canonical("glucagon", Decimal("1e400"), "pg/mL")
    assert refused.value.suggestion == "check the number"


def test_a_number_in_the_canonical_unit_is_the_nearest_double_however_long_it_is_written() -> None:
    # A hair below the middle of 1 and the next double; cut to 28 digits it would lie above it.
    just_below = Decimal("1.00000000000000011102230246251565404236316680908203124")
    assert to_canonical("glucagon", just_below, "pg/mL") == 1.0


def test_an_unknown_analyte_is_refused() -> None:
    with pytest.raises(UnitError, match="not in the catalogue") as refused:
        accepted_units("unobtainium")
    assert refused.value.suggestion == "use a code of the analyte catalogue"


def test_every_accepted_unit_converts_and_no_loinc_code_means_two_analytes() -> None:
    codes = [code for analyte in CATALOGUE.values() for code in analyte.loinc]
    assert len(codes) == len(set(codes))
    for analyte in CATALOGUE.values():
        for unit in analyte.units:
            assert to_canonical(analyte.code, Decimal(1), unit) > 0


def test_loinc_codes_that_are_not_glucagon_are_not_read_as_glucagon() -> None:
    assert by_loinc("1659-1") is None
    assert by_loinc("10485-1") is None
    assert by_loinc("2338-2") is CATALOGUE["glucagon"]


PAIRS = [(a.code, u, v) for a in CATALOGUE.values() for u in a.units for v in a.units]
SAME_KIT = [(a, u, v) for a, u, v in PAIRS if canonical_unit(a, u) == canonical_unit(a, v)]


@given(
    pair=st.sampled_from(SAME_KIT),
    value=st.decimals(min_value=Decimal("0.001"), max_value=Decimal(100_000), places=3),
)
def test_converting_there_and_back_gives_the_same_number(pair: tuple[str, str, str], value: Decimal) -> None:
    analyte, unit, other = pair
    there = Decimal(repr(convert(analyte, value, unit, other)))
    # HbA1c is linear with an offset: near the offset the relative error of a double grows.
    assert convert(analyte, there, other, unit) == pytest.approx(float(value), rel=1e-9, abs=1e-9)


@given(
    pair=st.sampled_from(SAME_KIT),
    low=st.decimals(min_value=0, max_value=Decimal(10_000), places=2),
    step=st.decimals(min_value=Decimal("0.01"), max_value=Decimal(1000), places=2),
)
def test_more_in_one_unit_is_more_in_every_unit(pair: tuple[str, str, str], low: Decimal, step: Decimal) -> None:
    analyte, unit, other = pair
    assert convert(analyte, low, unit, other) < convert(analyte, low + step, unit, other)


def test_what_is_refused_is_named_in_full() -> None:
    with pytest.raises(UnitError) as unknown:
        accepted_units("glukose")
    with pytest.raises(UnitError) as other_kit:
        convert("chromogranin-a", Decimal(1), "ng/mL", "nmol/L")
    with pytest.raises(UnitError) as spelled:
        to_canonical("glucose", Decimal(1), "MG/DL")
    assert [str(refused.value) for refused in (unknown, other_kit, spelled)] == [
        "analyte 'glukose' is not in the catalogue",
        "chromogranin-a is not converted from 'ng/mL' to 'nmol/L': kits that report them differ",
        "unit 'MG/DL' is not accepted for glucose; did you mean 'mg/dL'? (units are case-sensitive)",
    ]
