"""Says at the end which published judgements no rule answers yet."""

from __future__ import annotations

import pytest

from tests.oracles.cases.judgements import waiting


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line that counts the judgements that wait, and for which rules."""
    held = waiting()
    if held:
        names = sorted({f"{judgement.what} ({'/'.join(judgement.waits_for)})" for judgement in held})
        terminalreporter.write_line(f"{len(held)} published judgements wait for their rules: {', '.join(names)}")
