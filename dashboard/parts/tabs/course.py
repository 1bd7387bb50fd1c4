"""The tab of the course: the synoptic chart, which further panels it shows, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.figures.synoptic import LONGEST_FIRST_VIEW, reach, synoptic
from dashboard.language import _
from dashboard.parts.charts import chart, range_buttons
from dashboard.parts.plotted.others import CHOICES, LIVER, chosen, measured
from dashboard.parts.plotted.synoptic import synoptic_content
from dashboard.parts.readouts import ABSORPTION, readouts, summary
from dashboard.parts.tabs.view import View
from data.sensor_course import SensorDays, whole_sensor_course

CHART = "patient-synoptic"
NONE = "none"


def course(view: View) -> Component:
    """The open tab."""
    others = further(view)
    content = synoptic_content(view.found, sensor(view), view.clock, view.units, others=others)
    first, last = reach(content)
    pressed = "3y" if last - first > LONGEST_FIRST_VIEW else "all"
    return html.Section(
        [
            html.Header([html.H2(_("Course")), range_buttons(CHART, pressed=pressed)]),
            chart(
                CHART,
                synoptic(content),
                summary=summary(readouts(view.shown, view.clock, view.units)),
                heading=_("Synoptic chart; its numbers stand in the table below it"),
            ),
            _choices(view, others),
            html.P(id="patient-dense", className="soft small", role="status"),
            html.P(
                _(
                    "Times on the site's clock ({zone}). Click a point to see where it comes from. Drag to "
                    "enlarge a stretch, double-click for the whole, Ctrl and wheel to zoom.",
                    zone=view.clock.zone.key,
                ),
                className="soft small no-print",
            ),
            html.Details(
                [
                    html.Summary(
                        _("Every number of the chart and of the record as a table"),
                        id="patient-record-open",
                        n_clicks=0,
                    ),
                    html.Div(id="patient-record"),
                ],
                className="no-print",
            ),
        ],
        className="card",
    )


def further(view: View) -> tuple[str, ...]:
    """The further panels the address asks for; without a word of it the first marker of absorption ever measured."""
    asked = view.query.get("show")
    if asked is not None:
        return chosen(asked)
    return tuple(name for name in ABSORPTION if name in CHOICES and measured(view.found.chart, name))[:1]


def sensor(view: View) -> SensorDays:
    """The sensor days of the patient."""
    return whole_sensor_course(view.session, view.found.patient_ids, view.found.chart)


def _choices(view: View, others: Sequence[str]) -> Component:
    return html.Div(
        [html.Span(_("Also show"), className="soft small"), *(_choice(view, name, others) for name in CHOICES)],
        className="chips no-print",
        role="group",
        **{"aria-label": _("Further panels of the chart")},
    )


def _choice(view: View, name: str, others: Sequence[str]) -> Component:
    on = name in others
    then = [n for n in CHOICES if (n in others) != (n == name)]
    known = measured(view.found.chart, name)
    word = _(CHOICES[name]) if known else _("{name} (never)", name=_(CHOICES[name]))
    return html.A(
        [word, html.Span(", " + _("shown") if on else "", className="visually-hidden")],
        href=view.address("course", show=",".join(then) or NONE),
        className=f"chip{' on' if on else ''}{'' if known or name == LIVER else ' faint'}",
        **{"data-in-app": ""},
    )
