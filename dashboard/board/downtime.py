"""The lists to work from when Nadir is away: for each team a PDF with one page a patient, made at night.

A page says who it is, the regimen in force and the next injection, the flags that stand and the newest value of each
analyte, each with its unit and time. What does not fit on its page is counted there, never cut off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from clinical.therapy import given_beside
from dashboard.board.content import flag_line, latest_results, patient_facts, standing_flags
from dashboard.board.pdf import TAGGED, drawing_library, fetch_nothing, templates
from dashboard.language import _
from dashboard.parts.injection_words import WHY_NOT, distance_text, regimen_in_force, weekday_text
from dashboard.parts.plotted.therapy import dose_text
from dashboard.parts.times import Clock, day_text, moment_text
from dashboard.parts.units import Units, in_units
from data.db import Database
from data.injection_lists import Injections, injections_of
from data.models import Patient, PatientTeam, Team
from data.people import Actor
from data.survivors import not_merged
from data.trends import identity, trends

LISTED: Final = ((9, 44), (9, 36), (8, 30), (7, 24), (6, 18), (5, 14), (4, 10), (3, 6), (2, 2), (1, 0), (0, 0))
"""Flags and results listed; the first that leaves a patient on one page is taken."""
INJECTIONS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class TeamList:
    """The patients of a team who are followed, by number; `team` None: those of no team."""

    team: str | None
    uuids: tuple[str, ...]
    mrns: tuple[str, ...]


def team_lists(session: Session) -> Iterator[TeamList]:
    """Every team with its patients, by name, and whoever is in none; who died, left or was transferred is left out."""
    followed = (
        not_merged(),
        Patient.deceased_at.is_(None),
        Patient.withdrawn_at.is_(None),
        Patient.transferred_at.is_(None),
    )
    columns = select(Patient.uuid, Patient.mrn).where(*followed).order_by(Patient.mrn)
    for id, name in session.execute(select(Team.id, Team.name).order_by(Team.name)).all():
        of_team = select(PatientTeam.patient_id).where(PatientTeam.team_id == id)
        yield _list(name, session.execute(columns.where(Patient.id.in_(of_team))).all())
    yield _list(None, session.execute(columns.where(Patient.id.not_in(select(PatientTeam.patient_id)))).all())


def list_pdf(database: Database, of: TeamList, protocol: Protocol, *, zone: ZoneInfo, now: datetime) -> bytes:
    """The list of one team, in the language in force. Raises PdfUnavailable where Pango is missing."""
    library, clock, actor = drawing_library(), Clock(now, zone), Actor.system("downtime-lists")
    template = templates().get_template("downtime.html")
    pages: list[Any] = []
    first = None
    for mrn in of.mrns:
        with database.read() as session:
            sheet = sheet_of(session, actor, mrn, protocol=protocol, clock=clock)
        for most_flags, most_results in LISTED:
            page = template.render(
                sheet=sheet,
                team=of.team,
                most_flags=most_flags,
                most_results=most_results,
                number=len(pages) + 1,
                of=len(of.mrns),
                made=moment_text(now, zone),
                zone=zone.key,
            )
            document = library.HTML(string=page, url_fetcher=fetch_nothing, base_url=None).render(**TAGGED)
            if len(document.pages) == 1:
                break
        pages += document.pages
        first = first or document
    made: bytes = first.copy(pages).write_pdf(**TAGGED) if first is not None else b""
    return made


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on one page: names with values, flags and results as `dashboard.board.content` says them."""

    name: str
    facts: tuple[tuple[str, str], ...]
    regimen: tuple[tuple[str, str], ...]
    flags: tuple[dict[str, str], ...]
    results: tuple[dict[str, str], ...]


def sheet_of(session: Session, actor: Actor, mrn: str, *, protocol: Protocol, clock: Clock) -> Sheet:
    """The page of a patient, in canonical units. Raises NotFound when the actor may not see `mrn`."""
    found = trends(session, actor, mrn, protocol=protocol, now=clock.now)
    given = injections_of(session, found.patient_ids[0], protocol=protocol, zone=clock.zone, now=clock.now)
    shown = in_units(found, Units())
    return Sheet(
        name=found.name or _("Name not recorded"),
        facts=patient_facts(identity(session, actor, mrn), found, clock),
        regimen=tuple(_regimen(given, clock)),
        flags=tuple(flag_line(flag, clock) for flag in standing_flags(found)),
        results=tuple(latest_results(shown.chart, clock)),
    )


def _regimen(given: Injections, clock: Clock) -> Iterator[tuple[str, str]]:
    plan, today = given.plan, clock.now.astimezone(clock.zone).date()
    yield _("In force"), regimen_in_force(plan, today)
    if plan.next is not None:
        yield _("Next injection planned"), f"{weekday_text(plan.next)} ({distance_text(plan.next, today)})"
    elif plan.why_not is not None:
        yield _("Next injection planned"), _(WHY_NOT[plan.why_not])
    last = [f"{day_text(one.effective)}: {dose_text(one)}" for one in reversed(plan.given[-INJECTIONS_SHOWN:])]
    yield _("Last injections"), "; ".join(last) or _("none recorded")
    beside = [
        _("{what} since {date}", what=dose_text(one), date=day_text(one.effective))
        for one in given_beside(given.chart.therapy, plan.regimen)
    ]
    yield _("Beside it"), "; ".join(beside) or _("No other therapy is recorded as given.")


def _list(team: str | None, rows: Sequence[Any]) -> TeamList:
    return TeamList(team, tuple(row.uuid for row in rows), tuple(row.mrn for row in rows))
