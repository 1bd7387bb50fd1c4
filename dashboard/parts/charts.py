"""A figure on a page: the graph, its summary in words, and the buttons for the range of time."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.figures.drawing import Spec
from dashboard.figures.sent import sent
from dashboard.language import _, language, message

RANGES = (
    ("3m", message("3 months")),
    ("6m", message("6 months")),
    ("1y", message("1 year")),
    ("3y", message("3 years")),
    ("all", message("All")),
)


def graph_config() -> dict[str, Any]:
    """The one configuration of every graph. Plotly's own offers to upload a figure to its cloud are off: a figure is
    patient data."""
    return {
        "showSendToCloud": False,
        "plotlyServerURL": "",
        "displaylogo": False,
        "displayModeBar": False,
        "scrollZoom": True,
        "doubleClick": "reset",
        "responsive": True,
        "locale": language(),
    }


def chart(id: str, figure: Spec, *, summary: str, heading: str) -> Component:
    """The figure as a graph; `summary` says in one sentence what it shows: its text alternative."""
    described = f"{id}-summary"
    return html.Figure(
        [
            html.Figcaption(summary, id=described, className="summary"),
            html.Div(
                dcc.Graph(
                    id=id,
                    figure=sent(figure),
                    config=graph_config(),
                    responsive=True,
                    style={"height": f"{figure['layout']['height']}px"},
                ),
                className="chart",
                role="group",
                tabIndex=0,
                **{"aria-label": heading, "aria-describedby": described},
            ),
        ],
        className="figure",
    )


def numbers(table: Component) -> Component:
    """The numbers of a chart as a table, folded away below it."""
    return html.Details([html.Summary(_("The numbers of this chart as a table")), table], className="numbers")


def range_buttons(chart_id: str, *, pressed: str) -> Component:
    """Buttons that set the shown stretch of time; the browser does it without asking the server."""
    return html.Div(
        [
            html.Button(
                _(text),
                type="button",
                className="chip",
                **{"data-range": name, "aria-pressed": "true" if name == pressed else "false"},
            )
            for name, text in RANGES
        ],
        className="chips",
        role="group",
        **{"aria-label": _("Stretch of time shown"), "data-chart": chart_id},
    )
