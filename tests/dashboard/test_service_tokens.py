"""A program's token opens no page and no callback, and nothing at all once it is revoked; only its digest is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from data.db import Database
from data.models import Base
from data.people import AccountError, Actor, Forbidden, NotFound, add_person, disable
from data.service_tokens import list_tokens, make_token, revoke_token
from tests.dashboard.conftest import Web

ROOT = Actor.system("test")
FEED = "feed@clinic.example"


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    made = assembled()
    with made.database.write() as session:
        add_person(session, ROOT, email=FEED, role="service", teams=["North"], now=datetime.now(UTC))
    return made


def _token(database: Database, label: str = "laboratory bridge") -> str:
    with database.write() as session:
        return make_token(session, ROOT, FEED, label, now=datetime.now(UTC))


def _statuses(web: Web, token: str) -> list[int]:
    client, bearer = web.anonymous(), {"Authorization": f"Bearer {token}"}
    return [
        client.get("/_dash-layout", headers=bearer).status_code,
        client.get("/account", headers=bearer).status_code,
        web.call(client, "shell-page.children", "/", "", **bearer).status_code,
    ]


def test_a_token_opens_no_page_and_no_callback_and_nothing_once_revoked(web: Web) -> None:
    token = _token(web.database)
    before = _statuses(web, token)
    with web.database.write() as session:
        (listed,) = list_tokens(session, ROOT)
        revoke_token(session, ROOT, listed["id"], now=datetime.now(UTC))
    after = _statuses(web, token)
    print(f"B13: in force {before}, revoked {after}")
    assert before == [403, 403, 403]
    assert after == [401, 401, 401]
    with web.database.write() as session, pytest.raises(NotFound):
        revoke_token(session, ROOT, listed["id"], now=datetime.now(UTC))


def test_only_a_digest_of_the_token_is_stored(web: Web) -> None:
    token = _token(web.database)
    secret = token.removeprefix("nadir_")
    assert len(secret) >= 43
    with web.database.read() as session:
        for table in Base.metadata.tables:
            for row in session.execute(text(f'SELECT * FROM "{table}"')):
                assert secret not in repr(row), table


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer nadir_x", "Basic ZmVlZDp4", "Bearer \u00e9", "nonsense"]
)
def test_anything_else_in_the_header_is_nobody(web: Web, header: str) -> None:
    client = web.anonymous()
    answer = client.get("/account", headers={"Authorization": header})
    assert answer.status_code in (302, 401)


def test_a_token_beside_a_cookie_counts_alone(web: Web) -> None:
    client = web.client("onc@north.example")
    assert client.get("/_dash-layout").status_code == 200
    bearer = {"Authorization": f"Bearer {_token(web.database)}"}
    assert client.get("/_dash-layout", headers=bearer).status_code == 403


def test_a_token_dies_with_its_account(web: Web) -> None:
    token = _token(web.database)
    with web.database.write() as session:
        disable(session, ROOT, FEED, now=datetime.now(UTC))
    assert _statuses(web, token) == [401, 401, 401]


def test_tokens_are_for_service_accounts_and_an_admins_to_give(web: Web) -> None:
    now = datetime.now(UTC)
    with web.database.write() as session:
        for email, label, error in [
            ("onc@north.example", "x", AccountError),
            ("nobody@clinic.example", "x", NotFound),
            (FEED, "  ", AccountError),
            (FEED, "x" * 81, AccountError),
        ]:
            with pytest.raises(error):
                make_token(session, ROOT, email, label, now=now)
        with pytest.raises(Forbidden):
            make_token(session, Actor("onc@north.example", "oncologist"), FEED, "mine", now=now)
