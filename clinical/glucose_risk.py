"""Low and high blood glucose index (Kovatchev): how far glucose strays to either side, weighted by its danger.

f = 1.509 (ln(BG)^1.084 - 5.381) with BG in mg/dL, risk 10 f^2; LBGI is the mean over all numbers of the risk where f
is below 0, HBGI where it is above. Source: clinical reference section 8 [S102], bands [S103].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LBGI_BANDS = ((1.1, "minimal"), (2.5, "low"), (5.0, "moderate"), (float("inf"), "high"))
_HBGI_BANDS = ((4.5, "low"), (9.0, "moderate"), (float("inf"), "high"))


def symmetrised(mg_dl: NDArray[np.float64]) -> NDArray[np.float64]:
    """Glucose on Kovatchev's symmetric scale, same shape as `mg_dl`; 0 at 112.5 mg/dL."""
    # Below 1 mg/dL the logarithm is negative and has no such power; no reading is that low.
    return 1.509 * (np.log(np.maximum(mg_dl, 1.0)) ** 1.084 - 5.381)


def lbgi(mg_dl: NDArray[np.float64]) -> float | None:
    """Low blood glucose index of the numbers, shape (n,), in mg/dL; None where there are none."""
    return float((10 * np.minimum(symmetrised(mg_dl), 0) ** 2).mean()) if mg_dl.size else None


def hbgi(mg_dl: NDArray[np.float64]) -> float | None:
    """High blood glucose index of the numbers, shape (n,), in mg/dL; None where there are none."""
    return float((10 * np.maximum(symmetrised(mg_dl), 0) ** 2).mean()) if mg_dl.size else None


def lbgi_band(index: float) -> str:
    """minimal (<= 1.1), low (<= 2.5), moderate (<= 5) or high."""
    return next(name for limit, name in _LBGI_BANDS if index <= limit)


def hbgi_band(index: float) -> str:
    """low (<= 4.5), moderate (<= 9) or high."""
    return next(name for limit, name in _HBGI_BANDS if index <= limit)
