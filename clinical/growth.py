"""Growth that is not yet progression: two scans in a row a tenth and 5 mm above the nadir, below a fifth.

RECIST is insensitive for slow growth (clinical reference 5.2, after Cancer Metast Rev 2015); arithmetic in tenths of a
millimetre, as in `clinical.recist`.
"""

from __future__ import annotations

from dataclasses import dataclass

from clinical.chart import Chart
from clinical.imaging import Scan, assessments, scans, shows_progression
from clinical.protocol import Protocol
from clinical.recist import VisitAssessment

_DAYS_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class SlowGrowth:
    """Two scans in a row above the nadir. `fraction` is the growth over it at `last`, `a_year` the same per year, None
    where the scan that set the nadir is not known."""

    first: Scan
    last: Scan
    nadir: float
    fraction: float
    a_year: float | None


def slow_growth(chart: Chart, protocol: Protocol) -> SlowGrowth | None:
    """Slow growth at the latest two scans that measured every target lesion, or None. Nothing of one series of RECIST
    is held against another: a treatment between the two starts anew."""
    measured = [v for v in assessments(chart) if v.sum_mm is not None and v.target not in (None, "NE")]
    if len(measured) < 2:
        return None
    before, latest = measured[-2:]
    if (before.nadir, before.baseline) != (latest.nadir, latest.baseline):
        return None
    if not all(_grows(visit, protocol) for visit in (before, latest)):
        return None
    by_day = {scan.day: scan for scan in scans(chart)}
    first, last = by_day[before.scan_date], by_day[latest.scan_date]
    newer = any(s.day > last.day and s.verdict not in (None, "NE") for s in by_day.values())
    if newer or any(shows_progression(chart, scan) for scan in (first, last)):
        return None
    nadir, total = latest.nadir or 0.0, latest.sum_mm or 0.0
    fraction = total / nadir - 1
    lowest = next((v for v in assessments(chart) if v.sum_mm == nadir and v.scan_date < last.day), None)
    days = None if lowest is None else (last.day - lowest.scan_date).days
    return SlowGrowth(first, last, nadir, fraction, a_year(fraction, days) if days else None)


def a_year(fraction: float, days: int) -> float:
    """A growth over `days`, one or more, as the same growth a year."""
    return fraction * _DAYS_A_YEAR / days


def _grows(visit: VisitAssessment, protocol: Protocol) -> bool:
    if not visit.nadir or visit.sum_mm is None or visit.target == "PD":
        return False
    total, nadir = round(visit.sum_mm * 10), round(visit.nadir * 10)
    grown = 100 * total >= (100 + protocol["slow_growth"]) * nadir
    return grown and total - nadir >= 10 * protocol["slow_growth_least"]
