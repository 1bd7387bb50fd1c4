"""Patients in every state of the disease for the benchmark of the sweep: most with nothing to find, some with much.

Seeded: one number gives one patient, whatever the size of the cohort. Every patient has 20-60 records and fourteen days
of a sensor.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np

from data.readings import DayReadings, aggregate, pack, plain_readings

NOW: Final = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
SENSOR_DAYS: Final = 14
LIMIT: Final = 80.0
DRAWN: Final = {"lab": "Central", "method": "RIA", "fasting": True}


@dataclass(frozen=True, slots=True)
class Fact:
    """One record: its kind, days before NOW, and either an analyte with its value or the fields of its kind."""

    kind: str
    ago: float
    detail: dict[str, Any] | None = None
    analyte: str | None = None
    value: float | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    drawn: bool = False


def patient(number: int) -> list[Fact]:
    """The records of one patient, in no order."""
    chance = random.Random(f"sweep:{number}")
    (kind,) = chance.choices(tuple(_KINDS), tuple(_KINDS.values()))
    facts = [*kind(chance)]
    facts += _blood(chance)
    return _flawed(facts, chance) if chance.random() < 0.12 else facts


def sensor_days(number: int) -> Iterator[tuple[date, bytes, dict[str, Any]]]:
    """The day, the packed readings and the aggregate of a patient's last fortnight."""
    chance = random.Random(f"sensor:{number}")
    pool = _UNSTEADY if chance.random() < 0.08 else _STEADY
    for back in range(1, SENSOR_DAYS + 1):
        yield (NOW.date() - timedelta(days=back), *chance.choice(pool))


def _resected(chance: random.Random) -> Iterator[Fact]:
    """Without evidence of disease since an operation; one in twenty relapses."""
    since = chance.uniform(400, 1800)
    yield _other("therapy", since, kind="procedure", procedure="resection", intent="curative", completeness="R0")
    yield _other("finding", since - 7, code="grade", text="G1" if chance.random() < 0.5 else "G2")
    yield _other("finding", since - 7, code="stage", text="pT2 N0")
    relapses, base = chance.random() < 0.05, chance.uniform(25, 55)
    for n in range(9):
        ago = 4 + chance.uniform(0, 30) + n * (since - 60) / 9
        value = base * chance.lognormvariate(0, 0.12) * (3.2 if relapses and n < 2 else 1)
        yield from _draw(chance, ago, value)
        if n % 2 == 0:
            yield _other("skin", ago, overall="clear", iga=0, bsa=0.0)
            yield _lab("weight", 72 + chance.uniform(-2, 2), "kg", ago)
        if n % 3 == 0:
            yield _other("response", ago + 2, response="NED", modality="CT", reader="R", signed=True)


def _on_analogue(chance: random.Random) -> Iterator[Fact]:
    """Stable residual disease on a depot, everything the schedule owes done in time."""
    yield from _treated(chance, growth=1.0, rise=1.0)


def _progressing(chance: random.Random) -> Iterator[Fact]:
    """Residual disease that grows, its marker with it."""
    yield from _treated(chance, growth=1.45, rise=3.0)
    yield _other("state", 30, state="residual-progressing")
    if chance.random() < 0.4:
        yield _other("therapy", 200, kind="procedure", procedure="prrt")


