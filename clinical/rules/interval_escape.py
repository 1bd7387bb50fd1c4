"""Symptoms that come back before the next injection (R13): the end of the interval escapes the analogue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.chart import Chart, Entry
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding
from clinical.injection_cycles import Escape, Windows, end_of_interval_escapes
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import chained, say
from clinical.therapy import regimen_at
from clinical.wording import date_of, listed, number

_QUESTION = say("End-of-interval escape: review of regimen?")
_THRESHOLDS = (
    *("escape_cycles", "escape_entries", "escape_relative", "escape_points", "escape_a_day"),
    "escape_late_injection",
)
_NAMED = {
    "itch": say("itch"),
    "pain": say("pain"),
    "stools-per-day": say("stools a day"),
    "rescue-doses": say("rescue doses a day"),
}


def _lapses(chart: Chart, _protocol: Protocol, now: datetime) -> datetime | None:
    regimen = regimen_at(chart, now)
    return None if regimen is None else regimen.lapses


@rule(
    "R13",
    version="1",
    axis="skin",
    severities=("medium",),
    trigger="On a depot analogue, in at least 3 of the last 4 cycles, itch, pain, stools or rescue doses, each taken "
    "alone, are higher in the last 7 days than on days 8-21 by 30 % and 2 points (stools or doses: 1 a day); two days "
    "of entries in each window, cycles that ended in a late injection left out",
    question=_QUESTION,
    thresholds=_THRESHOLDS,
    next_due=_lapses,
)
def escapes_before_the_next(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Symptoms gather in the last week of the injection cycle."""
    regimen = regimen_at(chart, now)
    if regimen is None or not regimen.long_acting:
        return
    escapes = end_of_interval_escapes(chart, regimen, protocol)
    if not escapes:
        return
    entries: list[Entry] = [w.cycle.start for e in escapes for w in e.cycles if w.escapes]
    entries += [entry for e in escapes for w in e.cycles if w.escapes for entry in w.entries]
    shown = evidence(*entries)
    strongest = escapes[0].cycles[-1]
    yield Finding(
        rule="R13",
        rule_version="1",
        axis="skin",
        severity="medium",
        subject="end-of-interval",
        title=say("Symptoms return before the next injection"),
        question=_QUESTION,
        why=say("On {drug}: {which}.", drug=regimen.drug, which=chained("; ", (_in_words(e) for e in escapes))),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        compared_with=ComparedWith(
            kind="baseline",
            value=round(strongest.middle, 2),
            effective=strongest.cycle.start.effective,
            note=say("mean {named} of the middle of the latest cycle", named=_NAMED[escapes[0].measure]),
        ),
        thresholds=used(protocol, *_THRESHOLDS),
    )


def _in_words(escape: Escape) -> str:
    pairs = listed(_pair(w) for w in escape.cycles)
    return say(
        "{named} higher in the last week than in the middle in {escaping} of the last {n} cycles "
        "with entries (means {pairs})",
        named=_NAMED[escape.measure],
        escaping=escape.escaping,
        n=len(escape.cycles),
        pairs=pairs,
    )


def _pair(windows: Windows) -> str:
    since = date_of(windows.cycle.start.effective)
    return say(
        "{last} after {middle} from {since}",
        last=number(windows.last),
        middle=number(windows.middle),
        since=since,
    )
