"""Rules of the injections: late, missed or early (R29), and a regimen above its label (R32)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.chart import Chart, Entry
from clinical.days import beyond, date_utc, midnight
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding, Severity, Suppressed
from clinical.injections import Cycle, cycles
from clinical.labels import LabelStatus, label_status
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.therapy import Regimen, analogue_steps, regimen_at
from clinical.wording import date_of, day, days_between, listed, number

_ADHERENCE_QUESTION = say("Not given, given elsewhere or not recorded? An informal change of interval?")
_RATIONALE_QUESTION = say("Is the rationale for a regimen above the label documented?")


def _next_late(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    running = cycles(chart, protocol, now)[-1:]
    due = [
        beyond(midnight(cycle.latest), protocol[name])
        for cycle in running
        for name in ("injection_late", "injection_very_late")
    ]
    due += [beyond(midnight(cycle.latest), cycle.interval_days - 1) for cycle in running]
    regimen = regimen_at(chart, now)
    due += [regimen.lapses] if regimen is not None and regimen.lapses is not None else []
    return min((at for at in due if at > now), default=None)


@rule(
    "R29",
    version="1",
    axis="process",
    severities=("medium", "low"),
    trigger="The next or the last depot injection more than 7 days after its planned date, or at least 2 of the last "
    "4 more than 5 days before it; medium beyond 14 days or when a whole interval was missed. Not around PRRT, not "
    "across a recorded stop",
    question=_ADHERENCE_QUESTION,
    thresholds=(
        "injection_late",
        "injection_very_late",
        "injection_early",
        "injection_early_least",
        "injection_look_back",
        "injection_before_prrt",
        "injection_after_prrt",
    ),
    next_due=_next_late,
)
def injection_off_plan(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """An injection that did not come when it was planned."""
    known = cycles(chart, protocol, now)
    late = [c for c in known[-2:] if c.days_late(now) > protocol["injection_late"]]
    # Of the latest injections those are looked at that a plan preceded.
    looked_at = [c for c in known if c.following][-int(protocol["injection_look_back"]) :]
    early = [c for c in looked_at if c.days_early > protocol["injection_early"]]
    if len(early) < protocol["injection_early_least"]:
        early = []
    if not late and not early:
        return
    medium = any(
        c.days_late(now) > protocol["injection_very_late"] or c.days_late(now) >= c.interval_days for c in late
    )
    severity: Severity = "medium" if medium else "low"
    said = [_late_in_words(c, now) for c in late]
    if early:
        days = listed(
            say("{days_early} days early on {date}", days_early=c.days_early, date=day(c.following))
            for c in early
            if c.following
        )
        said.append(say("injections {days}", days=days))
    shown: list[Entry] = [e for c in (*late, *early) for e in (c.previous, c.following) if e is not None]
    worst = max(late, key=lambda c: c.days_late(now)) if late else early[-1]
    yield Finding(
        rule="R29",
        rule_version="1",
        axis="process",
        severity=severity,
        subject="injection",
        title=_title(late, early),
        question=_ADHERENCE_QUESTION,
        why=capital(chained("; ", said)) + ".",
        first_evidence_at=beyond(midnight(worst.latest), protocol["injection_late"])
        if late
        else min(c.following.effective for c in early if c.following),
        evidence=evidence(*shown),
        compared_with=ComparedWith(
            kind="schedule",
            value=float(worst.interval_days),
            unit="d",
            effective=midnight(worst.latest if late else worst.earliest),
            note=say("planned date of the injection"),
        ),
        thresholds=used(
            protocol,
            *(("injection_late", "injection_very_late") if late else ()),
            *(("injection_early", "injection_early_least", "injection_look_back") if early else ()),
        ),
    )


def withheld_injections(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Suppressed, ...]:
    """Injections of the running and the last cycle that would be late, had PRRT not been the reason."""
    return tuple(
        _withheld(c)
        for c in cycles(chart, protocol, now)[-2:]
        if c.withheld_for is not None and c.days_late(now) <= protocol["injection_late"] < c.days_late_as_planned(now)
    )


def _title(late: list[Cycle], early: list[Cycle]) -> str:
    parts = []
    if late:
        parts.append(say("Injection overdue") if late[-1].following is None else say("Injection came late"))
    if early:
        parts.append(say("Injections came early") if not parts else say("others came early"))
    return chained(", ", parts)


def _late_in_words(cycle: Cycle, now: datetime) -> str:
    drug = cycle.previous.drug
    if cycle.following is None:
        return say(
            "no injection of {drug} recorded since {date}, planned for {date2}, {days_late} days ago",
            drug=drug,
            date=day(cycle.previous),
            date2=date_of(cycle.latest),
            days_late=cycle.days_late(now),
        )
    return say(
        "injection of {date} {days_late} days after its planned date {date2}",
        date=day(cycle.following),
        days_late=cycle.days_late(now),
        date2=date_of(cycle.latest),
    )


def _withheld(cycle: Cycle) -> Suppressed:
    entry = cycle.withheld_for or cycle.previous
    return Suppressed(
        what=say("lateness of the injection after {date}", date=day(cycle.previous)),
        why=say("withheld around PRRT of {date}", date=day(entry)),
    )


@rule(
    "R32",
    version="1",
    axis="process",
    severities=("info",),
    trigger="The analogue regimen in force lies above the label of the jurisdiction: more at a time, or an interval "
    "more than 3 days shorter",
    question=_RATIONALE_QUESTION,
    thresholds=("label_interval_leeway",),
)
def above_label(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The regimen is above its label; shown, not an error."""
    regimen = regimen_at(chart, now)
    if regimen is None:
        return
    given = [c for c in cycles(chart, protocol, now) if c.following and c.previous.effective >= regimen.since][-2:]
    actual = _actual_interval(given)
    status = label_status(
        regimen, protocol.jurisdiction, leeway_days=protocol["label_interval_leeway"], actual_days=actual
    )
    if status is None or not status.above:
        return
    step = next(s.entry for s in reversed(analogue_steps(chart)) if s.entry.effective <= now)
    shown = [step, *(c.following for c in given if c.following and status.short_interval)]
    yield Finding(
        rule="R32",
        rule_version="1",
        axis="process",
        severity="info",
        subject="label",
        title=say("Regimen above the label"),
        question=_RATIONALE_QUESTION,
        why=say(
            "{above}; label in force: {jurisdiction}.",
            above=_above_in_words(regimen, status, actual),
            jurisdiction=protocol.jurisdiction,
        ),
        first_evidence_at=regimen.since,
        evidence=evidence(*shown),
        compared_with=ComparedWith(
            kind="upper-limit",
            value=float(status.label.min_interval_days or 0) if status.short_interval else 1.0,
            unit="d" if status.short_interval else "1",
            note=status.label.source,
        ),
        thresholds=used(protocol, "label_interval_leeway"),
    )


def _actual_interval(given: list[Cycle]) -> int | None:
    """The longer of the last two intervals of this step: one early injection alone is no shorter regimen."""
    apart = [days_between(c.previous, c.following) for c in given if c.following]
    return max(apart) if len(apart) == 2 else None


def _above_in_words(regimen: Regimen, status: LabelStatus, actual: int | None) -> str:
    parts = []
    if status.above_dose:
        ratio = number((status.dose_mg or 0) / status.label.max_mg)
        parts.append(
            say("recorded at {ratio} times the most its label allows per {per}", ratio=ratio, per=status.label.per)
        )
    if status.short_interval:
        interval = (
            say("{actual} days apart", actual=actual)
            if actual is not None
            else say("planned every {interval_days} days", interval_days=regimen.interval_days)
        )
        parts.append(
            say(
                "{interval} against {min_interval_days} on its label",
                interval=interval,
                min_interval_days=status.label.min_interval_days,
            )
        )
    return say(
        "{drug} since {date}, {which}", drug=regimen.drug, date=date_of(date_utc(regimen.since)), which=listed(parts)
    )
