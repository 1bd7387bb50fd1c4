"""Records: one item is stored once, a later version supersedes and never erases, a retraction withdraws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DatabaseError

from data.audit import verify
from data.db import Database
from data.intake.item import Item, natural_key
from data.models import Ingest, IngestPatient, Record
from data.patients import add_patient
from data.people import Actor, NotFound
from data.records import Verdict, list_records, open_batch, store_chunk

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")


def patient(database: Database, mrn: str = "M-1") -> int:
    with database.write() as session:
        return add_patient(session, ACTOR, mrn=mrn, name=None, birth_date=None, sex=None, teams=(), now=NOW).id


def glucagon(patient_id: int, value: str = "118.00", **changes: Any) -> Item:
    item = Item(
        patient_id=patient_id,
        kind="lab",
        analyte="glucagon",
        value=value,
        unit="pg/mL",
        canonical_value=float(value),
        canonical_unit="pg/mL",
        effective_at=datetime(2024, 3, 10, 7, 15, tzinfo=UTC),
        effective_text="2024-03-10T08:15:00+01:00",
        precision="second",
        place="x.json",
    )
    return replace(item, **changes)


def store(database: Database, items: Sequence[Item], batch: str = "b1") -> list[str]:
    with database.write() as session:
        open_batch(session, ACTOR, batch_id=batch, format="fhir-r4", now=NOW)
        return [v.outcome for v in store_chunk(session, batch_id=batch, items=items, actor=ACTOR, now=NOW)]


def listed(database: Database, mrn: str = "M-1", *, everything: bool = False) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_records(session, ACTOR, mrn, include_superseded=everything)


def test_the_same_content_twice_changes_nothing_and_takes_no_ingest_number(database: Database) -> None:
    item = glucagon(patient(database))
    assert store(database, [item, item]) == ["stored", "unchanged"]
    assert store(database, [item], "b2") == ["unchanged"]
    with database.read() as session:
        assert session.scalars(select(Ingest.seq)).all() == [1]
        assert session.execute(select(IngestPatient.seq, IngestPatient.patient_id)).all() == [(1, item.patient_id)]
        assert verify(session).ok


def test_what_is_stored_is_looked_up_without_walking_the_table(sqlite_database: Database) -> None:
    asked: list[tuple[str, Any]] = []

    @event.listens_for(sqlite_database.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if "record" in statement and statement.startswith(("SELECT", "WITH")):
            asked.append((statement, given))

    patient_id = patient(sqlite_database)
    store(sqlite_database, [glucagon(patient_id, f"{n}", source_id=f"Observation/{n}") for n in range(100, 120)])
    looked_up = [(statement, given) for statement, given in asked if "natural_key" in statement]
    assert looked_up
    with sqlite_database.read() as session:
        for statement, given in looked_up:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
            assert not [step[3] for step in plan if step[3].startswith("SCAN record")]


def test_places_and_trailing_zeros_of_a_value_survive_to_the_json(database: Database) -> None:
    store(database, [glucagon(patient(database), "118.00", ref_high="150.0")])
    row = listed(database)[0]
    assert row["value"] == Decimal("118.00")
    printed = msgspec.json.Encoder(decimal_format="number").encode(row)
    assert b'"value":118.00,' in printed and b'"ref_high":150.0,' in printed


def test_a_corrected_result_closes_the_row_it_replaces_and_erases_nothing(database: Database) -> None:
    first = glucagon(patient(database), source_id="Observation/1")
    store(database, [first])
    assert store(database, [replace(first, value="181", status="amended")]) == ["superseded"]
    (current,) = listed(database)
    assert (current["value"], current["status"], current["superseded_by"]) == (Decimal("181"), "amended", None)
    old, new = listed(database, everything=True)
    assert (old["value"], old["superseded_by"]) == (Decimal("118.00"), new["id"])
    assert store(database, [first]) == ["unchanged"], "an old file read again brings nothing back"


def test_a_correction_that_changes_only_the_status_or_the_range_closes_the_row_too(database: Database) -> None:
    first = glucagon(patient(database), source_id="Observation/1")
    store(database, [first])
    assert store(database, [replace(first, status="corrected", ref_high="150")]) == ["superseded"]
    assert [r["status"] for r in listed(database)] == ["corrected"]


def test_other_content_under_one_source_id_without_a_newer_version_is_refused(database: Database) -> None:
    first = glucagon(patient(database), source_id="Observation/1", source_version="3")
    store(database, [first])
    assert store(database, [replace(first, value="200")]) == ["refused"]
    assert store(database, [replace(first, value="200", source_version="4")]) == ["superseded"]
    assert [r["value"] for r in listed(database)] == [Decimal("200")]


def test_a_retraction_is_stored_and_supersedes_even_without_value_and_time(database: Database) -> None:
    first = glucagon(patient(database), source_id="Observation/1")
    store(database, [first])
    bare = replace(
        first,
        status="entered-in-error",
        value=None,
        unit=None,
        canonical_value=None,
        effective_at=None,
        effective_text="",
    )
    assert store(database, [bare]) == ["superseded"]
    (current,) = listed(database)
    assert (current["status"], current["effective"]) == ("entered-in-error", first.effective_text)
    assert store(database, [first]) == ["unchanged"]
    assert store(database, [replace(bare, source_id="Observation/unheard-of")]) == ["refused"]


def test_versions_end_in_the_same_state_in_whatever_order_they_arrive(sqlite_database: Database) -> None:
    versions = [
        glucagon(0, "118", source_id="Observation/1", source_version="1", status="preliminary"),
        glucagon(0, "119", source_id="Observation/1", source_version="2"),
        glucagon(0, "181", source_id="Observation/1", source_version="3", status="amended"),
    ]
    for number, order in enumerate(permutations(versions)):
        mrn = f"P-{number}"
        patient_id = patient(sqlite_database, mrn)
        for item in order:
            moved = replace(
                item, patient_id=patient_id, effective_at=item.effective_at, source_id=f"Observation/{number}"
            )
            store(sqlite_database, [moved])
        assert [(r["value"], r["status"]) for r in listed(sqlite_database, mrn)] == [(Decimal("181"), "amended")]
        assert len(listed(sqlite_database, mrn, everything=True)) == 3


def test_a_result_already_stored_for_one_patient_is_not_taken_for_another(sqlite_database: Database) -> None:
    first = glucagon(patient(sqlite_database, "M-1"), source_id="Observation/1")
    store(sqlite_database, [first])
    assert store(sqlite_database, [replace(first, patient_id=patient(sqlite_database, "M-2"))]) == ["refused"]


def test_the_key_holds_what_the_contract_names_and_nothing_else() -> None:
    item = glucagon(1)
    key = natural_key(item)
    same = [{"place": "other"}, {"method": "RIA"}, {"patient_id": 2}, {"ref_high": "150"}, {"source_id": "x"}]
    other: list[dict[str, Any]] = [
        {"analyte": "glucose"},
        {"specimen": "S1"},
        {"lab": "L"},
        {"comparator": "<"},
        {"value": "118.0"},
        {"unit": "ng/L"},
        {"precision": "day"},
        {"effective_at": datetime(2024, 3, 10, 7, 16, tzinfo=UTC)},
    ]
    assert all(natural_key(replace(item, **change)) == key for change in same)
    assert len({natural_key(replace(item, **change)) for change in other} | {key}) == len(other) + 1


def test_ingest_numbers_follow_the_order_of_commits(postgresql_database: Database) -> None:
    """A second writer waits for the first one's commit before it takes its number."""
    import threading

    first, second = patient(postgresql_database, "M-1"), patient(postgresql_database, "M-2")
    held, done = threading.Event(), threading.Event()

    def slow() -> None:
        with postgresql_database.write() as session:
            open_batch(session, ACTOR, batch_id="slow", format="csv", now=NOW)
            store_chunk(session, batch_id="slow", items=[glucagon(first)], actor=ACTOR, now=NOW)
            held.set()
            done.wait(1)

    thread = threading.Thread(target=slow)
    thread.start()
    held.wait()
    store(postgresql_database, [glucagon(second)], "fast")
    thread.join()
    with postgresql_database.read() as session:
        assert session.execute(
            select(IngestPatient.seq, IngestPatient.patient_id).order_by(IngestPatient.seq)
        ).all() == [
            (1, first),
            (2, second),
        ]


def test_the_database_refuses_to_change_a_record(database: Database) -> None:
    store(database, [glucagon(patient(database))])
    with pytest.raises(DatabaseError), database.write() as session:
        session.execute(text("UPDATE record SET value = '1'"))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == 1


def test_records_of_a_patient_one_may_not_see_are_not_found(sqlite_database: Database) -> None:
    patient(sqlite_database)
    with sqlite_database.read() as session, pytest.raises(NotFound):
        list_records(session, Actor("nurse@x", "nurse", 1, frozenset({99})), "M-1")


def test_an_empty_chunk_says_nothing(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        assert store_chunk(session, batch_id="none", items=[], actor=ACTOR, now=NOW) == ()
    assert Verdict("stored").why is None
