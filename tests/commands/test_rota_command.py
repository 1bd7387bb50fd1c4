"""The rota from the command line, within this process: how a process ends is tested elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from data.people import NotFound
from data.rota import NoWeek
from nadir import app

TEAM = ("--team", "NET")


@pytest.fixture
def rota(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `nadir rota ...` prints; it raises what the command raises."""
    monkeypatch.chdir(home)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_the_rota_is_set_and_listed(rota: Any) -> None:
    rota("db", "upgrade")
    rota("team", "add", "NET")
    for email in ("ada@n.example", "bob@n.example"):
        rota("user", "add", email, "--role", "oncologist", *TEAM)
    rota("rota", "set", "2026-W10", "ada@n.example", *TEAM, "--weeks", "2")
    rota("rota", "stand-in", "ada@n.example", "bob@n.example", *TEAM, "--from", "2026-03-04", "--to", "2026-03-05")
    rota("rota", "lead", "bob@n.example", *TEAM)
    listed = ("rota", "list", *TEAM, "--week", "2026-W10", "--weeks", "3")
    first, second, third = json.loads(rota(*listed, "--json"))
    assert list(first) == ["team", "week", "monday", "person", "email", "stand_ins", "gaps", "lead"]
    assert (first["week"], first["monday"]) == ("2026-W10", "2026-03-02")
    assert (first["email"], first["gaps"], first["lead"]) == ("ada@n.example", [], "bob")
    assert [s["stand_in"] for s in first["stand_ins"]] == ["bob"] and second["stand_ins"] == []
    assert third["email"] is None and len(third["gaps"]) == 7
    text = rota(*listed)
    assert "bob for ada 2026-03-04 to 2026-03-05" in text and "NOBODY on" in text
    rota("rota", "back", str(first["stand_ins"][0]["id"]))
    rota("rota", "set", "2026-W11", *TEAM)
    assert [row["email"] for row in json.loads(rota(*listed, "--json"))] == ["ada@n.example", None, None]
    with pytest.raises(NoWeek):
        rota("rota", "set", "2026-W60", "ada@n.example", *TEAM)
    with pytest.raises(NotFound):
        rota("rota", "set", "2026-W10", "far@n.example", *TEAM)
