"""CTCAE grades against the tables of the admiral project and its longitudinal example (see docs/oracles.md).

Every row of every term of the files is graded, not only those of clinical reference section 6.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clinical.ctcae import Measurement, grade
from clinical.ctcae_terms import terms

pytestmark = pytest.mark.oracles

INDICATORS: dict[str, Any] = {"HIGH": "high", "NORMAL": "normal", "LOW": "low", "": None}
Row = dict[str, str]


@pytest.fixture
def count(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Prints and records how many rows an oracle answered."""

    def shown(name: str, rows: int, note: str = "") -> None:
        record_property(name, rows)
        with capsys.disabled():
            print(f"\n  {name}: {rows} rows agree{note}")

    return shown


def rows(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def grade_of(text: str) -> int | None:
    return int(text) if text else None


def measured(row: Row, unit: str) -> Measurement:
    return Measurement(
        value=number(row["AVAL"]),
        unit=row[unit] or None,
        lln=number(row["ANRLO"]),
        uln=number(row["ANRHI"]),
        baseline=number(row["BASE"]),
        percent_change=number(row["PCHG"]),
        baseline_indicator=INDICATORS[row["BNRIND"]],
    )


def disagreements(graded: Iterator[tuple[str, Any, Measurement, int | None]]) -> tuple[Counter[str], list[str]]:
    seen: Counter[str] = Counter()
    wrong = []
    for term, version, what, expected in graded:
        got = grade(term, what, version)
        seen[term] += 1
        if got.grade != expected:
            wrong.append(f"{term} v{version} {what}: expected {expected}, got {got.grade}: {got.why}")
    return seen, wrong


def test_every_unit_test_grade_of_every_term_agrees(shared_data: Path, count: Callable[..., None]) -> None:
    seen, wrong = disagreements(
        (r["term"], int(r["criteria"][-1]), measured(r, "unit"), grade_of(r["expected_grade"]))
        for r in rows(shared_data / "ctcae/unit_test_grades.csv")
    )
    count("ctcae/unit_test_grades.csv", seen.total(), f", {len(seen)} terms")
    assert not wrong, wrong[:5]
    assert seen.total() >= 3824


def test_every_boundary_grade_of_every_term_agrees(shared_data: Path, count: Callable[..., None]) -> None:
    seen, wrong = disagreements(
        (r["term"], 5, measured(r, "unit"), grade_of(r["grade"]))
        for r in rows(shared_data / "ctcae/boundary_grid_v5.csv")
    )
    count("ctcae/boundary_grid_v5.csv", seen.total(), f", {len(seen)} terms")
    assert not wrong, wrong[:5]
    assert seen.total() >= 1567


def longitudinal(shared_data: Path) -> Iterator[tuple[Row, str, int | None]]:
    """Each direction of each row that names a term, with its expected grade."""
    for row in rows(shared_data / "ctcae/adlb_longitudinal_v4_grades.csv"):
        for term, expected in (("ATOXDSCL", "ATOXGRL"), ("ATOXDSCH", "ATOXGRH")):
            if row[term]:
                yield row, row[term], grade_of(row[expected])


def test_every_longitudinal_grade_agrees(shared_data: Path, count: Callable[..., None]) -> None:
    seen, wrong = disagreements(
        (term, 4, measured(row, "LBSTRESU"), expected)
        for row, term, expected in longitudinal(shared_data)
        if row["PARAMCD"] != "HGB"
    )
    count("ctcae/adlb_longitudinal_v4_grades.csv", seen.total(), f", {len(seen)} terms")
    assert not wrong, wrong[:5]
    assert seen.total() >= 4282


def test_haemoglobin_in_mmol_is_graded_where_the_oracle_leaves_it_empty(
    shared_data: Path, count: Callable[..., None]
) -> None:
    """The oracle's rule table has g/L and g/dL only, so its haemoglobin rows in mmol/L carry no grade. CTCAE prints
    mmol/L for anemia. The grade in mmol/L is checked against the grade of the same sample as received in g/dL."""
    per_gram = Decimal("0.6206")  # the file's own factor; its limits in mmol/L are rounded, its values are not
    checked = 0
    for row, term, expected in longitudinal(shared_data):
        if row["PARAMCD"] != "HGB":
            continue
        assert expected is None
        value, lln, uln = (Decimal(row[name]) for name in ("LBORRES", "LBORNRLO", "LBORNRHI"))
        received = Measurement(value=value, unit=row["LBORRESU"], lln=lln, uln=uln)
        molar = Measurement(value=Decimal(row["AVAL"]), unit="mmol/L", lln=lln * per_gram, uln=uln * per_gram)
        assert grade(term, molar, 4).grade == grade(term, received, 4).grade, row
        checked += 1
    count("ctcae/adlb_longitudinal_v4_grades.csv haemoglobin mmol/L against g/dL", checked)
    assert checked >= 382


def test_weight_change_agrees(shared_data: Path, count: Callable[..., None]) -> None:
    seen, wrong = disagreements(
        (
            r["term"],
            5,
            Measurement(value=number(r["percent_change"]), unit="%"),
            grade_of(r["grade_numeric_part"]),
        )
        for r in rows(shared_data / "ctcae/ctcae_v5_weight.csv")
    )
    count("ctcae/ctcae_v5_weight.csv", seen.total())
    assert not wrong, wrong
    assert seen.total() >= 10


@pytest.mark.parametrize("version", [4, 5, 6])
def test_every_term_of_the_criteria_files_is_in_our_table(
    shared_data: Path, count: Callable[..., None], version: Any
) -> None:
    names = {
        row["TERM"]
        for path in (shared_data / "ctcae/criteria").glob(f"atoxgr_criteria_ctcv{version}*.csv")
        for row in rows(path)
    }
    count(f"ctcae/criteria v{version} terms with a number", len(names))
    assert names and names == {name for name in names if name in terms() and version in terms()[name].criteria}
