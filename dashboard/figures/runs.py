"""Runs of comparable results: a line through what may be joined, and a point of its own shape for every result.

A censored result (`<x`) is an open triangle at x and never joined; a result in words is a square on the bottom edge;
where the method changed one run ends and another begins, so that no line claims the two can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboard.figures.drawing import Spec, key, recorded, scatter, unread
from dashboard.figures.series import Floats, Run, floats
from dashboard.language import _

SYMBOLS = {
    "valid": "circle",
    "not-valid": "circle-open",
    "below": "triangle-down-open",
    "above": "triangle-up-open",
    "words": "square-open",
}
OFF_SCALE = "x-thin"
JOINED = ("valid", "not-valid")


def run_traces(
    run: Run,
    *,
    colour: str,
    floor: float,
    log: bool = False,
    plain: str = "circle",
    size: float = 7.0,
    axis: str = "own",
) -> list[Spec]:
    """The line and the points of a run. What has no height - words, and on a logarithmic axis a zero - stands at
    `floor`, the zero as a cross."""
    value = run.points.value
    on_scale = np.isfinite(value) & (value > 0 if log else True)
    height = np.where(on_scale, value, floor)
    joins = np.array([m in JOINED for m in run.marks], dtype=bool) & on_scale
    path = unread(run.points.at[joins], height[joins], mode="lines")
    path.update({"yaxis": axis, "line": {"color": colour, "width": 1.75}})
    symbols = [_symbol(m, v, log, plain) for m, v in zip(run.marks, value.tolist(), strict=True)]
    return [path, _dots(run, height, symbols, colour, size, axis)]


def dot_trace(run: Run, *, colour: str, floor: float, size: float) -> Spec:
    """The points of a run alone: for what is never joined."""
    height = np.where(np.isfinite(run.points.value), run.points.value, floor)
    symbols = [SYMBOLS[m] for m in run.marks]
    return _dots(run, height, symbols, colour, size, "own")


def marks_key(runs: Sequence[Run], colour: str) -> tuple[str, ...]:
    """The entries of a panel's key for the shapes that occur in the runs."""
    found = {m for r in runs for m in r.marks}
    signs = (("not-valid", "○", _("not comparable")), ("below", "▽", _("below")), ("above", "△", _("above")))
    named = [key(sign, colour, word) for mark, sign, word in signs if mark in found]
    return (*named, key("□", colour, _("in words"))) if "words" in found else tuple(named)


def heights(runs: Sequence[Run]) -> Floats:
    """Every number of the runs."""
    values: Floats = np.concatenate([floats(), *(r.points.value for r in runs)])
    return values[np.isfinite(values)]


def _symbol(mark: str, value: float, log: bool, plain: str) -> str:
    if log and value <= 0:
        return OFF_SCALE
    return plain if mark == "valid" else SYMBOLS[mark]


def _dots(run: Run, height: Floats, symbols: list[str], colour: str, size: float, axis: str) -> Spec:
    dots = scatter(run.points.at, height, run.points.label, mode="markers", cliponaxis=False)
    symbol = symbols[0] if len(set(symbols)) == 1 else symbols
    dots["marker"] = {"symbol": symbol, "color": colour, "size": size, "line": {"width": 1.6, "color": colour}}
    return recorded({**dots, "yaxis": axis}, run.points.record)
