"""PID -> who a message is about, as facts that are registered or matched like those of every other format."""

from __future__ import annotations

from datetime import date, datetime

from data.intake.deaths import DAY_NOT_SAID
from data.intake.fhir_patient import LONGEST_NAME, NOT_KEPT
from data.intake.hl7_message import Segment
from data.intake.hl7_time import read_time
from data.intake.identity import PatientFacts
from data.intake.item import Held
from data.intake.moments import refuse_future

_SEXES = {"F": "female", "M": "male", "O": "other"}


def has_number(pid: Segment | None) -> bool:
    """Whether PID-3 names anybody."""
    return pid is not None and any(pid.component(number, 1).strip() for number in pid.repetitions(3))


def patient_facts(pid: Segment, now: datetime) -> PatientFacts:
    """The patient of a PID segment. Raises Held for what cannot be used as it is."""
    numbers = [
        (pid.component(r, 1).strip(), _system(pid, r), pid.component(r, 5).strip().upper())
        for r in pid.repetitions(3)
        if pid.component(r, 1).strip()
    ]
    if not numbers:
        raise Held("there is no patient number (PID-3)", "send the hospital's number in PID-3")
    mrn, system, _ = next((n for n in numbers if n[2] == "MR"), numbers[0])
    kept = {(where, value) for value, where, kind in numbers if where and kind not in NOT_KEPT}
    name = _name(pid)
    if any("\x00" in text or len(text) > LONGEST_NAME for text in (name or "", *(t for pair in kept for t in pair))):
        raise Held(f"a name or number is longer than {LONGEST_NAME} characters or holds a NUL character", "shorten it")
    return PatientFacts(
        mrn=mrn,
        system=system,
        name=name,
        birth_date=_whole_date(pid, 7),
        sex=_SEXES.get(pid.part(8).upper()),
        deceased_at=None,
        numbers=tuple(sorted(kept)),
        references=(),
        told_dead=_told_dead(pid, now),
    )


def _system(pid: Segment, repetition: str) -> str | None:
    """The assigning authority: its universal id, written as FHIR writes it, else its name."""
    name, id, kind = (pid.component(repetition, 4, part).strip() for part in (1, 2, 3))
    if id:
        return f"urn:oid:{id}" if kind.upper() == "ISO" else id
    return name or None


def _name(pid: Segment) -> str | None:
    for repetition in pid.repetitions(5):
        family = pid.component(repetition, 1, 1)
        said = " ".join((pid.component(repetition, 2), pid.component(repetition, 3), family)).split()
        if said:
            return " ".join(said)
    return None


def _whole_date(pid: Segment, field: int) -> date | None:
    """A date with its day; a year alone does not identify anybody."""
    said = pid.part(field)[:8]
    moment = read_time(said) if said else None
    return moment.at.date() if moment is not None and moment.precision == "day" else None


def _told_dead(pid: Segment, now: datetime) -> str | None:
    """The day of death; a bare "yes", a month or a year name none."""
    said = pid.part(29)
    if said:
        moment = read_time(said[:8])
        refuse_future(moment, now, "the date of death")
        return moment.at.date().isoformat() if moment.precision == "day" else DAY_NOT_SAID
    return DAY_NOT_SAID if pid.part(30).upper() == "Y" else None
