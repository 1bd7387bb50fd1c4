"""Glucose, skin, lesions and weight of a chart as their panels draw them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time

import numpy as np

from clinical.chart import Chart, Lesion, Response, SkinAssessment
from clinical.recist import VisitAssessment
from dashboard.figures.series import (
    GlucosePanel,
    LesionPanel,
    Mark,
    Points,
    SensorBand,
    SensorStretch,
    SkinPanel,
    floats,
)
from dashboard.language import _, message, tell
from dashboard.parts.coded import coded
from dashboard.parts.plotted.labels import label, plain
from dashboard.parts.plotted.runs import run_of, runs_of
from dashboard.parts.quantities import number
from dashboard.parts.times import Clock, wall_ms_of
from dashboard.parts.units import TARGET, Units
from data.readings import HIGH, LOW
from data.sensor_course import SensorDays, SensorReadings


def glucose_panel(chart: Chart, sensor: SensorDays, clock: Clock, units: Units) -> GlucosePanel:
    """Laboratory and meter glucose, HbA1c, and one entry for each sensor day. `chart` is in `units` already."""
    results = [r for r in chart.of("glucose", "glucose-fasting") if r.value is not None or r.text]
    return GlucosePanel(
        unit=units.glucose,
        target=TARGET[units.glucose],
        readings=run_of(results, clock),
        sensor=sensor_band(sensor, units),
        hba1c=runs_of(chart.of("hba1c"), clock),
    )


def sensor_band(days: SensorDays, units: Units) -> SensorBand:
    """The days that have numbers, at noon UTC, in `units`."""
    kept = np.flatnonzero(np.isfinite(days.median))
    scale = units.glucose_scale
    return SensorBand(
        unit=units.glucose,
        day=floats([datetime.combine(days.day[i], time(12), UTC).timestamp() * 1000 for i in kept]),
        lowest=days.lowest[kept] * scale,
        p5=days.p5[kept] * scale,
        median=days.median[kept] * scale,
        p95=days.p95[kept] * scale,
        highest=days.highest[kept] * scale,
        count=floats(days.count)[kept],
        low_marks=floats(days.low_marks)[kept],
        high_marks=floats(days.high_marks)[kept],
    )


def sensor_stretch(readings: SensorReadings, clock: Clock, units: Units) -> SensorStretch:
    """Every reading on the site's clock: in the night of a clock change the hour that comes twice is drawn twice."""
    mark = np.select([readings.marks == LOW, readings.marks == HIGH], [-1.0, 1.0], 0.0)
    return SensorStretch(at=wall_ms_of(readings.at, clock.zone), value=readings.values * units.glucose_scale, mark=mark)


def skin_panel(assessments: Sequence[SkinAssessment], clock: Clock) -> SkinPanel:
    """IGA and body surface where they were scored; assessments without either as words."""
    return SkinPanel(
        iga=_scored([(a, a.iga) for a in assessments], message("IGA {score}"), clock),
        bsa=_scored([(a, a.bsa) for a in assessments], message("Body surface {score} %"), clock),
        words=tuple(
            Mark(
                at=clock.ms(a),
                text=a.overall,
                label=label(_("Skin {word}", word=coded(a.overall or "")), *_skin(a), entry=a, clock=clock),
                record=a.record,
            )
            for a in assessments
            if a.iga is None and a.bsa is None and a.overall is not None
        ),
    )


def _scored(scores: Sequence[tuple[SkinAssessment, float | None]], form: str, clock: Clock) -> Points:
    kept = [(a, v) for a, v in scores if v is not None]
    return Points(
        at=floats([clock.ms(a) for a, _ in kept]),
        value=floats([v for _, v in kept]),
        label=tuple(label(_(form, score=number(v)), *_skin(a), entry=a, clock=clock) for a, v in kept),
        record=tuple(a.record for a, _ in kept),
    )


def _skin(a: SkinAssessment) -> list[str | None]:
    infection = (
        None if a.infection in (None, "none") else _("infection {infection}", infection=coded(a.infection or ""))
    )
    return [
        coded(a.overall or ""),
        ", ".join(map(coded, a.sites)),
        infection,
        None if a.new_drug in (None, "none") else _("new drug {drug}", drug=a.new_drug),
    ]


def lesion_panel(
    scans: Sequence[VisitAssessment], lesions: Sequence[Lesion], responses: Sequence[Response], clock: Clock
) -> LesionPanel:
    """Sums computed from the lesions; the reader's letters where one signed or stated them, else the computed ones."""
    stated = {r.effective.date(): r for r in responses}
    summed = [s for s in scans if s.sum_mm is not None]
    letters = [_stated(r, clock) for r in responses]
    letters += [_computed(s) for s in scans if s.overall is not None and s.scan_date not in stated]
    return LesionPanel(
        sums=Points(
            at=floats([_scan_ms(s) for s in summed]),
            value=floats([s.sum_mm for s in summed]),
            label=tuple(_sum_label(s, clock) for s in summed),
            record=tuple(s.records[0] if s.records else "" for s in summed),
        ),
        responses=tuple(sorted(letters, key=lambda m: m.at)),
        new=tuple(_new(lesions, clock)),
    )


def _scan_ms(scan: VisitAssessment) -> float:
    return midnight(scan).timestamp() * 1000


def midnight(scan: VisitAssessment) -> datetime:
    """The start of the scan's date, where it stands on a time axis."""
    return datetime.combine(scan.scan_date, time(), UTC)


def _sum_label(scan: VisitAssessment, clock: Clock) -> str:
    against = _("nadir {number} mm", number=number(scan.nadir)) if scan.nadir is not None else _("no nadir")
    entry = Lesion(record="", effective=midnight(scan), known_at=midnight(scan), lesion="", role="target")
    return label(
        _("Sum of target lesions {number} mm", number=number(scan.sum_mm or 0.0)),
        against,
        tell(scan.reason),
        entry=entry,
        clock=clock,
    )


def _stated(response: Response, clock: Clock) -> Mark:
    signed = _("signed") if response.signed else _("not signed")
    words = label(
        _("Response {letters}", letters=response.response),
        response.modality,
        response.reader,
        signed,
        entry=response,
        clock=clock,
    )
    return Mark(at=clock.ms(response), text=response.response, label=words, record=response.record)


def _computed(scan: VisitAssessment) -> Mark:
    words = plain(
        _(
            "Response {letters}, computed from the lesions, not signed: {reason}",
            letters=scan.overall,
            reason=tell(scan.reason),
        )
    )
    return Mark(at=_scan_ms(scan), text=f"({scan.overall})", label=words, record=scan.records[0])


def _new(lesions: Sequence[Lesion], clock: Clock) -> Iterable[Mark]:
    seen: set[str] = set()
    for lesion in lesions:
        if lesion.role == "new" and lesion.lesion not in seen:
            seen.add(lesion.lesion)
            where = lesion.site or lesion.organ
            words = label(
                _("New lesion {name}", name=lesion.lesion),
                coded(where or ""),
                coded(lesion.state),
                entry=lesion,
                clock=clock,
            )
            yield Mark(at=clock.ms(lesion), text=lesion.lesion, label=words, record=lesion.record)
