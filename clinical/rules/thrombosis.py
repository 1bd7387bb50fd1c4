"""Rule of clots: signs of a venous thrombosis, an embolism or a stroke (R26). Nothing suppresses it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from clinical.chart import Chart, Entry
from clinical.days import beyond
from clinical.evidence import evidence, first_effective, used
from clinical.finding import Finding
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import capital, say
from clinical.wording import day, listed

_QUESTION = say("Thrombosis or embolism: imaging now?")
_SYMPTOMS = {
    "leg-swelling": say("a swollen leg"),
    "chest-pain": say("chest pain"),
    "dyspnoea": say("shortness of breath"),
    "stroke-signs": say("signs of a stroke"),
}
_CLOT = r"(?:thrombo-?embol\w*|\w*thrombosis|thromb(?:us|i)|embol(?:ism|us|i)|dvt|vte|clots?|stroke)"
_TEST = r"(?:d-?dimers?|doppler)"
_NEGATED = re.compile(
    rf"\b(?:no|not|without|excluded|negative for|ruled out)\b:?(?:\s+\w+){{0,3}}?\s+{_CLOT}\b(?:\s+or\s+{_CLOT}\b)?"
    rf"|\b{_CLOT}\s+(?:was\s+|is\s+)?(?:excluded|ruled out|not (?:seen|found|shown|present)|absent|negative)\b"
    rf"|\btumou?r\s+{_CLOT}\b",
    re.IGNORECASE,
)
_SHOWN = re.compile(rf"\b{_CLOT}\b|\b{_TEST}\b\W+(?:\w+\W+){{0,2}}?(?:positive|raised|high|elevated)\b", re.IGNORECASE)


def _signs(chart: Chart) -> tuple[tuple[Entry, str], ...]:
    signs: list[tuple[Entry, str]] = [
        (s, say("{symptoms} on {date}", symptoms=_SYMPTOMS[s.name], date=day(s)))
        for s in chart.symptoms
        if s.present and s.name in _SYMPTOMS
    ]
    signs += [
        (f, say("{what} on {date}", what=f.text or f.code, date=day(f)))
        for f in chart.findings
        if _shows_clot(f.code, f.text or "")
    ]
    return tuple(sorted(signs, key=lambda sign: (sign[0].effective, sign[0].record)))


@lru_cache(4096)
def _shows_clot(code: str, text: str) -> bool:
    """Whether a coded finding says that there is a clot, or that a test for one was positive.

    What its text rules out is left aside, also where the code names it; so is tumour that grows into a vein.
    """
    if _SHOWN.search(_NEGATED.sub("", text)) is not None:
        return True
    ruled_out = _NEGATED.search(text) is not None or text.strip().lower() in ("no", "none", "negative", "absent")
    return not ruled_out and _SHOWN.search(f"{code} {text}") is not None


def _current(chart: Chart, protocol: Protocol, now: datetime) -> list[tuple[Entry, str]]:
    window = protocol["thrombosis_window"]
    return [s for s in chart.derived("clot-signs", lambda: _signs(chart)) if now < beyond(s[0].effective, window)]


def _next_expiry(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    window = protocol["thrombosis_window"]
    return min((beyond(entry.effective, window) for entry, _ in _current(chart, protocol, now)), default=None)


@rule(
    "R26",
    version="1",
    axis="toxicity",
    severities=("urgent",),
    trigger="A swollen leg, chest pain, shortness of breath, signs of a stroke, or a recorded clot, positive D-dimer "
    "or Doppler in the last 30 days",
    question=_QUESTION,
    thresholds=("thrombosis_window",),
    next_due=_next_expiry,
    urgent_by=("symptom", "finding"),
)
def clot_signs(chart: Chart, protocol: Protocol, now: datetime) -> Iterable[Finding]:
    """Clots are part of the syndrome: any sign of one is looked at the same day."""
    current = _current(chart, protocol, now)
    if not current:
        return
    shown = evidence(*(entry for entry, _ in current))
    said = listed(dict.fromkeys(words for _, words in current))
    yield Finding(
        rule="R26",
        rule_version="1",
        axis="toxicity",
        severity="urgent",
        subject="thrombosis",
        title=say("Thrombosis or embolism possible"),
        question=_QUESTION,
        why=say("{said}; clots are part of the glucagonoma syndrome.", said=capital(said)),
        first_evidence_at=first_effective(shown),
        evidence=shown,
        thresholds=used(protocol, "thrombosis_window"),
    )
