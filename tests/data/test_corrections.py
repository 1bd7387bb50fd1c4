"""Correcting, retracting and moving a record: a reason always, the old value stays, the rules see what now stands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from clinical.protocol import bundled_protocol
from data.audit import verify
from data.charts import load_charts
from data.db import Database
from data.entry.attempt import Attempt, ChangedMeanwhile, Corrected, NewFields, NewValue, NotCorrected
from data.entry.coded_fields import typed_fields
from data.entry.corrections import correct_fields, correct_value, move_record, retract
from data.entry.judged import judge_now
from data.entry.past import past_values
from data.entry.said import Unsure
from data.flags import acknowledge, show_flag
from data.models import Audit, Correction, Flag, FlagHistory, Outbox, Patient, PatientIdentifier, Person, Record, Team
from data.people import Actor, Forbidden, NotFound
from data.records import item_of, list_records, open_batch, store_chunk
from tests.data.entries import BERLIN, save, submission
from tests.data.signing import decided
from tests.data.ward import POLICY, Ward, coded

WHY = "typed the neighbour's value"


class Room:
    """A nurse, two patients, and a weight of the first with its record id."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database, self.now = database, now
        with database.write() as session:
            ward = Ward.open(session)
            self.nurse = ward.person("nurse@net.example", "nurse")
            self.first, self.second = ward.patient("P-1"), ward.patient("P-2")
            self.stranger = Ward.open(session, "Elsewhere").person("onc@elsewhere.example")
            self.doctor = ward.person("onc@net.example")
        with database.write() as session:
            sent = submission(session, "P-1", weight="61", **{"symptom__chest-pain": "yes"})
            save(session, self.nurse, "P-1", sent, now)
        self.weight, self.symptom = self.record("weight"), self.record("symptom.chest-pain")

    def record(self, place: str) -> int:
        with self.database.read() as session:
            return session.scalars(select(Record.id).where(Record.place == place)).one()

    def attempt(self, reason: str = WHY, key: str | None = None) -> Attempt:
        return Attempt(key=key or str(uuid4()), reason=reason, protocol=bundled_protocol(), mail=POLICY, now=self.now)

    def correct(self, record: int, value: str, unit: str = "kg", attempt: Attempt | None = None) -> Corrected:
        with self.database.write() as session:
            return correct_value(
                session, self.nurse, "P-1", record, attempt or self.attempt(), NewValue(value=value, unit=unit)
            )

    def move(self, record: int, to: str, seen: str | None = None, attempt: Attempt | None = None) -> Corrected:
        with self.database.write() as session:
            shown = seen or str(session.scalar(select(Patient.uuid).where(Patient.mrn == "P-2")))
            return move_record(session, self.nurse, "P-1", record, attempt or self.attempt(), to=to, seen=shown)

    def judged(self, rule: str) -> list[dict[str, Any]]:
        """The flags of the rule that judging now opened or changed."""
        heard = judge_now(
            self.database, self.doctor, self.first, protocol=bundled_protocol(), mail=POLICY, now=self.now
        )
        assert heard.failed is None
        return [flag for flag in heard.changed if flag["rule"] == rule]

    def closed_review(self, rule: str, kind: str = "no-change", reason: str | None = None) -> str:
        """A flag of the rule that the doctor closed by a decision."""
        flag = self.judged(rule)[0]["id"]
        with self.database.write() as session:
            decided(session, self.doctor, flag, kind, reason=reason, why="meter error", version=1, now=self.now)
        assert self.judged(rule) == []
        return str(flag)

    def shown(self, flag: str) -> dict[str, Any]:
        with self.database.read() as session:
            return show_flag(session, self.doctor, flag)

    def low_glucose(self) -> int:
        """A glucose of 40 mg/dL of the first patient, which R22 asks about."""
        with self.database.write() as session:
            sent = submission(session, "P-1", 1, glucose__1__value="40", glucose__1__unit="mg/dL")
            save(session, self.nurse, "P-1", sent, self.now)
        return self.record("glucose.1")

    def weights(self, patient_id: int) -> list[float | None]:
        with self.database.read() as session:
            return [r.value for r in load_charts(session, [patient_id])[patient_id].of("weight")]


@pytest.fixture
def room(database: Database, now: datetime) -> Room:
    return Room(database, now)


