"""Scans of a sensor beside its historic values: two series of the same minutes, of which one counts.

A scan is the value of its moment and brings up to eight hours of historic values with it. Where a day holds both, the
historic values tell of the time and the scans of the moments somebody looked, which are more when something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeVar

T = TypeVar("T")
# Behind the name of the device whose scans these are.
SCAN = " scan"


def counted_once(days: Iterable[T], told: Callable[[T], tuple[date, str]]) -> list[T]:
    """Sensor days less those of scans where the same device has historic values that day; `told`: day and device."""
    found = list(days)
    there = set(map(told, found))
    return [day for day in found if not _beside(told(day), there)]


def of_scans(device: str) -> bool:
    """Whether a device is the scans of another."""
    return device.endswith(SCAN)


def _beside(key: tuple[date, str], there: set[tuple[date, str]]) -> bool:
    day, device = key
    return of_scans(device) and (day, device.removesuffix(SCAN)) in there
