"""What a panel hands to the figure: its traces and the shapes and notes that go with them, on one y axis or two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.figures.ink import TEXT
from dashboard.figures.series import Floats
from dashboard.language import _

Spec = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Panel:
    """A drawn panel. `axis` describes its y axis, `second` one on the right (if any); `height` is in pixels.

    Traces, shapes and notes name their y axis `"own"` or `"second"`; `axes.stack` puts the real names in.
    """

    title: str
    height: int
    axis: Spec
    second: Spec | None = None
    traces: list[Spec] = field(default_factory=list)
    shapes: list[Spec] = field(default_factory=list)
    notes: list[Spec] = field(default_factory=list)


def scatter(at: Floats | Sequence[float], value: Floats | Sequence[float], label: Iterable[str], **rest: Any) -> Spec:
    """A scatter trace whose hover text is `label`, on the panel's own axis unless `yaxis` says otherwise."""
    return {
        "type": "scatter",
        "x": at,
        "y": value,
        "text": tuple(label),
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
        "xaxis": "x",
        "yaxis": "own",
        **rest,
    }


def unread(at: Floats | Sequence[float], value: Floats | Sequence[float], **rest: Any) -> Spec:
    """A scatter trace that no hover box reads out."""
    return {
        "type": "scatter",
        "x": at,
        "y": value,
        "hoverinfo": "skip",
        "showlegend": False,
        "xaxis": "x",
        "yaxis": "own",
        **rest,
    }


def recorded(trace: Spec, record: Iterable[str]) -> Spec:
    """The trace with the record behind each point, which a click asks about; unchanged where none is known."""
    named = tuple(record)
    return {**trace, "customdata": named} if any(named) else trace


def line(start: float, end: float, level: float, *, colour: str, dash: str = "solid", width: float = 1.5) -> Spec:
    """A horizontal line at `level` from start to end."""
    return {
        "type": "line",
        "xref": "x",
        "yref": "own",
        "x0": start,
        "x1": end,
        "y0": level,
        "y1": level,
        "line": {"color": colour, "width": width, "dash": dash},
        "layer": "below",
    }


def box(start: float, end: float, low: float, high: float, *, fill: str, outline: str | None = None) -> Spec:
    """A filled rectangle behind the data."""
    return {
        "type": "rect",
        "xref": "x",
        "yref": "own",
        "x0": start,
        "x1": end,
        "y0": low,
        "y1": high,
        "fillcolor": fill,
        "line": {"width": 1 if outline else 0, "color": outline or fill},
        "layer": "below",
    }


def note(at: float, level: float, text: str, *, colour: str = TEXT, **rest: Any) -> Spec:
    """A short text at a data position, without an arrow."""
    return {
        "xref": "x",
        "yref": "own",
        "x": at,
        "y": level,
        "text": text,
        "showarrow": False,
        "font": {"size": 11, "color": colour},
        **rest,
    }


def empty(title: str, *, missing: str | None = None) -> Panel:
    """A panel for what was never measured (or is `missing` in other words): it says so instead of leaving a hole."""
    panel = Panel(
        title=f"<b>{title}</b>  ·  {missing or _('never measured')}",
        height=26,
        axis={"visible": False, "range": [0, 1], "fixedrange": True},
    )
    panel.traces.append(scatter([None], [None], [""], mode="markers", hoverinfo="skip"))
    return panel


def joined(pieces: Iterable[str]) -> str:
    """The pieces of a panel title with a thin dot between them; empty ones are left out."""
    return "  ·  ".join(p for p in pieces if p)


def key(symbol: str, colour: str, word: str) -> str:
    """An entry of the key that stands in a panel's title: the symbol in its colour, the word in the text's ink."""
    return f'<span style="color:{colour}">{symbol}</span> {word}'
