"""The frame says whether surveillance runs, and never that all is well when it does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.shell import mail_text, sweep_text
from data.models import JobRun, Outbox, Person
from tests.dashboard.conftest import Web

ONC = "onc@north.example"
ALARM = "Surveillance is not running"


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled(sweep_s=20)


def _swept(web: Web, ago: timedelta, outcome: str = "done") -> None:
    ended = datetime.now(UTC) - ago
    with web.database.write() as session:
        session.add(
            JobRun(job="sweep", due_at=ended, started_at=ended, finished_at=ended, outcome=outcome, holder="test")
        )


def _state(web: Web) -> str:
    answer = web.call(web.client(ONC), "shell-person.children", 1)
    assert answer.status_code == 200
    return answer.text


def test_before_the_first_sweep_the_banner_stands_and_the_process_is_not_ready(web: Web) -> None:
    assert ALARM in _state(web)
    assert web.anonymous().get("/readyz").status_code == 503


def test_after_a_recent_sweep_there_is_no_banner_and_the_process_is_ready(web: Web) -> None:
    _swept(web, timedelta(seconds=30))
    assert ALARM not in _state(web)
    assert "Last sweep just now" in _state(web)
    assert web.anonymous().get("/readyz").text == "ready\n"


def test_two_intervals_and_a_minute_later_the_banner_is_back(web: Web) -> None:
    _swept(web, timedelta(seconds=110))
    assert ALARM in _state(web)
    assert web.anonymous().get("/readyz").status_code == 503


def test_a_failed_sweep_is_no_sweep(web: Web) -> None:
    _swept(web, timedelta(seconds=5), outcome="failed")
    assert ALARM in _state(web)


def test_the_person_and_role_are_named(web: Web) -> None:
    state = _state(web)
    assert '"onc"' in state
    assert '"oncologist"' in state


def test_a_mail_that_died_is_said_to_everyone(web: Web) -> None:
    now = datetime.now(UTC)
    with web.database.write() as session:
        person = session.query(Person).filter_by(email=ONC).one()
        session.add(
            Outbox(
                id="dead-1",
                recipient_id=person.id,
                kind="immediate",
                severity="urgent",
                state="dead",
                priority=1,
                message_id="<dead-1@x>",
                created_at=now,
                next_at=now,
            )
        )
    assert "1 could not be delivered" in _state(web)


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (None, "No sweep has run yet"),
        (0, "Last sweep just now"),
        (60, "Last sweep 1 min ago"),
        (3599, "Last sweep 59 min ago"),
        (3600, "Last sweep 1 h 0 min ago"),
        (86_400, "Last sweep 1 d 0 h ago"),
    ],
)
def test_ages_are_said_in_the_largest_unit_that_fits(age_s: int | None, words: str) -> None:
    assert sweep_text(age_s) == words


def test_mail_is_late_after_five_minutes() -> None:
    assert mail_text(None, 0) == mail_text(300, 0) == "Mail: nothing overdue"
    assert mail_text(301, 0) == "Mail: oldest waits since 5 min"
    assert mail_text(900, 2) == "Mail: 2 could not be delivered"
