"""CRP and albumin around a nutrient: inflammation lowers zinc, retinol and albumin by itself (clinical reference 7)."""

from __future__ import annotations

from datetime import timedelta

from clinical.assay import above_limit, below_limit, measured
from clinical.chart import Chart, Entry, Result
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.wording import day, listed, said

_NAMES = {"crp": say("CRP"), "albumin": say("albumin")}


def inflammation(chart: Chart, moment: Entry, protocol: Protocol) -> tuple[Result, ...]:
    """The CRP above and the albumin below its limit nearest to `moment`; empty where neither is, or is recorded."""
    crp = _nearest(chart, "crp", moment, protocol)
    albumin = _nearest(chart, "albumin", moment, protocol)
    found = []
    if crp is not None and above_limit(crp, protocol["inflammation_crp"]):
        found.append(crp)
    if albumin is not None and below_limit(albumin, protocol["albumin_low"]):
        found.append(albumin)
    return tuple(found)


def inflammation_in_words(shown: tuple[Result, ...]) -> str:
    """The same results as a clinician reads them."""
    return listed(say("{name} {value} on {date}", name=_NAMES[r.analyte], value=said(r), date=day(r)) for r in shown)


def _nearest(chart: Chart, analyte: str, moment: Entry, protocol: Protocol) -> Result | None:
    window = timedelta(days=protocol["inflammation_window"])
    near = [r for r in measured(chart, analyte) if r is not moment and abs(r.effective - moment.effective) <= window]
    return min(near, key=lambda r: abs(r.effective - moment.effective), default=None)
