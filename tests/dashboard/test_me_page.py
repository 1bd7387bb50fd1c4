"""The page of alerts and rota: one's own choices, an address that works or not, and a rota changed by who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.pages import flag, me, worklist
from data.announcing import announce
from data.duty_tests import send_due_tests
from data.mail_choices import switch_off
from data.models import Audit, DutyTest, Flag, FlagHistory, MailChoice, Outbox, Person, RotaWeek, StandIn, Subscription
from data.outbox import mail_policy
from data.people import Actor, add_person, redeem
from data.rota import monday_of
from data.rota_changes import set_weeks
from tests.dashboard.conftest import PASSWORD, Web
from tests.dashboard.test_correction_page import text
from tests.data.ward import POLICY

ONC, NURSE, ADMIN, AUDITOR = (
    *("onc@north.example", "nurse@south.example", "admin@clinic.example", "auditor@clinic.example"),
)
BOB = "bob@north.example"
NORTH, SOUTH = 1, 2
SYSTEM = Actor.system("test")
HOW = [{"type": "me-how", "team": NORTH, "severity": severity} for severity in ("urgent", "high", "medium")]


class Page:
    """The page as people of the clinic use it; ONC and BOB are oncologists of North."""

    def __init__(self, web: Web) -> None:
        self.web, self.now = web, datetime.now(UTC)
        self.today = self.now.date()
        with web.database.write() as session:
            token = add_person(session, SYSTEM, email=BOB, role="oncologist", teams=["North"], now=self.now)
            redeem(session, token, PASSWORD, self.now)
            self.ids = {email: id for email, id in session.execute(select(Person.email, Person.id))}

    def show(self, email: str = ONC, search: str = "") -> Any:
        return self.web.call(self.web.client(email), "shell-page.children", "/me", search)

    def send(self, callback: str, *values: Any, email: str = ONC) -> Any:
        name = next(
            name for name, e in self.web.app.callback_map.items() if e["inputs"] and e["inputs"][0]["id"] == callback
        )
        return self.web.call(self.web.client(email), name, 1, *values)

    def choose(self, ways: Any, start: Any = "", end: Any = "", zone: Any = "", ids: Any = None, **how: Any) -> Any:
        return self.send("me-save", ways, HOW if ids is None else ids, start, end, zone, **how)

    def name(self, person: Any, team: int = NORTH, weeks: Any = "1", email: str = ONC, week: Any = None) -> Any:
        return self.send("rota-save", team, week or self.today.isoformat(), weeks, person, email=email)

    def stored(self, query: Any) -> list[Any]:
        with self.web.database.read() as session:
            return list(session.execute(query).all())


@pytest.fixture
def page(assembled: Callable[..., Web]) -> Page:
    return Page(assembled(me, flag, worklist))


def test_choices_are_kept_and_urgent_cannot_be_switched_off(page: Page) -> None:
    assert "Saved." in page.choose(["at-once", "digest", "off"], "22:00", "06:30", "Europe/Vienna").text
    rows = page.stored(select(Subscription.severity, Subscription.how).order_by(Subscription.severity))
    assert [tuple(row) for row in rows] == [("high", "digest"), ("medium", "off"), ("urgent", "at-once")]
    shown = text(page.show())
    assert "Europe/Vienna" in shown and "22:00" in shown and "Patients of North" in shown
    for ways, start, end, zone in (
        (["off", "digest", "off"], "", "", ""),
        (["digest", "digest", "off"], "", "", ""),
        (["at-once", "digest", "off"], "22:00", "", ""),
        (["at-once", "digest", "off"], "22:00", "22:00", ""),
        (["at-once", "digest", "off"], "25:00", "06:00", ""),
        (["at-once", "digest", "off"], "", "", "Nowhere/At all"),
    ):
        assert "Not saved" in page.choose(ways, start, end, zone).text
    assert page.stored(select(MailChoice.zone, MailChoice.quiet_from)) == [("Europe/Vienna", 22 * 60)]


@pytest.mark.parametrize(
    "ids",
    [
        [{"team": SOUTH, "severity": "urgent"}] * 3,
        [{"team": "1", "severity": "urgent"}] * 3,
        [{"team": NORTH, "severity": "info"}] * 3,
        [{}] * 3,
        [{"team": NORTH, "severity": ["urgent"]}] * 3,
    ],
)
def test_what_the_form_does_not_offer_is_refused(page: Page, ids: Any) -> None:
    answer = page.choose(["at-once"] * 3, ids=ids)
    assert answer.status_code in (200, 400) and "Saved" not in answer.text
    assert page.stored(select(Subscription.how)) == []


def test_numbers_and_lists_where_texts_belong_are_refused(page: Page) -> None:
    assert page.choose([1, 2, 3]).status_code == 400
    assert page.choose(["at-once", "digest", "off"], 22, ["06:00"]).status_code == 400
    for person in ("1e3", "-1", "9" * 30, "٣"):
        assert "Not saved" in page.name(person).text
    for weeks in ("", "0", "54", "1.5", "x"):
        assert "Not saved" in page.name(str(page.ids[ONC]), weeks=weeks).text
    assert "Not saved" in page.name(None).text and "Not saved" in page.name("1", week="tomorrow").text
    assert page.stored(select(RotaWeek.person_id)) == []


def test_the_rota_is_changed_by_oncologists_of_the_team_and_admins_alone(page: Page) -> None:
    onc, bob = str(page.ids[ONC]), str(page.ids[BOB])
    assert "no rota" in page.show().text
    assert "Saved." in page.name(bob, weeks="2").text
    assert "Saved." in page.name(onc, email=ADMIN).text
    assert page.name(onc, team=SOUTH).status_code == 404
    assert page.name(onc, team=NORTH, email=NURSE).status_code == 404
    assert page.name(onc, email=AUDITOR).status_code == 403
    assert "Not saved" in page.name(str(page.ids[NURSE]), team=SOUTH, email=NURSE).text
    monday = monday_of(page.today)
    rows = page.stored(select(RotaWeek.monday, RotaWeek.person_id).order_by(RotaWeek.monday))
    assert [tuple(row) for row in rows] == [(monday, int(onc)), (monday + timedelta(days=7), int(bob))]
    assert "this week" in page.show().text and "Set who is on call" in page.show().text
    nurse = page.show(NURSE).text
    assert "Rota of South" in nurse and "rota-save" not in nurse and "Rota of North" not in nurse
    admin = page.show(ADMIN, f"?team={NORTH}").text
    assert "Rota of North" in admin and "Rota of South" in page.show(ADMIN, f"?team={SOUTH}").text
    assert page.show(AUDITOR).status_code == 403
    actions = [row.action for row in page.stored(select(Audit.action).where(Audit.action == "rota.set"))]
    assert len(actions) == 2


def test_a_stand_in_is_set_and_taken_away(page: Page) -> None:
    onc, bob, today = str(page.ids[ONC]), str(page.ids[BOB]), page.today.isoformat()
    page.name(onc)
    assert "Saved." in page.send("rota-away-save", NORTH, onc, today, today, bob).text
    assert "Not saved" in page.send("rota-away-save", NORTH, onc, today, today, bob).text
    assert "Not saved" in page.send("rota-away-save", NORTH, None, today, today, bob).text
    assert "bob for onc" in page.show().text
    (row,) = page.stored(select(StandIn.id))
    assert page.send("rota-end-save", SOUTH, str(row.id), email=NURSE).status_code in (403, 404) or page.stored(
        select(StandIn.id)
    )
    assert "Saved." in page.send("rota-end-save", NORTH, str(row.id)).text
    assert page.stored(select(StandIn.id)) == []


def test_a_switched_off_address_is_said_and_a_test_mail_is_written_once_a_minute(page: Page) -> None:
    assert f"Mails go to {ONC}" in page.show().text
    with page.web.database.write() as session:
        switch_off(session, page.ids[ONC], "550 no such mailbox", now=page.now)
    assert "Your address is switched off." in page.show().text and "550 no such mailbox" in page.show().text
    assert "on its way" in page.send("me-test").text
    assert "wait a minute" in page.send("me-test").text
    assert page.stored(select(Outbox.kind, Outbox.recipient_id)) == [("test", page.ids[ONC])]


def test_following_the_links_of_mails_as_a_scanner_does_changes_nothing(page: Page) -> None:
    with page.web.database.write() as session:
        ward = Flag(
            **{"id": "f-1", "patient_id": 1, "rule": "R03", "rule_version": "1", "protocol_version": "p"},
            **{"axis": "marker", "severity": "urgent", "subject": "s", "dedup_key": "k", "episode": 1},
            **{"status": "open", "title": "t", "question": "q", "why": "w", "finding": {}, "evidence_digest": ""},
            **{"opened_at": page.now, "as_of": page.now, "first_evidence_at": page.now},
        )
        session.add(ward)
        session.flush()
        announce(session, ward, mail_policy(page.web.settings), page.now)
    before = page.stored(select(Outbox.state, Outbox.next_at).order_by(Outbox.id))
    for client in (page.web.anonymous(), page.web.client(ONC), page.web.client(BOB)):
        for link in ("/flag/f-1", "/me", "/"):
            for ask in (client.get, client.head):
                assert ask(link).status_code in (200, 302)
    assert page.stored(select(Flag.status, Flag.version, Flag.owner_id)) == [("open", 1, None)]
    assert page.stored(select(FlagHistory.id)) == []
    assert page.stored(select(Outbox.state, Outbox.next_at).order_by(Outbox.id)) == before


def test_a_test_alert_is_counted_until_it_is_acknowledged_and_looking_acknowledges_nothing(page: Page) -> None:
    tuesday = datetime.combine(monday_of(page.today), datetime.min.time(), UTC) + timedelta(days=1, hours=12)
    with page.web.database.write() as session:
        set_weeks(session, SYSTEM, NORTH, tuesday.date(), weeks=1, person_id=page.ids[ONC], now=page.now)
        assert send_due_tests(session, mail_policy(page.web.settings), POLICY.digest_at, now=tuesday) == 1
    client = page.web.client(ONC)
    for _ in range(2):
        assert client.get("/me").status_code == client.head("/me").status_code == 200
        assert "Acknowledge the test alert" in page.show().text
    assert (
        "1"
        in page.web.call(client, "shell-person.children", 1).json["response"]["shell-count-alerts"]["children"][
            "props"
        ]["children"]
    )
    assert page.stored(select(DutyTest.acknowledged_at)) == [(None,)]
    assert "alerts reach you" in page.send("me-acknowledge").text
    ((at,),) = page.stored(select(DutyTest.acknowledged_at))
    assert at is not None and "Acknowledge the test alert" not in page.show().text
