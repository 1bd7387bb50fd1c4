"""HL7 v2 times: digits without signs, as many as are known, and an offset that often stands only in MSH-7."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from data.intake.hl7_message import Segment
from data.intake.item import Held
from data.intake.moments import Moment, read_moment

_TIME = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<month>[0-9]{2})(?:(?P<day>[0-9]{2})"
    r"(?:(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?:(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,4})?)?)?)?)?)?"
    r"(?P<offset>[+-][0-9]{4})?"
)


def read_time(text: str, *, offset: str = "", zone: ZoneInfo | None = None) -> Moment:
    """The moment of an HL7 time. Raises Held for what is none, and for a time of day whose zone nobody says.

    Its own offset counts, then `offset`, that of the message; `zone` is for what carries neither.
    """
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise Held(f"{text[:40]!r} is not an HL7 time", "write 20240310 or 20240310081500+0100")
    if match["hour"] and not match["minute"]:
        raise Held(f"{text[:40]!r} has an hour without minutes", "send the minutes, or the date alone")
    iso = "-".join(part for part in (match["year"], match["month"], match["day"]) if part)
    if match["hour"]:
        iso += f"T{match['hour']}:{match['minute']}"
        iso += f":{match['second']}{match['fraction'] or ''}" if match["second"] else ""
        own = match["offset"] or offset
        iso += f"{own[:3]}:{own[3:]}" if own else ""
    return read_moment(iso, zone=zone)


def offset_of(header: Segment) -> str:
    """The offset MSH-7 carries, which holds for every time of the message that has none; empty where it has none."""
    match = _TIME.fullmatch(header.part(7))
    return (match["offset"] or "") if match is not None else ""


def version_of(header: Segment, zone: ZoneInfo | None) -> str | None:
    """When the message was made, as a text that orders the versions of a result; None where MSH-7 does not say."""
    try:
        moment = read_time(header.part(7), zone=zone or ZoneInfo("UTC"))
    except Held:
        return None
    return moment.at.isoformat()
