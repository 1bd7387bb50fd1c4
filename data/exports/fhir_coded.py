"""Skin, lesion, response, biliary ultrasound, symptom, other coded findings -> FHIR."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from data.exports.fhir_parts import Ids, Resource, framed, given, instant, local, measured, notes, text, when
from data.intake.coded import BILIARY_FLAGS
from data.intake.fhir_finding import FINDING
from data.intake.fhir_frame import LOINC
from data.intake.fhir_imaging import LONGEST_DIAMETER, TUMOUR_SIZE
from data.models import Record

SCORES = ("iga", "erythema", "erosion", "crust", "mucosal", "itch", "pain")
REPORT_CATEGORY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
SIZE = {"coding": [{"system": LOINC, "code": TUMOUR_SIZE, "display": "Size Tumor"}]}
DIAMETER = {"coding": [{"system": LOINC, "code": LONGEST_DIAMETER, "display": "Size.maximum dimension in Tumor"}]}


def skin(record: Record, ids: Ids) -> Resource:
    """The Observation of a skin assessment."""
    detail = record.detail or {}
    parts = [_number(name, detail[name], "{score}") for name in SCORES if detail.get(name) is not None]
    if detail.get("bsa") is not None:
        parts.append(_number("bsa", detail["bsa"], "%"))
    if detail.get("sites"):
        parts.append(_words("sites", ";".join(detail["sites"])))
    parts += [_words(code, detail[name]) for code, name in _SKIN_WORDS if detail.get(name)]
    overall = detail.get("overall")
    return _observation(
        record,
        ids,
        code=local("skin-assessment"),
        value={} if overall is None else {"valueCodeableConcept": text(overall)},
        parts=parts,
        performer=detail.get("rater"),
    )


_SKIN_WORDS = (("infection", "infection"), ("new-drug", "new_drug"))


def lesion(record: Record, ids: Ids) -> Resource:
    """The Observation of one lesion on one scan: its diameter or state, where it lies and who read it."""
    detail = record.detail or {}
    tenths = detail.get("diameter_tenths")
    parts = [_words("lesion-role", detail["role"]), _words("lesion-state", detail.get("state", "measured"))]
    if tenths is not None:
        size = measured(Decimal(tenths) / 10, "mm")
        parts.append({"code": local("lesion-short-axis") if detail.get("node") else DIAMETER, "valueQuantity": size})
    parts += [_flag(name, bool(detail.get(name))) for name in ("node", "signed")]
    parts += [_words(name, detail[name]) for name in ("organ", "into") if detail.get(name)]
    site = detail.get("site")
    made = _read(record, ids, code=SIZE, value={}, parts=parts)
    return {
        **made,
        "focus": [{"identifier": {"value": detail["lesion"]}}],
        **given((("bodySite", text(site) if site else None),)),
    }


def response(record: Record, ids: Ids) -> Resource:
    """The Observation of a reader's overall response."""
    detail = record.detail or {}
    value = {"valueCodeableConcept": text(detail["response"])}
    parts = [_flag("signed", bool(detail.get("signed")))]
    parts += [_words("computed", detail["computed"])] if detail.get("computed") else []
    made = _read(record, ids, code=local("recist-response"), value=value, parts=parts)
    return {**made, **given((("note", notes(record.text or detail.get("text"))),))}


def biliary(record: Record, ids: Ids) -> Resource:
    """The Observation of a biliary ultrasound."""
    detail = record.detail or {}
    parts = [_words(name, detail[name]) for name in ("stones", "gallbladder") if detail.get(name)]
    for name in BILIARY_FLAGS:
        if detail.get(name) is not None:
            parts.append(_flag(name, detail[name]))
    for name in ("wall_mm", "cbd_mm", "max_mm"):
        if detail.get(name) is not None:
            parts.append(_number(name, detail[name], "mm"))
    return _observation(record, ids, code=local("biliary-ultrasound"), value={}, parts=parts)


def symptom(record: Record, ids: Ids) -> Resource:
    """The Observation of a symptom, present or asked about and absent."""
    detail = record.detail or {}
    value = {"valueCodeableConcept": text(detail["name"])}
    parts = [_flag("present", bool(detail.get("present", True)))]
    return _observation(record, ids, code=local("symptom"), value=value, parts=parts)


def finding(record: Record, ids: Ids) -> Resource:
    """A report of imaging as DiagnosticReport, the disease as Condition, any other coded finding as Observation."""
    detail = record.detail or {}
    code = str(detail.get("code", ""))
    if code == "imaging-report":
        return _report(record, ids, detail)
    if code == "glucagonoma" and "glucagonoma" in (record.text or "").casefold():
        return {**framed("Condition", record, ids), "code": text(record.text or ""), "onsetDateTime": when(record)}
    parts = [_words(name, value) for name, value in detail.items() if name != "code" and isinstance(value, str)]
    value = {} if record.text is None else {"valueString": record.text}
    return _observation(record, ids, code=local(FINDING), value=value, parts=[_words("code", code), *parts])


def _report(record: Record, ids: Ids, detail: Mapping[str, Any]) -> Resource:
    reader = detail.get("reader")
    return {
        **framed("DiagnosticReport", record, ids, status=record.status),
        "category": [REPORT_CATEGORY],
        "code": text(detail.get("study") or "imaging report"),
        "effectiveDateTime": when(record),
        **given(
            (
                ("issued", None if record.issued_at is None else instant(record.issued_at)),
                ("conclusion", record.text),
                ("performer", [{"display": reader}] if reader else None),
            )
        ),
    }


def _read(record: Record, ids: Ids, *, code: Resource, value: Resource, parts: list[Resource]) -> Resource:
    """An Observation of a scan: with its modality and its reader."""
    detail = record.detail or {}
    modality = detail.get("modality")
    made = _observation(record, ids, code=code, value=value, parts=parts, performer=detail.get("reader"))
    return {**made, **given((("method", text(modality) if modality else None),))}


def _observation(
    record: Record,
    ids: Ids,
    *,
    code: Resource,
    value: Resource,
    parts: Iterable[Resource],
    performer: str | None = None,
) -> Resource:
    return {
        **framed("Observation", record, ids, status=record.status),
        "code": code,
        "effectiveDateTime": when(record),
        **given(
            (
                ("issued", None if record.issued_at is None else instant(record.issued_at)),
                ("performer", [{"display": performer}] if performer else None),
                ("component", list(parts)),
                ("note", notes((record.detail or {}).get("note"))),
            )
        ),
        **value,
    }


def _number(code: str, value: float, unit: str) -> Resource:
    return {"code": local(code), "valueQuantity": measured(value, unit)}


def _words(code: str, words: str) -> Resource:
    return {"code": local(code), "valueString": words}


def _flag(code: str, value: bool) -> Resource:
    return {"code": local(code), "valueBoolean": value}


CODED: Mapping[str, Callable[[Record, Ids], Resource]] = {
    "skin": skin,
    "lesion": lesion,
    "response": response,
    "biliary": biliary,
    "symptom": symptom,
    "finding": finding,
}
