"""What wasting shows: weight (R25), haemoglobin (R27), albumin and amino acids (R28)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from clinical.assay import below_limit, latest_told, measured
from clinical.chart import Chart, CodedFinding, Entry, Result, Symptom
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding, Severity
from clinical.inflammation import inflammation, inflammation_in_words
from clinical.numbers import exceeds, reaches
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, chained, say
from clinical.weight import weight_change
from clinical.wording import day, days_between, quantity, said

_WEIGHT = say("Catabolism, pancreatic insufficiency, tumour?")
_ANAEMIA = say("Anaemia work-up: bleeding, transfusion?")
_SUPPORT = say("Nutrition support?")
_ALBUMIN, _AMINO_ACIDS = say("Albumin"), say("Amino acids")
_FLUID = frozenset({"ascites", "oedema", "leg-swelling"})


@rule(
    "R25",
    version="1",
    axis="toxicity",
    severities=("high", "medium", "low"),
    trigger="Weight 5 % below what it was 6 months before (low), 10 % (medium), 20 % (high)",
    question=_WEIGHT,
    thresholds=(
        *("weight_loss_low", "weight_loss_medium", "weight_loss_high"),
        *("weight_baseline", "weight_baseline_earliest", "weight_baseline_latest"),
    ),
)
def weight_loss(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Weight is being lost."""
    change = weight_change(chart, protocol)
    if change is None:
        return
    tiers: tuple[tuple[str, Severity], ...] = (
        ("weight_loss_high", "high"),
        ("weight_loss_medium", "medium"),
        ("weight_loss_low", "low"),
    )
    reached = next(((name, severity) for name, severity in tiers if reaches(change.lost, protocol[name])), None)
    if reached is None:
        return
    name, severity = reached
    fluid = _fluid(chart, change.baseline, change.latest)
    hidden = (
        ""
        if fluid is None
        else say("; {fluid}, so that more may be lost than is weighed", fluid=_fluid_in_words(fluid))
    )
    words = change.words
    yield Finding(
        rule="R25",
        rule_version="1",
        axis="toxicity",
        severity=severity,
        subject="weight",
        title=say("Weight loss"),
        question=_WEIGHT,
        why=chained("", (capital(words), hidden, ".")),
        first_evidence_at=change.latest.effective,
        evidence=evidence(change.baseline, change.latest, *([fluid] if fluid is not None else [])),
        compared_with=ComparedWith(
            kind="baseline", value=change.baseline.value, unit="kg", effective=change.baseline.effective
        ),
        thresholds=used(protocol, name, "weight_baseline"),
    )


