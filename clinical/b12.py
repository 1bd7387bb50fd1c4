"""Vitamin B12 on an analogue: whether it has fallen from its baseline by more than chance (rule R36).

It can halve within two years and not be low yet (Ploeckinger 1990: 380 to 172 pmol/L): the trend warns first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinical.assay import assays_of, below_limit, measured
from clinical.chart import Chart, Result, Therapy
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.therapy import regimen_at
from clinical.variation import rcv_down


@dataclass(frozen=True, slots=True, kw_only=True)
class B12Trend:
    """A fall of vitamin B12: `change` and the reference change value `rcv` are negative fractions of the baseline.
    `replaced`: the vitamin B12 given since the baseline, None where none is recorded."""

    baseline: Result
    latest: Result
    change: float
    rcv: float
    replaced: Therapy | None


def b12_trend(chart: Chart, protocol: Protocol, now: datetime) -> B12Trend | None:
    """The fall of vitamin B12 since the analogue in force at `now` began, where it is one reference change value or
    more and the latest is not yet low. Results of one assay only; a low value is a deficiency and no trend.

    Baseline: the last result up to the start of the analogue, else the first soon after it.
    """
    results = [r for r in measured(chart, "b12") if r.number]
    regimen = regimen_at(chart, now) if len(results) > 1 else None
    if regimen is None:
        return None
    baseline = _baseline(results, regimen.started, protocol)
    latest = results[-1]
    if baseline is None or latest.effective <= baseline.effective or below_limit(latest, protocol["b12_low"]):
        return None
    assay = {result.record: assay for result, (assay, _) in zip(results, assays_of(results), strict=True)}
    change = (latest.number or 0.0) / (baseline.number or 1.0) - 1
    rcv = rcv_down(protocol["b12_cv_analytical"], protocol["b12_cv_within"])
    if assay[baseline.record] is not assay[latest.record] or not reaches(-change, -rcv):
        return None
    given = [t for t in chart.therapy if t.drug == "b12" and t.kind != "stop" and t.effective >= baseline.effective]
    return B12Trend(baseline=baseline, latest=latest, change=change, rcv=rcv, replaced=given[0] if given else None)


def _baseline(results: list[Result], started: datetime, protocol: Protocol) -> Result | None:
    before = [r for r in results if r.effective.date() <= started.date()]
    if before:
        return before[-1]
    latest = started + timedelta(days=protocol["b12_baseline_latest"])
    return results[0] if results[0].effective <= latest else None
