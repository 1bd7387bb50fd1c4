"""Rules of the imaging axis: signed progression or recurrence (R06), what needs a reader or another scan (R07)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.chart import Chart, Entry, Lesion
from clinical.epochs import last_boundary
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding, Suppressed
from clinical.growth import slow_growth
from clinical.imaging import Scan, receptor_scans, recurrence_seen, scans, shows_progression
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import chained, say
from clinical.wording import day, number, percent

_RECIST = ("recist_progression", "recist_progression_least")
_NEXT_TEST = say("Which test next? Re-image in 6-12 weeks?")
_UNSIGNED = say("Calculated progression, not signed: who reads it?")


@rule(
    "R06",
    version="1",
    axis="imaging",
    severities=("high",),
    trigger="The latest scan shows progression by RECIST 1.1, or an unequivocal new lesion in a patient without "
    "evidence of disease, signed by its reader; not within 12 weeks after PRRT",
    question=say("Recurrence or progression by imaging: MDT?"),
    thresholds=(*_RECIST, "suppress_imaging_after_prrt"),
)
def progression(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Signed progression or recurrence on the latest scan."""
    scan = _latest(chart, scans(chart))
    if scan is None or not shows_progression(chart, scan) or not scan.signed or after_prrt(chart, scan, protocol):
        return
    recurrence = recurrence_seen(chart, scan)
    yield Finding(
        rule="R06",
        rule_version="1",
        axis="imaging",
        severity="high",
        subject="imaging",
        title=say("Recurrence by imaging") if recurrence else say("Progression by imaging"),
        question=say("Recurrence by imaging: MDT?") if recurrence else say("Progression by imaging: MDT?"),
        why=say(
            "Scan of {date}: {verdict}, signed{by}{measured}.",
            date=_day_of(scan),
            verdict=_verdict_in_words(scan),
            by=_by(scan),
            measured=_measured(scan),
        ),
        first_evidence_at=scan.at,
        evidence=evidence(*_entries(scan)),
        compared_with=_nadir(scan),
        thresholds=used(protocol, *_RECIST),
        not_recorded=_not_recorded(scan),
    )


@rule(
    "R07",
    version="1",
    axis="imaging",
    severities=("medium",),
    trigger="An equivocal new lesion; a new focus on receptor imaging alone; progression or a new lesion whose "
    "reading is not signed; signed progression or slow growth within 12 weeks after PRRT",
    question=say("{next_test} (unsigned: {unsigned})", next_test=_NEXT_TEST, unsigned=_UNSIGNED),
    thresholds=(*_RECIST, "suppress_imaging_after_prrt"),
)
def unsettled(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """A scan that is not settled: read it, repeat it or add another."""
    scan = _latest(chart, scans(chart))
    if scan is not None:
        yield from _unsettled_scan(chart, scan, protocol)
    receptor = _latest(chart, receptor_scans(chart))
    if receptor is not None and (receptor.progression or receptor.new) and not _followed_up(receptor, scans(chart)):
        yield _r07(
            receptor,
            protocol,
            subject="receptor-imaging",
            title=say("New focus on receptor imaging alone"),
            question=_NEXT_TEST,
            why=say(
                "Receptor imaging of {date} shows {focus}; no CT or MRI since tells its size.",
                date=_day_of(receptor),
                focus=_focus(receptor),
            ),
        )


def _unsettled_scan(chart: Chart, scan: Scan, protocol: Protocol) -> Iterable[Finding]:
    prrt = after_prrt(chart, scan, protocol)
    if shows_progression(chart, scan) and scan.signed and prrt is not None:
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title=say("Progression on a scan soon after PRRT"),
            question=_NEXT_TEST,
            why=say(
                "Scan of {date}: {verdict}{measured}; {why}.",
                date=_day_of(scan),
                verdict=_verdict_in_words(scan),
                measured=_measured(scan),
                why=prrt.why,
            ),
            suppressed=(prrt,),
        )
    elif shows_progression(chart, scan) and not scan.signed:
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title=say("Progression not signed by a reader"),
            question=_UNSIGNED,
            why=say(
                "Scan of {date}: {verdict}{measured}; nobody has signed this reading.",
                date=_day_of(scan),
                verdict=_verdict_in_words(scan),
                measured=_measured(scan),
            ),
        )
    elif equivocal := [r for r in scan.new if r.state == "equivocal"]:
        read = say("read as {response}, with an ", response=scan.response.response) if scan.response else ""
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title=say("Equivocal new lesion"),
            question=_NEXT_TEST,
            why=say(
                "Scan of {date}: {read}equivocal new lesion ({lesions}).",
                date=_day_of(scan),
                read=read,
                lesions=lesions_in_words(equivocal),
            ),
        )
    elif prrt is not None and (growth := slow_growth(chart, protocol)) is not None:
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title=say("Growth on a scan soon after PRRT"),
            question=_NEXT_TEST,
            why=say(
                "Scan of {date}: {percent} over the nadir of {number} mm; {why}.",
                date=_day_of(scan),
                percent=percent(growth.fraction),
                number=number(growth.nadir),
                why=prrt.why,
            ),
            suppressed=(prrt,),
        )