def _treated(chance: random.Random, *, growth: float, rise: float) -> Iterator[Fact]:
    since = chance.uniform(420, 700)
    yield _other("state", since + 10, state="residual-stable")
    yield _other("therapy", since, kind="start", drug="lanreotide", dose=120.0, unit="mg", interval_days=28)
    first = chance.uniform(2, 25)
    for n in range(7):
        yield _other("therapy", first + 28 * n, kind="injection", drug="lanreotide", dose=120.0, unit="mg")
    base, sugar, drawn = chance.uniform(120, 700), chance.uniform(5.2, 6.2), chance.uniform(5, 60)
    for n in range(5):
        ago = drawn + 85 * n
        value = base * chance.lognormvariate(0, 0.1) * (rise if n < 2 else 1.0)
        yield _lab("glucagon", value, "pg/mL", ago, high=LIMIT, drawn=True)
        if n < 2:
            yield _lab("hba1c", sugar + chance.uniform(-0.1, 0.1), "%", ago, high=6.5)
            yield _lab("lipase", chance.uniform(20, 50), "U/L", ago, high=60)
            yield _lab("alp", chance.uniform(50, 100), "U/L", ago, high=130)
            yield _lab("alt", chance.uniform(10, 35), "U/L", ago, high=45)
            yield _lab("bilirubin", chance.uniform(0.3, 0.9), "mg/dL", ago, high=1.2)
        if n < 3:
            yield _lab("weight", 70 + chance.uniform(-2, 2), "kg", ago)
            yield _lab("heart-rate", chance.uniform(60, 85), "/min", ago)
            yield _other("skin", ago, overall="stable", iga=1, bsa=1.0, itch=1.0)
    for analyte, low, high, unit, limits in _YEARLY:
        yield _lab(analyte, chance.uniform(low, high), unit, drawn, low=limits[0], high=limits[1])
    yield _lab("qtc", chance.uniform(390, 430), "ms", since - 5)
    for n in range(2):
        clear = {"stones": "none", "sludge": False, "gallbladder": "in-situ", "wall_mm": 2.0, "cbd_mm": 4.0}
        yield _other("biliary", 40 + 170 * n, **clear)
        grown = growth if n == 0 else 1.0
        for lesion in ("L1", "L2"):
            size = round((220 if lesion == "L1" else 310) * grown) + chance.randrange(-4, 5)
            yield _other(
                *("lesion", 35 + 170 * n),
                **{"lesion": lesion, "role": "target", "modality": "CT", "diameter_tenths": size, "signed": True},
            )


def _without_tumour(chance: random.Random) -> Iterator[Fact]:
    """A complete work-up that found no tumour; glucagon at the limit, in some above it."""
    yield _other("state", 500, state="no-tumour-found")
    base = chance.uniform(40, 70) if chance.random() < 0.7 else chance.uniform(90, 140)
    for n in range(5):
        yield from _draw(chance, 20 + 100 * n, base * chance.lognormvariate(0, 0.1))
        yield _other("skin", 20 + 100 * n, overall="clear" if n % 2 else "stable", iga=0)
        yield _lab("weight", 66 + chance.uniform(-1, 1), "kg", 20 + 100 * n)


def _before_operation(chance: random.Random) -> Iterator[Fact]:
    """A tumour found and not yet removed: high glucagon, the rash, one lesion."""
    yield _other("state", 60, state="pre-op")
    base = chance.uniform(300, 1500)
    for n in range(4):
        yield from _draw(chance, 6 + 16 * n, base * chance.lognormvariate(0, 0.1))
        yield _other("skin", 6 + 16 * n, overall="active", iga=2, bsa=6.0, erythema=2, itch=4.0)
    yield _other("lesion", 50, lesion="T1", role="target", modality="CT", diameter_tenths=340, signed=True)
    yield _lab("zinc", chance.uniform(55, 90), "ug/dL", 40, low=70.0, high=120.0)
    yield _other("symptom", 40, name="diarrhoea", present=chance.random() < 0.5)


def _referred(chance: random.Random) -> Iterator[Fact]:
    """Nothing stated yet: a referral whose glucagon was normal."""
    for n in range(5):
        yield from _draw(chance, 5 + 60 * n, chance.uniform(25, 70))
        yield _lab("weight", 80 + chance.uniform(-1, 1), "kg", 5 + 60 * n)
        yield _other("skin", 5 + 60 * n, overall="clear", iga=0)


