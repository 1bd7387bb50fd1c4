"""What the rules say now against the flags that stand: the changes to make, computed without touching anything.

A finding and a flag are the same thing when patient, rule and subject are. A flag a person closed stays closed while
the finding it answered merely goes on; it takes new evidence or a higher severity, or the finding's absence in between,
for a new episode.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import msgspec

from clinical.finding import SEVERITIES, Finding
from clinical.saying import say
from data.flag_moves import CLOSED, SEEN, Status

UNSEEN_RESOLVES = frozenset({"low", "info"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingFlag:
    """A flag as read for judging. `records` are the ids of its evidence; `seen` whether a person took it before it was
    snoozed."""

    id: str
    patient_id: int
    rule: str
    severity: str
    dedup_key: str
    episode: int
    status: Status
    version: int
    evidence_digest: str
    records: frozenset[str]
    cleared_at: datetime | None
    snoozed_until: datetime | None
    before_snooze: Status | None = None

    @property
    def seen(self) -> bool:
        """Whether somebody has taken it on."""
        return self.status in SEEN or (self.status == "snoozed" and self.before_snooze in SEEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One change to make. `open` has no flag, `wake`, `clear`, `contain`, `note-clear` and `forget` no finding.

    `update` keeps the status, `reopen` sends an attended flag back to open, `note-clear` marks an unseen one as cleared
    by the data, `forget` marks a closed one as past, so that the finding's return is a new episode. `worse` says that
    people are to be told anew.
    """

    what: Literal["open", "update", "reopen", "wake", "clear", "contain", "note-clear", "forget"]
    why: str
    flag: StandingFlag | None = None
    finding: Finding | None = None
    worse: bool = False


def dedup_key(patient_uuid: str, finding: Finding) -> str:
    """The identity of the flag of a finding."""
    return f"{patient_uuid}|{finding.rule}|{finding.subject}"


def rekeyed(key: str, patient_uuid: str) -> str:
    """The key that the flag of `key` would have as one of another patient: the survivor of its own."""
    return f"{patient_uuid}|{key.partition('|')[2]}"


def evidence_digest(finding: Finding) -> str:
    """A digest of what a finding rests on: same digest, nothing new to say. Its wording does not count."""
    rests_on: Any = (
        finding.rule_version,
        finding.severity,
        finding.evidence,
        finding.compared_with,
        finding.thresholds,
        finding.contains,
    )
    return sha256(msgspec.json.encode(rests_on, enc_hook=str)).hexdigest()


def differences(
    findings: Mapping[str, Finding], flags: Sequence[StandingFlag], moment: datetime
) -> tuple[Difference, ...]:
    """The changes that bring `flags` of one patient in line with `findings` (by dedup key) as of `moment`.

    Patients merged into one may each have a flag of the same key: all of them follow the finding.
    No change for what stands as it stood: judging twice gives nothing the second time.
    """
    contained = {rule: finding.rule for finding in findings.values() for rule in finding.contains}
    standing = _by_key(flag for flag in flags if flag.status not in CLOSED)
    closed = sorted((flag for flag in flags if flag.status in CLOSED), key=lambda flag: flag.episode)
    answered = {flag.dedup_key: flag for flag in closed}
    changes: list[Difference] = []
    for key, finding in findings.items():
        if key in standing:
            changes.extend(change for flag in standing[key] for change in _again(flag, finding, moment))
        elif key not in answered or _worse(answered[key], finding):
            changes.append(Difference(what="open", why=finding.why, finding=finding))
    gone = [flag for key, alike in standing.items() if key not in findings for flag in alike]
    for flag in gone:
        changes.extend(_gone(flag, contained.get(flag.rule), moment))
    for flag in closed:
        if flag.dedup_key not in findings and flag.rule not in contained:
            changes.append(Difference(what="forget", why=say("the data no longer show it"), flag=flag))
    return tuple(changes)


def _by_key(flags: Iterable[StandingFlag]) -> dict[str, list[StandingFlag]]:
    found: dict[str, list[StandingFlag]] = {}
    for flag in flags:
        found.setdefault(flag.dedup_key, []).append(flag)
    return found


def _again(flag: StandingFlag, finding: Finding, moment: datetime) -> Iterable[Difference]:
    changed = evidence_digest(finding) != flag.evidence_digest
    graver = _graver(flag, finding)
    worse = graver if flag.status == "in-review" else _worse(flag, finding)
    if changed and worse and flag.status != "open":
        yield Difference(
            what="reopen", why=say("worse evidence: {why}", why=finding.why), flag=flag, finding=finding, worse=True
        )
        return
    if flag.status == "snoozed" and flag.snoozed_until is not None and flag.snoozed_until <= moment:
        yield Difference(what="wake", why=say("the snooze is over"), flag=flag, finding=finding)
    elif changed:
        yield Difference(what="update", why=finding.why, flag=flag, finding=finding, worse=graver)
    elif flag.cleared_at is not None:
        yield Difference(
            what="update", why=say("the finding is back: {why}", why=finding.why), flag=flag, finding=finding
        )


def _gone(flag: StandingFlag, container: str | None, moment: datetime) -> Iterable[Difference]:
    if container is not None:
        yield Difference(what="contain", why=say("contained in {rule}", rule=container), flag=flag)
    elif flag.seen or flag.severity in UNSEEN_RESOLVES:
        yield Difference(what="clear", why=say("cleared by data"), flag=flag)
    elif flag.status == "snoozed" and flag.snoozed_until is not None and flag.snoozed_until <= moment:
        yield Difference(what="wake", why=say("the snooze is over; cleared by data, not seen"), flag=flag)
    elif flag.cleared_at is None:
        yield Difference(what="note-clear", why=say("cleared by data, not seen"), flag=flag)


def _worse(flag: StandingFlag, finding: Finding) -> bool:
    return _graver(flag, finding) or not {e.record for e in finding.evidence} <= flag.records


def _graver(flag: StandingFlag, finding: Finding) -> bool:
    ranks: tuple[str, ...] = SEVERITIES
    return ranks.index(finding.severity) < ranks.index(flag.severity)
