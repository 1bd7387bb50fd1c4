"""Rules of the gallbladder and bile ducts: the complication that cannot wait (R16), the overdue ultrasound (R18)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from clinical.biliary import AcuteSign, acute_signs, gallbladder_removed, next_expiry
from clinical.chart import BiliaryUltrasound, Chart
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding, Severity
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.therapy import Regimen, is_analogue, regimen_at
from clinical.wording import date_of, day, number

_URGENT_QUESTION = "Biliary complication or pancreatitis: same-day assessment?"
_ORDER_QUESTION = "Order a biliary ultrasound?"


@rule(
    "R16",
    version="1",
    axis="toxicity",
    severities=("urgent",),
    trigger="Stones or sludge with pain under the right ribs, fever, a sonographic Murphy sign, fluid, or a thick wall "
    "(above 5 mm, or above 3 mm with raised CRP); or jaundice; or fever with that pain; or bilirubin above 1.5 times "
    "its limit, new or risen; or a newly dilated bile duct; or lipase of 3 times its limit with abdominal pain",
    question=_URGENT_QUESTION,
    thresholds=(
        "biliary_window",
        "biliary_together",
        "gallbladder_wall",
        "gallbladder_wall_clear",
        "crp_raised",
        "bilirubin_factor",
        "bilirubin_cv_within",
        "bilirubin_cv_analytical",
        "bile_duct_dilated",
        "bile_duct_dilated_without_gallbladder",
        "lipase_factor",
    ),
    next_due=next_expiry,
)
def biliary_complication(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """A biliary complication or pancreatitis; nothing suppresses it."""
    signs = acute_signs(chart, protocol, now)
    if not signs:
        return
    shown = evidence(*(entry for sign in signs for entry in sign.entries))
    yield Finding(
        rule="R16",
        rule_version="1",
        axis="toxicity",
        severity="urgent",
        subject="biliary",
        title="Biliary complication or pancreatitis possible",
        question=_URGENT_QUESTION,
        why=_sentence(signs),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        thresholds=used(protocol, "biliary_window", *dict.fromkeys(name for sign in signs for name in sign.thresholds)),
    )


def _sentence(signs: tuple[AcuteSign, ...]) -> str:
    joined = "; ".join(sign.words for sign in signs)
    return f"{joined[0].upper()}{joined[1:]}."


def _ultrasound_due(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    regimen = regimen_at(chart, now)
    if regimen is None or gallbladder_removed(chart):
        return None
    due = [*_due_dates(chart, regimen, protocol), *([regimen.lapses] if regimen.lapses else [])]
    return min((at for at in due if at > now), default=None)


@rule(
    "R18",
    version="1",
    axis="process",
    severities=("high", "medium"),
    trigger="On an analogue with the gallbladder in place: no biliary ultrasound for more than 9 months, or none at "
    "all; high beyond 15 months; never before day 90 of the analogue",
    question=_ORDER_QUESTION,
    thresholds=("ultrasound_first", "ultrasound_overdue", "ultrasound_long_overdue"),
    next_due=_ultrasound_due,
)
def ultrasound_overdue(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The biliary ultrasound under an analogue is overdue."""
    regimen = regimen_at(chart, now)
    if regimen is None or gallbladder_removed(chart):
        return
    overdue, long_overdue = _due_dates(chart, regimen, protocol)
    if now < overdue:
        return
    severity: Severity = "high" if now >= long_overdue else "medium"
    last = _last_ultrasound(chart)
    started = f"on {regimen.drug} since {date_of(regimen.started)}"
    if last is None:
        why = f"No biliary ultrasound is recorded, {started} ({(now - regimen.started).days} days)."
    else:
        days = (now - last.effective).days
        why = f"Last biliary ultrasound {day(last)}, {days} days ago, {started}; overdue after 9 months."
    therapy = [t for t in chart.therapy if is_analogue(t.drug) and t.effective == regimen.started]
    shown = evidence(*([last] if last else []), *therapy)
    yield Finding(
        rule="R18",
        rule_version="1",
        axis="process",
        severity=severity,
        subject="ultrasound",
        title="Biliary ultrasound overdue",
        question=_ORDER_QUESTION,
        why=why,
        first_evidence_at=overdue,
        evidence=shown,
        compared_with=ComparedWith(
            kind="schedule",
            value=protocol["ultrasound_overdue"],
            unit="d",
            effective=overdue,
            note=f"first due after {number(protocol['ultrasound_first'])} days on an analogue",
        ),
        thresholds=used(protocol, "ultrasound_first", "ultrasound_overdue", "ultrasound_long_overdue"),
    )


def _due_dates(chart: Chart, regimen: Regimen, protocol: Protocol) -> tuple[datetime, datetime]:
    """When the ultrasound is overdue and long overdue: more than so many days after the last one (without one: when the
    first is due, and after the start), never before the analogue has been given long enough."""
    first = regimen.started + timedelta(days=protocol["ultrasound_first"] + 1)
    last = _last_ultrasound(chart)
    since = regimen.started if last is None else last.effective
    long_overdue = max(first, since + timedelta(days=protocol["ultrasound_long_overdue"] + 1))
    overdue = first if last is None else max(first, since + timedelta(days=protocol["ultrasound_overdue"] + 1))
    return overdue, long_overdue


def _last_ultrasound(chart: Chart) -> BiliaryUltrasound | None:
    return next((u for u in reversed(chart.biliary) if u.gallbladder != "not-seen"), None)
