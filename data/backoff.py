"""How long a mail waits between tries and when it is given up, by severity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

JITTER: Final = 0.2
BASE_S: Final = 10.0
"""The base the waits below are written for; a site that sets another scales all of them."""

WAITS_S: Final[Mapping[str, tuple[float, ...]]] = {
    "urgent": (10, 30, 60, 120, 300),
    "high": (10, 30, 60, 120, 300),
    "technical": (10, 30, 60, 120, 300),
    "medium": (60, 300, 900, 1800),
    "low": (3600,),
    "info": (3600,),
}
EXPIRES: Final[Mapping[str, timedelta]] = {
    "urgent": timedelta(hours=24),
    "high": timedelta(hours=24),
    "technical": timedelta(hours=24),
    "medium": timedelta(hours=48),
    "low": timedelta(hours=72),
    "info": timedelta(hours=72),
}


def wait_s(severity: str, attempts: int, base_s: float, jitter: float) -> float:
    """Seconds to wait after try number `attempts` (from 1) of a mail of `severity`; the last wait repeats.

    `base_s` is the first wait of an urgent mail and scales the others; `jitter` from -1 to 1 stretches by up to 20 %.
    Raises ValueError outside these ranges.
    """
    if attempts < 1 or base_s <= 0 or not -1 <= jitter <= 1:
        raise ValueError(f"no wait for try {attempts}, base {base_s} s, jitter {jitter}")
    waits = WAITS_S[severity]
    return waits[min(attempts, len(waits)) - 1] * (base_s / BASE_S) * (1 + JITTER * jitter)
