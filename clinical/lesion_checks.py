"""Doubts about a length that a person types in, and about a lesion chosen to be measured from now on.

A slip of the decimal point or of centimetres is a factor of ten or a hundred; by how much else a size may differ before
it is asked about stands in the protocol (`entry_...`). What makes a lesion measurable is RECIST 1.1 (Eisenhauer, Eur J
Cancer 2009;45:228, sections 3.1 and 3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clinical.entry_checks import FAR, NEAR, Doubt
from clinical.protocol import Protocol
from clinical.recist import NORMAL_NODE_TENTHS
from clinical.saying import Figure, say
from clinical.wording import number

_POWERS: Final = (10, 100)
MOST: Final[Mapping[str, str]] = {
    "lesion": "entry_lesion_most",
    "wall_mm": "entry_wall_most",
    "cbd_mm": "entry_duct_most",
    "max_mm": "entry_stone_most",
}
"""By what is measured the threshold that says what it cannot be, in mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A lesion that a baseline scan makes a target."""

    name: str
    organ: str | None
    node: bool
    tenths: int | None


def length_doubts(tenths: int, last: int | None, protocol: Protocol) -> tuple[Doubt, ...]:
    """What to ask about a length in tenths of a millimetre; `last` is the last one of the same lesion, None without."""
    if last is not None and last > 0 and tenths > 0:
        slip = _slip(tenths, last)
        if slip is not None:
            return (slip,)
        apart = abs(tenths - last)
        moved = _apart(tenths, last) >= protocol["entry_lesion_factor"]
        if moved and apart >= 10 * protocol["entry_lesion_step"]:
            by = _mm(apart)
            words = say("{by} more", by=by) if tenths > last else say("{by} less", by=by)
            return (Doubt("change", words),)
    unusual = 10 * protocol["entry_lesion_unusual"]
    if tenths > unusual:
        return (Doubt("implausible", say("more than {most}", most=_mm(unusual))),)
    return ()


def target_doubts(lesion: Chosen, protocol: Protocol) -> tuple[Doubt, ...]:
    """What to ask about a lesion that is to be a target: whether it is measurable by RECIST 1.1."""
    if lesion.tenths is None:
        return ()
    if lesion.node and lesion.tenths < NORMAL_NODE_TENTHS:
        return (Doubt("implausible", say("a node with a short axis below 10 mm is normal (RECIST 1.1)")),)
    least = 10 * protocol["recist_measurable_node" if lesion.node else "recist_measurable"]
    if lesion.tenths >= least:
        return ()
    if lesion.node:
        words = say("a node with a short axis below {least} is a non-target lesion (RECIST 1.1)", least=_mm(least))
    else:
        words = say("below {least} a lesion is not measurable (RECIST 1.1)", least=_mm(least))
    return (Doubt("implausible", words),)


def choice_doubts(lesions: Sequence[Chosen], protocol: Protocol) -> tuple[Doubt, ...]:
    """What to ask about the targets of a baseline scan taken together: at most five, at most two of an organ."""
    found, most, of_organ = [], int(protocol["recist_targets"]), int(protocol["recist_targets_organ"])
    if len(lesions) > most:
        words = say("{n} target lesions, RECIST 1.1 takes at most {most}", n=len(lesions), most=most)
        found.append(Doubt("implausible", words))
    organs = ["node" if lesion.node else (lesion.organ or lesion.name).casefold() for lesion in lesions]
    for organ in dict.fromkeys(organs):
        if (n := organs.count(organ)) > of_organ:
            words = say(
                "{n} target lesions of {organ}, RECIST 1.1 takes at most {most}", n=n, organ=organ, most=of_organ
            )
            found.append(Doubt("implausible", words))
    return tuple(found)


def _slip(tenths: int, last: int) -> Doubt | None:
    if _apart(tenths, last) < FAR:
        return None
    for power in _POWERS:
        for meant, words in (
            (tenths * power, say("about {n} times less than the last value; is it in mm?", n=power)),
            (tenths / power, say("about {n} times the last value; is the decimal point right?", n=power)),
        ):
            if _apart(meant, last) <= NEAR:
                return Doubt("decimal", words)
    return None


def _apart(first: float, second: float) -> float:
    return max(first / second, second / first)


def _mm(tenths: float) -> Figure:
    return Figure(f"{number(tenths / 10)} mm")
