"""The two tables people start from: what they show, to whom, and that they cost the same few queries for any cohort."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert, update
from sqlalchemy.orm import Session

from clinical.protocol import load_protocol
from data.charts import load_charts
from data.cohort import COLUMNS as COHORT_COLUMNS
from data.cohort import EVERYBODY, CohortView, cohort, cohort_count
from data.db import Database
from data.deadlines import due_on, overdue_before, working_days_after
from data.flags import acknowledge, list_flags
from data.glance import Glance, save_glances, stored_glance
from data.job_runs import Runner, begin_run, finish_run
from data.judge import judge
from data.merges import merge_patients
from data.models import Glance as StoredGlance
from data.models import Judgement, Outbox
from data.mutes import mute
from data.people import Actor
from data.reviews import review_patient
from data.worklist import WorklistView, worklist, worklist_page, worklist_strip
from jobs.sweep import sweep
from tests.data.findings import finding, judge_as
from tests.data.signing import proved
from tests.data.ward import POLICY, Ward, coded, lab

SYSTEM = Actor.system("test")
UTC_ZONE = ZoneInfo("UTC")


def seen(session: Session, now: datetime, *ids: int) -> None:
    """Keep the glance of each patient, as judging does."""
    charts = load_charts(session, ids)
    save_glances(session, [stored_glance(id, charts[id], load_protocol(), now) for id in ids])


def queries(database: Database, ask: Any) -> int:
    asked: list[str] = []

    def note(*about: Any) -> None:
        asked.append(about[2])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        with database.read() as session:
            ask(session)
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return len([sql for sql in asked if sql.startswith(("SELECT", "WITH"))])


def test_the_worklist_puts_the_gravest_first_and_the_longest_standing_before_the_newer(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        for mrn, severity, days in (("M1", "low", 0), ("M2", "high", 1), ("M3", "urgent", 0), ("M4", "high", 5)):
            judge_as(session, ward.patient(mrn), [finding(severity=severity)], now=now - timedelta(days=days))  # type: ignore[arg-type]
        rows = worklist(session, SYSTEM, now=now, zone=UTC_ZONE)
    assert [row.mrn for row in rows] == ["M3", "M4", "M2", "M1"]
    assert [row.due for row in rows] == [date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 4), None]
    assert rows[0].why.startswith("glucagon 230 pg/mL") and rows[0].owner is None
    assert rows[0].patient_name == "Patient M3" and rows[0].since == now


def test_each_severity_has_its_own_deadline() -> None:
    friday = datetime(2026, 2, 27, 12, tzinfo=UTC)
    assert due_on("urgent", friday, UTC_ZONE) == date(2026, 2, 27)
    assert due_on("high", friday, UTC_ZONE) == date(2026, 3, 4)
    assert due_on("medium", friday, UTC_ZONE) == date(2026, 3, 13)
    assert due_on("low", friday, UTC_ZONE) is None and due_on("info", friday, UTC_ZONE) is None


def test_the_deadline_counts_from_the_sites_own_date() -> None:
    late = datetime(2026, 2, 27, 23, 30, tzinfo=UTC)
    assert due_on("urgent", late, ZoneInfo("Pacific/Auckland")) == date(2026, 2, 28)


@given(day=st.dates(date(2020, 1, 1), date(2030, 1, 1)), count=st.integers(0, 30))
def test_working_days_end_on_a_working_day_and_count_only_those(day: date, count: int) -> None:
    end = working_days_after(day, count)
    passed = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(d.weekday() < 5 for d in passed) == count
    assert count == 0 or end.weekday() < 5


def test_the_worklist_says_who_has_a_flag_and_what_is_overdue(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        oncologist = ward.person("ann@n.example")
        judge_as(session, ward.patient("M1"), [finding()], now=now - timedelta(days=7))
        (flag,) = list_flags(session, SYSTEM)
        acknowledge(session, oncologist, flag["id"], why="calling", version=1, now=now)
        (row,) = worklist(session, oncologist, now=now, zone=UTC_ZONE)
    assert (row.status, row.owner, row.due, row.overdue) == ("acknowledged", "ann", date(2026, 2, 26), True)


def test_resolved_flags_leave_the_worklist_and_cleared_unseen_ones_stay(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        for mrn, severity in (("M1", "low"), ("M2", "high")):
            id = ward.patient(mrn)
            judge_as(session, id, [finding(severity=severity)], now=now)  # type: ignore[arg-type]
            judge_as(session, id, [], now=now)
        rows = worklist(session, SYSTEM, now=now, zone=UTC_ZONE)
    assert [(row.mrn, row.cleared_at) for row in rows] == [("M2", now)]


def test_nobody_sees_a_row_of_another_teams_patient(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward, other = Ward.open(session), Ward.open(session, "Other")
        mine, far = ward.person("a@n.example"), other.person("b@n.example")
        judge_as(session, ward.patient("M1"), [finding()], now=now)
        judge_as(session, other.patient("M2"), [finding(severity="urgent")], now=now)
        for actor, mrns in ((mine, ["M1"]), (far, ["M2"]), (Actor("boss", "admin"), []), (SYSTEM, ["M1", "M2"])):
            assert sorted(r.mrn for r in worklist(session, actor, now=now, zone=UTC_ZONE)) == mrns
            assert [r.mrn for r in cohort(session, actor)] == mrns
            assert worklist_strip(session, actor).patients == len(mrns)
            found = worklist(session, actor, WorklistView(find="M"), now=now, zone=UTC_ZONE)
            assert sorted(r.mrn for r in found) == mrns
        assert worklist_strip(session, mine).open_by_severity["urgent"] == 0


def test_the_strip_tells_how_fresh_everything_is(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        oncologist = ward.person("a@n.example")
        empty = worklist_strip(session, oncologist)
        assert (empty.last_sweep_at, empty.oldest_unacknowledged, empty.oldest_unsent_mail) == (None, None, None)
        ids = [ward.patient(f"M{n}") for n in range(4)]
        judge_as(session, ids[0], [finding(severity="urgent")], now=now - timedelta(hours=2))
        judge_as(session, ids[1], [finding(), finding("R18", "medium")], now=now)
        for id, failures in ((ids[0], 0), (ids[1], 0), (ids[2], 3)):
            session.execute(
                insert(Judgement).values(
                    patient_id=id, judged_seq=1, judged_at=now, protocol_version="p", failures=failures
                )
            )
        runner = Runner("test")
        run = begin_run(session, "sweep", due_at=now, runner=runner, now=now)
        assert run is not None
        finish_run(session, run, runner=runner, counts={}, error=None, now=now + timedelta(seconds=3))
        strip = worklist_strip(session, oncologist)
        assert strip.open_by_severity == {"urgent": 1, "high": 1, "medium": 1, "low": 0, "info": 0}
        assert strip.oldest_unacknowledged == strip.oldest_unsent_mail == now - timedelta(hours=2)
        assert (strip.patients, strip.patients_judged, strip.patients_failing) == (4, 2, 1)
        assert strip.last_sweep_at == now + timedelta(seconds=3) and strip.dead_mails == 0
        session.execute(update(Outbox).values(state="dead"))
        assert worklist_strip(session, oncologist).dead_mails == 3


def admitted(ward: Ward, mrn: str = "M1", **columns: Any) -> int:
    return ward.patient(
        mrn,
        lab("glucagon", 60.0, "pg/mL", "2025-06-01", canonical_ref_high=150.0, lab="North", method="RIA"),
        lab("glucagon", 150.0, "pg/mL", "2025-12-01", canonical_ref_high=150.0, lab="North", method="RIA"),
        lab("glucagon", 300.0, "pg/mL", "2026-02-01", canonical_ref_high=150.0, lab="North", method="RIA"),
        lab("hba1c", 48.0, "mmol/mol", "2026-01-15"),
        lab("weight", 80.0, "kg", "2025-07-01"),
        lab("weight", 78.0, "kg", "2025-12-01"),
        lab("weight", 76.0, "kg", "2026-02-01"),
        coded("skin", "2026-02-01", iga=3, overall="worse"),
        coded("response", "2026-01-20", response="SD", signed=True),
        coded("state", "2025-01-01", state="residual-stable"),
        coded("therapy", "2025-12-20", kind="injection", drug="lanreotide", dose=120, unit="mg", interval_days=28),
        coded("therapy", "2026-02-14", kind="injection", drug="lanreotide", dose=120, unit="mg", interval_days=28),
        **columns,
    )


def test_a_row_of_the_cohort_shows_the_newest_of_everything(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = admitted(ward)
        seen(session, now, id)
        judge_as(session, id, [finding(), finding("R30", "low")], now=now)
        (row,) = cohort(session, SYSTEM)
    glance = row.glance
    assert glance is not None and row.as_of == now
    assert glance.state == "residual-stable" and glance.last_seen == datetime(2026, 2, 14, tzinfo=UTC)
    assert glance.glucagon is not None and glance.glucagon.times_limit == 2.0
    assert (glance.glucagon.value, glance.glucagon.unit, glance.glucagon.trend) == (300.0, "pg/mL", "up")
    assert [value for _, value in glance.spark] == [60.0, 150.0, 300.0]
    assert (glance.iga, glance.skin, glance.response) == (3, "worse", "SD")
    assert glance.hba1c is not None and glance.hba1c.value == 48.0 and glance.hba1c.trend is None
    assert glance.weight_change is not None and glance.weight_change.percent == pytest.approx(-5.0)
    assert glance.regimen is not None and glance.regimen.drug == "lanreotide"
    assert glance.regimen.next_planned == date(2026, 3, 14)
    assert row.flags == {"urgent": 0, "high": 1, "medium": 0, "low": 1, "info": 0}
    assert row.overdue == "Recurrence by marker"


def test_what_was_never_recorded_is_none_and_what_cannot_be_compared_has_no_trend(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        ids = (
            ward.patient("M1"),
            ward.patient("M2", lab("glucagon", 15.0, "pg/mL", "2026-01-01", comparator="<", canonical_ref_high=150.0)),
            ward.patient(
                "M3",
                lab("glucagon", 60.0, "pg/mL", "2025-06-01", method="RIA"),
                lab("glucagon", 90.0, "pg/mL", "2025-12-01", method="ELISA"),
            ),
        )
        assert [row.glance for row in cohort(session, SYSTEM)] == [None, None, None]
        seen(session, now, *ids)
        nothing, censored, changed = (row.glance for row in cohort(session, SYSTEM))
    assert nothing == Glance(
        state="unknown",
        last_seen=None,
        glucagon=None,
        spark=(),
        iga=None,
        skin=None,
        skin_at=None,
        response=None,
        response_at=None,
        hba1c=None,
        sensor=None,
        weight_kg=None,
        weight_at=None,
        weight_change=None,
        regimen=None,
        best_change=None,
    )
    assert censored is not None and censored.glucagon is not None and changed is not None and changed.glucagon
    assert (censored.glucagon.value, censored.glucagon.comparator) == (15.0, "<")
    assert censored.glucagon.times_limit is None and censored.spark == ()
    assert changed.glucagon.trend is None and changed.glucagon.previous == 60.0


def test_what_came_after_the_last_judgement_is_said_to_wait(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient("M1", lab("glucagon", 60.0, "pg/mL", "2025-06-01"))
        judge(session, [id], protocol=load_protocol(), as_of=now, now=now, mail=POLICY, actor=SYSTEM)
        assert [row.waiting for row in cohort(session, SYSTEM)] == [False]
        ward.store(id, lab("glucagon", 90.0, "pg/mL", "2026-01-01"))
        (row,) = cohort(session, SYSTEM)
        assert row.waiting and row.glance is not None and row.glance.glucagon is not None
        assert row.glance.glucagon.value == 60.0
        judge(session, [id], protocol=load_protocol(), as_of=now, now=now, mail=POLICY, actor=SYSTEM)
        (row,) = cohort(session, SYSTEM)
        assert not row.waiting and row.glance is not None and row.glance.glucagon is not None
        assert row.glance.glucagon.value == 90.0


def test_a_glance_of_an_older_form_is_not_shown_and_the_next_sweep_makes_it_anew(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.write() as session:
        Ward.open(session).patient("M1")
    how = {"protocol": load_protocol(), "mail": POLICY, "as_of": now, "now": now}
    assert sweep(sqlite_database, **how).patients == 1
    assert sweep(sqlite_database, **how).patients == 0
    with sqlite_database.write() as session:
        session.execute(update(StoredGlance).values(form=0))
        assert [row.glance for row in cohort(session, SYSTEM)] == [None]
    assert sweep(sqlite_database, **how).patients == 1
    with sqlite_database.read() as session:
        assert [row.glance is None for row in cohort(session, SYSTEM)] == [False]


def measured(ward: Ward, now: datetime) -> None:
    """A: 3 x the limit; B: 0.5 x; C: never; D: 1 x and of another state; A has an urgent and C a low flag."""
    ids = {}
    for mrn, times, state in (("A", 3.0, "residual-stable"), ("B", 0.5, "residual-stable"), ("D", 1.0, "ned-resected")):
        ids[mrn] = ward.patient(
            mrn,
            lab("glucagon", 150.0 * times, "pg/mL", "2026-01-01", canonical_ref_high=150.0),
            coded("state", "2025-01-01", state=state),
        )
    ids["C"] = ward.patient("C")
    seen(ward.session, now, *ids.values())
    judge_as(ward.session, ids["A"], [finding(severity="urgent")], now=now)
    judge_as(ward.session, ids["C"], [finding("R30", "low")], now=now)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (EVERYBODY, "ABCD"),
        (CohortView(sort=("patient", "desc")), "DCBA"),
        (CohortView(sort=("glucagon", "asc")), "BDAC"),
        (CohortView(sort=("glucagon", "desc")), "ADBC"),
        (CohortView(sort=("flags", "asc")), "ACBD"),
        (CohortView(sort=("flags", "desc")), "CABD"),
        (CohortView(state="ned-resected"), "D"),
        (CohortView(state="unknown"), "C"),
        (CohortView(flags="any"), "AC"),
        (CohortView(flags="urgent"), "A"),
        (CohortView(overdue=True), "C"),
        (CohortView(find="patient b"), "B"),
        (CohortView(find="%"), ""),
        (CohortView(team="NET"), ""),
    ],
)
def test_the_database_sorts_and_filters_and_what_is_unknown_stands_last(
    sqlite_database: Database, now: datetime, view: CohortView, expected: str
) -> None:
    with sqlite_database.write() as session:
        measured(Ward.open(session), now)
        rows = cohort(session, SYSTEM, view)
        assert "".join(row.mrn for row in rows) == expected
        assert cohort_count(session, SYSTEM, view) == len(expected)
        assert cohort(session, SYSTEM, view, start=1, end=3) == rows[1:3]


@pytest.mark.parametrize("column", COHORT_COLUMNS)
def test_every_column_of_the_cohort_sorts_on_both_databases(database: Database, now: datetime, column: Any) -> None:
    with database.write() as session:
        measured(Ward.open(session), now)
        for direction in ("asc", "desc"):
            assert len(cohort(session, SYSTEM, CohortView(sort=(column, direction)))) == 4  # type: ignore[arg-type]


def test_a_filter_by_team_reaches_only_ones_own_teams(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward, other = Ward.open(session), Ward.open(session, "Other")
        mine = ward.person("a@n.example")
        for place, mrn in ((ward, "M1"), (other, "M2")):
            judge_as(session, place.patient(mrn), [finding()], now=now)
        for team, expected in (("NET", ["M1"]), ("Other", [])):
            assert [r.mrn for r in cohort(session, mine, CohortView(team=team))] == expected
            rows = worklist(session, mine, WorklistView(team=team), now=now, zone=UTC_ZONE)
            assert [r.mrn for r in rows] == expected


def test_the_worklist_filters_by_owner_axis_severity_and_what_is_overdue(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ann = ward.person("ann@n.example")
        for mrn, severity, days in (("M1", "urgent", 1), ("M2", "high", 0), ("M3", "low", 90), ("M4", "medium", 20)):
            judge_as(session, ward.patient(mrn), [finding(severity=severity)], now=now - timedelta(days=days))  # type: ignore[arg-type]
        (flag,) = list_flags(session, SYSTEM, mrn="M2")
        acknowledge(session, ann, flag["id"], why="calling", version=1, now=now)
        for view, expected in (
            (WorklistView(mine=True), ["M2"]),
            (WorklistView(severity="low"), ["M3"]),
            (WorklistView(axis="marker"), ["M1", "M2", "M4", "M3"]),
            (WorklistView(axis="skin"), []),
            (WorklistView(overdue=True), ["M1", "M4"]),
            (WorklistView(find="patient m3"), ["M3"]),
            (WorklistView(sort=("since", "desc")), ["M2", "M1", "M4", "M3"]),
            (WorklistView(sort=("severity", "desc")), ["M3", "M4", "M2", "M1"]),
        ):
            rows = worklist(session, ann, view, now=now, zone=UTC_ZONE)
            assert [r.mrn for r in rows] == expected, view
            for start, end in ((1, 2), (7, 9), (0, 0)):
                part = worklist_page(session, ann, view, now=now, zone=UTC_ZONE, start=start, end=end)
                assert part == (rows[start:end], len(expected))


@given(
    minutes=st.integers(0, 2 * 366 * 1440),
    days=st.integers(0, 40),
    severity=st.sampled_from(["urgent", "high", "medium", "low", "info"]),
    zone=st.sampled_from([UTC_ZONE, ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")]),
)
def test_overdue_means_the_same_to_the_database_as_to_the_deadline(
    minutes: int, days: int, severity: str, zone: ZoneInfo
) -> None:
    opened = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    today = opened.astimezone(zone).date() + timedelta(days=days)
    limit, due = overdue_before(severity, today, zone), due_on(severity, opened, zone)
    assert (limit is not None and opened < limit) == (due is not None and due < today)


def test_both_tables_ask_the_same_number_of_queries_for_one_patient_and_for_sixty(
    sqlite_database: Database, now: datetime
) -> None:
    counts: list[tuple[int, int, int]] = []
    for first, last in ((0, 1), (1, 60)):
        with sqlite_database.write() as session:
            ward = Ward.open(session, f"team {first}")
            for number in range(first, last):
                id = admitted(ward, f"M{number}")
                seen(session, now, id)
                judge_as(session, id, [finding(), finding("R18")], now=now)
        counts.append(
            (
                queries(sqlite_database, lambda s: worklist(s, SYSTEM, now=now, zone=UTC_ZONE)),
                queries(sqlite_database, lambda s: worklist_strip(s, SYSTEM)),
                queries(sqlite_database, lambda s: cohort(s, SYSTEM)),
            )
        )
    assert counts[0] == counts[1] and counts[0][0] == 2 and counts[0][2] <= 6


def test_a_review_and_a_mute_are_said_of_the_flags_they_are_about_alone(database: Database, now: datetime) -> None:
    """Also beside patients merged into others: their flags are the survivor's."""
    marker, zinc = finding(severity="medium"), finding(rule="R06", severity="medium", subject="zinc")
    with database.write() as session:
        ward = Ward.open(session)
        oncologist = ward.person("onc@nadir.example")
        judge_as(session, ward.patient("M1"), [marker, zinc], now=now)
        judge_as(session, ward.patient("M2"), [marker], now=now)
        judge_as(session, ward.patient("M3"), [marker], now=now)
        judge_as(session, Ward.open(session, "Other").patient("O1"), [zinc], now=now)
    with database.write() as session:
        merge_patients(session, SYSTEM, merged="M1", into="M2", reason="one person", now=now)
        signed_in, until = proved(session, oncologist, now), now.date() + timedelta(days=20)
        said = {"until": until, "why": "stable", "key": "k" * 32, "now": now, "zone": UTC_ZONE}
        review_patient(session, signed_in, "M2", **said)
        mute(session, oncologist, ward.team.id, "R06", until=now + timedelta(days=7), why="a bad batch", now=now)
    with database.read() as session:
        rows = worklist(session, SYSTEM, now=now, zone=UTC_ZONE)
        overdue = worklist(session, SYSTEM, WorklistView(overdue=True), now=now + timedelta(days=18), zone=UTC_ZONE)
    assert {row.mrn for row in rows if row.reviewed_until is not None} == {"M2"}
    assert [row.mrn for row in rows if row.muted_until is not None] == ["M2"]
    assert {row.mrn for row in overdue} == {"M3", "O1"}
