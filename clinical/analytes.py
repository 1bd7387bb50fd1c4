"""The catalogue of what Nadir measures: code, LOINC codes, canonical unit, accepted units, plausible range.

LOINC codes: clinical reference section 11 (mass and molar forms) and, where it names none, the commonly used code for
the same quantity (height, blood pressure, ejection fraction, insulin, folate, copper, ketones, creatinine in blood).
Accepted units are UCUM strings, conversion factors are in `clinical.units`. The plausible range is wide on purpose: it
catches a slipped decimal point or a wrong unit, never a sick patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Group = Literal[
    "marker", "glucose", "nutrition", "liver", "kidney", "blood", "thyroid", "gut", "vital", "symptom-score"
]


@dataclass(frozen=True, slots=True)
class Analyte:
    """One quantity. `units` are the accepted UCUM units, the canonical one first; the plausible range is inclusive and
    in the canonical unit."""

    code: str
    name: str
    group: Group
    loinc: tuple[str, ...]
    canonical_unit: str
    units: tuple[str, ...]
    plausible_low: float
    plausible_high: float


def _analyte(
    code: str, name: str, group: Group, loinc: str, units: str, plausible: tuple[float, float]
) -> tuple[str, Analyte]:
    accepted = tuple(units.split())
    return code, Analyte(code, name, group, tuple(loinc.split()), accepted[0], accepted, *plausible)


CATALOGUE: Mapping[str, Analyte] = MappingProxyType(
    dict(
        (
            _analyte(
                "glucagon", "Glucagon", "marker", "2338-2 15073-0 95101-2", "pg/mL ng/L pmol/L fmol/mL", (5, 100_000)
            ),
            _analyte(
                "chromogranin-a",
                "Chromogranin A",
                "marker",
                "9811-1 25587-7",
                "ng/mL ug/L nmol/L pmol/L U/L",
                (0.01, 1_000_000),
            ),
            _analyte(
                "glucose",
                "Glucose",
                "glucose",
                "2345-7 2339-0 14749-6 15074-8 2340-8 41653-7 32016-8",
                "mg/dL mmol/L g/L",
                (10, 2_000),
            ),
            _analyte(
                "glucose-fasting",
                "Fasting glucose",
                "glucose",
                "1558-6 14771-0 76629-5",
                "mg/dL mmol/L g/L",
                (10, 2_000),
            ),
            _analyte("hba1c", "HbA1c", "glucose", "4548-4 17856-6 59261-8", "% mmol/mol", (2.5, 22)),
            _analyte(
                "insulin",
                "Insulin",
                "glucose",
                "20448-7 14796-1",
                "u[IU]/mL m[IU]/L uU/mL mU/L pmol/L",
                (0.1, 5_000),
            ),
            _analyte("ketones", "Ketones (beta-hydroxybutyrate)", "glucose", "53060-9 6873-4", "mmol/L mg/dL", (0, 40)),
            _analyte("zinc", "Zinc", "nutrition", "5763-8 14955-9", "ug/dL umol/L ug/L mg/L ug/mL", (5, 1_000)),
            _analyte("copper", "Copper", "nutrition", "5631-7 14665-4", "ug/dL umol/L ug/L mg/L ug/mL", (5, 1_000)),
            _analyte(
                "vitamin-a",
                "Vitamin A (retinol)",
                "nutrition",
                "2923-1 14905-4",
                "ug/dL umol/L ug/L mg/L ug/mL",
                (1, 500),
            ),
            _analyte(
                "vitamin-d",
                "Vitamin D (25-OH)",
                "nutrition",
                "1989-3 62292-8 14635-7 68438-1",
                "ng/mL nmol/L ug/L",
                (1, 500),
            ),
            _analyte(
                "vitamin-e",
                "Vitamin E (alpha-tocopherol)",
                "nutrition",
                "1823-4 14590-4",
                "mg/L umol/L ug/mL mg/dL",
                (0.1, 200),
            ),
            _analyte(
                "vitamin-k1", "Vitamin K1", "nutrition", "9622-2 58793-1", "ng/mL nmol/L ug/L pg/mL ng/L", (0.005, 100)
            ),
            _analyte(
                "pivka-ii",
                "PIVKA-II",
                "nutrition",
                "34444-0 50942-2 93768-0",
                "ng/mL ug/L m[arb'U]/mL",
                (0.05, 1_000_000),
            ),
            _analyte("inr", "INR", "blood", "6301-6 34714-6", "{INR} {ratio} 1", (0.5, 30)),
            _analyte("b12", "Vitamin B12", "nutrition", "2132-9 14685-2 16695-9", "pg/mL ng/L pmol/L", (20, 20_000)),
            _analyte("active-b12", "Active B12 (holotranscobalamin)", "nutrition", "72160-5", "pmol/L", (1, 2_000)),
            _analyte("mma", "Methylmalonic acid", "nutrition", "13964-2", "nmol/L umol/L ug/L", (10, 200_000)),
            _analyte("folate", "Folate", "nutrition", "2284-8 14732-2", "ng/mL nmol/L ug/L", (0.2, 200)),
            _analyte("albumin", "Albumin", "nutrition", "1751-7 61151-7 61152-5", "g/L g/dL", (5, 80)),
            _analyte("amino-acids", "Amino acids", "nutrition", "", "umol/L mmol/L", (1, 20_000)),
            _analyte("efa-ratio", "Triene:tetraene ratio", "nutrition", "", "{ratio} 1", (0, 10)),
            _analyte("haemoglobin", "Haemoglobin", "blood", "718-7 59260-0 20509-6", "g/L g/dL mmol/L", (15, 260)),
            _analyte(
                "creatinine",
                "Creatinine",
                "kidney",
                "2160-0 14682-9 38483-4 59826-8",
                "mg/dL umol/L mmol/L",
                (0.05, 40),
            ),
            _analyte(
                "egfr",
                "Estimated glomerular filtration rate",
                "kidney",
                "33914-3 62238-1 98979-8 48642-3 48643-1 77147-7",
                "mL/min/{1.73_m2} mL/min",
                (0, 250),
            ),
            _analyte("crp", "C-reactive protein", "blood", "1988-5 30522-7", "mg/L mg/dL", (0, 1_000)),
            _analyte("alp", "Alkaline phosphatase", "liver", "6768-6", "U/L [IU]/L ukat/L", (1, 20_000)),
            _analyte("alt", "Alanine aminotransferase", "liver", "1742-6", "U/L [IU]/L ukat/L", (0, 30_000)),
            _analyte("ast", "Aspartate aminotransferase", "liver", "1920-8", "U/L [IU]/L ukat/L", (0, 30_000)),
            _analyte("ggt", "Gamma-glutamyl transferase", "liver", "2324-2", "U/L [IU]/L ukat/L", (0, 20_000)),
            _analyte("bilirubin", "Bilirubin, total", "liver", "1975-2 14631-6", "mg/dL umol/L", (0, 80)),
            _analyte("lipase", "Lipase", "liver", "3040-3", "U/L [IU]/L ukat/L", (0, 50_000)),
            _analyte("cholesterol", "Cholesterol", "blood", "2093-3 14647-2", "mg/dL mmol/L", (10, 2_000)),
            _analyte("triglycerides", "Triglycerides", "blood", "2571-8 14927-8", "mg/dL mmol/L", (5, 20_000)),
            _analyte("elastase", "Faecal elastase-1", "gut", "25907-7", "ug/g", (0, 5_000)),
            _analyte("faecal-fat", "Faecal fat", "gut", "16142-2 2271-5 2270-7", "g/d g/(24.h) g/(72.h)", (0, 300)),
            _analyte("tsh", "TSH", "thyroid", "3016-3 11580-8", "m[IU]/L u[IU]/mL mU/L uU/mL", (0, 1_000)),
            _analyte("free-t4", "Free T4", "thyroid", "3024-7 14920-3", "ng/dL pmol/L ng/L pg/mL", (0.05, 20)),
            _analyte("weight", "Weight", "vital", "29463-7 3141-9", "kg g [lb_av]", (1, 400)),
            _analyte("height", "Height", "vital", "8302-2", "cm m [in_i]", (30, 260)),
            _analyte("heart-rate", "Heart rate", "vital", "8867-4", "/min", (15, 350)),
            _analyte("qtc", "QTc", "vital", "8636-3", "ms s", (200, 900)),
            _analyte("systolic", "Systolic blood pressure", "vital", "8480-6", "mm[Hg] kPa", (30, 320)),
            _analyte("diastolic", "Diastolic blood pressure", "vital", "8462-4", "mm[Hg] kPa", (10, 220)),
            _analyte("lvef", "Left ventricular ejection fraction", "vital", "10230-1", "%", (3, 95)),
            _analyte("stools-per-day", "Stools per day", "symptom-score", "", "{stools}/d /d", (0, 60)),
            _analyte("itch", "Itch (0-10)", "symptom-score", "", "{score} 1", (0, 10)),
            _analyte("pain", "Pain (0-10)", "symptom-score", "72514-3", "{score} 1", (0, 10)),
            _analyte("rescue-doses", "Rescue doses per day", "symptom-score", "", "{doses}/d /d", (0, 24)),
            _analyte("quality-of-life", "Quality of life score", "symptom-score", "", "{score} 1", (0, 1_000)),
        )
    )
)

_BY_LOINC: Mapping[str, Analyte] = MappingProxyType({code: a for a in CATALOGUE.values() for code in a.loinc})


def by_loinc(code: str) -> Analyte | None:
    """The analyte a LOINC code stands for; None where the catalogue does not know the code."""
    return _BY_LOINC.get(code)
