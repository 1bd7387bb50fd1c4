"""Samples that were sent and whose result is not back (clinical reference rule R34)."""

from __future__ import annotations

from datetime import datetime

from clinical.assay import words_of
from clinical.chart import Chart, Result
from clinical.days import beyond
from clinical.protocol import Protocol


def says_nothing(result: Result) -> bool:
    """Whether a result is only known to have been sent: no number and no word of the laboratory."""
    return result.status == "absent" or (result.value is None and not words_of(result))


def awaited(chart: Chart) -> tuple[Result, ...]:
    """Of each analyte the latest sample without a result, unless a sample taken then or later has one."""
    return chart.derived("awaited", lambda: _awaited(chart))


def usual_days(analyte: str) -> str:
    """The name of the threshold that says how long a result of the analyte usually takes."""
    return "result_back_glucagon" if analyte == "glucagon" else "result_back"


def back_by(result: Result, protocol: Protocol, factor: float = 1) -> datetime:
    """The first midnight at which more than `factor` times its usual time has passed since the sample was taken."""
    return beyond(result.effective, factor * protocol[usual_days(result.analyte)])


def _awaited(chart: Chart) -> tuple[Result, ...]:
    sent = {r.analyte: r for r in chart.results if r.value is None and says_nothing(r)}
    waiting = [r for r in sent.values() if not _answered(chart, r)]
    return tuple(sorted(waiting, key=lambda r: (r.effective, r.record)))


def _answered(chart: Chart, sample: Result) -> bool:
    return any(r.effective >= sample.effective and not says_nothing(r) for r in chart.of(sample.analyte))
