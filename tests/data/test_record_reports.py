"""Several reports, each under an id of its own, can state one result: what stands does not depend on their order."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from data.audit import verify
from data.db import Database
from data.duplicates import retract_record
from data.intake.item import RETRACTIONS, Item
from data.models import Ingest, RecordReport
from tests.data.test_records import ACTOR, NOW, glucagon, listed, patient, store

BARE = {"value": None, "unit": None, "canonical_value": None, "effective_at": None, "effective_text": ""}


def said(name: str | None, value: str = "100", status: str = "final", **changes: Any) -> Item:
    return glucagon(0, value, source_id=name, status=status, **changes)


def stands(database: Database, mrn: str) -> list[tuple[Decimal, str]]:
    rows = [row for row in listed(database, mrn) if row["status"] not in RETRACTIONS]
    return sorted((row["value"], row["status"]) for row in rows)


def every_order(database: Database, items: Sequence[Item], *, apart: bool) -> set[tuple[tuple[Decimal, str], ...]]:
    """What stands after each order of the items, stored one by one or in one chunk, and after all of them again."""
    found = set()
    for number, order in enumerate(permutations(items)):
        mrn = f"P-{number}-{apart}"
        patient_id = patient(database, mrn)
        own = [
            replace(item, patient_id=patient_id, source_id=item.source_id and f"{mrn}/{item.source_id}")
            for item in order
        ]
        for part in [[item] for item in own] if apart else [own]:
            store(database, part)
        found.add(tuple(stands(database, mrn)))
        with database.read() as session:
            reports = session.scalar(select(func.count()).select_from(RecordReport))
            rows = len(listed(database, mrn, everything=True))
        store(database, own)
        found.add(tuple(stands(database, mrn)))
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(RecordReport)) == reports
        assert len(listed(database, mrn, everything=True)) == rows, "twice is once"
    return found


FINAL = (Decimal("100"), "final")
CORRECTED = (Decimal("110"), "corrected")


@pytest.mark.parametrize("apart", [True, False], ids=["one-by-one", "one-chunk"])
@pytest.mark.parametrize(
    ("items", "stand"),
    [
        ([said("A"), said("B"), said("A", "110", "corrected")], (CORRECTED,)),
        ([said("A"), said("B"), said("A", status="entered-in-error")], (FINAL,)),
        ([said("A"), said("B"), said("A", "100", "cancelled"), said("B", status="entered-in-error")], ()),
        ([said("A"), said(None), said("A", status="entered-in-error")], ()),
        ([said("A"), said("B"), said("C"), said("B", status="entered-in-error")], (FINAL,)),
        ([said("A"), said("B"), said("A", "110", "corrected"), said("B", "110", "corrected")], (CORRECTED,)),
        ([said("A", status="preliminary"), said("B"), said("A", "100", "final")], (FINAL,)),
    ],
    ids=["corrected", "withdrawn", "both withdrawn", "sheet", "three", "both corrected", "preliminary"],
)
def test_what_stands_does_not_depend_on_the_order_of_reports(
    items: list[Item], stand: tuple[tuple[Decimal, str], ...], apart: bool, sqlite_database: Database
) -> None:
    assert every_order(sqlite_database, items, apart=apart) == {stand}


def test_a_further_report_leaves_a_trace_and_no_row_and_no_ingest_number(database: Database) -> None:
    first = glucagon(patient(database), source_id="Observation/1")
    second = replace(first, source_id="hl7/7", method="RIA", place="b.hl7#1")
    store(database, [first])
    assert store(database, [second, second], "b2") == ["unchanged", "unchanged"]
    assert store(database, [second], "b3") == ["unchanged"]
    with database.read() as session:
        (report,) = session.scalars(select(RecordReport)).all()
        assert (report.source_id, report.status, report.batch_id, report.place) == ("hl7/7", "final", "b2", "b.hl7#1")
        assert session.scalars(select(Ingest.seq)).all() == [1]
        assert verify(session).ok
    assert len(listed(database, everything=True)) == 1


def test_a_report_that_says_nothing_but_its_withdrawal_is_known_by_its_id(database: Database) -> None:
    first = glucagon(patient(database), source_id="A")
    store(database, [first])
    store(database, [replace(first, source_id="B")])
    assert store(database, [replace(first, source_id="B", status="cancelled", **BARE)]) == ["superseded"]
    assert [row["status"] for row in listed(database)] == ["final"]
    assert store(database, [replace(first, source_id="A", status="entered-in-error", **BARE)]) == ["superseded"]
    assert [row["status"] for row in listed(database)] == ["entered-in-error"]
    assert store(database, [first, replace(first, source_id="B")]) == ["unchanged", "unchanged"]
    assert [row["status"] for row in listed(database)] == ["entered-in-error"]


def test_what_a_person_retracts_is_retracted_whoever_reports_it(database: Database) -> None:
    first = glucagon(patient(database), source_id="A")
    other = replace(first, source_id="B")
    store(database, [first, other])
    with database.write() as session:
        retract_record(session, ACTOR, int(listed(database)[0]["id"]), reason="typed for the wrong patient", now=NOW)
    assert stands(database, "M-1") == []
    store(database, [first, other, replace(first, source_id="C")])
    assert stands(database, "M-1") == []


def test_the_database_refuses_to_change_a_report(database: Database) -> None:
    first = glucagon(patient(database), source_id="A")
    store(database, [first, replace(first, source_id="B")])
    for change in ("UPDATE record_report SET status = 'amended'", "DELETE FROM record_report"):
        with pytest.raises(DatabaseError, match="append-only"), database.write() as session:
            session.execute(text(change))
