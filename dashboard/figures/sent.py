"""A figure as it is sent: JSON written once, every array of numbers in it as plotly.js reads typed arrays.

Through `plotly.graph_objects` a figure is copied three times and walked twice before it is JSON, which takes longer
than making it. The tests hold what is sent, and every property in it, against what plotly would send.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import orjson

_WHOLE = ("int8", "int16", "int32")
_SHORT = {"int8": "i1", "int16": "i2", "int32": "i4", "float32": "f4", "float64": "f8"}


def sent(part: Any) -> orjson.Fragment:
    """A `Spec`, or a part of one, for a property of a graph. Raises TypeError for a value that JSON has no word for."""
    return orjson.Fragment(orjson.dumps(part, default=typed))


def typed(value: Any) -> Any:
    """An array of numbers as `{"dtype", "bdata"}`, base64 of its bytes; other arrays as lists. Raises TypeError."""
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        raise TypeError(f"a figure cannot hold {type(value).__name__} {value!r}")
    if value.size == 0:
        return value.tolist()
    if value.dtype.kind in "iu":
        low, high = int(value.min()), int(value.max())
        fitting = [t for t in _WHOLE if np.iinfo(t).min <= low and high <= np.iinfo(t).max]
        value = value.astype(fitting[0]) if fitting else value.astype("float64")
    short = _SHORT.get(value.dtype.name)
    if short is None:
        return value.tolist()
    shape = {"shape": ", ".join(map(str, value.shape))} if value.ndim > 1 else {}
    return {"dtype": short, "bdata": base64.b64encode(np.ascontiguousarray(value)).decode("ascii"), **shape}
