"""Rules that hold scans against each other: slow growth over two of them (R08), size against receptors (R37)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.chart import Chart, Lesion, Response
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding
from clinical.growth import SlowGrowth, slow_growth
from clinical.imaging import Scan, receptor_scans, recurrence_seen, scans
from clinical.protocol import Protocol
from clinical.rules.imaging import after_prrt, lesions_in_words
from clinical.rules.registry import rule
from clinical.wording import date_of, number, percent

_SLOW_QUESTION = "Slow growth: shorten the interval of scans?"
_WHICH_QUESTION = "Which scan decides? Biopsy?"


@rule(
    "R08",
    version="1",
    axis="imaging",
    severities=("low",),
    trigger="The sum of target lesions at least 10 % and 5 mm above its nadir, yet below progression, on two scans in "
    "a row; within 12 weeks after PRRT it is re-imaged (R07) instead",
    question=_SLOW_QUESTION,
    thresholds=("slow_growth", "slow_growth_least", "suppress_imaging_after_prrt"),
)
def grows_slowly(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Slow growth that RECIST calls stable."""
    growth = slow_growth(chart, protocol)
    if growth is None or after_prrt(chart, growth.last, protocol):
        return
    yield Finding(
        rule="R08",
        rule_version="1",
        axis="imaging",
        severity="low",
        subject="imaging",
        title="Slow growth below progression",
        question=_SLOW_QUESTION,
        why=f"Scans of {date_of(growth.first.day)} and {date_of(growth.last.day)}: {growth_in_words(growth)}.",
        first_evidence_at=growth.first.at,
        evidence=evidence(*_entries(growth.first), *_entries(growth.last)),
        compared_with=ComparedWith(kind="nadir", value=growth.nadir, unit="mm"),
        thresholds=used(protocol, "slow_growth", "slow_growth_least", "recist_progression"),
    )


@rule(
    "R37",
    version="1",
    axis="imaging",
    severities=("medium",),
    trigger="The latest receptor imaging is negative and the latest CT or MRI shows a certain new lesion, or receptor "
    "imaging shows a certain new focus or progression that CT or MRI does not, within 120 days of each other",
    question=_WHICH_QUESTION,
    thresholds=("scan_disagreement_window",),
)
def scans_disagree(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Size and receptors say different things: neither overrules the other."""
    receptor = next((s for s in reversed(receptor_scans(chart)) if _tells(s)), None)
    size = next((s for s in reversed(scans(chart)) if _tells(s)), None)
    if receptor is None or size is None:
        return
    apart = abs((receptor.day - size.day).days)
    said = _disagreement(chart, size, receptor)
    if said is None or apart > protocol["scan_disagreement_window"]:
        return
    yield Finding(
        rule="R37",
        rule_version="1",
        axis="imaging",
        severity="medium",
        subject="scans",
        title="CT or MRI and receptor imaging disagree",
        question=_WHICH_QUESTION,
        why=f"{said}; {number(apart)} days apart.",
        first_evidence_at=max(receptor.at, size.at),
        evidence=evidence(*_entries(size), *_entries(receptor)),
        thresholds=used(protocol, "scan_disagreement_window"),
        not_recorded=tuple(
            f"modality of the scan of {date_of(s.day)}" for s in (size, receptor) if _modality(s) is None
        ),
    )


def growth_in_words(growth: SlowGrowth) -> str:
    """The growth, its nadir and its pace."""
    sums = [number(s.assessment.sum_mm or 0.0) for s in (growth.first, growth.last) if s.assessment]
    pace = "" if growth.a_year is None else f", {percent(growth.a_year)} a year since it"
    return (
        f"sums of {' and '.join(sums)} mm, {percent(growth.fraction)} over the nadir of {number(growth.nadir)} mm{pace}"
    )


def _disagreement(chart: Chart, size: Scan, receptor: Scan) -> str | None:
    new_in_size = _shows_new(size) or recurrence_seen(chart, size)
    new_in_receptor = _shows_new(receptor) or receptor.progression or recurrence_seen(chart, receptor)
    if new_in_size and _negative(receptor):
        return f"{_named(size)} shows {_new(size)}, {_named(receptor)} is negative"
    if new_in_receptor and not new_in_size and not (receptor.progression and not receptor.new and size.progression):
        return (
            f"{_named(receptor)} shows {_new(receptor)}, {_named(size)} does not"
            f"{f' ({size.verdict})' if size.verdict else ''}"
        )
    return None


def _tells(scan: Scan) -> bool:
    """Whether a scan says anything: a reading that was possible, or lesions that were looked at."""
    if scan.verdict == "NE":
        return bool(scan.new)
    return scan.response is not None or any(r.state != "not-evaluable" for r in scan.lesions)


def _negative(scan: Scan) -> bool:
    if scan.new:
        return False
    if scan.response is not None:
        return scan.response.response in ("NED", "CR")
    return all(r.state == "absent" for r in scan.lesions)


def _shows_new(scan: Scan) -> bool:
    """Whether a new lesion is certain: an equivocal one says nothing yet that another scan could contradict (R07)."""
    return any(r.state != "equivocal" for r in scan.new)


def _new(scan: Scan) -> str:
    if scan.new:
        return f"a new lesion ({lesions_in_words(scan.new)})"
    return "progression" if scan.progression else f"tumour ({lesions_in_words(scan.lesions)})"


def _named(scan: Scan) -> str:
    return f"{_modality(scan) or 'CT or MRI'} of {date_of(scan.day)}"


def _modality(scan: Scan) -> str | None:
    entries = _entries(scan)
    return next((e.modality for e in entries if e.modality), None)


def _entries(scan: Scan) -> list[Response | Lesion]:
    return [*([scan.response] if scan.response else []), *scan.lesions]
