"""False alarms and delay of the marker rules on simulated patients, judged by the rules that judge real ones.

    .venv/bin/python -m bench.false_alarms [--patients N] [--seeds N]

A stable patient's glucagon scatters log-normally around a fixed mean with the published within-subject (19 %) and
analytical (10 %) variation. It is drawn four times a year for five years, and once more 21 days after a scheduled
sample that raises R01, as R01 asks. Every opening of R02 or R03 is a false alarm. In other patients, after two stable
years, the mean doubles within 12 months; the delay is the number of scheduled samples drawn from the day the truth has
passed the reference change value up to the sample at which R02 or R03 stands. Each is run for a doubling that goes on
and for one that stops at twice the old mean.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import fmean

from clinical.chart import Chart, DiseaseState, DiseaseStateName, Result, Therapy
from clinical.protocol import Protocol, bundled_protocol
from clinical.rules import judge_chart
from clinical.variation import rcv_up

CV_WITHIN = 0.19
CV_ANALYTICAL = 0.10
UPPER_LIMIT = 80.0
EVERY_DAYS = 91.0
EVERY_THIRD_INJECTION_DAYS = 84.0
TROUGH_DAY = 27.0
REPEAT_AFTER_DAYS = 21.0
STABLE_YEARS = 5.0
DAYS_TO_DOUBLE = 365.0
_DAYS_A_YEAR = 365.25
_RUN_IN_DAYS = 8 * EVERY_DAYS
_FOLLOWED_AFTER_ONSET_DAYS = 3 * DAYS_TO_DOUBLE
_SIGMA = math.sqrt(math.log1p(CV_WITHIN**2) + math.log1p(CV_ANALYTICAL**2))
_PASSES = 1 + rcv_up(CV_ANALYTICAL, CV_WITHIN)
_START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)

MOST_ALARMS = 0.04
LEAST_WITHIN_TWO = 0.80
LEAST_WITHIN_THREE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A kind of patient. `times_limit`: the stable mean in upper limits.

    `injected`: lanreotide every 28 days from the first day on, samples at the trough of every third injection.
    """

    times_limit: float
    state: DiseaseStateName
    injected: bool = False

    @property
    def name(self) -> str:
        """Mean, state and treatment in words."""
        treatment = ", injected every 28 d" if self.injected else ""
        return f"{self.times_limit:g} x limit, {self.state}{treatment}"


