"""Which findings stand alone, which become evidence of a stronger one, and which comes first (clinical reference 12).

    U > R09 > R14 > R06 > R03 > R02 > R11 > R10

Where R09 or R14 says that two axes agree, the findings of the single axes are its evidence and no alerts of their own.
R10 says that they disagree: R02 or R03, whose evidence it carries, stands beside it, as it is the graver one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from clinical.finding import Finding

# A rule and those it contains where both are about the same subject.
CONTAINS: dict[str, tuple[str, ...]] = {
    "R03": ("R01", "R02", "R42"),
    "R02": ("R01",),
    "R06": ("R07",),
    "R16": ("R15",),
}
# A rule of two axes and those of a single axis, or of their disagreement, that it answers.
CONTAINS_ACROSS: dict[str, tuple[str, ...]] = {
    "R09": ("R02", "R03", "R06", "R10", "R11"),
    "R14": ("R02", "R03", "R06", "R10", "R11", "R12"),
}
_CHAIN = ("R09", "R14", "R06", "R03", "R02", "R11", "R10")


def by_precedence(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings to show, the urgent first, then the chain of the module, then by rule: one contained by a stronger
    one is named in its `contains`, its evidence joins there."""
    every = list(findings)
    shown = [_with_contained(f, every) for f in every if not any(_contains(strong, f) for strong in every)]
    return tuple(sorted(shown, key=_rank))


def _rank(finding: Finding) -> tuple[bool, int, str, str]:
    place = _CHAIN.index(finding.rule) if finding.rule in _CHAIN else len(_CHAIN)
    return finding.severity != "urgent", place, finding.rule, finding.subject


def _contains(strong: Finding, finding: Finding) -> bool:
    if finding.rule in CONTAINS_ACROSS.get(strong.rule, ()):
        return True
    return finding.rule in CONTAINS.get(strong.rule, ()) and finding.subject == strong.subject


def _all_contained(strong: Finding, every: Sequence[Finding]) -> list[Finding]:
    """What a finding contains, with what those contain in turn."""
    found: list[Finding] = []
    for finding in every:
        if _contains(strong, finding):
            found += [finding, *_all_contained(finding, every)]
    return found


def _with_contained(finding: Finding, every: Sequence[Finding]) -> Finding:
    contained = _all_contained(finding, every)
    if not contained:
        return finding
    joined = {e.record: e for f in (*contained, finding) for e in f.evidence}
    return replace(
        finding,
        contains=tuple(sorted({f.rule for f in contained})),
        evidence=tuple(sorted(joined.values(), key=lambda e: (e.effective, e.record))),
        first_evidence_at=min(finding.first_evidence_at, *(f.first_evidence_at for f in contained)),
    )
