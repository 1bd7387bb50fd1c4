"""FHIR that could be misread: damaged files, numbers and dates as written, versions, a bad entry, one number twice."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data.db import Database
from data.intake.source import ImportRefused
from data.models import Patient, Record
from data.records import list_records
from tests.data.bundles import ACTOR, Resource, bundle, glucose, patient, run, run_text

WHOLE = json.dumps(bundle(patient(), glucose(99, id="a")))
LINES = f"{json.dumps(patient())}\n{json.dumps(glucose(99, id='a'))}\n"


def listed(database: Database, mrn: str = "M-1", *, all: bool = False) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_records(session, ACTOR, mrn, include_superseded=all)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.json", WHOLE[:-2], "truncated"),
        ("a.json", WHOLE.replace('"entry"', "entry"), "a.json"),
        ("a.json", WHOLE + "}", "trailing"),
        ("a.json", WHOLE.encode("utf-16"), "UTF-16"),
        ("a.json", WHOLE.encode("utf-16-le"), "a.json"),
        ("a.json.gz", gzip.compress(WHOLE.encode())[:-12], "cannot be read"),
        ("a.ndjson", LINES.encode("utf-16"), "a.ndjson"),
        ("a.ndjson", "not json\nnor this\n", "holds no FHIR resource"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_is_refused_with_its_name(
    name: str, content: str | bytes, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    with pytest.raises(ImportRefused, match=why):
        run_text(sqlite_database, tmp_path, content, name)
    with sqlite_database.read() as session:
        assert session.scalar(select(func.count()).select_from(Patient)) == 0


@pytest.mark.parametrize(("name", "text"), [("a.json", WHOLE), ("a.ndjson", LINES)])
def test_a_byte_order_mark_before_a_document_or_its_first_line_is_passed_over(
    name: str, text: str, sqlite_database: Database, tmp_path: Path
) -> None:
    summary = run_text(sqlite_database, tmp_path, b"\xef\xbb\xbf" + text.encode(), name)
    assert (summary["stored"], summary["quarantined"]) == (2, [])


@pytest.mark.parametrize(("name", "where"), [("a.json", "a.json#entry[2]"), ("a.ndjson", "a.ndjson#line[3]")])
def test_a_resource_that_is_not_utf_8_is_held_alone(
    name: str, where: str, sqlite_database: Database, tmp_path: Path
) -> None:
    resources = [patient(), glucose(99, id="a"), glucose(98, id="b", note=[{"text": "M\udcffnchen"}])]
    lines = "\n".join(json.dumps(resource, ensure_ascii=False) for resource in resources)
    whole = json.dumps(bundle(*resources), ensure_ascii=False)
    content = (lines if name == "a.ndjson" else whole).encode("utf-8", "surrogateescape")
    summary = run_text(sqlite_database, tmp_path, content, name)
    assert summary["stored"] == 2
    assert [one["where"] for one in summary["quarantined"]] == [where]


def test_lines_cut_off_at_the_end_lose_the_last_resource_alone(sqlite_database: Database, tmp_path: Path) -> None:
    cut = LINES + json.dumps(glucose(101, id="b"))[:-9]
    summary = run_text(sqlite_database, tmp_path, cut, "a.ndjson")
    assert summary["stored"] == 2
    assert [one["where"] for one in summary["quarantined"]] == ["a.ndjson#line[3]"]


@pytest.mark.parametrize(
    ("once", "twice", "key"),
    [
        ('"status": "final"', '"status": "final", "status": "entered-in-error"', "status"),
        ('"value": 99', '"value": 99, "value": 990', "value"),
        ('"reference": "Patient/p1"', '"reference": "Patient/p1", "reference": "Patient/p2"', "reference"),
        ('"value": 99', '"value": 99, "val\\u0075e": 990', "value"),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_a_key_that_stands_twice_holds_its_resource_and_no_other(
    name: str, once: str, twice: str, key: str, sqlite_database: Database, tmp_path: Path
) -> None:
    good, bad = json.dumps(glucose(77, id="b")), json.dumps(glucose(99, id="a"))
    assert once in bad
    resources = [json.dumps(patient()), bad.replace(once, twice), good]
    entries = ", ".join(f'{{"resource": {resource}}}' for resource in resources)
    whole = f'{{"resourceType": "Bundle", "type": "collection", "entry": [{entries}]}}'
    summary = run_text(sqlite_database, tmp_path, "\n".join(resources) if name == "a.ndjson" else whole, name)
    (one,) = summary["quarantined"]
    assert one["where"] == ("a.ndjson#line[2]" if name == "a.ndjson" else "a.json#entry[1]")
    assert f"the key {key!r} stands twice" in one["why"]
    assert [row["value"] for row in listed(sqlite_database)] == [Decimal(77)]


@pytest.mark.parametrize("literal", ["1.1", "1.10", "1.100", "110e-2", "0.0000000001"])
def test_the_places_of_a_value_are_kept_as_they_were_written(
    literal: str, sqlite_database: Database, tmp_path: Path
) -> None:
    run_text(sqlite_database, tmp_path, json.dumps(bundle(patient(), glucose(4711))).replace("4711", literal))
    (row,) = listed(sqlite_database)
    assert str(row["value"]) == str(Decimal(literal))
    assert row["canonical_value"] == pytest.approx(float(literal))


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_a_comparator_stands_beside_its_value_and_makes_it_another_result(
    sign: str, sqlite_database: Database, tmp_path: Path
) -> None:
    quantity = {"value": 40, "unit": "mg/dL"}
    plain, censored = glucose(valueQuantity=quantity), glucose(valueQuantity=quantity | {"comparator": sign})
    assert run(sqlite_database, tmp_path, patient(), plain, censored)["stored"] == 3
    assert {(row["comparator"], row["value"]) for row in listed(sqlite_database)} == {(None, 40), (sign, 40)}


@pytest.mark.parametrize("sign", ["~", "ad", "< ", ""])
def test_a_comparator_that_is_none_is_held_and_never_dropped(
    sign: str, sqlite_database: Database, tmp_path: Path
) -> None:
    sent = glucose(valueQuantity={"value": 40, "unit": "mg/dL", "comparator": sign})
    (one,) = run(sqlite_database, tmp_path, patient(), sent)["quarantined"]
    assert "comparator" in one["why"]


@pytest.mark.parametrize(("code", "text"), [("mmol/L", "mg/dL"), ("mg/dL", "mmol/l"), ("mg/dL", "g/dL")])
def test_a_unit_code_and_a_unit_text_that_disagree_hold_the_result(
    code: str, text: str, sqlite_database: Database, tmp_path: Path
) -> None:
    sent = glucose(valueQuantity={"value": 6, "unit": text, "code": code, "system": "http://unitsofmeasure.org"})
    (one,) = run(sqlite_database, tmp_path, patient(), sent)["quarantined"]
    assert repr(code) in one["why"] and repr(text) in one["why"]


@pytest.mark.parametrize(
    ("written", "precision"),
    [("2024", "year"), ("2024-03", "month"), ("2024-03-10", "day"), ("2024-03-10T08:15:00.250+01:00", "second")],
)
def test_a_partial_date_keeps_its_text_and_its_precision(
    written: str, precision: str, sqlite_database: Database, tmp_path: Path
) -> None:
    run(sqlite_database, tmp_path, patient(), glucose(effectiveDateTime=written))
    (row,) = listed(sqlite_database)
    assert (row["effective"], row["precision"]) == (written, precision)


@pytest.mark.parametrize(
    "written", ["2024-13", "24-03-10", "2024-02-30", "2024-03-10T08:15:00", "2024-03-10T25:00:00Z"]
)
def test_a_date_that_is_none_or_lacks_its_zone_is_held(written: str, sqlite_database: Database, tmp_path: Path) -> None:
    (one,) = run(sqlite_database, tmp_path, patient(), glucose(effectiveDateTime=written))["quarantined"]
    assert "2024" in one["why"] or "24-03-10" in one["why"]


def test_the_same_bundle_three_times_and_reordered_changes_nothing_and_a_new_version_is_history(
    sqlite_database: Database, tmp_path: Path
) -> None:
    def sent(value: int, version: int) -> Resource:
        return glucose(value, id="a", status="final", meta={"versionId": str(version)})

    entries = [patient(), sent(99, 1), glucose(101, id="b")]
    assert run(sqlite_database, tmp_path, *entries)["stored"] == 3
    for order in (entries, entries[::-1], [entries[1], entries[0], entries[2]]):
        assert run(sqlite_database, tmp_path, *order)["unchanged"] == 3
    conditional = json.loads(json.dumps(bundle(*entries)))
    for entry in conditional["entry"]:
        entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"], "ifNoneExist": "identifier=x"}
    assert run_text(sqlite_database, tmp_path, json.dumps(conditional | {"type": "transaction"}))["unchanged"] == 3
    assert run(sqlite_database, tmp_path, sent(98, 2))["superseded"] == 1
    assert sorted(row["value"] for row in listed(sqlite_database)) == [98, 101]
    history = {row["value"]: row["superseded_by"] is not None for row in listed(sqlite_database, all=True)}
    assert history == {99: True, 98: False, 101: False}
    assert run(sqlite_database, tmp_path, *entries)["unchanged"] == 3
    assert sorted(row["value"] for row in listed(sqlite_database)) == [98, 101]


@pytest.mark.parametrize(
    "type",
    ["transaction", "batch", "collection", "searchset", "message", "document", "history", "transaction-response", None],
)
def test_a_bad_entry_is_held_with_its_place_and_the_good_ones_stored_whatever_the_bundle_is(
    type: str | None, sqlite_database: Database, tmp_path: Path
) -> None:
    bad = glucose(valueQuantity={"value": 99, "unit": "furlong"})
    content = bundle(patient(), glucose(98, id="a"), bad, glucose(97, id="b"))
    content = content | {"type": type} if type is not None else {k: v for k, v in content.items() if k != "type"}
    summary = run_text(sqlite_database, tmp_path, json.dumps(content))
    assert summary["stored"] == 3
    assert [one["where"] for one in summary["quarantined"]] == ["bundle.json#entry[2]"]
    assert sorted(row["value"] for row in listed(sqlite_database)) == [97, 98]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (patient(id="p2", identifier=[{"system": "urn:elsewhere", "value": "M-1"}]), "urn:hospital"),
        (patient(id="p2", birthDate="1961-01-01"), "birth date"),
    ],
)
def test_two_patients_of_one_number_in_one_file_are_never_made_one(
    other: Resource, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    first = patient(birthDate="1960-01-01")
    of_other = glucose(55, subject={"reference": "Patient/p2"})
    summary = run(sqlite_database, tmp_path, first, other, glucose(99), of_other)
    assert [one["where"] for one in summary["quarantined"]] == ["bundle.json#entry[1]", "bundle.json#entry[3]"]
    assert why in summary["quarantined"][0]["why"] and "held back" in summary["quarantined"][1]["why"]
    assert [row["value"] for row in listed(sqlite_database)] == [Decimal(99)]
    with sqlite_database.read() as session:
        assert session.scalar(select(func.count()).select_from(Patient)) == 1
        assert session.scalar(select(func.count()).select_from(Record)) == 1
