"""Where one channel of a patient stands: in a word, in a few more, and since when.

The channels are kept apart. None overrules another, and one of which nothing can be said is `unknown`, never normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ChannelName = Literal["marker", "imaging", "skin", "glucose", "absorption", "biliary"]
ChannelWord = Literal["worse", "worse, unconfirmed", "stable", "better", "unknown"]


@dataclass(frozen=True, slots=True)
class ChannelState:
    """The state of a channel at one moment.

    `word` is the direction; `worse, unconfirmed` is what no second look, sample or reader has confirmed yet. `detail`
    says it with its values and dates, as it stands on a tile. `since` is when the state began to hold: the first worse
    value, the last one that tells where it is stable or better, None where it is unknown.
    """

    channel: ChannelName
    word: ChannelWord
    detail: str
    since: datetime | None
