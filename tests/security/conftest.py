"""What `make test-security` needs beyond the clinic of tests/dashboard: the clinic itself, marked as long."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinical.protocol import Protocol
from dashboard.app import create_app
from data.db import Database
from data.settings import Settings
from tests.dashboard.conftest import Web, assembled, clinic, clinic_template, protocol, web_settings
from tests.security.wards import Wards, furnish

__all__ = ["assembled", "clinic", "clinic_template", "protocol", "web_settings"]


@pytest.fixture
def wards(sqlite_database: Database, web_settings: Settings, protocol: Protocol, tmp_path: Path) -> Wards:
    """The whole application over two teams of which everything is a canary, with everybody signed in."""
    return furnish(Web(create_app(sqlite_database, web_settings, protocol), sqlite_database, web_settings), tmp_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder takes minutes, a port or a program from elsewhere."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.security)
