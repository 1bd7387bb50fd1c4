"""Dense series made light without losing a peak (MinMaxLTTB)."""

from __future__ import annotations

import numpy as np
from tsdownsample import MinMaxLTTBDownsampler

from dashboard.figures.series import Points, Run

DRAWN_AT_MOST = 1_500


def thinned(run: Run, at_most: int = DRAWN_AT_MOST) -> Run:
    """The run itself up to `at_most` results; beyond, that many plain ones that keep every extreme, and every result
    that is not a plain number."""
    if len(run.points) <= at_most:
        return run
    plain = np.flatnonzero([m == "valid" for m in run.marks])
    special = np.flatnonzero([m != "valid" for m in run.marks])
    points = run.points
    at, value = points.at[plain].astype(np.int64), points.value[plain]
    kept = MinMaxLTTBDownsampler().downsample(at, value, n_out=at_most) if len(plain) > at_most else slice(None)
    return chosen(run, np.sort(np.concatenate([plain[kept], special])).tolist())


def chosen(run: Run, indices: list[int]) -> Run:
    """The results of the run at these places."""
    points = run.points
    return Run(
        points=Points(
            at=points.at[indices],
            value=points.value[indices],
            label=tuple(points.label[i] for i in indices),
            record=tuple(points.record[i] for i in indices) if points.record else (),
        ),
        marks=tuple(run.marks[i] for i in indices),
    )
