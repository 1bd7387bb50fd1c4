"""The published cases through the whole of Nadir: import, sweep, outbox, real mail, review, correction.

`test_published_cases.py` asks the rules; here the flags of the database must stand and fall as the reports tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.db import Database
from tests.mail_server import MailServer
from tests.oracles.cases.bundle import told_on
from tests.oracles.cases.followed import Followed
from tests.oracles.cases.judgements import CASES, Judgement, judgements, read_case

pytestmark = pytest.mark.oracles

AT_ONCE = ("urgent", "high")
END: dict[str, dict[str, str]] = {
    "prinz-1981-patient-1-dtic": {"R03": "resolved", "R12": "resolved"},
    "anon-2022-esasrb-residual-after-resection": {"R33": "acknowledged"},
    "dimitrovski-failed-first-surgery": {"R33": "resolved"},
    "yu-2023-patient-1-rash-before-nodes": {"R06": "acknowledged", "R12": "acknowledged"},
    "tolliver-2018-rash-relapse-stable-tumour": {"R12": "acknowledged"},
    "barabas-2019-cardiomyopathy-ssa": {"R35": "acknowledged"},
    "liu-2018-two-year-delay": {"R30": "acknowledged"},
}
"""By case the status in which its reports leave the questions that an oncologist took and nobody decided."""


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    server = MailServer()
    server.behave("ok")
    yield server
    server.close()


@pytest.mark.parametrize("name", CASES)
def test_a_case_that_is_followed_has_the_flags_its_report_describes(
    name: str, sqlite_database: Database, server: MailServer, tmp_path: Path
) -> None:
    clinic = Followed(sqlite_database, server, name, tmp_path)
    undated = {e["replay_day"] for e in clinic.case["timeline"] if e["replay_day_synthetic"]}
    owed = {j: False for j in judgements(name) if j.wanted and j.rules}
    for today in clinic.days():
        standing = clinic.standing()
        for wanted in owed:
            if today == wanted.day or (wanted.day is None and today in undated):
                owed[wanted] |= not wanted.rules.isdisjoint(clinic.stood | standing.keys())
        for unwanted in (j for j in judgements(name) if not j.wanted and j.day in (today, None)):
            assert unwanted.rules.isdisjoint(standing), f"{unwanted.what} on day {today}: {standing.keys()}"
        for flag in standing.values():
            if flag["severity"] in AT_ONCE:
                assert clinic.mails_about(flag["id"]), f"nobody was told of {flag['rule']} on day {today}"
        clinic.take_all()
    assert not [wanted for wanted, stood in owed.items() if not stood]
    last = {flag["rule"]: flag["status"] for flag in clinic.flags()}
    assert {rule: last.get(rule) for rule in END.get(name, {})} == END.get(name, {})
    said = [str(mail.message) for mail in server.delivered]
    assert not [text for text in said if clinic.mrn in text or "glucagon" in text.lower()]


def judged() -> list[str]:
    """The cases of which a flag is wanted."""
    return [name for name in CASES if name != "absent" and any(j.wanted and j.rules for j in judgements(name))]


def first_wanted(name: str) -> tuple[int, list[Judgement]]:
    """The first day on which flags of the case are wanted, and which; an undated one on its first undated day."""
    case = read_case(name)
    undated = [e["replay_day"] for e in case["timeline"] if e["replay_day_synthetic"]]
    wanted = [j for j in judgements(name) if j.wanted and j.rules]
    dated = [j for j in wanted if j.day is not None]
    if dated:
        first = min(j.day for j in dated if j.day is not None)
        return first, [j for j in dated if j.day == first]
    return max(undated or told_on(case)), wanted


@pytest.mark.parametrize("name", judged() or ["absent"])
def test_what_was_decided_on_a_case_comes_back_when_its_value_was_another_patients(
    name: str, sqlite_database: Database, server: MailServer, tmp_path: Path
) -> None:
    clinic = Followed(sqlite_database, server, name, tmp_path)
    day, wanted = first_wanted(name)
    rules = {rule for judgement in wanted for rule in judgement.rules}
    found = {}
    for today in clinic.days():
        found |= {rule: flag for rule, flag in clinic.standing().items() if rule in rules}
        if today >= day and found:
            break
    flag = next(flag for flag in found.values() if flag["evidence"])
    assert clinic.decide(flag["id"]) == "resolved"
    told = len(clinic.mails_about(flag["id"]))
    reopened = clinic.take_back(flag["evidence"][0]["record"])
    (after,) = [other for other in clinic.flags() if other["id"] == flag["id"]]
    assert flag["id"] in reopened and after["status"] == "open"
    assert "a value it used was corrected: another patient's" in [step["why"] for step in after["history"]]
    subjects = [str(mail.message["Subject"]) for mail in clinic.mails_about(flag["id"])][told:]
    assert subjects == (["Nadir: corrected, a value behind a flag you were told of"] if told else []), subjects
    clinic.take_all()
    clinic.sweep()
    (taken,) = [other for other in clinic.flags() if other["id"] == flag["id"]]
    gone = any(step["why"] == "cleared by data, not seen" for step in after["history"])
    assert taken["status"] == ("resolved" if gone else "acknowledged")
