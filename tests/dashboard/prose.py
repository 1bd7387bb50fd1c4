"""Prose that stands in the source of a page without being marked for the catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.dashboard.messages import MARKS, ROOT

# Where what people read is made; vector drawings hold SVG.
MADE_IN = ("pages", "parts", "board/content.py", "figures", "shell.py", "entry.py")
PROSE = re.compile(r"(?<![\w.-])[A-Za-z]{2,} [a-z]{2,}(?![\w-])")
NOT_SHOWN = frozenset({"className", "css", "style", "font", "dash"})
NEVER_SHOWN = (
    "own domain",  # names of plotly's own
    "hovered data",
    "top center",
    "x unified",
    "below overdue",  # classes
    "below waits",
)


def unmarked_prose() -> list[str]:
    """`file:line: text` of every literal of two words or more that is neither marked nor part of an error.

    The titles of routes are in the catalogue by themselves (messages.py).
    """
    found = []
    for place in MADE_IN:
        path = ROOT / "dashboard" / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if not file.name.startswith("vector"):
                found += [f"{file.relative_to(ROOT)}:{line}: {text}" for line, text in _in_module(file)]
    return found


def _in_module(file: Path) -> Iterator[tuple[int, str]]:
    yield from _within(ast.parse(file.read_text()))


def _within(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Raise | ast.Assert):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.keyword) and (node.arg in NOT_SHOWN or node.arg is None):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Route":
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
        for given in (*node.args[MARKS[node.func.id] :], *node.keywords):
            yield from _within(given)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if (
            PROSE.search(node.value)
            and "<" not in node.value
            and '"' not in node.value
            and not any(name in node.value for name in NEVER_SHOWN)
        ):
            yield node.lineno, node.value
        return
    for child in ast.iter_child_nodes(node):
        yield from _within(child)