def test_a_corrected_value_takes_the_place_of_the_old_one_which_stays(room: Room) -> None:
    new = room.correct(room.weight, "64,5").record
    assert room.weights(room.first) == [64.5]
    with room.database.read() as session:
        told = {row["id"]: row for row in list_records(session, room.nurse, "P-1", "weight", include_superseded=True)}
        assert told[str(room.weight)]["superseded_by"] == str(new)
        assert told[str(new)]["status"] == "corrected" and told[str(new)]["source"]["format"] == "correction"
        kept = session.scalars(select(Correction)).one()
        assert (kept.what, kept.reason, kept.who, kept.replacement_id) == ("value", WHY, room.nurse.name, new)
        assert "record.correct" in session.scalars(select(Audit.action)).all() and verify(session).ok


def test_the_time_of_a_value_is_corrected_and_kept_where_it_is_not_typed(room: Room) -> None:
    def retime(record: int, when: str) -> Corrected:
        typed = NewValue(value="61", unit="kg", when=when, zone=BERLIN)
        with room.database.write() as session:
            return correct_value(session, room.nurse, "P-1", record, room.attempt(), typed)

    for same in ("", "2026-03-02 09:30", " 2026-03-02 09:30 "):
        with pytest.raises(NotCorrected, match="value that is recorded"):
            retime(room.weight, same)
    for wrong in ("2026-03-09", "02.03.2026", "yesterday", "2026-02-30", "2026-03-29 02:30"):
        with pytest.raises(NotCorrected):
            retime(room.weight, wrong)
    first = retime(room.weight, "2026-02-27 08:15").record
    second = retime(first, "2026-02-26").record
    with room.database.read() as session:
        rows = [session.get_one(Record, id) for id in (room.weight, first, second)]
        assert [(row.effective_text, row.precision) for row in rows][1:] == [
            ("2026-02-27T08:15+01:00", "minute"),
            ("2026-02-26", "day"),
        ]
        assert rows[1].effective_at == datetime(2026, 2, 27, 7, 15, tzinfo=UTC)
        assert all(past.retimed for past in past_values(session, room.nurse, [room.first]))


def test_sent_twice_it_is_made_once_and_with_other_content_it_is_not_taken_for_the_first(room: Room) -> None:
    attempt = room.attempt()
    first = room.correct(room.weight, "64.5", attempt=attempt)
    again = room.correct(room.weight, "64,5", attempt=attempt)
    assert again.again and not first.again and again.record == first.record
    with pytest.raises(ChangedMeanwhile) as changed:
        room.correct(room.weight, "65", attempt=attempt)
    assert (changed.value.opened, changed.value.stands) == (room.weight, first.record)
    with pytest.raises(NotCorrected, match="another value"):
        room.correct(first.record, "66", attempt=attempt)
    moved = room.attempt()
    assert (
        room.move(first.record, "P-2", attempt=moved).moved_to == room.move(first.record, "P-2", attempt=moved).moved_to
    )
    with room.database.read() as session:
        assert len(session.scalars(select(Correction)).all()) == 2


def test_who_comes_late_is_told_what_stands_now(room: Room) -> None:
    room.correct(room.correct(room.weight, "64").record, "65")
    for late in (lambda s, a: retract(s, *a), lambda s, a: correct_value(s, *a, NewValue(value="70", unit="kg"))):
        with pytest.raises(ChangedMeanwhile) as changed, room.database.write() as session:
            late(session, (room.nurse, "P-1", room.weight, room.attempt()))
        with room.database.read() as session:
            assert session.get_one(Record, changed.value.stands).value == "65"
    assert room.weights(room.first) == [65.0]


def test_a_retraction_clears_what_rested_on_the_value(room: Room) -> None:
    assert [flag["status"] for flag in room.judged("R26")] == ["open"]
    with room.database.write() as session:
        retract(session, room.nurse, "P-1", room.symptom, room.attempt())
    with room.database.read() as session:
        assert load_charts(session, [room.first])[room.first].symptoms == ()
    assert [flag["status"] for flag in room.judged("R26")] == ["open"], "cleared, and still to be seen by a person"


def test_a_moved_record_leaves_a_trace_in_both(room: Room) -> None:
    with room.database.write() as session:
        session.add(PatientIdentifier(patient_id=room.second, system="urn:wristband", value="W-77"))
    moved = room.move(room.weight, "W-77", attempt=room.attempt("filed under the wrong patient"))
    assert moved.patients == (room.first, room.second)
    assert (room.weights(room.first), room.weights(room.second)) == ([], [61.0])
    with room.database.read() as session:
        for mrn, status in (("P-1", "entered-in-error"), ("P-2", "final")):
            rows = list_records(session, room.nurse, mrn, "weight")
            assert [row["status"] for row in rows] == [status]
        uuids = set(session.scalars(select(Patient.uuid)))
        noted = select(Audit.patient_uuid).where(Audit.action == "record.move")
        assert set(session.scalars(noted)) == uuids, "one row in the audit trail of each"


