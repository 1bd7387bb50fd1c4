"""FHIR files: every shape, every kind of damage, and who the resources are about."""

from __future__ import annotations

import gzip
import json
import resource
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Patient, Record
from tests.data.bundles import (
    ACTOR,
    NOW,
    Resource,
    bundle,
    glucose,
    patient,
    run,
    run_text,
)


@pytest.mark.parametrize(
    "literal", ["1e999", "-0", "1E400", "9" * 5000, "0." + "1" * 5000, '"12"', "true", "[1]", "-1"]
)
def test_a_number_that_is_none_is_held_whatever_it_looks_like(
    literal: str, sqlite_database: Database, tmp_path: Path
) -> None:
    text = json.dumps(bundle(patient(), glucose(4711))).replace("4711", literal)
    summary = run_text(sqlite_database, tmp_path, text)
    (one,) = summary["quarantined"]
    assert (one["where"] == "bundle.json#entry[1]" and "value" in one["why"]) or "negative" in one["why"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "{",
        "[]",
        "{}",
        '{"resourceType": 5}',
        "[" * 100_000,
        '{"resourceType": "Bundle", "entry": ' + "[" * 100_000,
        '{"a":' * 100_000,
        '{"resourceType": "Observation", "valueQuantity": {"value": NaN}}',
        "\x00",
    ],
)
def test_a_file_with_nothing_readable_is_refused_and_changes_nothing(
    text: str, sqlite_database: Database, tmp_path: Path
) -> None:
    with pytest.raises(ImportRefused):
        run_text(sqlite_database, tmp_path, text)
    with sqlite_database.read() as session:
        assert session.scalars(select(Patient.id)).all() == []


def test_utf_16_is_refused_and_a_byte_order_mark_is_not(sqlite_database: Database, tmp_path: Path) -> None:
    text = json.dumps(patient())
    with pytest.raises(ImportRefused, match="UTF-16"):
        run_text(sqlite_database, tmp_path, text.encode("utf-16"))
    assert run_text(sqlite_database, tmp_path, b"\xef\xbb\xbf" + text.encode())["stored"] == 1


def test_the_same_resources_are_the_same_in_every_shape(sqlite_database: Database, tmp_path: Path) -> None:
    resources = [patient(), glucose(99, id="a"), glucose(101, id="b")]
    lines = "\n".join(json.dumps(resource) for resource in resources)
    assert run(sqlite_database, tmp_path, *resources)["stored"] == 3
    shapes: list[tuple[str, str | bytes]] = [
        ("lines.ndjson", lines + "\n\n"),
        ("lines.json", lines),
        ("lines.ndjson.gz", gzip.compress(lines.encode())),
        ("pretty.json.gz", gzip.compress(json.dumps(bundle(*resources), indent=1).encode())),
        ("nested.json", json.dumps(bundle(bundle(*resources)))),
    ]
    for name, text in shapes:
        assert run_text(sqlite_database, tmp_path, text, name)["unchanged"] == 3, name


def test_one_bad_line_or_entry_keeps_no_other_out(sqlite_database: Database, tmp_path: Path) -> None:
    lines = "\n".join((json.dumps(patient()), "{broken", json.dumps(glucose())))
    summary = run_text(sqlite_database, tmp_path, lines, "lines.ndjson")
    assert summary["stored"] == 2 and summary["quarantined"][0]["where"] == "lines.ndjson#line[2]"
    unreadable = {"resource": {"resourceType": "Observation", "code": 5}}
    entries = [unreadable, {"request": {"method": "DELETE", "url": "Observation/1"}}, {}]
    mixed = run_text(sqlite_database, tmp_path, json.dumps({"resourceType": "Bundle", "entry": entries}))
    assert [one["where"] for one in mixed["quarantined"]] == ["bundle.json#entry[0]", "bundle.json#entry[1]"]
    assert mixed["ignored_types"] == {"entry without resource": 1}


def test_a_document_or_resource_beyond_the_limit_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    huge = json.dumps(glucose(note=[{"text": "x" * 5_000_000}]))
    (one,) = run_text(sqlite_database, tmp_path, huge)["quarantined"]
    assert "larger than 4 MB" in one["why"]


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        (patient(), patient(id="p2", identifier=[{"system": "urn:other", "value": "M-1"}]), "urn:hospital"),
        (patient(birthDate="1960-01-01"), patient(birthDate="1961-01-01"), "birth date"),
        (
            patient(name=[{"family": "Berg", "given": ["Ada"]}]),
            patient(name=[{"text": "Carl Dahl"}]),
            "another name",
        ),
        (patient(), patient("M-2", "p2", link=[{"type": "replaced-by"}]), "merge"),
    ],
)
def test_nobody_is_merged_and_what_refers_to_a_held_patient_waits(
    first: Resource, second: Resource, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    run(sqlite_database, tmp_path, first)
    summary = run(sqlite_database, tmp_path, second, glucose(subject={"reference": f"Patient/{second['id']}"}))
    assert why in summary["quarantined"][0]["why"] and "held back" in summary["quarantined"][1]["why"]
    with sqlite_database.read() as session:
        assert len(session.scalars(select(Patient.id)).all()) == 1
        assert session.scalars(select(Record.id)).all() == []


def test_an_id_that_two_servers_use_names_nobody_afterwards(sqlite_database: Database, tmp_path: Path) -> None:
    run(sqlite_database, tmp_path, patient("M-1", "1"), glucose(99, subject={"reference": "Patient/1"}))
    run(sqlite_database, tmp_path, patient("M-2", "1"), glucose(98, subject={"reference": "Patient/1"}))
    with sqlite_database.read() as session:
        assert len(set(session.scalars(select(Record.patient_id)).all())) == 2
    alone = run(sqlite_database, tmp_path, glucose(97, subject={"reference": "Patient/1"}))
    assert "not known" in alone["quarantined"][0]["why"]


def test_a_patient_learns_what_was_not_known_and_forgets_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    run(sqlite_database, tmp_path, patient(gender="female"))
    more = patient(gender="male", birthDate="1960-01-01", deceasedDateTime="2025-05-05")
    assert run(sqlite_database, tmp_path, more)["superseded"] == 1
    assert run(sqlite_database, tmp_path, more)["unchanged"] == 1
    with sqlite_database.read() as session:
        known = session.scalars(select(Patient)).one()
    assert (known.sex, known.birth_date, known.deceased_at) == (
        "female",
        date(1960, 1, 1),
        datetime(2025, 5, 5, tzinfo=UTC),
    )


@pytest.mark.alone
@pytest.mark.parametrize(
    ("name", "piece", "pieces", "why"),
    [
        ("spaces.json.gz", b" " * 1_000_000, 300, "larger than 64 MB"),
        ("lines.json.gz", b"\n" * 1_000_000, 300, "larger than 64 MB"),
        ("lines.ndjson.gz", b"\n" * 1_000_000, 2, "more than 1000000 empty lines"),
        ("open.json.gz", b'{"resourceType":"Bundle","entry":[' + b" " * 1_000_000, 300, "larger than 64 MB"),
    ],
)
def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_within_seconds(
    name: str, piece: bytes, pieces: int, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / name
    with gzip.open(path, "wb", compresslevel=1) as target:
        for _ in range(pieces):
            target.write(piece)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ImportRefused, match=why):
        import_paths(sqlite_database, ACTOR, [path], now=NOW)
    assert time.process_time() - started < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
