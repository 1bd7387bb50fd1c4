"""Units against third-party conversions and UCUM's own list of valid unit strings."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from clinical.analytes import CATALOGUE
from clinical.units import convert

pytestmark = pytest.mark.oracles

NAMES = {
    "haemoglobin": "haemoglobin",
    "triglyceride": "triglycerides",
    "vitamin B12": "b12",
    "vitamin D 25-OH": "vitamin-d",
    "HbA1c": "hba1c",
}
NOT_IN_THE_CATALOGUE = {"calcium", "C-peptide", "urea", "tyrosine"}


def test_laboratory_conversions_agree_within_half_a_per_cent(shared_data: Path) -> None:
    with (shared_data / "ucum" / "lab_molar_conversions.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["analyte"] not in NOT_IN_THE_CATALOGUE]
    assert len(rows) >= 19
    for row in rows:
        analyte = NAMES.get(row["analyte"], row["analyte"])
        found = convert(analyte, Decimal(row["value"]), row["from_unit"], row["to_unit"])
        # The oracle prints three digits: half a unit of its last place is its own error.
        places = Decimal(row["expected"]).as_tuple().exponent
        last_place = 0.5 * 10.0 ** int(places)
        assert found == pytest.approx(float(row["expected"]), rel=0.005, abs=last_place), row


def test_every_unit_of_the_catalogue_is_written_with_ucum_atoms(shared_data: Path) -> None:
    essence = (shared_data / "ucum" / "ucum-essence.xml").read_text(encoding="utf-8")
    for unit in {unit for analyte in CATALOGUE.values() for unit in analyte.units}:
        for atom in ("[IU]", "m[Hg]", "[lb_av]", "[in_i]", "[arb'U]"):
            if atom in unit:
                assert f'Code="{atom}"' in essence, unit


def test_glucagon_reference_ranges_are_in_accepted_units(shared_data: Path) -> None:
    with (shared_data / "glucagon_labs" / "reference_ranges.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert convert("glucagon", Decimal(row["high"]), row["unit"], "pg/mL") == float(row["high"])
