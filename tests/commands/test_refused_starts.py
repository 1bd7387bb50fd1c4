"""Nadir does not start open: debugging switches and poor secrets end the process at once, in one line that says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.alone

WITHIN_S = 5


def _refused(nadir: Callable[..., Any], names: str, **environment: str) -> None:
    began = time.monotonic()
    ran = nadir("serve", "--port", "18999", **environment)
    took = time.monotonic() - began
    said = [line for line in ran.err.splitlines() if line.startswith("nadir: ")]
    print(f"A1 {names}: exit {ran.code} after {took:.1f} s: {said}")
    assert ran.code != 0
    assert len(said) == 1
    assert names in said[0]
    assert took < WITHIN_S


def test_a_switch_or_a_poor_secret_ends_the_start_within_seconds(nadir: Callable[..., Any], home: Path) -> None:
    assert nadir("db", "upgrade").code == 0
    for name, value in [("FLASK_DEBUG", "1"), ("DASH_DEBUG", "true"), ("DASH_MCP_ENABLED", "true")]:
        _refused(nadir, name, **{name: value})
    key = home / "var" / "secret.key"
    for content, mode in [("changeme-changeme-changeme-changeme", 0o600), ("short", 0o600), ("k" * 48, 0o644)]:
        key.write_text(content)
        key.chmod(mode)
        _refused(nadir, "NADIR_SECRET_KEY_FILE")
