"""Switches in the environment that open the inside of the program to whoever can reach it."""

from __future__ import annotations

import os

from data.settings import SettingsError

DANGEROUS = ("FLASK_DEBUG", "DASH_DEBUG", "DASH_MCP_ENABLED", "DASH_HOT_RELOAD")
OFF = frozenset({"", "0", "false", "no", "off"})


def refuse_debugging() -> None:
    """Raise SettingsError when the environment switches debugging or a remote tool on."""
    for name in DANGEROUS:
        if os.environ.get(name, "").strip().lower() not in OFF:
            raise SettingsError(f"{name} is set: Nadir does not start with debugging or remote tools switched on")
