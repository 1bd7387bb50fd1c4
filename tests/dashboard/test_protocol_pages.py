"""The protocol as the application answers: who reads, who signs and changes, and what pages then say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from clinical.finding import UsedThreshold
from clinical.protocol import bundled_protocol
from clinical.rules.registry import registered
from dashboard.pages import flag, patient, protocol, protocol_rule, worklist
from dashboard.parts.protocol_burden import DAYS
from data.flags import list_flags
from data.models import Audit, PatientReview, PatientTeam, Person, PersonTeam, ProtocolDraft, ProtocolSignature, Team
from data.mutes import LONGEST
from data.people import Actor
from data.protocol.in_force import protocol_in_force
from data.protocol.trial_child import work
from data.protocol.trials import Trial
from tests.dashboard.conftest import PASSWORD, Web
from tests.data.findings import finding, judge_as

ONCOLOGIST = "onc@north.example"
READERS = ("nurse@south.example", "admin@clinic.example", "auditor@clinic.example")
FACTOR = "recurrence_factor"
RULE = next(rule for rule in registered() if rule.id == "R03")
ACTS = {
    "protocol-sign": ([FACTOR], PASSWORD, "x", "R03"),
    "protocol-propose": (FACTOR, "1.5", "ours", "too late", "R03"),
    "protocol-try": (1,),
    "protocol-activate": ("agreed", PASSWORD, 1),
    "protocol-withdraw": ("no longer", 1),
    "protocol-drop": (FACTOR, 1),
    "mute-make": ("R03", "1", "7", "known"),
    "mute-end": ("1", "well again"),
}


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    """The protocol's pages and those that show what it is."""
    return assembled(worklist, patient, flag, protocol, protocol_rule)


def page(web: Web, who: str, address: str) -> str:
    path, _, query = address.partition("?")
    return web.call(web.client(who), "shell-page.children", path, f"?{query}" if query else None).text


def act(web: Web, who: str, button: str, *given: Any) -> TestResponse:
    name = next(n for n, e in web.app.callback_map.items() if e["inputs"] and e["inputs"][0]["id"] == button)
    return web.call(web.client(who), name, 1, *given)


def version(web: Web) -> str:
    with web.database.read() as session:
        return protocol_in_force(session, bundled_protocol()).version


def test_everybody_with_an_account_reads_and_none_but_oncologists_can_change(web: Web) -> None:
    for reader in READERS:
        for tab in protocol.TABS:
            assert "Signed off by an oncologist" in page(web, reader, f"/protocol?tab={tab}")
        rule = page(web, reader, "/protocol/R03")
        assert RULE.trigger in rule and "protocol-sign" not in rule and "protocol-propose" not in rule
        assert "mute-make" not in page(web, reader, "/protocol?tab=mutes")
        for button, given in ACTS.items():
            assert act(web, reader, button, *given).status_code == 403, button
    assert web.call(web.client(ONCOLOGIST), "shell-page.children", "/protocol/R99").status_code == 404
    with web.database.read() as session:
        assert session.scalars(select(ProtocolSignature)).all() == session.scalars(select(ProtocolDraft)).all() == []


def test_a_threshold_is_signed_with_the_password_and_the_page_says_by_whom(web: Web) -> None:
    assert (
        "type your password once more"
        in act(*(web, ONCOLOGIST, "protocol-sign"), [FACTOR], "", version(web), "R03").text
    )
    assert "tick what you sign" in act(web, ONCOLOGIST, "protocol-sign", [], PASSWORD, version(web), "R03").text
    signed = act(web, ONCOLOGIST, "protocol-sign", [FACTOR], "", version(web), "R03")
    assert "1 threshold signed off" in signed.text and PASSWORD not in signed.text
    assert "1 of 4" in page(web, READERS[0], "/protocol") and "signed off" in page(web, READERS[0], "/protocol/R03")
    assert "1 of 234 thresholds" in page(web, READERS[2], "/protocol")


def test_a_change_goes_from_the_rules_page_over_the_trial_into_force(web: Web) -> None:
    for value in ("", "x", "-1", "2", "nan"):
        assert "Not saved" in act(web, ONCOLOGIST, "protocol-propose", FACTOR, value, "ours", "too late", "R03").text
    assert (
        "stands in the draft" in act(*(web, ONCOLOGIST, "protocol-propose", FACTOR, "1,5", "ours", "late"), "R03").text
    )
    assert "in the draft: 1.5" in page(web, READERS[1], "/protocol/R03")
    draft = page(web, ONCOLOGIST, "/protocol?tab=change")
    assert "protocol-try" in draft and "has not been tried" in draft and "protocol-activate" not in draft
    with web.database.write() as session:
        session.execute(update(ProtocolDraft).values(state="trying", attempt=1, progress={"first": 1}))
        id = session.scalars(select(ProtocolDraft.id)).one()
    work(web.database, bundled_protocol(), Trial(id, 1), lambda: datetime.now(UTC))
    assert "protocol-activate" in page(web, ONCOLOGIST, "/protocol?tab=change")
    assert "somebody changed the draft" in act(web, ONCOLOGIST, "protocol-activate", "agreed", PASSWORD, 9).text
    assert "is in force" in act(web, ONCOLOGIST, "protocol-activate", "agreed in the board", "", 1).text
    told = page(web, READERS[1], "/protocol/R03")
    assert "shipped: 2; set by onc@north.example" in told and "2 → 1.5" in told
    assert version(web) != bundled_protocol().version


