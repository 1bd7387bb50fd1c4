"""FHIR Condition: the disease itself, and the clinician's statement of where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from data.intake.coded import STATES, state_detail
from data.intake.fhir_frame import RETRACTED, Setting, codes, counted_code, every_word, frame, words
from data.intake.fhir_types import Condition
from data.intake.item import Item
from data.intake.moments import read_fhir_moment
from data.intake.parcel import Ignored

STATE = "urn:nadir:state"
# ICD-O-3 morphology and Human Phenotype Ontology; clinical reference, section 11.
GLUCAGONOMA = frozenset({"8152/1", "8152/3", "HP:0030404"})


def condition(resource: Condition, setting: Setting) -> Sequence[Item] | Ignored:
    """A disease state as a statement of its day, or that the disease was found; other conditions are out of scope.

    A state is effective on the day it was recorded (the onset is that of the disease) and stands beside earlier ones:
    another state under the same id is a later statement, not a correction.
    """
    named = every_word(resource.code)
    state = _state(resource)
    known = {c.code for c in resource.code.coding} & GLUCAGONOMA or "glucagonoma" in named.casefold()
    if state is None and not known:
        return Ignored(counted_code("Condition", resource.code))
    verified = {c.code for c in resource.verification_status.coding} if resource.verification_status else set()
    if "refuted" in verified:
        return Ignored("Condition refuted")
    status = RETRACTED if RETRACTED in verified else "final"
    stated = resource.recorded_date or resource.onset_date_time
    if state is None:
        stated = resource.onset_date_time or resource.recorded_date
    moment = None if stated is None else read_fhir_moment(stated)
    fields = frame("Condition", resource, setting, status=status, moment=moment, issued=None)
    if state is None:
        detail = {"code": "glucagonoma"}
        return [Item(**fields, kind="finding", text=words(resource.code), detail=detail)]
    if fields["source_id"] is not None:
        fields["source_id"] += f"#{state}"
    return [Item(**fields, kind="state", detail=state_detail({"state": state}))]


def _state(resource: Condition) -> str | None:
    for extension in resource.extension:
        if extension.url == STATE:
            said = extension.value_string or extension.value_code or words(extension.value_codeable_concept)
            return said or ""
    for category in resource.category:
        found = codes(category, STATE)
        if found or any(c.system == STATE for c in category.coding):
            return found[0] if found else category.text or ""
        if category.text in STATES:
            return category.text
    return None
