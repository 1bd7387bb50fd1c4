"""Replay and the laws every judgement keeps: no look into the future, no dependence on order or unrelated records."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.chart import Chart, Entry
from clinical.replay import ReplayedFlag, replay
from clinical.rules import judge_chart
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    entries_of,
    findings,
    glucagon,
    lab,
    lesion,
    moment,
    operation,
    response,
    sensor,
    skin,
    state,
    symptom,
    therapy,
    ultrasound,
)

FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
DAYS = st.integers(min_value=0, max_value=700)


def _entry() -> st.SearchStrategy[Entry]:
    return st.one_of(
        st.builds(glucagon, DAYS, st.sampled_from([40, 60, 70, 85, 99, 130, 170, 400])),
        st.builds(lambda day, fasting: glucagon(day, 180, fasting=fasting), DAYS, st.booleans()),
        st.builds(lambda day: glucagon(day, 120, upper=159, method="ELISA"), DAYS),
        st.builds(lambda day, iga: skin(day, iga=iga, infection="none"), DAYS, st.integers(0, 4)),
        st.builds(response, DAYS, st.sampled_from(["PD", "SD", "NED", "NE"])),
        st.builds(lesion, DAYS, st.sampled_from(["T1", "T2"]), st.sampled_from([0, 10, 20, 25])),
        st.builds(lambda day: ultrasound(day, stones="multiple", cbd_mm=8), DAYS),
        st.builds(symptom, DAYS, st.sampled_from(["fever", "jaundice", "ruq-pain"])),
        st.builds(operation, DAYS, st.sampled_from(["resection", "prrt", "cholecystectomy"])),
        st.builds(lambda day: therapy(day, "injection", drug="lanreotide", dose=120, interval_days=28), DAYS),
        st.builds(lambda day: therapy(day, "start", drug="octreotide-lar", dose=20), DAYS),
        st.builds(state, DAYS, st.sampled_from(["ned-resected", "residual-stable"])),
        st.builds(lambda day: lab(day, "egfr", 25, unit="mL/min/{1.73_m2}"), DAYS),
        st.builds(lambda day, value: lab(day, "weight", value, unit="kg"), DAYS, st.sampled_from([60, 66, 70])),
        st.builds(lambda day, value: lab(day, "hba1c", value, unit="%"), DAYS, st.sampled_from([5.4, 6.2])),
        st.builds(lambda day, value: lab(day, "glucose-fasting", value), DAYS, st.sampled_from([50, 95, 130, 300])),
        st.builds(lambda day, value: lab(day, "vitamin-d", value), DAYS, st.sampled_from([10, 15, 30])),
        st.builds(lambda day, value: lab(day, "b12", value), DAYS, st.sampled_from([150, 250, 500])),
        st.builds(lambda day, value: lab(day, "ggt", value, ref_high=60), DAYS, st.sampled_from([40, 200])),
        st.builds(lambda day, low: sensor(day, below_54=low, above_250=30), DAYS, st.sampled_from([0, 5])),
        st.builds(symptom, DAYS, st.sampled_from(["oily-stool", "ketoacidosis", "severe-hypoglycaemia"])),
    )


CHARTS = st.lists(_entry(), max_size=14, unique_by=lambda e: e.record).map(lambda entries: chart(*entries))


def _judged_every_day(whole: Chart, first: date, last: date) -> tuple[ReplayedFlag, ...]:
    """The same by judging every single day."""
    open_since: dict[tuple[str, str], date] = {}
    found: list[tuple[str, date, date | None]] = []
    day = first
    while day <= last:
        judged = judge_chart(whole, PROTOCOL, datetime.combine(day, time.max, tzinfo=UTC))
        now = {(f.rule, f.subject) for f in judged.findings}
        found += [(rule, open_since.pop((rule, s)), day) for rule, s in [k for k in open_since if k not in now]]
        open_since |= {key: day for key in now if key not in open_since}
        day += timedelta(days=1)
    found += [(rule, since, None) for (rule, _), since in open_since.items()]
    return tuple(sorted(found, key=str))


@settings(max_examples=25, deadline=None)
@given(CHARTS)
def test_skipping_quiet_days_changes_nothing(whole: Chart) -> None:
    last = date(2024, 12, 31)
    short = tuple(sorted(((f.rule, f.opens, f.clears) for f in replay(whole, PROTOCOL, FIRST, last)), key=str))
    assert short == _judged_every_day(whole, FIRST, last)


@settings(max_examples=40, deadline=None)
@given(CHARTS, st.integers(min_value=0, max_value=700))
def test_a_day_uses_nothing_known_later(whole: Chart, day: int) -> None:
    at = moment(day + 0.5)
    known = chart(*(e for e in entries_of(whole) if e.known_at <= at))
    assert judge_chart(whole, PROTOCOL, at).findings == judge_chart(known, PROTOCOL, at).findings


@settings(max_examples=40, deadline=None)
@given(CHARTS, st.randoms())
def test_the_order_in_which_entries_arrive_changes_nothing(whole: Chart, shuffler: object) -> None:
    entries = entries_of(whole)
    shuffler.shuffle(entries)  # type: ignore[attr-defined]
    assert judge_chart(chart(*entries), PROTOCOL, moment(800)) == judge_chart(whole, PROTOCOL, moment(800))


@settings(max_examples=40, deadline=None)
@given(CHARTS, DAYS)
def test_an_unrelated_record_changes_no_finding(whole: Chart, day: int) -> None:
    unrelated = [lab(day, "cholesterol", 190, unit="mg/dL"), lab(day, "systolic", 130, unit="mm[Hg]")]
    with_it = chart(*entries_of(whole), *unrelated)
    assert judge_chart(with_it, PROTOCOL, moment(800)).findings == judge_chart(whole, PROTOCOL, moment(800)).findings


@settings(max_examples=40, deadline=None)
@given(CHARTS)
def test_judging_twice_says_the_same(whole: Chart) -> None:
    assert judge_chart(whole, PROTOCOL, moment(800)) == judge_chart(whole, PROTOCOL, moment(800))


@settings(max_examples=40, deadline=None)
@given(CHARTS)
def test_every_finding_can_be_read_and_traced(whole: Chart) -> None:
    records = {e.record for e in entries_of(whole)}
    for finding in judge_chart(whole, PROTOCOL, moment(800)).findings:
        assert finding.why.endswith(".")
        assert finding.question.endswith("?") or finding.question.endswith(")")
        assert {e.record for e in finding.evidence} <= records
        assert finding.evidence
        assert all(t.source for t in finding.thresholds)


def test_a_flag_opens_and_clears_on_the_days_it_would_have() -> None:
    rows = chart(state(0, "residual-stable"), glucagon(0, 60), glucagon(60, 99), glucagon(90, 101), glucagon(150, 62))
    flags = [flag for flag in replay(rows, PROTOCOL, FIRST, LAST) if flag.rule != "R30"]
    assert [(f.rule, f.opens, f.clears) for f in flags] == [
        ("R01", date(2024, 3, 1), date(2024, 3, 31)),
        ("R02", date(2024, 3, 31), date(2024, 5, 30)),
    ]
    assert flags[1].contains == ("R01",)


def test_a_flag_tells_its_most_severe_day() -> None:
    rows = chart(glucagon(0, 60), *(glucagon(60 + 30 * n, 99 if n < 2 else 200) for n in range(5)))
    (flag,) = [f for f in replay(rows, PROTOCOL, FIRST, LAST) if f.rule == "R02"]
    assert (flag.severity, flag.clears) == ("high", None)
    assert "doubled" in flag.why


def test_replay_outside_the_time_of_the_chart_finds_nothing() -> None:
    assert replay(chart(glucagon(0, 60)), PROTOCOL, date(2020, 1, 1), date(2020, 12, 31)) == ()
    assert findings(0) == {}
