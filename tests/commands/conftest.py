"""The command line as a person meets it: a process, an empty folder, keys of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with keys, where `var/nadir.db` will be made."""
    (tmp_path / "var").mkdir()
    for name in ("secret", "audit"):
        key = tmp_path / "var" / f"{name}.key"
        key.write_text(secrets.token_urlsafe(48))
        key.chmod(0o600)
    return tmp_path


@pytest.fixture
def nadir(home: Path) -> Callable[..., Ran]:
    """Run `nadir` in `home`; keyword arguments are extra environment variables."""

    def run(*arguments: str, **environment: str) -> Ran:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("NADIR_")}
        done = subprocess.run(
            [sys.executable, "-m", "nadir", *arguments],
            cwd=home,
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
