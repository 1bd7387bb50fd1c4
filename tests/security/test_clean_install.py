"""The lock files install into an empty environment, and nothing in it contradicts anything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
def test_what_is_locked_fits_together(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    locked = ("-r", ROOT / "requirements" / "run.txt", "-r", ROOT / "requirements" / "demo.txt")
    subprocess.run([*pip, "install", "--require-hashes", *locked], check=True)
    checked = subprocess.run([*pip, "check"], capture_output=True, text=True, check=False)
    print(f"A2: pip check says {checked.stdout.strip() or 'nothing'}")
    assert checked.returncode == 0
