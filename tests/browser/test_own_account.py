"""The pages of the own account and of emergency access in a real browser, in both schemes and languages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from dashboard.language import catalogue_of
from data.models import Person, PersonTeam, Team
from data.models import Session as SignIn
from data.people import Actor, add_person, find_team, redeem
from tests.browser.conftest import PHONE, Site
from tests.browser.english import SHOWN, English

PASSWORD = "four grey herons, one canal"
TEAM = "Demo NET clinic North"
SYSTEM = Actor.system("test")


@pytest.fixture
def heron(site: Site, browser: Browser) -> Iterator[Page]:
    """A page on which a new nurse has signed in; whatever its console complains of fails the test."""
    email, now = f"heron-{time.monotonic_ns()}@nadir.example", datetime.now(UTC)
    with site.database.write() as session:
        assert find_team(session, TEAM)
        token = add_person(session, SYSTEM, email=email, role="nurse", teams=[TEAM], now=now)
        redeem(session, token, PASSWORD, now)
    context = browser.new_context(base_url=site.url, viewport={"width": 1200, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" and "status of 4" not in m.text else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto("/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#shell-page h1")
    yield page
    context.close()
    assert not wrong


def _sound(page: Page) -> None:
    """Nothing serious for axe in either scheme, one first heading, and a phone needs no scrolling sideways."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page).response["violations"]
        grave = [v for v in found if v["impact"] in ("serious", "critical")]
        assert not [(v["id"], v["nodes"][0]["html"], v["nodes"][0]["failureSummary"]) for v in grave], page.url
    wide = page.viewport_size
    page.set_viewport_size({"width": 375, "height": PHONE[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375, page.url
    page.set_viewport_size(wide)
    expect(page.locator("h1")).to_have_count(1)


def _set_up(page: Page) -> pyotp.TOTP:
    """Set an authenticator up from the page of the own account, looking at each page on the way."""
    page.fill("#begin-password", PASSWORD)
    page.get_by_role("button", name="Set up an authenticator").click()
    expect(page.get_by_role("img", name="QR code for the authenticator")).to_be_visible()
    box = page.locator(".qr svg").bounding_box()
    assert box is not None
    assert box["width"] > 150
    page.get_by_text("No camera? Type this key").click()
    _sound(page)
    totp = pyotp.TOTP(page.locator(".key").inner_text().replace(" ", ""))
    page.fill("#code", totp.now())
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    _sound(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator(".state.on")).to_be_visible()
    return totp


def test_from_the_name_in_the_frame_to_an_authenticator_in_force(heron: Page) -> None:
    heron.locator("#shell-person").click()
    heron.wait_for_url("**/account")
    heron.get_by_text("Change the password").first.click()
    _sound(heron)
    totp = _set_up(heron)
    heron.get_by_text("New recovery codes, or take it away").click()
    _sound(heron)
    email = heron.locator(".facts dd").nth(1).inner_text()
    heron.goto("/")
    heron.get_by_role("button", name="Sign out").click()
    heron.fill("#email", email)
    heron.fill("#password", PASSWORD)
    heron.keyboard.press("Enter")
    heron.wait_for_url("**/login/code")
    _sound(heron)
    heron.keyboard.type(totp.at(datetime.now(UTC), counter_offset=1))
    heron.keyboard.press("Enter")
    heron.wait_for_selector("#shell-page h1")


def test_a_form_whose_sign_in_ended_asks_for_the_code_too(heron: Page, site: Site) -> None:
    heron.goto("/account")
    totp = _set_up(heron)
    heron.goto("/p/DEMO-014/visit")
    heron.wait_for_selector("#entry-save")
    with site.database.write() as session:
        nurse = select(Person.id).where(Person.email.like("heron-%"))
        session.execute(
            update(SignIn)
            .where(SignIn.person_id.in_(nurse))
            .values(ended_at=datetime.now(UTC))
            .execution_options(synchronize_session=False)
        )
    heron.locator('[data-field="heart-rate"]').fill("64")
    cover = heron.locator(".entry-again")
    cover.locator("input[name=password]").fill(PASSWORD)
    cover.locator("button").click()
    cover.locator("input[name=code]").fill("000000")
    cover.locator("button").click()
    expect(cover.locator(".error")).to_contain_text("That code is not right")
    cover.locator("input[name=code]").fill(totp.at(datetime.now(UTC), counter_offset=1))
    cover.locator("button").click()
    expect(cover).to_have_count(0)
    expect(heron.locator('[data-field="heart-rate"]')).to_have_value("64")


def test_a_patient_of_another_team_is_opened_with_a_reason(heron: Page, site: Site) -> None:
    with site.database.write() as session:
        last = select(Person).where(Person.email.like("heron-%")).order_by(Person.id.desc()).limit(1)
        person = session.scalars(last).one()
        theirs = select(Team.id).where(Team.name == TEAM)
        row = session.scalars(
            select(PersonTeam).where(PersonTeam.person_id == person.id, PersonTeam.team_id.in_(theirs))
        ).one()
        session.delete(row)
    heron.goto("/p/DEMO-008")
    heron.get_by_role("link", name="Emergency access to a patient of another team").click()
    _sound(heron)
    heron.fill("#mrn", "DEMO-008")
    heron.fill("#reason", "found unconscious at home, nobody of the team to be had")
    heron.fill("#password", "not it")
    heron.get_by_role("button", name="Open the patient").click()
    expect(heron.locator("#error")).to_be_visible()
    assert heron.input_value("#reason").startswith("found unconscious")
    _sound(heron)
    heron.fill("#password", PASSWORD)
    heron.get_by_role("button", name="Open the patient").click()
    heron.wait_for_selector("#patient-tabs")
    assert heron.url.endswith("/p/DEMO-008")


def test_no_text_of_these_pages_is_left_in_english(site: Site, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(base_url=site.url, locale="de-DE")
    page, english = context.new_page(), English(catalogue_of("de"))
    email, password = site.people["oncologist"]
    page.goto("/login")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_selector("#shell-page h1")
    for address in ("/account", "/emergency", "/p/NOBODY"):
        page.goto(address)
        for closed in page.locator("summary").all():
            closed.click()
        assert english.left_in(page.evaluate(SHOWN), but=[]) == set(), address
    page.goto("/account")
    page.fill("#begin-password", password)
    page.locator("form[action='/account/authenticator'] button").click()
    page.wait_for_selector(".qr")
    assert english.left_in(page.evaluate(SHOWN), but=[]) == set()
    context.close()
