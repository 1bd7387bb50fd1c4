"""Who an item is about: patients a file brings are registered or matched, references resolved; nobody is ever merged.

A number (MRN) is one person's within one numbering system. The same number from another system, with another birth
date or under an unrelated name is held for a person to look at, and so is everything that refers to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session, aliased

from clinical.saying import chained, say
from data.audit import write_audit
from data.intake.holders import Holder, Holders, holders
from data.intake.item import Held
from data.models import Patient, PatientIdentifier
from data.patient_status import note_status
from data.patients import NewPatient, PatientError, find_by_identifier, register
from data.people import SYSTEM_ROLE, Actor, visible
from data.records import take_ingest
from data.survivors import standing_id, survivor_of

FHIR_ID = "urn:nadir:fhir-id"
# A FHIR id that two patients of different servers share: it names nobody any more.
SHARED_FHIR_ID = "urn:nadir:fhir-id:shared"
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """A patient as a file states it. `references` are the ids other resources of the file point at.

    `deceased_at` is taken over where no death is known; `told_dead` (an ISO day, or that none was said) is for a person
    to confirm.
    """

    mrn: str
    system: str | None
    name: str | None
    birth_date: date | None
    sex: str | None
    deceased_at: datetime | None
    numbers: tuple[tuple[str, str], ...]
    references: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    told_dead: str | None = None

    def plain(self) -> dict[str, Any]:
        """What a proposal keeps of them."""
        born = None if self.birth_date is None else self.birth_date.isoformat()
        return {"mrn": self.mrn, "system": self.system, "name": self.name, "birth_date": born, "sex": self.sex}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a message says about who somebody is, for a person to decide. Numbers are MRNs or references as sent."""

    kind: Literal["merge", "update", "link"]
    into_number: str
    why: str
    from_number: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Disputed(Held):
    """A patient that is held until somebody has decided what `proposed` asks."""

    def __init__(self, why: str, suggestion: str, proposed: Proposed) -> None:
        super().__init__(why, suggestion)
        self.proposed = proposed


@dataclass(frozen=True, slots=True)
class Admission:
    """The patient an incoming one turned out to be, and whether that was new."""

    patient_id: int
    outcome: Literal["stored", "superseded", "unchanged"]
    proposals: tuple[Proposed, ...] = ()


def admit(session: Session, actor: Actor, facts: PatientFacts, *, teams: Sequence[str], now: datetime) -> Admission:
    """Register the patient or recognise the one already there, and remember the numbers it came with.

    Raises Held where a person has to decide.
    """
    holder = _known_by_number(holders_of(session, [facts]), facts)
    beside = _linked(session, facts)
    if holder is None:
        admission = _register(session, actor, facts, teams=teams, now=now)
    else:
        _refuse_other_person(session, actor, holder, facts)
        patient = session.get_one(Patient, holder.id)
        admission = Admission(patient.id, _fill(session, actor, patient, facts, now))
    _remember(session, admission.patient_id, facts)
    return replace(admission, proposals=beside)


def holders_of(session: Session, told: Iterable[PatientFacts]) -> Holders:
    """Who holds any of the numbers of these patients."""
    patients = list(told)
    return holders(
        session, (facts.mrn.strip() for facts in patients), (number for facts in patients for number in facts.numbers)
    )


def recognise(session: Session, actor: Actor, facts: PatientFacts, among: Holders) -> int:
    """The patient already there, without changing anything about it: a feed brings results, not people.

    `among`: the answer to `holders_of` these facts. Raises Held for one that is not known, and where a person has to
    decide.
    """
    holder = _known_by_number(among, facts)
    if holder is None:
        raise Held(
            say("patient {number} is not known", number=repr(facts.mrn)),
            say("register the patient, then read this again"),
        )
    _refuse_other_person(session, actor, holder, facts)
    return holder.id


def _known_by_number(among: Holders, facts: PatientFacts) -> Holder | None:
    own = facts.mrn.strip()
    found = among.of(own, facts.numbers)
    for other in found:
        if other.mrn != own:
            raise _held_by(among, facts, other)
    return found[0] if found else None


def _held_by(among: Holders, facts: PatientFacts, other: Holder) -> Disputed:
    """What is to be decided about a patient of whose numbers one is another patient's."""
    system, value = next(number for number in facts.numbers if among.by_number.get(number) == other)
    why = say(
        "number {number} of {system} already belongs to another patient than {other}",
        number=repr(value),
        system=system,
        other=repr(facts.mrn),
    )
    proposed = Proposed(kind="merge", from_number=facts.mrn, into_number=other.mrn, why=why, facts=facts.plain())
    return Disputed(why, say("decide whether they are one person; nothing is merged by itself"), proposed)


