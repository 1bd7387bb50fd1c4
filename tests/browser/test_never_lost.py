"""What was typed is neither lost nor stored twice nor stored for somebody else, whatever happens to the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import func, select, update

from data.models import EntryDraft, Flag, Patient, Person
from data.models import Session as SignIn
from tests.browser.conftest import Nurse, Site, sign_in
from tests.browser.test_visit import picture, stored, typed


@pytest.fixture
def alone(site: Site, browser: Browser) -> Iterator[Page]:
    """A nurse's browser with a sign-in of its own, which a test may end."""
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, site, *site.people["nurse"])
    yield page
    context.close()


def visit(site: Site, page: Page, mrn: str) -> None:
    page.goto(f"{site.url}/p/{mrn}/visit")
    page.wait_for_selector("#entry-save")


def end_sign_ins(site: Site) -> None:
    """End every sign-in of the nurse, as time without activity does."""
    with site.database.write() as session:
        nurse = select(Person.id).where(Person.email == site.people["nurse"][0]).scalar_subquery()
        session.execute(update(SignIn).where(SignIn.person_id == nurse).values(ended_at=datetime.now(UTC)))
    site.signed_in.pop("nurse", None)


def values(site: Site, mrn: str, analyte: str) -> list[str | None]:
    return [row.value for row in stored(site, mrn) if row.analyte == analyte]


def test_a_sign_in_that_ended_leads_back_to_the_draft(site: Site, alone: Page) -> None:
    visit(site, alone, "DEMO-020")
    typed(alone, "heart-rate", "67")
    expect(alone.locator(".entry-state")).to_contain_text("Draft kept")
    end_sign_ins(site)
    alone.evaluate("fetch('/_dash-layout')")
    alone.wait_for_url("**/login?expired=1**")
    email, password = site.people["nurse"]
    alone.fill("input[name=email]", email)
    alone.fill("input[name=password]", password)
    alone.click("button[type=submit]")
    alone.wait_for_selector("#entry-save")
    expect(alone.locator('[data-field="heart-rate"]')).to_have_value("67")
    alone.keyboard.press("Control+s")
    expect(alone.locator(".entry-said .done")).to_be_visible()
    assert values(site, "DEMO-020", "heart-rate") == ["67"]


def test_what_is_typed_after_the_sign_in_ended_is_kept_under_a_cover_until_the_password_is_given(
    site: Site, alone: Page
) -> None:
    visit(site, alone, "DEMO-014")
    end_sign_ins(site)
    typed(alone, "heart-rate", "66")
    cover = alone.locator(".entry-again")
    expect(cover).to_be_visible()
    picture(alone, "sign-in-again")
    assert not alone.locator(".entry").is_visible() and not alone.locator(".banner").is_visible()
    cover.locator("input[name=password]").fill("not the password at all")
    cover.locator("button").click()
    expect(cover.locator(".error")).to_contain_text("do not match")
    cover.locator("input[name=password]").fill(site.people["nurse"][1])
    cover.locator("button").click()
    expect(cover).to_have_count(0)
    expect(alone.locator('[data-field="heart-rate"]')).to_have_value("66")
    expect(alone.locator(".entry-state")).to_contain_text("Draft kept")
    alone.keyboard.press("Control+s")
    expect(alone.locator(".entry-said .done")).to_be_visible()
    assert values(site, "DEMO-014", "heart-rate") == ["66"]


