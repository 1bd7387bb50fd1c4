"""Therapy and flags of a chart as the lanes draw them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from clinical.chart import Chart, Therapy
from clinical.therapy import AnalogueStep, analogue_steps, injections, is_analogue
from dashboard.figures.series import Bar, FlagMark, Lanes, Mark, Points, floats
from dashboard.language import _, counted, tell
from dashboard.parts.badges import SEVERITY_WORDS, STATUS_WORDS
from dashboard.parts.coded import drug_name
from dashboard.parts.decision_words import decision_text
from dashboard.parts.plotted.labels import label, plain
from dashboard.parts.quantities import quantity
from dashboard.parts.times import Clock, age_text


def lanes(
    chart: Chart, flags: Sequence[Mapping[str, Any]], clock: Clock, decisions: Sequence[Mapping[str, Any]] = ()
) -> Lanes:
    """The analogue by its steps, other drugs from start to stop, procedures, the flags at their first evidence, and the
    decisions about them at their moment."""
    given = injections(chart)
    return Lanes(
        analogue=tuple(_analogue(chart, clock)),
        injections=Points(
            at=floats([clock.ms(t) for t in given]),
            value=floats([t.dose if t.dose is not None else 0.0 for t in given]),
            label=tuple(f"<b>{plain(_('Injection {dose}', dose=dose_text(t)))}</b>" for t in given),
            record=tuple(t.record for t in given),
        ),
        other=tuple(_other(chart.therapy, clock)),
        procedures=tuple(
            Mark(
                at=clock.ms(t),
                text=plain(_procedure(t)),
                label=label(_procedure(t), t.note, entry=t, clock=clock),
                record=t.record,
            )
            for t in chart.therapy
            if t.kind == "procedure"
        ),
        flags=tuple(flag_mark(f, clock) for f in flags),
        decisions=tuple(_decision_mark(d, flags, clock) for d in decisions),
    )


def regimen_text(drug: str, dose: float | None, unit: str | None, interval_days: int | None) -> str:
    """`lanreotide 120 mg every 28 days`; what is not recorded is left out, not filled in."""
    parts = [drug_name(drug), "" if dose is None else quantity(dose, unit)]
    parts.append("" if interval_days is None else counted("every {n} day", "every {n} days", interval_days))
    return " ".join(p for p in parts if p)


def dose_text(entry: Therapy) -> str:
    """The drug of an entry with its dose and interval as recorded."""
    return regimen_text(entry.drug or _("drug not named"), entry.dose, entry.unit, entry.interval_days)


def flag_mark(flag: Mapping[str, Any], clock: Clock) -> FlagMark:
    """The flag (a document of the contract) at its first evidence."""
    first = datetime.fromisoformat(flag["first_evidence_at"])
    words = f"{_(SEVERITY_WORDS[flag['severity']])}: {tell(flag['title'])}"
    detail = f"{flag['rule']}  ·  {_(STATUS_WORDS[flag['status']]).lower()}  ·  {age_text(first, clock.now)}"
    return FlagMark(
        at=clock.at(first),
        severity=flag["severity"],
        label=f"<b>{plain(words)}</b>  ·  {plain(detail)}",
        record=f"flag:{flag['id']}",
    )


def _decision_mark(decision: Mapping[str, Any], flags: Sequence[Mapping[str, Any]], clock: Clock) -> Mark:
    title = next((tell(flag["title"]) for flag in flags if flag["id"] == decision["flag"]), "")
    words = _("Decided: {what}", what=decision_text(decision))
    detail = f"{title}  ·  {decision['name']}  ·  {age_text(decision['at'], clock.now)}"
    return Mark(
        at=clock.at(decision["at"]),
        text=plain(words),
        label=f"<b>{plain(words)}</b>  ·  {plain(detail)}",
        record=f"flag:{decision['flag']}",
    )


def _analogue(chart: Chart, clock: Clock) -> Iterable[Bar]:
    for step, following in pairwise((*analogue_steps(chart), None)):
        if step is not None and step.drug is not None:
            yield _step_bar(step, following, clock)


def _step_bar(step: AnalogueStep, following: AnalogueStep | None, clock: Clock) -> Bar:
    text = regimen_text(step.drug or "", step.dose, step.unit, step.interval_days)
    brief = "" if step.dose is None else quantity(step.dose, step.unit)
    start = clock.ms(step.entry)
    end = clock.at(clock.now) if following is None else clock.ms(following.entry)
    words = label(text, _("since {date}", date=clock.when(step.entry)), entry=step.entry, clock=clock)
    return Bar(
        start=start,
        end=max(end, start),
        text=plain(text),
        brief=plain(brief),
        label=words,
        ongoing=following is None,
        record=step.entry.record,
    )


def _other(therapy: Sequence[Therapy], clock: Clock) -> Iterable[Bar]:
    running: dict[str, Therapy] = {}
    for entry in therapy:
        if entry.kind == "procedure" or entry.drug is None or is_analogue(entry.drug):
            continue
        before = running.pop(entry.drug, None)
        if before is not None:
            yield _drug_bar(before, clock.ms(entry), clock, ongoing=False)
        if entry.kind != "stop":
            running[entry.drug] = entry
    for entry in running.values():
        ongoing = entry.kind != "injection"
        yield _drug_bar(entry, clock.at(clock.now) if ongoing else clock.ms(entry), clock, ongoing=ongoing)


def _drug_bar(entry: Therapy, end: float, clock: Clock, *, ongoing: bool) -> Bar:
    text = dose_text(entry)
    words = label(text, _("since {date}", date=clock.when(entry)), entry.note, entry=entry, clock=clock)
    brief = plain(drug_name(entry.drug or ""))
    return Bar(
        start=clock.ms(entry),
        end=end,
        text=plain(text),
        brief=brief,
        label=words,
        ongoing=ongoing,
        record=entry.record,
    )


def _procedure(entry: Therapy) -> str:
    name = (entry.procedure or "procedure").replace("prrt", _("PRRT"))
    return f"{name[0].upper()}{name[1:]}" + (f" {entry.completeness}" if entry.completeness else "")
