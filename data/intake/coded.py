"""Coded facts, the same from every format: skin, lesion, response, biliary ultrasound, symptom, therapy.

Each function takes the fields as texts, as they stood in the file, and gives `detail` with the fields of the dataclass
of that kind in `clinical.chart`. A field that is not there is left out; one that cannot be read raises Held.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, get_args

from clinical.chart import DiseaseStateName, LesionState
from clinical.numbers import NumberError, parse_number
from clinical.saying import say
from clinical.therapy import drug_named, procedure_named
from data.intake.item import Held

Fields = Mapping[str, str]
OVERALL = frozenset({"clear", "improved", "stable", "active", "worse"})
INFECTION = frozenset({"none", "suspected", "confirmed"})
SITES = frozenset(["perioral", "genital", "groin", "buttocks", "lower-leg", "foot", "flexure", "trunk", "other"])
ROLES = frozenset({"target", "non-target", "new"})
LESION_STATES: frozenset[str] = frozenset(get_args(LesionState))
RESPONSES = frozenset({"CR", "PR", "SD", "PD", "NE", "NED"})
STONES = frozenset({"none", "single", "multiple"})
BILIARY_FLAGS = ("sludge", "murphy", "fluid", "cbd_stone", "ihbd", "mobile", "impacted")
GALLBLADDER = frozenset({"in-situ", "absent", "not-seen", "non-fasting"})
STATES: frozenset[str] = frozenset(get_args(DiseaseStateName))
SYMPTOMS = frozenset(
    (
        *("ruq-pain", "fever", "steatorrhoea", "oily-stool", "diarrhoea", "jaundice", "leg-swelling", "chest-pain"),
        *("dyspnoea", "stroke-signs", "palpitations", "severe-hypoglycaemia", "ketoacidosis"),
    )
)
THERAPY_KINDS = frozenset({"injection", "start", "stop", "dose", "interval", "procedure"})
MEASURED_STATES = frozenset({"measured", "split", "merged"})
_FLAGS = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True}


def skin_detail(sent: Fields) -> dict[str, Any]:
    """The fields of `SkinAssessment`. Raises Held; an assessment that says nothing at all is held too."""
    detail = {
        "overall": choice(sent, "overall", OVERALL),
        "iga": whole(sent, "iga", 4),
        "bsa": decimal(sent, "bsa", 100),
        **{name: whole(sent, name, 3) for name in ("erythema", "erosion", "crust", "mucosal")},
        "itch": decimal(sent, "itch", 10),
        "pain": decimal(sent, "pain", 10),
        "sites": _sites(sent.get("sites", "")),
        "infection": choice(sent, "infection", INFECTION),
        "new_drug": text(sent, "new_drug"),
    }
    if not any(value not in (None, []) for value in detail.values()):
        raise Held(say("the skin assessment says nothing"), say("send at least one finding"))
    return present({**detail, "rater": text(sent, "rater"), "note": text(sent, "note")})


def lesion_detail(sent: Fields) -> dict[str, Any]:
    """The fields of `Lesion`; `diameter_mm` becomes whole tenths of a millimetre."""
    diameter = decimal_exact(sent, "diameter_mm", 1_000)
    role = choice(sent, "role", ROLES)
    state = choice(sent, "state", LESION_STATES) or ("measured" if diameter is not None else None)
    if text(sent, "lesion") is None:
        raise Held("the lesion has no name", "send which lesion it is")
    if role is None:
        raise Held("the lesion has no role", f"send one of {', '.join(sorted(ROLES))}")
    if state is None:
        raise Held("the lesion has neither a diameter nor a state", f"send one of {', '.join(sorted(LESION_STATES))}")
    if state == "measured" and diameter is None:
        raise Held("a measured lesion has no diameter", "send the diameter, or another state")
    if diameter is not None and state in ("absent", "not-evaluable"):
        raise Held(f"a lesion that is {state} has a diameter", "send one of the two")
    detail: dict[str, Any] = {
        name: text(sent, name) for name in ("lesion", "modality", "site", "organ", "into", "reader", "note")
    }
    detail |= {"role": role, "state": state, "node": bool(flag(sent, "node")), "signed": bool(flag(sent, "signed"))}
    if diameter is not None:
        tenths = (diameter * 10).to_integral_value(ROUND_HALF_EVEN)
        detail["diameter_tenths"] = int(tenths)
        if tenths != diameter * 10:
            detail["notes"] = [f"the diameter {diameter} mm was rounded to a tenth"]
    return present(detail)


def sized(detail: Mapping[str, Any]) -> dict[str, str]:
    """The diameter of a lesion as value and unit of its record; empty where it was not measured."""
    tenths = detail.get("diameter_tenths")
    return {} if tenths is None else {"value": str(Decimal(tenths) / 10), "unit": "mm"}


def response_detail(sent: Fields) -> dict[str, Any]:
    """The fields of `Response`."""
    response = choice(sent, "response", RESPONSES)
    if response is None:
        raise Held("the response is missing", f"send one of {', '.join(sorted(RESPONSES))}")
    detail = {name: text(sent, name) for name in ("modality", "reader", "text", "computed")}
    return present({**detail, "response": response, "signed": bool(flag(sent, "signed"))})


def biliary_detail(sent: Fields) -> dict[str, Any]:
    """The fields of `BiliaryUltrasound`."""
    detail = {
        "stones": choice(sent, "stones", STONES),
        **{name: flag(sent, name) for name in BILIARY_FLAGS},
        **{name: decimal(sent, name, 200) for name in ("wall_mm", "cbd_mm", "max_mm")},
        "gallbladder": choice(sent, "gallbladder", GALLBLADDER),
    }
    if all(value is None for value in detail.values()):
        raise Held("the ultrasound says nothing", "send at least one finding")
    return present({**detail, "note": text(sent, "note")})


def symptom_detail(sent: Fields) -> dict[str, Any]:
    """The fields of `Symptom`."""
    name = choice(sent, "name", SYMPTOMS)
    if name is None:
        raise Held(say("the symptom is missing"), say("send one of {which}", which=", ".join(sorted(SYMPTOMS))))
    there = flag(sent, "present")
    return {"name": name, "present": True if there is None else there}


def state_detail(sent: Fields) -> dict[str, Any]:
    """The fields of `DiseaseState`."""
    state = choice(sent, "state", STATES)
    if state is None:
        raise Held("the disease state is missing", f"send one of {', '.join(sorted(STATES))}")
    return {"state": state}


def therapy_detail(sent: Fields) -> dict[str, Any]:
    """The fields of `Therapy`. `drug` and `procedure` are read from free text; one that is not known is held."""
    kind = choice(sent, "kind", THERAPY_KINDS)
    if kind is None:
        raise Held(
            say("the kind of therapy is missing"), say("send one of {which}", which=", ".join(sorted(THERAPY_KINDS)))
        )
    said = text(sent, "drug") or ""
    drug = None if kind == "procedure" else drug_named(said)
    procedure = procedure_named(said) if kind == "procedure" else None
    if drug is None and procedure is None:
        raise Held(
            say("{said} is not a procedure Nadir knows", said=repr(said))
            if kind == "procedure"
            else say("{said} is not a drug Nadir knows", said=repr(said)),
            say("correct the name"),
        )
    dose = decimal(sent, "dose", 1_000_000)
    if dose is not None and text(sent, "unit") is None:
        raise Held(say("a dose without a unit"), say("send the unit"))
    detail = {name: text(sent, name) for name in ("unit", "route", "decided_by", "note")}
    return present(
        {
            **detail,
            "kind": kind,
            "drug": drug,
            "procedure": procedure,
            "dose": dose,
            "interval_days": whole(sent, "interval_days", 400),
            "completeness": choice(sent, "completeness", frozenset({"R0", "R1", "R2"})),
            "intent": choice(sent, "intent", frozenset({"curative", "palliative"})),
            "planned_next": _iso_date(sent, "planned_next"),
        }
    )


def present(detail: Mapping[str, Any]) -> dict[str, Any]:
    """`detail` without the fields that were not recorded."""
    return {name: value for name, value in detail.items() if value is not None and value != []}


def text(sent: Fields, name: str) -> str | None:
    """The field as it stands, None where it is empty."""
    return sent.get(name, "").strip() or None


def choice(sent: Fields, name: str, allowed: frozenset[str]) -> str | None:
    """The field where it is one of `allowed`."""
    said = text(sent, name)
    if said is not None and said not in allowed:
        raise Held(
            say("{name} {said} is not known", name=name, said=repr(said)),
            say("one of {which}", which=", ".join(sorted(allowed))),
        )
    return said


def flag(sent: Fields, name: str) -> bool | None:
    """0/1, true/false or yes/no."""
    said = text(sent, name)
    if said is None:
        return None
    if said.casefold() not in _FLAGS:
        raise Held(say("{name} {said} is neither yes nor no", name=name, said=repr(said)), say("send 0 or 1"))
    return _FLAGS[said.casefold()]


def decimal_exact(sent: Fields, name: str, largest: int) -> Decimal | None:
    """A number from 0 to `largest`, exact."""
    said = text(sent, name)
    if said is None:
        return None
    try:
        parsed = parse_number(said)
    except NumberError as error:
        raise Held(f"{name}: {error}", say("send a plain decimal number")) from error
    if parsed.comparator is not None:
        raise Held(
            say("{name} {said} has a comparator", name=name, said=repr(said)), say("send a plain decimal number")
        )
    if parsed.value.is_signed() or parsed.value > largest:
        raise Held(
            say("{name} {said} is not between 0 and {largest}", name=name, said=said, largest=largest),
            say("check the number"),
        )
    return parsed.value


def decimal(sent: Fields, name: str, largest: int) -> float | None:
    """A number from 0 to `largest`."""
    value = decimal_exact(sent, name, largest)
    return None if value is None else float(value)


def whole(sent: Fields, name: str, largest: int) -> int | None:
    """A whole number from 0 to `largest`."""
    value = decimal_exact(sent, name, largest)
    if value is not None and value != value.to_integral_value():
        raise Held(say("{name} {value} is not a whole number", name=name, value=value), say("check the number"))
    return None if value is None else int(value)


def _sites(said: str) -> list[str]:
    sites = [site.strip() for site in said.split(";") if site.strip()]
    unknown = [site for site in sites if site not in SITES]
    if unknown:
        raise Held(
            say("site {unknown} is not known", unknown=repr(unknown[0])),
            say("one of {which}", which=", ".join(sorted(SITES))),
        )
    return sorted(set(sites))


def _iso_date(sent: Fields, name: str) -> str | None:
    said = text(sent, name)
    if said is None:
        return None
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError as error:
        raise Held(say("{name} {said} is not a date", name=name, said=repr(said)), say("write 2024-03-10")) from error
