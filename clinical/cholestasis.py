"""The cholestatic pattern of liver enzymes (clinical reference 5.3 and rule R17).

R = (ALT / upper limit) / (ALP / upper limit): up to 2 cholestatic, from 5 hepatocellular, mixed between. Alkaline
phosphatase also comes from bone and from liver metastases; where those are known only GGT speaks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clinical.assay import measured
from clinical.chart import Chart, Entry, Result
from clinical.numbers import exceeds, reaches
from clinical.protocol import Protocol
from clinical.saying import chained, say
from clinical.wording import day, days_between, number, quantity

_SOURCES = ("liver", "hepatic", "bone", "osseous", "skelet")


@dataclass(frozen=True, slots=True)
class CholestaticSample:
    """One day's enzymes of the cholestatic pattern: in words with the numbers, and the results."""

    words: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cholestasis:
    """The unbroken run of cholestatic samples up to the latest. `pair` are the first two that confirm each other;
    `other_source` is the entry that tells of metastases in liver or bone, which take alkaline phosphatase out."""

    run: tuple[CholestaticSample, ...]
    pair: tuple[CholestaticSample, CholestaticSample] | None
    other_source: Entry | None


def r_ratio(alt: float, alt_upper: float, alp: float, alp_upper: float) -> float:
    """R of the enzymes, all in one unit and the limits above 0; ALT 60/40 with ALP 240/120 is 0.75."""
    return (alt / alt_upper) / (alp / alp_upper)


def cholestasis(chart: Chart, protocol: Protocol) -> Cholestasis | None:
    """The cholestatic run that is standing; None where the latest enzymes that tell are not of the pattern."""
    return chart.derived(("cholestasis", protocol.version), lambda: _cholestasis(chart, protocol))


def _cholestasis(chart: Chart, protocol: Protocol) -> Cholestasis | None:
    if _plainly_low(chart, protocol):
        return None
    other = _other_source(chart)
    run: list[CholestaticSample] = []
    for results in _by_day(chart):
        sample = _judged(results, protocol, alp_speaks=other is None)
        if sample is None:
            continue
        if not sample.results:
            break
        run.append(sample)
    if not run:
        return None
    run.reverse()
    return Cholestasis(run=tuple(run), pair=_pair(run, protocol), other_source=other)


def _plainly_low(chart: Chart, protocol: Protocol) -> bool:
    """Whether the latest of both enzymes is within its multiple, so that no run stands: the case of nearly everybody,
    told without the days being gone through."""
    times = [
        (_times(result), protocol[f"cholestatic_{analyte}"])
        for analyte in ("alp", "ggt")
        for result in measured(chart, analyte)[-1:]
    ]
    return all(found is not None and not exceeds(found, least) for found, least in times)


def _by_day(chart: Chart) -> Iterable[dict[str, Result]]:
    """The enzymes of each day, the newest day first; of several on one day the last."""
    gathered: dict[str, Result] = {}
    for result in reversed(measured(chart, "alp", "alt", "ggt")):
        if gathered and next(iter(gathered.values())).effective.date() != result.effective.date():
            yield gathered
            gathered = {}
        gathered.setdefault(result.analyte, result)
    yield gathered


def _judged(results: dict[str, Result], protocol: Protocol, *, alp_speaks: bool) -> CholestaticSample | None:
    """The day's sample; one without results where the pattern is not there, None where the day does not tell."""
    found: list[str] = []
    shown: list[Result] = []
    told = False
    ggt = _times(results.get("ggt"))
    if ggt is not None:
        told = True
        if exceeds(ggt, protocol["cholestatic_ggt"]):
            found.append(_said(results["ggt"], ggt))
            shown.append(results["ggt"])
    alp, alt = _times(results.get("alp")), _times(results.get("alt"))
    if alp_speaks and alp is not None:
        raised = exceeds(alp, protocol["cholestatic_alp"])
        told = told or not raised or alt is not None
        if raised and alt is not None and reaches(protocol["cholestatic_ratio"], alt / alp):
            found.append(say("{said} with R {number}", said=_said(results["alp"], alp), number=number(alt / alp)))
            shown += [results["alp"], results["alt"]]
    if not told:
        return None
    return CholestaticSample(chained("; ", found), tuple(shown))


def _times(result: Result | None) -> float | None:
    """How many times its upper limit a result is; the least of it for `>x`, None where that is not known."""
    if result is None or result.value is None or not result.ref_high or result.comparator in ("<", "<="):
        return None
    return result.value / result.ref_high


def _said(result: Result, times: float) -> str:
    value = quantity(result.value, result.unit, result.comparator)
    return say(
        "{enzyme} {value} on {date}, {number} times its upper limit",
        enzyme=say(result.analyte.upper()),
        value=value,
        date=day(result),
        number=number(times),
    )


def _pair(run: list[CholestaticSample], protocol: Protocol) -> tuple[CholestaticSample, CholestaticSample] | None:
    earliest, latest = protocol["cholestatic_earliest"], protocol["cholestatic_latest"]
    for second_at, second in enumerate(run):
        for first in run[:second_at]:
            if earliest <= days_between(first.results[0], second.results[0]) <= latest:
                return first, second
    return None


def _other_source(chart: Chart) -> Entry | None:
    for finding in chart.findings:
        if finding.code == "metastasis" and _names_source(finding.site, finding.text):
            return finding
    seen = (lesion for lesion in chart.lesions if lesion.state not in ("absent", "equivocal"))
    return next((lesion for lesion in seen if _names_source(lesion.organ, lesion.site, lesion.lesion)), None)


def _names_source(*words: str | None) -> bool:
    said = " ".join(word.lower() for word in words if word)
    return any(source in said for source in _SOURCES)
