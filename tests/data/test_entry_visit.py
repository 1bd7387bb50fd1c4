"""A visit as it is stored: every field a record of its own, one batch, or nothing at all and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from clinical.protocol import bundled_protocol
from clinical.surveillance import schedule
from data.audit import verify
from data.charts import load_charts
from data.db import Database
from data.entry.drafts import Typed, draft_of, keep_draft
from data.entry.judged import judge_now
from data.entry.known import habits
from data.entry.opening import open_form
from data.entry.said import NotSaved, Unsure, texts
from data.entry.save import Changed, KeyReused, Saved, WrongPatient
from data.entry.stated import last_stated
from data.models import Audit, Batch, EntrySave, IngestPatient, Patient, PatientIdentifier, Record
from data.people import Actor, Forbidden, NotFound
from tests.data.entries import BERLIN, save, stored, submission
from tests.data.ward import POLICY, Ward, coded, lab

WHOLE = {
    "weight": "61,2",
    "heart-rate": "71",
    "systolic": "118",
    "diastolic": "74",
    "stools-per-day": "3",
    "skin__iga": "2",
    "skin__erythema": "1",
    "skin__itch": "4.5",
    "skin__map": "leg_left-front:50;genital:25",
    "skin__sites": "groin;lower-leg",
    "skin__infection": "none",
    "skin__new_drug": "none",
    "symptom__fever": "no",
    "symptom__leg-swelling": "yes",
    "injection__drug": "lanreotide",
    "injection__dose": "120",
    "injection__unit": "mg",
    "injection__batch": "LX-4411",
    "injection__site": "left buttock",
    "glucose__1__value": "5.4",
    "glucose__1__unit": "mmol/L",
    "glucose__1__fasting": "yes",
    "lab__1__analyte": "zinc",
    "lab__1__value": "<10",
    "lab__1__unit": "umol/L",
    "lab__1__low": "11",
    "lab__1__high": "18",
    "lab__1__lab": "St Anna",
    "lab__1__method": "AAS",
    "lab__1__when": "2026-02-27",
}


class Room:
    """A nurse of a ward with one patient, and an oncologist of another ward."""

    def __init__(self, database: Database, *records: dict[str, object]) -> None:
        with database.write() as session:
            ward = Ward.open(session)
            self.nurse = ward.person("nurse@net.example", "nurse")
            self.colleague = ward.person("second@net.example", "nurse")
            self.patient = ward.patient("P-1", *records)
            self.other = ward.patient("P-2")
            self.stranger = Ward.open(session, "Elsewhere").person("onc@elsewhere.example")


@pytest.fixture
def room(database: Database) -> Room:
    """A patient without any record."""
    return Room(database)


def test_a_whole_visit_is_stored_as_one_batch(database: Database, room: Room, now: datetime) -> None:
    with database.write() as session:
        saved = save(session, room.nurse, "P-1", submission(session, "P-1", **WHOLE), now)
    with database.read() as session:
        batch = session.get_one(Batch, saved.batch)
        assert (batch.format, batch.actor) == ("visit", "nurse@net.example")
        rows = stored(session, room.patient)
        assert len(rows) == saved.stored == 11
        assert {row.batch_id for row in rows} == {saved.batch} and {row.recorded_by for row in rows} == {batch.actor}
        assert len({row.ingest_seq for row in rows}) == 1
        assert session.scalar(select(func.count()).where(IngestPatient.patient_id == room.patient)) == 1
        labs = {row.analyte: row for row in rows if row.kind == "lab"}
        assert (labs["weight"].value, labs["weight"].unit, labs["weight"].canonical_value) == ("61.2", "kg", 61.2)
        assert labs["weight"].effective_text == "2026-03-02T09:30+01:00"
        assert (labs["glucose-fasting"].value, labs["glucose-fasting"].fasting) == ("5.4", True)
        zinc = labs["zinc"]
        assert (zinc.comparator, zinc.value, zinc.ref_low, zinc.ref_high) == ("<", "10", "11", "18")
        assert (zinc.lab, zinc.method, zinc.effective_text, zinc.precision) == ("St Anna", "AAS", "2026-02-27", "day")
        chart = load_charts(session, [room.patient])[room.patient]
        skin = chart.skin[0]
        assert (skin.iga, skin.bsa, skin.itch, skin.sites) == (2, 4.75, 4.5, ("groin", "lower-leg"))
        assert (skin.infection, skin.new_drug, skin.rater) == ("none", "none", "nurse@net.example")
        assert {s.name: s.present for s in chart.symptoms} == {"fever": False, "leg-swelling": True}
        given = chart.therapy[0]
        assert (given.kind, given.drug, given.dose, given.unit) == ("injection", "lanreotide", 120, "mg")
        detail = next(row.detail for row in rows if row.kind == "therapy") or {}
        assert (detail["batch"], detail["site"]) == ("LX-4411", "left buttock")
        kept = habits(session)[0]
        assert (kept.laboratory, kept.analyte, kept.unit, kept.ref_low, kept.method) == (
            *("St Anna", "zinc", "umol/L", "11", "AAS"),
        )
        actions = session.scalars(select(Audit.action).where(Audit.object == f"batch {saved.batch}")).all()
        assert set(actions) == {"record.store", "entry.save"}
        assert verify(session).ok


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("weight", "612", "not possible"),
        ("weight", "heavy", "not a number"),
        ("weight", "1,234", "two numbers"),
        ("weight", "-4", "negative"),
        ("weight", "<60", "number alone"),
        ("weight", "６１", "not a number"),
        ("weight", "1e309", "outside the range"),
        ("heart-rate", "5", "not possible"),
        ("skin__iga", "7", "between 0 and 4"),
        ("skin__iga", "1.5", "whole number"),
        ("skin__map", "tail:50", "no part"),
        ("skin__map", "genital", "cannot be read"),
        ("skin__sites", "moon", "not known"),
        ("symptom__fever", "perhaps", "neither yes nor no"),
        ("symptom__boredom", "yes", "no such field"),
        ("when", "2026-03-09T10:00", "future"),
        ("when", "yesterday", "not a date"),
        ("when", "2026-03-29T02:30", "clocks were changed"),
        ("glucose__1__value", "90", "unit is missing"),
        ("glucose__1__when", "2026-03-01", "no value"),
        ("lab__1__value", "80", "which value"),
        ("lab__1__analyte", "zinc", "value is empty"),
        ("stated__weight", "none", "cannot be said of this"),
        ("stated__weight", "not-done", "and a value in weight"),
        ("stated__moon", "not-done", "no such field"),
        ("stated__due-zinc", "not-done", "no such field"),
        ("stated__skin__why", "tired", "no such field"),
        ("injection__drug", "moonshine", "not a drug"),
        ("injection__dose", "120", "not a drug"),
        ("nonsense", "1", "no such field"),
    ],
)
def test_what_cannot_be_read_stores_nothing_and_says_why(
    sqlite_database: Database, field: str, text: str, why: str, now: datetime
) -> None:
    room = Room(sqlite_database)
    sent = {"weight": "61", field: text}
    if field == "when" and text == "2026-03-29T02:30":
        now += timedelta(days=60)
    with pytest.raises(NotSaved, match=why) as refused, sqlite_database.write() as session:
        save(session, room.nurse, "P-1", submission(session, "P-1", **sent), now)
    assert len(refused.value.problems) == 1 and refused.value.problems[0].field
    with sqlite_database.read() as session:
        assert stored(session, room.patient) == []
        assert session.scalar(select(func.count()).select_from(Batch)) == 0


@pytest.mark.parametrize("said", [None, [], "x", {"weight": 61}, {"weight": None}, {"weight": ["61"]}, {7: "x"}])
def test_what_is_not_text_is_refused_by_name(said: object) -> None:
    with pytest.raises(NotSaved):
        texts(said)


@pytest.mark.parametrize("text", ["6\x001", "\ud800", "1" * 3000])
def test_texts_no_column_can_hold_are_refused(text: str) -> None:
    with pytest.raises(NotSaved, match="weight"):
        texts({"weight": text})


def test_a_form_with_nothing_in_it_is_not_a_visit(database: Database, room: Room, now: datetime) -> None:
    with pytest.raises(NotSaved, match="nothing is entered"), database.write() as session:
        save(session, room.nurse, "P-1", submission(session, "P-1"), now)


def test_a_doubt_is_asked_and_a_yes_serves_that_value_only(sqlite_database: Database, now: datetime) -> None:
    room = Room(sqlite_database, lab("weight", 61.0, "kg", "2026-01-10"))
    with sqlite_database.write() as session:
        sent = submission(session, "P-1", weight="38")
    with pytest.raises(Unsure, match=r"23 kg less.*61.0 kg on 2026-01-10") as asked, sqlite_database.write() as session:
        save(session, room.nurse, "P-1", sent, now)
    yes = replace(sent, confirmed=frozenset({question.id for question in asked.value.questions}))
    with pytest.raises(Unsure), sqlite_database.write() as session:
        save(session, room.nurse, "P-1", replace(yes, said={**sent.said, "weight": "37"}), now)
    with sqlite_database.write() as session:
        save(session, room.nurse, "P-1", yes, now)
    with sqlite_database.read() as session:
        assert [row.value for row in stored(session, room.patient) if row.batch_id.startswith("visit")] == ["38"]


def test_an_injection_off_the_plan_is_asked_about(sqlite_database: Database, now: datetime) -> None:
    plan = coded("therapy", "2026-02-20", kind="injection", drug="lanreotide", dose=120, unit="mg", interval_days=28)
    room = Room(sqlite_database, plan)
    with sqlite_database.write() as session:
        sent = submission(session, "P-1", injection__drug="lanreotide", injection__dose="12", injection__unit="mg")
    with pytest.raises(Unsure) as asked, sqlite_database.write() as session:
        save(session, room.nurse, "P-1", sent, now)
    words = " ".join(question.words for question in asked.value.questions)
    assert "regimen says 120 mg" in words and "18 days before the planned date 2026-03-20" in words


def test_a_second_save_under_one_key_changes_nothing(database: Database, room: Room, now: datetime) -> None:
    with database.write() as session:
        sent = submission(session, "P-1", weight="61")
        first = save(session, room.nurse, "P-1", sent, now)
    with database.write() as session:
        second = save(session, room.nurse, "P-1", sent, now + timedelta(seconds=1))
    assert second == replace(first, again=True)
    with pytest.raises(KeyReused), database.write() as session:
        save(session, room.nurse, "P-1", replace(sent, said={**sent.said, "weight": "62"}), now)
    with database.read() as session:
        assert len(stored(session, room.patient)) == 1


def test_of_twenty_saves_of_one_version_one_wins_and_the_others_see_it(
    database: Database, room: Room, now: datetime
) -> None:
    with database.read() as session:
        sent = [submission(session, "P-1", weight=f"6{n % 10}.{n}") for n in range(20)]
    outcomes: list[object] = []
    start = Barrier(20)

    def nurse(number: int) -> None:
        start.wait()
        try:
            with database.write() as session:
                outcomes.append(save(session, room.nurse, "P-1", sent[number], now))
        except Changed as changed:
            outcomes.append(changed)

    threads = [Thread(target=nurse, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if isinstance(outcome, Saved)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, Changed)]
    assert (len(winners), len(losers)) == (1, 19)
    with database.read() as session:
        kept = [row.value for row in stored(session, room.patient)]
        assert session.scalar(select(func.count()).select_from(EntrySave)) == 1
    assert {loser.theirs[0].said["weight"] for loser in losers} == set(kept) and len(kept) == 1


def test_the_patient_must_be_the_one_of_the_form_and_of_the_wristband(sqlite_database: Database, now: datetime) -> None:
    room = Room(sqlite_database)
    with sqlite_database.write() as session:
        session.add(PatientIdentifier(patient_id=room.patient, system="s", value="WB-77"))
        of_other = submission(session, "P-2", weight="61")
        own = submission(session, "P-1", weight="61")
    for sent in (of_other, replace(own, wristband="P-2")):
        with pytest.raises(WrongPatient), sqlite_database.write() as session:
            save(session, room.nurse, "P-1", sent, now)
    with pytest.raises(NotFound), sqlite_database.write() as session:
        save(session, room.stranger, "P-1", own, now)
    with pytest.raises(Forbidden), sqlite_database.write() as session:
        save(session, Actor("a@x.example", "admin", 1), "P-1", own, now)
    with sqlite_database.read() as session:
        assert stored(session, room.patient) == stored(session, room.other) == []
    for band in ("WB-77", "P-1"):
        with sqlite_database.write() as session:
            sent = submission(session, "P-1", ("WB-77", "P-1").index(band), weight=f"6{len(band)}")
            save(session, room.nurse, "P-1", replace(sent, wristband=band), now)


def test_an_urgent_finding_is_there_as_soon_as_the_visit_is_saved(
    database: Database, room: Room, now: datetime
) -> None:
    with database.write() as session:
        saved = save(session, room.nurse, "P-1", submission(session, "P-1", **{"symptom__leg-swelling": "yes"}), now)
    heard = judge_now(database, room.nurse, saved.patient_id, protocol=bundled_protocol(), mail=POLICY, now=now)
    assert [flag["rule"] for flag in heard.urgent] == ["R26"]
    assert heard.urgent[0]["question"] and heard.failed is None
    assert heard.urgent[0] in heard.changed
    again = judge_now(database, room.nurse, saved.patient_id, protocol=bundled_protocol(), mail=POLICY, now=now)
    assert [flag["rule"] for flag in again.urgent] == ["R26"] and again.changed == ()


def test_a_draft_outlives_everything_but_its_save(database: Database, room: Room, now: datetime) -> None:
    with database.write() as session:
        sent = submission(session, "P-1", weight="61")
        for number, weight in ((1, "6"), (3, "61"), (2, "6")):
            said = {**sent.said, "weight": weight}
            typed = Typed(key=sent.key, number=number, version=0, said=said)
            keep_draft(session, room.nurse, room.patient, "visit", typed, now=now)
    with database.read() as session:
        found = draft_of(session, room.nurse, room.patient, "visit")
        assert found is not None and (found.said["weight"], found.number) == ("61", 3)
        assert draft_of(session, room.colleague, room.patient, "visit") is None
        assert draft_of(session, room.nurse, room.other, "visit") is None
    with database.write() as session:
        save(session, room.nurse, "P-1", sent, now)
        late = Typed(key=sent.key, number=4, version=0, said=sent.said)
        keep_draft(session, room.nurse, room.patient, "visit", late, now=now)
    with database.read() as session:
        assert draft_of(session, room.nurse, room.patient, "visit") is None


def test_a_patient_is_found_under_the_number_of_a_visit(database: Database, room: Room, now: datetime) -> None:
    with database.write() as session:
        saved = save(session, room.nurse, "P-1", submission(session, "P-1", weight="61"), now)
    with database.read() as session:
        row = session.scalars(select(Record).where(Record.batch_id == saved.batch)).one()
        assert session.get_one(Patient, row.patient_id).mrn == "P-1"
        assert row.source_id == f"{saved.batch}/weight" and row.place == "weight"


def test_none_not_asked_and_not_done_are_kept_apart_from_nothing_said(database: Database, now: datetime) -> None:
    start = coded("therapy", "2024-01-08", kind="start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
    room = Room(database, start)
    said = {"stated__glucose": "none", "stated__symptoms": "not-asked", "stated__due-zinc": "not-done"}
    said |= {"stated__due-zinc__why": "no vein found", "stated__skin": "not-done", "heart-rate": "70"}
    with database.write() as session:
        save(session, room.nurse, "P-1", submission(session, "P-1", **said), now)
    with database.read() as session:
        opening = open_form(session, room.nurse, "P-1", "visit", protocol=bundled_protocol(), zone=BERLIN, now=now)
    stated = {item: (finding.code, finding.why) for item, finding in last_stated(opening.chart).items()}
    assert stated == {
        **{"glucose": ("none", None), "symptoms": ("not-asked", None), "skin": ("not-done", None)},
        **{"due-zinc": ("not-done", "no vein found")},
    }
    # What was not done is owed as before; no rule takes the statement for the check.
    assert "zinc" in {item.code for item in opening.owed}


def test_a_visit_owes_what_the_schedule_owes_within_a_fortnight_the_longest_overdue_first(
    sqlite_database: Database, now: datetime
) -> None:
    start = coded("therapy", "2024-01-08", kind="start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
    room = Room(
        sqlite_database,
        start,
        lab("b12", 300.0, "pg/mL", "2025-03-10"),
        lab("zinc", 80.0, "ug/dL", "2025-12-20"),
        lab("tsh", 1.0, "m[IU]/L", "2025-01-15"),
    )
    with sqlite_database.read() as session:
        opening = open_form(session, room.nurse, "P-1", "visit", protocol=bundled_protocol(), zone=BERLIN, now=now)
        chart = load_charts(session, [room.patient])[room.patient].until(now)
    every = schedule(chart, bundled_protocol(), now)
    owed = [item.code for item in opening.owed]
    assert owed == [item.code for item in every if item.due <= now + timedelta(days=14)]
    # TSH was due in January and B12 is in eight days, a year after the last one; zinc is in June.
    assert ("tsh" in owed, "b12" in owed, "zinc" in owed) == (True, True, False)
    assert {"zinc"} < {item.code for item in every}
    never = [item for item in opening.owed if item.never and item.code in ("hba1c", "liver", "ultrasound")]
    assert len(never) == 3 and all(item.overdue(now) for item in never)
    falls = [item.overdue_from for item in opening.owed]
    assert falls == sorted(falls)
