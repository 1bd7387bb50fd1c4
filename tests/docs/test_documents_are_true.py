"""Documents that would drift are held against the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clinical.protocol import bundled_protocol
from clinical.rules import registered
from data.settings import Settings
from tests.oracles.cases.answers import ANSWERED_ELSEWHERE, FLAGGED_BY, NO_RULE, SILENT

ROOT = Path(__file__).parents[2]
STATES = ("met", "n/a", "open")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name):
    assert f"`NADIR_{name.upper()}`" in OPERATIONS


def test_every_documented_setting_exists():
    documented = {n.lower() for n in re.findall(r"`NADIR_([A-Z_]+)`", OPERATIONS)}
    assert documented == set(Settings.model_fields)


def test_every_threshold_a_rule_names_is_in_the_protocol_with_a_source():
    protocol = bundled_protocol()
    for rule in registered():
        for name in rule.thresholds:
            assert protocol.threshold(name).source.strip(), f"{rule.id}: {name}"


def test_no_threshold_ships_signed():
    protocol = bundled_protocol()
    assert protocol.unsigned() == tuple(sorted(protocol.thresholds))


def test_the_requirements_name_no_index():
    for path in (ROOT / "requirements").iterdir():
        told = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
        assert told
        assert not re.search(r"index-url|find-links|https?://", "\n".join(told)), path.name


def test_what_answers_the_published_cases_is_documented():
    rows = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8").splitlines()
    for name in (*FLAGGED_BY, *ANSWERED_ELSEWHERE, *NO_RULE):
        assert any(row.startswith("|") and f"`{name}`" in row.split("|")[1] for row in rows), name
    for name, rules in (*FLAGGED_BY.items(), *SILENT.items()):
        told = " ".join(row for row in rows if f"`{name}`" in row)
        assert all(rule in told for rule in rules), name


@pytest.mark.parametrize(
    "document", ["intake-tests.md", "security-tests.md", "asvs.md", "alert-tests.md", "operations-tests.md"]
)
def test_every_test_that_a_table_names_is_there(document):
    table = (ROOT / "docs" / document).read_text(encoding="utf-8")
    named = re.findall(r"`([^`]+)`", table)
    sources = [path for path in (ROOT / "tests").rglob("test_*.py")]
    written = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    tests = re.findall(r"^def test_(\w+)", written, re.MULTILINE)
    for path in (name for name in named if name.endswith(".py")):
        assert (ROOT / "tests" / path).is_file(), path
    for begun in (
        name.removesuffix("...") for name in named if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){2,}(\.\.\.)?", name)
    ):
        assert any(test.startswith(begun) for test in tests), begun


def test_the_counts_of_the_verification_standard_are_those_of_its_rows():
    page = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
    counted = {
        level: tuple(len(re.findall(rf"^\| [\d.]+ \| {level} \| {state} \|", page, re.MULTILINE)) for state in STATES)
        for level in ("1", "2")
    }
    told = {
        level: tuple(int(n) for n in numbers)
        for level, *numbers in re.findall(r"^\| Level (\d) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    }
    assert told == counted
    assert sum(map(sum, counted.values())) == len(re.findall(r"^\| \d+\.\d+\.\d+ \|", page, re.MULTILINE))
