"""Days since the injection: the last cycles of a depot over one another, to see what gathers at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.figures.axes import stack
from dashboard.figures.drawing import Panel, Spec, empty, joined, key, recorded, scatter
from dashboard.figures.ink import BLUE, GREY, VERMILLION, faint
from dashboard.figures.series import Points
from dashboard.language import _

LAST_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleLine:
    """A measure in one cycle: `points.at` are days since the injection. `running`: the cycle that has not ended."""

    name: str
    points: Points
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CyclePanel:
    """One measure; its cycles oldest first."""

    name: str
    unit: str
    lines: tuple[CycleLine, ...]


def cycle_figure(panels: Sequence[CyclePanel], *, interval: float) -> Spec:
    """The figure; `interval` (days) is the planned end of a cycle, its last week is shaded."""
    drawn = [_panel(p, interval) for p in panels]
    longest = max([interval, *(float(at) for p in panels for c in p.lines for at in c.points.at)])
    across = {
        "range": [-0.5, longest + 1],
        "tickmode": "array",
        "tickvals": list(range(0, int(longest) + 2, 7)),
        "title": {"text": _("days since the injection"), "font": {"size": 12}, "standoff": 6},
        "ticks": "outside",
        "ticklen": 4,
    }
    figure = stack(drawn, start=0, end=longest, now=None, revision="cycle", across=across)
    figure["layout"]["hovermode"] = "closest"
    return figure


def _panel(panel: CyclePanel, interval: float) -> Panel:
    values = [v for c in panel.lines for v in c.points.value.tolist()]
    if not values:
        return empty(panel.name, missing=_("nothing recorded in these cycles"))
    top = max(values) * 1.15 or 1.0
    drawn = Panel(
        title=joined(
            (
                f"<b>{panel.name}</b> {panel.unit}",
                key("◆", VERMILLION, _("running cycle")) if any(c.running for c in panel.lines) else "",
                key("●", BLUE, _("earlier, the paler the older")),
            )
        ),
        height=120,
        axis={"range": [0, top], "nticks": 4},
    )
    drawn.shapes.append(_last_week(interval))
    count = len(panel.lines)
    for index, cycle in enumerate(panel.lines):
        ink = VERMILLION if cycle.running else faint(BLUE, 0.35 + 0.65 * (index + 1) / count)
        trace = scatter(cycle.points.at, cycle.points.value, cycle.points.label, mode="lines+markers", name=cycle.name)
        trace["line"] = {"color": ink, "width": 2.25 if cycle.running else 1.5}
        trace["marker"] = {"color": ink, "size": 7, "symbol": "diamond" if cycle.running else "circle"}
        drawn.traces.append(recorded({**trace, "cliponaxis": False}, cycle.points.record))
    return drawn


def _last_week(interval: float) -> dict[str, object]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "own domain",
        "x0": interval - LAST_WEEK,
        "x1": interval,
        "y0": 0,
        "y1": 1,
        "fillcolor": faint(GREY, 0.12),
        "line": {"width": 0},
        "layer": "below",
    }
