"""The CTCAE terms Nadir can grade, read from `ctcae.toml`: criteria per version, what they take for granted, and why a
version cannot be graded by a number."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from clinical.analytes import CATALOGUE, by_loinc
from clinical.ctcae_criteria import Criterion, read_criterion

Version = Literal[4, 5, 6]
VERSIONS: Mapping[Version, str] = MappingProxyType({4: "CTCAE v4.03", 5: "CTCAE v5.0", 6: "CTCAE v6.0"})
Direction = Literal["high", "low", "change"]


class UnknownTerm(ValueError):
    """A name that is no CTCAE term of the table and no test of the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One CTCAE term. `tests` are the catalogue codes that are graded by it, `analyte` the one whose units convert;
    `criteria[version]` holds the criteria of grades 1 to 4, None where a grade has no measurable
    part; `words[version]` says why a version has none at all; `elsewhere` is a limit beyond which another term is due.
    """

    name: str
    tests: tuple[str, ...]
    analyte: str | None
    direction: Direction
    criteria: Mapping[int, tuple[Criterion | None, ...]]
    words: Mapping[int, str]
    assumes: Mapping[int, str] = field(default_factory=dict)
    elsewhere: tuple[Criterion, str] | None = None

    def printed_units(self, version: Version) -> tuple[str, ...]:
        """The units the criteria of `version` are printed in; none where they are multiples of a limit only."""
        found = (unit for c in self.criteria.get(version, ()) if c is not None for unit in c.units())
        return tuple(dict.fromkeys(found))

    def why_not(self, version: Version) -> str:
        """Why `version` cannot be graded by a number."""
        return self.words.get(version, f"no measurable limits of {VERSIONS[version]} are known for {self.name}")


@cache
def terms() -> Mapping[str, Term]:
    """Every term of the table by its name. Raises CriterionError when the table cannot be read."""
    text = files("clinical").joinpath("ctcae.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: _term(name, table) for name, table in tomllib.loads(text).items()})


@lru_cache(maxsize=256)
def terms_for(name: str) -> tuple[Term, ...]:
    """The term called `name`, or the terms a catalogue code or LOINC code is graded by.

    British and American spelling and letter case do not matter. Raises UnknownTerm when nothing answers to the name.
    """
    wanted = _folded(name)
    for term in terms().values():
        if _folded(term.name) == wanted:
            return (term,)
    analyte = CATALOGUE.get(wanted_code := name.strip()) or by_loinc(wanted_code)
    found = tuple(t for t in terms().values() if analyte is not None and analyte.code in t.tests)
    if not found:
        raise UnknownTerm(f"{name!r} is no CTCAE term or test that Nadir can grade")
    return found


def _folded(name: str) -> str:
    return " ".join(name.casefold().split()).replace("ae", "e").replace("oe", "e")


def _term(name: str, table: dict[str, Any]) -> Term:
    elsewhere = table.get("elsewhere", {"limit": "-", "why": ""})
    tests = tuple(table.get("test", "").split())
    limit = read_criterion(elsewhere["limit"])
    return Term(
        name=name,
        tests=tests,
        analyte=table.get("analyte", tests[0] if tests else None),
        direction=table["direction"],
        criteria={v: tuple(read_criterion(c) for c in texts) for v, texts in _per_version(table)},
        words=dict(_per_version(table.get("words", {}))),
        assumes={int(grade): text for grade, text in table.get("assumes", {}).items()},
        elsewhere=(limit, elsewhere["why"]) if limit is not None else None,
    )


def _per_version(table: dict[str, Any]) -> Iterator[tuple[int, Any]]:
    for key, entry in table.items():
        if key.startswith("v") and key[1:].isdigit():
            for digit in key[1:]:
                yield int(digit), entry
