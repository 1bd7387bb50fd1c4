"""Oracle tests read third-party data that stands beside the project and never in it.

Where that folder is absent they are skipped, with one line that counts them; ORACLES=required makes that a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data"
REQUIRED = os.environ.get("ORACLES") == "required"
ABSENT = f"third-party data is not at {SHARED}"

_skipped: list[str] = []


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or with ORACLES=required fail, a test whose data is not there."""
    if SHARED.is_dir() or item.get_closest_marker("oracles") is None:
        return
    if REQUIRED:
        pytest.fail(ABSENT, pytrace=False)
    _skipped.append(item.nodeid)
    pytest.skip(ABSENT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many oracle tests did not run."""
    if _skipped:
        terminalreporter.write_line(f"{len(_skipped)} oracle tests did not run: {ABSENT}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party data; tests that use it are marked `oracles`."""
    return SHARED
