"""A patient at a glance: the newest of everything, made from the chart when it is judged and kept for the cohort."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import takewhile
from typing import Any, Final, Literal

import msgspec
from sqlalchemy.orm import Session

from clinical.chart import ENTRY_FIELDS, Chart, Entry, Result
from clinical.imaging import assessments
from clinical.injection_plan import InjectionPlan, injection_plan
from clinical.injections import cycles
from clinical.protocol import Protocol
from clinical.recist import VisitAssessment
from clinical.sensor_window import enough, window_now
from clinical.values import value
from clinical.weight import weight_change
from data.models import Glance as Stored
from data.upsert import put

FORM: Final = 2
"""The form of stored glances. Every change of `Glance` raises it, so that the next sweep makes all of them anew."""
SPARK: Final = 12
LONGEST_FAILURE: Final = 500

Trend = Literal["up", "down", "same"]


@value
class LatestResult:
    """The newest result of an analyte. `value` None: it came as text or without a result; `text` then says what came.

    `times_limit` is value / upper limit, None without a limit or for a `<x`. `trend` is against the one before, None
    where the two cannot be compared: another laboratory, method or unit, or no plain number.
    """

    value: float | None
    comparator: str | None
    unit: str | None
    text: str | None
    at: datetime
    precision: str
    ref_low: float | None
    ref_high: float | None
    times_limit: float | None
    trend: Trend | None
    previous: float | None
    previous_at: datetime | None


@value
class SensorTime:
    """The part of the readings of the fortnight ending with `last` within 70-180 mg/dL, and how much of it was worn.

    `in_range` None: too little was worn to speak of parts of the time.
    """

    in_range: float | None
    worn: float
    last: date


@value
class WeightMove:
    """Percent change of the newest weight against the one of `since` (`clinical.weight`)."""

    percent: float
    kg: float
    since: datetime


@value
class Given:
    """The analogue in force. `next_planned`: the next depot injection by the plan (`clinical.injection_plan`)."""

    drug: str
    dose: float | None
    unit: str | None
    interval_days: int | None
    next_planned: date | None


@value
class BestChange:
    """The lowest sum of target lesions since the baseline, as a change in percent of it, and the date of that scan."""

    percent: float
    on: date
    baseline_mm: float


@value
class Glance:
    """One patient at a glance. None everywhere means: not recorded.

    `last_seen` is when the newest record was taken. `spark` holds the newest glucagon numbers, oldest first; `<x` and
    texts are not in it.
    """

    state: str
    last_seen: datetime | None
    glucagon: LatestResult | None
    spark: tuple[tuple[datetime, float], ...]
    iga: int | None
    skin: str | None
    skin_at: datetime | None
    response: str | None
    response_at: datetime | None
    hba1c: LatestResult | None
    sensor: SensorTime | None
    weight_kg: float | None
    weight_at: datetime | None
    weight_change: WeightMove | None
    regimen: Given | None
    best_change: BestChange | None


_DECODER: Final = msgspec.json.Decoder(Glance)


def glance_of(chart: Chart, protocol: Protocol, moment: datetime) -> Glance:
    """The glance of a chart as known at `moment`."""
    known = chart.until(moment)
    skin = known.skin[-1] if known.skin else None
    response = known.responses[-1] if known.responses else None
    glucagon = known.of("glucagon")
    weights = [r for r in known.of("weight") if r.number is not None]
    return Glance(
        state=known.state(),
        last_seen=_last_seen(known, moment),
        glucagon=_latest(glucagon),
        spark=tuple((r.effective, r.number) for r in glucagon if r.number is not None)[-SPARK:],
        iga=None if skin is None else skin.iga,
        skin=None if skin is None else skin.overall,
        skin_at=None if skin is None else skin.effective,
        response=None if response is None else response.response,
        response_at=None if response is None else response.effective,
        hba1c=_latest(known.of("hba1c")),
        sensor=_sensor(known, protocol, moment),
        weight_kg=weights[-1].number if weights else None,
        weight_at=weights[-1].effective if weights else None,
        weight_change=_weight_move(known, protocol),
        regimen=_given(injection_plan(known, protocol, moment)),
        best_change=best_change(assessments(known)),
    )


def best_change(visits: Sequence[VisitAssessment]) -> BestChange | None:
    """The deepest change of the sum of target lesions in the series that runs; None without a baseline or a later scan
    on which all were read.

    A treatment of the tumour starts a new series with a baseline of its own (`clinical.imaging`). A scan that is not
    evaluable counts neither way: what was not read may have grown.
    """
    running = visits[-1].baseline if visits else None
    series = takewhile(lambda visit: visit.baseline == running, reversed(visits))
    changes = [
        BestChange(
            percent=100 * (visit.sum_mm - visit.baseline) / visit.baseline,
            on=visit.scan_date,
            baseline_mm=visit.baseline,
        )
        for visit in series
        if visit.sum_mm is not None and visit.baseline and visit.target not in (None, "NE")
    ]
    return min(changes, key=lambda change: (change.percent, change.on), default=None)


def stored_glance(patient_id: int, chart: Chart, protocol: Protocol, moment: datetime) -> dict[str, Any]:
    """The row of `glance` for a patient. A chart that no glance can be made of makes a row that says so.

    It never raises for what a chart holds: a list that lacks a line must not cost the patient a judgement.
    """
    row: dict[str, Any] = dict.fromkeys((column.name for column in Stored.__table__.columns), None)
    row |= {"patient_id": patient_id, "form": FORM, "as_of": moment, "state": chart.state()}
    try:
        seen = glance_of(chart, protocol, moment)
    except Exception as error:
        return row | {"failure": f"{type(error).__name__}: {error}"[:LONGEST_FAILURE]}
    values = [value for _, value in seen.spark]
    return row | {
        "state": seen.state,
        "last_seen_at": seen.last_seen,
        "glucagon_times": seen.glucagon.times_limit if seen.glucagon else None,
        "glucagon_course": values[-1] / values[0] if len(values) > 1 and values[0] else None,
        "iga": seen.iga,
        "response": seen.response,
        "response_at": seen.response_at,
        "hba1c": seen.hba1c.value if seen.hba1c else None,
        "in_range": seen.sensor.in_range if seen.sensor else None,
        "weight_change": seen.weight_change.percent if seen.weight_change else None,
        "drug": seen.regimen.drug if seen.regimen else None,
        "next_injection": seen.regimen.next_planned if seen.regimen else None,
        "injection_late": _injection_late(chart, protocol, moment),
        "best_change": seen.best_change.percent if seen.best_change else None,
        "content": msgspec.json.encode(seen).decode(),
    }


def read_glance(form: int | None, content: str | None) -> Glance | None:
    """The glance as stored; None where there is none, or only one of another form."""
    return None if form != FORM or content is None else _DECODER.decode(content)


def save_glances(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of `stored_glance`, each in the place of the patient's last one."""
    put(session, Stored, rows)


