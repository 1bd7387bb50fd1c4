"""Glucose sensor readings every five minutes: a daily rhythm, meals, a slow drift and sensor noise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data.demo.teller import Teller
from data.readings import HIGH, LOW, PLAIN, DayReadings

EVERY_MINUTES = 5
READINGS_A_DAY = 24 * 60 // EVERY_MINUTES
SENSOR_DAYS = 10
WARM_UP_READINGS = 24
LOWEST, HIGHEST = 40, 400
MEALS = ((7.5, 0.9), (12.75, 1.0), (19.0, 1.15))
"""Hour of each meal and its size; the usual shape of a day."""


@dataclass(frozen=True, slots=True)
class Glycaemia:
    """How somebody's glucose behaves, in mg/dL: mean, height of a meal's rise, day-to-day and reading noise."""

    mean: float
    meals: float
    noise: float


def wear(p: Teller, first: int, last: int, usual: Glycaemia, *, device: str = "demo-sensor") -> None:
    """Wear sensors from `first` to `last`, ten days each, two hours of warm-up; about one day in forty is forgotten."""
    generator = np.random.default_rng(p.rng.getrandbits(64))
    for number, day in enumerate(range(first, last + 1)):
        if generator.random() < 1 / 40:
            continue
        levels = day_of(generator, usual, number)
        worn = generator.random(READINGS_A_DAY) > 0.01
        if number % SENSOR_DAYS == 0:
            worn[:WARM_UP_READINGS] = False
        p.sensor_days.append(shown(device, p.day(day), np.flatnonzero(worn) * EVERY_MINUTES * 60, levels[worn]))


def shown(device: str, day: date, seconds: NDArray[np.int64], mg_dl: NDArray[np.int64]) -> DayReadings:
    """What the sensor showed: a number within its range, outside it only LO or HI."""
    marks = np.where(mg_dl < LOWEST, LOW, np.where(mg_dl > HIGHEST, HIGH, PLAIN))
    values = np.where(marks == PLAIN, mg_dl, np.nan)
    return DayReadings(device=device, day=day, unit="mg/dL", seconds=seconds, values=values, marks=marks)


def day_of(generator: np.random.Generator, usual: Glycaemia, number: int) -> NDArray[np.int64]:
    """The 288 glucose levels of one day in whole mg/dL."""
    hours = np.arange(READINGS_A_DAY) * EVERY_MINUTES / 60
    base = usual.mean - 0.28 * usual.meals * sum(size for _, size in MEALS)
    level = base + 6 * np.sin(2 * np.pi * number / 28) + generator.normal(0, usual.noise / 2)
    dawn = 9 * np.exp(-(((hours - 6.5) / 1.8) ** 2))
    curve = np.full(READINGS_A_DAY, level) + dawn
    for hour, size in MEALS:
        since = hours - hour - generator.normal(0, 0.4)
        rise = np.clip(since / 0.9, 0, None) * np.exp(1 - np.clip(since / 0.9, 0, None))
        curve += usual.meals * size * generator.lognormal(0, 0.25) * rise
    curve += _wander(generator, usual.noise)
    whole: NDArray[np.int64] = np.rint(curve).astype(np.int64)
    return whole


def _wander(generator: np.random.Generator, spread: float) -> NDArray[np.float64]:
    """Correlated noise: neighbours five minutes apart stay close, an hour apart they do not."""
    keep = 0.93
    steps = generator.normal(0, spread * np.sqrt(1 - keep**2), READINGS_A_DAY)
    walk = np.empty(READINGS_A_DAY)
    walk[0] = generator.normal(0, spread)
    for index in range(1, READINGS_A_DAY):
        walk[index] = keep * walk[index - 1] + steps[index]
    return walk
