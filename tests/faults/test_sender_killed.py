"""The sender killed again and again, and the mail server in every bad manner: every mail arrives, copies are few.

The sender's clock runs thirty times as fast, so that a lease of a minute is two seconds.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from data.db import Database
from data.models import Outbox, Person
from data.outbox import mail_policy
from data.settings import Settings
from tests.faults.conftest import Site, wait_until
from tests.jobs.conftest import Clinic
from tests.mail_server import MailServer

pytestmark = pytest.mark.alone

FASTER = 30
ADA, GONE = "ada@clinic.example", "gone@clinic.example"


def clinic_of(site: Site) -> Clinic:
    """A team with one oncologist, whose flags are raised by the sender's clock."""
    clinic = Clinic(site.database, mail_policy(Settings(_env_file=None)), site.clock(FASTER)())
    clinic.employ(ADA)
    return clinic


def unsent(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).where(Outbox.state.in_(("pending", "sending", "retry")))) or 0


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_hundred_kills_over_500_mails(site: Site, mail_server: MailServer, seed: int) -> None:
    assert kill_loop(site, mail_server, seed, mails=500, kills=100) > 10


@pytest.mark.timeout(240)
def test_twenty_kills_over_100_mails(
    site_of: Callable[[Database], Site], sqlite_database: Database, mail_server: MailServer, seed: int
) -> None:
    kill_loop(site_of(sqlite_database), mail_server, seed, mails=100, kills=20)


def kill_loop(site: Site, mail_server: MailServer, seed: int, *, mails: int, kills: int) -> int:
    """Kill the sender at random moments of its work; how many copies too many came of it."""
    chance = random.Random(seed)
    clinic = clinic_of(site)
    flags = [clinic.raise_flag(chance.choice(("urgent", "high"))) for _ in range(mails)]
    mail_server.slow_s = 0.04
    for _ in range(kills):
        process = site.hatch("sender", faster=FASTER)
        before = len(mail_server.delivered)
        wait_until(lambda before=before: len(mail_server.delivered) > before or not unsent(site.database), 20)
        time.sleep(chance.uniform(0.0, 0.15))
        process.kill()
        process.join()
    site.hatch("sender", faster=FASTER)
    assert wait_until(lambda: unsent(site.database) == 0, mails), site.log("sender")[-3000:]
    copies = mail_server.copies()
    told = Counter(mail.text.split("/flag/")[1].split()[0] for mail in mail_server.delivered)
    assert set(told) == set(flags), "a mail was lost"
    assert len(copies) == mails, "two Message-IDs tell of one flag"
    assert max(copies.values()) <= 3
    too_many = sum(copies.values()) - mails
    assert too_many <= kills
    assert clinic.states() == {ADA: ["sent"] * mails}
    print(f"{mails} mails, {kills} kills: {too_many} copies too many, at most {max(copies.values())} of one")
    return too_many


MODES = ("refused", "450", "451 after DATA", "drop after DATA", "slow", "silent")


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", MODES)
def test_ten_minutes_of_a_bad_mail_server(site: Site, mail_server: MailServer, mode: str) -> None:
    """Ten seconds, for waits that are a fiftieth of a clinic's."""
    endure(site, mail_server, mode, seconds=10)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("mode", ["refused", "drop after DATA"])
def test_a_minute_of_a_bad_mail_server(
    site_of: Callable[[Database], Site], sqlite_database: Database, mail_server: MailServer, mode: str
) -> None:
    endure(site_of(sqlite_database), mail_server, mode, seconds=1.5)


def endure(site: Site, mail_server: MailServer, mode: str, *, seconds: float) -> None:
    """A server that is bad for a while and then well, with a mailbox that does not exist: it holds nobody up."""
    clinic = clinic_of(site)
    clinic.employ(GONE)
    clinic.employ("admin@clinic.example", "admin")
    mail_server.unknown = {GONE}
    if mode == "slow":
        mail_server.slow_s = 3.0
    else:
        mail_server.behave(mode)
    site.hatch("sender", faster=FASTER)
    flags = [clinic.raise_flag("urgent") for _ in range(5)]
    time.sleep(seconds)
    mail_server.slow_s = 0.0
    mail_server.behave("ok")
    assert wait_until(lambda: unsent(site.database) == 0, 60), site.log("sender")[-3000:]
    states = clinic.states()
    assert states[ADA] == ["sent"] * len(flags)
    assert states[GONE] == ["dead"] * len(flags)
    told = {mail.text.split("/flag/")[1].split()[0] for mail in mail_server.delivered if mail.recipient == ADA}
    assert told == set(flags)
    alarms = [mail for mail in mail_server.delivered if mail.recipient == "admin@clinic.example"]
    assert alarms, "a mail that was given up is told to the admins"
    if mode != "drop after DATA":
        assert max(mail_server.copies().values()) == 1


@pytest.mark.timeout(120)
def test_after_an_outage_fifty_alerts_arrive_once_each_and_the_urgent_ones_first(
    site: Site, mail_server: MailServer, seed: int
) -> None:
    """An hour without a mail server, divided by 500 as the waits are."""
    chance = random.Random(seed)
    clinic = clinic_of(site)
    mail_server.behave("refused")
    site.hatch("sender", NADIR_BACKOFF_BASE_S="0.02")
    severities = ["urgent"] * 12 + ["high"] * 38
    chance.shuffle(severities)
    flags = {clinic.raise_flag(severity): severity for severity in severities}
    assert wait_until(lambda: tried(site.database) >= 6, 20), "the outage was noticed"
    time.sleep(7.2)
    mail_server.behave("ok")
    assert wait_until(lambda: unsent(site.database) == 0, 60), site.log("sender")[-3000:]
    arrived = [mail.text.split("/flag/")[1].split()[0] for mail in mail_server.delivered]
    assert sorted(arrived) == sorted(flags)
    assert [flags[flag] for flag in arrived] == ["urgent"] * 12 + ["high"] * 38
    with site.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 1


def tried(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.sum(Outbox.attempts))) or 0
