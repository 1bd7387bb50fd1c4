"""What `make test-security` needs beyond the clinic of tests/dashboard: the clinic itself, marked as long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboard.conftest import assembled, clinic, clinic_template, protocol, web_settings

__all__ = ["assembled", "clinic", "clinic_template", "protocol", "web_settings"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder takes minutes, a port or a program from elsewhere."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.security)
