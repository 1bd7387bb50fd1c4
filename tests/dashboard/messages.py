"""Every text that is marked for the catalogue, read from the source as it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from clinical.analytes import CATALOGUE
from clinical.body_map import PARTS
from clinical.protocol import bundled_protocol
from dashboard.app import PAGES
from dashboard.browser_texts import browser_texts

ROOT = Path(__file__).parents[2]
MARKS = {"_": 1, "message": 1, "counted": 2}
SAID = {"say": 1}
IN_TEMPLATE = re.compile(r'(?:_|counted)\("([^"]+)"(?:, "([^"]+)")?')
PUNCTUATION = re.compile(r"(\{\w*\}|\W)*")
# Sentences of the floor below that the dashboard shows as they are.
FROM_BELOW = (
    "The e-mail address and password do not match an account.",
    "This link has been used or is too old. Ask an admin for a new one.",
    "The password repeats the same few characters.",
)


def marked_texts() -> set[str]:
    """The texts: of calls in the modules and templates of the dashboard, of `clinical.saying.say` below it, of the
    scripts, the titles of the pages, the names of thresholds, analytes and parts of the body, and `FROM_BELOW`."""
    found = set(FROM_BELOW) | browser_texts()
    for path in (ROOT / "dashboard").rglob("*.py"):
        found |= set(_in_module(ast.parse(path.read_text()), MARKS | SAID))
    for floor in ("clinical", "data"):
        for path in (ROOT / floor).rglob("*.py"):
            found |= set(_in_module(ast.parse(path.read_text()), SAID))
    for path in (ROOT / "dashboard" / "templates").glob("*.html"):
        found |= {text for texts in IN_TEMPLATE.findall(path.read_text()) for text in texts if text}
    for page in PAGES:
        found |= {text for text in (page.ROUTE.title, page.ROUTE.nav) if text}
    found |= {name.replace("_", " ") for name in (*bundled_protocol().thresholds, "rcv_up")}
    found |= {known.name for known in CATALOGUE.values()} | {part.words for part in PARTS.values()}
    return {text for text in found if not PUNCTUATION.fullmatch(text)}


def _in_module(tree: ast.Module, marks: dict[str, int]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in marks:
            for argument in node.args[: marks[node.func.id]]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
