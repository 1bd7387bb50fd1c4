"""A published case as a FHIR R4 bundle, the way a hospital system would have sent its facts.

Every timeline entry becomes the resource that says the same; nothing is added but what the case file itself does not
carry: the clinician's disease state, which the reports give in prose (`STATES`). Case files mark invented positions
(`replay_day_synthetic`); here they only give the order of events. Day 0 is `DAY_ZERO` unless the case was moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

DAY_ZERO = date(2015, 3, 2)
LOCAL = "urn:nadir:analyte"
STATE = "urn:nadir:state"
AUTHORS = "the authors of the report"
Case = Mapping[str, Any]
Event = Mapping[str, Any]
Resource = dict[str, Any]

ANALYTES = {
    "glucagon": "glucagon",
    "glucose": "glucose",
    "glucose_fasting": "glucose-fasting",
    "fasting_glucose": "glucose-fasting",
    "glucose_postprandial_2h": "glucose",
    "hba1c": "hba1c",
    "hyperglycaemia": "glucose",
    "haemoglobin": "haemoglobin",
    "crp": "crp",
    "vitamin_b12": "b12",
    "zinc": "zinc",
    "albumin": "albumin",
}
WORDS = {"high": "H", "normal": "N", "low": "L"}
SKIN = {
    "active": "active",
    "resolved": "clear",
    "improved": "improved",
    "improving": "improved",
    "worsening": "worse",
    "stable": "stable",
}
RESPONSES = {"progression": "PD", "stable": "SD", "negative": "NED"}
SYMPTOMS = {"diarrhoea": "diarrhoea", "diabetic_ketoacidosis": "ketoacidosis"}
OUTCOME_SYMPTOMS = {"pulmonary_embolism_dvt": ("leg-swelling", "dyspnoea"), "cholangitis_jaundice": ("jaundice",)}
OPERATION_NAMES = {
    "first_operation": "resection of a pancreatic tumour",
    "second_operation": "resection of a pancreatic tumour",
    "attempted_resection": "resection of a pancreatic tumour",
}
SCANNERS = {"pet_ct": "PET/CT", "octreotide_scan_extra_lesion": "octreotide scintigraphy"}
OPERATIONS = ("pancreatectomy", "resection", "duodenectomy", "operation", "embolisation", "ablation", "tace")
STONES = {"gallstones_baseline": "none", "incident_gallstones": "multiple", "new_gallstones": "multiple"}
TREATMENTS = {
    "somatostatin_analogue": "lanreotide",
    "ssa": "lanreotide",
    "octreotide_microspheres": "octreotide LAR",
    "octreotide_sc": "octreotide subcutaneous",
}
"""Where a report says only "an analogue", some analogue must be named; which one changes no rule asked here."""

STATES: Mapping[str, tuple[tuple[int, str], ...]] = {
    "anon-2022-esasrb-residual-after-resection": ((-30, "pre-op"), (1, "residual-stable")),
    "anon-gponline-pmol-units": ((360, "pre-op"), (631, "ned-resected")),
    "barabas-2019-cardiomyopathy-ssa": ((0, "pre-op"), (243, "residual-stable")),
    "dimitrovski-failed-first-surgery": ((-60, "pre-op"), (-29, "residual-stable"), (1, "ned-resected")),
    "fenkci-2005-dka-on-lar": ((-30, "pre-op"), (1, "residual-stable")),
    "galler-2015-failed-zinc-trial": ((360, "pre-op"), (451, "ned-resected")),
    "he-2011-distal-resection": ((-30, "pre-op"), (1, "ned-resected")),
    "holmes-1991-neuro-reversal-octreotide": ((0, "pre-op"), (91, "residual-stable")),
    "lee-2019-hyperglucagonaemia-no-tumour": ((90, "no-tumour-found"),),
    "liu-2018-two-year-delay": ((-608, "unknown"),),
    "poggi-2009-multimodality": ((0, "residual-stable"),),
    "prinz-1981-patient-1-dtic": ((-30, "pre-op"), (1, "ned-resected"), (366, "residual-progressing")),
    "tolliver-2018-rash-relapse-stable-tumour": ((0, "residual-stable"),),
    "wang-2022-young-woman-post-op-octreotide": ((-143, "pre-op"), (1, "ned-resected")),
    "yu-2023-patient-1-rash-before-nodes": ((-30, "pre-op"), (1, "ned-resected")),
}
"""Where the disease stood and from which day, read by hand from each report. Cohort means have none."""


def mrn(case: Case) -> str:
    """The number the case's patient carries."""
    return f"CASE-{case['id']}"[:120]


