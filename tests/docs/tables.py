"""What the tests of this folder read: the tables of a document and the sources of the program."""

from __future__ import annotations

import ast
from functools import cache
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLOORS = ("clinical", "data", "dashboard", "jobs", "commands")


def sources() -> list[Path]:
    """Every module of the program."""
    return [ROOT / "nadir.py", *sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))]


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def rows_below(page: str, heading: str) -> list[list[str]]:
    """The cells of the rows of all tables between `heading` and the next heading, without heads."""
    lines = page.partition(f"\n{heading}\n")[2].splitlines()
    part = list(takewhile(lambda line: not line.startswith("#"), lines))
    rows = [line for line, after in zip(part, [*part[1:], ""], strict=True) if not after.startswith("|---")]
    told = [line.strip("|").split("|") for line in rows if line.startswith("|") and not line.startswith("|---")]
    assert told, f"no table below {heading}"
    return [[cell.strip() for cell in row] for row in told]
