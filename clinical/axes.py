"""Where the channels marker, imaging and skin stand: what their rules find, put into the words of `clinical.channel`.

What no rule calls worse is stable or better only where it can be compared with something and is not too old; else it is
unknown.
"""

from __future__ import annotations

from datetime import datetime

from clinical.change import Sample, marker_course
from clinical.channel import ChannelName, ChannelState, ChannelWord
from clinical.chart import Chart, Entry, Lesion, Response, SkinAssessment
from clinical.finding import Finding
from clinical.imaging import Scan, scans
from clinical.nadir import Nadir
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.registry import found_by
from clinical.skin import skin_worse
from clinical.variation import rcv_down
from clinical.wording import date_of, day, listed, number, quantity

_MARKER_RULES: tuple[tuple[str, ChannelWord], ...] = (
    ("R02", "worse"),
    ("R03", "worse"),
    ("R01", "worse, unconfirmed"),
    ("R42", "worse, unconfirmed"),
    ("R41", "unknown"),
)
_WORSE_WORDS = frozenset({"active", "worse"})
_BETTER_WORDS = frozenset({"clear", "improved"})


def marker_state(chart: Chart, protocol: Protocol, now: datetime) -> ChannelState:
    """Where glucagon stands. Raises nothing for an empty chart: never measured is unknown."""
    for rule, called in _MARKER_RULES:
        for finding in found_by(rule, chart, protocol, now):
            return _of_finding("marker", called, finding)
    told = [s for s in marker_course(chart, protocol).samples if s.valid and s.above is not None]
    if not told:
        return ChannelState("marker", "unknown", "glucagon never measured", None)
    last = told[-1]
    said = f"glucagon {_value(last)} on {day(last.result)}"
    if _older(last.result, now, protocol["channel_marker_age"]):
        return ChannelState("marker", "unknown", f"{said}, nothing newer", None)
    if last.nadir is None:
        return ChannelState("marker", "unknown", f"{said}, nothing to compare it with", None)
    before = told[-2] if len(told) > 1 else None
    word: ChannelWord = "better" if before is not None and _fell(before, last, protocol) else "stable"
    return ChannelState("marker", word, f"{said}, nadir {_nadir(last.nadir, last)}", last.result.effective)


def imaging_state(chart: Chart, protocol: Protocol, now: datetime) -> ChannelState:
    """Where the scans stand; receptor imaging counts only where it shows a focus that nothing else settles."""
    for finding in found_by("R06", chart, protocol, now):
        return _of_finding("imaging", "worse", finding)
    for rule in ("R07", "R08"):
        for finding in found_by(rule, chart, protocol, now):
            return _of_finding("imaging", "worse, unconfirmed", finding)
    found = scans(chart)
    if not found:
        return ChannelState("imaging", "unknown", "never scanned", None)
    read = [s for s in found if s.verdict not in (None, "NE")]
    if not read:
        return ChannelState("imaging", "unknown", f"scan of {date_of(found[-1].day)}, nothing to compare it with", None)
    last = read[-1]
    said = f"{modality_of(last)} of {date_of(last.day)} {last.verdict}"
    if (now.date() - last.day).days > protocol["channel_imaging_age"]:
        return ChannelState("imaging", "unknown", f"{said}, nothing newer", None)
    return ChannelState("imaging", "better" if last.verdict in ("CR", "PR") else "stable", said, last.at)


def skin_state(chart: Chart, protocol: Protocol, now: datetime) -> ChannelState:
    """Where the skin stands."""
    worse = skin_worse(chart, protocol)
    if worse is not None:
        word: ChannelWord = "worse" if worse.confirmed_by is not None else "worse, unconfirmed"
        return ChannelState("skin", word, listed(worse.changes), worse.first.effective)
    told = [a for a in chart.skin if a.overall is not None or a.iga is not None]
    if not told:
        return ChannelState("skin", "unknown", "skin never assessed", None)
    last = told[-1]
    if _older(last, now, protocol["channel_skin_age"]):
        return ChannelState("skin", "unknown", f"{_look(last)} on {day(last)}, nothing newer", None)
    if len(told) == 1:
        return ChannelState("skin", "unknown", f"{_look(last)} on {day(last)}, nothing to compare it with", None)
    return ChannelState(
        "skin", "better" if _healed(told[-2], last) else "stable", f"{_look(last)} on {day(last)}", last.effective
    )


def modality_of(scan: Scan) -> str:
    """The modality of a scan as recorded, else `scan`."""
    entries: list[Response | Lesion] = [*([scan.response] if scan.response else []), *scan.lesions]
    return next((e.modality for e in entries if e.modality), "scan")


def _of_finding(channel: ChannelName, word: ChannelWord, finding: Finding) -> ChannelState:
    since = None if word == "unknown" else finding.first_evidence_at
    return ChannelState(channel, word, finding.why.removesuffix("."), since)


def _older(entry: Entry, now: datetime, days: float) -> bool:
    return (now.date() - entry.effective.date()).days > days


def _fell(before: Sample, last: Sample, protocol: Protocol) -> bool:
    if before.assay is not last.assay or before.least is None or last.result.number is None:
        return bool(before.above) and last.above is False
    down = rcv_down(protocol["glucagon_cv_analytical"], protocol["glucagon_cv_within"])
    return reaches(before.least * (1 + down), last.result.number)


def _value(sample: Sample) -> str:
    result = sample.result
    if result.value is None:
        return f'"{result.text or result.interpretation}"'
    return quantity(result.value, result.unit, result.comparator)


def _nadir(nadir: Nadir, sample: Sample) -> str:
    return f"{quantity(nadir.value, sample.result.unit)} ({date_of(nadir.at)})"


def _look(assessment: SkinAssessment) -> str:
    graded = None if assessment.iga is None else f"IGA {number(assessment.iga)}"
    return listed([part for part in (assessment.overall, graded) if part])


def _healed(before: SkinAssessment, last: SkinAssessment) -> bool:
    if before.iga is not None and last.iga is not None:
        return last.iga < before.iga
    return before.overall in _WORSE_WORDS and last.overall in _BETTER_WORDS
