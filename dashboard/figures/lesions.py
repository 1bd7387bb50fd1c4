"""The panel of imaging: sum of target lesions, the response of every scan as letters, new lesions as stars."""

from __future__ import annotations

from dashboard.figures.drawing import Panel, empty, joined, key, note, recorded, scatter
from dashboard.figures.ink import GREEN, VERMILLION
from dashboard.figures.series import LesionPanel
from dashboard.language import _

RESPONSES_AT = 0.93
NEW_AT = 0.70
LETTERS_ONLY = 56
"""Height without a sum to draw, in pixels."""


def lesions(panel: LesionPanel, *, height: int = 150) -> Panel:
    """The drawn panel. Scans without measured lesions still show their response letters."""
    if not (len(panel.sums) or panel.responses or panel.new):
        return empty(_("Imaging"))
    top = max([*panel.sums.value.tolist(), 10.0]) * 1.55
    drawn = Panel(
        title=joined(
            (
                f"<b>{_('Sum of target lesions')}</b> mm"
                if len(panel.sums)
                else f"<b>{_('Imaging')}</b>, {_('no target lesion measured')}",
                _("letters: response") if panel.responses else "",
                key("★", VERMILLION, _("new lesion")) if panel.new else "",
            )
        ),
        height=height if len(panel.sums) else LETTERS_ONLY,
        axis={"range": [0, top], "nticks": 4, "visible": bool(len(panel.sums))},
    )
    if len(panel.sums):
        sums = scatter(panel.sums.at, panel.sums.value, panel.sums.label, mode="lines+markers", cliponaxis=False)
        sums["line"] = {"color": GREEN, "width": 1.75}
        sums["marker"] = {"symbol": "square", "size": 7.5, "color": GREEN}
        drawn.traces.append(recorded(sums, panel.sums.record))
    letters = scatter(
        [m.at for m in panel.responses],
        [RESPONSES_AT * top] * len(panel.responses),
        [m.label for m in panel.responses],
        mode="markers",
        marker={"size": 12, "opacity": 0},
    )
    drawn.traces.append(recorded(letters, [m.record for m in panel.responses]))
    for mark in panel.responses:
        drawn.notes.append(note(mark.at, RESPONSES_AT * top, f"<b>{mark.text}</b>", font={"size": 11}))
    if panel.new:
        stars = scatter(
            [m.at for m in panel.new],
            [NEW_AT * top] * len(panel.new),
            [m.label for m in panel.new],
            mode="markers",
            cliponaxis=False,
        )
        stars["marker"] = {"symbol": "star", "size": 11, "color": VERMILLION}
        drawn.traces.append(recorded(stars, [m.record for m in panel.new]))
    return drawn
