"""The words of decisions, of the reasons why a flag does not apply, and of roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard.language import _, message

DECISION_WORDS = {
    "no-change": message("No change"),
    "interval": message("Interval changed"),
    "dose-up": message("Dose raised"),
    "dose-down": message("Dose lowered"),
    "switch": message("Switched to another drug"),
    "stop": message("Stopped"),
    "investigate": message("Investigate first"),
    "refer": message("Refer"),
    "not-applicable": message("Override: the flag does not apply"),
}
REASON_WORDS = {
    "wrong-value": message("a value it rests on is wrong"),
    "explained": message("something else explains it"),
    "known": message("known and accepted"),
    "other-patient-goal": message("another goal was agreed with the patient"),
    "rule-does-not-fit": message("the rule does not fit this patient"),
    "other": message("another reason, in the rationale"),
}
ROLE_WORDS = {"oncologist": message("oncologist"), "nurse": message("nurse")}


def decision_text(decision: Mapping[str, Any]) -> str:
    """What was decided, with its coded reason where it has one."""
    words = _(DECISION_WORDS[decision["decision"]])
    reason = decision["reason"]
    return words if reason is None else f"{words} ({_(REASON_WORDS[reason])})"
