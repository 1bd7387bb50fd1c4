"""Two patients that are one: seen together while a merge is in force, exactly as before once it is taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from clinical.protocol import load_protocol
from data.access import reach_patient
from data.audit import verify
from data.charts import load_charts
from data.cohort import cohort
from data.db import Database
from data.flags import list_flags
from data.intake.batch import import_paths
from data.merges import NotMerged, merge_history, merge_patients, unmerge_patient
from data.models import Audit, AuditReason, Base, Flag, IngestPatient, Patient, ReadingDay, Record
from data.models.base import from_ms
from data.patients import find_by_mrn, list_patients
from data.people import Actor, Forbidden, NotFound
from data.readings import DayReadings, load_days, store_days
from data.records import list_records, open_batch
from data.survivors import survivor_of
from data.worklist import WorklistView, worklist
from jobs.sweep import sweep
from tests.data.findings import finding, judge_as
from tests.data.ward import POLICY, Ward, coded, lab, told_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
HISTORY = {"audit", "audit_head", "audit_reason", "ingest", "ingest_patient", "patient_merge"}
WHY = "the same person, registered twice"


def merge(session: Session, merged: str, into: str, actor: Actor = ACTOR, reason: str = WHY) -> None:
    merge_patients(session, actor, merged=merged, into=into, reason=reason, now=NOW)


def unmerge(session: Session, merged: str, actor: Actor = ACTOR, reason: str = "they are two after all") -> None:
    unmerge_patient(session, actor, merged=merged, reason=reason, now=NOW)


def rows(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but those that tell what happened."""
    return {
        name: sorted(map(tuple, session.execute(select(table))), key=repr)
        for name, table in Base.metadata.tables.items()
        if name not in HISTORY
    }


def glucagon(value: float, when: str) -> dict[str, Any]:
    return lab("glucagon", value, "pg/mL", when)


def sheet(folder: Path, *lines: str, name: str = "labs.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(("mrn,when,analyte,value,unit,id,status", *lines)) + "\n")
    return path


def run(database: Database, path: Path) -> dict[str, Any]:
    return import_paths(database, ACTOR, [path], now=NOW).as_json()


def values(database: Database, mrn: str) -> list[Decimal]:
    with database.read() as session:
        return [row["value"] for row in list_records(session, ACTOR, mrn)]


def swept(database: Database) -> None:
    sweep(database, protocol=load_protocol(None, jurisdiction="EU"), mail=POLICY, as_of=NOW, now=NOW)


def two(session: Session) -> Ward:
    ward = Ward.open(session)
    ward.patient("OLD", glucagon(100, "2025-01-01"), glucagon(120, "2025-03-01"))
    ward.patient("NEW", glucagon(110, "2025-02-01"))
    return ward


def test_the_records_of_both_are_shown_under_the_survivor_in_order_of_time(database: Database) -> None:
    with database.write() as session:
        two(session)
        merge(session, "OLD", "NEW")
    assert values(database, "NEW") == [100, 110, 120] == values(database, "OLD")
    with database.read() as session:
        new = find_by_mrn(session, ACTOR, "NEW")
        assert find_by_mrn(session, ACTOR, "OLD").id == new.id
        assert [result.value for result in load_charts(session, [new.id])[new.id].results] == [100, 110, 120]
        everybody = load_charts(session, select(Patient.id).where(Patient.mrn == "NEW"))
        assert [result.value for result in everybody[new.id].results] == [100, 110, 120]
        assert [patient["mrn"] for patient in list_patients(session, ACTOR)] == ["NEW"]
        assert {row["patient"] for row in list_records(session, ACTOR, "OLD")} == {"NEW"}
        assert verify(session).ok
    swept(database)
    with database.read() as session:
        (row,) = cohort(session, ACTOR)
        assert row.mrn == "NEW" and row.glance is not None
        assert (row.glance.last_seen, len(row.glance.spark)) == (datetime(2025, 3, 1, tzinfo=UTC), 3)


def test_a_merge_taken_back_leaves_every_row_as_it_was(database: Database) -> None:
    with database.write() as session:
        two(session)
    swept(database)
    with database.write() as session:
        before = rows(session)
        merge(session, "OLD", "NEW")
        assert rows(session) != before
        unmerge(session, "OLD")
        assert rows(session) == before
    assert (values(database, "OLD"), values(database, "NEW")) == ([100, 120], [110])


NAMES = ("A", "B", "C", "D", "E")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("unmerge"), st.sampled_from(NAMES), st.just("")),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_merged_taking_all_of_it_back_is_the_identity(
    sqlite_database: Database, steps: list[tuple[str, str, str]]
) -> None:
    with sqlite_database.write() as session:
        if session.scalar(select(func.count()).select_from(Patient)) == 0:
            ward = Ward.open(session)
            for number, name in enumerate(NAMES):
                ward.patient(name, glucagon(100 + number, f"2025-01-0{number + 1}"))
        before = rows(session)
        into: dict[str, str] = {}
        for what, one, other in steps:
            try:
                if what == "merge":
                    merge(session, one, other)
                    while other in into:
                        other = into[other]
                    into[one] = other
                else:
                    unmerge(session, one)
                    del into[one]
            except NotMerged:
                continue
        ids = {name: session.scalars(select(Patient.id).where(Patient.mrn == name)).one() for name in NAMES}
        for name in NAMES:
            end = name
            for _ in NAMES:
                end = into.get(end, end)
            assert end not in into, "a circle"
            assert survivor_of(session, ids[name]) == survivor_of(session, ids[end])
        for name in list(into):
            unmerge(session, name)
        assert rows(session) == before


