"""The sentence above the tiles where the channels disagree: which is worse since when, which not, which unknown.

No channel overrules another. Where they agree the sentence is empty; an unknown channel is called unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.axes import imaging_state, marker_state, modality_of, skin_state
from clinical.channel import ChannelState
from clinical.chart import Chart
from clinical.imaging import scans
from clinical.protocol import Protocol
from clinical.saying import capital, chained, say
from clinical.wording import listed

_MONTHS = (
    *(say("Jan"), say("Feb"), say("Mar"), say("Apr"), say("May"), say("Jun")),
    *(say("Jul"), say("Aug"), say("Sep"), say("Oct"), say("Nov"), say("Dec")),
)
_WORSE = ("worse", "worse, unconfirmed")
_SPOKEN = {
    "worse": say("worse"),
    "worse, unconfirmed": say("worse, not yet confirmed,"),
    "better": say("better"),
    "stable": say("stable"),
    "unknown": say("unknown"),
}


def discordance(chart: Chart, protocol: Protocol, now: datetime) -> str:
    """One sentence where marker, imaging and skin disagree at `now` (aware), else an empty text.

    Of the chart only what was known at `now` counts. Example: `Skin worse since 3 Mar 2026; glucagon and CT stable`.
    """
    known = chart.until(now)
    found = scans(known)
    named = (
        (say("skin"), skin_state(known, protocol, now)),
        (say("glucagon"), marker_state(known, protocol, now)),
        (modality_of(found[-1]) if found else say("imaging"), imaging_state(known, protocol, now)),
    )
    return _sentence(named)


def _sentence(named: Iterable[tuple[str, ChannelState]]) -> str:
    by_word: dict[str, list[tuple[str, ChannelState]]] = {}
    for name, state in named:
        by_word.setdefault(state.word, []).append((name, state))
    worse = [pair for word in _WORSE for pair in by_word.get(word, [])]
    if not worse or not (by_word.get("stable") or by_word.get("better")):
        return ""
    parts = [_worse(name, state) for name, state in worse]
    parts += [
        say("{channels} {word}", channels=listed(name for name, _ in by_word[word]), word=_SPOKEN[word])
        for word in ("better", "stable", "unknown")
        if word in by_word
    ]
    return capital(chained("; ", parts))


def _worse(name: str, state: ChannelState) -> str:
    if state.since is None:
        return say("{channels} {word}", channels=name, word=_SPOKEN[state.word])
    return say(
        "{channels} {word} since {day} {month} {year}",
        channels=name,
        word=_SPOKEN[state.word],
        day=state.since.day,
        month=_MONTHS[state.since.month - 1],
        year=state.since.year,
    )