def _last_seen(chart: Chart, moment: datetime) -> datetime | None:
    newest: list[Entry] = [entries[-1] for field in ENTRY_FIELDS if (entries := getattr(chart, field))]
    return max((entry.effective for entry in newest if entry.effective <= moment), default=None)


def _latest(results: Sequence[Result]) -> LatestResult | None:
    if not results:
        return None
    last = results[-1]
    before = results[-2] if len(results) > 1 else None
    limit = last.ref_high
    return LatestResult(
        value=last.value,
        comparator=last.comparator,
        unit=last.unit,
        text=last.text,
        at=last.effective,
        precision=last.precision,
        ref_low=last.ref_low,
        ref_high=limit,
        times_limit=last.number / limit if last.number is not None and limit else None,
        trend=None if before is None else _trend(before, last),
        previous=None if before is None else before.number,
        previous_at=None if before is None else before.effective,
    )


def _trend(before: Result, last: Result) -> Trend | None:
    if before.number is None or last.number is None:
        return None
    if (before.lab, before.method, before.unit) != (last.lab, last.method, last.unit):
        return None
    if before.number == last.number:
        return "same"
    return "up" if last.number > before.number else "down"


def _sensor(chart: Chart, protocol: Protocol, moment: datetime) -> SensorTime | None:
    window = window_now(chart, protocol, moment)
    if window is None:
        return None
    within = sum(day.count - day.below_70 - day.above_180 for day in window.days)
    worn = within / window.readings if enough(window, protocol) else None
    return SensorTime(in_range=worn, worn=window.worn, last=window.last)


def _weight_move(chart: Chart, protocol: Protocol) -> WeightMove | None:
    change = weight_change(chart, protocol)
    if change is None or change.latest.number is None or change.baseline.number is None:
        return None
    return WeightMove(
        percent=-100 * change.lost,
        kg=change.latest.number - change.baseline.number,
        since=change.baseline.effective,
    )


def _given(plan: InjectionPlan) -> Given | None:
    regimen = plan.regimen
    if regimen is None:
        return None
    return Given(
        drug=regimen.drug,
        dose=regimen.dose,
        unit=regimen.unit,
        interval_days=regimen.interval_days,
        next_planned=plan.next,
    )


def _injection_late(chart: Chart, protocol: Protocol, moment: datetime) -> int | None:
    known = chart.until(moment)
    ended = [cycle for cycle in cycles(known, protocol, moment) if cycle.following is not None]
    return ended[-1].days_late(moment) if ended else None
