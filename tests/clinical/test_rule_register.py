"""The register of rules: every rule of the clinical reference once, described with the numbers it is applied with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import pytest

from clinical.chart import Chart
from clinical.finding import Finding, Suppressed
from clinical.protocol import Protocol
from clinical.rules import judge_chart, registered
from clinical.rules.description import describe_rules
from clinical.rules.registry import Rule, found_by, rule
from tests.clinical.charts import DAY_ZERO, PROTOCOL, chart, glucagon, moment, state


def nothing(_chart: Chart, _protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    return ()


def test_every_rule_of_the_reference_is_registered_once_and_in_order() -> None:
    assert [r.id for r in registered()] == [f"R{number:02}" for number in range(1, 43)]


def test_a_rule_keeps_all_it_is_registered_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinical.rules.registry._register", {})
    words = {"version": "2", "axis": "skin", "severities": ("low",), "trigger": "T", "question": "Q"}
    given = {**words, "thresholds": ("doubling_factor",), "next_due": lambda _chart, _protocol, now: now}
    kept = rule("R98", **given)(nothing)
    rule("R97", **words)(nothing)
    assert kept is nothing
    assert registered() == (
        Rule(id="R97", **words, thresholds=(), judge=nothing, next_due=None),
        Rule(id="R98", **given, judge=nothing),
    )


def test_what_a_rule_finds_is_computed_once_for_a_chart_and_a_moment() -> None:
    whole = chart(state(0, "residual-stable"))
    found = found_by("R30", whole, PROTOCOL, moment(100))
    assert found
    assert found_by("R30", whole, PROTOCOL, moment(100)) is found
    assert found_by("R30", whole, PROTOCOL, moment(1)) == ()
    assert found_by("R01", whole, PROTOCOL, moment(100)) == ()
    other = replace(PROTOCOL, version="another")
    assert found_by("R30", whole, other, moment(100)) is not found


def test_an_id_is_given_once() -> None:
    again = rule("R01", version="2", axis="marker", severities=("low",), trigger="", question="")
    with pytest.raises(ValueError, match="rule R01 is registered twice"):
        again(lambda _chart, _protocol, _now: ())


def test_a_rule_that_does_not_exist_cannot_be_asked() -> None:
    with pytest.raises(KeyError, match="R99"):
        found_by("R99", chart(), PROTOCOL, DAY_ZERO)


def test_a_moment_without_its_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^now must carry its time zone"):
        judge_chart(chart(), PROTOCOL, DAY_ZERO.replace(tzinfo=None))


def test_nothing_is_due_for_an_empty_chart() -> None:
    judged = judge_chart(chart(), PROTOCOL, DAY_ZERO)
    assert (judged.findings, judged.next_due, judged.suppressed) == ((), None, ())


def test_the_next_moment_is_the_earliest_of_what_is_due_and_what_becomes_known() -> None:
    known = judge_chart(chart(state(0, "residual-stable")), PROTOCOL, moment(1)).next_due
    assert known is not None
    assert known > moment(2)
    assert judge_chart(chart(state(0, "residual-stable"), glucagon(2, 60)), PROTOCOL, moment(1)).next_due == moment(2)


def test_a_rule_is_described_by_its_words_and_the_thresholds_in_force() -> None:
    described = {entry["id"]: entry for entry in describe_rules(PROTOCOL)}
    assert len(described) == 42
    assert described["R08"] == {
        "id": "R08",
        "version": "1",
        "axis": "imaging",
        "severity": "low",
        "trigger": "The sum of target lesions at least 10 % and 5 mm above its nadir, yet below progression, on two "
        "scans in a row; within 12 weeks after PRRT it is re-imaged (R07) instead",
        "question": "Slow growth: shorten the interval of scans?",
        "thresholds": [
            {"name": t.name, "value": t.value, "unit": t.unit, "source": t.source, "signed_off": False}
            for t in map(PROTOCOL.threshold, ("slow_growth", "slow_growth_least", "suppress_imaging_after_prrt"))
        ],
    }
    assert described["R02"]["severity"] == "high/medium"


@pytest.mark.parametrize(
    ("end", "words"), [("deceased", "died"), ("withdrawn", "withdrew"), ("transferred", "was transferred")]
)
def test_of_a_patient_no_longer_followed_it_is_said_why_nothing_is_found(end: str, words: str) -> None:
    late = replace(glucagon(60, 300), known_at=moment(70))
    judged = judge_chart(chart(state(0, "ned-resected"), late, **{end: moment(65)}), PROTOCOL, moment(66))
    assert judged.findings == ()
    assert judged.next_due == moment(70)
    assert judged.suppressed == (Suppressed(what="every rule", why=f"the patient {words} on 2024-03-06"),)
