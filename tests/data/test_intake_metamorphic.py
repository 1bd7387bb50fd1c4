"""What must not matter does not: the shape of a file, the order of its items, how often and how they come."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from data.db import Database, open_database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Patient
from data.records import list_records
from tests.data.bundles import ACTOR, LOINC, NOW, Resource, bundle, coded, glucose, observation, part, patient, run

State = list[str]
KEY = b"a key of the tests and of nothing else"
slow = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def version(id: str, number: int, status: str, value: Any, day: int = 10, **fields: Any) -> Resource:
    at = {"effectiveDateTime": f"2024-03-{day}T08:15:00Z", "meta": {"versionId": str(number)}}
    return glucose(value, id=id, status=status, **at, **fields)


PRESSURE = observation(
    coded("85354-9", LOINC),
    id="bp",
    component=[part("8480-6", 131, LOINC, "mm[Hg]"), part("8462-4", 84, LOINC, "mm[Hg]")],
)
SKIN = observation(coded("skin-assessment"), id="skin", component=[part("iga", 3), part("sites", "groin")])
ITEMS = (
    *(version("a", 1, "final", 100), version("a", 2, "amended", 101), version("a", 3, "corrected", 102)),
    *(version("b", 1, "final", 90, 11), version("b", 2, "entered-in-error", 90, 11)),
    *(version("c", 1, "preliminary", 95.50, 12), version("c", 2, "final", 95.50, 12)),
    *(PRESSURE, SKIN, glucose(118, id="bad", valueQuantity={"value": 118, "unit": "furlong"})),
)


@contextmanager
def empty(template: Path, folder: Path) -> Iterator[Database]:
    path = folder / "own.db"
    path.unlink(missing_ok=True)
    shutil.copyfile(template, path)
    database = open_database(f"sqlite:///{path}", KEY)
    yield database
    database.close()


def state(database: Database) -> State:
    """`record list --all` of everybody, without what counts rows, places and moments of the import."""
    with database.read() as session:
        mrns = session.scalars(select(Patient.mrn).order_by(Patient.mrn)).all()
        rows = [row for mrn in mrns for row in list_records(session, ACTOR, mrn, include_superseded=True)]
    unlike = {"id", "source", "recorded_at", "superseded_by"}
    seen = [{k: v for k, v in row.items() if k not in unlike} | {"past": bool(row["superseded_by"])} for row in rows]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in seen)


def take(database: Database, *paths: Path) -> dict[str, Any]:
    summary = import_paths(database, ACTOR, list(paths), now=NOW).as_json()
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"])
    return summary


def shapes(resources: Sequence[Resource], folder: Path) -> dict[str, Path]:
    lines = "".join(f"{json.dumps(resource)}\n" for resource in resources).encode()
    whole = json.dumps(bundle(*resources)).encode()
    bare = folder / "bare"
    bare.mkdir()
    for number, resource in enumerate(resources):
        (bare / f"{number:03}.json").write_text(json.dumps(resource))
    contents = {"one.json": whole, "one.ndjson": lines, "two.json.gz": gzip.compress(whole)}
    contents["two.ndjson.gz"] = gzip.compress(lines)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {"bare": bare} | {name: folder / name for name in contents}


def test_a_bundle_its_lines_and_a_folder_of_bare_resources_are_one(sqlite_template: Path, tmp_path: Path) -> None:
    found = {}
    counts = {}
    for name, path in shapes((patient(), *ITEMS), tmp_path).items():
        with empty(sqlite_template, tmp_path) as database:
            summary = take(database, path)
            counts[name] = {key: summary[key] for key in ("read", "stored", "unchanged", "superseded", "ignored")}
            found[name] = state(database)
            take(database, path)
            assert state(database) == found[name], "import twice = import once"
    assert len(found["bare"]) == 10
    assert all(one == found["bare"] for one in found.values())
    assert all(one == counts["bare"] for one in counts.values())


@slow
@given(order=st.permutations(ITEMS), cuts=st.sets(st.integers(1, len(ITEMS) - 1), max_size=3))
def test_any_order_in_any_number_of_files_ends_in_the_same_state(
    order: list[Resource], cuts: set[int], sqlite_template: Path, tmp_path: Path
) -> None:
    with empty(sqlite_template, tmp_path) as database:
        run(database, tmp_path, patient(), *ITEMS)
        wanted = state(database)
    bounds = [0, *sorted(cuts), len(order)]
    with empty(sqlite_template, tmp_path) as database:
        for start, end in pairwise(bounds):
            run(database, tmp_path, patient(), *order[start:end])
        assert state(database) == wanted


def test_one_result_by_message_resource_and_sheet_is_one_record_whichever_came_first(
    sqlite_template: Path, tmp_path: Path
) -> None:
    resource = glucose(
        118,
        effectiveDateTime="2024-03-10T08:15:00+01:00",
        performer=[{"display": "LAB"}],
        valueQuantity={"value": 118, "unit": "mg/dL", "code": "mg/dL"},
    )
    message = "\r".join(
        (
            "MSH|^~\\&|LIS|LAB|EHR|HOSP|20240310120000+0100||ORU^R01|1|P|2.5.1",
            "PID|1||M-1^^^urn:hospital^MR",
            "OBR|1|||2345-7^Glucose^LN|||20240310081500+0100",
            "OBX|1|NM|2345-7^Glucose^LN||118|mg/dL^^UCUM|||||F|||20240310081500+0100|LAB",
            "",
        )
    )
    sheet = "mrn,when,analyte,value,unit,lab\nM-1,2024-03-10T08:15:00+01:00,glucose,118,mg/dL,LAB\n"
    people = tmp_path / "people.json"
    people.write_text(json.dumps(patient()))
    paths = [tmp_path / name for name in ("a.json", "a.hl7", "a.csv")]
    for path, content in zip(paths, (json.dumps(resource), message, sheet), strict=True):
        path.write_text(content)
    for order in permutations(paths):
        with empty(sqlite_template, tmp_path) as database:
            take(database, people)
            assert [take(database, path)["stored"] for path in order] == [1, 0, 0], [path.name for path in order]
            assert len(state(database)) == 1


CHILD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from data.db import open_database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.people import Actor
database = open_database(f"sqlite:///{sys.argv[1]}", b"a key of the tests and of nothing else")
small, large = Path(sys.argv[2]), Path(sys.argv[3])
now = datetime(2026, 3, 2, tzinfo=UTC)
def peak():
    # Of this program alone: getrusage also counts the one that started it.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
import_paths(database, Actor.system("test"), [small], now=now)
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before, start = peak(), time.process_time()
try:
    summary = import_paths(database, Actor.system("test"), [large], now=now).as_json()
    print("read", summary["stored"], [one["why"] for one in summary["quarantined"]])
except ImportRefused as refused:
    print("refused", refused)
print(time.process_time() - start, (peak() - before) // 1024)
"""


