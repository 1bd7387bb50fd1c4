"""What a drug label allows at most, by jurisdiction, and whether a regimen lies above it (clinical reference 2.1).

A label is looked up, never guessed: for a jurisdiction or drug without an entry the status is unknown. Above the label
is not an error; refractory hormone syndromes are treated so (2.2), and it is shown, no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from clinical.therapy import Regimen

Per = Literal["injection", "day"]
_MG_PER = {"mg": 1.0, "ug": 0.001, "g": 1000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The most a label allows: `max_mg` per injection or per day, at no shorter an interval than `min_interval_days`
    (None where it is given several times a day). `glucagonoma` says whether that is a labelled indication; None = not
    looked up."""

    drug: str
    max_mg: float
    per: Per
    min_interval_days: int | None
    glucagonoma: bool | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelStatus:
    """How a regimen stands to its label. `dose_mg` is the recorded single dose; `above_dose` and `short_interval` are
    None where they cannot be told: no dose, a unit that is no mass, no interval."""

    label: Label
    dose_mg: float | None
    above_dose: bool | None
    short_interval: bool | None

    @property
    def above(self) -> bool:
        """Whether dose or interval lies above the label."""
        return bool(self.above_dose or self.short_interval)


def _label(drug: str, max_mg: float, days: int | None, source: str, *, glucagonoma: bool | None = None) -> Label:
    return Label(
        drug=drug,
        max_mg=max_mg,
        per="day" if days is None else "injection",
        min_interval_days=days,
        glucagonoma=glucagonoma,
        source=source,
    )


_LAR = "Sandostatin LAR label, gastro-entero-pancreatic tumours"
_SHORT = "Sandostatin label, carcinoid syndrome"
_LANREOTIDE = "Somatuline label, gastro-entero-pancreatic tumours"
_PASIREOTIDE = "Signifor label, which has no indication for these tumours"
_PASIREOTIDE_LAR = "Signifor LAR label, which has no indication for these tumours"

LABELS: Mapping[str, Mapping[str, Label]] = MappingProxyType(
    {
        jurisdiction: MappingProxyType(
            {
                label.drug: label
                for label in (
                    _label("octreotide-lar", 30, 28, _LAR, glucagonoma=lar_for_glucagonoma),
                    _label("octreotide", 1.5, None, _SHORT),
                    _label("lanreotide", 120, 28, _LANREOTIDE),
                    _label("pasireotide", 1.8, None, _PASIREOTIDE, glucagonoma=False),
                    _label("pasireotide-lar", 60, 28, _PASIREOTIDE_LAR, glucagonoma=False),
                )
            }
        )
        for jurisdiction, lar_for_glucagonoma in (("EU", None), ("US", False), ("IL", True))
    }
)
"""By jurisdiction, then by house name (clinical reference 2.1). The maxima agree; the indications differ."""


def label_of(drug: str, jurisdiction: str) -> Label | None:
    """The label of a drug by its house name; None where none is on file for the jurisdiction."""
    return LABELS.get(jurisdiction, {}).get(drug)


def label_status(
    regimen: Regimen, jurisdiction: str, *, leeway_days: float, actual_days: int | None = None
) -> LabelStatus | None:
    """How a regimen stands to its label, None where no label is on file.

    `actual_days` is the interval at which it is really given; where it is not known the planned one counts. An interval
    is short when it is more than `leeway_days` below the label's. How often a short-acting drug is given a day is not
    recorded, so its single dose is held against the maximum of a day: above it is certainly above.
    """
    label = label_of(regimen.drug, jurisdiction)
    if label is None:
        return None
    factor = _MG_PER.get(regimen.unit or "")
    dose_mg = None if regimen.dose is None or factor is None else regimen.dose * factor
    # A single dose within the maximum of a day says nothing of the day.
    within = None if label.per == "day" else False
    above_dose = None if dose_mg is None else True if dose_mg > label.max_mg * (1 + 1e-9) else within
    interval = actual_days if actual_days is not None else regimen.interval_days
    least = label.min_interval_days
    short = None if interval is None or least is None else interval < least - leeway_days
    return LabelStatus(label=label, dose_mg=dose_mg, above_dose=above_dose, short_interval=short)
