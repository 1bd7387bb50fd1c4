"""Rules of time alone: checks that are overdue or were never made (R30), the gallbladder after an analogue was stopped
(R38), and glucose after its start or change (R39).

R30 is one flag a patient: who reads it books one visit with one draw, so it lists everything to be booked together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from clinical.chart import Chart
from clinical.courses import last_course
from clinical.days import days_since
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding, Suppressed
from clinical.obligations import obligations
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.surveillance import DueItem, next_change, schedule
from clinical.wording import day, listed, number

_VITAMINS = ("vitamin-a", "vitamin-d", "vitamin-e", "vitamin-k")
BOOKED = ("glucagon", "scan", "hba1c", "tsh", "b12", *_VITAMINS, "zinc")
_BOOK_QUESTION = "Book what is missing?"
_WATCH_QUESTION = "Biliary watch after stopping: order an ultrasound?"
_GLUCOSE_QUESTION = "Glucose check?"


def _next_booked(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    return next_change(chart, protocol, now, *BOOKED)


@rule(
    "R30",
    version="1",
    axis="process",
    severities=("medium", "low"),
    trigger="Glucagon, CT or MRI, HbA1c, TSH, B12, vitamins A, D, E, K or zinc not done for more than 1.5 times the "
    "interval the schedule owes in the patient's state and treatment, or never measured; medium beyond twice the "
    "interval. Scans are not asked for after a resection with a low risk of relapse",
    question=_BOOK_QUESTION,
    thresholds=(
        "schedule_overdue_factor",
        "schedule_long_overdue_factor",
        "schedule_baseline_grace",
        "schedule_diagnosis_grace",
        "schedule_ned_first",
        "schedule_ned",
        "schedule_ned_late",
        "schedule_first_year",
        "schedule_fifth_year",
        "schedule_ned_scan_first",
        "schedule_ned_scan",
        "schedule_ned_scan_end",
        "schedule_residual",
        "schedule_residual_scan",
        "schedule_stable_after",
        "schedule_stable_scan",
        "schedule_systemic_scan",
        "schedule_prrt_scan",
        "schedule_hba1c",
        "schedule_tsh",
        "schedule_b12",
        "schedule_vitamins",
        "schedule_vitamins_absorption",
        "schedule_zinc",
        "schedule_pasireotide_stopped_hba1c",
        "result_back_glucagon",
        "result_back",
    ),
    next_due=_next_booked,
)
def surveillance_overdue(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Everything of the schedule that is overdue or was never measured, in one finding."""
    overdue = [item for item in schedule(chart, protocol, now) if item.code in BOOKED and item.overdue(now)]
    if not overdue:
        return
    medium = any(item.long_overdue(now) for item in overdue)
    never, late = [i for i in overdue if i.last is None], [i for i in overdue if i.last is not None]
    worst = max(overdue, key=lambda item: (item.long_overdue(now), -item.overdue_from.timestamp()))
    spared = obligations(chart, protocol, now).spared_scans
    yield Finding(
        rule="R30",
        rule_version="1",
        axis="process",
        severity="medium" if medium else "low",
        subject="schedule",
        title="; ".join(
            part
            for part in (
                f"Overdue: {_together(late)}" if late else "",
                f"{'never' if late else 'Never'} measured: {_together(never)}" if never else "",
            )
            if part
        ),
        question=_BOOK_QUESTION,
        why=f"{_sentence(overdue, now)}.",
        first_evidence_at=min(item.overdue_from for item in overdue),
        evidence=evidence(*(e for item in overdue for e in (item.last, item.since) if e is not None)),
        compared_with=_compared(worst),
        thresholds=used(protocol, *dict.fromkeys(name for item in overdue for name in item.thresholds)),
        suppressed=(Suppressed(what="CT or MRI", why="low risk of relapse: complete resection, G1, T1 N0"),)
        if spared
        else (),
        not_recorded=tuple(item.name for item in never),
    )


def _together(items: Sequence[DueItem]) -> str:
    """The names of items, the vitamins as one."""
    letters = [item.code[-1].upper() for item in items if item.code in _VITAMINS]
    names = [item.name for item in items if item.code not in _VITAMINS]
    if letters:
        names.append(f"{'vitamins' if len(letters) > 1 else 'vitamin'} {listed(sorted(letters))}")
    return listed(names)


