"""FHIR imaging: size of a lesion, a reader's overall response, and the studies and reports themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.intake.coded import lesion_detail, present, response_detail
from data.intake.fhir_coded import coded_item, noted, value_words
from data.intake.fhir_frame import LOINC, RETRACTED, Setting, codes, counted_code, frame, moment_of, who, words
from data.intake.fhir_observation import observation_status
from data.intake.fhir_parts import local_parts, millimetres
from data.intake.fhir_types import DiagnosticReport, ImagingStudy, Observation
from data.intake.item import Held, Item
from data.intake.parcel import Ignored

TUMOUR_SIZE = "21889-1"
LONGEST_DIAMETER = "33728-7"
# Modalities that look for tumour: a plain X-ray of a clavicle is no surveillance imaging.
MODALITIES = frozenset({"CT", "MR", "PT", "NM", "US"})
_IMAGING_CATEGORIES = frozenset({"RAD", "RUS", "NMR", "NMS", "CT", "imaging", "LP29684-5", "363679005"})
_REPORT_STATUS = {"appended": "amended", "partial": "preliminary"}


def lesion(observation: Observation, setting: Setting) -> Sequence[Item]:
    """One lesion on one scan."""
    return coded_item(observation, setting, "lesion", "lesion", _lesion)


def response(observation: Observation, setting: Setting) -> Sequence[Item]:
    """A reader's overall response."""
    return coded_item(observation, setting, "response", "recist-response", _response)


def report(resource: DiagnosticReport, setting: Setting) -> Sequence[Item] | Ignored:
    """An imaging report; reports of other services are outside the scope, their results come as Observations."""
    categories = {c.code for concept in resource.category for c in concept.coding}
    if not categories & _IMAGING_CATEGORIES:
        return Ignored(counted_code("DiagnosticReport", resource.code))
    status = observation_status(_REPORT_STATUS.get(resource.status or "", resource.status))
    moment = moment_of(resource.effective_date_time, resource.effective_period)
    fields = frame("DiagnosticReport", resource, setting, status=status, moment=moment, issued=resource.issued)
    found = resource.conclusion or "; ".join(filter(None, (words(c) for c in resource.conclusion_code))) or None
    detail = {
        "code": "imaging-report",
        "study": words(resource.code),
        "reader": who(resource.performer[0]) if resource.performer else None,
    }
    return [Item(**fields, kind="finding", text=found, detail=present(detail))]


def study(resource: ImagingStudy, setting: Setting) -> Sequence[Item] | Ignored:
    """That a study was made, with its modality."""
    sent = [*resource.modality, *(s.modality for s in resource.series if s.modality is not None)]
    modalities = sorted({coding.code for coding in sent if coding.code})
    wanted = [code for code in modalities if code in MODALITIES]
    if not wanted:
        return Ignored("ImagingStudy " + (modalities[0] if modalities and modalities[0].isalnum() else "other"))
    if resource.status in ("registered", "cancelled"):
        return Ignored(f"ImagingStudy {resource.status}")
    status = RETRACTED if resource.status == RETRACTED else "final"
    moment = moment_of(resource.started, None)
    fields = frame("ImagingStudy", resource, setting, status=status, moment=moment, issued=None)
    sites = [s.body_site.display or s.body_site.code for s in resource.series if s.body_site is not None]
    detail = {"code": "imaging-study", "modality": "+".join(wanted), "site": sites[0] if sites else None}
    return [Item(**fields, kind="finding", text=resource.description, detail=present(detail))]


def _lesion(observation: Observation) -> dict[str, Any]:
    parts = local_parts(observation)
    longest = next((p for p in observation.component if LONGEST_DIAMETER in codes(p.code, LOINC)), None)
    quantity = longest.value_quantity if longest is not None else observation.value_quantity
    short_axis = parts.pop("lesion_short_axis", None)
    if short_axis is not None and quantity is not None:
        raise Held("a longest diameter and a short axis were sent for one lesion", "send the one that is summed")
    size = short_axis if short_axis is not None else str(millimetres(quantity, "the diameter")) if quantity else ""
    return lesion_detail(
        {
            **_read_by(observation),
            "node": "1" if short_axis is not None else "0",
            "note": noted(observation),
            **parts,
            "lesion": _identity(observation) or "",
            "site": words(observation.body_site) or "",
            "role": parts.get("lesion_role", ""),
            "state": parts.get("lesion_state", ""),
            "diameter_mm": size,
        }
    )


def _response(observation: Observation) -> dict[str, Any]:
    parts = local_parts(observation)
    return response_detail(
        {**_read_by(observation), **parts, "response": value_words(observation).strip(), "text": noted(observation)}
    )


def _read_by(observation: Observation) -> dict[str, str]:
    reader = who(observation.performer[0]) if observation.performer else None
    signed = observation.status in ("final", "amended", "corrected")
    return {"reader": reader or "", "modality": words(observation.method) or "", "signed": "1" if signed else "0"}


def _identity(observation: Observation) -> str | None:
    for focus in observation.focus:
        named = focus.identifier.value if focus.identifier is not None else None
        if named or focus.display or focus.reference:
            return named or focus.display or focus.reference
    return next((i.value for i in observation.identifier if i.value), None)