def day(offset: int) -> date:
    """The date of a replay day."""
    return DAY_ZERO + timedelta(days=offset)


def moved(case: Case, day_zero: date) -> Case:
    """The same case with its day 0 at another date."""
    return {**case, "began": day_zero}


def through(case: Case, last: int) -> Case:
    """What the case had told by the end of a replay day."""
    return {**case, "last": last, "timeline": [event for event in case["timeline"] if event["replay_day"] <= last]}


def told_on(case: Case) -> list[int]:
    """The replay days on which the case tells something, a state of the disease included."""
    stated = {offset for offset, _ in STATES.get(case["id"], ())}
    return sorted(stated | {event["replay_day"] for event in case["timeline"]})


def bundle(case: Case, *, without: frozenset[str] = frozenset()) -> Resource:
    """The case as a collection bundle; `without` leaves out timeline entries of those kinds."""
    resources = [_patient(case)]
    for event in case["timeline"]:
        if event["kind"] not in without:
            resources += _resources(case, event)
    stated = [(offset, state) for offset, state in STATES.get(case["id"], ()) if offset <= case.get("last", offset)]
    resources += [_condition(case, offset, state) for offset, state in stated]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:case:{n}", "resource": resource} for n, resource in enumerate(resources)],
    }


def _date(case: Case, offset: int) -> date:
    zero: date = case.get("began", DAY_ZERO)
    return zero + timedelta(days=offset)


def _resources(case: Case, event: Event) -> Iterator[Resource]:
    kind, analyte = event["kind"], event["analyte"]
    if kind == "skin":
        yield _skin(case, event)
    elif analyte in STONES:
        yield _ultrasound(case, event)
    elif kind == "imaging":
        yield _imaging(case, event)
    elif kind == "therapy":
        yield from (_treatment(case, event, name) for name in analyte.split(";"))
    elif analyte in ANALYTES:
        yield _result(case, event)
    elif analyte in OUTCOME_SYMPTOMS and case["patient"]["kind"] == "single_patient":
        yield from (_symptom(case, event, name) for name in OUTCOME_SYMPTOMS[analyte])
    elif analyte != "death":
        yield from (_complaint(case, event, word) for word in analyte.split(";"))


def _patient(case: Case) -> Resource:
    person = case["patient"]
    resource: Resource = {
        "resourceType": "Patient",
        "id": case["id"][:64],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "system": "urn:case", "value": mrn(case)}],
        "gender": {"F": "female", "M": "male"}.get(person["sex"], "unknown"),
    }
    if person["age"] is not None:
        resource["birthDate"] = f"{_date(case, 0).year - person['age']}"
    deaths = [e for e in case["timeline"] if e["kind"] == "outcome" and e["analyte"] == "death"]
    if deaths:
        resource["deceasedDateTime"] = _date(case, deaths[0]["replay_day"]).isoformat()
    return resource


def _symptom(case: Case, event: Event, name: str) -> Resource:
    return _observation(case, event, "symptom", {"valueCodeableConcept": {"text": name}}, tail=name)


def _complaint(case: Case, event: Event, word: str) -> Resource:
    """A symptom Nadir knows, a fast pulse without a number, or something it does not follow and says so."""
    if word in SYMPTOMS:
        return _symptom(case, event, SYMPTOMS[word])
    if word == "tachycardia":
        fast = {"valueString": word, "interpretation": [{"coding": [{"code": "H"}]}]}
        return _observation(case, event, "heart-rate", fast, tail=word)
    return _observation(case, event, word.replace("_", "-"), {"valueString": event["qual"] or "reported"}, tail=word)


def _result(case: Case, event: Event) -> Resource:
    content: Resource = {}
    if event["value"] is not None:
        content["valueQuantity"] = {"value": event["value"], "unit": event["unit"]}
    else:
        content["valueString"] = event["qual"] or "reported without a value"
    if event["qual"] in WORDS:
        content["interpretation"] = [{"coding": [{"code": WORDS[event["qual"]]}]}]
    limits = {name: event[f"ref_{name}"] for name in ("low", "high") if event[f"ref_{name}"] is not None}
    if limits:
        unit = event["unit"]
        content["referenceRange"] = [{name: {"value": limit, "unit": unit} for name, limit in limits.items()}]
    return _observation(case, event, ANALYTES[event["analyte"]], content)


