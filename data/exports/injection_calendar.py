"""The planned injections of a patient as an iCalendar file (RFC 5545), which leaves Nadir for phones and other screens.

An entry says "Injection" and its day: no name, no drug, no diagnosis, no address (decision 0032). Injections are
numbered, and the number makes the UID, so that a file read again moves the entries that are there already. What was
planned and is not any more is listed as cancelled, because a calendar keeps what a file no longer names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from icalendar import Calendar, Event
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.days import date_utc
from clinical.injection_plan import DATES_AHEAD, InjectionPlan
from clinical.therapy import is_long_acting
from data.injection_lists import Injections
from data.models import Record
from data.survivors import members

PRODUCT: Final = "-//Nadir//EN"
ENTRIES: Final = UUID("5b1b7bde-4e0c-4d0e-9b51-0d5f3c6f2a41")
DAY: Final = timedelta(days=1)
Status = Literal["CONFIRMED", "TENTATIVE", "CANCELLED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the entries say, in the language of whoever asked for them; `number` is the hospital number or empty."""

    planned: str
    given: str
    description: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    on: date
    status: Status


@dataclass(frozen=True, slots=True)
class Revision:
    """`number` grows with every change of the patient's therapy. `ever` counts the days for which a depot injection was
    ever recorded, those taken back too: each had an entry once."""

    number: int
    ever: int


def revision_of(session: Session, patient_id: int) -> Revision:
    """The state of what is recorded of the patient's therapy."""
    rows = session.execute(
        select(Record.ingest_seq, Record.effective_at, Record.detail).where(
            Record.patient_id.in_(members(session, patient_id)), Record.kind == "therapy"
        )
    ).all()
    injected = {date_utc(at) for _, at, detail in rows if _is_injection(detail or {})}
    return Revision(max((seq for seq, _, _ in rows), default=0), len(injected))


def _is_injection(detail: Mapping[str, Any]) -> bool:
    return detail.get("kind") == "injection" and is_long_acting(detail.get("drug"))


def injection_calendar(
    of: Injections, *, patient: str, revision: Revision, wording: Wording, now: datetime
) -> bytes | None:
    """The file; None where no injection was ever planned or given. Of `patient`, a uuid, only a digest leaves."""
    entries = tuple(_entries(of, revision.ever))
    if not entries:
        return None
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    for entry in entries:
        said = wording.given if entry.status == "CONFIRMED" else wording.planned
        event = Event()
        event.add("uid", str(uuid5(ENTRIES, f"{patient} {entry.number}")))
        event.add("dtstamp", now)
        event.add("sequence", revision.number)
        event.add("dtstart", entry.on)
        event.add("dtend", entry.on + DAY)
        event.add("summary", f"{said} {wording.number}".strip())
        event.add("description", wording.description)
        event.add("status", entry.status)
        event.add("class", "PRIVATE")
        event.add("transp", "TRANSPARENT")
        made.add_component(event)
    return bytes(made.to_ical())


def _entries(of: Injections, ever: int) -> Iterator[_Entry]:
    given = of.plan.given
    for number, injection in list(enumerate(given, start=1))[-DATES_AHEAD:]:
        yield _Entry(number, date_utc(injection.effective), "CONFIRMED")
    planned = {one.number: one.on for one in of.plan.dates}
    for number, on in planned.items():
        yield _Entry(number, on, "TENTATIVE")
    # Whatever may have been handed out under a later number, or before the stop, is taken back.
    source = of.plan if of.plan.dates else of.before_stop
    last_day = max([*planned.values(), *(date_utc(t.effective) for t in given)], default=None)
    ended = {one.number: one.on for one in source.dates} if source else {}
    for number in range(len(given) + 1, ever + DATES_AHEAD + 1):
        if number not in planned:
            day = ended.get(number) or _continued(source, number, last_day)
            if day is not None:
                yield _Entry(number, day, "CANCELLED")


def _continued(source: InjectionPlan | None, number: int, last_day: date | None) -> date | None:
    """A day for an entry that is only there to be cancelled: where its number would have come to."""
    if source is None or not source.dates:
        return last_day
    first, interval = source.dates[0], source.interval_days or 0
    return first.on + timedelta(days=interval * (number - first.number))
