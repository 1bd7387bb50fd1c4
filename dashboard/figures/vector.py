"""A figure as SVG: the same traces, shapes and notes that plotly draws on the screen, as vectors for paper.

It knows what the figures of this folder use and no more: anything else raises Undrawable instead of being left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.figures.drawing import Spec
from dashboard.figures.ink import GREY, GRID, TEMPLATE, TEXT
from dashboard.figures.vector_marks import DASHES, paint, stroke, symbol
from dashboard.figures.vector_text import runs
from dashboard.figures.vector_ticks import linear_ticks, time_ticks

FONT_SIZE = 12.0
TICK_SIZE = 11.0
ANCHORS = {"left": "start", "center": "middle", "right": "end", "auto": "middle"}


class Undrawable(ValueError):
    """Something in a figure has no drawing here; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the plot lies on the sheet, in pixels, and the stretch of time (ms) it shows."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    start: float
    end: float

    def across(self, at: float) -> float:
        """Pixels from the left of a moment."""
        return self.left + (at - self.start) / (self.end - self.start) * (self.right - self.left)

    def down(self, share: float) -> float:
        """Pixels from the top of a share of the plot's height, 0 at its bottom."""
        return self.bottom - share * (self.bottom - self.top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A y axis: its share of the plot's height, its range (in tens for a logarithmic one) and how it is written."""

    axis: Mapping[str, Any]
    low: float
    high: float
    foot: float
    head: float
    is_log: bool

    def down(self, value: float) -> float:
        """Pixels from the top of a value; NaN for what has no place on the axis."""
        if self.is_log:
            value = math.log10(value) if value > 0 else math.nan
        return self.foot - (value - self.low) / (self.high - self.low) * (self.foot - self.head)

    def share(self, share: float) -> float:
        """Pixels from the top of a share of the panel's height, 0 at its bottom."""
        return self.foot - share * (self.foot - self.head)


def as_svg(figure: Mapping[str, Any], *, width: float, height: float, title: str, font: str) -> str:
    """The figure (`data` and `layout`, as `axes.stack` makes them) on a sheet of `width` x `height` pixels.

    `title` is its text alternative, `font` the families of its texts. Raises Undrawable.
    """
    layout = figure["layout"]
    frame = _frame(layout, width, height)
    scales = {name: _scale(layout, name, frame) for name in _axis_names(layout)}
    body = [
        *_grid(frame, scales),
        *(_shape(s, frame, scales) for s in layout.get("shapes", ())),
        *(mark for t in figure["data"] for mark in _trace(t, frame, scales)),
        *(_note(n, frame, scales) for n in layout.get("annotations", ())),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'font-family="{font}" aria-label="{title}"><title>{title}</title>'
        f'<clipPath id="plot"><rect x="{frame.left:.1f}" y="0" width="{frame.right - frame.left:.1f}" '
        f'height="{height:g}"/></clipPath>'
    )
    return head + "".join(body) + "</svg>"


def _frame(layout: Mapping[str, Any], width: float, height: float) -> Frame:
    margin = layout["margin"]
    start, end = layout["xaxis"]["range"]
    return Frame(
        width=width,
        height=height,
        left=margin["l"],
        right=width - margin["r"],
        top=margin["t"],
        bottom=height - margin["b"],
        start=float(start),
        end=float(end),
    )


def _axis_names(layout: Mapping[str, Any]) -> list[str]:
    return [f"y{key.removeprefix('yaxis')}" for key in layout if key.startswith("yaxis")]


def _scale(layout: Mapping[str, Any], name: str, frame: Frame) -> Scale:
    axis = layout[f"yaxis{name[1:]}"]
    placed = layout[f"yaxis{axis['overlaying'][1:]}"] if "overlaying" in axis else axis
    if "range" not in axis:
        raise Undrawable(f"the axis {name} has no range")
    low, high = (float(v) for v in axis["range"])
    bottom, top = placed["domain"]
    return Scale(
        axis=axis, low=low, high=high, foot=frame.down(bottom), head=frame.down(top), is_log=axis.get("type") == "log"
    )


def _grid(frame: Frame, scales: Mapping[str, Scale]) -> Iterator[str]:
    ticks = time_ticks(frame.start, frame.end, most=max(int((frame.right - frame.left) / 90), 2))
    foot = max(s.foot for s in scales.values())
    head = min(s.head for s in scales.values())
    for at, words in ticks:
        x = frame.across(at)
        yield f'<path d="M{x:.1f} {head:.1f}V{foot:.1f}" {stroke(GRID, 0.8)}/>'
        yield f'<path d="M{x:.1f} {foot:.1f}v4" {stroke(GREY, 0.8)}/>'
        for row, line in enumerate(words.split("\n")):
            yield _plain(line, x, foot + 16 + 13 * row, TICK_SIZE, "middle", TEXT)
    for scale in scales.values():
        if scale.axis.get("visible", True) and scale.axis.get("showticklabels", True):
            yield from _levels(scale, frame)


def _levels(scale: Scale, frame: Frame) -> Iterator[str]:
    axis = scale.axis
    is_right = axis.get("side") == "right"
    colour = axis.get("tickfont", {}).get("color", TEXT)
    for value, words in _y_ticks(scale):
        y = scale.down(value)
        if not scale.head - 0.5 <= y <= scale.foot + 0.5:
            continue
        if axis.get("showgrid", True):
            yield f'<path d="M{frame.left:.1f} {y:.1f}H{frame.right:.1f}" {stroke(GRID, 0.8)}/>'
        x, anchor = (frame.right + 5, "start") if is_right else (frame.left - 5, "end")
        yield _plain(words, x, y + TICK_SIZE * 0.35, TICK_SIZE, anchor, colour)


def _y_ticks(scale: Scale) -> Iterable[tuple[float, str]]:
    axis = scale.axis
    if axis.get("tickvals") is not None:
        values = [float(v) for v in axis["tickvals"]]
        words = [str(w) for w in axis["ticktext"]] if axis.get("ticktext") is not None else [f"{v:g}" for v in values]
        return list(zip(values, words, strict=True))
    if scale.is_log:
        raise Undrawable("a logarithmic axis without ticks")
    ticks = linear_ticks(scale.low, scale.high, most=int(axis.get("nticks", 5)))
    if axis.get("rangemode") == "nonnegative":
        ticks = [t for t in ticks if t[0] >= 0]
    return ticks


def _shape(shape: Mapping[str, Any], frame: Frame, scales: Mapping[str, Scale]) -> str:
    x0, x1 = (_x(shape["xref"], shape[k], frame) for k in ("x0", "x1"))
    y0, y1 = (_y(shape["yref"], shape[k], frame, scales) for k in ("y0", "y1"))
    line = shape.get("line", {})
    drawn = stroke(line.get("color", TEXT), line.get("width", 1), line.get("dash", "solid"))
    if shape["type"] == "line":
        return f'<path clip-path="url(#plot)" d="M{x0:.2f} {y0:.2f}L{x1:.2f} {y1:.2f}" {drawn}/>'
    if shape["type"] != "rect":
        raise Undrawable(f"a shape of type {shape['type']!r}")
    x, y = min(x0, x1), min(y0, y1)
    size = f'width="{abs(x1 - x0):.2f}" height="{abs(y1 - y0):.2f}"'
    return f'<rect clip-path="url(#plot)" x="{x:.2f}" y="{y:.2f}" {size} {paint(shape["fillcolor"])} {drawn}/>'


def _x(reference: str, value: float, frame: Frame) -> float:
    if reference == "paper":
        return frame.left + value * (frame.right - frame.left)
    return min(max(frame.across(float(value)), -frame.width), 2 * frame.width)


def _y(reference: str, value: float, frame: Frame, scales: Mapping[str, Scale]) -> float:
    if reference == "paper":
        return frame.down(value)
    name, _, domain = reference.partition(" ")
    scale = scales[name]
    return scale.share(value) if domain else min(max(scale.down(value), scale.head), scale.foot)


def _trace(trace: Mapping[str, Any], frame: Frame, scales: Mapping[str, Scale]) -> Iterator[str]:
    if trace["type"] != "scatter":
        raise Undrawable(f"a trace of type {trace['type']!r}")
    scale, mode = scales[trace["yaxis"]], trace.get("mode", "lines")
    points = [
        (frame.across(float(x)), scale.down(float(y)))
        for x, y in zip(trace["x"], trace["y"], strict=True)
        if x is not None and y is not None
    ]
    if "lines" in mode or trace.get("fill"):
        yield from _path(trace, points, scale)
    if "markers" in mode:
        yield from _markers(trace, points, frame)


def _path(trace: Mapping[str, Any], points: list[tuple[float, float]], scale: Scale) -> Iterator[str]:
    line = trace.get("line", {})
    for piece in _pieces(points):
        steps = line.get("shape", "linear") == "hv"
        d = f"M{piece[0][0]:.2f} {piece[0][1]:.2f}"
        d += "".join(f"H{x:.2f}V{y:.2f}" if steps else f"L{x:.2f} {y:.2f}" for x, y in piece[1:])
        if trace.get("fill") == "toself":
            yield f'<path clip-path="url(#plot)" d="{d}Z" {paint(trace["fillcolor"])} stroke="none"/>'
        elif trace.get("fill") == "tozeroy":
            floor = min(scale.down(0.0), scale.foot)
            closed = f"{d}V{floor:.2f}H{piece[0][0]:.2f}Z"
            yield f'<path clip-path="url(#plot)" d="{closed}" {paint(trace["fillcolor"])} stroke="none"/>'
        elif trace.get("fill"):
            raise Undrawable(f"a fill of {trace['fill']!r}")
        if line.get("width", 2) > 0:
            if line.get("dash", "solid") not in DASHES:
                raise Undrawable(f"a line of dash {line['dash']!r}")
            drawn = stroke(line.get("color", TEXT), line.get("width", 2), line.get("dash", "solid"))
            yield f'<path clip-path="url(#plot)" d="{d}" fill="none" stroke-linejoin="round" {drawn}/>'


def _pieces(points: Iterable[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """The points between gaps; a value without a place on the axis is a gap."""
    piece: list[tuple[float, float]] = []
    for x, y in points:
        if math.isnan(y):
            if piece:
                yield piece
            piece = []
        else:
            piece.append((x, y))
    if piece:
        yield piece


def _markers(trace: Mapping[str, Any], points: list[tuple[float, float]], frame: Frame) -> Iterator[str]:
    marker = trace.get("marker", {})
    if marker.get("opacity", 1) == 0:
        return
    names = marker.get("symbol", "circle")
    each = [names] * len(points) if isinstance(names, str) else list(names)
    for (x, y), name in zip(points, each, strict=True):
        if not math.isnan(y) and frame.left - 0.5 <= x <= frame.right + 0.5:
            drawn = symbol(name, x, y, size=marker.get("size", 6), colour=marker["color"], line=marker.get("line", {}))
            if drawn is None:
                raise Undrawable(f"a symbol {name!r}")
            yield drawn


def _note(note: Spec, frame: Frame, scales: Mapping[str, Scale]) -> str:
    x = _x(note["xref"], note["x"], frame) + note.get("xshift", 0)
    y = _y(note["yref"], note["y"], frame, scales) - note.get("yshift", 0)
    if note["xref"] == "x" and not frame.left - 1 <= x <= frame.right + 12:
        return ""
    font = note.get("font", {})
    size = font.get("size", FONT_SIZE)
    y += {"bottom": -size * 0.22, "top": size * 0.92}.get(note.get("yanchor", "middle"), size * 0.35)
    anchor = ANCHORS[note.get("xanchor", "center")]
    colour = font.get("color", TEMPLATE["layout"]["font"]["color"])
    return _plain(note["text"], x, y, size, anchor, colour)


def _plain(words: str, x: float, y: float, size: float, anchor: str, colour: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"'
    return f'<text {place} text-anchor="{anchor}" fill="{colour}">{runs(words)}</text>'