@rule(
    "R27",
    version="1",
    axis="toxicity",
    severities=("high",),
    trigger="Haemoglobin below 80 g/L, or more than 20 g/L below the highest of 3 months",
    question=_ANAEMIA,
    thresholds=("haemoglobin_low", "haemoglobin_fall", "haemoglobin_fall_window"),
)
def anaemia(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Haemoglobin is very low or has fallen fast."""
    results = measured(chart, "haemoglobin")
    if not results:
        return
    latest = results[-1]
    low = bool(below_limit(latest, protocol["haemoglobin_low"]))
    highest = _highest_before(results, protocol)
    fallen = highest is not None and exceeds(
        (highest.number or 0.0) - (latest.number or highest.number or 0.0), protocol["haemoglobin_fall"]
    )
    if not (low or fallen):
        return
    reasons = [say("below {quantity}", quantity=quantity(protocol["haemoglobin_low"], "g/L"))] if low else []
    thresholds = ["haemoglobin_low"] if low else []
    if fallen and highest is not None:
        reasons.append(say("{value} on {date}", value=said(highest), date=day(highest)))
        thresholds += ["haemoglobin_fall", "haemoglobin_fall_window"]
    causes = [f for f in chart.findings if f.code in ("bleeding", "transfusion") and _around(f, latest, protocol)]
    told = chained("", (say("; {code} on {date}", code=f.code, date=day(f)) for f in causes))
    yield Finding(
        rule="R27",
        rule_version="1",
        axis="toxicity",
        severity="high",
        subject="haemoglobin",
        title=say("Haemoglobin very low") if low else say("Haemoglobin fallen fast"),
        question=_ANAEMIA,
        why=say(
            "Haemoglobin {value} on {date}, {which}{told}.",
            value=said(latest),
            date=day(latest),
            which=chained(", ", reasons),
            told=told,
        ),
        first_evidence_at=latest.effective,
        evidence=evidence(latest, *([highest] if fallen and highest is not None else []), *causes),
        compared_with=_previous(highest)
        if fallen and highest is not None
        else ComparedWith(kind="lower-limit", value=protocol["haemoglobin_low"], unit="g/L"),
        thresholds=used(protocol, *thresholds),
    )


@rule(
    "R28",
    version="1",
    axis="toxicity",
    severities=("medium",),
    trigger="Albumin below 30 g/L, or amino acids below the laboratory's lower limit",
    question=_SUPPORT,
    thresholds=("albumin_low", "inflammation_crp", "inflammation_window"),
)
def protein_low(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Albumin or amino acids are low."""
    for analyte, name, limit in (
        ("albumin", _ALBUMIN, protocol["albumin_low"]),
        ("amino-acids", _AMINO_ACIDS, None),
    ):
        result = latest_told(chart, analyte)
        if result is None or (analyte == "albumin" and result.value is None):
            continue
        lower = result.ref_low if limit is None else limit
        if not below_limit(result, lower):
            continue
        shown = tuple(r for r in inflammation(chart, result, protocol) if r.analyte == "crp")
        tag = (
            say(
                "; inflammation at the time: {inflammation}",
                inflammation=inflammation_in_words(shown),
            )
            if shown
            else ""
        )
        numbered = lower is not None and result.value is not None
        against = (
            say("below {quantity}", quantity=quantity(lower, result.unit))
            if numbered
            else say("called low by the laboratory")
        )
        yield Finding(
            rule="R28",
            rule_version="1",
            axis="toxicity",
            severity="medium",
            subject=analyte,
            title=say("{name} low", name=name),
            question=_SUPPORT,
            why=say(
                "{name} {value} on {date}, {against}{tag}.",
                name=name,
                value=said(result),
                date=day(result),
                against=against,
                tag=tag,
            ),
            first_evidence_at=result.effective,
            evidence=evidence(result, *shown),
            compared_with=ComparedWith(kind="lower-limit", value=lower, unit=result.unit) if numbered else None,
            thresholds=used(protocol, *(["albumin_low"] if limit is not None else [])),
        )


def _fluid(chart: Chart, baseline: Entry, latest: Entry) -> Symptom | CodedFinding | None:
    """Fluid recorded between the two weights, which hides a loss."""
    told: list[Symptom | CodedFinding] = [s for s in chart.symptoms if s.present and s.name in _FLUID]
    told += [f for f in chart.findings if f.code in _FLUID]
    within = [e for e in told if baseline.effective < e.effective <= latest.effective + timedelta(days=1)]
    return max(within, key=lambda e: (e.effective, e.record), default=None)


def _fluid_in_words(entry: Symptom | CodedFinding) -> str:
    name = entry.name if isinstance(entry, Symptom) else entry.code
    return say("{name} on {date}", name=name.replace("-", " "), date=day(entry))


def _highest_before(results: Sequence[Result], protocol: Protocol) -> Result | None:
    """The highest haemoglobin of the window before the latest."""
    latest = results[-1]
    window = protocol["haemoglobin_fall_window"]
    before = [r for r in results[:-1] if r.number is not None and days_between(r, latest) <= window]
    return max(before, key=lambda r: r.number or 0.0, default=None)


def _around(entry: Entry, latest: Entry, protocol: Protocol) -> bool:
    return abs(days_between(entry, latest)) <= protocol["haemoglobin_fall_window"]


def _previous(result: Result) -> ComparedWith:
    return ComparedWith(kind="previous", value=result.value, unit=result.unit, effective=result.effective)
