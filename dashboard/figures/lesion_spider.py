"""Each target lesion and their sum as percent of the baseline, over the scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.figures.axes import DAY, stack
from dashboard.figures.drawing import Panel, Spec, empty, joined, key, line, note, recorded, scatter
from dashboard.figures.ink import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from dashboard.figures.series import Points
from dashboard.language import _

INKS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY)
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "hexagon")
PARTIAL_RESPONSE = -30.0
NAME_PX = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionLine:
    """One target lesion; values in percent change against its size at baseline."""

    name: str
    points: Points


def spider(lesions: Sequence[LesionLine], sums: Points) -> Spec:
    """The figure; a lesion without a baseline has no line. It says so where there is none at all."""
    drawn_lesions = [x for x in lesions if len(x.points)]
    if not drawn_lesions:
        nothing = empty(_("Target lesions"), missing=_("none measured"))
        return stack([nothing], start=0, end=1, now=None, revision="s")
    every = [v for x in (*(d.points for d in drawn_lesions), sums) for v in x.value.tolist()]
    low, high = min([*every, PARTIAL_RESPONSE]) - 12, max([*every, 20.0]) + 12
    panel = Panel(
        title=joined(
            (
                f"<b>{_('Change against baseline')}</b> %",
                key("▬", GREY, _("sum")),
                key("╌", GREEN, _("-30 %: partial response")),
            )
        ),
        height=270,
        axis={"range": [low, high], "nticks": 7, "ticksuffix": " %"},
    )
    times = [t for d in drawn_lesions for t in d.points.at.tolist()]
    start, end = min(times), max(times)
    margin = max((end - start) * 0.05, 20 * DAY)
    panel.shapes += [
        line(start - margin, end + margin, 0, colour=GREY, width=1),
        line(start - margin, end + margin, PARTIAL_RESPONSE, colour=GREEN, width=1.25, dash="dash"),
    ]
    for index, lesion in enumerate(drawn_lesions):
        ink, symbol = INKS[index % len(INKS)], SYMBOLS[index % len(SYMBOLS)]
        trace = scatter(lesion.points.at, lesion.points.value, lesion.points.label, mode="lines+markers")
        trace["line"] = {"color": ink, "width": 1.5}
        trace["marker"] = {"color": ink, "symbol": symbol, "size": 7.5}
        panel.traces.append(recorded({**trace, "name": lesion.name, "cliponaxis": False}, lesion.points.record))
    panel.notes += _names(drawn_lesions, least=(high - low) * NAME_PX / panel.height)
    if len(sums):
        total = scatter(sums.at, sums.value, sums.label, mode="lines", name=_("sum"))
        panel.traces.append({**total, "line": {"color": GREY, "width": 4}, "opacity": 0.75})
    return stack([panel], start=start - margin, end=end + margin * 1.6, now=None, revision="spider")


def _names(lesions: Sequence[LesionLine], *, least: float) -> list[Spec]:
    """The name at the end of each line, moved up where it would stand on another."""
    notes: list[Spec] = []
    lowest_free = -float("inf")
    for lesion in sorted(lesions, key=lambda x: float(x.points.value[-1])):
        height = max(float(lesion.points.value[-1]), lowest_free)
        lowest_free = height + least
        at = float(lesion.points.at[-1])
        notes.append(note(at, height, lesion.name, xanchor="left", xshift=8, font={"size": 10.5}))
    return notes
