"""The bodies a browser sends to the callbacks of `/_dash-dependencies`, with the things of one team for arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from tests.dashboard.conftest import PASSWORD
from tests.security.wards import Side

TODAY = datetime.now(UTC).date()
FIRST_ROWS = {"startRow": 0, "endRow": 100, "sortModel": [], "filterModel": {}}
WORDS = "some words that are long enough to be a reason"
# By component id and property: the name of a thing of the team, or the value itself.
OF_TEAM: Mapping[str, str] = {
    **dict.fromkeys(("patient-mrn.data", "who-mrn.data", "correct-mrn.data", "ask-mrn.data", "query-mrn.data"), "mrn"),
    **dict.fromkeys(("identity-from.value", "held-mrn.value", "import-mrn.value"), "mrn"),
    **dict.fromkeys(("identity-into.value", "correct-to.value"), "mrn2"),
    **dict.fromkeys(("ask-record.data", "who-record.value"), "record"),
    **dict.fromkeys(("rota-person.value", "rota-away.value"), "self"),
    **dict.fromkeys(("rota-stand-in.value", "flag-to.value"), "person"),
    **{"flag-id.data": "flag", "query-id.data": "query", "import-id.data": "job", "held-item.data": "held"},
    **{"proposal-id.data": "proposal", "merge-id.data": "merge", "mute-team.value": "team", "mute-ended.value": "mute"},
    "import-team.value": "team_name",
}
FIXED: Mapping[str, Any] = {
    **dict.fromkeys(("worklist-grid.getRowsRequest", "cohort-grid.getRowsRequest"), FIRST_ROWS),
    **dict.fromkeys(("worklist-view.data", "cohort-view.data", "cohort-plotted.data", "shell-location.search"), ""),
    **dict.fromkeys(("worklist-find.value", "cohort-find.value"), ""),
    **dict.fromkeys(("flag-password.value", "protocol-password.value", "protocol-sign-password.value"), PASSWORD),
    **dict.fromkeys(("flag-version.data", "query-version.data", "protocol-draft-version.data"), 1),
    **dict.fromkeys(("import-moved.data", "identity-arrived.data"), 0),
    **{"identity-arrived.data": True, "import-order.value": "held", "import-zone.value": "Europe/Berlin"},
    **{"protocol-name.value": "recurrence_factor", "protocol-drop-name.value": "recurrence_factor"},
    **{"protocol-value.value": "1.6", "protocol-rule.data": "R03", "protocol-signed.value": ["recurrence_factor"]},
    **{"mute-rule.value": "R06", "mute-days.value": "7", "flag-decision.value": "no-change", "flag-reason.value": None},
    **{"flag-until.value": "1440", "rota-week.value": str(TODAY - timedelta(TODAY.weekday())), "rota-end.value": "1"},
    **{"rota-weeks-long.value": "1", "rota-from.value": str(TODAY), "rota-to.value": str(TODAY + timedelta(2))},
    **{"me-quiet-from.value": "", "me-quiet-to.value": "", "me-zone.value": ""},
    **{"patient-window.data": [1733000000000.0, 1765000000000.0], "patient-refresh.data": None},
    **{"patient-unit.data": {"name": "glucagon", "value": "pg/mL"}, "review-until.value": str(TODAY + timedelta(2))},
    **{"who-status.value": "withdrawn", "who-on.value": str(TODAY), "correct-same.value": ["yes"]},
    **{"correct-value.value": "61", "correct-unit.value": "pg/mL", "correct-when.value": "2025-06-01"},
    "correct-confirmed.value": [],
}


@dataclass(frozen=True)
class Callback:
    """A callback the server runs, as the list names it."""

    name: str
    inputs: tuple[dict[str, Any], ...]
    states: tuple[dict[str, Any], ...]

    @property
    def places(self) -> int:
        """How many arguments it takes."""
        return len(self.inputs) + len(self.states)


def callbacks(client: FlaskClient) -> list[Callback]:
    """Every callback of the server in `/_dash-dependencies`."""
    listed = client.get("/_dash-dependencies").get_json()
    return [
        Callback(entry["output"], tuple(entry["inputs"]), tuple(entry["state"]))
        for entry in listed
        if not entry.get("clientside_function")
    ]


def usual(callback: Callback, side: Side) -> list[Any]:
    """The arguments with which somebody of the team would call it."""
    return [_value(dependency, side) for dependency in (*callback.inputs, *callback.states)]


def body(callback: Callback, values: list[Any]) -> dict[str, Any]:
    """The request for these arguments."""
    parts = [_part(one, value) for one, value in zip((*callback.inputs, *callback.states), values, strict=True)]
    inputs = parts[: len(callback.inputs)]
    first = inputs[0][0] if inputs and isinstance(inputs[0], list) else (inputs or [None])[0]
    return {
        "output": callback.name,
        "outputs": [_output(name) for name in _outputs(callback.name)]
        if callback.name.startswith("..")
        else _output(callback.name),
        "inputs": inputs,
        "state": parts[len(callback.inputs) :],
        "changedPropIds": [] if first is None else [f"{_text(first['id'])}.{first['property']}"],
    }


def forms_of(value: Any, foreign: str) -> Iterator[Any]:
    """The ways to say something foreign where a callback is usually given `value`."""
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        if foreign.isdecimal():
            yield int(foreign)
    elif isinstance(value, dict):
        for name in value:
            yield {**value, name: foreign}
    elif isinstance(value, list):
        yield [foreign] * len(value)
        yield from ([*value[:n], foreign, *value[n + 1 :]] for n in range(len(value)) if len(value) > 1)
    else:
        yield foreign


def _value(dependency: dict[str, Any], side: Side) -> Any:
    name = f"{dependency['id']}.{dependency['property']}"
    if name in OF_TEAM:
        return side.ids[OF_TEAM[name]]
    if name in FIXED:
        return FIXED[name]
    special = {
        "shell-location.pathname": f"/p/{side.ids['mrn']}",
        "rota-team.data": int(side.ids["team"]),
        "correct-opened.data": {"record": side.ids["record"], "key": uuid4().hex},
        "patient-asked.data": {"record": side.ids["record"]},
        "identity-pair.data": [side.ids["mrn"], side.ids["mrn2"]],
    }
    if name in special:
        return special[name]
    if dependency["property"] in ("n_clicks", "n_intervals") and not name.startswith("{"):
        return 1
    if dependency["id"].endswith("-key"):
        return uuid4().hex
    if name.startswith("{"):
        return _matched(dependency, side)
    return "1" if dependency["id"].endswith("-version") else WORDS if dependency["property"] == "value" else ""


def _matched(dependency: dict[str, Any], side: Side) -> Any:
    """What a dependency that stands for several components holds; here for one."""
    return {"n_clicks": [1], "id": [_component(dependency, side)]}.get(dependency["property"], ["at-once"])


def _component(dependency: dict[str, Any], side: Side) -> dict[str, Any]:
    pattern = json.loads(dependency["id"])
    known = {
        "team": int(side.ids["team"]),
        "severity": "medium",
        "name": "text",
        "mail": "x",
        "job": "sweep",
        "feed": "x",
    }
    return {name: known[name] if value == ["ALL"] else value for name, value in pattern.items()}


def _part(dependency: dict[str, Any], value: Any) -> Any:
    named = {"property": dependency["property"]}
    if not dependency["id"].startswith("{"):
        return {"id": dependency["id"], **named, "value": value}
    pattern = json.loads(dependency["id"])
    identity = {name: "x" if inside == ["ALL"] else inside for name, inside in pattern.items()}
    values = value if isinstance(value, list) else [value]
    return [
        {"id": one if isinstance(one, dict) and dependency["property"] == "id" else identity, **named, "value": one}
        for one in values
    ]


def _outputs(name: str) -> list[str]:
    return name.removeprefix("..").removesuffix("..").split("...")


def _output(name: str) -> dict[str, str]:
    id, _point, property = name.partition("@")[0].rpartition(".")
    return {"id": id, "property": property}


def _text(identity: Any) -> str:
    return json.dumps(identity, separators=(",", ":"), sort_keys=True) if isinstance(identity, dict) else str(identity)
