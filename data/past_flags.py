"""Flags of the same patient and axis that were looked at before: what was decided about them, and what followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clinical.followed import Followed, followed
from data.decisions import REGIMEN
from data.flag_moves import CLOSED
from data.trends import Trends

TOXICITY = "toxicity"


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A decision (as `data.decisions.decisions_of` gives it) with what followed. `side_flags` are the documents of
    toxicity flags that opened in that time; `entered` whether a regimen was entered since: None where none was due."""

    decision: Mapping[str, Any]
    followed: Followed
    side_flags: tuple[Mapping[str, Any], ...]
    entered: bool | None


@dataclass(frozen=True, slots=True)
class PastFlag:
    """A flag (a document of the contract) with its decisions, newest first; without any it ended by itself."""

    flag: Mapping[str, Any]
    decisions: tuple[PastDecision, ...]


def past_flags(found: Trends, flag: Mapping[str, Any]) -> tuple[PastFlag, ...]:
    """Closed or decided flags on the axis of `flag`, those of its rule first, each group newest first.

    `flag` itself is among them once it was decided.
    """
    decided = decisions_with_sequel(found)
    alike = [
        PastFlag(other, decided.get(other["id"], ()))
        for other in found.flags
        if other["axis"] == flag["axis"]
        and (other["id"] in decided or (other["id"] != flag["id"] and other["status"] in CLOSED))
    ]
    return tuple(sorted(alike, key=lambda past: past.flag["rule"] != flag["rule"]))


def decisions_with_sequel(found: Trends) -> dict[str, tuple[PastDecision, ...]]:
    """By flag id its decisions, newest first, each with what followed it."""
    sequels: dict[str, tuple[PastDecision, ...]] = {}
    moments = [decision["at"] for decision in found.decisions]
    for decision in found.decisions:
        following = next((at for at in moments if at > decision["at"]), None)
        sequel = followed(found.chart, found.marker, since=decision["at"], now=found.as_of, following=following)
        entered = bool(sequel.steps) if decision["decision"] in REGIMEN else None
        past = PastDecision(decision, sequel, _side_flags(found, sequel), entered)
        sequels[decision["flag"]] = (past, *sequels.get(decision["flag"], ()))
    return sequels


def _side_flags(found: Trends, sequel: Followed) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        flag
        for flag in found.flags
        if flag["axis"] == TOXICITY and sequel.since < datetime.fromisoformat(flag["opened_at"]) <= sequel.until
    )