def known_number(session: Session, number: str) -> int | None:
    """The patient with this MRN or FHIR reference."""
    found = session.scalar(select(Patient.id).where(Patient.mrn == number))
    if found is not None:
        return found
    reference = (PatientIdentifier.system == FHIR_ID) & (PatientIdentifier.value == number)
    return session.scalar(select(PatientIdentifier.patient_id).where(reference))


def one_already(session: Session, one: str, other: str) -> bool:
    """Whether the two numbers mean patients that are merged, or the same patient."""
    ids = [known_number(session, number) for number in (one, other)]
    return None not in ids and len({survivor_of(session, id) for id in ids if id is not None}) == 1


def _linked(session: Session, facts: PatientFacts) -> tuple[Proposed, ...]:
    """What the links of a patient propose. Raises Disputed for one that says it was merged and is not so here."""
    beside: list[Proposed] = []
    for kind, other in facts.links:
        if one_already(session, facts.mrn, other):
            continue
        if kind not in ("replaced-by", "replaces"):
            why = say("{one} is linked to {other} ({kind})", one=repr(facts.mrn), other=repr(other), kind=kind)
            beside.append(Proposed(kind="link", from_number=other, into_number=facts.mrn, why=why))
            continue
        ends = (facts.mrn, other) if kind == "replaced-by" else (other, facts.mrn)
        why = say("the patient is linked to another one by a merge")
        proposed = Proposed(kind="merge", from_number=ends[0], into_number=ends[1], why=why, facts=facts.plain())
        raise Disputed(why, say("a person decides about merges"), proposed)
    return tuple(beside)


def restated(session: Session, facts: PatientFacts, merged: str | None) -> tuple[Proposed, ...]:
    """What an update (`merged` None) or a merge message proposes; nothing where nobody in it is known here."""
    patient = session.scalar(select(Patient).where(Patient.mrn == facts.mrn.strip()))
    if merged is not None:
        known = patient is not None or known_number(session, merged) is not None
        if not known or one_already(session, merged, facts.mrn):
            return ()
        why = say("a message says that {one} was merged into {other}", one=repr(merged), other=repr(facts.mrn))
        return (Proposed(kind="merge", from_number=merged, into_number=facts.mrn, why=why, facts=facts.plain()),)
    if patient is None:
        return ()
    sent = {name: value for name, value in facts.plain().items() if name in ("name", "birth_date", "sex")}
    changes = {name: [_known(patient, name), value] for name, value in sent.items() if value is not None}
    changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if not changes:
        return ()
    why = say(
        "a message says another {what} of {number}",
        what=chained(", ", (name.replace("_", " ") for name in sorted(changes))),
        number=repr(facts.mrn),
    )
    return (Proposed(kind="update", into_number=facts.mrn, why=why, facts={"changes": changes}),)


def _known(patient: Patient | Holder, name: str) -> Any:
    value = getattr(patient, name)
    return value.isoformat() if isinstance(value, date) else value


def patient_by_mrn(session: Session, actor: Actor, mrn: str) -> int | None:
    """The id of the patient with a number, a merged one's own; None where the actor sees none."""
    own = aliased(Patient)
    shown = select(own.id).join(Patient, Patient.id == standing_id(own.id))
    return session.scalar(shown.where(own.mrn == mrn.strip(), visible(actor)))


def zero_padded(session: Session, mrn: str) -> bool:
    """Whether any patient, seen by the actor or not, has a number that differs from `mrn` by leading zeros only."""
    bare = func.ltrim(Patient.mrn, "0") == mrn.lstrip("0")
    return session.scalar(select(Patient.id).where(bare, Patient.mrn != mrn).limit(1)) is not None


def patient_by_number(session: Session, actor: Actor, system: str | None, value: str) -> int | None:
    """The patient with a number of a numbering system, whether it is the main one or a further one."""
    if system is None:
        return None
    found = find_by_identifier(session, actor, system, value)
    if found is not None:
        return found.id
    own = aliased(Patient)
    shown = select(own.id).join(Patient, Patient.id == standing_id(own.id))
    return session.scalar(shown.where(own.mrn == value, own.mrn_system == system, visible(actor)))


def _register(session: Session, actor: Actor, facts: PatientFacts, *, teams: Sequence[str], now: datetime) -> Admission:
    new = NewPatient(
        mrn=facts.mrn,
        mrn_system=facts.system,
        name=facts.name,
        birth_date=facts.birth_date,
        sex=facts.sex,
        deceased_at=facts.deceased_at,
    )
    try:
        return Admission(register(session, actor, new, teams=teams, now=now).id, "stored")
    except PatientError as error:
        raise Held(str(error), "correct the patient") from error


