"""The rule of malabsorption (R19): two signs or more ask for a work-up, and none of them alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.absorption import AbsorptionSign, absorption_signs, usual_stools, watery
from clinical.assay import below_limit, latest_told
from clinical.chart import Chart
from clinical.deficiency import FAT_SOLUBLE
from clinical.evidence import evidence, first_effective, used
from clinical.finding import Finding, Severity, Suppressed
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.therapy import regimen_at, running
from clinical.weight import weight_change
from clinical.wording import date_of, day, number, said

_QUESTION = say("Pancreatic insufficiency: work-up, dietitian, part of the analogue?")


def _next_lapse(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    return min((sign.lapses for sign in absorption_signs(chart, protocol, now)), default=None)


@rule(
    "R19",
    version="1",
    axis="toxicity",
    severities=("high", "medium"),
    trigger="Two or more of: 4 stools a day more than usual, or oily stools, on 2 days; faecal elastase below 200 µg/g "
    "(not from a watery stool); weight 5 % down in 6 months; any of vitamins A, D, E, K low; faecal fat above 7 g a "
    "day. High when the weight is 10 % down",
    question=_QUESTION,
    thresholds=(
        "absorption_signs",
        "stools_more",
        "oily_visits",
        "absorption_window",
        "absorption_result_window",
        "elastase_low",
        "elastase_severe",
        "faecal_fat_high",
        "weight_loss_low",
        "weight_loss_medium",
        "weight_baseline",
    ),
    next_due=_next_lapse,
)
def malabsorption(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Signs of malabsorption that come together."""
    signs = absorption_signs(chart, protocol, now)
    if len(signs) < protocol["absorption_signs"]:
        return
    shown = evidence(*(entry for sign in signs for entry in sign.entries))
    joined = chained("; ", (sign.words for sign in signs))
    yield Finding(
        rule="R19",
        rule_version="1",
        axis="toxicity",
        severity=_severity(chart, signs, protocol),
        subject="malabsorption",
        title=say("Malabsorption possible"),
        question=_QUESTION,
        why=chained("", (capital(joined), _treatment(chart, now), ".")),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        thresholds=used(protocol, "absorption_signs", *dict.fromkeys(n for sign in signs for n in sign.thresholds)),
        suppressed=suppressed_elastase(chart, protocol),
        not_recorded=_never_measured(chart),
    )


def suppressed_elastase(chart: Chart, protocol: Protocol) -> tuple[Suppressed, ...]:
    """A low elastase that is not judged because the stool was watery."""
    result = latest_told(chart, "elastase")
    if result is None or not watery(chart, result) or not below_limit(result, protocol["elastase_low"]):
        return ()
    return (
        Suppressed(
            what=say("faecal elastase {value} of {date}", value=said(result), date=day(result)), why=say("watery stool")
        ),
    )


def _severity(chart: Chart, signs: tuple[AbsorptionSign, ...], protocol: Protocol) -> Severity:
    change = weight_change(chart, protocol)
    current = any(sign.name == "weight" for sign in signs)
    heavy = change is not None and reaches(change.lost, protocol["weight_loss_medium"])
    return "high" if current and heavy else "medium"


def _treatment(chart: Chart, now: datetime) -> str:
    told = [
        say("on {drug} since {date}", drug=t.drug, date=date_of(t.effective))
        for t in running(chart, frozenset({"pancreatin"}), now)
    ]
    regimen = regimen_at(chart, now)
    if regimen is not None:
        told.append(
            say(
                "on {drug} since {date} ({number} days)",
                drug=regimen.drug,
                date=date_of(regimen.started),
                number=number((now - regimen.started).days),
            )
        )
    return chained("; ", ("", *told)) if told else ""


def _never_measured(chart: Chart) -> tuple[str, ...]:
    missing = [] if latest_told(chart, "elastase") else [say("faecal elastase")]
    if latest_told(chart, *FAT_SOLUBLE) is None:
        missing.append(say("vitamins A, D, E, K"))
    if usual_stools(chart) is None:
        missing.append(say("usual stools a day"))
    return tuple(missing)
