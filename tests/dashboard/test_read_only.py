"""A read-only site shows every page and refuses every write in words, with a banner on each page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select

from dashboard.app import PAGES
from data.copying.rows import digest, tables
from data.db import Database
from data.models import Audit
from data.read_only import STILL_WRITTEN, forbid_writes
from data.settings import Settings
from tests.dashboard.conftest import Web

WORDS = "Nadir is read-only now"


@pytest.fixture
def web(clinic: Database, web_settings: Settings, assembled: Callable[..., Web]) -> Iterator[Web]:
    forbid_writes(clinic)
    yield assembled(*PAGES)


@pytest.fixture
def web_settings(web_settings: Settings) -> Settings:
    return web_settings.model_copy(update={"read_only": True})


def contents(database: Database) -> dict[str, tuple[int, str]]:
    with database.engine.connect() as connection:
        return {table.name: digest(connection, table) for table in tables() if table.name not in STILL_WRITTEN}


@pytest.mark.parametrize("clinic", ["sqlite", "postgresql"], indirect=True)
def test_pages_are_shown_with_a_banner_and_nothing_is_changed(web: Web) -> None:
    before = contents(web.database)
    client = web.client("onc@north.example")
    for path in (
        "/",
        "/p/N1",
        "/p/N1/visit",
        "/p/N1/regimen",
        "/protocol",
        "/queries",
        "/injections",
        "/import",
        "/me",
    ):
        shown = web.call(client, "shell-page", path, None)
        assert shown.status_code == 200, (path, shown.text)
    banner = web.call(client, "shell-banner", 0)
    assert "Nadir is read-only." in banner.text and "no alert is sent" in banner.text
    with web.database.read() as session:
        assert session.scalar(select(func.count()).where(Audit.action == "patient.read"))
    assert contents(web.database) == before


@pytest.mark.parametrize(
    ("way", "body"),
    [
        ("/p/N1/entry/visit/draft", {"key": "k" * 24, "number": 1, "version": 0, "said": {}, "patient": "uuid-N1"}),
        ("/language", None),
    ],
)
def test_a_write_is_refused_in_words(web: Web, way: str, body: dict[str, object] | None) -> None:
    before = contents(web.database)
    client = web.client("onc@north.example")
    answer = client.post(way, json=body) if body else client.post(way, data={"language": "de"})
    assert answer.status_code == 423, answer.text
    assert answer.json["error"] == WORDS and "Nothing was changed" in answer.json["advice"]
    assert contents(web.database) == before
