"""A tile for each channel: its state in a word, the latest value, how old it is and how it compares."""

from __future__ import annotations

from collections.abc import Iterable

from dash import html
from dash.development.base_component import Component

from dashboard.language import _
from dashboard.parts.badges import arrow
from dashboard.parts.quantities import number
from dashboard.parts.readouts import Readout
from dashboard.parts.sparkline import HEIGHT, WIDTH, plain_line


def tiles(channels: Iterable[Readout]) -> Component:
    """The row of tiles."""
    return html.Div([_tile(c) for c in channels], className="tiles")


def _tile(readout: Readout) -> Component:
    return html.Section(
        [
            html.H2([html.Span(readout.channel), html.Span(readout.state, className="state")]),
            _latest(readout),
            *(html.P(line, className="line") for line in readout.lines),
            *_spark(readout),
        ],
        className="card tile",
    )


def _spark(readout: Readout) -> list[Component]:
    source = plain_line(readout.course)
    if not source:
        return []
    return [
        html.Img(
            src=source,
            alt=_(
                "{channel}: the last {n} numbers, oldest first: {numbers}",
                channel=readout.channel,
                n=len(readout.course),
                numbers=", ".join(number(v) for v in readout.course),
            ),
            width=WIDTH,
            height=HEIGHT,
            className="spark",
        )
    ]


def _latest(readout: Readout) -> Component:
    if readout.latest is None:
        return html.P(readout.missing, className="latest none")
    parts: list[Component | str] = [readout.latest]
    if readout.unit:
        parts += [" ", html.Span(readout.unit, className="unit")]
    if readout.arrow:
        parts += [" ", arrow(readout.arrow)]
    return html.P(parts, className="latest")
