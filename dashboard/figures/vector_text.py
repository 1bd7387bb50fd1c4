"""The small markup of a figure's texts (bold, coloured) as SVG runs; whatever else stands in it is only text."""

from __future__ import annotations

import re
from html import escape, unescape

_TAG = re.compile(r'</?b>|<span style="color:([^"]+)">|</span>')
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}|rgba\(\d+,\d+,\d+,[\d.]+\)")
_RGBA = re.compile(r"rgba\((\d+),(\d+),(\d+),([\d.]+)\)")


def runs(text: str) -> str:
    """The text as `tspan` elements, safe to stand in SVG."""
    made: list[str] = []
    bold, colour, at = False, "", 0
    for tag in _TAG.finditer(text):
        made.append(_run(text[at : tag.start()], bold, colour))
        at = tag.end()
        if tag[0] in ("<b>", "</b>"):
            bold = tag[0] == "<b>"
        else:
            colour = tag[1] if tag[1] and _COLOUR.fullmatch(tag[1]) else ""
    made.append(_run(text[at:], bold, colour))
    return "".join(made)


def _run(text: str, bold: bool, colour: str) -> str:
    # Spaces that stand together would become one, and the dots between the parts of a title need their room.
    words = escape(unescape(text)).replace("  ", "\u00a0\u00a0")
    if not words or not (bold or colour):
        return words
    look = (' font-weight="600"' if bold else "") + (f' fill="{_solid(colour)}"' if colour else "")
    return f"<tspan{look}>{words}</tspan>"


def _solid(colour: str) -> str:
    """The colour on white paper: a faint one as the opaque tint it looks like."""
    found = _RGBA.fullmatch(colour)
    if found is None:
        return colour
    opacity = float(found[4])
    return "#" + "".join(f"{round(255 + (int(found[i]) - 255) * opacity):02x}" for i in (1, 2, 3))
