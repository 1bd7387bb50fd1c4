"""The skin over time: score and surface, itch and pain, and which regions were affected at each assessment."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.figures.axes import DAY, stack
from dashboard.figures.drawing import Panel, Spec, empty, joined, key, recorded, scatter
from dashboard.figures.ink import BLUE, ORANGE, VERMILLION
from dashboard.figures.runs import heights, marks_key, run_traces
from dashboard.figures.series import Points, Run, SkinPanel
from dashboard.figures.skin import skin
from dashboard.language import _

ROW = 22


def skin_course(panel: SkinPanel, itch: Run, pain: Run, regions: Sequence[tuple[str, Points]], *, as_of: float) -> Spec:
    """The figure. `regions`: by name the assessments that found it affected; `as_of` in ms ends the axis."""
    panels = [skin(panel, height=180), _symptoms(itch, pain), _regions(regions)]
    times = [
        *(t for points in (panel.iga, panel.bsa, itch.points, pain.points) for t in points.at.tolist()),
        *(m.at for m in panel.words),
        as_of,
    ]
    first, last = min(times), max(times)
    margin = max((last - first) * 0.02, 7 * DAY)
    return stack(panels, start=first - margin, end=last + margin, now=as_of, revision="skin")


def _symptoms(itch: Run, pain: Run) -> Panel:
    if not len(heights([itch, pain])):
        return empty(_("Itch and pain"), missing=_("never recorded"))
    drawn = Panel(
        title=joined(
            (
                f"<b>{_('Itch and pain')}</b> 0-10",
                key("●", ORANGE, _("itch")) if len(itch.points) else "",
                key("◆", BLUE, _("pain")) if len(pain.points) else "",
                *marks_key([itch, pain], ORANGE),
            )
        ),
        height=110,
        axis={"range": [-0.4, 10.4], "tickvals": [0, 5, 10]},
    )
    drawn.traces += run_traces(itch, colour=ORANGE, floor=-0.4)
    drawn.traces += run_traces(pain, colour=BLUE, floor=-0.4, plain="diamond")
    return drawn


def _regions(regions: Sequence[tuple[str, Points]]) -> Panel:
    if not regions:
        return empty(_("Regions"), missing=_("no affected region recorded"))
    drawn = Panel(
        title=joined((f"<b>{_('Regions')}</b>", key("■", VERMILLION, _("affected")))),
        height=ROW * len(regions) + 8,
        axis={
            "range": [-len(regions) + 0.4, 0.6],
            "tickvals": [-i for i in range(len(regions))],
            "ticktext": [name for name, _ in regions],
            "automargin": True,
        },
    )
    for index, (_name, points) in enumerate(regions):
        squares = scatter(points.at, [-float(index)] * len(points), points.label, mode="markers", cliponaxis=False)
        squares["marker"] = {"symbol": "square", "size": 10, "color": VERMILLION}
        drawn.traces.append(recorded(squares, points.record))
    return drawn
