"""The best overall response of a course of treatment (RECIST 1.1, Eisenhauer 2009, section 4.6 and table 3).

A complete or partial response may have to be confirmed by a later scan; stable disease needs a least time since the
start. What neither confirms nor lasts long enough is not evaluable, never a response.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

BestResponse = Literal["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING"]
_CONFIRM_DAYS = 28
_STABLE_DAYS = 42


@dataclass(frozen=True, slots=True)
class Reading:
    """The overall response of one scan."""

    day: date
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What a best response asks for. `confirm_days` None: no confirmation. Between a response and its confirmation at
    most `most_not_evaluable` scans may be NE; `accept_stable` lets SD stand between a PR and its confirmation."""

    confirm_days: int | None = _CONFIRM_DAYS
    stable_days: int = _STABLE_DAYS
    most_not_evaluable: int | None = None
    accept_stable: bool = False


def best_response(
    readings: Sequence[Reading], *, started: date, criteria: Criteria, progressed: date | None = None
) -> tuple[BestResponse, date | None]:
    """The best response and the day of the scan that gives it; readings after `progressed` are left out.

    In order of rank: CR, PR, SD (any response or stable disease late enough), NON-CR/NON-PD, PD, NE, MISSING.
    """
    scans = sorted((r for r in readings if progressed is None or r.day <= progressed), key=lambda r: r.day)
    for response in ("CR", "PR"):
        for at, scan in enumerate(scans):
            if scan.response == response and _stands(scans, at, criteria):
                return ("CR" if response == "CR" else "PR"), scan.day
    late = [scan for scan in scans if (scan.day - started).days >= criteria.stable_days]
    for scan in late:
        if scan.response in ("CR", "PR", "SD"):
            return "SD", scan.day
    for scan in late:
        if scan.response == "NON-CR/NON-PD":
            return "NON-CR/NON-PD", scan.day
    for scan in scans:
        if scan.response == "PD":
            return "PD", scan.day
    return ("NE", scans[0].day) if scans else ("MISSING", None)


def _stands(scans: Sequence[Reading], at: int, criteria: Criteria) -> bool:
    """Whether a response needs no confirmation or a later scan confirms it before anything contradicts it."""
    if criteria.confirm_days is None:
        return True
    confirming, between = _confirming(scans[at].response, criteria)
    not_evaluable, seen_complete = 0, False
    for later in scans[at + 1 :]:
        if later.response == "PR" and seen_complete:
            return False
        seen_complete = seen_complete or later.response == "CR"
        if later.response in confirming and (later.day - scans[at].day).days >= criteria.confirm_days:
            return True
        if later.response not in between:
            return False
        not_evaluable += later.response == "NE"
        if criteria.most_not_evaluable is not None and not_evaluable > criteria.most_not_evaluable:
            return False
    return False


def _confirming(response: str, criteria: Criteria) -> tuple[frozenset[str], frozenset[str]]:
    if response == "CR":
        return frozenset({"CR"}), frozenset({"CR", "NE"})
    return frozenset({"CR", "PR"}), frozenset({"CR", "PR", "NE", *(["SD"] if criteria.accept_stable else [])})