def _blood(chance: random.Random) -> Iterator[Fact]:
    """Haemoglobin three times, albumin twice; one in thirty bleeds, one in fifty wastes."""
    base, albumin = chance.randrange(118, 150), chance.randrange(36, 48)
    bleeds, wastes = chance.random() < 0.03, chance.random() < 0.02
    for n in range(3):
        fallen = chance.randrange(18, 45) if bleeds and n == 0 else chance.randrange(-4, 5)
        yield _lab("haemoglobin", base - fallen, "g/L", 7 + 70 * n, low=120.0, high=160.0)
    for n in range(2):
        yield _lab("albumin", albumin - (12 if wastes and n == 0 else 0), "g/L", 7 + 140 * n, low=35.0, high=50.0)


def _draw(chance: random.Random, ago: float, glucagon: float) -> Iterator[Fact]:
    """A draw of glucagon with the glucose and the kidneys of the same sample."""
    yield _lab("glucagon", glucagon, "pg/mL", ago, high=LIMIT, drawn=True)
    yield _lab("glucose-fasting", chance.uniform(80, 105), "mg/dL", ago, high=100.0)
    yield _lab("egfr", chance.uniform(70, 110), "mL/min/{1.73_m2}", ago)


def _flawed(facts: list[Fact], chance: random.Random) -> list[Fact]:
    """A patient to whom something happened: records are missing, a value is out of range, a symptom came."""
    kept = [fact for fact in facts if fact.analyte is None or chance.random() > 0.15]
    what = chance.randrange(6)
    if what == 0:
        kept.append(_lab("haemoglobin", 74, "g/L", 9))
    elif what == 1:
        kept += [_lab("zinc", 38, "ug/dL", 9, low=70.0, high=120.0), _lab("crp", 3, "mg/L", 9)]
    elif what == 2:
        kept += [_other("symptom", ago, name="leg-swelling") for ago in (3, 4)]
    elif what == 3:
        kept += [_other("skin", ago, overall="worse", iga=3, bsa=8.0, erythema=2, erosion=2) for ago in (5, 20)]
    elif what == 4:
        kept.append(_lab("hba1c", 9.4, "%", 6, high=6.5))
    else:
        kept += [_lab("weight", 60, "kg", 3), _lab("bilirubin", 3.4, "mg/dL", 3, high=1.2)]
    return kept[:60]


def _lab(
    analyte: str,
    value: float,
    unit: str,
    ago: float,
    *,
    low: float | None = None,
    high: float | None = None,
    drawn: bool = False,
) -> Fact:
    return Fact("lab", ago, None, analyte, float(f"{value:.3g}"), unit, low, high, drawn)


def _other(record: str, ago: float, **detail: Any) -> Fact:
    return Fact(record, ago, detail)


def _sensor_day(seed: int, *, level: float, spread: float) -> tuple[bytes, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    values = np.clip(np.rint(rng.normal(level, spread, 288)), 41, 395)
    day: DayReadings = plain_readings("sensor", NOW.date(), np.arange(288) * 300, values)
    return pack(day), aggregate(day)


_YEARLY: Final = (
    ("tsh", 1.0, 3.0, "m[IU]/L", (0.4, 4.0)),
    ("b12", 320.0, 600.0, "pg/mL", (200.0, 900.0)),
    ("zinc", 78.0, 110.0, "ug/dL", (70.0, 120.0)),
    ("vitamin-a", 40.0, 70.0, "ug/dL", (30.0, 80.0)),
    ("vitamin-d", 28.0, 50.0, "ng/mL", (20.0, 100.0)),
    ("vitamin-e", 8.0, 14.0, "mg/L", (5.5, 17.0)),
    ("inr", 0.9, 1.1, "{INR}", (0.8, 1.2)),
)
_STEADY: Final = [_sensor_day(n, level=118, spread=18) for n in range(40)]
_UNSTEADY: Final = [_sensor_day(n, level=205, spread=95) for n in range(40)]
_KINDS: Final[dict[Callable[[random.Random], Iterator[Fact]], float]] = {
    _resected: 0.42,
    _on_analogue: 0.38,
    _progressing: 0.05,
    _without_tumour: 0.05,
    _before_operation: 0.04,
    _referred: 0.06,
}
