"""F6: two hundred connections of which each sends a byte every two seconds, for a minute, beside somebody who works,
all of them through the proxy of the operations guide."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest

from tests.security.slow import KINDS, SlowSenders, answered, serving

CONNECTIONS, EVERY_S, SECONDS = 200, 2.0, 60
# Below it nobody notices, however little it takes on an idle machine.
UNNOTICED_S = 0.1

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]


def test_two_hundred_slow_connections_keep_nobody_waiting(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        before = _p95([answered(served) for _ in range(100)])
        with SlowSenders(served, CONNECTIONS, list(KINDS), every=EVERY_S) as slow:
            until, took = time.monotonic() + SECONDS, list[float]()
            while time.monotonic() < until:
                took.append(answered(served))
                time.sleep(0.1)
        after = _p95([answered(served) for _ in range(100)])
    usual, beside = max(before, after), _p95(took)
    print(
        f"F6: {CONNECTIONS} connections, {slow.sent} bytes in {SECONDS} s, {slow.closed} closed by the proxy; "
        f"{len(took)} pages, p95 {beside * 1000:.0f} ms beside {usual * 1000:.0f} ms alone, longest {max(took):.2f} s"
    )
    assert beside <= max(2 * usual, UNNOTICED_S)


def _p95(took: list[float]) -> float:
    return statistics.quantiles(took, n=20)[18]
