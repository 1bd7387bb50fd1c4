"""Rules of the gallbladder and bile ducts: new stones (R15), the complication that cannot wait (R16), the cholestatic
pattern (R17), the overdue ultrasound (R18)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from clinical.biliary import AcuteSign, acute_signs, gallbladder_removed, next_expiry
from clinical.chart import BiliaryUltrasound, Chart
from clinical.cholestasis import cholestasis
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding, Severity, Suppressed
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.stones import StoneCourse, stone_course
from clinical.therapy import Regimen, analogue_steps, is_analogue, regimen_at
from clinical.wording import date_of, day, listed, number

_STONES_QUESTION = say("Gallstones on an analogue: symptoms? Plan, continue?")
_CHOLESTATIC_QUESTION = say("Ultrasound due? Another cause?")
_URGENT_QUESTION = say("Biliary complication or pancreatitis: same-day assessment?")
_ORDER_QUESTION = say("Order a biliary ultrasound?")


@rule(
    "R15",
    version="1",
    axis="toxicity",
    severities=("medium", "info"),
    trigger="Stones or sludge that came under an analogue or after one, without symptoms; info once a later ultrasound "
    "shows them unchanged, or where they were there before the analogue and still are",
    question=_STONES_QUESTION,
    thresholds=("stones_earliest",),
)
def stones(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Stones or sludge on an analogue. Those already there on the first look under treatment ask nothing yet."""
    course = stone_course(chart, protocol)
    if course is None or not analogue_steps(chart) or (course.new and not course.on_analogue):
        return
    # What is unchanged still rests on the ultrasound that first showed it: another look is no new evidence.
    shown = evidence(course.appeared, *([course.before] if course.before else []))
    yield Finding(
        rule="R15",
        rule_version="1",
        axis="toxicity",
        severity="medium" if course.new else "info",
        subject="biliary",
        title=say("New gallstones or sludge on an analogue") if course.new else say("Gallstones or sludge unchanged"),
        question=_STONES_QUESTION,
        why=_stones_in_words(course),
        first_evidence_at=course.appeared.effective,
        evidence=shown,
        compared_with=ComparedWith(
            kind="previous",
            effective=None if course.before is None else course.before.effective,
            note=say("no ultrasound before") if course.before is None else say("ultrasound before"),
        ),
        thresholds=used(protocol, "stones_earliest") if course.before is None else (),
        not_recorded=(say("an ultrasound before the analogue"),)
        if course.before is None and course.on_analogue
        else (),
    )


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
    urgent_by=("symptom", "biliary", "bilirubin", "lipase", "crp"),
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
        title=say("Biliary complication or pancreatitis possible"),
        question=_URGENT_QUESTION,
        why=_sentence(signs),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        thresholds=used(protocol, "biliary_window", *dict.fromkeys(name for sign in signs for name in sign.thresholds)),
    )


def _sentence(signs: tuple[AcuteSign, ...]) -> str:
    return capital(chained("; ", (sign.words for sign in signs))) + "."


@rule(
    "R17",
    version="1",
    axis="toxicity",
    severities=("medium",),
    trigger="Alkaline phosphatase above 1.5 times its limit with R of 2 or less, or GGT above 2.5 times its limit, in "
    "two samples 7 to 28 days apart; with metastases in liver or bone by GGT alone",
    question=_CHOLESTATIC_QUESTION,
    thresholds=(
        "cholestatic_alp",
        "cholestatic_ratio",
        "cholestatic_ggt",
        "cholestatic_earliest",
        "cholestatic_latest",
    ),
)
def cholestatic_pattern(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Enzymes of the cholestatic pattern, confirmed and not gone since."""
    found = cholestasis(chart, protocol)
    if found is None or found.pair is None:
        return
    first, second = found.pair
    latest = found.run[-1]
    later = "" if latest is second else say("; still {words}", words=latest.words)
    shown = evidence(*first.results, *second.results)
    yield Finding(
        rule="R17",
        rule_version="1",
        axis="toxicity",
        severity="medium",
        subject="cholestasis",
        title=say("Cholestatic liver enzymes"),
        question=_CHOLESTATIC_QUESTION,
        why=say("{first}; confirmed: {second}{later}.", first=first.words, second=second.words, later=later),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        thresholds=used(protocol, "cholestatic_alp", "cholestatic_ratio", "cholestatic_ggt"),
        suppressed=()
        if found.other_source is None
        else (
            Suppressed(
                what=say("alkaline phosphatase"),
                why=say(
                    "metastases in liver or bone on {date} raise it too; judged by GGT", date=day(found.other_source)
                ),
            ),
        ),
    )


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
    started = say("on {drug} since {date}", drug=regimen.drug, date=date_of(regimen.started))
    if last is None:
        why = say(
            "No biliary ultrasound is recorded, {started} ({days} days).",
            started=started,
            days=(now - regimen.started).days,
        )
    else:
        days = (now - last.effective).days
        why = say(
            "Last biliary ultrasound {date}, {days} days ago, {started}; overdue after 9 months.",
            date=day(last),
            days=days,
            started=started,
        )
    therapy = [t for t in chart.therapy if is_analogue(t.drug) and t.effective == regimen.started]
    shown = evidence(*([last] if last else []), *therapy)
    yield Finding(
        rule="R18",
        rule_version="1",
        axis="process",
        severity=severity,
        subject="ultrasound",
        title=say("Biliary ultrasound overdue"),
        question=_ORDER_QUESTION,
        why=why,
        first_evidence_at=overdue,
        evidence=shown,
        compared_with=ComparedWith(
            kind="schedule",
            value=protocol["ultrasound_overdue"],
            unit="d",
            effective=overdue,
            note=say("first due after {number} days on an analogue", number=number(protocol["ultrasound_first"])),
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


def _stones_in_words(course: StoneCourse) -> str:
    before = say(", not on the ultrasound of {date}", date=day(course.before)) if course.before is not None else ""
    seen = say(
        "{what} since the ultrasound of {date}{before}",
        what=capital(listed(course.what)),
        date=day(course.appeared),
        before=before,
    )
    size = (
        ""
        if course.last.max_mm is None
        else say("; up to {number} mm on {date}", number=number(course.last.max_mm), date=day(course.last))
    )
    unchanged = "" if course.new else say("; unchanged on {date}", date=day(course.last))
    return chained("", (seen, size, unchanged, "."))
