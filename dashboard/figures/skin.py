"""The panel of the skin: IGA as steps, body surface on the right, assessments in words as marks."""

from __future__ import annotations

from dashboard.figures.drawing import Panel, empty, joined, key, recorded, scatter
from dashboard.figures.ink import GREY, PURPLE, VERMILLION, faint
from dashboard.figures.series import SkinPanel
from dashboard.language import _

WORDS_AT = -0.55


def skin(panel: SkinPanel, *, height: int = 130) -> Panel:
    """The drawn panel. An assessment without a score stands as a square below the scale, never at a score."""
    if not (len(panel.iga) or len(panel.bsa) or panel.words):
        return empty(_("Skin"))
    bottom = -1.0 if panel.words else -0.3
    drawn = Panel(
        title=joined(
            (
                f"<b>{_('Skin')}</b>",
                key("▁", VERMILLION, "IGA 0-4") if len(panel.iga) else "",
                key("◆", PURPLE, _("body surface % (right)")) if len(panel.bsa) else "",
                key("■", GREY, _("words, no score")) if panel.words else "",
            )
        ),
        height=height,
        axis={"range": [bottom, 4.3], "tickvals": [0, 1, 2, 3, 4]},
    )
    if len(panel.iga):
        steps = scatter(panel.iga.at, panel.iga.value, panel.iga.label, mode="lines+markers", cliponaxis=False)
        steps["line"] = {"color": VERMILLION, "width": 1.75, "shape": "hv"}
        steps["marker"] = {"size": 6.5, "color": VERMILLION}
        steps.update({"fill": "tozeroy", "fillcolor": faint(VERMILLION, 0.10)})
        drawn.traces.append(recorded(steps, panel.iga.record))
    if len(panel.bsa):
        top = float(panel.bsa.value.max())
        drawn.second = {
            "range": [bottom / 4.3 * max(top, 5) * 1.1, max(top, 5) * 1.1],
            "nticks": 4,
            "rangemode": "nonnegative",
            "tickfont": {"color": PURPLE, "size": 11},
        }
        area = scatter(panel.bsa.at, panel.bsa.value, panel.bsa.label, mode="lines+markers", cliponaxis=False)
        area.update({"yaxis": "second", "line": {"color": PURPLE, "width": 1.25, "dash": "dot"}})
        area["marker"] = {"symbol": "diamond", "size": 6.5, "color": PURPLE}
        drawn.traces.append(recorded(area, panel.bsa.record))
    if panel.words:
        words = scatter(
            [m.at for m in panel.words],
            [WORDS_AT] * len(panel.words),
            [m.label for m in panel.words],
            mode="markers",
            cliponaxis=False,
        )
        words["marker"] = {"symbol": "square", "size": 7, "color": GREY}
        drawn.traces.append(recorded(words, [m.record for m in panel.words]))
    return drawn
