"""Every rule as a clinician reads it: the trigger in words, the question it asks, its thresholds with their sources."""

from __future__ import annotations

from typing import Any

from clinical.protocol import Protocol
from clinical.rules.registry import Rule, registered


def describe_rules(protocol: Protocol) -> list[dict[str, Any]]:
    """Every registered rule under this protocol, by id, as the document `nadir rules` prints.

    `severity` names every severity a rule can raise, most severe first. Raises KeyError when the protocol lacks one of
    the thresholds.
    """
    return [_described(rule, protocol) for rule in registered()]


def _described(rule: Rule, protocol: Protocol) -> dict[str, Any]:
    thresholds = [protocol.threshold(name) for name in rule.thresholds]
    return {
        "id": rule.id,
        "version": rule.version,
        "axis": rule.axis,
        "severity": "/".join(rule.severities),
        "trigger": rule.trigger,
        "question": rule.question,
        "thresholds": [
            {"name": t.name, "value": t.value, "unit": t.unit, "source": t.source, "signed_off": t.signed_off}
            for t in thresholds
        ],
    }
