"""What the figures draw, as plain values. Times are milliseconds since 1970 on the site's wall clock, as float64.

`label` is the text the reader sees when pointing at the entry; it holds value, unit, range, laboratory and age.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clinical.finding import Severity

Floats = NDArray[np.float64]
SampleMark = Literal["valid", "not-valid", "below", "above", "words"]
LaneName = Literal["analogue", "other"]


def floats(values: object = ()) -> Floats:
    """The values as a float64 array."""
    return np.asarray(values, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Values over time, oldest first: sequences of one length. `record` names where each comes from, if anywhere."""

    at: Floats = field(default_factory=floats)
    value: Floats = field(default_factory=floats)
    label: tuple[str, ...] = ()
    record: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.at) == len(self.value) == len(self.label):
            raise ValueError(f"points of {len(self.at)} times, {len(self.value)} values, {len(self.label)} labels")
        if self.record and len(self.record) != len(self.at):
            raise ValueError(f"points of {len(self.at)} times and {len(self.record)} records")

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at a moment: a word, a letter, a procedure."""

    at: float
    text: str
    label: str
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A level or a band from one time to another. `low` is None for a band that is open below."""

    start: float
    end: float
    high: float
    low: float | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Results that can be compared with each other: one laboratory and method. `marks` has one entry a result.

    `below` and `above` are censored results (`<x`, `>x`) that stand at x and are never joined by the line;
    `not-valid` samples are drawn hollow; `words` are results without a number, whose value is NaN.
    """

    points: Points
    marks: tuple[SampleMark, ...]

    def __post_init__(self) -> None:
        if len(self.marks) != len(self.points):
            raise ValueError(f"run of {len(self.points)} samples and {len(self.marks)} marks")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerPanel:
    """A tumour marker: its runs, the range of each run, nadir and limit of each epoch, why epochs began."""

    name: str
    unit: str
    runs: tuple[Run, ...] = ()
    ranges: tuple[Span, ...] = ()
    nadirs: tuple[Span, ...] = ()
    limits: tuple[Span, ...] = ()
    breaks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorBand:
    """One entry a day with sensor numbers: lowest, 5th, 50th, 95th percentile, highest; how many numbers, LO and HI
    marks. All of one length; days without numbers are absent."""

    unit: str = "mg/dL"
    day: Floats = field(default_factory=floats)
    lowest: Floats = field(default_factory=floats)
    p5: Floats = field(default_factory=floats)
    median: Floats = field(default_factory=floats)
    p95: Floats = field(default_factory=floats)
    highest: Floats = field(default_factory=floats)
    count: Floats = field(default_factory=floats)
    low_marks: Floats = field(default_factory=floats)
    high_marks: Floats = field(default_factory=floats)

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorStretch:
    """Every reading of a stretch: `value` is NaN where `mark` is -1 (LO) or 1 (HI) instead of 0."""

    at: Floats = field(default_factory=floats)
    value: Floats = field(default_factory=floats)
    mark: Floats = field(default_factory=floats)

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucosePanel:
    """Laboratory or meter glucose (never joined), sensor days, and HbA1c on an axis of its own. `target` is the
    consensus range in `unit`."""

    unit: str = "mg/dL"
    target: tuple[float, float] = (70.0, 180.0)
    hba1c_unit: str = "%"
    readings: Run = field(default_factory=lambda: Run(points=Points(), marks=()))
    sensor: SensorBand = field(default_factory=SensorBand)
    hba1c: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SkinPanel:
    """IGA (0-4) and body surface (%). `words` are assessments that carry words only and no score."""

    iga: Points = field(default_factory=Points)
    bsa: Points = field(default_factory=Points)
    words: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionPanel:
    """Sum of target lesions (mm), the response of each scan as letters, and where new lesions were first seen."""

    sums: Points = field(default_factory=Points)
    responses: tuple[Mark, ...] = ()
    new: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A therapy from start to end. `brief` is what still fits where `text` does not. The text of an ongoing one stands
    at its end, where every stretch of time shown ends too."""

    start: float
    end: float
    text: str
    brief: str
    label: str
    ongoing: bool = False
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagMark:
    """A flag at the evidence it first rests on; `record` is `flag:` and its id."""

    at: float
    severity: Severity
    label: str
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """What was done and what was flagged, under the panels."""

    analogue: tuple[Bar, ...] = ()
    injections: Points = field(default_factory=Points)
    other: tuple[Bar, ...] = ()
    procedures: tuple[Mark, ...] = ()
    flags: tuple[FlagMark, ...] = ()
    decisions: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalytePanel:
    """Any other quantity over time: its runs, the range of the laboratory of each, levels it is held against."""

    name: str
    unit: str
    runs: tuple[Run, ...] = ()
    ranges: tuple[Span, ...] = ()
    levels: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimesLimitPanel:
    """Several quantities, each as a multiple of the upper limit of its own range; `left_out` counts results that came
    without one and so have no place here."""

    name: str
    runs: tuple[tuple[str, tuple[Run, ...]], ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Synoptic:
    """Everything of the synoptic chart, and the moment it was drawn for."""

    as_of: float
    marker: MarkerPanel
    glucose: GlucosePanel = field(default_factory=GlucosePanel)
    skin: SkinPanel = field(default_factory=SkinPanel)
    lesions: LesionPanel = field(default_factory=LesionPanel)
    weight: tuple[Run, ...] = ()
    others: tuple[AnalytePanel | TimesLimitPanel, ...] = ()
    lanes: Lanes = field(default_factory=Lanes)


AnyPanel = MarkerPanel | GlucosePanel | SkinPanel | LesionPanel | AnalytePanel | TimesLimitPanel


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A panel of an evidence chart and the values the flag rests on, which are ringed."""

    panel: AnyPanel
    rings: Points = field(default_factory=Points)
