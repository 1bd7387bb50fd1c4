"""The sensor exports Nadir reads, and telling them apart by what they hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from data.intake import cgm_clarity, cgm_libreview, cgm_nightscout, cgm_tidepool
from data.intake.cgm_export import Export
from data.intake.cgm_text import decoded, find_header
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable

CLARITY, LIBREVIEW, NIGHTSCOUT, TIDEPOOL = "dexcom-clarity", "libreview", "nightscout", "tidepool"
READERS: Mapping[str, Callable[[bytes, DateOrder | None], Export]] = {
    CLARITY: cgm_clarity.read,
    LIBREVIEW: cgm_libreview.read,
    NIGHTSCOUT: cgm_nightscout.read,
    TIDEPOOL: cgm_tidepool.read,
}
SENSOR_FORMATS: tuple[str, ...] = (CLARITY, LIBREVIEW, NIGHTSCOUT, TIDEPOOL)
HEADERS: Mapping[str, Callable[[Sequence[str]], bool]] = {
    CLARITY: cgm_clarity.is_header,
    LIBREVIEW: cgm_libreview.is_header,
    NIGHTSCOUT: cgm_nightscout.is_header,
}


def sensor_format(probe: bytes) -> str | None:
    """The sensor export a file begins like; None for none of them."""
    try:
        text = decoded(probe)
    except Unreadable:
        text = probe.decode("utf-8-sig", "ignore")
    first = text.lstrip()[:1]
    if first in ("[", "{"):
        return _of_json(text) if first == "[" else None
    return next((name for name, is_header in HEADERS.items() if find_header(text, is_header)), None)


def _of_json(text: str) -> str | None:
    try:
        first, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    except (ValueError, RecursionError):
        return None
    if first.get("type") in ("sgv", "mbg", "cal") or "sgv" in first:
        return NIGHTSCOUT
    if "type" in first and "time" in first and ("deviceId" in first or "uploadId" in first):
        return TIDEPOOL
    return None