def test_a_record_moves_only_to_the_patient_that_was_shown_and_that_the_person_may_see(room: Room) -> None:
    with room.database.write() as session:
        hidden = Ward(session, session.scalars(select(Team).where(Team.name == "Elsewhere")).one()).patient("P-9")
        uuids = {p.mrn: p.uuid for p in session.scalars(select(Patient))}
        for patient_id, system in ((room.second, "a"), (hidden, "a"), (room.second, "b")):
            session.add(PatientIdentifier(patient_id=patient_id, system=f"urn:{system}", value=f"N{patient_id}"))
    for to, seen, error in (
        ("P-2", uuids["P-1"], NotCorrected),
        ("P-1", uuids["P-1"], NotCorrected),
        ("P-9", uuids["P-9"], NotFound),
        (f"N{hidden}", uuids["P-9"], NotFound),
        ("nobody", uuids["P-2"], NotFound),
    ):
        with pytest.raises(error):
            room.move(room.weight, to, seen)
    assert (room.weights(room.first), room.weights(room.second)) == ([61.0], [])


@pytest.mark.parametrize(("kind", "reason"), [("no-change", None), ("not-applicable", "wrong-value")])
def test_a_closed_review_that_used_the_value_is_opened_again(room: Room, kind: str, reason: str | None) -> None:
    reading = room.low_glucose()
    flag = room.closed_review("R22", kind, reason)
    done = room.correct(reading, "44", "mg/dL")
    assert done.reopened == (flag,)
    shown = room.shown(flag)
    assert (shown["status"], shown["episode"]) == ("open", 1)
    assert shown["history"][-1]["why"] == f"a value it used was corrected: {WHY}"
    assert [(f["id"], f["status"]) for f in room.judged("R22")] == [(flag, "open")]
    assert room.shown(flag)["evidence"][0]["value"] == 44.0


def test_it_is_opened_again_even_if_the_finding_is_gone_and_stays_until_a_person_has_looked(room: Room) -> None:
    reading = room.low_glucose()
    flag = room.closed_review("R22")
    with room.database.write() as session:
        session.get_one(Flag, flag).severity = "low"
    room.correct(reading, "104", "mg/dL")
    room.judged("R22")
    shown = room.shown(flag)
    assert (shown["status"], shown["cleared_at"] is not None) == ("open", True)
    with room.database.write() as session:
        status = acknowledge(session, room.doctor, flag, why="seen", version=shown["version"], now=room.now)
        assert status == "resolved"
    assert room.judged("R22") == []


def test_what_the_data_closed_without_a_person_stays_closed(room: Room) -> None:
    room.low_glucose()
    flag = room.judged("R22")[0]["id"]
    with room.database.write() as session:
        row = session.get_one(Flag, flag)
        row.severity, row.status = "low", "open"
    with room.database.write() as session:
        other = correct_value(
            session, room.nurse, "P-1", room.record("glucose.1"), room.attempt(), NewValue(value="104", unit="mg/dL")
        )
    room.judged("R22")
    assert room.shown(flag)["status"] == "resolved"
    assert room.correct(other.record, "105", "mg/dL").reopened == ()
    with room.database.read() as session:
        assert "reconsider" not in "".join(session.scalars(select(Audit.action)))


def test_a_later_episode_that_stands_is_opened_instead_of_the_closed_one(room: Room) -> None:
    reading = room.low_glucose()
    first = room.closed_review("R22")
    with room.database.write() as session:
        sent = submission(session, "P-1", 2, glucose__1__value="38", glucose__1__unit="mg/dL", when="2026-03-02T09:40")
        save(session, room.nurse, "P-1", sent, room.now)
    second = room.judged("R22")[0]
    assert second["episode"] == 2
    with room.database.write() as session:
        acknowledge(session, room.doctor, second["id"], why="I have it", version=1, now=room.now)
        row = session.get_one(Flag, second["id"])
        session.refresh(row)
        evidence = [e for e in row.finding["evidence"] if e["record"] != str(reading)]
        row.finding = row.finding | {"evidence": evidence}
    assert room.correct(reading, "44", "mg/dL").reopened == (second["id"],)
    assert (room.shown(first)["status"], room.shown(second["id"])["status"]) == ("resolved", "open")


