"""HL7 v2 messages of other projects, field by field, and the glucagon messages from the file to the record."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from data.db import Database
from data.intake.batch import import_paths
from data.intake.hl7_frames import Frame, read_frames
from data.intake.hl7_message import Segment, parse_message
from data.intake.source import HL7, SourceFile, detect
from data.people import Actor
from data.records import list_records

pytestmark = pytest.mark.oracles
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACTOR = Actor.system("test")
# The expected columns that are a whole field as written, and those that are a component of OBX-3.
FIELDS = {
    "set_id": 1,
    "type": 2,
    "sub_id": 4,
    "value_raw": 5,
    "units": 6,
    "ref_range": 7,
    "flags": 8,
    "status": 11,
    "obs_time": 14,
}
OF_ORDER = {"obr4": 4, "obr7": 7, "obr25": 25}
REHEARSAL = re.compile(rb"(MSH(.)(?:(?:(?!\2)[^\r\n])*\2){9})[TD]")
CODE = {"code": 1, "text": 2, "system": 3, "alt_code": 4}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def as_read(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    """The OBX of a file in the columns of `expected_obx.csv`, and why some messages were not read."""
    rows: list[dict[str, str]] = []
    refused: list[str] = []
    for frame in read_frames(path.name, path.read_bytes()):
        if not isinstance(frame, Frame):
            refused.append(frame.why)
            continue
        order: Segment | None = None
        for segment in parse_message(frame.lines).segments:
            if segment.name == "OBR":
                order = segment
            elif segment.name == "OBX":
                rows.append(row(segment, order))
    return rows, refused


def row(obx: Segment, order: Segment | None) -> dict[str, str]:
    code = next(iter(obx.repetitions(3)), "")
    return (
        {name: obx.raw(field) for name, field in FIELDS.items()}
        | {name: obx.component(code, component) for name, component in CODE.items()}
        | {name: order.raw(field) if order is not None else "" for name, field in OF_ORDER.items()}
        | {"value_unescaped": obx.signs.unescaped(obx.raw(5))}
    )


def test_every_field_of_every_obx_is_read_as_expected(shared_data: Path) -> None:
    folder = shared_data / "hl7v2"
    expected: dict[str, list[dict[str, str]]] = defaultdict(list)
    for line in table(folder / "expected_obx.csv"):
        expected[line["id"]].append(line)
    files = sorted((folder / "messages").glob("*.hl7"))
    compared = 0
    for path in files:
        assert detect(SourceFile(path, path.name)) == HL7
        rows, refused = as_read(path)
        wanted = [{name: line[name] for name in found} for line, found in zip(expected[path.stem], rows, strict=True)]
        assert (rows, refused) == (wanted, []), path.name
        compared += len(rows)
    assert compared == sum(map(len, expected.values()))
    print(f"hl7v2/messages: {compared} OBX of {len(files)} files, {len(FIELDS | CODE | OF_ORDER) + 1} fields each")


def test_framing_and_line_ends_change_no_row(shared_data: Path) -> None:
    folder = shared_data / "hl7v2"
    variants = table(folder / "derived" / "index.csv")
    for variant in variants:
        base, _ = as_read(folder / "messages" / f"{variant['base']}.hl7")
        rows, refused = as_read(folder / "derived" / variant["file"])
        if variant["variant"] == "mllp_truncated":
            assert (rows, len(refused)) == ([], 1) and "never ends" in refused[0]
        elif variant["variant"] == "custom_delims":
            named = [{name: r[name] for name in (*CODE, "status", "obs_time")} for r in rows]
            assert named == [{name: r[name] for name in (*CODE, "status", "obs_time")} for r in base]
        else:
            times = 2 if variant["variant"] == "mllp_two_in_one" else 1
            assert (rows, refused) == (base * times, []), variant["file"]
    print(f"hl7v2/derived: {len(variants)} files")


def as_production(path: Path, folder: Path) -> Path:
    """A copy with MSH-11 P: most of these messages are marked as training, which is held whole."""
    copy = folder / path.name
    copy.write_bytes(REHEARSAL.sub(rb"\g<1>P", path.read_bytes()))
    return copy


def test_importing_any_variant_after_its_base_stores_nothing(
    shared_data: Path, sqlite_database: Database, tmp_path: Path
) -> None:
    folder = shared_data / "hl7v2"
    for variant in table(folder / "derived" / "index.csv"):
        base = as_production(folder / "messages" / f"{variant['base']}.hl7", tmp_path)
        import_paths(sqlite_database, ACTOR, [base], now=NOW, format=HL7, zone="UTC")
        derived = as_production(folder / "derived" / variant["file"], tmp_path)
        summary = import_paths(sqlite_database, ACTOR, [derived], now=NOW, format=HL7, zone="UTC").as_json()
        assert (summary["stored"], summary["superseded"]) == (0, 0), variant["file"]


def test_only_a_message_that_is_marked_as_training_is_held_for_it(shared_data: Path, sqlite_database: Database) -> None:
    held = 0
    for path in sorted((shared_data / "hl7v2" / "messages").glob("*.hl7")):
        summary = import_paths(sqlite_database, ACTOR, [path], now=NOW, format=HL7, zone="UTC", dry_run=True).as_json()
        whys = [item["why"] for item in summary["quarantined"] if item["why"].startswith("MSH-11")]
        assert bool(whys) <= (REHEARSAL.search(path.read_bytes()) is not None), path.name
        held += len(whys)
    print(f"hl7v2/messages: {held} held as training")


def test_every_message_is_accounted_for_when_imported(
    shared_data: Path, sqlite_database: Database, tmp_path: Path
) -> None:
    stored = held = 0
    for message in sorted((shared_data / "hl7v2" / "messages").glob("*.hl7")):
        path = as_production(message, tmp_path)
        summary = import_paths(sqlite_database, ACTOR, [path], now=NOW, format=HL7, zone="UTC").as_json()
        parts = ("stored", "unchanged", "superseded", "ignored")
        assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"]) > 0
        stored, held = stored + summary["stored"], held + len(summary["quarantined"])
        again = import_paths(sqlite_database, ACTOR, [path], now=NOW, format=HL7, zone="UTC").as_json()
        assert (again["stored"], again["superseded"]) == (0, 0), path.name
    print(f"hl7v2/messages imported: {stored} stored, {held} held")


GLUCAGON: dict[str, list[dict[str, Any]]] = {
    "g01_plain.hl7": [
        {"value": Decimal(812), "unit": "pg/mL", "interpretation": "H", "status": "final", "comparator": None}
    ],
    "g05_censored_in_nm.hl7": [{"value": Decimal(2000), "comparator": ">", "unit": "pg/mL"}],
    "g07_stimulation.hl7": [
        {"value": Decimal(90), "effective": "2025-07-04T07:30:00+02:00"},
        {"value": Decimal(340), "effective": "2025-07-04T08:00:00+02:00"},
        {"value": Decimal(520), "effective": "2025-07-04T08:30:00+02:00"},
    ],
    "g09_local_code_only.hl7": [],
    "g11_wrong_patient.hl7": [{"status": "entered-in-error"}],
}


def test_the_glucagon_messages_become_what_is_expected_of_them(shared_data: Path, sqlite_database: Database) -> None:
    folder = shared_data / "hl7v2" / "glucagon"
    assert {line["file"] for line in table(folder / "expected.csv")} == set(GLUCAGON)
    for name, wanted in GLUCAGON.items():
        summary = import_paths(sqlite_database, ACTOR, [folder / name], now=NOW).as_json()
        assert summary["format"] == HL7
        assert [held["why"].split(",")[0] for held in summary["quarantined"]] == (
            ["'Glukagon' names a marker"] if name.startswith("g09") else []
        )
        with sqlite_database.read() as session:
            stored = [
                r
                for mrn in ("MRN77", "MRN88")
                for r in (list_records(session, ACTOR, mrn) if mrn == "MRN77" or name.startswith("g11") else [])
                if r["source"]["where"].startswith(name)
            ]
        assert [{key: r[key] for key in w} for r, w in zip(stored, wanted, strict=True)] == wanted
    print(f"hl7v2/glucagon: {len(GLUCAGON)} files")
