"""Nadir does not start open: debugging switches and poor secrets end the process at once, in one line that says so."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.alone

WITHIN_S = 5  # of the processor's time: what the clock shows while nothing else runs
AT_MOST_S = 60


def _refused(nadir: Callable[..., Any], names: str, **environment: str) -> None:
    began, used = time.monotonic(), _processor_s()
    ran = nadir("serve", "--port", "18999", **environment)
    took, used = time.monotonic() - began, _processor_s() - used
    said = [line for line in ran.err.splitlines() if line.startswith("nadir: ")]
    print(f"A1 {names}: exit {ran.code} after {took:.1f} s, {used:.1f} s of work: {said}")
    assert ran.code != 0
    assert len(said) == 1
    assert names in said[0]
    assert used < WITHIN_S
    assert took < AT_MOST_S


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_switch_or_a_poor_secret_ends_the_start_within_seconds(nadir: Callable[..., Any], home: Path) -> None:
    assert nadir("db", "upgrade").code == 0
    for name, value in [("FLASK_DEBUG", "1"), ("DASH_DEBUG", "true"), ("DASH_MCP_ENABLED", "true")]:
        _refused(nadir, name, **{name: value})
    key = home / "var" / "secret.key"
    for content, mode in [("changeme-changeme-changeme-changeme", 0o600), ("short", 0o600), ("k" * 48, 0o644)]:
        key.write_text(content)
        key.chmod(mode)
        _refused(nadir, "NADIR_SECRET_KEY_FILE")
