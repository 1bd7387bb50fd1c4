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
from clinical.saying import capital, chained, say
from clinical.surveillance import DueItem, next_change, schedule
from clinical.wording import day, listed, number

_VITAMINS = ("vitamin-a", "vitamin-d", "vitamin-e", "vitamin-k")
BOOKED = ("glucagon", "scan", "hba1c", "tsh", "b12", *_VITAMINS, "zinc")
_BOOK_QUESTION = say("Book what is missing?")
_WATCH_QUESTION = say("Biliary watch after stopping: order an ultrasound?")
_GLUCOSE_QUESTION = say("Glucose check?")


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
        title=_title(late, never),
        question=_BOOK_QUESTION,
        why=_sentence(overdue, now) + ".",
        first_evidence_at=min(item.overdue_from for item in overdue),
        evidence=evidence(*(e for item in overdue for e in (item.last, item.since) if e is not None)),
        compared_with=_compared(worst),
        thresholds=used(protocol, *dict.fromkeys(name for item in overdue for name in item.thresholds)),
        suppressed=(Suppressed(what=say("CT or MRI"), why=say("low risk of relapse: complete resection, G1, T1 N0")),)
        if spared
        else (),
        not_recorded=tuple(item.name for item in never),
    )


def _title(late: Sequence[DueItem], never: Sequence[DueItem]) -> str:
    overdue = say("Overdue: {items}", items=_together(late))
    unmeasured = say("Never measured: {items}", items=_together(never))
    if late and never:
        return say("Overdue: {items}; never measured: {others}", items=_together(late), others=_together(never))
    return overdue if late else unmeasured


def _together(items: Sequence[DueItem]) -> str:
    """The names of items, the vitamins as one."""
    letters = [item.code[-1].upper() for item in items if item.code in _VITAMINS]
    names = [item.name for item in items if item.code not in _VITAMINS]
    if letters:
        which = listed(sorted(letters))
        names.append(say("vitamins {which}", which=which) if len(letters) > 1 else say("vitamin {which}", which=which))
    return listed(names)


def _sentence(overdue: Sequence[DueItem], now: datetime) -> str:
    """Items that say the same are said together: `zinc and TSH never measured, on an analogue since 2024-01-01`."""
    alike: dict[str, list[DueItem]] = {}
    for item in overdue:
        alike.setdefault(_how(item, now), []).append(item)
    return capital(chained("; ", (chained(" ", (_together(items), how)) for how, items in alike.items())))


def _how(item: DueItem, now: datetime) -> str:
    every = say("every {number} days", number=number(item.interval_days))
    if item.last is None:
        return say("never measured, {context}", context=item.context)
    days = say(
        "last on {date}, {days_since} days ago", date=day(item.last), days_since=days_since(item.last.effective, now)
    )
    return (
        say("{days}, not since then though {context}", days=days, context=item.context)
        if item.never
        else say("{days}, asked for {every}", days=days, every=every)
    )


def _compared(item: DueItem) -> ComparedWith:
    return ComparedWith(
        kind="schedule",
        value=item.interval_days,
        unit="d",
        effective=item.due,
        note=chained(", ", (item.name, item.context)),
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
        said = say("No biliary ultrasound is recorded")
    else:
        said = say(
            "Last biliary ultrasound {date}, {days_since} days ago",
            date=day(item.last),
            days_since=days_since(item.last.effective, now),
        )
    yield Finding(
        rule="R38",
        rule_version="1",
        axis="process",
        severity="low",
        subject="ultrasound-after-analogue",
        title=say("Biliary ultrasound after the analogue overdue"),
        question=_WATCH_QUESTION,
        why=say("{said}; {context}, stones come up to years later.", said=said, context=item.context),
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
    before = say("none before") if item.last is None else say("the last one on {date}, before it", date=day(item.last))
    yield Finding(
        rule="R39",
        rule_version="1",
        axis="process",
        severity="low",
        subject="glucose",
        title=say("No glucose since the analogue was started or changed"),
        question=_GLUCOSE_QUESTION,
        why=say(
            "{context}, {days_since} days ago, and no glucose is recorded since; {before}.",
            context=capital(item.context),
            days_since=days_since(item.since.effective, now),
            before=before,
        ),
        first_evidence_at=item.overdue_from,
        evidence=evidence(item.since, *([item.last] if item.last else [])),
        compared_with=_compared(item),
        thresholds=used(protocol, "glucose_after_change"),
        not_recorded=(say("glucose"),),
    )
