"""FHIR Observations that are not one number: skin assessment, biliary ultrasound, symptom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from data.intake.coded import biliary_detail, sized, skin_detail, symptom_detail
from data.intake.fhir_frame import RETRACTED, Setting, frame, who, words
from data.intake.fhir_observation import observation_status, observed_at
from data.intake.fhir_parts import local_parts
from data.intake.fhir_types import Observation
from data.intake.item import Held, Item, Kind

Reader = Callable[[Observation], dict[str, Any]]


def coded_item(observation: Observation, setting: Setting, kind: Kind, analyte: str, read: Reader) -> list[Item]:
    """One item of `kind`, its detail read by `read`. A retraction needs no content."""
    status = observation_status(observation.status)
    fields = frame(
        "Observation", observation, setting, status=status, moment=observed_at(observation), issued=observation.issued
    )
    if observation.data_absent_reason is not None and status != RETRACTED:
        raise Held("a coded finding was sent without a result", "send what was found")
    detail = None if status == RETRACTED else read(observation)
    value = detail.pop("text", None) if detail is not None else None
    if detail is not None:
        fields |= sized(detail)
    return [Item(**fields, kind=kind, analyte=analyte, detail=detail, text=value)]


def value_words(observation: Observation) -> str:
    """What the value of a coded Observation says."""
    if observation.value_string is not None:
        return observation.value_string
    return words(observation.value_codeable_concept) or ""


def noted(observation: Observation) -> str:
    """The notes of an Observation as one text."""
    return "; ".join(note.text for note in observation.note if note.text)


def _skin(observation: Observation) -> dict[str, Any]:
    sent = {"overall": value_words(observation), **local_parts(observation)}
    rater = who(observation.performer[0]) if observation.performer else None
    return skin_detail({"rater": rater or "", "note": noted(observation), **sent})


def _biliary(observation: Observation) -> dict[str, Any]:
    return biliary_detail({"note": noted(observation), **local_parts(observation)})


def _symptom(observation: Observation) -> dict[str, Any]:
    return symptom_detail({"name": value_words(observation), **local_parts(observation)})


CODED: Mapping[str, tuple[Kind, Reader]] = {
    "skin-assessment": ("skin", _skin),
    "biliary-ultrasound": ("biliary", _biliary),
    "symptom": ("symptom", _symptom),
}