SETTINGS = (
    Setting(times_limit=0.75, state="ned-resected"),
    Setting(times_limit=0.75, state="residual-stable"),
    Setting(times_limit=1.2, state="residual-stable"),
    Setting(times_limit=4, state="residual-stable"),
    Setting(times_limit=0.75, state="residual-stable", injected=True),
    Setting(times_limit=1.2, state="residual-stable", injected=True),
    Setting(times_limit=4, state="residual-stable", injected=True),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One sample day: whether it was scheduled, and whether R02 or R03 stood at its end."""

    day: float
    scheduled: bool
    alarm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One seed of one setting. `within[n]`: the part of true doublings found within n scheduled samples."""

    alarms_per_year: float
    within_two: float
    within_three: float
    within_two_stopped: float
    within_three_stopped: float


def visits(
    rng: Random, setting: Setting, truth: Callable[[float], float], days: float, protocol: Protocol
) -> Iterator[tuple[Visit, Chart]]:
    """One patient's samples in order of time, each judged at the end of its day, with the chart as it then was."""
    every = EVERY_THIRD_INJECTION_DAYS if setting.injected else EVERY_DAYS
    scheduled = TROUGH_DAY if setting.injected else rng.uniform(0, every)
    repeat = math.inf
    chart = _empty(setting, days)
    while (day := min(scheduled, repeat)) <= days:
        is_repeat = repeat < scheduled
        chart = _with_sample(chart, day, truth(day) * math.exp(_SIGMA * rng.gauss(0, 1) - _SIGMA**2 / 2))
        found = judge_chart(chart, protocol, _START + timedelta(days=day)).findings
        yield Visit(day, not is_repeat, any(f.rule in ("R02", "R03") for f in found)), chart
        # A repeat is not repeated; R01 that a confirmed rise contains asks for none.
        asked = not is_repeat and any(f.rule == "R01" for f in found)
        repeat = day + REPEAT_AFTER_DAYS if asked else math.inf
        scheduled += 0 if is_repeat else every


def _empty(setting: Setting, days: float) -> Chart:
    injections = [28.0 * n for n in range(int(days / 28) + 1)] if setting.injected else []
    return Chart(
        patient="simulated",
        states=(DiseaseState(record="s", effective=_START, known_at=_START, state=setting.state),),
        therapy=tuple(
            Therapy(
                record=f"t{day:05.0f}",
                effective=(when := _START + timedelta(days=day)),
                known_at=when,
                kind="injection",
                drug="lanreotide",
                dose=120.0,
                unit="mg",
                interval_days=28,
            )
            for day in injections
        ),
    )


def _with_sample(chart: Chart, day: float, value: float) -> Chart:
    when = _START + timedelta(days=day)
    sample = Result(
        record=f"g{len(chart.results):03d}",
        effective=when,
        known_at=when,
        analyte="glucagon",
        value=value,
        unit="pg/mL",
        ref_high=UPPER_LIMIT,
        lab="A",
        method="M",
        fasting=True,
    )
    return Chart(patient=chart.patient, states=chart.states, therapy=chart.therapy, results=(*chart.results, sample))


def false_alarms(rng: Random, setting: Setting, protocol: Protocol) -> int:
    """How often R02 or R03 opens in one stable patient."""
    mean = setting.times_limit * UPPER_LIMIT
    days = STABLE_YEARS * _DAYS_A_YEAR
    stood = [visit.alarm for visit, _ in visits(rng, setting, lambda _day: mean, days, protocol)]
    return sum(now and not before for before, now in zip([False, *stood], stood, strict=False))


def delay(rng: Random, setting: Setting, protocol: Protocol, *, stops: bool) -> int | None:
    """How many scheduled samples after the truth passed the reference change value R02 or R03 stands; None = never.

    0 means that it stood before the first of them.
    """
    mean = setting.times_limit * UPPER_LIMIT
    onset = _RUN_IN_DAYS + rng.uniform(0, EVERY_DAYS)
    passes = onset + DAYS_TO_DOUBLE * math.log2(_PASSES)

    def truth(day: float) -> float:
        doublings = max(0.0, (day - onset) / DAYS_TO_DOUBLE)
        return mean * 2 ** (min(1.0, doublings) if stops else doublings)

    drawn = 0
    for visit, _ in visits(rng, setting, truth, onset + _FOLLOWED_AFTER_ONSET_DAYS, protocol):
        drawn += visit.scheduled and visit.day >= passes
        if visit.alarm and visit.day >= onset:
            return drawn
    return None


def outcome(seed: int, setting: Setting, patients: int, protocol: Protocol) -> Outcome:
    """`patients` stable ones and as many whose glucagon doubles, each way, from one seed."""
    rng = Random(f"{seed} {setting.name}")
    alarms = sum(false_alarms(rng, setting, protocol) for _ in range(patients))
    goes_on = [delay(rng, setting, protocol, stops=False) for _ in range(patients)]
    stops = [delay(rng, setting, protocol, stops=True) for _ in range(patients)]
    return Outcome(
        alarms_per_year=alarms / (patients * STABLE_YEARS),
        within_two=_within(2, goes_on),
        within_three=_within(3, goes_on),
        within_two_stopped=_within(2, stops),
        within_three_stopped=_within(3, stops),
    )


def _within(samples: int, delays: list[int | None]) -> float:
    return sum(d is not None and d <= samples for d in delays) / len(delays)


def missed(setting: Setting, outcomes: list[Outcome]) -> list[str]:
    """The goals that the mean over the seeds misses, in words."""
    alarms = fmean(o.alarms_per_year for o in outcomes)
    two, three = fmean(o.within_two for o in outcomes), fmean(o.within_three for o in outcomes)
    found = []
    if alarms > MOST_ALARMS:
        found.append(f"{setting.name}: {alarms:.4f} false alarms a year, at most {MOST_ALARMS}")
    if two < LEAST_WITHIN_TWO:
        found.append(f"{setting.name}: {two:.1%} within two samples, at least {LEAST_WITHIN_TWO:.0%}")
    if three < LEAST_WITHIN_THREE:
        found.append(f"{setting.name}: {three:.1%} within three samples, at least {LEAST_WITHIN_THREE:.0%}")
    return found


def _row(setting: Setting, outcomes: list[Outcome]) -> str:
    def cell(values: list[float], form: str) -> str:
        return f"{fmean(values):{form}} ({min(values):{form}}-{max(values):{form}})"

    cells = [
        setting.name,
        cell([o.alarms_per_year for o in outcomes], ".3f"),
        cell([o.within_two for o in outcomes], ".1%"),
        cell([o.within_three for o in outcomes], ".1%"),
        cell([o.within_two_stopped for o in outcomes], ".1%"),
        cell([o.within_three_stopped for o in outcomes], ".1%"),
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200, help="of each kind, per seed")
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    protocol = bundled_protocol()
    print("| patients | false alarms a year | within 2 | within 3 | within 2, stops at 2x | within 3, stops at 2x |")
    print("|---|---|---|---|---|---|", flush=True)
    failures = []
    for setting in SETTINGS:
        outcomes = [outcome(seed, setting, given.patients, protocol) for seed in range(given.seeds)]
        print(_row(setting, outcomes), flush=True)
        failures += missed(setting, outcomes)
    for failure in failures:
        print(f"missed: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
