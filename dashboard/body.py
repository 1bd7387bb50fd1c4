"""The shape of a callback request, checked before Dash reads it: Dash trusts it and would fail in the middle."""

from __future__ import annotations

from typing import Any

from dash import Dash
from werkzeug.exceptions import BadRequest


def check_body(app: Dash, body: Any) -> None:
    """Raise BadRequest (400) unless `body` names a callback and carries its inputs, states and outputs as declared."""
    if not isinstance(body, dict) or not isinstance(body.get("output"), str):
        raise BadRequest
    entry = app.callback_map.get(body["output"])
    if entry is None or "callback" not in entry:
        raise BadRequest
    _check_dependencies(body.get("inputs", []), entry["inputs"])
    _check_dependencies(body.get("state", []), entry["state"])
    _check_outputs(body.get("outputs"), entry["output"])
    changed = body.get("changedPropIds", [])
    if not isinstance(changed, list) or not all(isinstance(name, str) for name in changed):
        raise BadRequest


def _check_dependencies(given: Any, declared: list[dict[str, Any]]) -> None:
    if not isinstance(given, list) or len(given) != len(declared):
        raise BadRequest
    for item in given:
        # A pattern-matching dependency stands for several components.
        for part in item if isinstance(item, list) else [item]:
            _check_part(part)


def _check_outputs(given: Any, declared: Any) -> None:
    """Dash takes the answer apart by what the browser names here, and fails on our own answer when it does not fit."""
    if isinstance(declared, list) != isinstance(given, list):
        raise BadRequest
    if isinstance(declared, list) and len(declared) != len(given):
        raise BadRequest
    for item in given if isinstance(given, list) else [given]:
        for part in item if isinstance(item, list) else [item]:
            _check_part(part)


def _check_part(part: Any) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("property"), str):
        raise BadRequest
    identity = part.get("id")
    plain = isinstance(identity, str) or (
        isinstance(identity, dict) and all(isinstance(value, str | int | float) for value in identity.values())
    )
    if not plain:
        raise BadRequest
