"""Dense series made light without losing a peak (MinMaxLTTB)."""

from __future__ import annotations

import numpy as np
from tsdownsample import MinMaxLTTBDownsampler

from dashboard.figures.series import Points

DRAWN_AT_MOST = 1_500


def thinned(points: Points, at_most: int = DRAWN_AT_MOST) -> Points:
    """The points themselves up to `at_most` of them; beyond, that many that keep every extreme."""
    if len(points) <= at_most:
        return points
    keep = MinMaxLTTBDownsampler().downsample(points.at.astype(np.int64), points.value, n_out=at_most)
    return Points(at=points.at[keep], value=points.value[keep], label=tuple(points.label[i] for i in keep))
