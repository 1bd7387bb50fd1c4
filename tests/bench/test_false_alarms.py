"""The simulator of false alarms draws what it says, judges like a replay, and does not pass a rule that never fires."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise
from random import Random
from statistics import stdev

import pytest

from bench.false_alarms import Outcome, Setting, Visit, missed, visits
from clinical.chart import Chart
from clinical.protocol import bundled_protocol
from clinical.replay import replay

PROTOCOL = bundled_protocol()
HIGH = Setting(times_limit=4, state="residual-stable")


def life(seed: int, setting: Setting = HIGH, days: float = 1826) -> tuple[list[Visit], Chart]:
    found = list(visits(Random(seed), setting, lambda _day: setting.times_limit * 80, days, PROTOCOL))
    return [visit for visit, _ in found], found[-1][1]


def test_values_scatter_as_published_around_the_mean() -> None:
    values = [r.value or 0.0 for seed in range(20) for r in life(seed)[1].results]
    assert sum(values) / len(values) == pytest.approx(320, rel=0.03)
    assert stdev(map(math.log, values)) == pytest.approx(math.hypot(0.19, 0.10), rel=0.1)


def test_four_samples_a_year_and_one_repeat_after_21_days() -> None:
    found, _ = life(3)
    scheduled = [v.day for v in found if v.scheduled]
    assert {round(b - a) for a, b in pairwise(scheduled)} == {91}
    repeats = [v.day for v in found if not v.scheduled]
    assert repeats
    assert {min(round(r - s) for s in scheduled if s < r) for r in repeats} == {21}


@pytest.mark.parametrize("setting", [HIGH, Setting(times_limit=0.75, state="ned-resected")])
def test_judged_sample_by_sample_it_is_what_a_replay_says(setting: Setting) -> None:
    openings = 0
    for seed in range(8):
        found = list(
            visits(Random(seed), setting, lambda day: 80 * setting.times_limit * 2 ** (day / 1500), 1826, PROTOCOL)
        )
        _, chart = found[-1]
        start = chart.states[0].effective
        stood = [False, *(v.alarm for v, _ in found)]
        days = [(start + timedelta(days=v.day)).date() for v, _ in found]
        opened = [day for day, (before, now) in zip(days, pairwise(stood), strict=True) if now and not before]
        flags = replay(chart, PROTOCOL, start.date(), days[-1])
        assert opened == [flag.opens for flag in flags if flag.rule in ("R02", "R03")]
        openings += len(opened)
    assert openings


def outcome(alarms: float, two: float, three: float) -> Outcome:
    return Outcome(
        alarms_per_year=alarms, within_two=two, within_three=three, within_two_stopped=two, within_three_stopped=three
    )


def test_a_rule_that_never_fires_misses_both_goals_of_delay() -> None:
    assert len(missed(HIGH, [outcome(0, 0, 0)])) == 2


def test_a_rule_that_always_fires_misses_the_goal_of_false_alarms() -> None:
    assert len(missed(HIGH, [outcome(0.041, 1, 1)])) == 1


def test_goals_are_met_at_their_limits() -> None:
    assert missed(HIGH, [outcome(0.04, 0.80, 0.95)]) == []
