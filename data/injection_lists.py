"""Injections by the calendar of the site: one patient's plan and past, and those of a team that need a look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.days import date_utc
from clinical.injection_plan import How, InjectionPlan, how_given, injection_plan, plan_before_stop
from clinical.injections import Cycle, every_cycle
from clinical.protocol import Protocol
from clinical.site_days import in_site_days, site_noon
from data.charts import load_part
from data.models import Glance as Stored
from data.models import Patient, PatientTeam, Team
from data.people import Actor, visible
from data.survivors import not_merged

COMING: Final = timedelta(days=14)
AT_MOST: Final = 500
# The stored date counts days by UTC, which is at most one day off the site's.
SLACK: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injections:
    """One patient's injections as of a moment, by days of the site. `before_stop` is what a stop has ended.

    `chart` holds the therapy alone; `cycles` every injection against its plan, the newest first.
    """

    chart: Chart
    plan: InjectionPlan
    before_stop: InjectionPlan | None
    cycles: tuple[tuple[Cycle, How], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamInjection:
    """One patient in a list of injections. `days`: from its planned date until it was given, or until today where it is
    not recorded yet and `given` is None."""

    mrn: str
    name: str | None
    birth_date: date | None
    plan: InjectionPlan
    planned: date
    given: date | None
    days: int
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamInjections:
    """A team's injections: not recorded after their planned date, the last one given late, and due within `COMING`.

    `cut`: more patients than can be listed have one; the longest overdue stand here.
    """

    overdue: tuple[TeamInjection, ...]
    late: tuple[TeamInjection, ...]
    coming: tuple[TeamInjection, ...]
    cut: bool


def injections_of(
    session: Session, patient_id: int, *, protocol: Protocol, zone: ZoneInfo, now: datetime
) -> Injections:
    """The injections of a patient that the caller may see."""
    whole = load_part(session, [patient_id], kinds=("therapy",), analytes=())[patient_id]
    return _injections(whole, protocol, zone, now)


def team_injections(
    session: Session, actor: Actor, *, team: str | None, protocol: Protocol, zone: ZoneInfo, now: datetime
) -> TeamInjections:
    """The injections of the patients `actor` may see, of one team where it is named; who left is not among them."""
    today = now.astimezone(zone).date()
    stored = Stored.__table__.c
    wanted = or_(
        stored.next_injection <= today + COMING + SLACK, stored.injection_late > int(protocol["injection_late"]) - 1
    )
    chosen = (
        _followed(actor, team)
        .join(Stored, Stored.patient_id == Patient.id)
        .where(wanted)
        .order_by(stored.next_injection.is_(None), stored.next_injection, Patient.mrn)
        .limit(AT_MOST + 1)
    )
    rows = session.execute(chosen).all()
    charts = load_part(session, [row.id for row in rows[:AT_MOST]], kinds=("therapy",), analytes=())
    found: dict[str, list[TeamInjection]] = {"overdue": [], "late": [], "coming": []}
    for row in rows[:AT_MOST]:
        of = _injections(charts[row.id], protocol, zone, now)
        for name, line in _lines(row.mrn, row.name, row.birth_date, of, today):
            found[name].append(line)
    return TeamInjections(
        overdue=_by_days(found["overdue"]),
        late=_by_days(found["late"]),
        coming=tuple(sorted(found["coming"], key=lambda line: (line.planned, line.mrn))),
        cut=len(rows) > AT_MOST,
    )


def _injections(whole: Chart, protocol: Protocol, zone: ZoneInfo, now: datetime) -> Injections:
    chart, noon = in_site_days(whole, zone, now), site_noon(now, zone)
    cycles = every_cycle(chart, protocol, noon)
    return Injections(
        chart=chart,
        plan=injection_plan(chart, protocol, noon),
        before_stop=plan_before_stop(chart, protocol, noon),
        cycles=tuple((cycle, how_given(cycle, protocol, noon)) for cycle in reversed(cycles)),
    )


def _followed(actor: Actor, team: str | None) -> Select[int, str, str | None, date | None]:
    here: list[ColumnElement[bool]] = [
        visible(actor),
        not_merged(),
        and_(Patient.deceased_at.is_(None), Patient.withdrawn_at.is_(None), Patient.transferred_at.is_(None)),
    ]
    if team is not None:
        of_team = select(PatientTeam.patient_id).join(Team, Team.id == PatientTeam.team_id).where(Team.name == team)
        here.append(Patient.id.in_(of_team))
    return select(Patient.id, Patient.mrn, Patient.name, Patient.birth_date).where(*here)


def _lines(
    mrn: str, name: str | None, born: date | None, of: Injections, today: date
) -> Iterator[tuple[str, TeamInjection]]:
    """The lines of a patient: the next injection, overdue or coming, and the last one where it was late or missed."""
    line = partial(TeamInjection, mrn=mrn, name=name, birth_date=born, plan=of.plan)
    next_on = of.plan.next
    if next_on is not None and next_on <= today + COMING:
        running: list[How] = [how for cycle, how in of.cycles if cycle.following is None]
        how = running[0] if running else "due"
        yield (
            "overdue" if next_on < today else "coming",
            line(planned=next_on, given=None, days=(today - next_on).days, how=how),
        )
    past = [(cycle, how) for cycle, how in of.cycles if cycle.following is not None]
    if past and past[0][1] in ("late", "missed"):
        (cycle, how), planned = past[0], past[0][0].latest
        given = date_utc(cycle.following.effective) if cycle.following else planned
        yield "late", line(planned=planned, given=given, days=(given - planned).days, how=how)


def _by_days(lines: Sequence[TeamInjection]) -> tuple[TeamInjection, ...]:
    return tuple(sorted(lines, key=lambda line: (-line.days, line.mrn)))