def _r07(
    scan: Scan,
    protocol: Protocol,
    *,
    subject: str,
    title: str,
    question: str,
    why: str,
    suppressed: tuple[Suppressed, ...] = (),
) -> Finding:
    return Finding(
        rule="R07",
        rule_version="1",
        axis="imaging",
        severity="medium",
        subject=subject,
        title=title,
        question=question,
        why=why,
        first_evidence_at=scan.at,
        evidence=evidence(*_entries(scan)),
        compared_with=_nadir(scan),
        thresholds=used(protocol, *_RECIST),
        suppressed=suppressed,
        not_recorded=_not_recorded(scan),
    )


def _latest(chart: Chart, found: tuple[Scan, ...]) -> Scan | None:
    """The latest scan that says anything: a baseline or a scan that could not be evaluated leaves the one before it."""
    return next(
        (s for s in reversed(found) if s.verdict not in (None, "NE") or s.new or recurrence_seen(chart, s)), None
    )


def after_prrt(chart: Chart, scan: Scan, protocol: Protocol) -> Suppressed | None:
    """Why growth on this scan is not called: PRRT shortly before it; None when there was none."""
    prrt = last_boundary(chart, "prrt", before=scan.at)
    if prrt is None:
        return None
    days = (scan.day - prrt.entry.effective.date()).days
    if days >= protocol["suppress_imaging_after_prrt"]:
        return None
    return Suppressed(
        what=say("growth on a scan (R06, R08)"),
        why=say(
            "PRRT on {date}, {days} days before the scan: pseudo-progression is possible for 12 weeks",
            date=day(prrt.entry),
            days=days,
        ),
    )


def _followed_up(receptor: Scan, morphological: tuple[Scan, ...]) -> bool:
    return any(s.day >= receptor.day and s.verdict is not None for s in morphological)


def _verdict_in_words(scan: Scan) -> str:
    if scan.response is not None:
        return say("read as {response}", response=scan.response.response)
    if scan.progression:
        return say("calculated {verdict}", verdict=scan.verdict)
    return say("tumour seen ({lesions})", lesions=lesions_in_words(scan.lesions))


def _measured(scan: Scan) -> str:
    assessment = scan.assessment
    if assessment is None or assessment.target is None:
        return say(" ({lesions})", lesions=lesions_in_words(scan.new)) if scan.new else ""
    return say(" ({reason})", reason=assessment.reason)


def _focus(scan: Scan) -> str:
    if scan.new:
        return say("a new focus ({lesions})", lesions=lesions_in_words(scan.new))
    return say("progression")


def lesions_in_words(lesions: Iterable[Lesion]) -> str:
    """Lesions by name, site and size."""
    return chained(", ", (part for lesion in lesions for part in _lesion_in_words(lesion)))


def _lesion_in_words(lesion: Lesion) -> Iterable[str]:
    yield lesion.lesion
    if lesion.site or lesion.organ:
        yield lesion.site or lesion.organ or ""
    if lesion.diameter_tenths is not None:
        yield say("{number} mm", number=number(lesion.diameter_tenths / 10))


def _entries(scan: Scan) -> list[Entry]:
    return [*([scan.response] if scan.response else []), *scan.lesions]


def _nadir(scan: Scan) -> ComparedWith | None:
    assessment = scan.assessment
    if assessment is None or assessment.nadir is None:
        return None
    note = None if assessment.baseline is None else say("baseline {number} mm", number=number(assessment.baseline))
    return ComparedWith(kind="nadir", value=assessment.nadir, unit="mm", note=note)


def _by(scan: Scan) -> str:
    reader = scan.response.reader if scan.response else scan.lesions[0].reader
    return say(" by {reader}", reader=reader) if reader else ""


def _day_of(scan: Scan) -> str:
    return day(scan.response or scan.lesions[0])


def _not_recorded(scan: Scan) -> tuple[str, ...]:
    missing = []
    modality = scan.response.modality if scan.response else scan.lesions[0].modality
    if modality is None:
        missing.append(say("modality"))
    if scan.response is not None and not scan.lesions:
        missing.append(say("lesion measurements"))
    return tuple(missing)