def test_who_was_told_of_the_old_value_gets_one_mail_more_and_nobody_else(room: Room) -> None:
    reading = room.low_glucose()
    with room.database.write() as session:
        Ward(session, session.scalars(select(Team).where(Team.name == "NET")).one()).person("late@net.example")
    flag = room.judged("R22")[0]["id"]
    with room.database.write() as session:
        mine = select(Outbox).join(Person, Person.id == Outbox.recipient_id).where(Person.email == "onc@net.example")
        for mail in session.scalars(mine.where(Outbox.flag_id == flag)):
            mail.state = "sent"
    done = room.correct(reading, "44", "mg/dL")
    room.correct(done.record, "45", "mg/dL")
    room.judged("R22")
    with room.database.write() as session:
        acknowledge(session, room.doctor, flag, why="seen", version=room.shown(flag)["version"], now=room.now)
    with room.database.read() as session:
        rows = select(Person.email, Outbox.state, Outbox.corrects).join(Person, Person.id == Outbox.recipient_id)
        mails = sorted(session.execute(rows.where(Outbox.flag_id == flag)).all(), key=lambda row: (row[0], row[1]))
    told = [(email, state, corrects is not None) for email, state, corrects in mails]
    assert told == [
        ("late@net.example", "cancelled", False),
        ("onc@net.example", "pending", True),
        ("onc@net.example", "sent", False),
    ]


def test_a_reopened_review_nobody_was_told_of_is_announced(room: Room) -> None:
    reading = room.low_glucose()
    flag = room.closed_review("R22")
    room.correct(reading, "44", "mg/dL")
    with room.database.read() as session:
        states = session.scalars(select(Outbox.state).where(Outbox.flag_id == flag).order_by(Outbox.step)).all()
        assert states == ["cancelled", "pending"]
        assert session.scalars(select(FlagHistory.to_status).where(FlagHistory.flag_id == flag)).all()[-1] == "open"


@pytest.mark.parametrize(
    ("value", "unit", "reason", "why"),
    [
        ("64", "kg", " ", "say why"),
        ("64", "kg", "x" * 2001, "say why"),
        ("64", "stone", WHY, "not accepted"),
        ("heavy", "kg", WHY, "not a number"),
        ("-1", "kg", WHY, "negative"),
        ("6100", "kg", WHY, "not possible"),
        ("61", "kg", WHY, "value that is recorded"),
    ],
)
def test_a_correction_needs_a_reason_and_a_value(room: Room, value: str, unit: str, reason: str, why: str) -> None:
    with pytest.raises(NotCorrected, match=why):
        room.correct(room.weight, value, unit, room.attempt(reason))
    assert room.weights(room.first) == [61.0]


def test_a_value_far_from_its_neighbour_is_asked_about_first(room: Room) -> None:
    with room.database.write() as session:
        sent = submission(session, "P-1", 1, weight="62", when="2026-03-01T09:30")
        save(session, room.nurse, "P-1", sent, room.now)
    with pytest.raises(Unsure) as unsure:
        room.correct(room.weight, "90")
    assert "nearest one is 62 kg of 2026-03-01" in unsure.value.questions[0].words
    confirmed = frozenset(question.id for question in unsure.value.questions)
    with room.database.write() as session:
        correct_value(
            session,
            room.nurse,
            "P-1",
            room.weight,
            room.attempt(),
            NewValue(value="90", unit="kg", confirmed=confirmed),
        )
    assert room.weights(room.first) == [62.0, 90.0]


def test_who_may_not_see_the_patient_changes_nothing(room: Room) -> None:
    for actor, mrn, error in (
        (room.stranger, "P-1", NotFound),
        (room.nurse, "P-2", NotFound),
        (Actor("a@x.example", "admin", 1), "P-1", Forbidden),
    ):
        with pytest.raises(error), room.database.write() as session:
            retract(session, actor, mrn, room.weight, room.attempt())
    with room.database.write() as session:
        retract(session, room.nurse, "P-1", room.weight, room.attempt())
    assert room.weights(room.first) == []


