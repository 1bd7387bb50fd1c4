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
from clinical.saying import say
from clinical.wording import date_of, listed, number, percent

_SLOW_QUESTION = say("Slow growth: shorten the interval of scans?")
_WHICH_QUESTION = say("Which scan decides? Biopsy?")


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
        title=say("Slow growth below progression"),
        question=_SLOW_QUESTION,
        why=say(
            "Scans of {date} and {date2}: {growth_in_words}.",
            date=date_of(growth.first.day),
            date2=date_of(growth.last.day),
            growth_in_words=growth_in_words(growth),
        ),
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
        title=say("CT or MRI and receptor imaging disagree"),
        question=_WHICH_QUESTION,
        why=say("{said}; {number} days apart.", said=said, number=number(apart)),
        first_evidence_at=max(receptor.at, size.at),
        evidence=evidence(*_entries(size), *_entries(receptor)),
        thresholds=used(protocol, "scan_disagreement_window"),
        not_recorded=tuple(
            say("modality of the scan of {date}", date=date_of(s.day)) for s in (size, receptor) if _modality(s) is None
        ),
    )


def growth_in_words(growth: SlowGrowth) -> str:
    """The growth, its nadir and its pace."""
    sums = [number(s.assessment.sum_mm or 0.0) for s in (growth.first, growth.last) if s.assessment]
    pace = "" if growth.a_year is None else say(", {percent} a year since it", percent=percent(growth.a_year))
    return say(
        "sums of {which} mm, {percent} over the nadir of {number} mm{pace}",
        which=listed(sums),
        percent=percent(growth.fraction),
        number=number(growth.nadir),
        pace=pace,
    )


def _disagreement(chart: Chart, size: Scan, receptor: Scan) -> str | None:
    new_in_size = _shows_new(size) or recurrence_seen(chart, size)
    new_in_receptor = _shows_new(receptor) or receptor.progression or recurrence_seen(chart, receptor)
    if new_in_size and _negative(receptor):
        return say(
            "{named} shows {new}, {named2} is negative", named=_named(size), new=_new(size), named2=_named(receptor)
        )
    if new_in_receptor and not new_in_size and not (receptor.progression and not receptor.new and size.progression):
        verdict = say(" ({verdict})", verdict=size.verdict) if size.verdict else ""
        return say(
            "{named} shows {new}, {named2} does not{verdict}",
            named=_named(receptor),
            new=_new(receptor),
            named2=_named(size),
            verdict=verdict,
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
        return say("a new lesion ({lesions})", lesions=lesions_in_words(scan.new))
    return say("progression") if scan.progression else say("tumour ({lesions})", lesions=lesions_in_words(scan.lesions))


def _named(scan: Scan) -> str:
    return say("{modality} of {date}", modality=_modality(scan) or say("CT or MRI"), date=date_of(scan.day))


def _modality(scan: Scan) -> str | None:
    entries = _entries(scan)
    return next((e.modality for e in entries if e.modality), None)


def _entries(scan: Scan) -> list[Response | Lesion]:
    return [*([scan.response] if scan.response else []), *scan.lesions]
