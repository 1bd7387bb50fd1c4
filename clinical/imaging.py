"""What each scan said: the reader's verdict where there is one, else what RECIST makes of the lesions measured.

Scans that show size and scans that show receptors are kept apart: neither overrules the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest

from clinical.chart import Chart, Lesion, Response
from clinical.epochs import Boundary, boundaries
from clinical.recist import VisitAssessment, assess, is_receptor_imaging
from clinical.values import value

_PROGRESSION = frozenset({"PD", "recurrence"})


@value
class Scan:
    """One scan date. `verdict` is the reader's response, else the computed one; `signed` whether a reader signed what
    the verdict rests on. `assessment` is the computed side, `new` the rows of new lesions on that date."""

    day: date
    at: datetime
    verdict: str | None
    signed: bool
    response: Response | None
    assessment: VisitAssessment | None
    new: tuple[Lesion, ...]
    lesions: tuple[Lesion, ...]

    @property
    def progression(self) -> bool:
        """Whether the verdict is progression or recurrence."""
        return self.verdict in _PROGRESSION


def scans(chart: Chart) -> tuple[Scan, ...]:
    """Every scan date of a patient, oldest first, scans of size; receptor scans are in `receptor_scans`."""
    return chart.derived("scans", lambda: _scans(chart, receptor=False))


def receptor_scans(chart: Chart) -> tuple[Scan, ...]:
    """Every receptor scan (PET, scintigraphy), oldest first."""
    return chart.derived("receptor-scans", lambda: _scans(chart, receptor=True))


def assessments(chart: Chart) -> tuple[VisitAssessment, ...]:
    """RECIST over the whole course. A treatment of the tumour starts a new series: its baseline is the last scan before
    (after an operation the first one after, as what was measured is gone)."""
    return chart.derived("recist", lambda: _assessments(chart))


def recurrence_seen(chart: Chart, scan: Scan) -> bool:
    """Whether tumour is seen on a scan of a patient stated, at that time, to have no evidence of disease."""
    stated = [s for s in chart.states if s.effective <= scan.at]
    if not stated or stated[-1].state != "ned-resected":
        return False
    seen = any(r.state not in ("absent", "not-evaluable", "equivocal") for r in scan.lesions if r.role != "non-target")
    return scan.progression or seen


def shows_progression(chart: Chart, scan: Scan) -> bool:
    """Whether a scan shows progression, or tumour where none was left and no reader says otherwise."""
    return scan.progression or (scan.response is None and recurrence_seen(chart, scan))


def series(chart: Chart) -> tuple[tuple[Lesion, ...], ...]:
    """The lesion rows of scans of size, a tuple for each series of RECIST, the oldest first.

    The last one is the series the next scan belongs to: after an operation that no scan has followed yet it is empty.
    A scan that closes one series and is the baseline of the next stands in both.
    """
    return chart.derived("lesion-series", lambda: _series(chart))


def _assessments(chart: Chart) -> tuple[VisitAssessment, ...]:
    found: dict[date, VisitAssessment] = {}
    for rows in series(chart):
        for visit in assess(rows):
            # The scan two series share is judged by the earlier one, of which it is the last.
            found.setdefault(visit.scan_date, visit)
    return tuple(found[day] for day in sorted(found))


def _series(chart: Chart) -> tuple[tuple[Lesion, ...], ...]:
    lesions = [r for r in chart.lesions if not is_receptor_imaging(r.modality)]
    if not lesions:
        return ()
    days = sorted({r.effective.date() for r in lesions})
    starts = [_SeriesStart(days[0], shared=False)]
    for boundary in boundaries(chart):
        start = _series_start(boundary, days)
        if start is not None and start.day > starts[-1].day:
            starts.append(start)
    found = [
        tuple(r for r in lesions if start.day <= r.effective.date() and _belongs_before(r, following))
        for start, following in zip_longest(starts, starts[1:])
    ]
    operations = [b for b in boundaries(chart) if b.kind == "surgery"]
    return (*found, ()) if operations and operations[-1].moment.date() >= days[-1] else tuple(found)


@dataclass(frozen=True, slots=True)
class _SeriesStart:
    """The baseline of a series. `shared`: it is also the last scan of the series before; after an operation it is not,
    what was measured before has been removed."""

    day: date
    shared: bool


def _belongs_before(lesion: Lesion, following: _SeriesStart | None) -> bool:
    day = lesion.effective.date()
    return following is None or day < following.day or (following.shared and day == following.day)


def _series_start(boundary: Boundary, days: Sequence[date]) -> _SeriesStart | None:
    day = boundary.moment.date()
    if boundary.kind == "surgery":
        after = next((d for d in days if d > day), None)
        return None if after is None else _SeriesStart(after, shared=False)
    if boundary.kind in ("prrt", "systemic", "local"):
        before = next((d for d in reversed(days) if d <= day), None)
        return None if before is None else _SeriesStart(before, shared=True)
    return None


def _scans(chart: Chart, *, receptor: bool) -> tuple[Scan, ...]:
    computed = {} if receptor else {visit.scan_date: visit for visit in assessments(chart)}
    responses: dict[date, list[Response]] = {}
    for response in chart.responses:
        if is_receptor_imaging(response.modality) == receptor:
            responses.setdefault(response.effective.date(), []).append(response)
    rows: dict[date, list[Lesion]] = {}
    for row in chart.lesions:
        if is_receptor_imaging(row.modality) == receptor:
            rows.setdefault(row.effective.date(), []).append(row)
    return tuple(
        _scan(day, responses.get(day, []), computed.get(day), rows.get(day, []))
        for day in sorted(responses.keys() | rows.keys())
    )


def _scan(
    day: date,
    responses: list[Response],
    assessment: VisitAssessment | None,
    rows: list[Lesion],
) -> Scan:
    # The last signed reading of a date stands; an unsigned one only where none is signed.
    response = max(responses, key=lambda r: (r.signed, r.effective, r.record), default=None)
    if response is not None:
        verdict: str | None = response.response
        signed, at = response.signed, response.effective
    else:
        verdict = assessment.overall if assessment else None
        signed, at = bool(rows) and all(r.signed for r in rows), rows[0].effective
    return Scan(
        day=day,
        at=at,
        verdict=verdict,
        signed=signed,
        response=response,
        assessment=assessment,
        new=tuple(r for r in rows if r.role == "new" and r.state not in ("absent", "not-evaluable")),
        lesions=tuple(rows),
    )
