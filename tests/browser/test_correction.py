"""From a number in the grid to its correction, to the right patient and to a question about it: by keyboard alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import select

from data.models import Patient, PatientTeam, Person, PersonTeam, Record
from tests.browser.conftest import Open, Site

NARROW = (375, 800)
# Patients that other tests of this folder look at.
TAKEN = ("DEMO-008", "DEMO-021", "DEMO-027", "DEMO-030")


class Keys:
    """Tab until what is wanted has the focus, then keys."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, what: str) -> None:
        """Go on to the element whose id or text it is."""
        asked = (
            "what => { const at = document.activeElement; return at.id === what || at.textContent.trim() === what; }"
        )
        for _ in range(150):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(asked, what):
                return
        raise AssertionError(f"Tab never reached {what!r}")

    def type(self, field: str, text: str) -> None:
        self.reach(field)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def press(self, what: str) -> None:
        self.reach(what)
        self.page.keyboard.press("Enter")


def patients(site: Site) -> list[str]:
    """Patients of the nurse's team that no other test uses, with a weight."""
    email, _password = site.people["nurse"]
    with site.database.read() as session:
        teams = select(PersonTeam.team_id).join(Person).where(Person.email == email)
        followed = select(PatientTeam.patient_id).where(PatientTeam.team_id.in_(teams))
        weighed = select(Record.patient_id).where(Record.analyte == "weight")
        wanted = select(Patient.mrn).where(Patient.id.in_(followed), Patient.id.in_(weighed), Patient.mrn.not_in(TAKEN))
        return list(session.scalars(wanted.order_by(Patient.mrn.desc()).limit(2)))


def last_weight(site: Site, mrn: str) -> Record:
    with site.database.read() as session:
        own = select(Record).join(Patient, Patient.id == Record.patient_id).where(Patient.mrn == mrn)
        standing = own.where(
            Record.analyte == "weight", Record.superseded_by.is_(None), Record.status != "entered-in-error"
        )
        found = session.scalars(standing.order_by(Record.effective_at.desc(), Record.id.desc())).first()
        assert found is not None
        session.expunge(found)
        return found


