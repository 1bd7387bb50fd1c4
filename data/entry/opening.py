"""Everything a form shows when it is opened: who it is, what was known, what is owed, what was begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.protocol import Protocol
from clinical.surveillance import DueItem, schedule
from clinical.therapy import regimen_at
from data.charts import load_charts
from data.entry.drafts import draft_of
from data.entry.known import habits, last_values, planned_injection
from data.entry.likeness import Namesake, namesakes
from data.entry.numbers import LastValue
from data.entry.save import form_version
from data.entry.visit import Planned
from data.models import EntryDraft, LaboratoryHabit
from data.patients import find_by_mrn
from data.people import Actor
from data.trends import Head, identity

# What falls due within so many days can as well be done at this visit.
AHEAD: Final = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opening:
    """A form of one patient at the moment it is opened. `uuid` comes back with the save and must still be the one."""

    uuid: str
    head: Head
    chart: Chart
    version: int
    draft: EntryDraft | None
    last: dict[str, LastValue]
    planned: Planned
    owed: tuple[DueItem, ...]
    habits: tuple[LaboratoryHabit, ...]
    namesakes: tuple[Namesake, ...]


def open_form(session: Session, actor: Actor, mrn: str, form: str, *, protocol: Protocol, now: datetime) -> Opening:
    """The form of the patient as of `now`. Raises NotFound when the actor may not see `mrn`."""
    patient = find_by_mrn(session, actor, mrn)
    chart = load_charts(session, [patient.id])[patient.id].until(now)
    return Opening(
        uuid=patient.uuid,
        head=Head(identity=identity(session, actor, mrn), state=chart.state(), regimen=regimen_at(chart, now)),
        chart=chart,
        version=form_version(session, patient.id, form),
        draft=draft_of(session, actor, patient.id, form),
        last=last_values(session, patient.id, now=now),
        planned=planned_injection(chart, protocol, now),
        owed=tuple(item for item in schedule(chart, protocol, now) if item.due <= now + AHEAD),
        habits=tuple(habits(session)),
        namesakes=namesakes(session, actor, patient),
    )
