"""Rule of the thyroid under an analogue: hypothyroidism, confirmed, and its central form (R24)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import combinations

from clinical.assay import above_limit, below_limit
from clinical.awaited import says_nothing
from clinical.chart import Chart, Result
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding, Suppressed
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.therapy import running
from clinical.validity import acute_illness
from clinical.wording import day, days_between, listed, said

_QUESTION = say("Hypothyroidism: treat?")
_THRESHOLDS = ("thyroid_confirm_earliest", "thyroid_confirm_latest")


@rule(
    "R24",
    version="1",
    axis="toxicity",
    severities=("medium", "low"),
    trigger="TSH above its upper limit or free T4 below its lower one, twice 4 to 12 weeks apart and still so; medium "
    "when both are low in one draw (central). Results drawn in acute illness do not count",
    question=_QUESTION,
    thresholds=(*_THRESHOLDS, "thyroid_together", "valid_most_crp", "valid_crp_window"),
)
def hypothyroidism(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """The thyroid fails, or is not told to work."""
    valid, held_back = _by_illness(chart, protocol)
    central = _central(valid, protocol)
    confirmed = () if central else _confirmed(valid, protocol)
    shown = central or confirmed
    if not shown:
        return
    told = listed(_told(r) for r in shown)
    hormone = running(chart, frozenset({"levothyroxine"}), now)
    treated = say("; levothyroxine recorded from {date}", date=day(hormone[0])) if hormone else ""
    yield Finding(
        rule="R24",
        rule_version="1",
        axis="toxicity",
        severity="medium" if central else "low",
        subject="thyroid",
        title=say("Central hypothyroidism possible") if central else say("Hypothyroidism"),
        question=_QUESTION,
        why=chained("", (capital(told), treated, ".")),
        first_evidence_at=first_effective(evidence(*shown)),
        evidence=evidence(*shown, *hormone),
        compared_with=_limit(shown[-1]),
        thresholds=used(protocol, *(("thyroid_together",) if central else _THRESHOLDS)),
        suppressed=tuple(held_back),
    )


def _by_illness(chart: Chart, protocol: Protocol) -> tuple[list[Result], list[Suppressed]]:
    """Results that count, and those that would speak for a failing thyroid but were drawn in acute illness."""
    valid: list[Result] = []
    held_back: list[Suppressed] = []
    for result in chart.of("tsh", "free-t4"):
        if says_nothing(result):
            continue
        illness = acute_illness(result, chart, protocol)
        if not illness:
            valid.append(result)
        elif _failing(result):
            held_back.append(Suppressed(what=_told(result), why=listed(illness)))
    return valid, held_back


def _failing(result: Result) -> bool:
    """Whether a result by itself speaks for a failing thyroid."""
    if result.analyte == "tsh":
        return above_limit(result, result.ref_high) is True
    return below_limit(result, result.ref_low) is True


def _central(results: list[Result], protocol: Protocol) -> tuple[Result, ...]:
    """The latest TSH and free T4, where both are low and belong together."""
    tsh = next((r for r in reversed(results) if r.analyte == "tsh"), None)
    t4 = next((r for r in reversed(results) if r.analyte == "free-t4"), None)
    if tsh is None or t4 is None or not below_limit(tsh, tsh.ref_low) or not below_limit(t4, t4.ref_low):
        return ()
    return (tsh, t4) if abs(days_between(tsh, t4)) <= protocol["thyroid_together"] else ()


def _confirmed(results: list[Result], protocol: Protocol) -> tuple[Result, ...]:
    """The run of failing results of TSH, else of free T4, that reaches to its latest one and holds a pair that
    confirms itself."""
    for analyte in ("tsh", "free-t4"):
        run: list[Result] = []
        for result in reversed([r for r in results if r.analyte == analyte]):
            if not _failing(result):
                break
            run.insert(0, result)
        earliest, latest = (timedelta(days=protocol[name]) for name in _THRESHOLDS)
        pairs = [(a, b) for a, b in combinations(run, 2) if earliest <= timedelta(days=days_between(a, b)) <= latest]
        if pairs:
            return tuple(run[run.index(pairs[-1][0]) :])
    return ()


def _told(result: Result) -> str:
    return say(
        "{what} {value} on {date}",
        what=say("TSH") if result.analyte == "tsh" else say("free T4"),
        value=said(result),
        date=day(result),
    )


def _limit(result: Result) -> ComparedWith:
    above = result.analyte == "tsh" and _failing(result)
    return ComparedWith(
        kind="upper-limit" if above else "lower-limit",
        value=result.ref_high if above else result.ref_low,
        unit=result.unit,
        note=say("limit of the laboratory"),
    )