def test_an_unsigned_protocol_says_so_in_production_on_every_page_and_on_every_flag(
    assembled: Callable[..., Web],
) -> None:
    web = assembled(worklist, flag, protocol, protocol_rule, environment="production")
    now = datetime.now(UTC)
    with web.database.write() as session:
        judge_as(session, 1, [finding(thresholds=used(FACTOR))], now=now)
        flag_id = list_flags(session, Actor.system("test"))[0]["id"]
    banner = web.call(web.client(READERS[0]), "shell-person.children", 0).text
    assert "234 of 234 thresholds are not signed off" in banner
    assert "1 of the 1 thresholds this flag rests on are not signed off" in page(web, ONCOLOGIST, f"/flag/{flag_id}")
    act(web, ONCOLOGIST, "protocol-sign", [FACTOR], PASSWORD, version(web), "R03")
    shown = page(web, ONCOLOGIST, f"/flag/{flag_id}")
    assert "this flag rests on" not in shown and "pill signed" in shown
    everything = sorted(bundled_protocol().thresholds)
    act(web, ONCOLOGIST, "protocol-sign", everything, "", version(web), "R03")
    assert "not signed off" not in web.call(web.client(READERS[0]), "shell-person.children", 0).text


def used(name: str) -> Any:
    threshold = bundled_protocol().threshold(name)
    return (UsedThreshold(name=name, value=threshold.value, unit="1", source="s", signed_off=False),)


def test_a_rule_is_muted_for_ones_own_team_and_its_flags_say_so(web: Web) -> None:
    with web.database.read() as session:
        teams = {name: str(id) for id, name in session.execute(select(Team.id, Team.name))}
    assert timedelta(days=DAYS[-1]) == LONGEST
    for team, days, rule in ((teams["South"], "7", "R03"), (teams["North"], "8", "R03"), (teams["North"], "7", "x")):
        assert "Not saved" in act(web, ONCOLOGIST, "mute-make", rule, team, days, "known trouble").text
    assert "Muted." in act(web, ONCOLOGIST, "mute-make", "r03", teams["North"], "7", "known trouble").text
    with web.database.write() as session:
        judge_as(session, 1, [finding()], now=datetime.now(UTC))
        flag_id = list_flags(session, Actor.system("test"))[0]["id"]
    assert "muted: no mails until" in page(web, ONCOLOGIST, f"/flag/{flag_id}")
    assert "muted: North" in page(web, ONCOLOGIST, "/protocol") and "muted: North" not in page(
        web, READERS[0], "/protocol"
    )
    assert "The mute is over" in act(web, ONCOLOGIST, "mute-end", "1", "well again").text
    assert "muted: no mails" not in page(web, ONCOLOGIST, f"/flag/{flag_id}")


def test_a_patient_is_reviewed_by_name_by_an_oncologist_of_the_team(web: Web) -> None:
    until = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    said = (until, "stable, scan in May", "a-key-of-the-page-1")
    assert act(web, READERS[0], "review-record", *said, "N1").status_code == 403
    with web.database.write() as session:
        session.execute(update(Person).where(Person.email == READERS[0]).values(role="oncologist"))
    assert act(web, READERS[0], "review-record", *said, "N1").status_code == 404
    for wrong in ("", "x", "2020-01-01"):
        assert "Not saved" in act(web, ONCOLOGIST, "review-record", wrong, *said[1:], "N1").text
    for _ in range(2):
        assert "Reviewed, nothing to do until" in act(web, ONCOLOGIST, "review-record", *said, "N1").text
    assert (
        "stable, scan in May" in web.call(web.client(ONCOLOGIST), "patient-tab.children", "", None, "/p/N1", "N1").text
    )
    with web.database.write() as session:
        assert len(session.scalars(select(PatientReview)).all()) == 1
        assert "scan in May" not in str(session.scalars(select(Audit.detail)).all())
        session.execute(update(PatientReview).values(until=datetime.now(UTC).date() - timedelta(days=1)))
    assert "1 patient is due for review again" in page(web, ONCOLOGIST, "/")
    with web.database.write() as session:
        team = session.scalars(select(PatientTeam.team_id).where(PatientTeam.patient_id == 2)).one()
        person = session.scalars(select(Person.id).where(Person.email == READERS[0])).one()
        assert session.get(PersonTeam, (person, team)) is not None
    assert "due for review" not in page(web, READERS[0], "/")
