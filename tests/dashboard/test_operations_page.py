"""Operations: an admin acts, an auditor looks, nobody else; every act leaves its row; nothing of a patient is there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.pages import operations, worklist
from data.job_plan import save_plan
from data.models import Audit, AuditReason, Feed, Flag, JobRequest, Outbox, Person
from tests.dashboard.conftest import Web

ADMIN, AUDITOR = "admin@clinic.example", "auditor@clinic.example"
OTHERS = ("onc@north.example", "nurse@south.example")


@pytest.fixture
def web(assembled: Any) -> Web:
    """The page over a planned job, a dead mail about a flag and a feed that is silent."""
    web: Web = assembled(operations)
    now = datetime.now(UTC)
    with web.database.write() as session:
        save_plan(session, [("sweep", "every 20 s", now), ("digest", "daily 07:00 Europe/Berlin", now)])
        session.add(
            Feed(
                application="LAB",
                facility="North",
                last_heard_at=now - timedelta(days=3),
                last_control_id="1",
                last_peer="10.1.2.3",
            )
        )
        flag = Flag(
            **dict.fromkeys(("rule", "rule_version", "protocol_version", "axis", "subject", "dedup_key"), "x"),
            **dict.fromkeys(("title", "question", "why"), "CNRY-flag"),
            **dict.fromkeys(("opened_at", "as_of", "first_evidence_at"), now),
            **{"id": str(uuid4()), "patient_id": 1, "severity": "urgent", "episode": 1, "status": "open"},
            **{"finding": {}, "evidence_digest": ""},
        )
        session.add(flag)
        session.flush()
        recipient = session.scalars(select(Person.id).where(Person.email == OTHERS[0])).one()
        session.add(
            Outbox(
                id="dead-mail",
                flag_id=flag.id,
                episode=1,
                recipient_id=recipient,
                kind="immediate",
                severity="urgent",
                state="dead",
                priority=0,
                message_id="<dead-mail@clinic.example>",
                created_at=now,
                next_at=now,
                attempts=3,
                last_code=550,
                last_error="no such mailbox",
            )
        )
    return web


def shown(web: Web, email: str) -> str:
    answer = web.call(web.client(email), "shell-page.children", "/ops", None)
    assert answer.status_code == 200, answer.text
    return answer.text


def press(web: Web, client: FlaskClient, type: str, name: str, value: str, *states: Any) -> TestResponse:
    """What the browser sends when the button of that type and name is pressed."""
    id = {name: value, "type": type}
    callback = next(key for key in web.app.callback_map if _listens(web, key, type))
    entry = web.app.callback_map[callback]
    body = web.body(callback, *([None] * len(entry["inputs"])))
    body["inputs"] = [[{"id": id, "property": "n_clicks", "value": 1}]]
    body["state"] = [
        {"id": dependency["id"], "property": dependency["property"], "value": state}
        if dependency["id"] == "ops-why"
        else [{"id": {"feed": value, "type": "ops-hours"}, "property": dependency["property"], "value": state}]
        for dependency, state in zip(entry["state"], states, strict=True)
    ]
    body["changedPropIds"] = [json.dumps(id, sort_keys=True, separators=(",", ":")) + ".n_clicks"]
    return client.post("/_dash-update-component", json=body)


def _listens(web: Web, callback: str, type: str) -> bool:
    return any(f'"{type}"' in str(dependency["id"]) for dependency in web.app.callback_map[callback]["inputs"])


def audited(web: Web, action: str) -> list[Audit]:
    with web.database.read() as session:
        return list(session.scalars(select(Audit).where(Audit.action == action)))


def test_an_admin_and_an_auditor_see_it_and_nothing_of_a_patient_is_in_it(web: Web) -> None:
    for email in (ADMIN, AUDITOR):
        text = shown(web, email)
        for words in ("Sweep: judge whoever has new data", "550 no such mailbox", "LAB", "silent", "given up"):
            assert words in text, (email, words)
        assert "CNRY" not in text
        assert "N1" not in text
    assert "Run now" in shown(web, ADMIN)
    assert "Run now" not in shown(web, AUDITOR)


@pytest.mark.parametrize("email", OTHERS)
def test_it_is_closed_to_who_follows_patients(web: Web, email: str) -> None:
    assert web.client(email).get("/ops").status_code == 403
    assert press(web, web.client(email), "ops-run", "job", "sweep").status_code == 403


def test_who_runs_the_site_starts_there_and_who_follows_patients_does_not(assembled: Any) -> None:
    web: Web = assembled(worklist, operations)
    for email in (ADMIN, AUDITOR):
        answer = web.client(email).get("/")
        assert (answer.status_code, answer.headers["Location"]) == (302, "/ops")
    for email in OTHERS:
        assert web.client(email).get("/").status_code == 200


def test_a_run_is_asked_for_and_nothing_runs_in_the_request(web: Web) -> None:
    assert "Asked for" in press(web, web.client(ADMIN), "ops-run", "job", "sweep").text
    assert "Already asked for" in press(web, web.client(ADMIN), "ops-run", "job", "sweep").text
    with web.database.read() as session:
        [wish] = session.scalars(select(JobRequest))
    assert (wish.job, wish.who, wish.taken_at) == ("sweep", ADMIN, None)
    assert len(audited(web, "job.run")) == 1
    assert press(web, web.client(ADMIN), "ops-run", "job", "no such job").status_code == 404


def test_a_dead_mail_is_cleared_or_sent_again_once(web: Web) -> None:
    assert "why it may be cleared" in press(web, web.client(ADMIN), "ops-clear", "mail", "dead-mail", " ").text
    assert "Cleared" in press(web, web.client(ADMIN), "ops-clear", "mail", "dead-mail", "told by phone").text
    assert "has moved on" in press(web, web.client(ADMIN), "ops-clear", "mail", "dead-mail", "told by phone").text
    with web.database.write() as session:
        session.scalars(select(Outbox)).one().state = "dead"
    assert "is queued" in press(web, web.client(ADMIN), "ops-retry", "mail", "dead-mail").text
    with web.database.read() as session:
        assert session.scalars(select(Outbox.state)).one() == "pending"
    [cleared], [again] = audited(web, "mail.clear"), audited(web, "mail.retry")
    assert (cleared.actor, cleared.patient_uuid, again.actor) == (ADMIN, "uuid-N1", ADMIN)
    with web.database.read() as session:
        assert session.get_one(AuditReason, cleared.seq).words == "told by phone"


@pytest.mark.parametrize(
    ("typed", "seconds"), [("48", 172_800), ("0,5", 1800), ("", None), ("x", 86_400), ("1e9", 86_400)]
)
def test_how_often_a_feed_is_heard_is_set_in_hours(web: Web, typed: str, seconds: int | None) -> None:
    feed = {"feed": "LAB\nNorth", "type": "ops-hours"}
    answer = press(web, web.client(ADMIN), "ops-interval", "feed", "LAB\nNorth", typed, feed)
    assert answer.status_code == 200
    with web.database.read() as session:
        assert session.scalars(select(Feed.interval_s)).one() == seconds
    changed = seconds != 86_400
    assert ("Set. A feed" in answer.text) == changed
    assert len(audited(web, "feed.interval")) == changed


def test_an_auditor_who_presses_what_is_not_there_is_refused(web: Web) -> None:
    feed = {"feed": "LAB\nNorth", "type": "ops-hours"}
    for answer in (
        press(web, web.client(AUDITOR), "ops-run", "job", "sweep"),
        press(web, web.client(AUDITOR), "ops-clear", "mail", "dead-mail", "because"),
        press(web, web.client(AUDITOR), "ops-interval", "feed", "LAB\nNorth", "1", feed),
    ):
        assert answer.status_code == 403
    assert audited(web, "job.run") == []


def test_the_figures_are_for_this_machine_and_for_who_has_the_token(assembled: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a token of the tests\n")
    web: Web = assembled(operations, metrics_token_file=token)
    client = web.anonymous()
    here = client.get("/metrics")
    assert here.status_code == 200
    assert here.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE nadir_mail_dead gauge\nnadir_mail_dead 0\n" in here.text
    assert "CNRY" not in here.text
    away = {"REMOTE_ADDR": "10.1.2.3"}
    assert client.get("/metrics", environ_base=away).status_code == 302
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 302
    assert assembled(operations).anonymous().get("/metrics").status_code == 302, "closed until a token is set"
    assert web.client(OTHERS[0]).get("/metrics", environ_base=away).status_code == 403
    for given, status in (("a token of the tests", 200), ("another", 401), ("", 401)):
        headers = {"Authorization": f"Bearer {given}"}
        assert client.get("/metrics", environ_base=away, headers=headers).status_code == status
