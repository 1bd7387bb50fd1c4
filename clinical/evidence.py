"""How a finding shows what it rests on: entries of the chart as evidence, protocol entries as applied thresholds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from clinical.chart import (
    BiliaryUltrasound,
    CodedFinding,
    DiseaseState,
    Entry,
    Lesion,
    Response,
    Result,
    SensorDay,
    SkinAssessment,
    Symptom,
    Therapy,
)
from clinical.finding import Evidence, UsedThreshold
from clinical.protocol import Protocol
from clinical.saying import chained, say
from clinical.wording import number

_KINDS: dict[type[Entry], str] = {
    SkinAssessment: "skin",
    Lesion: "lesion",
    Response: "response",
    BiliaryUltrasound: "biliary",
    Therapy: "therapy",
    Symptom: "symptom",
    DiseaseState: "state",
    CodedFinding: "finding",
    SensorDay: "sensor",
}


def evidence(*entries: Entry) -> tuple[Evidence, ...]:
    """Entries as evidence, each once, oldest first."""
    once = {entry.record: entry for entry in entries}
    return tuple(_evidence(e) for e in sorted(once.values(), key=lambda e: (e.effective, e.record)))


def first_effective(entries: Iterable[Evidence]) -> datetime:
    """When the earliest of the evidence became effective."""
    return min(e.effective for e in entries)


def used(protocol: Protocol, *names: str) -> tuple[UsedThreshold, ...]:
    """Protocol entries as they were applied."""
    return tuple(
        UsedThreshold(name=t.name, value=t.value, unit=t.unit, source=t.source, signed_off=t.signed_off)
        for t in map(protocol.threshold, names)
    )


def _evidence(entry: Entry) -> Evidence:
    shared: dict[str, Any] = {
        "record": entry.record,
        "effective": entry.effective,
        "precision": entry.precision,
    }
    if isinstance(entry, Result):
        return Evidence(
            kind="lab",
            analyte=entry.analyte,
            value=entry.value,
            comparator=entry.comparator,
            unit=entry.unit,
            ref_high=entry.ref_high,
            text=entry.text or entry.interpretation,
            **shared,
        )
    return Evidence(kind=_KINDS[type(entry)], text=_in_words(entry), **shared)


def _in_words(entry: Entry) -> str:
    if isinstance(entry, SkinAssessment):
        parts = [entry.overall or "", *_named(entry, "iga", "bsa", "erosion", "mucosal"), *entry.sites]
    elif isinstance(entry, Lesion):
        size = None if entry.diameter_tenths is None else say("{number} mm", number=number(entry.diameter_tenths / 10))
        parts = [
            entry.role,
            entry.lesion,
            entry.site or "",
            size or entry.state,
            "signed" if entry.signed else "unsigned",
        ]
    elif isinstance(entry, Response):
        parts = [entry.response, entry.modality or "", "signed" if entry.signed else "unsigned"]
    elif isinstance(entry, BiliaryUltrasound):
        parts = _named(entry, "gallbladder", "stones", "sludge", "wall_mm", "cbd_mm", "murphy", "fluid", "cbd_stone")
    elif isinstance(entry, Therapy):
        parts = [entry.procedure or entry.drug or "", entry.kind]
    elif isinstance(entry, Symptom):
        parts = [entry.name if entry.present else say("no {name}", name=entry.name)]
    elif isinstance(entry, DiseaseState):
        parts = [entry.state]
    elif isinstance(entry, CodedFinding):
        parts = [entry.code, entry.text or "", entry.site or ""]
    elif isinstance(entry, SensorDay):
        readings = entry.count + entry.low_marks + entry.high_marks
        low, high = entry.below_54 + entry.low_marks, entry.above_250 + entry.high_marks
        parts = [
            say("{n} sensor readings", n=readings),
            say("{n} below 54 mg/dL", n=low),
            say("{n} above 250 mg/dL", n=high),
        ]
    else:
        parts = []
    return chained(", ", (part for part in parts if part))


_YES_NO = {True: "yes", False: "no"}


def _named(entry: Entry, *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = getattr(entry, name)
        if value is not None:
            spoken = _YES_NO[value] if isinstance(value, bool) else number(value) if isinstance(value, float) else value
            label = name.removesuffix("_mm").replace("_", " ")
            found.append(chained(" ", (label, str(spoken) if isinstance(spoken, int) else spoken)))
    return found