def clean(page: Page, name: str) -> None:
    """axe-core finds nothing serious; the picture is kept where SCREENSHOTS says."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    assert not [
        (v["id"], v["nodes"][0]["html"][:200], v["nodes"][0].get("failureSummary"))
        for v in found
        if v["impact"] in ("serious", "critical")
    ], name


def test_a_value_is_corrected_moved_and_asked_about_by_keyboard(site: Site, open_page: Open) -> None:
    mrn, other = patients(site)
    before = last_weight(site, mrn)
    page = open_page(f"/p/{mrn}?tab=grid", role="nurse")
    keys = Keys(page)
    page.locator(f'#patient-grid-table [data-record="{before.id}"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(".provenance")).to_be_visible()
    clean(page, "correct-drawer")
    keys.press("Correct this value")
    page.wait_for_selector("#correct-form")
    clean(page, "correct-value")
    keys.type("correct-value", "6l.5")
    keys.type("correct-reason", "read off the wrong line")
    keys.press(f"Store the new value for {page.locator('.banner .name').inner_text()} ({mrn})")
    expect(page.locator("#correct-said .error")).to_contain_text("is not a number")
    assert last_weight(site, mrn).id == before.id
    page.locator(".radios input").first.focus()
    keys.type("correct-value", "61,5")
    keys.reach("correct-save-value")
    page.keyboard.press("Enter")
    page.wait_for_selector("#correct-questions input, #correct-said .done")
    for box in page.locator("#correct-questions input").all():
        box.focus()
        page.keyboard.press("Space")
    if page.locator("#correct-form").is_visible():
        keys.reach("correct-save-value")
        page.keyboard.press("Enter")
    expect(page.locator("#correct-said .done")).to_contain_text("Stored: 61.5 kg.")
    expect(page.locator("#correct-standing s")).to_contain_text(f"{before.value} kg")
    clean(page, "correct-done")
    corrected = last_weight(site, mrn)
    assert (corrected.value, corrected.status, corrected.reason) == ("61.5", "corrected", "read off the wrong line")

    page.goto(f"{site.url}/p/{mrn}?tab=grid")
    struck = page.locator(f'#patient-grid-table [data-record="{before.id}"] s')
    expect(struck).to_contain_text(f"{before.value} kg")
    expect(page.locator("#patient-grid-table")).to_contain_text("read off the wrong line")
    page.goto(f"{site.url}/p/{mrn}/record/{corrected.id}/correct")
    page.wait_for_selector("#correct-form")
    page.locator(".radios input").first.focus()
    page.keyboard.press("ArrowUp")  # from the first way to the last
    expect(page.locator("#correct-move-part")).to_be_visible()
    keys.type("correct-to", other)
    keys.press("correct-show")
    expect(page.locator(".sides")).to_contain_text(other)
    clean(page, "correct-move")
    page.locator("#correct-same-choice input").focus()
    page.keyboard.press("Space")
    keys.type("correct-reason", "wristbands were swapped")
    keys.reach("correct-save-move")
    page.keyboard.press("Enter")
    expect(page.locator("#correct-said .done")).to_contain_text(f"Moved to {other}.")
    with site.database.read() as session:
        arrived = select(Record.id, Record.value).join(Patient, Patient.id == Record.patient_id)
        there, value = session.execute(
            arrived.where(Patient.mrn == other, Record.reason == "wristbands were swapped")
        ).one()
    assert value == "61.5" and last_weight(site, mrn).id != corrected.id

    page.goto(f"{site.url}/p/{other}/record/{there}/ask")
    page.wait_for_selector("#ask-words")
    expect(page.locator(".struck-list")).to_contain_text(f"moved here from {mrn}")
    clean(page, "ask")
    keys.type("ask-words", "With or without the boots?")
    keys.reach("ask-send")
    page.keyboard.press("Enter")
    keys.press("Open the question")
    page.wait_for_selector("#query-words")
    clean(page, "query")
    keys.type("query-words", "Without.")
    keys.press("query-answer")
    expect(page.locator("#query-standing")).to_contain_text("Answered")
    page.goto(f"{site.url}/queries")
    expect(page.locator("#queries-table")).to_contain_text("With or without the boots?")
    clean(page, "queries")


def test_leaving_asks_and_another_patients_tab_is_said(site: Site, open_page: Open) -> None:
    mrn, other = patients(site)
    page = open_page(f"/p/{mrn}/record/{last_weight(site, mrn).id}/correct", role="nurse")
    page.wait_for_selector("#correct-form")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("link", name="Back to the record").focus()
    page.locator("#correct-reason").fill("not yet")
    page.get_by_role("link", name="Back to the record").click()
    assert mrn in asked[0] and page.locator("#correct-form").is_visible()
    second = page.context.new_page()
    second.goto(f"{site.url}/p/{other}")
    expect(page.locator("[data-other-tabs]")).to_contain_text(other)


@pytest.mark.parametrize(("kind", "way"), [("lab", "correct"), ("skin", "correct"), ("lab", "ask")])
def test_the_pages_are_usable_in_the_dark_on_a_phone(site: Site, open_page: Open, kind: str, way: str) -> None:
    mrn, _other = patients(site)
    with site.database.read() as session:
        own = select(Record.id).join(Patient, Patient.id == Record.patient_id).where(Patient.mrn == mrn)
        record = session.scalars(own.where(Record.kind == kind, Record.superseded_by.is_(None))).first()
    page = open_page(f"/p/{mrn}/record/{record}/{way}", role="nurse", scheme="dark", size=NARROW)
    page.wait_for_selector(f"#{way}-form")
    clean(page, f"{way}-{kind}-dark-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
