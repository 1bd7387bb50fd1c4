"""Every text of the dashboard that is marked for the catalogue, read from the source as it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dashboard.app import PAGES

ROOT = Path(__file__).parents[2] / "dashboard"
MARKS = {"_": 1, "message": 1, "counted": 2}
IN_TEMPLATE = re.compile(r'_\("([^"]+)"')
# Sentences of the floor below that the dashboard shows as they are.
FROM_BELOW = (
    "The e-mail address and password do not match an account.",
    "This link has been used or is too old. Ask an admin for a new one.",
    "The password repeats the same few characters.",
    "the record is taken back already",
    "this is the value that is recorded",
    "that is the patient the record stands under",
    "the number was changed after both patients were shown; compare them again",
    "this page was used for another value; open it anew",
    "say why in 3 to 2000 letters",
    "this very value is recorded for that time already",
    "write 3 to 2000 letters",
    "this form was sent already with another question; open it anew",
    "somebody else has answered or closed it meanwhile; what now stands is shown",
    "a question is closed by who asked it, or by an oncologist",
    "a question that is open cannot take this step",
    "a question that is answered cannot take this step",
    "a question that is closed cannot take this step",
    "only a measured value can be given another number",
    "an entry of this kind has no fields to type; take it back",
    "the form has no such field",
)


def marked_texts() -> set[str]:
    """The texts: of calls in the modules and templates, the titles and names of the pages, and `FROM_BELOW`."""
    found = set(FROM_BELOW)
    for path in ROOT.rglob("*.py"):
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