def _refuse_other_person(session: Session, actor: Actor, patient: Holder, facts: PatientFacts) -> None:
    what = say("patient {number}", number=repr(facts.mrn))
    if actor.role != SYSTEM_ROLE and not _shown(session, actor, patient):
        raise Held(f"{what} cannot be used here", "ask an admin")
    born_alike = patient.birth_date is not None and patient.birth_date == facts.birth_date
    elsewhere = patient.mrn_system != facts.system and not (patient.mrn_system is None and born_alike)
    if elsewhere and not _numbered_by(session, patient, facts.system):
        why = say(
            "{what} is known from {system}, this one comes from {other}",
            what=what,
            system=patient.mrn_system or say("a registration by hand"),
            other=facts.system or say("an unnamed numbering"),
        )
        advice = say("decide whether they are one person; nothing is merged by itself")
        if facts.system is None:
            raise Held(why, advice)
        raise _disputed(why, advice, patient, "system", facts.system)
    if patient.birth_date is not None and facts.birth_date is not None and not born_alike:
        why, born = say("{what} is known with another birth date", what=what), facts.birth_date.isoformat()
        raise _disputed(why, say("check the number and the birth date"), patient, "birth_date", born)
    if patient.name is not None and facts.name is not None and not names_agree(patient.name, facts.name):
        why = say("{what} is known under another name", what=what)
        raise _disputed(why, say("check the number and the name"), patient, "name", facts.name)


def _shown(session: Session, actor: Actor, patient: Holder) -> bool:
    shown = select(Patient.id).where(Patient.id == standing_id(patient.id), visible(actor))
    return session.scalar(shown) is not None


def _disputed(why: str, advice: str, patient: Holder, name: str, sent: str) -> Disputed:
    before = patient.mrn_system if name == "system" else _known(patient, name)
    proposed = Proposed(kind="update", into_number=patient.mrn, why=why, facts={"changes": {name: [before, sent]}})
    return Disputed(why, advice, proposed)


def _numbered_by(session: Session, patient: Holder, system: str | None) -> bool:
    """Whether somebody said that the patient's number is theirs in this numbering too."""
    also = (PatientIdentifier.system == system) & (PatientIdentifier.value == patient.mrn)
    return session.scalar(select(PatientIdentifier.patient_id).where(also)) == patient.id


def names_agree(known: str, sent: str) -> bool:
    """Whether the words of one name are all in the other; digits are no name."""
    a, b = set(_WORD.findall(known.casefold())), set(_WORD.findall(sent.casefold()))
    return a <= b or b <= a


def _fill(
    session: Session, actor: Actor, patient: Patient, facts: PatientFacts, now: datetime
) -> Literal["superseded", "unchanged"]:
    """Add what was not known before; what is known is never overwritten by a file."""
    filled = {
        name: value
        for name, value in (
            ("mrn_system", facts.system),
            ("name", facts.name),
            ("birth_date", facts.birth_date),
            ("sex", facts.sex),
            ("deceased_at", facts.deceased_at),
        )
        if value is not None and getattr(patient, name) is None
    }
    if not filled:
        return "unchanged"
    for name, value in filled.items():
        setattr(patient, name, value)
    if "deceased_at" in filled and facts.deceased_at is not None:
        note_status(session, actor, patient, "deceased", facts.deceased_at.date(), "said by an import", now)
        take_ingest(session, batch_id=None, patient_ids=[patient.id], now=now)
    patient.version += 1
    session.flush()
    write_audit(
        session, actor, "patient.complete", now=now, patient_uuid=patient.uuid, detail={"added": sorted(filled)}
    )
    return "superseded"


def _remember(session: Session, patient_id: int, facts: PatientFacts) -> None:
    for reference in facts.references:
        _remember_reference(session, patient_id, reference)
    for system, value in facts.numbers:
        _add(session, patient_id, system, value)


def _remember_reference(session: Session, patient_id: int, reference: str) -> None:
    known = session.execute(
        select(PatientIdentifier.id, PatientIdentifier.patient_id, PatientIdentifier.system).where(
            PatientIdentifier.system.in_((FHIR_ID, SHARED_FHIR_ID)), PatientIdentifier.value == reference
        )
    ).one_or_none()
    if known is None:
        _add(session, patient_id, FHIR_ID, reference)
    elif known.system == FHIR_ID and known.patient_id != patient_id:
        session.execute(update(PatientIdentifier).where(PatientIdentifier.id == known.id).values(system=SHARED_FHIR_ID))


def _add(session: Session, patient_id: int, system: str, value: str) -> None:
    there = select(PatientIdentifier.id).where(PatientIdentifier.system == system, PatientIdentifier.value == value)
    if session.scalar(there) is None:
        session.execute(insert(PatientIdentifier).values(patient_id=patient_id, system=system, value=value))
