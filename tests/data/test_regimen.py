"""Decisions on therapy as they are stored, what they are held against, and the lists and the calendar made of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Event
from sqlalchemy.orm import Session

from clinical.protocol import bundled_protocol
from clinical.therapy import regimen_at
from data.charts import load_charts
from data.db import Database
from data.entry.attempt import Attempt
from data.entry.corrections import retract
from data.entry.regimen_save import save_regimen
from data.entry.said import NotSaved, Unsure
from data.entry.save import Saved
from data.exports.injection_calendar import Wording, injection_calendar, revision_of
from data.injection_lists import injections_of, team_injections
from data.judge import judge
from data.people import Actor
from tests.data.entries import BERLIN, stored, submission
from tests.data.ward import POLICY, Ward, coded

WORDS = Wording(planned="Injection planned", given="Injection given", description="The day may move.")
PROTOCOL = bundled_protocol()


def start(when: str, **more: object) -> dict[str, object]:
    return coded("therapy", when, **{"kind": "start", **_depot(), **more}) | {"precision": "day"}


def shot(when: str, **more: object) -> dict[str, object]:
    return coded("therapy", when, **{"kind": "injection", **_depot(), **more})


def _depot() -> dict[str, object]:
    return {"drug": "lanreotide", "dose": 120, "unit": "mg", "interval_days": 28}


class Room:
    """A nurse and a patient on a depot since January, the last injection on 9 February 2026; it is 2 March."""

    def __init__(self, database: Database, *records: dict[str, object]) -> None:
        with database.write() as session:
            ward = Ward.open(session)
            self.nurse = ward.person("nurse@net.example", "nurse")
            given = records or (start("2026-01-12"), shot("2026-01-12T10:00"), shot("2026-02-09T10:00"))
            self.patient = ward.patient("P-1", *given)
            self.stranger = Ward.open(session, "Elsewhere").person("onc@elsewhere.example")

    def decide(self, session: Session, now: datetime, version: int = 0, **said: str) -> Saved:
        told = {"when": "2026-03-02", "decided_by": "Dr Weiss", **said}
        sent = submission(session, "P-1", version, **told)
        return save_regimen(session, self.nurse, "P-1", sent, protocol=PROTOCOL, zone=BERLIN, now=now)


def test_each_decision_is_one_therapy_record_with_its_reason_and_who_decided(database: Database, now: datetime) -> None:
    room = Room(database)
    with database.write() as session:
        said = {"analogue__what": "switch", "analogue__drug": "octreotide LAR", "analogue__dose": "30"}
        said |= {"analogue__unit": "mg", "analogue__interval_days": "28", "analogue__planned_next": "2026-03-16"}
        said |= {"analogue__reason": "Glucose", "other__what": "start", "other__drug": "everolimus"}
        said |= {"other__dose": "7,5", "other__unit": "mg", "other__reason": "Progression on CT"}
        saved = room.decide(session, now, **said)
    assert saved.stored == 2
    with database.read() as session:
        rows = [row for row in stored(session, room.patient, kind="therapy") if row.batch_id == saved.batch]
        by_place = {row.place: row for row in rows}
        assert by_place["analogue"].detail == {
            **{"kind": "start", "drug": "octreotide-lar", "dose": 30.0, "unit": "mg", "interval_days": 28},
            **{"planned_next": "2026-03-16", "decided_by": "Dr Weiss", "note": "Glucose"},
        }
        other = by_place["other"]
        assert (other.value, other.unit, other.effective_text, other.precision) == ("7.5", "mg", "2026-03-02", "day")
        chart = load_charts(session, [room.patient])[room.patient]
        regimen = regimen_at(chart, now)
        assert regimen is not None and (regimen.drug, regimen.dose) == ("octreotide-lar", 30)
        # A switch does not break the course: what counts from its beginning goes on.
        assert regimen.started.date() == date(2026, 1, 12)
        plan = injections_of(session, room.patient, protocol=PROTOCOL, zone=BERLIN, now=now).plan
        assert plan.next == date(2026, 3, 16)


@pytest.mark.parametrize(
    ("said", "field", "why"),
    [
        ({"analogue__what": "dose", "analogue__unit": "mg", "analogue__reason": "why"}, "analogue.dose", "missing"),
        ({"analogue__what": "stop"}, "analogue.reason", "say why"),
        ({"analogue__what": "stop", "analogue__reason": "   x "}, "analogue.reason", "say why"),
        ({"analogue__what": "raise", "analogue__reason": "why"}, "analogue.what", "choose it"),
        ({"analogue__reason": "why"}, "analogue.what", "say what was decided"),
        ({"analogue__what": "stop", "analogue__reason": "why", "decided_by": ""}, "decided_by", "whose decision"),
        ({"analogue__what": "stop", "analogue__reason": "why", "analogue__dose": "90"}, "analogue.dose", "no place"),
        (
            {"analogue__what": "start", "analogue__drug": "lanreotide", "analogue__reason": "why"},
            "analogue.what",
            "is given since",
        ),
        (
            {"analogue__what": "switch", "analogue__drug": "lanreotide", "analogue__reason": "why"},
            "analogue.what",
            "lanreotide is given",
        ),
        (
            {"analogue__what": "start", "analogue__drug": "insulin", "analogue__reason": "why"},
            "analogue.drug",
            "no somatostatin analogue",
        ),
        (
            {"analogue__what": "interval", "analogue__interval_days": "28", "analogue__reason": "why"},
            "analogue.interval_days",
            "in force already",
        ),
        (
            {"analogue__what": "interval", "analogue__interval_days": "0", "analogue__reason": "why"},
            "analogue.interval_days",
            "above zero",
        ),
        (
            {"analogue__what": "date", "analogue__planned_next": "2026-02-20", "analogue__reason": "why"},
            "analogue.planned_next",
            "lies before",
        ),
        (
            {"analogue__what": "stop", "analogue__reason": "why", "when": "2026-01-05"},
            "analogue.what",
            "no analogue is given",
        ),
        ({"analogue__what": "stop", "analogue__reason": "why", "when": "2026-03-04"}, "when", "future"),
        ({"analogue__what": "stop", "analogue__reason": "why", "when": "2026-03-02T10:00"}, "when", "date alone"),
        (
            {"analogue__what": "stop", "analogue__reason": "why", "analogue__drug": "pasireotide LAR"},
            "analogue.drug",
            "lanreotide is",
        ),
        ({"other__what": "stop", "other__reason": "why", "other__drug": "insulin"}, "other.what", "is not given"),
        ({"other__what": "start", "other__reason": "why"}, "other.drug", "missing"),
        ({"other__what": "start", "other__reason": "why", "other__drug": "lanreotide"}, "other.drug", "above"),
        ({"other__what": "start", "other__reason": "why", "other__drug": "moonshine"}, "other.drug", "no drug"),
        ({}, "", "nothing is entered"),
    ],
)
def test_what_does_not_fit_the_record_is_refused_at_its_field(
    sqlite_database: Database, said: dict[str, str], field: str, why: str, now: datetime
) -> None:
    room = Room(sqlite_database)
    with pytest.raises(NotSaved, match=why) as refused, sqlite_database.write() as session:
        room.decide(session, now, **said)
    assert [problem.field for problem in refused.value.problems] == [field]
    with sqlite_database.read() as session:
        assert len(stored(session, room.patient)) == 3


def test_a_dose_far_from_the_one_before_and_a_change_before_a_later_one_are_asked_about(
    sqlite_database: Database, now: datetime
) -> None:
    room = Room(sqlite_database, start("2026-01-12"), start("2026-02-20", kind="dose", dose=90))
    told = {"analogue__what": "dose", "analogue__unit": "mg", "analogue__reason": "why"}
    with pytest.raises(Unsure, match="90 mg before, 12 mg is entered"), sqlite_database.write() as session:
        room.decide(session, now, analogue__dose="12", **told)
    with pytest.raises(Unsure, match="later change is recorded, on 2026-02-20"), sqlite_database.write() as session:
        room.decide(session, now, analogue__dose="60", when="2026-02-01", **told)


def test_of_two_analogues_the_one_that_is_stopped_is_named(sqlite_database: Database, now: datetime) -> None:
    short = {"drug": "octreotide", "dose": 100, "unit": "ug", "interval_days": None}
    room = Room(sqlite_database, start("2026-01-05", **short), start("2026-01-12"), shot("2026-02-09T10:00"))
    told = {"analogue__what": "stop", "analogue__reason": "The depot has taken over"}
    with pytest.raises(NotSaved, match="lanreotide or octreotide"), sqlite_database.write() as session:
        room.decide(session, now, **told)
    with sqlite_database.write() as session:
        room.decide(session, now, analogue__drug="octreotide", **told)
    with sqlite_database.read() as session:
        of = injections_of(session, room.patient, protocol=PROTOCOL, zone=BERLIN, now=now)
    assert of.plan.regimen is not None and of.plan.regimen.drug == "lanreotide"
    assert [(t.kind, t.drug) for t in of.chart.therapy][-1] == ("stop", "octreotide")


def test_a_date_alone_may_move_and_the_regimen_stays(sqlite_database: Database, now: datetime) -> None:
    room = Room(sqlite_database)
    with sqlite_database.write() as session:
        said = {"analogue__what": "date", "analogue__planned_next": "2026-03-13", "analogue__reason": "Travelling"}
        room.decide(session, now, **said)
    with sqlite_database.read() as session:
        plan = injections_of(session, room.patient, protocol=PROTOCOL, zone=BERLIN, now=now).plan
        assert [one.on for one in plan.dates[:2]] == [date(2026, 3, 13), date(2026, 4, 10)]
        assert plan.regimen is not None and plan.regimen.since.date() == date(2026, 1, 12)


def events(session: Session, patient: int, now: datetime, words: Wording = WORDS) -> list[Event]:
    of = injections_of(session, patient, protocol=PROTOCOL, zone=BERLIN, now=now)
    made = injection_calendar(of, patient="uuid", revision=revision_of(session, patient), wording=words, now=now)
    assert made is not None
    return [event for event in Calendar.from_ical(made).walk("VEVENT") if isinstance(event, Event)]


def by_status(found: list[Event], status: str) -> dict[str, date]:
    return {str(event["uid"]): event.decoded("dtstart") for event in found if event["status"] == status}


def test_a_calendar_says_days_and_nothing_else(database: Database, now: datetime) -> None:
    room = Room(database)
    with database.read() as session:
        of = injections_of(session, room.patient, protocol=PROTOCOL, zone=BERLIN, now=now)
        revision = revision_of(session, room.patient)
        made = injection_calendar(of, patient="uuid", revision=revision, wording=WORDS, now=now) or b""
        found = events(session, room.patient, now)
        numbered = events(session, room.patient, now, replace(WORDS, number="P-1"))
    for told in (b"P-1", b"lanreotide", b"120", b"uuid", b"glucagon"):
        assert told not in made
    assert b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" in made and b"METHOD:PUBLISH\r\n" in made
    assert list(by_status(found, "CONFIRMED").values()) == [date(2026, 1, 12), date(2026, 2, 9)]
    planned = [date(2026, 3, 9) + timedelta(days=28 * n) for n in range(6)]
    assert list(by_status(found, "TENTATIVE").values()) == planned and not by_status(found, "CANCELLED")
    for event in found:
        # All-day, over a change of the clocks as well: a date has no zone, and its end is the next day.
        assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(days=1)
        assert event["dtstart"].params["VALUE"] == "DATE" and event["class"] == "PRIVATE"
        assert event.decoded("dtstamp") == now
    assert {str(event["summary"]) for event in numbered} == {"Injection given P-1", "Injection planned P-1"}


def test_an_entry_keeps_its_uid_when_it_is_given_moved_or_cancelled(database: Database, now: datetime) -> None:
    room = Room(database)
    with database.read() as session:
        first = events(session, room.patient, now)
    with database.write() as session:
        Ward(session, team=None).store(room.patient, shot("2026-03-11T10:00"))  # type: ignore[arg-type]
    later = now + timedelta(days=10)
    with database.read() as session:
        second = events(session, room.patient, later)
    planned = list(by_status(first, "TENTATIVE"))
    assert by_status(second, "CONFIRMED")[planned[0]] == date(2026, 3, 11)
    assert by_status(second, "TENTATIVE")[planned[1]] == date(2026, 4, 8)
    assert int(second[0]["sequence"]) > int(first[0]["sequence"])
    with database.write() as session:
        room.decide(session, later, when="2026-03-12", analogue__what="stop", analogue__reason="No tumour for years")
    with database.read() as session:
        third = events(session, room.patient, later)
    assert set(by_status(third, "CANCELLED")) >= set(by_status(second, "TENTATIVE"))
    assert not by_status(third, "TENTATIVE") and int(third[0]["sequence"]) > int(second[0]["sequence"])


def test_an_injection_that_is_taken_back_takes_its_last_planned_entry_back(database: Database, now: datetime) -> None:
    room = Room(database)
    with database.read() as session:
        before = events(session, room.patient, now)
        wrong = stored(session, room.patient)[-1].id
    with database.write() as session:
        why = {"key": str(uuid4()), "reason": "Given to another patient", "protocol": PROTOCOL}
        retract(session, room.nurse, "P-1", wrong, Attempt(**why, mail=POLICY, now=now))
    with database.read() as session:
        after = events(session, room.patient, now)
    assert {str(event["uid"]) for event in before} <= {str(event["uid"]) for event in after}
    assert next(iter(by_status(after, "TENTATIVE").values())) == date(2026, 2, 9)


def test_the_list_of_a_team_holds_what_is_not_recorded_late_or_coming(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        nurse = ward.person("nurse@net.example", "nurse")
        mine = [
            ward.patient("OVERDUE", start("2026-01-05"), shot("2026-01-05T10:00")),
            ward.patient("COMING", start("2026-02-09"), shot("2026-02-09T10:00")),
            ward.patient("LATE", start("2026-01-05"), shot("2026-01-05T10:00"), shot("2026-02-20T10:00")),
            ward.patient("FAR", start("2026-02-27"), shot("2026-02-27T10:00")),
            ward.patient("LEFT", start("2026-01-05"), shot("2026-01-05T10:00"), deceased_at=now),
        ]
        other = Ward.open(session, "Elsewhere")
        stranger = other.person("onc@elsewhere.example")
        theirs = other.patient("THEIRS", start("2026-01-05"), shot("2026-01-05T10:00"))
    with database.write() as session:
        judge(session, [*mine, theirs], protocol=PROTOCOL, as_of=now, now=now, mail=POLICY, actor=Actor.system("test"))

    def listed(actor: Actor, team: str | None = None) -> dict[str, list[tuple[str, int]]]:
        with database.read() as session:
            found = team_injections(session, actor, team=team, protocol=PROTOCOL, zone=BERLIN, now=now)
        assert not found.cut
        groups = {"overdue": found.overdue, "late": found.late, "coming": found.coming}
        return {name: [(line.mrn, line.days) for line in lines] for name, lines in groups.items()}

    assert listed(nurse) == {"overdue": [("OVERDUE", 28)], "late": [("LATE", 18)], "coming": [("COMING", -7)]}
    assert listed(stranger)["overdue"] == [("THEIRS", 28)]
    assert listed(nurse, "Elsewhere") == {"overdue": [], "late": [], "coming": []}


def test_a_decision_of_the_morning_in_tokyo_holds_from_that_morning(sqlite_database: Database) -> None:
    room, tokyo = Room(sqlite_database), ZoneInfo("Asia/Tokyo")
    morning = datetime(2026, 3, 2, 7, 0, tzinfo=tokyo).astimezone(UTC)
    with sqlite_database.write() as session:
        sent = submission(
            session, "P-1", when="2026-03-02", decided_by="Dr Abe", analogue__what="stop", analogue__reason="Surgery"
        )
        save_regimen(session, room.nurse, "P-1", sent, protocol=PROTOCOL, zone=tokyo, now=morning)
    with sqlite_database.read() as session:
        of = injections_of(session, room.patient, protocol=PROTOCOL, zone=tokyo, now=morning)
    assert of.plan.why_not == "no-regimen" and of.before_stop is not None