def huge(path: Path, kind: str) -> None:
    with path.open("w") as file:
        if kind == "nested":
            file.write('{"resourceType":"Observation","x":' + "[" * 100_000 + "]" * 100_000 + "}")
        elif kind == "keys":
            file.write('{"resourceType":"Observation"')
            file.writelines(f',"k{number}":0' for number in range(1_000_000))
            file.write("}")
        else:
            file.write('{"resourceType":"Bundle","type":"collection","entry":[')
            file.writelines(f'{{"resource":{json.dumps(glucose(99))}}},' for _ in range(700_000))
            file.write("{}]}")


@pytest.mark.parametrize("kind", ["nested", "keys", "bundle"])
def test_a_huge_document_is_refused_within_two_seconds_and_fifty_megabytes(
    kind: str, sqlite_database: Database, tmp_path: Path
) -> None:
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    small.write_text(json.dumps(bundle(patient(), glucose(99))))
    huge(large, kind)
    assert kind != "bundle" or large.stat().st_size > 150_000_000
    command = [sys.executable, "-c", CHILD, str(tmp_path / "nadir.db"), str(small), str(large)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    outcome, measured = said.stdout.strip().rsplit("\n", 1)
    assert outcome.startswith(("refused", "read 0 ['")), outcome
    print(kind, outcome[:200], measured)
    seconds, megabytes = measured.split()
    assert float(seconds) <= 2 and int(megabytes) <= 50, measured


@pytest.mark.parametrize(
    "literal", ["NaN", "Infinity", "-Infinity", "1e999", "1E400", "-0", "9" * 1_000_000, f"0.{'1' * 1_000_000}"]
)
def test_no_number_that_is_none_reaches_the_store(literal: str, sqlite_database: Database, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(bundle(patient(), glucose(4711))).replace("4711", literal))
    try:
        summary = take(sqlite_database, path)
        assert len(summary["quarantined"]) == 1 and summary["quarantined"][0]["where"] == "a.json#entry[1]"
    except ImportRefused as refused:
        assert "a.json" in str(refused)
    assert state(sqlite_database) == []


def test_patients_that_link_to_each_other_are_held_and_nothing_is_followed(
    sqlite_database: Database, tmp_path: Path
) -> None:
    def linked(id: str, other: str) -> Resource:
        link = [{"type": "replaced-by", "other": {"reference": f"Patient/{other}"}}]
        return patient(f"M-{id}", id, link=link)

    circle = (linked("p1", "p2"), linked("p2", "p3"), linked("p3", "p1"))
    held = run(sqlite_database, tmp_path, *circle, glucose(99))["quarantined"]
    assert len(held) == 4 and all("merge" in one["why"] or "held back" in one["why"] for one in held)
    seen = patient(link=[{"type": "seealso", "other": {"reference": "Patient/p1"}}])
    assert run(sqlite_database, tmp_path, seen, glucose(99))["stored"] == 2


def test_contained_resources_are_not_followed_into_the_deep(sqlite_database: Database, tmp_path: Path) -> None:
    inside: Resource = {"resourceType": "Patient", "id": "c0"}
    for depth in range(200):
        inside = {"resourceType": "Patient", "id": f"c{depth}", "contained": [inside]}
    deep = glucose(99, contained=[inside], subject={"reference": "#c199"})
    (held,) = run(sqlite_database, tmp_path, patient(), deep)["quarantined"]
    assert "is not known" in held["why"]


def test_a_modifier_nobody_understands_holds_what_it_may_change(sqlite_database: Database, tmp_path: Path) -> None:
    modifier = [{"url": "urn:not", "valueBoolean": True}]
    in_part = PRESSURE | {"component": [part("8480-6", 131, LOINC, "mm[Hg]") | {"modifierExtension": modifier}]}
    for changed in (glucose(99, modifierExtension=modifier), in_part, SKIN | {"modifierExtension": modifier}):
        (held,) = run(sqlite_database, tmp_path, patient(), changed)["quarantined"]
        assert "modifierExtension 'urn:not'" in held["why"]
    held_patient = run(sqlite_database, tmp_path, patient("M-2", "p1", modifierExtension=modifier), glucose(99))
    assert len(held_patient["quarantined"]) == 2 and state(sqlite_database) == []


@settings(slow, max_examples=40, derandomize=True)
@given(data=st.data())
def test_a_damaged_bundle_crashes_nothing_and_twice_is_once(
    data: st.DataObject, sqlite_template: Path, tmp_path: Path
) -> None:
    content = json.loads(json.dumps(bundle(patient(birthDate="1960-01-01"), *ITEMS)))
    for _ in range(data.draw(st.integers(1, 4))):
        at: Any = data.draw(st.sampled_from(content["entry"]))
        while isinstance(at, dict | list) and at and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if data.draw(st.booleans()) or not isinstance(at[key], dict | list):
                at[key] = data.draw(st.sampled_from([None, "", "x", -1, 1e300, [], {}, True, "2024-13-01", [{}]]))
                break
            at = at[key]
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(content))
    with empty(sqlite_template, tmp_path) as database:
        try:
            take(database, path)
        except ImportRefused:
            return
        once = state(database)
        again = take(database, path)
        assert state(database) == once and again["stored"] == 0


def test_a_report_that_has_lost_its_version_is_one_however_often_it_comes(
    sqlite_database: Database, tmp_path: Path
) -> None:
    first, second, third = ITEMS[:3]
    path = tmp_path / "lost.json"
    path.write_text(json.dumps(bundle(patient(), first, {**second, "meta": None}, third)))
    take(sqlite_database, path)
    once = state(sqlite_database)
    assert take(sqlite_database, path)["stored"] == 0
    assert state(sqlite_database) == once
