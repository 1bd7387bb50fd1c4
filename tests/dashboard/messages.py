"""Every text of the dashboard that is marked for the catalogue, read from the source as it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dashboard.app import PAGES
from dashboard.browser_texts import browser_texts

ROOT = Path(__file__).parents[2] / "dashboard"
BELOW = tuple(ROOT.parent / floor for floor in ("data", "clinical"))
MARKS = {"_": 1, "message": 1, "counted": 2, "say": 1}
IN_TEMPLATE = re.compile(r'_\("([^"]+)"')
# Sentences of the floor below that the dashboard shows as they are.
FROM_BELOW = (
    "The e-mail address and password do not match an account.",
    "This link has been used or is too old. Ask an admin for a new one.",
    "The password repeats the same few characters.",
)


def marked_texts() -> set[str]:
    """The texts: of calls in modules, scripts and templates, the titles and names of the pages, and `FROM_BELOW`."""
    found = set(FROM_BELOW) | browser_texts()
    for root in (ROOT, *BELOW):
        for path in root.rglob("*.py"):
            found |= set(_in_module(ast.parse(path.read_text())))
    for path in (ROOT / "templates").glob("*.html"):
        found |= set(IN_TEMPLATE.findall(path.read_text()))
    for page in PAGES:
        found |= {text for text in (page.ROUTE.title, page.ROUTE.nav) if text}
    return found


def _in_module(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
            for argument in node.args[: MARKS[node.func.id]]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
