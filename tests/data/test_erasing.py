"""An erased identity is nowhere: not in a row, not in a free page, not in the log; and the audit chain stands."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DatabaseError

from data.audit import verify
from data.copying.rows import at_one_moment, stored, tables
from data.db import Database
from data.erasing.erase import NotErased, compact, erase_identity
from data.erasing.identity import Identity
from data.intake.batch import import_paths
from data.intake.quarantine import discard_quarantined, list_quarantined
from data.merges import merge_patients
from data.models import (
    Audit,
    AuditReason,
    EntryDraft,
    Erasing,
    Erasure,
    Flag,
    FlagHistory,
    Hl7Message,
    Patient,
    PatientReview,
    Quarantined,
    Record,
)
from data.patient_status import set_status
from data.people import Actor, Forbidden, NotFound, add_team
from tests.data.ward import Ward

SYSTEM = Actor.system("test")
MRN, OTHER, FHIR, NAME, GIVEN = "CNRY-MRN-41", "CNRY-MRN-42", "CNRY-fhir-9", "Canaryface", "Quillemina"
BORN = "1961-07-23"
CANARIES = (MRN, OTHER, FHIR, NAME, GIVEN, BORN, "19610723", "23.07.1961")
STAYS = "NEIGHBOUR-7"


def bundle(mrn: str, fhir_id: str, name: tuple[str, str]) -> dict[str, object]:
    """A patient with a result whose note names them, and a result in a unit nobody knows."""
    person = {
        "resourceType": "Patient",
        "id": fhir_id,
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "system": "urn:x", "value": mrn}],
        "name": [{"family": name[0], "given": [name[1]]}],
        "birthDate": BORN if mrn == MRN else "1970-02-02",
        "gender": "female",
    }
    results = [
        {
            "resourceType": "Observation",
            "id": f"{fhir_id}-{unit}".replace("/", ""),
            "status": "final",
            "code": {"coding": [{"system": "urn:nadir:analyte", "code": "glucagon"}]},
            "subject": {"reference": f"Patient/{fhir_id}"},
            "effectiveDateTime": "2026-01-10T08:00:00Z",
            "valueQuantity": {"value": 61, "unit": unit},
            "note": [{"text": f"{name[1]} {name[0]} ({mrn}) was fasting"}],
        }
        for unit in ("pg/mL", "furlong")
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in (person, *results)]}


@pytest.fixture
def clinic(database: Database, tmp_path: Path, now: datetime) -> Database:
    """A patient known by everything that names somebody, merged with another number, and a neighbour."""
    with database.write() as session:
        add_team(session, SYSTEM, "NET", now=now)
    for mrn, fhir_id, name in ((MRN, FHIR, (NAME, GIVEN)), (STAYS, "neighbour", ("Miller", "Ann"))):
        file = tmp_path / f"{mrn}.json"
        file.write_text(json.dumps(bundle(mrn, fhir_id, name)))
        import_paths(database, SYSTEM, [file], now=now, team="NET")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "mrn,when,analyte,value,unit,lab,note\n"
        f"{MRN},2026-01-12,zinc,70,ug/dL,Lab of {NAME},told by {GIVEN}\n"
        f"{MRN},01/02/2026,zinc,70,ug/dL,,\n"
    )
    import_paths(database, SYSTEM, [sheet], now=now, team="NET")
    adt = tmp_path / "adt.hl7"
    adt.write_text(
        "\r".join(
            (
                "MSH|^~\\&|ADMIT|X|N|N|20260201||ADT^A08|7|P|2.5",
                "EVN|A08|20260201",
                f"PID|||{MRN}^^^urn:x^MR||{NAME}^{GIVEN}x||19610723|F\r",
            )
        )
    )
    import_paths(database, SYSTEM, [adt], now=now, team="NET")
    with database.write() as session:
        patient = session.scalars(select(Patient).where(Patient.mrn == MRN)).one()
        session.add(Patient(uuid="other-uuid", mrn=OTHER, name=f"{GIVEN} {NAME}", created_at=now))
        session.flush()
        merge_patients(session, SYSTEM, merged=OTHER, into=MRN, reason=f"{GIVEN} said so", now=now)
        set_status(session, SYSTEM, mrn=MRN, status="withdrawn", on=now.date(), reason=f"letter of {NAME}", now=now)
        held = list_quarantined(session, SYSTEM)
        mine = next(item for item in held if MRN in item["where"] or "sheet" in item["where"])
        discard_quarantined(session, SYSTEM, mine["id"], now=now, reason=f"{MRN} sent it twice")
        content = f"MSH|^~\\&|LAB\rPID|||{MRN}||{NAME}^{GIVEN}||19610723|F\r".encode()
        session.add(
            Hl7Message(
                **dict.fromkeys(("peer", "application", "facility", "control_id"), "x"),
                **{"digest": "d", "content": content, "received_at": now, "state": "done"},
            )
        )
        _flag(session, patient.id, now)
        ward = Ward(session, add_team(session, SYSTEM, "W", now=now))
        person = ward.person("onc@clinic.example")
        about = {"person_id": person.person_id or 0, "who": person.name, "name": person.name, "at": now}
        session.add(PatientReview(key="k", patient_id=patient.id, until=date(2026, 4, 1), why=f"{NAME} asked", **about))
        session.add(
            EntryDraft(
                **{"person_id": person.person_id, "patient_id": patient.id, "form": "visit", "key": "k", "number": 1},
                **{"version": 0, "said": {"note": f"{NAME} is here"}, "saved_at": now},
            )
        )
    return database


def _flag(session: object, patient_id: int, now: datetime) -> None:
    flag = Flag(
        **dict.fromkeys(("rule", "rule_version", "protocol_version", "axis", "subject", "dedup_key"), "x"),
        **dict.fromkeys(("title", "question"), "a question"),
        **dict.fromkeys(("opened_at", "as_of", "first_evidence_at"), now),
        **{"id": "flag-1", "patient_id": patient_id, "severity": "low", "episode": 1, "status": "open"},
        **{"why": f"note: {GIVEN} fasting", "finding": {"evidence": [], "said": NAME}, "evidence_digest": ""},
    )
    session.add(flag)  # type: ignore[attr-defined]
    session.flush()  # type: ignore[attr-defined]
    history = {"flag_id": "flag-1", "at": now, "who": "sweep", "to_status": "open", "why": f"{MRN} has it"}
    session.execute(insert(FlagHistory).values(**history))  # type: ignore[attr-defined]


def everything(database: Database) -> str:
    """Every value of every row."""
    with at_one_moment(database) as connection:
        return "\n".join(
            part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
            for table in tables()
            for rows in stored(connection, table)
            for row in rows
            for part in row
        )


def found(text: str) -> set[str]:
    return {canary for canary in CANARIES if canary.lower() in text.lower()}


def test_nothing_is_left_of_an_erased_identity_and_the_chain_stands(clinic: Database, now: datetime) -> None:
    before = everything(clinic)
    assert found(before) >= {MRN, OTHER, FHIR, NAME, GIVEN, BORN, "19610723"}
    with clinic.read() as session:
        values = session.execute(select(Record.value, Record.effective_at).order_by(Record.id)).all()
        audited = session.scalar(select(func.count()).select_from(Audit))
    with clinic.write() as session:
        done = erase_identity(session, SYSTEM, OTHER, reason="asked for by letter, art. 17", now=now)
    assert compact(clinic)
    assert (done.doubtful, done.audit_rows) == ((), ())
    after = everything(clinic)
    assert found(after) == set()
    assert before.count(STAYS) == after.count(STAYS) > 1
    assert "Miller" in after
    if clinic.is_sqlite:
        file = Path(str(clinic.engine.url.database))
        for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
            raw = path.read_bytes() if path.exists() else b""
            assert found(raw.decode("utf-8", "replace") + raw.decode("utf-16-le", "replace")) == set(), path.name
    with clinic.read() as session:
        assert verify(session).ok
        assert session.scalar(select(func.count()).select_from(Audit)) == (audited or 0) + 1
        assert session.execute(select(Record.value, Record.effective_at).order_by(Record.id)).all() == values
        assert set(
            session.scalars(select(Record.sent_digest).join(Erasure, Erasure.patient_id == Record.patient_id))
        ) == {None}
        assert session.scalar(select(func.count()).select_from(Erasure)) == 2
        assert session.scalar(select(func.count()).select_from(Erasing)) == 0
        row = session.scalars(select(Audit).order_by(Audit.seq.desc()).limit(1)).one()
        assert (row.action, row.actor) == ("patient.erase", "test")
        raws = {item.place: item.raw for item in session.scalars(select(Quarantined))}
        assert [raw for raw in raws.values() if "neighbour" in raw], "a neighbour's item is there"
    with clinic.read() as session, pytest.raises(NotFound):
        erase_identity(session, SYSTEM, MRN, reason="asked for by letter", now=now)


def test_a_reason_that_is_gone_without_an_erasure_is_noticed(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        session.execute(update(AuditReason).values(words="another"))
        assert "not the one" in (verify(session).why or "")
        session.rollback()
    with clinic.write() as session:
        session.execute(delete(AuditReason))
        report = verify(session)
    assert not report.ok
    assert "its reason is missing" in (report.why or "")


def test_what_is_append_only_stays_so_outside_an_erasure(clinic: Database, now: datetime) -> None:
    with clinic.write() as session:
        erase_identity(session, SYSTEM, MRN, reason="asked for by letter", now=now)
    for statement in (update(Record).values(value="1"), delete(Record), update(FlagHistory).values(why="x")):
        with pytest.raises(DatabaseError, match="append-only"), clinic.write() as session:
            session.execute(statement)
    with pytest.raises(DatabaseError, match="append-only"), clinic.write() as session:
        session.add(Erasing(id=1))
        session.flush()
        session.execute(update(Audit).values(actor="nobody"))


@pytest.mark.parametrize(
    ("reason", "why"),
    [("short", "say why in 10"), (f"the letter of {GIVEN} {NAME}", "names"), (f"see {MRN} there", "names")],
)
def test_an_erasure_needs_a_reason_that_names_nobody(clinic: Database, now: datetime, reason: str, why: str) -> None:
    with pytest.raises(NotErased, match=why), clinic.write() as session:
        erase_identity(session, SYSTEM, MRN, reason=reason, now=now)


@pytest.mark.parametrize("role", ["oncologist", "nurse", "auditor", "service"])
def test_nobody_but_an_admin_erases(clinic: Database, now: datetime, role: str) -> None:
    with pytest.raises(Forbidden), clinic.write() as session:
        erase_identity(session, Actor("x@x", role, 1), MRN, reason="asked for by letter", now=now)


def test_a_namesake_is_left_for_a_person_to_look_at() -> None:
    identity = Identity(frozenset({"4711"}), frozenset({"Ann Miller"}), frozenset({date(1950, 1, 2)}))
    assert identity.named_in("PID|||4711||Miller^Ann")
    assert identity.named_in("Miller, Ann, born 02.01.1950")
    assert not identity.named_in("Miller^Ann||19610723")
    assert identity.called_in("Miller^Ann||19610723")
    assert not identity.called_in("Annabel Miller")
    assert identity.without({"a": ["ANN came", "47110"]}) == {"a": ["[erased] came", "47110"]}
