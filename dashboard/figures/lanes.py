"""The lanes under the panels: flags, analogue regimen with injections, other therapy, procedures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboard.figures.axes import SIDE
from dashboard.figures.drawing import Panel, Spec, box, empty, joined, note, recorded, scatter
from dashboard.figures.ink import BLUE, GREEN, GREY, ORANGE, SEVERITY_SIGNS, faint
from dashboard.figures.series import Bar, FlagMark, Lanes, Mark
from dashboard.language import _

ROW = 40
BAR = 0.21
MIDDLE = -0.16
"""Bars stand in the lower part of their row; the row's name stands above them."""
CHARACTER = 6.4
"""Width of a character of a bar's text in pixels, for deciding what fits."""
TYPICAL_WIDTH = 980


def lanes(content: Lanes, *, shown: float) -> Panel:
    """The drawn lanes; `shown` is the width of the time axis in ms and decides which bar texts fit.

    A lane stands only where it holds something; that no analogue is recorded is said in the title.
    """
    per_pixel = shown / TYPICAL_WIDTH
    rows: list[tuple[str, list[Spec], list[Spec], list[Spec]]] = []
    if content.flags or content.decisions:
        rows.append((_("Flags"), [*_flags(content.flags), *_decisions(content.decisions)], [], []))
    if content.analogue or len(content.injections):
        rows.append((_("Analogue"), *_bars(content.analogue, BLUE, per_pixel)))
        _injections(content, rows[-1][1])
    if content.other:
        rows.append((_("Other therapy"), *_bars(content.other, ORANGE, per_pixel)))
    if content.procedures:
        rows.append((_("Procedures"), *_procedures(content)))
    if not rows:
        return empty(_("Therapy and flags"), missing=_("none recorded"))
    drawn = Panel(
        title=joined((f"<b>{_('Therapy and flags')}</b>", "" if content.analogue else _("no analogue recorded"))),
        height=ROW * len(rows),
        axis={
            "range": [-len(rows), 0],
            "showgrid": False,
            "showticklabels": False,
            "ticks": "",
        },
    )
    for index, (name, traces, shapes, notes) in enumerate(rows):
        middle = -(index + 0.5) + MIDDLE
        drawn.traces += [{**t, "y": [y + middle for y in t["y"]]} for t in traces]
        drawn.shapes += [{**s, "y0": s["y0"] + middle, "y1": s["y1"] + middle} for s in shapes]
        drawn.notes += [{**n, "y": n["y"] + middle} for n in notes]
        drawn.notes.append(_row_name(name, -index))
    return drawn


def _row_name(name: str, top: float) -> Spec:
    return note(0, top, name, xref="paper", xanchor="left", yanchor="top", xshift=-SIDE + 6, font={"size": 10.5})


def _bars(bars: Iterable[Bar], colour: str, per_pixel: float) -> tuple[list[Spec], list[Spec], list[Spec]]:
    traces: list[Spec] = []
    shapes: list[Spec] = []
    notes: list[Spec] = []
    for bar in bars:
        shapes.append(box(bar.start, bar.end, -BAR, BAR, fill=faint(colour, 0.20), outline=faint(colour, 0.65)))
        room = (bar.end - bar.start) / per_pixel / CHARACTER - 1.5
        text = next((t for t in (bar.text, bar.brief) if len(t) <= room), "")
        if text:
            at, side, shift = (bar.end, "right", -5) if bar.ongoing else (bar.start, "left", 4)
            notes.append(note(at, 0.0, text, xanchor=side, xshift=shift, font={"size": 10.5}))
        ends = scatter([bar.start, bar.end], [0.0, 0.0], [bar.label] * 2, mode="markers", marker={"opacity": 0})
        traces.append(recorded(ends, [bar.record] * 2))
    return traces, shapes, notes


def _injections(content: Lanes, traces: list[Spec]) -> None:
    if len(content.injections):
        ticks = scatter(content.injections.at, [-BAR] * len(content.injections), content.injections.label)
        ticks["mode"] = "markers"
        if len(set(content.injections.label)) == 1:
            ticks["text"] = content.injections.label[0]
        ticks["marker"] = {"symbol": "line-ns", "size": 7, "color": BLUE, "line": {"width": 1.5, "color": BLUE}}
        traces.append(recorded(ticks, content.injections.record))


def _procedures(content: Lanes) -> tuple[list[Spec], list[Spec], list[Spec]]:
    marks = scatter(
        [m.at for m in content.procedures],
        [0.0] * len(content.procedures),
        [m.label for m in content.procedures],
        mode="markers",
        marker={"symbol": "cross", "size": 9, "color": GREEN},
    )
    notes = [note(m.at, 0.0, m.text, xanchor="left", xshift=8, font={"size": 10.5}) for m in content.procedures]
    return [recorded(marks, [m.record for m in content.procedures])], [], notes


def _decisions(decisions: Sequence[Mark]) -> list[Spec]:
    """A tick of its own at the moment something was decided, above the signs of the flags."""
    if not decisions:
        return []
    count = len(decisions)
    trace = scatter([d.at for d in decisions], [BAR] * count, [d.label for d in decisions], mode="markers")
    trace["marker"] = {"symbol": "triangle-down", "size": 9, "color": GREY, "line": {"width": 1, "color": GREY}}
    return [recorded(trace, [d.record for d in decisions])]


def _flags(flags: Iterable[FlagMark]) -> list[Spec]:
    traces = []
    for severity, sign in SEVERITY_SIGNS.items():
        marks = [f for f in flags if f.severity == severity]
        if marks:
            trace = scatter(
                [m.at for m in marks], [0.0] * len(marks), [m.label for m in marks], mode="markers", cliponaxis=False
            )
            trace["marker"] = {
                "symbol": sign.symbol,
                "size": 12,
                "color": sign.colour,
                "line": {"width": 1, "color": GREY},
            }
            traces.append(recorded(trace, [m.record for m in marks]))
    return traces