def test_the_back_button_at_once_after_a_key_loses_nothing(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-010")
    page.goto(f"{site.url}/p/DEMO-010")
    page.get_by_role("link", name="Enter a visit").click()
    page.wait_for_selector("#entry-save")
    page.on("dialog", lambda dialog: dialog.accept())
    typed(page, "weight", "63.3")
    page.go_back()
    page.wait_for_selector("#patient-tabs")
    page.go_forward()
    page.wait_for_selector("#entry-save")
    expect(page.locator('[data-field="weight"]')).to_have_value("63.3")
    assert values(site, "DEMO-010", "weight") == []


def test_a_double_click_saves_once_and_the_draft_is_gone(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-016")
    typed(page, "heart-rate", "64")
    page.locator("#entry-save").dblclick()
    expect(page.locator(".entry-said .done")).to_be_visible()
    assert values(site, "DEMO-016", "heart-rate") == ["64"]
    with site.database.read() as session:
        of = select(func.count()).select_from(EntryDraft).join(Patient, Patient.id == EntryDraft.patient_id)
        assert session.scalar(of.where(Patient.mrn == "DEMO-016")) == 0


def test_the_older_of_two_tabs_warns_and_saves_for_the_patient_it_shows(site: Site, nurse: Nurse) -> None:
    older = nurse("DEMO-012")
    typed(older, "heart-rate", "58")
    newer = older.context.new_page()
    visit(site, newer, "DEMO-018")
    for page, other in ((older, "DEMO-018"), (newer, "DEMO-012")):
        expect(page.locator(".entry-tabs")).to_contain_text(other)
    expect(older.locator("#entry-save")).to_contain_text("(DEMO-012)")
    older.bring_to_front()
    older.keyboard.press("Control+s")
    expect(older.locator(".entry-said .done")).to_contain_text("(DEMO-012)")
    assert values(site, "DEMO-012", "heart-rate") == ["58"] and values(site, "DEMO-018", "heart-rate") == []
    newer.close()


def test_the_second_of_two_nurses_sees_both_versions_and_may_save_hers_as_well(site: Site, nurse: Nurse) -> None:
    first, second = nurse("DEMO-028"), nurse("DEMO-028")
    for page, pulse in ((first, "61"), (second, "62")):
        typed(page, "heart-rate", pulse)
    first.keyboard.press("Control+s")
    expect(first.locator(".entry-said .done")).to_be_visible()
    second.keyboard.press("Control+s")
    row = second.locator("table.sides tbody tr").filter(has_text="61")
    expect(row).to_contain_text("62")
    expect(second.locator(".entry-said .error")).to_contain_text("Not saved")
    assert values(site, "DEMO-028", "heart-rate") == ["61"]
    second.get_by_role("button", name="Save mine as well").click()
    expect(second.locator(".entry-said .done")).to_be_visible()
    assert values(site, "DEMO-028", "heart-rate") == ["61", "62"]


def test_none_and_not_done_are_said_with_a_reason_and_a_second_click_takes_one_back(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-026")
    page.get_by_text("None, not asked, not done").click()
    for item, answer in (("glucose", "none"), ("skin", "not-done"), ("injection", "none")):
        page.locator(f'[data-field="stated.{item}"][value="{answer}"]').click()
    page.locator('[data-field="stated.skin.why"]').fill("in a hurry")
    page.locator('[data-field="stated.injection"][value="none"]').click()
    expect(page.locator('[data-field="stated.injection.why"]')).to_be_hidden()
    page.keyboard.press("Control+s")
    expect(page.locator(".entry-said .done")).to_contain_text("2 entries")
    said = {row.place: row.detail for row in stored(site, "DEMO-026") if row.kind == "finding"}
    assert said == {
        "stated.glucose": {"code": "none", "item": "glucose"},
        "stated.skin": {"code": "not-done", "item": "skin", "why": "in a hurry"},
    }
    visit(site, page, "DEMO-026")
    expect(page.locator('[data-about="stated.skin"] .entry-last')).to_contain_text("in a hurry")


URGENT = {
    "R16": ("DEMO-003", ["symptom.fever", "symptom.ruq-pain"]),
    "R21": ("DEMO-005", ["symptom.ketoacidosis"]),
    "R22": ("DEMO-022", ["symptom.severe-hypoglycaemia"]),
    "R26": ("DEMO-024", ["symptom.stroke-signs"]),
}
URGENT_WITHIN_S = 1.0


@pytest.mark.alone
@pytest.mark.parametrize("rule", URGENT)
def test_an_urgent_finding_stands_on_the_page_within_a_second_whatever_scheduler_and_sender_do(
    rule: str, site: Site, nurse: Nurse
) -> None:
    # No scheduler and no sender runs beside this site.
    mrn, symptoms = URGENT[rule]
    page = nurse(mrn)
    for symptom in symptoms:
        page.locator(f'[data-field="{symptom}"][value="yes"]').check()
    expect(page.locator(".entry-state")).to_contain_text("Draft kept")
    # The clock of the page itself: from the key to the finding in the document.
    page.evaluate(
        """() => {
            window.shown = new Promise((done) => {
                new MutationObserver((_, watching) => {
                    if (!document.querySelector(".entry-urgent")) return;
                    watching.disconnect();
                    window.requestAnimationFrame(() => done(performance.now() - window.pressed));
                }).observe(document.body, { childList: true, subtree: true });
            });
            document.addEventListener("keydown", () => { window.pressed = performance.now(); }, { capture: true });
        }"""
    )
    page.keyboard.press("Control+s")
    seconds = page.evaluate("window.shown") / 1000
    found = page.locator(".entry-urgent").filter(has=page.locator(f'a[href="/flag/{standing(site, mrn, rule)}"]'))
    expect(found).to_be_visible()
    print(f"{rule}: on the page {seconds:.2f} s after the key")
    assert seconds <= URGENT_WITHIN_S


def standing(site: Site, mrn: str, rule: str) -> str:
    with site.database.read() as session:
        of = select(Flag.id).join(Patient, Patient.id == Flag.patient_id).where(Patient.mrn == mrn, Flag.rule == rule)
        return str(session.scalars(of.where(Flag.status == "open")).one())
