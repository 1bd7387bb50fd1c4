"""Who a DICOM object is about, as facts that are registered or matched like those of every other format."""

from __future__ import annotations

from datetime import date

from data.intake.dicom_read import Report
from data.intake.fhir_patient import LONGEST_NAME
from data.intake.identity import PatientFacts
from data.intake.item import Held

_SEXES = {"F": "female", "M": "male", "O": "other"}


def patient_facts(report: Report) -> PatientFacts:
    """The patient of a report: PatientID with its issuer, name, birth date, sex. Raises Held for an unusable one."""
    if not report.patient_id:
        raise Held("there is no patient number (PatientID)", "send it, or name the patient with --patient")
    system = f"urn:oid:{report.issuer_uid}" if _is_oid(report.issuer_uid) else report.issuer_uid or report.issuer
    name = _name(report.name)
    if any("\x00" in text or len(text) > LONGEST_NAME for text in (report.patient_id, system, name or "")):
        raise Held(f"a name or number is longer than {LONGEST_NAME} characters or holds a NUL character", "shorten it")
    return PatientFacts(
        mrn=report.patient_id,
        system=system or None,
        name=name,
        birth_date=_whole_date(report.birth_date),
        sex=_SEXES.get(report.sex.upper()),
        deceased_at=None,
        numbers=((system, report.patient_id),) if system else (),
        references=(),
    )


def person(text: str) -> str:
    """A person name as it is said: given, middle, family; the alphabetic group where there are several."""
    family, *rest = text.partition("=")[0].split("^")
    return " ".join(" ".join((*rest[:2], family)).split())


def _name(text: str) -> str | None:
    return person(text) or None


def _is_oid(text: str) -> bool:
    return bool(text) and all(part.isdecimal() for part in text.split(".")) and "." in text


def _whole_date(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text.replace(".", ""))
    except ValueError as error:
        raise Held(f"the birth date {text[:20]!r} is not a date", "correct it at the source") from error
