"""Flags -> FHIR: the finding as DetectedIssue with its evidence, its review as Task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data.exports.fhir_parts import Ids, Resource, extension, given

FLAG = "urn:nadir:flag"
RULE = "urn:nadir:rule"
SEVERITY = "urn:nadir:severity"
SEVERITIES = {"urgent": "high", "high": "high", "medium": "moderate", "low": "low", "info": "low"}
TASKS = {
    "open": "requested",
    "acknowledged": "accepted",
    "in-review": "in-progress",
    "snoozed": "on-hold",
    "resolved": "completed",
    "overridden": "rejected",
}


def flag(document: Mapping[str, Any], ids: Ids, exported: frozenset[str]) -> Iterator[Resource]:
    """The two resources of a flag (a document of the contract). Evidence that is not `exported` is left out."""
    records = [e["record"] for e in document["evidence"] if e["record"] in exported]
    yield {
        "resourceType": "DetectedIssue",
        "id": ids.of("flag", document["id"]),
        "extension": [extension(SEVERITY, document["severity"])],
        "identifier": [{"system": FLAG, "value": document["id"]}],
        "status": "final",
        "code": {"coding": [{"system": RULE, "code": document["rule"]}], "text": document["title"]},
        "severity": SEVERITIES[document["severity"]],
        "patient": ids.patient(),
        "identifiedDateTime": document["opened_at"],
        "detail": document["why"],
        **given((("evidence", [{"detail": [ids.reference("record", r) for r in records]}] if records else None),)),
    }
    yield {
        "resourceType": "Task",
        "id": ids.of("review", document["id"]),
        "status": TASKS[document["status"]],
        "intent": "order",
        "code": {"text": "Review of a flag"},
        "description": document["question"],
        "focus": ids.reference("flag", document["id"]),
        "for": ids.patient(),
        "authoredOn": document["opened_at"],
        **given((("note", [_move(step) for step in document["history"]]),)),
    }


def _move(step: Mapping[str, Any]) -> Resource:
    before = f"{step['from']} to " if step["from"] else ""
    return {"authorString": step["who"], "time": step["at"], "text": f"{before}{step['to']}: {step['why']}"}
