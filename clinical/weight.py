"""Weight against what it was half a year before (rules R19 and R25)."""

from __future__ import annotations

from dataclasses import dataclass

from clinical.assay import measured
from clinical.chart import Chart, Result
from clinical.protocol import Protocol
from clinical.saying import Figure, say
from clinical.wording import day, days_between, quantity


@dataclass(frozen=True, slots=True)
class WeightChange:
    """The latest weight and its baseline (kg); `lost` is the part of the baseline that is gone, negative for a gain."""

    latest: Result
    baseline: Result
    lost: float

    @property
    def words(self) -> str:
        """The change in a sentence."""
        now, then = (quantity(r.value, r.unit) for r in (self.latest, self.baseline))
        told = {
            "now": now,
            "date": day(self.latest),
            "share": Figure(f"{abs(self.lost) * 100:.1f}"),
            "then": then,
            "before": day(self.baseline),
        }
        if self.lost > 0:
            return say("weight {now} on {date}, {share} % less than {then} on {before}", **told)
        return say("weight {now} on {date}, {share} % more than {then} on {before}", **told)


def weight_change(chart: Chart, protocol: Protocol) -> WeightChange | None:
    """The latest weight against the one nearest to six months before it.

    Taken from those 3 to 9 months older; where there is none, the oldest of the last 3 months. None without both.
    """
    return chart.derived(("weight-change", protocol.version), lambda: _weight_change(chart, protocol))


def _weight_change(chart: Chart, protocol: Protocol) -> WeightChange | None:
    weights = [r for r in measured(chart, "weight") if r.number]
    if len(weights) < 2:
        return None
    latest = weights[-1]
    aged = [(days_between(r, latest), r) for r in weights[:-1]]
    earliest, furthest = protocol["weight_baseline_earliest"], protocol["weight_baseline_latest"]
    older = [(age, r) for age, r in aged if earliest <= age <= furthest]
    if older:
        _, baseline = min(older, key=lambda pair: abs(pair[0] - protocol["weight_baseline"]))
    else:
        young = [r for age, r in aged if 0 < age < earliest]
        if not young:
            return None
        baseline = young[0]
    now, then = latest.number or 0.0, baseline.number or 0.0
    return WeightChange(latest, baseline, 1 - now / then)
