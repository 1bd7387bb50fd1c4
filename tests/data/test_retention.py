"""What is past its time goes, whole and counted first; what is within it stays; nothing goes where no time is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from clinical.protocol import bundled_protocol
from data.audit import verify
from data.belonging import belonging
from data.db import Database
from data.models import Audit, EntryDraft, Flag, FlagHistory, Hl7Message, Patient, Quarantined, Record
from data.people import Actor
from data.retention import Kept, apply_retention, due
from jobs.sweep import sweep
from tests.data.ward import POLICY, Ward, at, lab, relapsing

NOW = datetime(2040, 6, 1, 4, 0, tzinfo=UTC)
KEEPER = Actor.system("retention")


def kept(years: int | None) -> Kept:
    return Kept(clinical_years=years, raw=timedelta(days=180), accounts=timedelta(days=90), drafts=timedelta(days=90))


@pytest.fixture
def clinic(database: Database) -> Database:
    """OLD, whose last word is of 2026; YOUNG, with one value of 2039 more; raw items, one held, one settled."""
    with database.write() as session:
        ward = Ward.open(session)
        person = ward.person("onc@clinic.example")
        old = ward.patient("OLD", *relapsing("2026-02-01"))
        ward.patient("YOUNG", *relapsing("2026-02-01"), lab("weight", 70.0, "kg", "2039-12-01"))
        batch = session.scalars(select(Record.batch_id)).first()
        for number, state in enumerate(("held", "settled")):
            session.add(
                Quarantined(
                    **{
                        "batch_id": batch,
                        "place": str(number),
                        "why": "x",
                        "raw": "raw OLD",
                        "digest": "d",
                        "format": "csv",
                    },
                    **{"state": state, "created_at": at("2030-01-01"), "closed_at": at("2030-01-01")},
                )
            )
        session.add(
            Hl7Message(
                **dict.fromkeys(("peer", "application", "facility", "control_id", "digest"), "x"),
                **{"content": b"MSH|", "received_at": NOW - timedelta(days=181), "state": "done"},
            )
        )
        session.add(
            EntryDraft(
                **{"person_id": person.person_id, "patient_id": old, "form": "visit", "key": "k", "number": 1},
                **{"version": 0, "said": {}, "saved_at": at("2026-02-02")},
            )
        )
    sweep(database, protocol=bundled_protocol(), mail=POLICY, as_of=at("2026-03-01"), now=at("2026-03-01"), full=True)
    return database


def counted(database: Database, mrn: str) -> dict[str, int]:
    """How many rows of each table belong to a patient."""
    with database.read() as session:
        ids = list(session.scalars(select(Patient.id).where(Patient.mrn == mrn)))
        found = {
            table.name: session.scalar(select(func.count()).select_from(table).where(whose)) or 0
            for table, whose in belonging(ids or [-1]).items()
        }
    return {name: count for name, count in found.items() if count}


def test_a_dry_run_counts_and_changes_nothing(clinic: Database) -> None:
    before = counted(clinic, "OLD")
    with clinic.read() as session:
        found = due(session, kept(10), NOW)
    assert {name: n for name, n in found.items() if n} == {
        "patient": 1,
        "hl7_message": 1,
        "quarantine": 1,
        "entry_draft": 1,
    }
    assert counted(clinic, "OLD") == before


def test_whole_patients_go_and_what_is_within_its_time_stays(clinic: Database) -> None:
    young, old = counted(clinic, "YOUNG"), counted(clinic, "OLD")
    assert {"record", "flag", "flag_history", "judgement", "glance", "ingest_patient"} <= set(old)
    with clinic.read() as session:
        uuid = session.scalars(select(Patient.uuid).where(Patient.mrn == "OLD")).one()
        flags = list(session.scalars(select(Flag.id).join(Patient).where(Patient.uuid == uuid)))
    done = apply_retention(clinic, KEEPER, kept(10), now=NOW)
    assert {name: n for name, n in done.items() if n} == {
        "patient": 1,
        "hl7_message": 1,
        "quarantine": 1,
        "entry_draft": 1,
    }
    assert counted(clinic, "YOUNG") == young
    with clinic.read() as session:
        assert session.scalars(select(Patient.mrn)).all() == ["YOUNG"]
        assert session.scalar(select(func.count()).where(FlagHistory.flag_id.in_(flags))) == 0
        told = session.scalars(select(Audit.action).where(Audit.patient_uuid == uuid).order_by(Audit.seq)).all()
        assert told[-2:] == ["patient.erase", "patient.delete"]
        assert verify(session).ok
        held = session.execute(select(Quarantined.state, Quarantined.raw).order_by(Quarantined.id)).all()
        assert held == [("held", "raw OLD"), ("settled", "")]
    again = apply_retention(clinic, KEEPER, kept(10), now=NOW)
    assert not any(again.values())


def test_nothing_clinical_goes_within_its_time_or_where_none_is_set(clinic: Database) -> None:
    for years in (None, 15, 14):
        assert apply_retention(clinic, KEEPER, kept(years), now=NOW)["patient"] == (1 if years == 14 else 0), years
    with clinic.read() as session:
        assert session.scalars(select(Patient.mrn)).all() == ["YOUNG"]
