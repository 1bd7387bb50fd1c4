"""Chromogranin A that rises alone (R05): it only supports, and much else raises it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.change import Rise, marker_course
from clinical.chart import Chart
from clinical.confounders import of_chromogranin
from clinical.evidence import evidence, first_effective, used
from clinical.finding import ComparedWith, Finding, Suppressed, UsedThreshold
from clinical.protocol import Protocol
from clinical.rules.marker import too_soon_after_procedure
from clinical.rules.registry import found_by, rule
from clinical.saying import say
from clinical.validity import not_recorded
from clinical.wording import date_of, day, percent, quantity

_QUESTION = say("Chromogranin A supports only: what else raises it?")
_STRONGER = ("R01", "R02", "R03", "R06", "R42")
_RISE = ("chromogranin_cv_within", "chromogranin_cv_analytical", "confirm_earliest", "confirm_latest")


@rule(
    "R05",
    version="1",
    axis="marker",
    severities=("low",),
    trigger="A confirmed rise of chromogranin A above its limit by one reference change value or more, with no rise "
    "of glucagon and no progression by imaging; not under a proton pump inhibitor, an eGFR below 60 or gastritis",
    question=_QUESTION,
    thresholds=(*_RISE, "confounding_egfr", "chromogranin_ppi_washout", "suppress_marker_after_procedure"),
)
def chromogranin_alone(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """A confirmed rise of chromogranin A that nothing stronger goes with and nothing recorded explains."""
    rise = _alone(chart, protocol, now)
    if rise is None or _held_back(chart, protocol, rise):
        return
    first, last = rise.first.result, rise.last.result
    shown = evidence(first, last)
    over = say("{percent} over the nadir", percent=percent((rise.last.least or 0.0) / rise.nadir.value - 1))
    yield Finding(
        rule="R05",
        rule_version="1",
        axis="marker",
        severity="low",
        subject="chromogranin-a",
        title=say("Chromogranin A rises alone"),
        question=_QUESTION,
        why=say(
            "Chromogranin A {quantity} on {date}, {over} of {quantity2} ({date2}), after {quantity3} "
            "on {date3}; no rise of glucagon, no progression by imaging.",
            quantity=quantity(last.value, last.unit, last.comparator),
            date=day(last),
            over=over,
            quantity2=quantity(rise.nadir.value, last.unit),
            date2=date_of(rise.nadir.at),
            quantity3=quantity(first.value, first.unit, first.comparator),
            date3=day(first),
        ),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        compared_with=ComparedWith(kind="nadir", value=rise.nadir.value, unit=last.unit, effective=rise.nadir.at),
        thresholds=(*_rcv(rise, protocol), *used(protocol, *_RISE)),
        not_recorded=not_recorded(last, chart),
    )


def suppressed_chromogranin(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Suppressed, ...]:
    """Why a rise of chromogranin A that stands alone is held back; empty where none is."""
    rise = _alone(chart, protocol, now)
    return () if rise is None else _held_back(chart, protocol, rise)


def _alone(chart: Chart, protocol: Protocol, now: datetime) -> Rise | None:
    if not chart.of("chromogranin-a"):
        return None
    rise = marker_course(chart, protocol, "chromogranin-a").rise
    if rise is None or not rise.confirmed or any(found_by(id, chart, protocol, now) for id in _STRONGER):
        return None
    return rise


def _held_back(chart: Chart, protocol: Protocol, rise: Rise) -> tuple[Suppressed, ...]:
    what = say("rise of chromogranin A on {date}", date=day(rise.last.result))
    procedure = too_soon_after_procedure(chart, rise.last, protocol)
    because = of_chromogranin(chart, rise.last.result.effective, protocol)
    after = () if procedure is None else (Suppressed(what=what, why=procedure.why),)
    return (*after, *(Suppressed(what=what, why=why) for why in because))


def _rcv(rise: Rise, protocol: Protocol) -> tuple[UsedThreshold, ...]:
    if rise.rcv is None:
        return ()
    within = protocol.threshold("chromogranin_cv_within")
    return (
        UsedThreshold(
            name="rcv_up",
            value=round(rise.rcv, 4),
            unit="1",
            source=f"log-normal reference change value, one-sided 95 %; {within.source}",
            signed_off=within.signed_off and protocol.threshold("chromogranin_cv_analytical").signed_off,
        ),
    )
