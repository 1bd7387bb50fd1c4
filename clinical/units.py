"""Units: a closed table per analyte. What is not in it is refused, never guessed.

Factors come from the molar masses of clinical reference section 10; HbA1c is linear (NGSP % and IFCC mmol/mol).
Units are case-sensitive as in UCUM; a handful of spellings that can mean nothing else (`µg/dL`, `mcg/dL`, `mmHg`,
`mIU/L`, litre as `l`) is accepted and listed here. Chromogranin A and PIVKA-II kits disagree with each other, so their
units form families that are never converted into one another: see `canonical_unit`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from clinical.analytes import CATALOGUE
from clinical.saying import Figure, say

GLUCAGON_MOLAR_MASS = Decimal("3482.7473")
_GLUCOSE = Decimal("180.156")
_ZINC = Decimal("65.38")
_COPPER = Decimal("63.546")
_CALCIDIOL = Decimal("400.637")
_RETINOL = Decimal("286.44")
_TOCOPHEROL = Decimal("430.7061")
_VITAMIN_K1 = Decimal("450.70")
_B12 = Decimal("1355.37")
_MMA = Decimal("118.09")
_FOLATE = Decimal("441.40")
_BILIRUBIN = Decimal("584.6621")
_CREATININE = Decimal("113.1179")
_CHOLESTEROL = Decimal("386.6535")
_TRIGLYCERIDE = Decimal("885.4")
_FREE_T4 = Decimal("776.87")
_HAEMOGLOBIN_MONOMER = Decimal("16114.5")
_HYDROXYBUTYRATE = Decimal("104.105")
_INSULIN_PMOL_PER_UIU = Decimal("6.0")
_MM_HG_PER_KPA = Decimal("7.500617")

_ONE = Decimal(1)
_TENTH = Decimal("0.1")
_HUNDRED = Decimal(100)
_THOUSAND = Decimal(1000)
_ENZYME = {"U/L": _ONE, "[IU]/L": _ONE, "ukat/L": Decimal(60)}
_PLAIN_GLUCOSE = {"mg/dL": _ONE, "mmol/L": _GLUCOSE / 10, "g/L": _HUNDRED}
_MICROGRAM_PER_DL = {"ug/dL": _ONE, "ug/L": _TENTH, "mg/L": _HUNDRED, "ug/mL": _HUNDRED}
_PRESSURE = {"mm[Hg]": _ONE, "kPa": _MM_HG_PER_KPA}

# How many canonical units one of the named unit is.
_FACTORS: Mapping[str, Mapping[str, Decimal]] = MappingProxyType(
    {
        "glucagon": {
            "pg/mL": _ONE,
            "ng/L": _ONE,
            "pmol/L": GLUCAGON_MOLAR_MASS / 1000,
            "fmol/mL": GLUCAGON_MOLAR_MASS / 1000,
        },
        "glucose": _PLAIN_GLUCOSE,
        "glucose-fasting": _PLAIN_GLUCOSE,
        "insulin": {
            "u[IU]/mL": _ONE,
            "m[IU]/L": _ONE,
            "uU/mL": _ONE,
            "mU/L": _ONE,
            "pmol/L": _ONE / _INSULIN_PMOL_PER_UIU,
        },
        "ketones": {"mmol/L": _ONE, "mg/dL": 10 / _HYDROXYBUTYRATE},
        "zinc": _MICROGRAM_PER_DL | {"umol/L": _ZINC / 10},
        "copper": _MICROGRAM_PER_DL | {"umol/L": _COPPER / 10},
        "vitamin-a": _MICROGRAM_PER_DL | {"umol/L": _RETINOL / 10},
        "vitamin-d": {"ng/mL": _ONE, "ug/L": _ONE, "nmol/L": _CALCIDIOL / 1000},
        "vitamin-e": {"mg/L": _ONE, "ug/mL": _ONE, "mg/dL": Decimal(10), "umol/L": _TOCOPHEROL / 1000},
        "vitamin-k1": {
            "ng/mL": _ONE,
            "ug/L": _ONE,
            "pg/mL": _ONE / 1000,
            "ng/L": _ONE / 1000,
            "nmol/L": _VITAMIN_K1 / 1000,
        },
        "inr": {"{INR}": _ONE, "{ratio}": _ONE, "1": _ONE},
        "b12": {"pg/mL": _ONE, "ng/L": _ONE, "pmol/L": _B12 / 1000},
        "active-b12": {"pmol/L": _ONE},
        "mma": {"nmol/L": _ONE, "umol/L": _THOUSAND, "ug/L": _THOUSAND / _MMA},
        "folate": {"ng/mL": _ONE, "ug/L": _ONE, "nmol/L": _FOLATE / 1000},
        "albumin": {"g/L": _ONE, "g/dL": Decimal(10)},
        "amino-acids": {"umol/L": _ONE, "mmol/L": _THOUSAND},
        "efa-ratio": {"{ratio}": _ONE, "1": _ONE},
        "haemoglobin": {"g/L": _ONE, "g/dL": Decimal(10), "mmol/L": _HAEMOGLOBIN_MONOMER / 1000},
        "creatinine": {"mg/dL": _ONE, "umol/L": _CREATININE / 10_000, "mmol/L": _CREATININE / 10},
        "egfr": {"mL/min/{1.73_m2}": _ONE, "mL/min": _ONE},
        "crp": {"mg/L": _ONE, "mg/dL": Decimal(10)},
        "alp": _ENZYME,
        "alt": _ENZYME,
        "ast": _ENZYME,
        "ggt": _ENZYME,
        "lipase": _ENZYME,
        "bilirubin": {"mg/dL": _ONE, "umol/L": _BILIRUBIN / 10_000},
        "cholesterol": {"mg/dL": _ONE, "mmol/L": _CHOLESTEROL / 10},
        "triglycerides": {"mg/dL": _ONE, "mmol/L": _TRIGLYCERIDE / 10},
        "elastase": {"ug/g": _ONE},
        "faecal-fat": {"g/d": _ONE, "g/(24.h)": _ONE, "g/(72.h)": _ONE / 3},
        "tsh": {"m[IU]/L": _ONE, "u[IU]/mL": _ONE, "mU/L": _ONE, "uU/mL": _ONE},
        "free-t4": {"ng/dL": _ONE, "ng/L": _TENTH, "pg/mL": _TENTH, "pmol/L": _FREE_T4 / 10_000},
        "weight": {"kg": _ONE, "g": _ONE / 1000, "[lb_av]": Decimal("0.45359237")},
        "height": {"cm": _ONE, "m": _HUNDRED, "[in_i]": Decimal("2.54")},
        "heart-rate": {"/min": _ONE},
        "qtc": {"ms": _ONE, "s": _THOUSAND},
        "systolic": _PRESSURE,
        "diastolic": _PRESSURE,
        "lvef": {"%": _ONE},
        "stools-per-day": {"{stools}/d": _ONE, "/d": _ONE},
        "itch": {"{score}": _ONE, "1": _ONE},
        "pain": {"{score}": _ONE, "1": _ONE},
        "rescue-doses": {"{doses}/d": _ONE, "/d": _ONE},
        "quality-of-life": {"{score}": _ONE, "1": _ONE},
    }
)

# Kit-dependent quantities: each family has its own number line. First unit of a family = its canonical unit.
_FAMILIES: Mapping[str, tuple[Mapping[str, Decimal], ...]] = MappingProxyType(
    {
        "chromogranin-a": ({"ng/mL": _ONE, "ug/L": _ONE}, {"nmol/L": _ONE, "pmol/L": _ONE / 1000}, {"U/L": _ONE}),
        "pivka-ii": ({"ng/mL": _ONE, "ug/L": _ONE}, {"m[arb'U]/mL": _ONE}),
    }
)

_HBA1C_SLOPE = Decimal("10.929")
_HBA1C_OFFSET = Decimal("2.15")

_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "mmHg": "mm[Hg]",
        "mm Hg": "mm[Hg]",
        "mm(Hg)": "mm[Hg]",
        "{beats}/min": "/min",
        "{beat}/min": "/min",
        "beats/min": "/min",
        "beats/minute": "/min",
        "{beats}/minute": "/min",
        "bpm": "/min",
        "1/min": "/min",
        "mL/min/1.73m2": "mL/min/{1.73_m2}",
        "mL/min/1.73 m2": "mL/min/{1.73_m2}",
        "mL/min/1.73m^2": "mL/min/{1.73_m2}",
        "mL/min/1.73m²": "mL/min/{1.73_m2}",
        "mL/min/1.73 m²": "mL/min/{1.73_m2}",
        "mL/min/{1.73m2}": "mL/min/{1.73_m2}",
        "mL/min/1.73_m2": "mL/min/{1.73_m2}",
        "mL/min/{1.73}m2": "mL/min/{1.73_m2}",
        "mL/min/173.10*-2.m2": "mL/min/{1.73_m2}",
        "mIU/L": "m[IU]/L",
        "mIU/mL": "m[IU]/mL",
        "uIU/mL": "u[IU]/mL",
        "IU/L": "[IU]/L",
        "mAU/mL": "m[arb'U]/mL",
        "%{HbA1c}": "%",
        "%{Hb}": "%",
        "mmol/mol{Hb}": "mmol/mol",
        "mmol/mol Hb": "mmol/mol",
        "INR": "{INR}",
        "ratio": "{ratio}",
        "g/day": "g/d",
        "g/24h": "g/(24.h)",
        "g/24 h": "g/(24.h)",
        "g/72h": "g/(72.h)",
        "g/72 h": "g/(72.h)",
        "ug/g{stool}": "ug/g",
        "lb": "[lb_av]",
        "lbs": "[lb_av]",
        "in": "[in_i]",
        "inch": "[in_i]",
        "msec": "ms",
        "stools/d": "{stools}/d",
        "stools/day": "{stools}/d",
        "doses/d": "{doses}/d",
        "doses/day": "{doses}/d",
        "/day": "/d",
        "1/d": "/d",
        "score": "{score}",
        "{NRS}": "{score}",
        "of 10": "{score}",
        "/10": "{score}",
    }
)
_LITRE = re.compile(r"/(d|m|u)?l(?![A-Za-z\[])")


class UnitError(ValueError):
    """A unit or number that cannot be used. `suggestion` says what to send instead."""

    def __init__(self, message: str, suggestion: str) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def accepted_units(analyte: str) -> tuple[str, ...]:
    """The UCUM units accepted for a catalogue code, canonical first. Raises UnitError for an unknown analyte."""
    if analyte not in CATALOGUE:
        raise UnitError(
            say("analyte {analyte} is not in the catalogue", analyte=repr(analyte)),
            say("use a code of the analyte catalogue"),
        )
    return CATALOGUE[analyte].units


def canonical_unit(analyte: str, unit: str) -> str:
    """The unit in which `to_canonical` answers for a value received in `unit`.

    The same for every unit of an analyte, but for chromogranin-a and pivka-ii, whose kits are kept apart: there it is
    the first unit of the family. Raises UnitError like `to_canonical`.
    """
    known = _recognised(analyte, unit)
    if analyte in _FAMILIES:
        return next(iter(_family(analyte, known)))
    return CATALOGUE[analyte].canonical_unit


def to_canonical(analyte: str, value: Decimal, unit: str) -> float:
    """`value` in the canonical unit of its analyte (see `canonical_unit`).

    Raises UnitError when the unit is not accepted for the analyte or the number is not finite.
    """
    return _finite(_to_canonical(analyte, value, _recognised(analyte, unit)))


def convert(analyte: str, value: Decimal, unit: str, to: str) -> float:
    """`value` given in `unit`, expressed in `to`.

    Raises UnitError when either unit is not accepted for the analyte, when the two belong to kits that are never
    converted into one another, or when the number is not finite.
    """
    source, target = _recognised(analyte, unit), _recognised(analyte, to)
    canonical = _to_canonical(analyte, value, source)
    if analyte == "hba1c":
        return _finite(canonical if target == "%" else _HBA1C_SLOPE * (canonical - _HBA1C_OFFSET))
    if analyte in _FAMILIES and target not in _family(analyte, source):
        raise UnitError(
            say(
                "{analyte} is not converted from {source} to {target}: kits that report them differ",
                analyte=analyte,
                source=repr(source),
                target=repr(target),
            ),
            say("compare only results of one kit"),
        )
    return _finite(canonical / _factor(analyte, target))


def _to_canonical(analyte: str, value: Decimal, unit: str) -> Decimal:
    if not value.is_finite():
        raise UnitError(say("{value} is not a finite number", value=value), say("send a plain decimal number"))
    if analyte == "hba1c":
        return value if unit == "%" else value / _HBA1C_SLOPE + _HBA1C_OFFSET
    factor = _factor(analyte, unit)
    return value if factor == _ONE else value * factor


def _finite(value: Decimal) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise UnitError(
            say("{value} is outside the range of numbers Nadir can hold", value=Figure(f"{value:.3e}")),
            say("check the number"),
        )
    return number


def _factor(analyte: str, unit: str) -> Decimal:
    table = _family(analyte, unit) if analyte in _FAMILIES else _FACTORS[analyte]
    return table[unit]


def _family(analyte: str, unit: str) -> Mapping[str, Decimal]:
    return next(family for family in _FAMILIES[analyte] if unit in family)


def _recognised(analyte: str, unit: str) -> str:
    accepted = accepted_units(analyte)
    if unit in accepted:
        return unit
    spelled = _spelled(unit)
    if spelled in accepted:
        return spelled
    raise _refusal(analyte, unit, accepted)


def _spelled(unit: str) -> str:
    text = unit.strip().replace("µ", "u").replace("μ", "u")
    if text.startswith("mc") and text[2:].startswith(("g", "mol")):
        text = "u" + text[2:]
    text = _LITRE.sub(lambda m: f"/{m[1] or ''}L", text)
    text = re.sub(r"^ml(?=/)", "mL", text)
    return _SPELLINGS.get(text, text)


def _refusal(analyte: str, unit: str, accepted: tuple[str, ...]) -> UnitError:
    message = say("unit {unit} is not accepted for {analyte}", unit=repr(unit), analyte=analyte)
    folded = _spelled(unit).casefold()
    same = [u for u in accepted if u.casefold() == folded]
    if len(same) == 1:
        return UnitError(
            say("{what}; did you mean {same}? (units are case-sensitive)", what=message, same=repr(same[0])),
            say("send {same}", same=repr(same[0])),
        )
    return UnitError(message, say("accepted units: {which}", which=", ".join(accepted)))
