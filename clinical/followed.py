"""What the record holds of the time after a decision: marker, skin, symptoms and the regimen that was entered.

It puts two moments beside each other and says whether they can be compared. It does not say that one caused the other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from clinical.change import MarkerCourse, Sample
from clinical.chart import Chart, SkinAssessment
from clinical.therapy import AnalogueStep, analogue_steps

LONGEST: Final = timedelta(days=180)
"""How far after a decision one looks: a choice of presentation. Six months hold two scans and six depot injections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """From `since` to `until`. `_before` is the last look up to `since`, `_after` the last one in the stretch, None
    where there was none; `samples` and `looks` count those in the stretch.

    `other_assay`: the two marker samples are of different laboratories or methods. `symptoms` are names with the number
    of times each was recorded as present. `steps` are the analogue steps that begin on the day of `since` or later.
    """

    since: datetime
    until: datetime
    marker_before: Sample | None
    marker_after: Sample | None
    samples: int
    other_assay: bool
    skin_before: SkinAssessment | None
    skin_after: SkinAssessment | None
    looks: int
    symptoms: tuple[tuple[str, int], ...]
    steps: tuple[AnalogueStep, ...]


def followed(
    chart: Chart, marker: MarkerCourse, *, since: datetime, now: datetime, following: datetime | None = None
) -> Followed:
    """What followed a decision of the moment `since`, up to the decision `following` it, `LONGEST` or `now`."""
    until = min(moment for moment in (now, since + LONGEST, following) if moment is not None)
    samples = [s for s in marker.samples if s.result.value is not None]
    before = [s for s in samples if s.result.effective <= since]
    after = [s for s in samples if since < s.result.effective <= until]
    skin = [a for a in chart.skin if a.effective <= since]
    looks = [a for a in chart.skin if since < a.effective <= until]
    present = Counter(s.name for s in chart.symptoms if s.present and since < s.effective <= until)
    day = since.date()
    return Followed(
        since=since,
        until=until,
        marker_before=before[-1] if before else None,
        marker_after=after[-1] if after else None,
        samples=len(after),
        other_assay=bool(before and after) and before[-1].assay is not after[-1].assay,
        skin_before=skin[-1] if skin else None,
        skin_after=looks[-1] if looks else None,
        looks=len(looks),
        symptoms=tuple(sorted(present.items())),
        steps=tuple(s for s in analogue_steps(chart) if s.entry.effective.date() >= day and s.entry.effective <= until),
    )
