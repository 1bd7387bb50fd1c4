"""The judgements of the published cases, each with the rule it waits for or the rules that answer it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinical.rules.registry import registered
from tests.oracles.cases.answers import ANSWERED_ELSEWHERE, FLAGGED_BY, NO_RULE, SILENT

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "cases"
CASES = tuple(sorted(path.stem for path in FOLDER.glob("*.json"))) or ("absent",)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a case file says should or should not be flagged; `rules` are those that answer and exist."""

    case: str
    day: int | None
    what: str
    wanted: bool
    rules: frozenset[str]
    waits_for: tuple[str, ...]


def read_case(name: str) -> Mapping[str, Any]:
    """The case file of that name."""
    found: Mapping[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def judgements(name: str) -> Iterator[Judgement]:
    """Every judgement of the case that rules answer, in the file's order. Raises KeyError for an unmapped name."""
    known = {rule.id for rule in registered()}
    expected = read_case(name)["expected"]
    for wanted, table, entries in (
        (True, FLAGGED_BY, expected["should_flag"]),
        (False, SILENT, expected["should_not_flag"]),
    ):
        for entry in entries:
            what = entry["what"]
            if what in ANSWERED_ELSEWHERE or what in NO_RULE:
                continue
            rules = table[what]
            there = frozenset(rules) & known
            yield Judgement(name, entry["day"], what, wanted, there, () if there else rules)


def waiting() -> list[Judgement]:
    """Judgements none of whose rules is registered yet."""
    if not FOLDER.is_dir():
        return []
    return [judgement for name in CASES for judgement in judgements(name) if judgement.waits_for]
