"""Rules of two axes: marker and imaging agree (R09) or do not (R10), the skin relapses together with the disease (R14).

They judge nothing anew: they hold the findings of the single axes against each other. So R11, which asks for stable
disease, can never stand beside R09 or R14.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from clinical.chart import Chart, Entry
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Evidence, Finding
from clinical.imaging import Scan, scans
from clinical.protocol import Protocol
from clinical.rules.registry import found_by, rule
from clinical.saying import bare, chained, say
from clinical.skin import skin_worse
from clinical.wording import date_of, day, listed, number

_NOT_PROGRESSING = frozenset({"CR", "PR", "SD", "NED", "non-CR/non-PD"})
_CONCORDANT_QUESTION = say("Concordant recurrence: MDT, line of therapy?")
_DISCORDANT_QUESTION = say("Discordant: occult disease or assay? SSTR PET?")
_RELAPSE_QUESTION = say("Syndrome relapse with disease: MDT?")


@rule(
    "R09",
    version="1",
    axis="marker",
    severities=("high",),
    trigger="Biochemical progression or recurrence (R02, R03) and progression or recurrence by imaging (R06) within "
    "120 days of each other",
    question=_CONCORDANT_QUESTION,
    thresholds=("concordance_window",),
)
def concordant(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Marker and imaging agree: both findings become the evidence of this one."""
    marker = _by_marker(chart, protocol, now)
    imaging = _first(found_by("R06", chart, protocol, now))
    if marker is None or imaging is None:
        return
    apart = _apart(marker, imaging.first_evidence_at)
    if apart > timedelta(days=protocol["concordance_window"]):
        return
    yield Finding(
        rule="R09",
        rule_version="1",
        axis="marker",
        severity="high",
        subject="disease",
        title=say("Concordant recurrence") if chart.state() == "ned-resected" else say("Concordant progression"),
        question=_CONCORDANT_QUESTION,
        why=_joined(imaging, marker),
        first_evidence_at=min(marker.first_evidence_at, imaging.first_evidence_at),
        evidence=_evidence_of(marker, imaging),
        compared_with=marker.compared_with,
        thresholds=(*used(protocol, "concordance_window"), *marker.thresholds, *imaging.thresholds),
        not_recorded=tuple(dict.fromkeys((*marker.not_recorded, *imaging.not_recorded))),
    )


@rule(
    "R10",
    version="1",
    axis="marker",
    severities=("medium",),
    trigger="Biochemical progression or recurrence (R02, R03), and the latest scan, no more than 90 days older than "
    "the latest raised sample, was read without progression",
    question=_DISCORDANT_QUESTION,
    thresholds=("discordance_window",),
)
def discordant(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The marker rises and the scan shows nothing: the rise stands beside this as the graver finding."""
    marker = _by_marker(chart, protocol, now)
    scan = _latest_read(chart)
    if marker is None or scan is None or scan.verdict not in _NOT_PROGRESSING:
        return
    age = (marker.evidence[-1].effective.date() - scan.day).days
    if age > protocol["discordance_window"]:
        return
    shown = evidence(*_entries(scan))
    when = say("{number} days before the last sample", number=number(age)) if age > 0 else say("since the rise")
    yield Finding(
        rule="R10",
        rule_version="1",
        axis="marker",
        severity="medium",
        subject="disease",
        title=say("Glucagon rises, the scan does not show why"),
        question=_DISCORDANT_QUESTION,
        why=say(
            "Scan of {date} {verdict}, {when}, yet: {sentence}.",
            date=date_of(scan.day),
            verdict=scan.verdict,
            when=when,
            sentence=bare(marker.why),
        ),
        first_evidence_at=marker.first_evidence_at,
        evidence=_in_order((*marker.evidence, *shown)),
        compared_with=marker.compared_with,
        thresholds=(*used(protocol, "discordance_window"), *marker.thresholds),
        not_recorded=marker.not_recorded,
    )


@rule(
    "R14",
    version="1",
    axis="skin",
    severities=("high",),
    trigger="Skin confirmed worse, and biochemical progression (R02) or progression or recurrence by imaging (R06)",
    question=_RELAPSE_QUESTION,
)
def syndrome_relapse(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The skin relapses together with the disease."""
    skin = skin_worse(chart, protocol)
    if skin is None or skin.confirmed_by is None:
        return
    disease = [*found_by("R06", chart, protocol, now), *found_by("R02", chart, protocol, now)]
    if not disease:
        return
    best = min(skin.reference, key=lambda a: (a.iga is None, a.iga or 0), default=None)
    looks = evidence(skin.first, skin.confirmed_by, skin.last, *skin.reference)
    looked_into = found_by("R12", chart, protocol, now)
    yield Finding(
        rule="R14",
        rule_version="1",
        axis="skin",
        severity="high",
        subject="skin",
        title=say("Syndrome relapse with disease"),
        question=_RELAPSE_QUESTION,
        why=say(
            "Skin worse on {date} ({which}), confirmed on {date2}; {joined}",
            date=day(skin.last),
            which=listed(skin.changes),
            date2=day(skin.confirmed_by),
            joined=_joined(*disease),
        ),
        first_evidence_at=min(skin.first.effective, *(f.first_evidence_at for f in disease)),
        evidence=_in_order((*looks, *(e for f in disease for e in f.evidence))),
        compared_with=ComparedWith(
            kind="previous",
            value=None if best is None or best.iga is None else float(best.iga),
            unit=None if best is None or best.iga is None else "{score}",
            effective=None if best is None else best.effective,
            note=say("best of the last three assessments"),
        ),
        thresholds=tuple(t for f in disease for t in f.thresholds),
        not_recorded=tuple(dict.fromkeys(m for f in (*disease, *looked_into) for m in f.not_recorded)),
    )


def _by_marker(chart: Chart, protocol: Protocol, now: datetime) -> Finding | None:
    return _first((*found_by("R03", chart, protocol, now), *found_by("R02", chart, protocol, now)))


def _first(findings: tuple[Finding, ...]) -> Finding | None:
    return findings[0] if findings else None


def _apart(marker: Finding, scanned: datetime) -> timedelta:
    """How far a scan lies from the time over which a rise stands; nothing where it lies within it."""
    first, last = marker.evidence[0].effective, marker.evidence[-1].effective
    return max(timedelta(), first - scanned, scanned - last)


def _latest_read(chart: Chart) -> Scan | None:
    return next((s for s in reversed(scans(chart)) if s.verdict not in (None, "NE")), None)


def _entries(scan: Scan) -> list[Entry]:
    return [*([scan.response] if scan.response else []), *scan.lesions]


def _evidence_of(*findings: Finding) -> tuple[Evidence, ...]:
    return _in_order(e for f in findings for e in f.evidence)


def _in_order(every: Iterable[Evidence]) -> tuple[Evidence, ...]:
    once = {e.record: e for e in every}
    return tuple(sorted(once.values(), key=lambda e: (e.effective, e.record)))


def _joined(*findings: Finding) -> str:
    return chained("; ", (bare(f.why) for f in findings)) + "."
