"""Doubts about a length that a person types in, and about a lesion chosen to be measured from now on.

A slip of the decimal point or of centimetres is a factor of ten or a hundred; the spans are choices of design for
asking. What makes a lesion measurable is RECIST 1.1 (Eisenhauer, Eur J Cancer 2009;45:228, sections 3.1 and 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clinical.entry_checks import FAR, NEAR, Doubt
from clinical.saying import Figure, say
from clinical.wording import number

LONGEST_TENTHS: Final = 4_000
_UNUSUAL_TENTHS: Final = 2_500
_MOVED: Final = 2.5
_MOVED_TENTHS: Final = 150
_POWERS: Final = (10, 100)
MEASURABLE_TENTHS: Final = 100
MEASURABLE_NODE_TENTHS: Final = 150
NORMAL_NODE_TENTHS: Final = 100
MOST_TARGETS: Final = 5
MOST_OF_AN_ORGAN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A lesion that a baseline scan makes a target."""

    name: str
    organ: str | None
    node: bool
    tenths: int | None


def length_doubts(tenths: int, last: int | None) -> tuple[Doubt, ...]:
    """What to ask about a length in tenths of a millimetre; `last` is the last one of the same lesion, None without."""
    if last is not None and last > 0 and tenths > 0:
        slip = _slip(tenths, last)
        if slip is not None:
            return (slip,)
        apart = abs(tenths - last)
        if apart >= _MOVED_TENTHS and _apart(tenths, last) >= _MOVED:
            by = _mm(apart)
            words = say("{by} more", by=by) if tenths > last else say("{by} less", by=by)
            return (Doubt("change", words),)
    if tenths > _UNUSUAL_TENTHS:
        return (Doubt("implausible", say("more than {most}", most=_mm(_UNUSUAL_TENTHS))),)
    return ()


def target_doubts(lesion: Chosen) -> tuple[Doubt, ...]:
    """What to ask about a lesion that is to be a target: whether it is measurable by RECIST 1.1."""
    if lesion.tenths is None:
        return ()
    if lesion.node and lesion.tenths < NORMAL_NODE_TENTHS:
        return (Doubt("implausible", say("a node with a short axis below 10 mm is normal (RECIST 1.1)")),)
    if lesion.node and lesion.tenths < MEASURABLE_NODE_TENTHS:
        words = say("a node with a short axis below 15 mm is a non-target lesion (RECIST 1.1)")
        return (Doubt("implausible", words),)
    if not lesion.node and lesion.tenths < MEASURABLE_TENTHS:
        return (Doubt("implausible", say("below 10 mm a lesion is not measurable (RECIST 1.1)")),)
    return ()


def choice_doubts(lesions: Sequence[Chosen]) -> tuple[Doubt, ...]:
    """What to ask about the targets of a baseline scan taken together: at most five, at most two of an organ."""
    found = []
    if len(lesions) > MOST_TARGETS:
        found.append(Doubt("implausible", say("{n} target lesions, RECIST 1.1 takes at most 5", n=len(lesions))))
    organs = ["node" if lesion.node else (lesion.organ or lesion.name).casefold() for lesion in lesions]
    for organ in dict.fromkeys(organs):
        if organs.count(organ) > MOST_OF_AN_ORGAN:
            words = say("{n} target lesions of {organ}, RECIST 1.1 takes at most 2", n=organs.count(organ), organ=organ)
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


def _mm(tenths: int) -> Figure:
    return Figure(f"{number(tenths / 10)} mm")
