"""FHIR Observation of a coded finding that has no resource of its own here: what our own exports carry."""

from __future__ import annotations

from collections.abc import Sequence

from data.intake.coded import present
from data.intake.fhir_coded import value_words
from data.intake.fhir_frame import Setting, frame
from data.intake.fhir_observation import observation_status, observed_at
from data.intake.fhir_parts import local_parts
from data.intake.fhir_types import Observation
from data.intake.item import Held, Item

FINDING = "finding"


def finding(observation: Observation, setting: Setting) -> Sequence[Item]:
    """The finding its component `code` names, in the words of its value. Raises Held for one without a code."""
    parts = local_parts(observation)
    if not parts.get("code"):
        raise Held("the finding has no code", "send the component code")
    status = observation_status(observation.status)
    moment = observed_at(observation)
    fields = frame("Observation", observation, setting, status=status, moment=moment, issued=observation.issued)
    return [Item(**fields, kind="finding", text=value_words(observation) or None, detail=present(parts))]
