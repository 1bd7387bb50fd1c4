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
from clinical.wording import day, number, percent

_RECIST = ("recist_progression", "recist_progression_least")
_NEXT_TEST = "Which test next? Re-image in 6-12 weeks?"
_UNSIGNED = "Calculated progression, not signed: who reads it?"


@rule(
    "R06",
    version="1",
    axis="imaging",
    severities=("high",),
    trigger="The latest scan shows progression by RECIST 1.1, or an unequivocal new lesion in a patient without "
    "evidence of disease, signed by its reader; not within 12 weeks after PRRT",
    question="Recurrence or progression by imaging: MDT?",
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
        title="Recurrence by imaging" if recurrence else "Progression by imaging",
        question=f"{'Recurrence' if recurrence else 'Progression'} by imaging: MDT?",
        why=f"Scan of {_day_of(scan)}: {_verdict_in_words(scan)}, signed{_by(scan)}{_measured(scan)}.",
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
    question=f"{_NEXT_TEST} (unsigned: {_UNSIGNED})",
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
            title="New focus on receptor imaging alone",
            question=_NEXT_TEST,
            why=f"Receptor imaging of {_day_of(receptor)} shows {_focus(receptor)}; no CT or MRI since tells its size.",
        )


def _unsettled_scan(chart: Chart, scan: Scan, protocol: Protocol) -> Iterable[Finding]:
    prrt = after_prrt(chart, scan, protocol)
    if shows_progression(chart, scan) and scan.signed and prrt is not None:
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title="Progression on a scan soon after PRRT",
            question=_NEXT_TEST,
            why=f"Scan of {_day_of(scan)}: {_verdict_in_words(scan)}{_measured(scan)}; {prrt.why}.",
            suppressed=(prrt,),
        )
    elif shows_progression(chart, scan) and not scan.signed:
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title="Progression not signed by a reader",
            question=_UNSIGNED,
            why=f"Scan of {_day_of(scan)}: {_verdict_in_words(scan)}{_measured(scan)}; nobody has signed this reading.",
        )
    elif equivocal := [r for r in scan.new if r.state == "equivocal"]:
        read = f"read as {scan.response.response}, with an " if scan.response else ""
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title="Equivocal new lesion",
            question=_NEXT_TEST,
            why=f"Scan of {_day_of(scan)}: {read}equivocal new lesion ({lesions_in_words(equivocal)}).",
        )
    elif prrt is not None and (growth := slow_growth(chart, protocol)) is not None:
        yield _r07(
            scan,
            protocol,
            subject="imaging",
            title="Growth on a scan soon after PRRT",
            question=_NEXT_TEST,
            why=f"Scan of {_day_of(scan)}: {percent(growth.fraction)} over the nadir of {number(growth.nadir)} mm; "
            f"{prrt.why}.",
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
        what="growth on a scan (R06, R08)",
        why=f"PRRT on {day(prrt.entry)}, {days} days before the scan: pseudo-progression is possible for 12 weeks",
    )


def _followed_up(receptor: Scan, morphological: tuple[Scan, ...]) -> bool:
    return any(s.day >= receptor.day and s.verdict is not None for s in morphological)


def _verdict_in_words(scan: Scan) -> str:
    if scan.response is not None:
        return f"read as {scan.response.response}"
    if scan.progression:
        return f"calculated {scan.verdict}"
    return f"tumour seen ({lesions_in_words(scan.lesions)})"


def _measured(scan: Scan) -> str:
    assessment = scan.assessment
    if assessment is None or assessment.target is None:
        return f" ({lesions_in_words(scan.new)})" if scan.new else ""
    return f" ({assessment.reason})"


def _focus(scan: Scan) -> str:
    if scan.new:
        return f"a new focus ({lesions_in_words(scan.new)})"
    return "progression"


def lesions_in_words(lesions: Iterable[Lesion]) -> str:
    """Lesions by name, site and size."""
    return ", ".join(
        f"{r.lesion}{f', {r.site or r.organ}' if r.site or r.organ else ''}"
        f"{'' if r.diameter_tenths is None else f', {number(r.diameter_tenths / 10)} mm'}"
        for r in lesions
    )


def _entries(scan: Scan) -> list[Entry]:
    return [*([scan.response] if scan.response else []), *scan.lesions]


def _nadir(scan: Scan) -> ComparedWith | None:
    assessment = scan.assessment
    if assessment is None or assessment.nadir is None:
        return None
    note = None if assessment.baseline is None else f"baseline {number(assessment.baseline)} mm"
    return ComparedWith(kind="nadir", value=assessment.nadir, unit="mm", note=note)


def _by(scan: Scan) -> str:
    reader = scan.response.reader if scan.response else scan.lesions[0].reader
    return f" by {reader}" if reader else ""


def _day_of(scan: Scan) -> str:
    return day(scan.response or scan.lesions[0])


def _not_recorded(scan: Scan) -> tuple[str, ...]:
    missing = []
    modality = scan.response.modality if scan.response else scan.lesions[0].modality
    if modality is None:
        missing.append("modality")
    if scan.response is not None and not scan.lesions:
        missing.append("lesion measurements")
    return tuple(missing)
