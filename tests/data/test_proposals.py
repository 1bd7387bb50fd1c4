"""What messages say about who somebody is becomes a proposal; nothing is done before a person accepts it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.identity_proposals import ProposalError, accept_proposal, list_proposals, refuse_proposal
from data.intake.batch import import_paths
from data.intake.quarantine import list_quarantined, retry_quarantined
from data.merges import merge_history
from data.models import Patient
from data.patient_status import patient_status, set_status
from data.patients import add_patient, find_by_mrn
from data.people import Actor, Forbidden, NotFound

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
WHY = "the registry confirms it"


def registered(database: Database, *mrns: str) -> None:
    with database.write() as session:
        for mrn in mrns:
            born = date(1960, 1, 2)
            add_patient(session, ACTOR, mrn=mrn, name="Ada Berg", birth_date=born, sex="female", teams=(), now=NOW)


def adt(folder: Path, event: str, pid: str, mrg: str = "") -> Path:
    path = folder / f"{event}.hl7"
    segments = [f"MSH|^~\\&|A|H|N|N|20250501||ADT^{event}|1|P|2.5", f"EVN|{event}|20250501", pid]
    path.write_text("\r".join([*segments, *([mrg] if mrg else [])]) + "\r")
    return path


def fhir(folder: Path, mrn: str, **more: Any) -> Path:
    path = folder / f"{mrn}.json"
    path.write_text(json.dumps({"resourceType": "Patient", "id": f"id-{mrn}", "identifier": [{"value": mrn}], **more}))
    return path


def run(database: Database, path: Path) -> dict[str, Any]:
    summary = import_paths(database, ACTOR, [path], now=NOW).as_json()
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"])
    return summary


def proposals(database: Database) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_proposals(session, ACTOR)


def accept(database: Database, proposal: int) -> None:
    with database.write() as session:
        accept_proposal(session, ACTOR, proposal, reason=WHY, now=NOW)


PID = "PID|||{}||Berg^Ada||19600102|F"


@pytest.mark.parametrize("known", [("OLD", "NEW"), ("OLD",), ("NEW",)])
def test_a_merge_message_is_proposed_once_and_done_only_when_accepted(
    database: Database, tmp_path: Path, known: tuple[str, ...]
) -> None:
    registered(database, *known)
    path = adt(tmp_path, "A40", PID.format("NEW"), "MRG|OLD")
    assert run(database, path)["ignored_types"] == {"message ADT^A40": 1}
    run(database, adt(tmp_path, "A40", PID.format("NEW"), "MRG|OLD"))
    (proposal,) = proposals(database)
    assert (proposal["kind"], proposal["from"], proposal["into"]) == ("merge", "OLD", "NEW")
    with database.read() as session:
        assert merge_history(session, ACTOR) == []
    accept(database, proposal["id"])
    with database.read() as session:
        assert find_by_mrn(session, ACTOR, "OLD").mrn == "NEW"
    run(database, path)
    assert proposals(database) == []


def test_a_message_about_strangers_proposes_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    run(sqlite_database, adt(tmp_path, "A40", PID.format("NEW"), "MRG|OLD"))
    run(sqlite_database, adt(tmp_path, "A08", PID.format("NEW")))
    assert proposals(sqlite_database) == []


@pytest.mark.parametrize("event", ["A08", "A31"])
def test_an_update_message_is_proposed_with_what_is_known_and_what_was_sent(
    database: Database, tmp_path: Path, event: str
) -> None:
    registered(database, "M-1")
    run(database, adt(tmp_path, event, PID.format("M-1")))
    assert proposals(database) == []
    run(database, adt(tmp_path, event, "PID|||M-1||Lund^Ada||19600103|F"))
    (proposal,) = proposals(database)
    assert proposal["facts"]["changes"] == {
        "name": ["Ada Berg", "Ada Lund"],
        "birth_date": ["1960-01-02", "1960-01-03"],
    }
    accept(database, proposal["id"])
    with database.read() as session:
        patient = session.scalars(select(Patient)).one()
        assert (patient.name, patient.birth_date) == ("Ada Lund", date(1960, 1, 3))


@pytest.mark.parametrize(("kind", "ends"), [("replaced-by", ("A", "B")), ("replaces", ("B", "A"))])
def test_a_fhir_link_of_a_merge_is_held_with_a_proposal_and_read_once_accepted(
    sqlite_database: Database, tmp_path: Path, kind: str, ends: tuple[str, str]
) -> None:
    run(sqlite_database, fhir(tmp_path, "A"))
    run(sqlite_database, fhir(tmp_path, "B"))
    linked = fhir(tmp_path, "A", link=[{"type": kind, "other": {"reference": "Patient/id-B"}}])
    assert len(run(sqlite_database, linked)["quarantined"]) == 1
    (proposal,) = proposals(sqlite_database)
    accept(sqlite_database, proposal["id"])
    with sqlite_database.read() as session:
        assert [(m["from"], m["into"]) for m in merge_history(session, ACTOR)] == [ends]
        (held,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(sqlite_database, ACTOR, held["id"], now=NOW).quarantined == []


def test_a_fhir_link_that_is_no_merge_is_proposed_and_the_patient_taken_in(
    sqlite_database: Database, tmp_path: Path
) -> None:
    linked = fhir(tmp_path, "A", link=[{"type": "seealso", "other": {"reference": "Patient/id-B"}}])
    assert run(sqlite_database, linked)["stored"] == 1
    assert [(p["kind"], p["from"], p["into"]) for p in proposals(sqlite_database)] == [("link", "Patient/id-B", "A")]


def test_a_conflicting_birth_date_is_held_with_a_proposal_beside_it(sqlite_database: Database, tmp_path: Path) -> None:
    run(sqlite_database, fhir(tmp_path, "A", birthDate="1960-01-02"))
    assert len(run(sqlite_database, fhir(tmp_path, "A", birthDate="1960-01-03"))["quarantined"]) == 1
    (proposal,) = proposals(sqlite_database)
    assert proposal["facts"] == {"changes": {"birth_date": ["1960-01-02", "1960-01-03"]}}
    accept(sqlite_database, proposal["id"])
    with sqlite_database.read() as session:
        (held,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(sqlite_database, ACTOR, held["id"], now=NOW).unchanged == 1


def test_the_same_number_from_another_numbering_is_proposed_and_then_known(
    sqlite_database: Database, tmp_path: Path
) -> None:
    run(sqlite_database, fhir(tmp_path, "A", identifier=[{"system": "urn:one", "value": "A"}]))
    run(sqlite_database, fhir(tmp_path, "A", identifier=[{"system": "urn:two", "value": "A"}]))
    (proposal,) = proposals(sqlite_database)
    accept(sqlite_database, proposal["id"])
    again = run(sqlite_database, fhir(tmp_path, "A", identifier=[{"system": "urn:two", "value": "A"}]))
    assert again["quarantined"] == []


def test_a_proposal_is_decided_once_by_somebody_it_concerns_with_a_reason(
    sqlite_database: Database, tmp_path: Path
) -> None:
    registered(sqlite_database, "OLD", "NEW")
    run(sqlite_database, adt(tmp_path, "A40", PID.format("NEW"), "MRG|OLD"))
    with sqlite_database.write() as session:
        with pytest.raises(ProposalError, match="say why"):
            accept_proposal(session, ACTOR, 1, reason="", now=NOW)
        with pytest.raises(NotFound):
            accept_proposal(session, Actor("n@x", "nurse", 1, frozenset({7})), 1, reason=WHY, now=NOW)
        with pytest.raises(Forbidden):
            list_proposals(session, Actor("a@x", "auditor", 1))
        refuse_proposal(session, Actor("a@x", "admin", 1), 1, reason=WHY, now=NOW)
        with pytest.raises(ProposalError, match="refused already"):
            accept_proposal(session, ACTOR, 1, reason=WHY, now=NOW)
        assert merge_history(session, ACTOR) == []


def test_a_death_in_a_message_sets_deceased_where_it_was_not_known(database: Database, tmp_path: Path) -> None:
    run(database, fhir(tmp_path, "A"))
    run(database, fhir(tmp_path, "A", deceasedDateTime="2025-12-24"))
    with database.read() as session:
        found = patient_status(session, ACTOR, "A")
    assert (found["status"], [row["on"] for row in found["history"]]) == ("deceased", ["2025-12-24"])


def oru(folder: Path, pid: str) -> Path:
    path = folder / "result.hl7"
    obx = "OBX|1|NM|2338-2^Glucagon^LN||812|pg/mL|0-159|H|||F|||20250610073000+0200"
    header = r"MSH|^~\&|A|H|N|N|20250610083000+0200||ORU^R01|1|P|2.5"
    path.write_text("\r".join([header, pid, "OBR|1||F1^LIS|1^Panel^L", obx]) + "\r")
    return path


def dead(pid: str, at: str, said: str) -> str:
    """`pid` with PID-29 and PID-30."""
    fields = pid.split("|")
    return "|".join([*fields, *[""] * (29 - len(fields)), at, said])


def status(database: Database) -> tuple[str, list[str]]:
    with database.read() as session:
        found = patient_status(session, ACTOR, "M-1")
    return found["status"], [row["on"] for row in found["history"]]


@pytest.mark.parametrize("message", ["A08", "A31", "ORU"])
@pytest.mark.parametrize(
    ("at", "said", "proposed", "on"),
    [
        ("20251224", "Y", "2025-12-24", "2025-12-24"),
        ("202512240310+0100", "", "2025-12-24", "2025-12-24"),
        ("", "Y", "day not said", "2026-03-02"),
        ("202512", "Y", "day not said", "2026-03-02"),
    ],
)
def test_a_death_that_hl7_tells_waits_for_a_person(
    sqlite_database: Database, tmp_path: Path, message: str, at: str, said: str, proposed: str, on: str
) -> None:
    registered(sqlite_database, "M-1")
    pid = dead(PID.format("M-1"), at, said)
    path = oru(tmp_path, pid) if message == "ORU" else adt(tmp_path, message, pid)
    run(sqlite_database, path)
    run(sqlite_database, path)
    (proposal,) = proposals(sqlite_database)
    assert (proposal["kind"], proposal["into"]) == ("update", "M-1")
    assert proposal["facts"] == {"changes": {"deceased": [None, proposed]}}
    assert status(sqlite_database) == ("active", [])
    accept(sqlite_database, proposal["id"])
    assert status(sqlite_database) == ("deceased", [on])
    run(sqlite_database, path)
    assert proposals(sqlite_database) == []


@pytest.mark.parametrize(("at", "said"), [("", "N"), ("", ""), ("", '""'), ('""', "N")])
def test_no_death_is_read_where_none_is_told(sqlite_database: Database, tmp_path: Path, at: str, said: str) -> None:
    registered(sqlite_database, "M-1")
    run(sqlite_database, oru(tmp_path, dead(PID.format("M-1"), at, said)))
    assert proposals(sqlite_database) == []


def test_a_death_is_proposed_apart_from_what_else_is_said(sqlite_database: Database, tmp_path: Path) -> None:
    registered(sqlite_database, "M-1")
    run(sqlite_database, adt(tmp_path, "A08", dead("PID|||M-1||Lund^Ada||19600102|F", "20251224", "Y")))
    assert [list(p["facts"]["changes"]) for p in proposals(sqlite_database)] == [["name"], ["deceased"]]


def test_another_day_of_death_is_proposed_and_a_state_set_meanwhile_stands(
    sqlite_database: Database, tmp_path: Path
) -> None:
    registered(sqlite_database, "M-1")
    run(sqlite_database, adt(tmp_path, "A08", dead(PID.format("M-1"), "20251224", "Y")))
    with sqlite_database.write() as session:
        set_status(session, ACTOR, mrn="M-1", status="deceased", on=date(2025, 12, 20), reason=WHY, now=NOW)
    (proposal,) = proposals(sqlite_database)
    with sqlite_database.write() as session, pytest.raises(ProposalError, match="day of death has changed since"):
        accept_proposal(session, ACTOR, proposal["id"], reason=WHY, now=NOW)
    run(sqlite_database, adt(tmp_path, "A08", dead(PID.format("M-1"), "20251224", "Y")))
    assert proposals(sqlite_database)[1]["facts"] == {"changes": {"deceased": ["2025-12-20", "2025-12-24"]}}


def test_a_stranger_whom_hl7_calls_dead_is_registered_and_the_death_waits(
    sqlite_database: Database, tmp_path: Path
) -> None:
    run(sqlite_database, oru(tmp_path, dead(PID.format("M-1"), "20251224", "Y")))
    assert status(sqlite_database) == ("active", [])
    assert len(proposals(sqlite_database)) == 1
