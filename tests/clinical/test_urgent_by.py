"""What the register says can make a rule urgent is all that can: the sweep judges first whose new records those are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.chart import BiliaryUltrasound, Chart, CodedFinding, Entry, Result, Symptom
from clinical.finding import Finding
from clinical.protocol import Protocol
from clinical.rules.registry import found_by, registered, rule, urgent_by
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    coded,
    glucagon,
    lab,
    lesion,
    moment,
    operation,
    sensor,
    skin,
    state,
    symptom,
    therapy,
    ultrasound,
)

LAST = 60
NAMES = {Symptom: "symptom", BiliaryUltrasound: "biliary", CodedFinding: "finding"}
days = st.integers(0, LAST)
entries: st.SearchStrategy[Entry] = st.one_of(
    st.builds(glucagon, days, st.sampled_from((40.0, 900.0))),
    st.builds(
        lab,
        days,
        st.sampled_from(
            (
                *("qtc", "glucose", "glucose-fasting", "ketones", "hba1c", "bilirubin", "lipase", "crp", "alt", "alp"),
                *("heart-rate", "haemoglobin", "weight", "albumin", "tsh", "egfr"),
            )
        ),
        st.sampled_from((0.6, 3.5, 9.0, 40.0, 120.0, 520.0, 900.0)),
        ref_high=st.sampled_from((None, 1.0, 60.0)),
        fasting=st.sampled_from((None, True)),
    ),
    st.builds(
        symptom,
        days,
        st.sampled_from(
            (
                *("fever", "ruq-pain", "jaundice", "leg-swelling", "chest-pain", "ketoacidosis", "itch"),
                *("severe-hypoglycaemia", "abdominal-pain", "dizziness"),
            )
        ),
        present=st.booleans(),
    ),
    st.builds(
        ultrasound,
        days,
        stones=st.sampled_from((None, "none", "multiple")),
        wall_mm=st.sampled_from((None, 2.0, 4.0, 7.0)),
        cbd_mm=st.sampled_from((None, 5.0, 9.0)),
        murphy=st.sampled_from((None, True)),
        gallbladder=st.sampled_from((None, "in-situ", "absent")),
    ),
    st.builds(
        coded, days, st.sampled_from(("dvt", "grade", "ketoacidosis")), text=st.sampled_from((None, "no", "DVT"))
    ),
    st.builds(operation, days, st.sampled_from(("resection", "cholecystectomy"))),
    st.builds(therapy, days, st.sampled_from(("start", "stop")), drug=st.sampled_from(("lanreotide", "insulin"))),
    st.builds(state, days, st.sampled_from(("ned-resected", "residual-stable"))),
    st.builds(skin, days, overall=st.sampled_from(("clear", "worse"))),
    st.builds(lesion, days, st.just("a"), st.just(20.0), signed=st.booleans()),
    st.builds(sensor, days, below_54=st.sampled_from((0, 100)), above_250=st.sampled_from((0, 200))),
)


def name_of(entry: Entry) -> str | None:
    return entry.analyte if isinstance(entry, Result) else NAMES.get(type(entry))


def urgent(known: Chart, now: datetime) -> set[str]:
    can_be = [one.id for one in registered() if "urgent" in one.severities]
    return {f.rule for id in can_be for f in found_by(id, known.until(now), PROTOCOL, now) if f.severity == "urgent"}


@settings(max_examples=600)
@given(st.lists(entries, max_size=12, unique_by=lambda e: e.record), entries)
def test_nothing_but_what_the_register_names_makes_a_rule_urgent(others: list[Entry], new: Entry) -> None:
    before = [entry for entry in others if entry.record != new.record]
    for now in (moment(LAST), moment(LAST + 10)):
        found = urgent(chart(*before, new), now) - urgent(chart(*before), now)
        named = {one.id for one in registered() if name_of(new) in one.urgent_by}
        assert found <= named, f"{name_of(new)} made {found - named} urgent"


EACH: list[tuple[Entry, list[Entry]]] = [
    (lab(9, "qtc", 520.0), []),
    (lab(9, "glucose", 600.0), []),
    (lab(9, "glucose-fasting", 600.0), []),
    (lab(9, "ketones", 4.0), []),
    (symptom(9, "severe-hypoglycaemia"), []),
    (coded(9, "ketoacidosis"), []),
    (coded(9, "dvt", text="DVT of the left leg"), []),
    (ultrasound(9, stones="multiple", murphy=True), []),
    (lab(9, "bilirubin", 4.0, ref_high=1.0), []),
    (lab(9, "lipase", 300.0, ref_high=60.0), [symptom(9, "abdominal-pain")]),
    (lab(9, "crp", 90.0, ref_high=5.0), [ultrasound(9, stones="multiple", wall_mm=4.0)]),
]
"""What makes a rule urgent on top of what was known, for everything that the register names."""


@pytest.mark.parametrize(("by", "known"), EACH, ids=[str(name_of(by)) for by, _ in EACH])
def test_each_thing_the_register_names_can(by: Entry, known: list[Entry]) -> None:
    assert urgent(chart(by, *known), moment(10)) > urgent(chart(*known), moment(10))


def test_all_that_is_named_is_held_above() -> None:
    assert {name_of(by) for by, _ in EACH} == urgent_by()


@pytest.mark.parametrize(("severities", "by"), [(("urgent", "high"), ()), (("high",), ("qtc",))])
def test_a_rule_that_can_be_urgent_says_by_what(
    severities: tuple[str, ...], by: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clinical.rules.registry._register", {})

    def nothing(_chart: Chart, _protocol: Protocol, _now: datetime) -> Iterable[Finding]:
        return ()

    words = {"version": "1", "axis": "skin", "severities": severities, "trigger": "T", "question": "Q"}
    with pytest.raises(ValueError, match=r"^rule R98 says what makes it urgent"):
        rule("R98", **words, urgent_by=by)(nothing)
