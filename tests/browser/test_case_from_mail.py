"""A published patient (Prinz 1981, patient 1) from the import to the decision, by the link of a real mail.

A year after the resection the rash is back and glucagon is thirty times its limit; the report tells of another drug,
dacarbazine. Then the glucagon turns out to be somebody else's typing error.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from clinical.protocol import bundled_protocol
from data.db import Database, open_database
from data.intake.batch import import_paths
from data.models import Flag, FlagDecision, Record
from data.outbox import mail_policy
from data.people import Actor, add_person, add_team, redeem
from data.settings import Settings
from jobs.sender import Sender
from jobs.sweep import sweep
from tests.browser.conftest import Open, Site, serving
from tests.browser.test_main_path import drawn
from tests.mail_server import Delivered, MailServer
from tests.oracles.cases.bundle import bundle, moved, mrn, through
from tests.oracles.cases.judgements import FOLDER, read_case

pytestmark = [
    pytest.mark.oracles,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the published cases are not beside the project"),
]

CASE = "prinz-1981-patient-1-dtic"
RELAPSE = 365
ADDRESS, PASSWORD = "onc@net.example", "nine pears under a tin roof"
SYSTEM = Actor.system("published cases")


class Post:
    """The sweep, the sender and the mail server of the site; `taken` are the mails not looked at yet."""

    def __init__(self, database: Database, settings: Settings, server: MailServer) -> None:
        self.database, self.mail = database, mail_policy(settings)
        self._server, self._seen = server, 0
        self._sender = Sender(database, settings, stop=threading.Event(), clock=lambda: datetime.now(UTC))

    def sweep(self) -> None:
        now = datetime.now(UTC)
        sweep(self.database, protocol=bundled_protocol(), mail=self.mail, as_of=now, now=now)

    def taken(self) -> list[Delivered]:
        while self._sender.send_next() is not None:
            pass
        new = self._server.delivered[self._seen :]
        self._seen += len(new)
        return new


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, audit_key: bytes
) -> Iterator[tuple[Site, Post]]:
    """A site with one oncologist and nobody to follow yet, and its post."""
    folder = tmp_path_factory.mktemp("case")
    file, key = folder / "nadir.db", folder / "secret.key"
    shutil.copyfile(sqlite_template, file)
    key.write_text(secrets.token_urlsafe(48))
    for private in (file, key):
        private.chmod(0o600)
    database, now = open_database(f"sqlite:///{file}", audit_key), datetime.now(UTC)
    with database.write() as session:
        add_team(session, SYSTEM, "NET", now=now)
        token = add_person(session, SYSTEM, email=ADDRESS, role="oncologist", teams=["NET"], now=now)
        redeem(session, token, PASSWORD, now)
    server = MailServer()
    server.behave("ok")
    with serving(database, file, key) as settings:
        sending = settings.model_copy(update={"smtp_port": server.port})
        yield Site(settings.base_url, database, {"oncologist": (ADDRESS, PASSWORD)}), Post(database, sending, server)
    server.close()
    database.close()


@pytest.fixture(scope="module")
def site(served: tuple[Site, Post]) -> Site:
    """The site of this module in the place of the demonstration's."""
    return served[0]


@pytest.fixture(scope="module")
def post(served: tuple[Site, Post]) -> Post:
    """What leaves that site."""
    return served[1]


def test_from_the_mail_of_a_relapse_to_a_signed_decision_that_a_correction_brings_back(
    site: Site, post: Post, open_page: Open, tmp_path: Path
) -> None:
    day_zero = datetime.now(UTC).date() - timedelta(days=RELAPSE + 1)
    case = moved(read_case(CASE), day_zero)
    for day in (RELAPSE - 1, RELAPSE):
        path = tmp_path / f"through-{day}.json"
        path.write_text(json.dumps(bundle(through(case, day))), encoding="utf-8")
        import_paths(site.database, SYSTEM, [path], now=datetime.now(UTC), team="NET")
        assert post.taken() == [] and not {"R03", "R12"} & standing(site).keys()
        post.sweep()
    assert standing(site).items() >= {"R03": "open", "R12": "open"}.items()
    (mail,) = post.taken()
    assert not re.search("prinz|glucagon|6000", str(mail.message), re.IGNORECASE)

    page = open_page("/login", role=None)
    page.goto(link(mail))
    assert page.url.startswith(f"{site.url}/login")
    page.fill("input[name=email]", ADDRESS)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    drawn(page, "flag-evidence")
    assert page.url == link(mail)
    expect(page.locator("h1")).to_have_text("Recurrence by marker")
    expect(page.locator(".flag-page .why")).to_contain_text("6000 pg/mL")
    expect(page.locator("#flag-standing")).to_contain_text("High")
    expect(page.locator("#flag-mails")).to_contain_text(ADDRESS)
    decide(page, "Switched to another drug", "dacarbazine from today, both relapses on one day")
    expect(page.locator("#flag-result")).to_contain_text("Recorded: Switched to another drug")
    expect(page.locator("#flag-standing")).to_contain_text("Resolved")
    flag_id = page.url.rpartition("/")[2]
    with site.database.read() as session:
        decision = session.scalars(select(FlagDecision).where(FlagDecision.flag_id == flag_id)).one()
        value = session.scalars(select(Record.id).where(Record.value == "6000")).one()
    assert (decision.decision, decision.to_status, decision.who) == ("switch", "resolved", ADDRESS)

    page.goto(f"{site.url}/p/{mrn(case)}/record/{value}/correct")
    page.fill("#correct-value", "60")
    page.fill("#correct-reason", "two zeros too many")
    page.click("#correct-save-value")
    page.wait_for_selector("#correct-questions input, #correct-said .done")
    for box in page.locator("#correct-questions input").all():
        box.check()
    if page.locator("#correct-form").is_visible():
        page.click("#correct-save-value")
    expect(page.locator("#correct-said .done")).to_contain_text("1 closed review that used the value is open again")

    (corrected,) = post.taken()
    assert corrected.message["Subject"] == "Nadir: corrected, a value behind a flag you were told of"
    assert link(corrected) == link(mail)
    page.goto(link(corrected))
    expect(page.locator("#flag-standing")).to_contain_text("Open")
    expect(page.locator("#flag-history")).to_contain_text("a value it used was corrected: two zeros too many")
    assert site.status(flag_id) == "open"
    page.get_by_label("Why, or what you will do").fill("seen, it never was a relapse by marker")
    page.get_by_role("button", name="Acknowledge for").click()
    expect(page.locator("#flag-result")).to_contain_text("Acknowledged")
    post.sweep()
    assert site.status(flag_id) == "resolved", "the corrected glucagon finds nothing"
    assert standing(site)["R12"] == "open", "the rash is as it was"


def decide(page: Page, decision: str, rationale: str) -> None:
    """Record a decision and sign it with the password."""
    page.locator("#flag-decide-form").get_by_label(decision, exact=True).check()
    page.fill("#flag-rationale", rationale)
    page.fill("#flag-password", PASSWORD)
    page.click("#flag-decide")


def link(mail: Delivered) -> str:
    """The one link of a mail."""
    (found,) = set(re.findall(r"http://\S+", mail.text))
    return str(found).rstrip(".")


def standing(site: Site) -> dict[str, str]:
    """The status of each flag of the site by its rule."""
    with site.database.read() as session:
        return {rule: status for rule, status in session.execute(select(Flag.rule, Flag.status))}
