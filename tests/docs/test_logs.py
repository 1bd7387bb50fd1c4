"""The inventory of logs names every action of the audit trail and every event of a process, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args, get_type_hints

from data.differences import Difference
from data.flag_moves import Action as FlagAction
from data.queries import Action as QueryAction
from tests.docs.tables import ROOT, parsed, rows_below, sources

PAGE = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
WRITERS = frozenset({"write_audit", "Entry", "Trace", "_audit", "_note"})
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
ACTION = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*|access|import|signin")
# What an action ends in where its name is put together: f"flag.{action}".
ENDINGS = {
    "flag": {*get_args(FlagAction), *get_args(get_type_hints(Difference)["what"])},
    "mail": {"sent", "dead"},
    "proposal": {"accepted", "refused"},
    "quarantine": {"settled", "discarded"},
    "query": set(get_args(QueryAction)),
}


def test_every_action_of_the_audit_trail_is_told_and_no_other():
    told = {name for row in rows_below(PAGE, "## Audit actions") for name in re.findall(r"`([^`]+)`", row[0])}
    found = {action for path in sources() for action in _actions(path)}
    assert len(found) > 80
    assert told == found


def test_every_event_of_a_process_is_told_and_no_other():
    told = {name for row in rows_below(PAGE, "## Events of processes") for name in re.findall(r"`([^`]+)`", row[0])}
    assert told == {event for path in sources() for event in _events(parsed(path))}


def _actions(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and _called(node) in WRITERS:
            for given in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from (text for text in _texts(given, path) if ACTION.fullmatch(text))
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            begun = re.fullmatch(r"([a-z]+)\.", str(node.values[0].value))
            if begun is not None and begun[1] in ENDINGS:
                yield from (f"{begun[1]}.{end}" for end in ENDINGS[begun[1]])


def _texts(given: ast.expr, path: Path) -> Iterator[str]:
    """The texts that an argument may be: a literal, or what a constant of the module, or of another, is or holds."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield given.value
    elif isinstance(given, ast.Name):
        yield from _constants(path).get(given.id, ())
    elif isinstance(given, ast.Subscript) and isinstance(given.value, ast.Name):
        yield from _constants(path).get(given.value.id, ())


@cache
def _constants(path: Path) -> dict[str, list[str]]:
    """The texts in each constant of a module, those it takes from other modules of ours included."""
    found: dict[str, list[str]] = {}
    for node in parsed(path).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            source = ROOT / (node.module.replace(".", "/") + ".py")
            if source.is_file():
                theirs = _constants(source)
                found |= {one.asname or one.name: theirs[one.name] for one in node.names if one.name in theirs}
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant | ast.Dict):
                found[target.id] = _within(value)
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = zip(target.elts, value.elts, strict=True)
                found |= {name.id: _within(one) for name, one in pairs if isinstance(name, ast.Name)}
    return found


def _within(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _events(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in LEVELS:
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "log":
            assert isinstance(node.args[0], ast.Constant), ast.unparse(node)
            yield str(node.args[0].value)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