def _skin(case: Case, event: Event) -> Resource:
    return _observation(case, event, "skin-assessment", {"valueCodeableConcept": {"text": SKIN[event["qual"]]}})


def _imaging(case: Case, event: Event) -> Resource:
    qual, analyte = event["qual"], event["analyte"]
    reader = {"performer": [{"display": AUTHORS}]}
    if qual in RESPONSES:
        return _observation(
            case, event, "recist-response", {"valueCodeableConcept": {"text": RESPONSES[qual]}, **reader}
        )
    if analyte == "echo_lv":
        return _observation(case, event, "echo", {"valueString": qual})
    role = "new" if qual in ("new_lesion", "equivocal") else "target" if event["unit"] == "mm" else "non-target"
    components: list[Resource] = [{"code": _code("lesion-role"), "valueCodeableConcept": {"text": role}}]
    content: Resource = {
        "identifier": [{"value": analyte}],
        "bodySite": {"text": analyte.replace("_mm", "").replace("_", " ")},
        "component": components,
        **reader,
    }
    if analyte in SCANNERS:
        content["method"] = {"text": SCANNERS[analyte]}
    if event["unit"] == "mm":
        longest = {"code": {"coding": [{"system": "http://loinc.org", "code": "33728-7"}]}}
        components.append({**longest, "valueQuantity": {"value": event["value"], "unit": "mm", "code": "mm"}})
    else:
        state = "equivocal" if qual == "equivocal" else "present"
        components.append({"code": _code("lesion-state"), "valueCodeableConcept": {"text": state}})
    observed = _observation(case, event, "lesion", content)
    observed["code"] = {"coding": [{"system": "http://loinc.org", "code": "21889-1"}]}
    return observed


def _ultrasound(case: Case, event: Event) -> Resource:
    stones = {"code": _code("stones"), "valueCodeableConcept": {"text": STONES[event["analyte"]]}}
    gallbladder = {"code": _code("gallbladder"), "valueCodeableConcept": {"text": "in-situ"}}
    return _observation(case, event, "biliary-ultrasound", {"component": [stones, gallbladder]})


def _treatment(case: Case, event: Event, name: str) -> Resource:
    on = _date(case, event["replay_day"]).isoformat()
    text = name.replace("_", " ")
    shared: Resource = {"id": _id(case, event, name), "subject": {"reference": f"Patient/{case['id'][:64]}"}}
    if any(word in name for word in OPERATIONS):
        planned = name.endswith("_planned")
        failed = event["qual"] == "failed" or name.startswith("attempted")
        return {
            "resourceType": "Procedure",
            **shared,
            "status": "preparation" if planned else "completed",
            "code": {"text": OPERATION_NAMES.get(name, text)},
            "performedDateTime": on,
            **({"outcome": {"text": "R2"}} if failed else {}),
        }
    stopped = name.endswith("_stopped")
    drug = TREATMENTS.get(name, text.removesuffix(" stopped").removesuffix(" restarted"))
    return {
        "resourceType": "MedicationStatement",
        **shared,
        "status": "stopped" if stopped else "active",
        "medicationCodeableConcept": {"text": drug},
        "effectivePeriod": {"end": on} if stopped else {"start": on},
    }


def _condition(case: Case, offset: int, state: str) -> Resource:
    return {
        "resourceType": "Condition",
        "id": f"{case['id'][:32]}-state-{offset + 10_000}",
        "subject": {"reference": f"Patient/{case['id'][:64]}"},
        "code": {"text": "glucagonoma"},
        "category": [{"coding": [{"system": STATE, "code": state}], "text": state}],
        "recordedDate": _date(case, offset).isoformat(),
    }


def _observation(case: Case, event: Event, code: str, content: Resource, *, tail: str = "") -> Resource:
    return {
        "resourceType": "Observation",
        "id": _id(case, event, tail),
        "status": "final",
        "code": _code(code),
        "subject": {"reference": f"Patient/{case['id'][:64]}"},
        "effectiveDateTime": _date(case, event["replay_day"]).isoformat(),
        **content,
    }


def _code(code: str) -> Resource:
    return {"coding": [{"system": LOCAL, "code": code}]}


def _id(case: Case, event: Event, tail: str = "") -> str:
    return "-".join(filter(None, (case["id"][:32], str(event["seq"]), tail.replace("_", "-"))))[:64]
