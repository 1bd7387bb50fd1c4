"""The parent's side of parsing a file in a limited child: nothing it wrote is used before it has ended well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from data.intake.limited import FileRefused

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a child may take, in seconds on the wall and in whole seconds of the processor."""

    seconds: float = 60
    cpu_seconds: int = 30


LIMITS = Limits()


def parse_in_child(module: str, path: Path, spool: IO[str], *more: str, limits: Limits = LIMITS) -> None:
    """Let `python -m module path more` write its lines into `spool`, without our environment.

    Raises FileRefused when it refuses the file, dies or takes longer than `limits` say.
    """
    quiet = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        subprocess.run(
            [sys.executable, "-m", module, str(limits.cpu_seconds), str(path.resolve()), *more],
            stdin=subprocess.DEVNULL,
            stdout=spool,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=quiet,
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FileRefused(f"takes more than {limits.seconds:g} seconds to read") from error
    last: Any = None
    for said in lines(spool):
        last = said
    if isinstance(last, dict) and "refused" in last:
        raise FileRefused(last["refused"])
    if last != {"end": True}:
        raise FileRefused("takes more memory or time to read than a file may")


def lines(spool: IO[str]) -> Iterator[Any]:
    """What the child wrote, from the first line on, up to one that was cut off."""
    spool.seek(0)
    for line in spool:
        try:
            yield json.loads(line)
        except ValueError:
            return
