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
    keys = [told(day) for day in found]
    if not any([device.endswith(SCAN) for _, device in keys]):
        return found
    there = set(keys)
    return [day for day, key in zip(found, keys, strict=True) if not _beside(key, there)]


def _beside(key: tuple[date, str], there: set[tuple[date, str]]) -> bool:
    day, device = key
    return device.endswith(SCAN) and (day, device.removesuffix(SCAN)) in there
