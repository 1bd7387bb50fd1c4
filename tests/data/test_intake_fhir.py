"""FHIR into charts: results, coded facts, therapy, imaging, disease state; what cannot be read says why."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from data.db import Database
from data.models import Record
from tests.data.bundles import (
    LOINC,
    Resource,
    chart,
    coded,
    glucose,
    held,
    observation,
    part,
    patient,
    run,
)


def test_a_skin_assessment_becomes_one(sqlite_database: Database, tmp_path: Path) -> None:
    skin = observation(
        coded("skin-assessment"),
        valueCodeableConcept={"text": "worse"},
        component=[
            part("iga", 3),
            part("bsa", 12.5, unit="%"),
            part("erosion", 2),
            part("itch", 6, unit="{score}"),
            part("sites", "groin"),
            part("sites", "perioral"),
            part("infection", "none"),
            part("new-drug", "everolimus"),
        ],
    )
    assert run(sqlite_database, tmp_path, patient(), skin)["quarantined"] == []
    (found,) = chart(sqlite_database).skin
    assert (found.overall, found.iga, found.bsa, found.erosion, found.itch) == ("worse", 3, 12.5, 2, 6.0)
    assert (found.sites, found.infection, found.new_drug) == (("groin", "perioral"), "none", "everolimus")


def test_a_lesion_keeps_exact_tenths_its_role_and_who_read_it(sqlite_database: Database, tmp_path: Path) -> None:
    lesion = observation(
        coded("21889-1", LOINC),
        focus=[{"identifier": {"value": "T1"}}],
        bodySite={"text": "liver S6"},
        method={"text": "CT"},
        performer=[{"display": "Dr Reader"}],
        component=[part("33728-7", 2.25, LOINC, unit="cm"), part("lesion-role", "target")],
    )
    node = observation(
        coded("21889-1", LOINC),
        identifier=[{"value": "N1"}],
        component=[part("lesion-short-axis", 9.0, unit="mm"), part("lesion-role", "new")],
    )
    assert run(sqlite_database, tmp_path, patient(), lesion, node)["quarantined"] == []
    first, second = sorted(chart(sqlite_database).lesions, key=lambda one: one.lesion, reverse=True)
    assert (first.lesion, first.diameter_tenths, first.role, first.site) == ("T1", 225, "target", "liver S6")
    assert (first.modality, first.reader, first.signed, first.node) == ("CT", "Dr Reader", True, False)
    assert (second.lesion, second.diameter_tenths, second.role, second.node) == ("N1", 90, "new", True)


def test_response_ultrasound_and_symptom_are_read(sqlite_database: Database, tmp_path: Path) -> None:
    run(
        sqlite_database,
        tmp_path,
        patient(),
        observation(coded("recist-response"), valueCodeableConcept={"text": "PD"}, performer=[{"display": "Dr R"}]),
        observation(
            coded("biliary-ultrasound"),
            component=[part("stones", "multiple"), part("wall_mm", 3, unit="mm"), part("murphy", False)],
        ),
        observation(coded("symptom"), valueCodeableConcept={"text": "ruq-pain"}),
        observation(coded("stools-per-day"), valueInteger=6),
    )
    found = chart(sqlite_database)
    assert (found.responses[0].response, found.responses[0].reader) == ("PD", "Dr R")
    assert (found.biliary[0].stones, found.biliary[0].wall_mm, found.biliary[0].murphy) == ("multiple", 3.0, False)
    assert found.symptoms[0].name == "ruq-pain" and found.symptoms[0].present
    assert found.of("stools-per-day")[0].number == 6


def test_therapy_is_read_from_codes_texts_and_references(sqlite_database: Database, tmp_path: Path) -> None:
    dosage = {
        "route": {"text": "deep sc"},
        "timing": {"repeat": {"frequency": 1, "period": 4, "periodUnit": "wk"}},
        "doseAndRate": [{"doseQuantity": {"value": 120, "unit": "mg"}}],
    }
    subject = {"subject": {"reference": "Patient/p1"}}
    summary = run(
        sqlite_database,
        tmp_path,
        patient(),
        {"resourceType": "Medication", "id": "m1", "code": coded("H01CB03", "http://www.whocc.no/atc")},
        {
            "resourceType": "MedicationAdministration",
            "status": "completed",
            "medicationReference": {"reference": "Medication/m1"},
            "effectiveDateTime": "2024-01-15",
            "dosage": {"dose": {"value": 120, "unit": "mg"}},
            **subject,
        },
        {
            "resourceType": "MedicationStatement",
            "id": "s1",
            "status": "stopped",
            "medicationCodeableConcept": {"text": "lanreotide"},
            "effectivePeriod": {"start": "2024-01-01", "end": "2025-01-01"},
            "dosage": [dosage],
            **subject,
        },
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": "Everolimus 10 mg"},
            "authoredOn": "2025-02-01",
            **subject,
        },
        {
            "resourceType": "Procedure",
            "status": "completed",
            "code": {"text": "Distal pancreatectomy"},
            "performedDateTime": "2023-05",
            "outcome": {"text": "R0"},
            **subject,
        },
        {"resourceType": "Procedure", "status": "completed", "code": {"text": "Colonoscopy"}, **subject},
    )
    assert summary["quarantined"] == [] and summary["ignored_types"] == {"Medication": 1, "Procedure": 1}
    steps = [(t.kind, t.drug or t.procedure, t.dose, t.interval_days) for t in chart(sqlite_database).therapy]
    assert steps == [
        ("procedure", "resection", None, None),
        ("start", "lanreotide", 120.0, 28),
        ("injection", "lanreotide", 120.0, None),
        ("stop", "lanreotide", None, None),
        ("start", "everolimus", None, None),
    ]


def test_states_of_the_disease_stand_beside_each_other_in_time(sqlite_database: Database, tmp_path: Path) -> None:
    def condition(state: str, day: str) -> Resource:
        return {
            "resourceType": "Condition",
            "id": "c1",
            "code": {"text": "Glucagonoma"},
            "subject": {"reference": "Patient/p1"},
            "onsetDateTime": "2019-01-01",
            "recordedDate": day,
            "extension": [{"url": "urn:nadir:state", "valueString": state}],
        }

    run(
        sqlite_database, tmp_path, patient(), condition("pre-op", "2020-01-01"), condition("ned-resected", "2020-06-01")
    )
    assert [(s.state, s.effective.date()) for s in chart(sqlite_database).states] == [
        ("pre-op", date(2020, 1, 1)),
        ("ned-resected", date(2020, 6, 1)),
    ]
    assert "'cured'" in held(sqlite_database, tmp_path, condition("cured", "2021-01-01"))


def test_imaging_studies_and_reports_are_findings_of_their_day(sqlite_database: Database, tmp_path: Path) -> None:
    subject = {"subject": {"reference": "Patient/p1"}}
    study = {"resourceType": "ImagingStudy", "status": "available", "started": "2024-01-01", **subject}
    summary = run(
        sqlite_database,
        tmp_path,
        patient(),
        {**study, "modality": [{"code": "CT"}]},
        {**study, "modality": [{"code": "DX"}]},
        {
            "resourceType": "DiagnosticReport",
            "status": "final",
            "category": [{"coding": [{"code": "RAD"}]}],
            "code": {"text": "CT abdomen"},
            "effectiveDateTime": "2024-01-02",
            "conclusion": "no new lesion",
            **subject,
        },
    )
    assert summary["ignored_types"] == {"ImagingStudy DX": 1}
    assert [(f.code, f.text) for f in chart(sqlite_database).findings] == [
        ("imaging-study", None),
        ("imaging-report", "no new lesion"),
    ]


def test_range_method_laboratory_interpretation_and_filler_are_kept(sqlite_database: Database, tmp_path: Path) -> None:
    sent = glucose(
        118,
        identifier=[{"value": "F-1"}],
        performer=[{"display": "Central lab"}],
        method={"text": "hexokinase"},
        interpretation=[coded("H", "v3")],
        issued="2024-03-11T00:00:00Z",
        referenceRange=[
            {"low": {"value": 70}, "high": {"value": 5.5, "unit": "mmol/L"}, "text": "70 to 99"},
            {"low": {"value": 60}, "appliesTo": [{"text": "pregnancy"}]},
        ],
    )
    run(sqlite_database, tmp_path, patient(), sent)
    (row,) = chart(sqlite_database).results
    assert (row.ref_low, row.ref_high) == (70.0, pytest.approx(99.1, abs=0.1))
    assert (row.lab, row.method, row.interpretation) == ("Central lab", "hexokinase", "H")
    assert row.known_at == datetime(2024, 3, 11, tzinfo=UTC)
    with sqlite_database.read() as session:
        record = session.scalars(select(Record)).one()
    assert (record.specimen, record.ref_low, record.ref_high) == ("F-1", "70", None)
    assert record.detail is not None and record.detail["ref_text"] == ["70 to 99"]


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (glucose(modifierExtension=[{"url": "urn:not"}]), "urn:not"),
        (glucose(implicitRules="urn:rules"), "urn:rules"),
        (glucose(effectiveDateTime=None), "when was this"),
        (glucose(effectiveDateTime="2024-03-10T08:15:00"), "no zone"),
        (glucose(effectiveDateTime=None, effectiveTiming={}), "effectiveTiming"),
        (glucose(valueString="x"), "more than one value"),
        (glucose(subject={"reference": "Patient/nobody"}), "not known"),
        (glucose(subject={"display": "somebody"}), "no subject"),
        (glucose(issued="2030-01-01T00:00:00Z"), "time of issue"),
        (glucose("12"), "not a JSON number"),
        (observation(coded("2345-7", LOINC), valueQuantity={"value": 5}), "without a unit"),
        (observation(coded("2345-7", LOINC), valueQuantity={"unit": "mg/dL"}), "no value"),
        (observation(coded("2345-7", LOINC), valueBoolean=True), "kind of value"),
        (observation(coded("2345-7", LOINC), valueInteger=5), "without a unit"),
        (observation(coded("2345-7", LOINC)), "neither a value"),
        (observation({"text": "Glucagon, fasting"}, valueString="high"), "names a marker"),
        (observation(coded("symptom"), valueCodeableConcept={"text": "hiccups"}), "hiccups"),
        (observation(coded("skin-assessment"), component=[part("iga", 5)]), "between 0 and 4"),
        (observation(coded("skin-assessment"), component=[part("iga", 1), part("iga", 2)]), "stands twice"),
        (glucose(code={"coding": [{"system": LOINC, "code": 5}]}), "$.code.coding[0].code"),
        (glucose(status="x" * 9), "not a status"),
    ],
)
def test_what_cannot_be_read_is_held_with_its_cause(
    resource: Resource, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    assert why in held(sqlite_database, tmp_path, resource)


def test_why_there_is_no_result_is_kept_as_the_code_that_says_so(sqlite_database: Database, tmp_path: Path) -> None:
    reason = {"coding": [{"code": "not-performed", "display": "Not Performed"}], "text": "not done"}
    run(sqlite_database, tmp_path, patient(), observation(coded("2345-7", LOINC), dataAbsentReason=reason))
    with sqlite_database.read() as session:
        (detail,) = session.scalars(select(Record.detail))
    assert detail == {"data_absent": "not-performed"}
