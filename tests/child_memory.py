"""How much memory a parsing child takes, measured by a parent of its own: a fork starts with its parent's peak."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEASURE = """
import resource, sys, tempfile
from pathlib import Path
from data.intake.child import parse_in_child
from data.intake.limited import FileRefused
with tempfile.TemporaryFile("w+") as spool:
    try:
        parse_in_child(sys.argv[1], Path(sys.argv[2]), spool)
    except FileRefused as error:
        print(error, file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_of_child(module: str, path: Path) -> int:
    """KiB of resident memory at the most while `module` parsed the file, whether it refused it or not."""
    command = [sys.executable, "-c", MEASURE, module, str(path)]
    return int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=120).stdout)