def _sentence(overdue: Sequence[DueItem], now: datetime) -> str:
    """Items that say the same are said together: `zinc and TSH never measured, on an analogue since 2024-01-01`."""
    alike: dict[str, list[DueItem]] = {}
    for item in overdue:
        alike.setdefault(_how(item, now), []).append(item)
    said = "; ".join(f"{_together(items)} {how}" for how, items in alike.items())
    return said[0].upper() + said[1:]


def _how(item: DueItem, now: datetime) -> str:
    every = f"every {number(item.interval_days)} days"
    if item.last is None:
        return f"never measured, {item.context}"
    days = f"last on {day(item.last)}, {days_since(item.last.effective, now)} days ago"
    return f"{days}, not since then though {item.context}" if item.never else f"{days}, asked for {every}"


def _compared(item: DueItem) -> ComparedWith:
    return ComparedWith(
        kind="schedule", value=item.interval_days, unit="d", effective=item.due, note=f"{item.name}, {item.context}"
    )


def _item(chart: Chart, protocol: Protocol, now: datetime, code: str) -> DueItem | None:
    """The item of the schedule if it is overdue."""
    return next((i for i in schedule(chart, protocol, now) if i.code == code and i.overdue(now)), None)


def _next_watch(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    return next_change(chart, protocol, now, "ultrasound")


@rule(
    "R38",
    version="1",
    axis="process",
    severities=("low",),
    trigger="An analogue was stopped, the gallbladder is in place and no ultrasound was done for more than 15 months, "
    "for 5 years after the last dose",
    question=_WATCH_QUESTION,
    thresholds=(
        "ultrasound_long_overdue",
        "ultrasound_stopped_interval",
        "ultrasound_stopped_watch",
        "ultrasound_least_exposure",
    ),
    next_due=_next_watch,
)
def watch_after_stopping(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The gallbladder is watched on when the analogue is not given any more."""
    course = last_course(chart, now)
    item = _item(chart, protocol, now, "ultrasound")
    if course is None or course.ended is None or item is None:
        return
    if item.last is None:
        said = "No biliary ultrasound is recorded"
    else:
        said = f"Last biliary ultrasound {day(item.last)}, {days_since(item.last.effective, now)} days ago"
    yield Finding(
        rule="R38",
        rule_version="1",
        axis="process",
        severity="low",
        subject="ultrasound-after-analogue",
        title="Biliary ultrasound after the analogue overdue",
        question=_WATCH_QUESTION,
        why=f"{said}; {item.context}, stones come up to years later.",
        first_evidence_at=item.overdue_from,
        evidence=evidence(course.start, course.last_dose, *([item.last] if item.last else [])),
        compared_with=_compared(item),
        thresholds=used(protocol, "ultrasound_long_overdue", "ultrasound_stopped_watch"),
    )


def _next_glucose(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    return next_change(chart, protocol, now, "glucose-after-change")


@rule(
    "R39",
    version="1",
    axis="process",
    severities=("low",),
    trigger="No glucose, fasting glucose or sensor reading for more than 14 days after an analogue was started or "
    "changed, nor later",
    question=_GLUCOSE_QUESTION,
    thresholds=("glucose_after_change",),
    next_due=_next_glucose,
)
def no_glucose_after_change(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Nobody looked at glucose after the analogue was started or changed."""
    item = _item(chart, protocol, now, "glucose-after-change")
    if item is None:
        return
    before = "none before" if item.last is None else f"the last one on {day(item.last)}, before it"
    yield Finding(
        rule="R39",
        rule_version="1",
        axis="process",
        severity="low",
        subject="glucose",
        title="No glucose since the analogue was started or changed",
        question=_GLUCOSE_QUESTION,
        why=f"{item.context[0].upper()}{item.context[1:]}, {days_since(item.since.effective, now)} days ago, and no "
        f"glucose is recorded since; {before}.",
        first_evidence_at=item.overdue_from,
        evidence=evidence(item.since, *([item.last] if item.last else [])),
        compared_with=_compared(item),
        thresholds=used(protocol, "glucose_after_change"),
        not_recorded=("glucose",),
    )
