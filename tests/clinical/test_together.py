"""Rules share what is derived from a chart: none may find something else for it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.chart import Chart, Entry
from clinical.finding import Finding
from clinical.rules import judge_chart
from clinical.rules.precedence import by_precedence
from clinical.rules.registry import found_by, registered
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    coded,
    entries_of,
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

LAST = 400
days = st.integers(0, LAST)
level = st.sampled_from((20.0, 60.0, 79.0, 81.0, 120.0, 200.0, 450.0))
entries: st.SearchStrategy[Entry] = st.one_of(
    st.builds(glucagon, days, level),
    st.builds(glucagon, days, level, comparator=st.sampled_from((None, "<", ">")), fasting=st.booleans()),
    st.builds(
        lab,
        days,
        st.sampled_from(("hba1c", "zinc", "weight", "haemoglobin", "albumin", "tsh", "vitamin-d", "crp", "egfr")),
        st.sampled_from((4.0, 7.5, 25.0, 60.0, 71.0, 130.0)),
        ref_low=st.just(10.0),
        ref_high=st.just(100.0),
    ),
    st.builds(skin, days, iga=st.sampled_from((None, 0, 2, 4)), overall=st.sampled_from((None, "clear", "worse"))),
    st.builds(lesion, days, st.sampled_from(("a", "b")), st.sampled_from((12.0, 20.0, 31.0)), signed=st.booleans()),
    st.builds(response, days, st.sampled_from(("SD", "PD", "NED", "NE"))),
    st.builds(ultrasound, days, stones=st.sampled_from((None, "none", "multiple"))),
    st.builds(therapy, days, st.just("injection"), drug=st.just("lanreotide"), dose=st.just(120.0)),
    st.builds(
        therapy, days, st.sampled_from(("start", "stop")), drug=st.sampled_from(("octreotide-lar", "everolimus"))
    ),
    st.builds(operation, days, st.sampled_from(("resection", "prrt", "cholecystectomy"))),
    st.builds(symptom, days, st.sampled_from(("fever", "ruq-pain", "leg-swelling", "itch"))),
    st.builds(state, days, st.sampled_from(("ned-resected", "residual-stable", "no-tumour-found"))),
    st.builds(coded, days, st.sampled_from(("metastasis", "transfusion", "grade")), text=st.just("G1")),
    st.builds(sensor, days, low_marks=st.sampled_from((0, 9)), above_250=st.sampled_from((0, 40))),
)
charts = st.lists(entries, max_size=30, unique_by=lambda e: e.record).map(lambda found: chart(*found))


@settings(max_examples=150)
@given(charts, days)
def test_rules_together_find_what_each_finds_on_a_chart_of_its_own(known: Chart, day: int) -> None:
    now = moment(day + 0.9)
    alone: list[Finding] = []
    for rule in reversed(registered()):
        alone += found_by(rule.id, chart(*entries_of(known)).until(now), PROTOCOL, now)
    assert judge_chart(known, PROTOCOL, now).findings == by_precedence(sorted(alone, key=lambda f: f.rule))


@given(charts, days)
def test_a_chart_that_is_wholly_known_is_cut_nowhere_and_another_one_at_every_entry(known: Chart, day: int) -> None:
    now = moment(day)
    cut = known.until(now)
    assert entries_of(cut) == [entry for entry in entries_of(known) if entry.known_at <= now]
    assert (cut is known) == all(entry.known_at <= now for entry in entries_of(known))
    later = [entry.known_at for entry in entries_of(known) if entry.known_at > now]
    assert known.known_next(now) == min(later, default=None)
    assert cut.until(now + timedelta(days=1)) is cut


def test_a_replay_keeps_one_cut_of_a_chart() -> None:
    whole = chart(*(glucagon(day, 60) for day in range(0, 400, 40)))
    cuts = [whole.until(moment(day)) for day in range(390)]
    assert len(cuts) == 390
    assert whole.until(moment(389)) is cuts[-1]
    assert sum(isinstance(kept, tuple) and isinstance(kept[-1], Chart) for kept in whole._derived.values()) == 1
