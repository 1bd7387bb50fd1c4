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
    told: dict[str, datetime] = {}
    sent: dict[str, Result] = {}
    for result in chart.results:
        if says_nothing(result):
            sent[result.analyte] = result
        else:
            told[result.analyte] = result.effective
    waiting = [r for analyte, r in sent.items() if analyte not in told or told[analyte] < r.effective]
    return tuple(sorted(waiting, key=lambda r: (r.effective, r.record)))