@pytest.mark.parametrize("value", ["44", "104"])
def test_what_a_source_corrects_opens_the_closed_review_when_the_patient_is_judged(room: Room, value: str) -> None:
    reading = room.low_glucose()
    flag = room.closed_review("R22")
    room.now += timedelta(minutes=5)
    with room.database.write() as session:
        record = session.get_one(Record, reading)
        replaced = replace(
            item_of(record), value=value, canonical_value=float(value), status="corrected", reason="meter recalibrated"
        )
        open_batch(session, room.nurse, batch_id="feed", format="hl7v2", now=room.now)
        verdicts = store_chunk(session, batch_id="feed", items=[replaced], actor=Actor.system("mllp"), now=room.now)
        assert [verdict.outcome for verdict in verdicts] == ["superseded"]
    for _ in range(2):
        room.judged("R22")
        shown = room.shown(flag)
        assert (shown["status"], shown["episode"]) == ("open", 1)
        whys = [step["why"] for step in shown["history"]]
        assert whys.count("a value it used was corrected: meter recalibrated (mllp)") == 1
    with room.database.read() as session:
        actions = session.scalars(select(Audit.action).where(Audit.object == flag)).all()
        assert actions.count("flag.reconsider") == 1 and verify(session).ok


@pytest.mark.parametrize("one_key", [False, True])
def test_of_many_at_once_one_corrects_and_the_others_see_what_stands(room: Room, one_key: bool) -> None:
    key = str(uuid4())

    def correct(number: int) -> int | ChangedMeanwhile:
        attempt = room.attempt(key=key if one_key else None)
        try:
            return room.correct(room.weight, "64" if one_key else f"{62 + number}", attempt=attempt).record
        except ChangedMeanwhile as changed:
            return changed

    with ThreadPoolExecutor(8) as threads:
        ended = list(threads.map(correct, range(16)))
    won = {end for end in ended if isinstance(end, int)}
    assert len(won) == 1 and len(room.weights(room.first)) == 1
    late = [end.stands for end in ended if isinstance(end, ChangedMeanwhile)]
    assert late == ([] if one_key else [won.copy().pop()] * 15)


def test_a_coded_entry_is_corrected_by_its_fields_and_read_as_a_file_would_be(room: Room) -> None:
    given = coded("therapy", "2026-02-20", kind="injection", drug="octreotide-lar", dose=20.0, unit="mg", batch="L1")
    seen = coded("skin", "2026-02-20", overall="active", iga=3, itch=4.5, sites=["groin", "trunk"], rater="ada")
    lesion = coded("lesion", "2026-02-20", lesion="L1", role="target", diameter_tenths=125, state="measured")
    with room.database.write() as session:
        ward = Ward(session, session.scalars(select(Team).where(Team.name == "NET")).one())
        ids = ward.store(room.first, given, seen, lesion | {"value": "12.5", "unit": "mm"})

    def correct(record: int, **changes: str) -> Record:
        with room.database.write() as session:
            old = session.get_one(Record, record)
            said = typed_fields(old.kind, old.detail or {}) | changes
            made = correct_fields(session, room.nurse, "P-1", record, room.attempt(), NewFields(said=said))
            return session.get_one(Record, made.record)

    for record in (*ids, room.symptom):
        with pytest.raises(NotCorrected, match="value that is recorded"):
            correct(record)
    for record, wrong in (
        (ids[0], {"dose": "-30"}),
        (ids[0], {"drug": "aspirin"}),
        (ids[1], {"iga": "5"}),
        (ids[1], {"sites": "moon"}),
        (ids[2], {"diameter_mm": "1e309"}),
        (room.symptom, {"present": "perhaps"}),
        (room.symptom, {"dose": "1"}),
    ):
        with pytest.raises(NotCorrected):
            correct(record, **wrong)
    with pytest.raises(NotCorrected, match="no fields"), room.database.write() as session:
        correct_fields(session, room.nurse, "P-1", room.weight, room.attempt(), NewFields(said={}))
    dose = correct(ids[0], dose="30").detail or {}
    assert (dose["dose"], dose["drug"], dose["batch"]) == (30.0, "octreotide-lar", "L1")
    assert (correct(ids[1], iga="2", itch="").detail or {}) == {
        **{"overall": "active", "iga": 2, "sites": ["groin", "trunk"], "rater": "ada"}
    }
    measured = correct(ids[2], diameter_mm="11.4")
    assert ((measured.detail or {})["diameter_tenths"], measured.value) == (114, "11.4")
    correct(room.symptom, present="no")
    with room.database.read() as session:
        chart = load_charts(session, [room.first])[room.first]
        assert [s.iga for s in chart.skin] == [2] and [s.present for s in chart.symptoms] == [False]
        past = past_values(session, room.nurse, [room.first])
        assert sorted(p.kind for p in past) == ["lesion", "skin", "symptom", "therapy"]
