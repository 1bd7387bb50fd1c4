"""The course of stones and sludge over the ultrasounds: what is new on the latest, what was there before (rule R15)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from clinical.biliary import stones_known
from clinical.chart import BiliaryUltrasound, Chart
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.therapy import analogue_steps

_FOUND = {
    "stones": say("stones"),
    "several": say("several stones where there was one"),
    "sludge": say("sludge"),
    "duct": say("a stone in the bile duct"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoneCourse:
    """Stones or sludge that the latest telling ultrasound shows.

    `appeared` is the ultrasound on which something last came to what was there, `what` that something in words,
    `before` the telling ultrasound ahead of it. `new`: `appeared` is the latest look. `on_analogue`: it came under an
    analogue, or after one, and not before.
    """

    appeared: BiliaryUltrasound
    last: BiliaryUltrasound
    before: BiliaryUltrasound | None
    what: tuple[str, ...]
    new: bool
    on_analogue: bool


def stone_course(chart: Chart, protocol: Protocol) -> StoneCourse | None:
    """The course of what the latest telling ultrasound shows; None without stones, or with the gallbladder gone.

    An ultrasound that says nothing of stones and sludge changes nothing.
    """
    telling = [(u, seen) for u in chart.biliary if (seen := _seen(u)) is not None]
    if not telling or not telling[-1][1] or stones_known(chart, telling[-1][0].effective) is None:
        return None
    if any(t.procedure == "cholecystectomy" and t.effective >= telling[-1][0].effective for t in chart.therapy):
        return None
    known: frozenset[str] = frozenset()
    at, came = 0, frozenset[str]()
    for index, (_, seen) in enumerate(telling):
        fresh = seen - known
        if fresh:
            at, came = index, fresh
        # Sludge beside stones may go unmentioned; what a look without any stones takes away can come anew.
        known = known | seen if seen else frozenset()
    appeared = telling[at][0]
    before = telling[at - 1][0] if at else None
    return StoneCourse(
        appeared=appeared,
        last=telling[-1][0],
        before=before,
        what=_in_words(came, known_before=bool(at and telling[at - 1][1])),
        new=at == len(telling) - 1,
        on_analogue=_on_analogue(chart, appeared, before, protocol),
    )


def tells_of_stones(entry: BiliaryUltrasound) -> bool:
    """Whether an ultrasound says anything of stones or sludge."""
    return _seen(entry) is not None


def _seen(entry: BiliaryUltrasound) -> frozenset[str] | None:
    """What an ultrasound shows; empty where it shows none, None where it says nothing."""
    found = {
        "stones": entry.stones in ("single", "multiple"),
        "several": entry.stones == "multiple",
        "sludge": entry.sludge is True,
        "duct": entry.cbd_stone is True,
    }
    seen = frozenset(name for name, there in found.items() if there)
    tells = entry.stones is not None or entry.gallbladder == "absent"
    return seen if seen or tells else None


def _on_analogue(
    chart: Chart, appeared: BiliaryUltrasound, before: BiliaryUltrasound | None, protocol: Protocol
) -> bool:
    steps = analogue_steps(chart)
    if not steps:
        return False
    first = steps[0].entry.effective
    if before is not None:
        return appeared.effective > first
    return appeared.effective > first + timedelta(days=protocol["stones_earliest"])


def _in_words(came: frozenset[str], *, known_before: bool) -> tuple[str, ...]:
    if "stones" in came or not known_before:
        came = came - {"several"}
    return tuple(words for name, words in _FOUND.items() if name in came)
