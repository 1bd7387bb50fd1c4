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
    """Values over time, oldest first: three sequences of one length."""

    at: Floats = field(default_factory=floats)
    value: Floats = field(default_factory=floats)
    label: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.at) == len(self.value) == len(self.label):
            raise ValueError(f"points of {len(self.at)} times, {len(self.value)} values, {len(self.label)} labels")

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at a moment: a word, a letter, a procedure."""

    at: float
    text: str
    label: str


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
    """Marker samples that can be compared with each other: one laboratory and method. `marks` has one entry a sample.

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
    """One entry a day with sensor readings: 5th, 50th and 95th percentile. Days without readings are absent."""

    day: Floats = field(default_factory=floats)
    p5: Floats = field(default_factory=floats)
    median: Floats = field(default_factory=floats)
    p95: Floats = field(default_factory=floats)
    label: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucosePanel:
    """Laboratory or meter glucose, sensor days, and HbA1c on an axis of its own."""

    unit: str = "mg/dL"
    hba1c_unit: str = "%"
    points: Points = field(default_factory=Points)
    sensor: SensorBand = field(default_factory=SensorBand)
    hba1c: Points = field(default_factory=Points)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagMark:
    """A flag at the evidence it first rests on."""

    at: float
    severity: Severity
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """What was done and what was flagged, under the panels."""

    analogue: tuple[Bar, ...] = ()
    injections: Points = field(default_factory=Points)
    other: tuple[Bar, ...] = ()
    procedures: tuple[Mark, ...] = ()
    flags: tuple[FlagMark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Synoptic:
    """Everything of the synoptic chart, and the moment it was drawn for."""

    as_of: float
    marker: MarkerPanel
    glucose: GlucosePanel = field(default_factory=GlucosePanel)
    skin: SkinPanel = field(default_factory=SkinPanel)
    lesions: LesionPanel = field(default_factory=LesionPanel)
    weight: Points = field(default_factory=Points)
    lanes: Lanes = field(default_factory=Lanes)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalytePanel:
    """Any other quantity over time, with the range of its laboratory and the levels it is held against."""

    name: str
    unit: str
    points: Points = field(default_factory=Points)
    ranges: tuple[Span, ...] = ()
    levels: tuple[Span, ...] = ()


AnyPanel = MarkerPanel | GlucosePanel | SkinPanel | LesionPanel | AnalytePanel


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A panel of an evidence chart and the values the flag rests on, which are ringed."""

    panel: AnyPanel
    rings: Points = field(default_factory=Points)
