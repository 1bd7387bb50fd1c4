"""Charts come out of the tables as the rules need them: current, typed, in order, and nothing a rule does not know."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from clinical.chart import Lesion, Result, SkinAssessment, Symptom, Therapy
from clinical.protocol import bundled_protocol
from data.chart_rows import UnreadableRecord, entry_of
from data.chart_rows import coded as coded_row
from data.charts import load_charts, load_part, replay_patient
from data.db import Database
from data.models import Patient, ReadingDay, Record
from data.models.base import to_ms
from data.people import Actor, NotFound
from tests.data.ward import Ward, at, coded, lab, relapsing


def test_a_chart_holds_each_kind_of_record_in_its_place(database: Database) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient(
            "M1",
            lab("glucagon", 118.0, "pg/mL", "2025-02-01T08:00", canonical_ref_high=150.0, lab="North", fasting=True),
            lab(
                "glucagon", 15.0, "pg/mL", "2025-01-01T08:00", comparator="<", detail={"disqualifiers": ["haemolysed"]}
            ),
            coded("skin", "2025-01-02", overall="worse", iga=3, sites=["groin", "perioral"], infection="none"),
            coded("lesion", "2025-01-03", lesion="L1", role="target", diameter_tenths=234, node=False, signed=True),
            coded("response", "2025-01-03", response="SD", signed=True),
            coded("biliary", "2025-01-04", stones="single", wall_mm=3.5),
            coded("therapy", "2025-01-05", kind="injection", drug="lanreotide", dose=120, planned_next="2025-02-02"),
            coded("symptom", "2025-01-06", name="fever", present=False),
            coded("state", "2025-01-07", state="residual-stable"),
            coded("finding", "2025-01-08", code="metastasis", site="liver"),
            birth_date=date(1961, 5, 4),
            sex="female",
        )
        chart = load_charts(session, [id])[id]
    assert [r.value for r in chart.results] == [15.0, 118.0]
    assert chart.results[0].number is None and chart.results[0].disqualifiers == ("haemolysed",)
    assert isinstance(chart.results[1], Result) and chart.results[1].ref_high == 150.0 and chart.results[1].fasting
    assert chart.skin[0] == SkinAssessment(
        record=chart.skin[0].record,
        effective=at("2025-01-02"),
        known_at=at("2025-01-02"),
        overall="worse",
        iga=3,
        sites=("groin", "perioral"),
        infection="none",
    )
    assert isinstance(chart.lesions[0], Lesion) and chart.lesions[0].diameter_tenths == 234
    assert chart.responses[0].response == "SD" and chart.biliary[0].wall_mm == 3.5
    assert isinstance(chart.therapy[0], Therapy) and chart.therapy[0].planned_next == date(2025, 2, 2)
    assert chart.symptoms == (
        Symptom(
            record=chart.symptoms[0].record,
            effective=at("2025-01-06"),
            known_at=at("2025-01-06"),
            name="fever",
            present=False,
        ),
    )
    assert chart.state() == "residual-stable" and chart.findings[0].site == "liver"
    assert chart.birth_date == date(1961, 5, 4) and chart.sex == "female"


def test_what_was_superseded_or_entered_in_error_is_not_in_the_chart(database: Database) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1")
        old, new, _ = ward.store(
            id,
            lab("glucagon", 90.0, "pg/mL", "2025-01-01"),
            lab("glucagon", 95.0, "pg/mL", "2025-01-01"),
            lab("glucagon", 900.0, "pg/mL", "2025-01-02", status="entered-in-error"),
        )
        session.execute(update(Record).where(Record.id == old).values(superseded_by=new))
        chart = load_charts(session, [id])[id]
    assert [(r.record, r.value) for r in chart.results] == [(str(new), 95.0)]


def test_a_result_can_be_used_from_the_later_of_taken_and_issued(database: Database) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient(
            "M1",
            lab("glucagon", 90.0, "pg/mL", "2025-01-01", issued_at=at("2025-01-09")),
            lab("glucagon", 91.0, "pg/mL", "2025-01-02", issued_at=at("2025-01-01")),
        )
        chart = load_charts(session, [id])[id]
    assert [r.known_at for r in chart.results] == [at("2025-01-09"), at("2025-01-02")]
    assert [r.value for r in chart.until(at("2025-01-05")).results] == [91.0]


def test_a_sensor_day_is_an_aggregate_nobody_can_use_before_the_day_is_over(database: Database) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1", lab("glucose", 90.0, "mg/dL", "2025-01-01"))
        batch_id, seq = session.execute(select(Record.batch_id, Record.ingest_seq)).one()
        session.add(
            ReadingDay(
                patient_id=id,
                device="G6",
                day=date(2025, 3, 1),
                unit="mg/dL",
                packed=b"",
                count=2,
                total=190.0,
                total_squared=18_100.0,
                below_54=0,
                below_70=0,
                above_180=0,
                above_250=0,
                low_marks=1,
                high_marks=0,
                minimum=90.0,
                maximum=100.0,
                batch_id=batch_id,
                ingest_seq=seq,
            )
        )
        session.flush()
        (day,) = load_charts(session, [id])[id].sensor_days
    assert (day.count, day.total, day.low_marks, day.minimum, day.precision) == (2, 190.0, 1, 90.0, "day")
    assert day.effective == datetime(2025, 3, 1, tzinfo=UTC) and day.known_at - day.effective == timedelta(days=1)


@pytest.mark.parametrize(
    ("record", "place"),
    [
        (coded("state", "2025-01-01", state="cured"), "state"),
        (coded("skin", "2025-01-01", iga="three"), "skin"),
        (coded("lesion", "2025-01-01", role="target"), "lesion"),
    ],
)
def test_a_record_that_is_not_what_its_kind_must_be_is_named_and_never_guessed(
    sqlite_database: Database, record: dict[str, object], place: str
) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1")
        (record_id,) = ward.store(id, record)
        with pytest.raises(UnreadableRecord, match=f"record {record_id} of patient {id} is no {place}"):
            load_charts(session, [id])


def test_the_number_of_queries_does_not_grow_with_the_patients(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ids = [ward.patient(f"M{n}", lab("glucagon", n, "pg/mL", "2025-01-01")) for n in range(50)]
    asked: list[str] = []
    event.listen(sqlite_database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with sqlite_database.read() as session:
        charts = load_charts(session, ids)
        assert charts.keys() == set(ids) and all(len(chart.results) == 1 for chart in charts.values())
        selected = load_charts(session, select(Patient.id).where(Patient.mrn.in_(["M1", "M2"])))
        assert [chart.results[0].value for chart in selected.values()] == [1, 2]
    assert len([sql for sql in asked if sql.startswith("SELECT")]) == 8


def test_a_part_of_a_chart_holds_only_what_was_asked_for(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        id = ward.patient(
            "M1",
            lab("glucagon", 90.0, "pg/mL", "2025-01-01"),
            lab("zinc", 60.0, "ug/dL", "2025-01-01"),
            coded("skin", "2025-01-02", iga=3),
            coded("symptom", "2025-01-06", name="fever"),
        )
        chart = load_part(session, [id], kinds=["skin"], analytes=["glucagon"])[id]
    assert [r.analyte for r in chart.results] == ["glucagon"] and len(chart.skin) == 1 and not chart.symptoms


def test_a_replay_finds_the_day_a_flag_would_have_opened_and_changes_nothing(database: Database) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.patient("M1", *relapsing("2026-02-01T10:00"))
        stranger = Ward.open(session, "Other").person("far@n.example")
    with database.read() as session:
        about = {"protocol": bundled_protocol(), "first": None, "last": date(2026, 3, 1)}
        document = replay_patient(session, Actor.system("test"), "M1", **about)
        with pytest.raises(NotFound):
            replay_patient(session, stranger, "M1", **about)
    assert document["patient"] == "M1"
    (flag,) = [flag for flag in document["flags"] if flag["rule"] == "R03"]
    assert list(flag) == ["rule", "opens", "clears", "severity", "why"]
    assert (flag["opens"], flag["clears"], flag["severity"]) == ("2026-02-01", None, "high")


@pytest.mark.parametrize(
    ("kind", "detail", "text"),
    [
        ("skin", {"iga": 2, "itch": 3, "sites": ["groin"], "columns": {"IGA": "2"}}, "not for this kind"),
        ("therapy", {"kind": "start", "dose": 120, "planned_next": "2025-02-02", "interval_days": 28}, None),
        ("response", {"response": "PD"}, "the reader's words"),
        ("finding", {"code": "grade", "text": "G2"}, "overruled by the detail"),
        ("biliary", {}, None),
        ("biliary", None, None),
    ],
)
def test_a_stored_detail_makes_the_entry_that_it_makes_before_it_is_stored(
    kind: str, detail: dict[str, object] | None, text: str | None
) -> None:
    when = datetime(2025, 1, 2, 3, 4, tzinfo=UTC)
    row = (7, 12, kind, to_ms(when), to_ms(when) - 1, "minute", json.dumps(detail), text, *[None] * 11)
    field, entry = coded_row(row)
    assert (field, entry) == entry_of(kind, "12", when, when, "minute", detail, text)
    expected = {name: value for name, value in {"text": text, **(detail or {})}.items() if hasattr(entry, name)}
    expected |= {"sites": ("groin",)} if "sites" in expected else {}
    expected |= {"planned_next": date(2025, 2, 2)} if "planned_next" in expected else {}
    assert {name: getattr(entry, name) for name in expected} == expected
    assert isinstance(getattr(entry, "dose", 1.0), float) and isinstance(getattr(entry, "interval_days", 1), int)
