"""What a laboratory feed says of who somebody is: kept as a proposal, acknowledged, and never carried out by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import select, text

from data.db import Database
from data.identity_proposals import list_proposals
from data.models import Hl7Message, PatientMerge
from data.patient_status import patient_status
from data.patients import add_patient
from data.people import Actor
from data.records import list_records
from tests.jobs.mllp_sender import Laboratory, oru, receiving

SYSTEM = Actor.system("test")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def announcement(control_id: str, event: str, *segments: str) -> bytes:
    header = oru(control_id).split(b"\r")[0].replace(b"ORU^R01^ORU_R01", f"ADT^{event}^ADT_{event}".encode())
    return b"\r".join([header, *(segment.encode() for segment in segments)]) + b"\r"


def ward(database: Database) -> Database:
    with database.write() as session:
        for mrn in ("M-1", "M-2"):
            add_patient(
                session, SYSTEM, mrn=mrn, name="Erika Muster", birth_date=date(1970, 1, 1), sex=None, teams=[], now=NOW
            )
        session.execute(text("UPDATE patient SET mrn_system = 'HOSP'"))
    return database


def test_a_merge_and_an_update_of_a_feed_wait_for_a_person(database: Database) -> None:
    pid = "PID|1||M-1^^^HOSP^MR||Muster^Erika||19700101"
    with receiving(ward(database)) as port, Laboratory(port) as laboratory:
        assert laboratory.say(announcement("A-1", "A40", pid, "MRG|M-2^^^HOSP^MR")) == ("AA", "A-1")
        assert laboratory.say(announcement("A-2", "A08", pid.replace("Muster^", "Anders^"))) == ("AA", "A-2")
    with database.read() as session:
        proposals = list_proposals(session, SYSTEM)
        assert [(p["kind"], p["from"], p["into"]) for p in proposals] == [
            ("merge", "M-2", "M-1"),
            ("update", None, "M-1"),
        ]
        assert session.scalars(select(PatientMerge)).all() == []
        assert [kept.state for kept in session.scalars(select(Hl7Message))] == ["done", "done"]


def test_a_death_that_a_feed_tells_waits_for_a_person_and_its_result_does_not(sqlite_database: Database) -> None:
    died = "PID|1||M-1^^^HOSP^MR||Muster^Erika||19700101" + "|" * 22 + "20251224|Y"
    with receiving(ward(sqlite_database)) as port, Laboratory(port) as laboratory:
        assert laboratory.say(oru("A-1", pid=died)) == ("AA", "A-1")
        assert laboratory.say(announcement("A-2", "A31", died)) == ("AA", "A-2")
    with sqlite_database.read() as session:
        (proposal,) = list_proposals(session, SYSTEM)
        assert proposal["facts"] == {"changes": {"deceased": [None, "2025-12-24"]}}
        assert patient_status(session, SYSTEM, "M-1")["status"] == "active"
        assert len(list_records(session, SYSTEM, "M-1")) == 1
