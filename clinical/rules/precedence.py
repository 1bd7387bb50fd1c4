"""Which findings stand alone and which become evidence of a stronger one (clinical reference section 12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from clinical.finding import Finding

# A rule and those it contains where both are about the same subject.
CONTAINS: dict[str, tuple[str, ...]] = {
    "R03": ("R01", "R02", "R42"),
    "R02": ("R01",),
    "R06": ("R07",),
}


def by_precedence(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings to show: one contained by a stronger one is named in its `contains`, its evidence joins there."""
    every = list(findings)
    return tuple(_with_contained(f, every) for f in every if not any(_contains(strong, f) for strong in every))


def _contains(strong: Finding, finding: Finding) -> bool:
    return finding.rule in CONTAINS.get(strong.rule, ()) and finding.subject == strong.subject


def _with_contained(finding: Finding, every: Sequence[Finding]) -> Finding:
    contained = [f for f in every if _contains(finding, f)]
    if not contained:
        return finding
    joined = {e.record: e for f in (*contained, finding) for e in f.evidence}
    return replace(
        finding,
        contains=tuple(sorted({f.rule for f in contained})),
        evidence=tuple(sorted(joined.values(), key=lambda e: (e.effective, e.record))),
        first_evidence_at=min(finding.first_evidence_at, *(f.first_evidence_at for f in contained)),
    )
