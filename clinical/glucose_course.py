"""What is high and what is low in a patient's glucose at a moment (clinical reference 8, rules R21 and R22)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from clinical import ctcae
from clinical.assay import below_limit, latest_told, measured
from clinical.chart import Chart, Comparator, Entry, Result
from clinical.finding import ComparedWith, Severity
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.saying import Figure, say
from clinical.sensor_window import SensorWindow, days_of, enough, first_of_run, next_window, window_now
from clinical.therapy import ANTIDIABETIC_DRUGS, running
from clinical.wording import date_of, day, days_between, number, quantity, said

_BY_GRADE: dict[int, Severity] = {2: "medium", 3: "high", 4: "urgent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseSign:
    """One sign: in words with its numbers, its severity, its entries, its thresholds. `lapses`: when it stops being
    current by time alone; None for a sensor, whose window moves day by day."""

    words: str
    severity: Severity
    entries: tuple[Entry, ...]
    thresholds: tuple[str, ...]
    lapses: datetime | None
    compared_with: ComparedWith | None = None
    by_sensor: bool = False


def high_signs(chart: Chart, protocol: Protocol, now: datetime) -> tuple[GlucoseSign, ...]:
    """Every sign of high glucose that is current at `now`."""
    return chart.derived(
        ("glucose-high", protocol.version, now),
        lambda: (*_current(_every_high(chart, protocol), now), *_sensor_high(chart, protocol, now)),
    )


def low_signs(chart: Chart, protocol: Protocol, now: datetime) -> tuple[GlucoseSign, ...]:
    """Every sign of low glucose that is current at `now`."""
    return chart.derived(
        ("glucose-low", protocol.version, now),
        lambda: (*_current(_every_low(chart, protocol), now), *_sensor_low(chart, protocol, now)),
    )


def next_high(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    """When time alone may next change the signs of high glucose."""
    return _next(chart, protocol, now, high_signs(chart, protocol, now))


def next_low(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    """When time alone may next change the signs of low glucose."""
    return _next(chart, protocol, now, low_signs(chart, protocol, now))


def low_trust(chart: Chart, hba1c: Result, protocol: Protocol) -> Entry | None:
    """The anaemia or transfusion around an HbA1c that makes it unreliable; None where none is recorded."""
    window = timedelta(days=protocol["hba1c_trust_window"])
    near = [h for h in measured(chart, "haemoglobin") if abs(h.effective - hba1c.effective) <= window]
    nearest = min(near, key=lambda h: abs(h.effective - hba1c.effective), default=None)
    if nearest is not None and below_limit(nearest, nearest.ref_low):
        return nearest
    return next(
        (f for f in chart.findings if f.code == "transfusion" and abs(f.effective - hba1c.effective) <= window), None
    )


def _every_high(chart: Chart, protocol: Protocol) -> tuple[GlucoseSign, ...]:
    return chart.derived(("every-glucose-high", protocol.version), lambda: tuple(_high(chart, protocol)))


def _every_low(chart: Chart, protocol: Protocol) -> tuple[GlucoseSign, ...]:
    return chart.derived(("every-glucose-low", protocol.version), lambda: tuple(_low(chart, protocol)))


def _current(signs: Iterable[GlucoseSign], now: datetime) -> tuple[GlucoseSign, ...]:
    return tuple(sign for sign in signs if sign.lapses is None or now < sign.lapses)


def _next(chart: Chart, protocol: Protocol, now: datetime, signs: tuple[GlucoseSign, ...]) -> datetime | None:
    due = [sign.lapses for sign in signs if sign.lapses is not None]
    window = next_window(chart, protocol, now)
    return min([*due, *([window] if window is not None else [])], default=None)


def _limit(protocol: Protocol, name: str, kind: Literal["upper-limit", "lower-limit"]) -> ComparedWith:
    named = protocol.threshold(name)
    return ComparedWith(kind=kind, value=named.value, unit=named.unit, note=named.meaning)


def _lapse(entry: Entry, days: float) -> datetime:
    return entry.effective + timedelta(days=days)


def _high(chart: Chart, protocol: Protocol) -> Iterable[GlucoseSign]:
    yield from _newly_diabetic(chart, protocol)
    yield from _hba1c_rise(chart, protocol)
    yield from _graded(chart, protocol)
    yield from _ketoacidosis(chart, protocol)
    yield from _drug_started(chart, protocol)


def _newly_diabetic(chart: Chart, protocol: Protocol) -> Iterable[GlucoseSign]:
    """The first two fasting results in a row at the diagnostic limit, while the latest still is; not in a patient who
    had a drug for diabetes or a diabetic HbA1c before."""
    limit = protocol["fasting_glucose_diabetic"]
    fasting = [(r, above) for r in _fasting(chart) if (above := _at_least(r, limit)) is not None]
    if not fasting or not fasting[-1][1]:
        return
    for (first, first_high), (second, second_high) in pairwise(fasting):
        if first_high and second_high and days_between(first, second) >= 1:
            if not _known_diabetic(chart, first, protocol):
                yield GlucoseSign(
                    words=say(
                        "fasting glucose {first} on {first_date} and {second} on {second_date}, {limit} or more for "
                        "the first time twice in a row",
                        first=said(first),
                        first_date=day(first),
                        second=said(second),
                        second_date=day(second),
                        limit=quantity(limit, "mg/dL"),
                    ),
                    severity="medium",
                    entries=(first, second),
                    thresholds=("fasting_glucose_diabetic", "glucose_new_window"),
                    lapses=_lapse(second, protocol["glucose_new_window"]),
                    compared_with=ComparedWith(kind="upper-limit", value=limit, unit="mg/dL", note="diabetes"),
                )
            return


def _fasting(chart: Chart) -> list[Result]:
    return [r for r in measured(chart, "glucose", "glucose-fasting") if _is_fasting(r)]


def _is_fasting(result: Result) -> bool:
    return result.fasting is True or (result.analyte == "glucose-fasting" and result.fasting is None)


def _at_least(result: Result, limit: float) -> bool | None:
    """Whether a glucose is at the limit or beyond; None where a text or a censored number does not tell."""
    if result.value is None:
        return None
    if result.comparator in ("<", "<="):
        return None if reaches(result.value, limit) else False
    if result.comparator in (">", ">="):
        return True if reaches(result.value, limit) else None
    return reaches(result.value, limit)


def _known_diabetic(chart: Chart, before: Entry, protocol: Protocol) -> bool:
    drug = any(t.drug in ANTIDIABETIC_DRUGS and t.effective <= before.effective for t in chart.therapy)
    limit = protocol["hba1c_diabetic"]
    return drug or any(
        _at_least(r, limit) for r in measured(chart, "hba1c") if r.effective.date() < before.effective.date()
    )


def _hba1c_rise(chart: Chart, protocol: Protocol) -> Iterable[GlucoseSign]:
    results = [r for r in measured(chart, "hba1c") if r.number is not None]
    if not results:
        return
    last = results[-1]
    earliest, latest = protocol["hba1c_rise_earliest"], protocol["hba1c_rise_latest"]
    before = [r for r in results[:-1] if earliest <= days_between(r, last) <= latest]
    lowest = min(before, key=lambda r: r.number or 0.0, default=None)
    if lowest is None or lowest.number is None or last.number is None:
        return
    rise = last.number - lowest.number
    if not reaches(rise, protocol["hba1c_rise"]):
        return
    doubt = low_trust(chart, last, protocol)
    trust = "" if doubt is None else say(", low trust: anaemia or transfusion")
    yield GlucoseSign(
        words=say(
            "HbA1c {value} on {date}, {number} points above {lowest} on {lowest_date}{trust}",
            value=said(last),
            date=day(last),
            number=number(rise),
            lowest=said(lowest),
            lowest_date=day(lowest),
            trust=trust,
        ),
        severity="medium",
        entries=(lowest, last, *([doubt] if doubt is not None else [])),
        thresholds=("hba1c_rise", "hba1c_rise_earliest", "hba1c_rise_latest", "glucose_current"),
        lapses=_lapse(last, protocol["glucose_current"]),
        compared_with=ComparedWith(kind="previous", value=lowest.number, unit=lowest.unit, effective=lowest.effective),
    )


def _graded(chart: Chart, protocol: Protocol) -> Iterable[GlucoseSign]:
    """The highest CTCAE v6.0 grade among the results of the latest day with a glucose."""
    last = latest_told(chart, "glucose", "glucose-fasting")
    if last is None:
        return
    that_day = [r for r in measured(chart, "glucose", "glucose-fasting") if r.effective.date() == last.effective.date()]
    graded = [(hyperglycaemia_grade(r), r) for r in that_day]
    grade, result = max(graded, key=lambda pair: pair[0], default=(0, last))
    if grade < protocol["glucose_ctcae_grade"]:
        return
    kind = say("fasting glucose") if _is_fasting(result) else say("glucose")
    yield GlucoseSign(
        words=say(
            "{kind} {value} on {date}, CTCAE v6.0 grade {grade}",
            kind=kind,
            value=said(result),
            date=day(result),
            grade=grade,
        ),
        severity=_BY_GRADE[grade],
        entries=(result,),
        thresholds=("glucose_ctcae_grade", "glucose_current"),
        lapses=_lapse(result, protocol["glucose_current"]),
    )


def hyperglycaemia_grade(result: Result) -> int:
    """The CTCAE v6.0 grade a glucose (mg/dL) reaches at least; 0 where it reaches none or cannot be graded.

    Grades 1 and 2 are defined for fasting glucose only.
    """
    term = "Hyperglycemia (Fasting)" if _is_fasting(result) else "Hyperglycemia"
    return _graded_at_least(term, result.value, result.ref_high, result.comparator, result.fasting)


@lru_cache(4096)
def _graded_at_least(
    term: str, value: float | None, upper: float | None, comparator: Comparator | None, fasting: bool | None
) -> int:
    measured = ctcae.Measurement(value=value, unit="mg/dL", uln=upper, comparator=comparator, fasting=fasting)
    return ctcae.grade(term, measured, 6).grade or 0


def _ketoacidosis(chart: Chart, protocol: Protocol) -> Iterable[GlucoseSign]:
    window = protocol["glucose_event_window"]
    told: list[tuple[str, Entry]] = [
        *(
            (say("ketoacidosis on {date}", date=day(s)), s)
            for s in chart.symptoms
            if s.name == "ketoacidosis" and s.present
        ),
        *((say("ketoacidosis on {date}", date=day(f)), f) for f in chart.findings if f.code == "ketoacidosis"),
        *(
            (say("ketones {value} on {date}", value=said(r), date=day(r)), r)
            for r in measured(chart, "ketones")
            if _at_least(r, protocol["ketones_high"])
        ),
    ]
    for words, entry in told:
        yield GlucoseSign(
            words=words,
            severity="urgent",
            entries=(entry,),
            thresholds=("ketones_high", "glucose_event_window"),
            lapses=_lapse(entry, window),
            compared_with=_limit(protocol, "ketones_high", "upper-limit"),
        )


def _drug_started(chart: Chart, protocol: Protocol) -> Iterable[GlucoseSign]:
    """A drug for diabetes begun, or begun again: somebody found the glucose too high."""
    for entry in chart.therapy:
        if entry.drug not in ANTIDIABETIC_DRUGS or entry.kind == "stop":
            continue
        if entry in running(chart, frozenset({entry.drug}), entry.effective):
            yield GlucoseSign(
                words=say("{drug} started on {date}", drug=entry.drug, date=day(entry)),
                severity="medium",
                entries=(entry,),
                thresholds=("glucose_event_window",),
                lapses=_lapse(entry, protocol["glucose_event_window"]),
            )


def _sensor_high(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[GlucoseSign]:
    def holds(window: SensorWindow) -> bool:
        return enough(window, protocol) and reaches(window.high, protocol["sensor_high"])

    current = window_now(chart, protocol, now)
    if current is None or (first := first_of_run(chart, protocol, now, holds)) is None:
        return
    yield GlucoseSign(
        words=say(
            "sensor above 250 mg/dL {share} % of {days} days worn, so since the fortnight up to {date}",
            share=Figure(f"{100 * current.high:.1f}"),
            days=days_of(current.days),
            date=date_of(first.last),
        ),
        severity="medium",
        entries=first.days,
        thresholds=("sensor_high", "sensor_days", "sensor_active"),
        lapses=None,
        by_sensor=True,
    )


def _low(chart: Chart, protocol: Protocol) -> Iterable[GlucoseSign]:
    window = protocol["glucose_event_window"]
    for symptom in chart.symptoms:
        if symptom.name == "severe-hypoglycaemia" and symptom.present:
            yield GlucoseSign(
                words=say("severe hypoglycaemia (level 3) on {date}", date=day(symptom)),
                severity="urgent",
                entries=(symptom,),
                thresholds=("glucose_event_window",),
                lapses=_lapse(symptom, window),
            )
    for result in measured(chart, "glucose", "glucose-fasting"):
        if below_limit(result, protocol["glucose_low"]):
            yield GlucoseSign(
                words=say("glucose {value} on {date}", value=said(result), date=day(result)),
                severity="high",
                entries=(result,),
                thresholds=("glucose_low", "glucose_event_window"),
                lapses=_lapse(result, window),
                compared_with=_limit(protocol, "glucose_low", "lower-limit"),
            )


def _sensor_low(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[GlucoseSign]:
    def holds(window: SensorWindow) -> bool:
        on_days = days_of(window.low_days) >= protocol["sensor_low_days"]
        return on_days or (enough(window, protocol) and reaches(window.low, protocol["sensor_low"]))

    current = window_now(chart, protocol, now)
    if current is None or (first := first_of_run(chart, protocol, now, holds)) is None:
        return
    minutes, days = number(protocol["sensor_low_minutes"]), days_of(current.low_days)
    yield GlucoseSign(
        words=say(
            "sensor below 54 mg/dL {share} % of {worn} days worn, {minutes} minutes or more on {days} of them, so "
            "since the fortnight up to {date}",
            share=Figure(f"{100 * current.low:.1f}"),
            worn=days_of(current.days),
            minutes=minutes,
            days=days,
            date=date_of(first.last),
        ),
        severity="high",
        entries=first.low_days or first.days,
        thresholds=("sensor_low_minutes", "sensor_low_days", "sensor_low", "sensor_days", "sensor_active"),
        lapses=None,
        by_sensor=True,
    )
