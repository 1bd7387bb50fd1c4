"""Doubts about a number that a person types in, so that the page can ask before it is stored.

A doubt is a question, never a judgement of the patient: it compares what was typed with the last value. A factor of
ten, or one that lies between two units of the analyte (18.016 for glucose, 3.4827 for glucagon, ...), asks about the
decimal point or the unit. The spans below are choices of design for asking, not clinical thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from clinical.analytes import CATALOGUE
from clinical.saying import Figure, lower, say
from clinical.units import UnitError, accepted_units, canonical_unit, to_canonical

Kind = Literal["implausible", "unit", "decimal", "change"]

# A value that lies this near to the last one after the suspected slip is undone was probably the same all along.
NEAR = 1.25
# And one that is no further from the last one as typed is not suspected of anything.
FAR = 1.8
POWERS_OF_TEN = (10, 100, 1000)
# By how much a value may differ from the last one before it is asked about: in its own unit, and as a share.
STEPS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "weight": (5.0, 0.07),
        "height": (3.0, 0.02),
        "systolic": (50.0, 0.35),
        "diastolic": (35.0, 0.4),
        "heart-rate": (45.0, 0.5),
        "qtc": (60.0, 0.15),
        "stools-per-day": (8.0, 1.0),
        "rescue-doses": (6.0, 1.0),
    }
)
# Its units lie a constant apart, not a factor.
OFFSET = frozenset({"hba1c"})
# Laboratory values move by more; they are asked about when they differ by this factor.
LABORATORY_FACTOR = 5.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question about a typed number: what kind it is, and in words. `words` name no date and no earlier value."""

    kind: Kind
    words: str


def possible(analyte: str, canonical: float) -> bool:
    """Whether a living person can have this value at all; False only for vital signs and scores outside their range.

    Laboratory values have no such limit: what is implausible is asked about.
    """
    known = CATALOGUE[analyte]
    bounded = known.group in ("vital", "symptom-score")
    return not bounded or known.plausible_low <= canonical <= known.plausible_high


def doubts(analyte: str, value: Decimal, unit: str, last: float | None) -> tuple[Doubt, ...]:
    """What to ask about `value` in `unit`; `last` is the last plain number in the canonical unit, None without one.

    At most one doubt about a slip of unit or decimal point, and one about the range or the size of the change.
    Raises UnitError for a unit the analyte does not have.
    """
    canonical = to_canonical(analyte, value, unit)
    slip = _slip(analyte, value, unit, canonical, last)
    found = [slip] if slip else []
    known = CATALOGUE[analyte]
    if canonical_unit(analyte, unit) == known.canonical_unit and not (
        known.plausible_low <= canonical <= known.plausible_high
    ):
        span = say(
            "{low} to {high} {unit}",
            low=Figure(f"{known.plausible_low:g}"),
            high=Figure(f"{known.plausible_high:g}"),
            unit=known.canonical_unit,
        )
        found.append(
            Doubt(
                "implausible", say("outside {span}, where {name} is ever found", span=span, name=lower(say(known.name)))
            )
        )
    elif slip is None and last is not None:
        found += _change(analyte, canonical, last)
    return tuple(found)


def _slip(analyte: str, value: Decimal, unit: str, canonical: float, last: float | None) -> Doubt | None:
    if last is None or last <= 0 or canonical <= 0 or _apart(canonical, last) < FAR:
        return None
    for other, meant in _otherwise(analyte, value, unit):
        if _apart(meant, last) <= NEAR:
            return Doubt(
                "unit",
                say(
                    "{value} {other} would be close to the last value; is the unit {unit} right?",
                    value=value,
                    other=other,
                    unit=unit,
                ),
            )
    for power in POWERS_OF_TEN:
        for meant, words in (
            (canonical * power, say("{power} times less", power=power)),
            (canonical / power, say("{power} times more", power=power)),
        ):
            if _apart(meant, last) <= NEAR:
                return Doubt(
                    "decimal", say("about {words} than the last value; is the decimal point right?", words=words)
                )
    return _converted(analyte, canonical, last)


def _otherwise(analyte: str, value: Decimal, unit: str) -> Iterator[tuple[str, float]]:
    """The value as it would be in each other unit of the same number line."""
    line = canonical_unit(analyte, unit)
    for other in accepted_units(analyte):
        if other != unit and canonical_unit(analyte, other) == line:
            try:
                yield other, to_canonical(analyte, value, other)
            except UnitError:
                continue


def _converted(analyte: str, canonical: float, last: float) -> Doubt | None:
    """A value that is off by the factor between two units the other way round: converted once too often."""
    for unit in accepted_units(analyte)[1:] if analyte not in OFFSET else ():
        try:
            factor = to_canonical(analyte, Decimal(1), unit)
        except UnitError:
            continue
        if factor > 0 and max(factor, 1 / factor) >= FAR:
            for meant in (canonical * factor, canonical / factor):
                if _apart(meant, last) <= NEAR:
                    return Doubt(
                        "unit", say("off the last value by the factor between {unit} and other units", unit=unit)
                    )
    return None


def _change(analyte: str, canonical: float, last: float) -> Iterator[Doubt]:
    known = CATALOGUE[analyte]
    difference = canonical - last
    words = f"{abs(difference):.4g} {known.canonical_unit} {'more' if difference > 0 else 'less'}"
    if analyte in STEPS:
        step, share = STEPS[analyte]
        if abs(difference) > step and abs(difference) > share * abs(last):
            yield Doubt("change", words)
    elif known.group not in ("vital", "symptom-score") and last > 0 and _apart(canonical, last) >= LABORATORY_FACTOR:
        yield Doubt("change", words)


def _apart(first: float, second: float) -> float:
    """The factor between two positive numbers, 1 or more; infinite where one is not positive."""
    if first <= 0 or second <= 0:
        return math.inf
    return max(first / second, second / first)
