"""Patients so unlikely to relapse after a complete resection that a guideline may spare them scans.

Source: CommNETs/NANETS (Singh, JAMA Oncol 2018;4:1597): G1, no node, below 2 cm may need none. Everything must be
recorded; what is not recorded makes nobody low risk.
"""

from __future__ import annotations

import re
from functools import lru_cache

from clinical.chart import Chart, CodedFinding, Entry

_G1 = re.compile(r"\bG\s?1\b", re.IGNORECASE)
_HIGHER = re.compile(r"\bG\s?[23]\b", re.IGNORECASE)
_SMALL = re.compile(r"\bp?T1(?![0-9])", re.IGNORECASE)
_NO_NODE = re.compile(r"\bp?N0\b|T1[a-c]?\s?N0", re.IGNORECASE)


def low_risk(chart: Chart) -> tuple[Entry, ...]:
    """The entries that show a low risk of relapse: the last resection complete (R0), the latest grade G1, the latest
    stage T1 N0 (below 2 cm, confined to the pancreas), no metastasis recorded. Empty where any of it is missing."""
    operations = [t for t in chart.therapy if t.kind == "procedure" and t.procedure == "resection"]
    grade, stage = _latest(chart, "grade"), _latest(chart, "stage")
    if not operations or operations[-1].completeness != "R0" or grade is None or stage is None:
        return ()
    metastatic = any(f.code == "metastasis" for f in chart.findings)
    told = _is_g1(grade.text or "") and _is_small(stage.text or "")
    return (operations[-1], grade, stage) if told and not metastatic else ()


@lru_cache(1024)
def _is_g1(grade: str) -> bool:
    return _G1.search(grade) is not None and _HIGHER.search(grade) is None


@lru_cache(1024)
def _is_small(stage: str) -> bool:
    return _SMALL.search(stage) is not None and _NO_NODE.search(stage) is not None


def _latest(chart: Chart, code: str) -> CodedFinding | None:
    return next((f for f in reversed(chart.findings) if f.code == code), None)
