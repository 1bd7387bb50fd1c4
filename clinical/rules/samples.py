"""Rule of samples that were sent and whose result is not back (R34)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.analytes import CATALOGUE
from clinical.awaited import awaited, back_by, usual_days
from clinical.chart import Chart
from clinical.days import days_since
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import say
from clinical.wording import day, number

_CHASE_QUESTION = say("Chase the laboratory, or draw again?")


def _next_missing(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    long = protocol["result_back_long"]
    due = [back_by(sample, protocol, factor) for sample in awaited(chart) for factor in (1, long)]
    return min((at for at in due if at > now), default=None)


@rule(
    "R34",
    version="1",
    axis="process",
    severities=("medium", "low"),
    trigger="A sample was sent and no result came for more than its usual time (glucagon 21 days, others 7), and none "
    "from a later sample; medium beyond twice that",
    question=_CHASE_QUESTION,
    thresholds=("result_back_glucagon", "result_back", "result_back_long"),
    next_due=_next_missing,
)
def result_not_back(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """A result that was sent for and is not back: missing is not normal."""
    for sample in awaited(chart):
        if now < back_by(sample, protocol):
            continue
        usual = usual_days(sample.analyte)
        long = now >= back_by(sample, protocol, protocol["result_back_long"])
        name = CATALOGUE[sample.analyte].name
        yield Finding(
            rule="R34",
            rule_version="1",
            axis="process",
            severity="medium" if long else "low",
            subject=sample.analyte,
            title=say("{name}: sent, no result", name=name),
            question=_CHASE_QUESTION,
            why=say(
                "{name} was sent on {date}, {days_since} days ago, and no result is recorded; it usually "
                "takes up to {number} days.",
                name=name,
                date=day(sample),
                days_since=days_since(sample.effective, now),
                number=number(protocol[usual]),
            ),
            first_evidence_at=sample.effective,
            evidence=evidence(sample),
            compared_with=ComparedWith(
                kind="schedule", value=protocol[usual], unit="d", effective=back_by(sample, protocol)
            ),
            thresholds=used(protocol, usual, "result_back_long"),
            not_recorded=(say("result of {date}", date=day(sample)),),
        )