def test_what_cannot_be_merged_is_refused_and_changes_nothing(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        two(session).patient("THIRD")
        merge(session, "OLD", "NEW")
        before = rows(session)
        for merged, into, why in (
            ("NEW", "NEW", "into itself"),
            ("OLD", "THIRD", "merged already"),
            ("NEW", "OLD", "into each other"),
        ):
            with pytest.raises(NotMerged, match=why):
                merge(session, merged, into)
        with pytest.raises(NotMerged, match="say why"):
            merge(session, "THIRD", "NEW", reason="  x ")
        with pytest.raises(NotMerged, match="not merged into anybody"):
            unmerge(session, "NEW")
        with pytest.raises(NotFound):
            merge(session, "NOBODY", "NEW")
        assert rows(session) == before


def test_a_chain_ends_at_its_last_survivor_and_comes_apart_link_by_link(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        two(session).patient("LAST", glucagon(130, "2025-04-01"))
        merge(session, "OLD", "NEW")
        merge(session, "NEW", "LAST")
    assert values(sqlite_database, "OLD") == [100, 110, 120, 130] == values(sqlite_database, "LAST")
    with sqlite_database.write() as session:
        unmerge(session, "NEW")
    assert values(sqlite_database, "OLD") == [100, 110, 120]
    assert values(sqlite_database, "LAST") == [130]


def test_merging_into_a_merged_patient_means_the_end_of_its_chain(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        two(session).patient("THIRD", glucagon(130, "2025-04-01"))
        merge(session, "OLD", "NEW")
        merge(session, "THIRD", "OLD")
        assert [(m["from"], m["into"]) for m in merge_history(session, ACTOR)] == [("OLD", "NEW"), ("THIRD", "NEW")]
    assert values(sqlite_database, "NEW") == [100, 110, 120, 130]


def test_what_comes_for_the_old_number_is_shown_under_the_survivor_and_goes_back_with_it(
    database: Database, tmp_path: Path
) -> None:
    with database.write() as session:
        two(session)
        merge(session, "OLD", "NEW")
    assert run(database, sheet(tmp_path, "OLD,2025-05-01,glucagon,140,pg/mL,,"))["stored"] == 1
    assert values(database, "NEW") == [100, 110, 120, 140]
    with database.write() as session:
        unmerge(session, "OLD")
    assert (values(database, "OLD"), values(database, "NEW")) == ([100, 120, 140], [110])


def test_the_same_result_under_the_other_number_changes_nothing(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        two(session)
    run(database, sheet(tmp_path, "OLD,2025-05-01,glucagon,140,pg/mL,,"))
    with database.write() as session:
        merge(session, "OLD", "NEW")
    again = run(database, sheet(tmp_path, "NEW,2025-05-01,glucagon,140,pg/mL,,", name="again.csv"))
    assert (again["stored"], again["unchanged"]) == (0, 1)


def test_a_correction_under_the_new_number_closes_the_result_of_the_old_one_and_stays_with_it(
    database: Database, tmp_path: Path
) -> None:
    with database.write() as session:
        two(session)
    run(database, sheet(tmp_path, "OLD,2025-05-01,glucagon,140,pg/mL,S1,final"))
    with database.write() as session:
        merge(session, "OLD", "NEW")
    corrected = run(database, sheet(tmp_path, "NEW,2025-05-01,glucagon,150,pg/mL,S1,corrected", name="again.csv"))
    assert corrected["superseded"] == 1
    assert values(database, "NEW") == [100, 110, 120, 150]
    with database.write() as session:
        unmerge(session, "OLD")
    assert (values(database, "OLD"), values(database, "NEW")) == ([100, 120, 150], [110])


def test_a_result_held_under_both_numbers_counts_once(database: Database, tmp_path: Path) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.patient("OLD")
        ward.patient("NEW")
    run(
        database,
        sheet(tmp_path, "OLD,2025-05-01,glucagon,140,pg/mL,,", "NEW,2025-05-01,glucagon,140,pg/mL,,"),
    )
    with database.write() as session:
        merge(session, "OLD", "NEW")
        new = find_by_mrn(session, ACTOR, "NEW")
        assert len(load_charts(session, [new.id])[new.id].results) == 1
    assert values(database, "NEW") == [140, 140]


def test_a_day_that_one_sensor_sent_under_both_numbers_is_one_day(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ids = [ward.patient("OLD"), ward.patient("NEW")]
        open_batch(session, ACTOR, batch_id="b", format="test", now=NOW)
        for id, seconds in zip(ids, ([0, 300, 600], [300, 900]), strict=True):
            numbers = np.array(seconds)
            sent = DayReadings(
                device="g7",
                day=date(2025, 5, 1),
                unit="mg/dL",
                seconds=numbers,
                values=100.0 + numbers / 300,
                marks=np.zeros(len(seconds), dtype=np.int64),
            )
            store_days(session, batch_id="b", patient_id=id, days=[sent], actor=ACTOR, now=NOW)
        merge(session, "OLD", "NEW")
        (chart,) = load_charts(session, [ids[1]]).values()
        assert [(d.count, d.minimum, d.maximum) for d in chart.sensor_days] == [(4, 100.0, 103.0)]
        (read,) = load_days(session, ACTOR, "NEW", sent.day, sent.day)
        assert list(read.seconds) == [0, 300, 600, 900]


def test_the_sweep_judges_the_survivor_on_everything_and_nobody_else(database: Database) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        for mrn in ("OLD", "NEW"):
            ward.patient(mrn, coded("state", "2024-01-01", state="residual-stable"), glucagon(100, "2024-01-01"))
    swept(database)
    with database.write() as session:
        flags = session.scalar(select(func.count()).select_from(Flag))
        merge(session, "OLD", "NEW")
        seq = session.scalar(select(func.max(IngestPatient.seq)))
        touched = session.scalars(select(IngestPatient.patient_id).where(IngestPatient.seq == seq)).all()
        assert len(touched) == 2
    report = sweep(
        database,
        protocol=load_protocol(None, jurisdiction="EU"),
        mail=POLICY,
        as_of=NOW + timedelta(minutes=1),
        now=NOW + timedelta(minutes=1),
    )
    assert report.patients == 1 and not report.counts.failed
    with database.read() as session:
        shown = list_flags(session, ACTOR)
        assert flags and len(shown) >= flags
        assert {flag["patient"] for flag in shown} == {"NEW"}
        for view in (WorklistView(), WorklistView(find="new")):
            assert {row.mrn for row in worklist(session, ACTOR, view, now=NOW, zone=POLICY.zone)} == {"NEW"}
        keys = [(f["rule"], f["status"]) for f in shown]
        assert len([k for k in keys if k[0] == "R30"]) == 2, "the flag of each stands; the survivor opens no third"


def test_the_teams_of_both_see_the_survivor_and_are_told(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        here, there = Ward.open(session, "HERE"), Ward.open(session, "THERE")
        mine, theirs = here.person("a@x.example"), there.person("b@x.example")
        old, new = here.patient("OLD"), there.patient("NEW")
        stranger = Ward.open(session, "ELSEWHERE").person("c@x.example")
        with pytest.raises(NotFound):
            merge(session, "OLD", "NEW", mine)
        merge(session, "OLD", "NEW")
        for actor in (mine, theirs):
            assert find_by_mrn(session, actor, "OLD").id == new
            assert reach_patient(session, actor, "OLD", since=from_ms(0)).allowed
        with pytest.raises(NotFound):
            find_by_mrn(session, stranger, "OLD")
        assert told_of(session, old, "high", NOW) == ["a@x.example", "b@x.example"]
        unmerge(session, "OLD")
        with pytest.raises(NotFound):
            find_by_mrn(session, mine, "NEW")


def test_the_flags_of_both_stand_on_the_worklists_of_both_teams_and_of_nobody_else(database: Database) -> None:
    with database.write() as session:
        here, there = Ward.open(session, "HERE"), Ward.open(session, "THERE")
        mine, theirs = here.person("a@x.example"), there.person("b@x.example")
        stranger = Ward.open(session, "ELSEWHERE").person("c@x.example")
        for ward, mrn in ((here, "OLD"), (there, "NEW")):
            judge_as(session, ward.patient(mrn), [finding()], now=NOW)
        before = ((mine, 1), (theirs, 1), (stranger, 0))
        merge(session, "OLD", "NEW")
        for expected in (((mine, 2), (theirs, 2), (stranger, 0)), before):
            for actor, count in expected:
                for view in (WorklistView(), WorklistView(sort=("patient", "asc")), WorklistView(find="patient")):
                    rows = worklist(session, actor, view, now=NOW, zone=POLICY.zone)
                    assert len(rows) == count, (actor.name, view)
                    assert expected is before or {row.mrn for row in rows} <= {"NEW"}
            if expected is not before:
                unmerge(session, "OLD")


def test_only_those_who_treat_or_administer_merge(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        ward = two(session)
        for role in ("auditor", "service"):
            with pytest.raises(Forbidden):
                merge(session, "OLD", "NEW", ward.person(f"{role}@x.example", role))
        merge(session, "OLD", "NEW", ward.person("nurse@x.example", "nurse"))


def test_the_trail_of_each_tells_of_the_merge_with_its_reason(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        two(session)
        merge(session, "OLD", "NEW")
        unmerge(session, "OLD")
        old, new = (session.scalars(select(Patient.uuid).where(Patient.mrn == mrn)).one() for mrn in ("OLD", "NEW"))
        told = session.execute(
            select(Audit.action, Audit.patient_uuid, Audit.detail, AuditReason.words)
            .join(AuditReason, AuditReason.seq == Audit.seq)
            .order_by(Audit.seq)
            .where(Audit.action.like("patient.%merge"))
        ).all()
        assert [(action, uuid) for action, uuid, _, _ in told] == [
            ("patient.merge", old),
            ("patient.merge", new),
            ("patient.unmerge", old),
            ("patient.unmerge", new),
        ]
        assert all(detail["old"] == old and detail["new"] == new for _, _, detail, _ in told)
        assert [words for _, _, _, words in told].count(WHY) == 2
        assert verify(session).ok
        assert session.scalar(select(func.count()).select_from(Record)) == 3
        assert session.scalar(select(func.count()).select_from(ReadingDay)) == 0
