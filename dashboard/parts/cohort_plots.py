"""The plots of the cohort: the patients of the view as a figure, its sentence, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from dashboard.figures.drawing import Spec
from dashboard.figures.spider import spider
from dashboard.figures.swimmer import swimmer
from dashboard.figures.waterfall import waterfall
from dashboard.language import _, message, whole
from dashboard.parts import rows
from dashboard.parts.charts import chart
from dashboard.parts.plotted.cohort import (
    Told,
    spider_lines,
    spider_told,
    swim_lanes,
    swimmer_told,
    waterfall_bars,
    waterfall_told,
)
from dashboard.parts.times import Clock
from data.cohort import CohortView, Course, best_changes, cohort_count, courses
from data.people import Actor

MOST = {"swimmer": 40, "spider": 60, "waterfall": 400}
"""Patients on a plot: with more, nothing of it can be read."""


HEADINGS = {
    "swimmer": message("Swimmer plot; its numbers stand in the table below"),
    "waterfall": message("Waterfall plot; its numbers stand in the table below"),
    "spider": message("Spider plot; its numbers stand in the table below"),
}


def cohort_plot(
    session: Session, actor: Actor, view: CohortView, tab: str, protocol: Protocol, clock: Clock
) -> tuple[Component, list[str]]:
    """The plot `tab` of the first patients of the view, in the order of the list, and the numbers of those in it."""
    patients = cohort_count(session, actor, view)
    if tab == "waterfall":
        changes = best_changes(session, actor, view)[: MOST[tab]]
        mrns = [mrn for mrn, *_rest in changes]
        figure, told, drawn = waterfall(waterfall_bars(changes)), waterfall_told(changes, patients), len(changes)
    else:
        found = courses(session, actor, view, limit=MOST[tab])
        mrns = [course.mrn for course in found]
        figure, told, drawn = _of_courses(found, tab, protocol, clock)
    cut = patients > MOST[tab] and tab != "waterfall"
    more = " " + _(
        "Drawn are the first {n} of {all} in the order of the list; filter to see others.",
        n=MOST[tab],
        all=whole(patients),
    )
    if not drawn:
        return html.P(told.summary, className="card empty"), mrns
    section = html.Section(
        [
            chart(
                f"cohort-{tab}",
                figure,
                summary=told.summary + (more if cut else ""),
                heading=_(HEADINGS[tab]),
            ),
            html.Details(
                [
                    html.Summary(_("The numbers of this plot as a table")),
                    rows.table(
                        f"cohort-{tab}-table",
                        told.heads,
                        told.rows,
                        caption=_("The numbers of the plot"),
                        css="dense",
                        sorts=True,
                    ),
                ]
            ),
        ],
        className="card",
    )
    return section, mrns


def _of_courses(found: Sequence[Course], tab: str, protocol: Protocol, clock: Clock) -> tuple[Spec, Told, int]:
    if tab == "swimmer":
        lanes = swim_lanes(found, clock)
        return swimmer(lanes), swimmer_told(lanes, len(found)), len(lanes)
    sums, glucagon = spider_lines(found, protocol, clock)
    return spider(sums, glucagon), spider_told(sums, glucagon, len(found)), len(sums) + len(glucagon)
