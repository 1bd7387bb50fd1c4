"""The main job, as a clinician does it: worklist, patient, flag, evidence, acknowledgement."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy import select

from data.models import Patient, PatientTeam, Team
from tests.browser.conftest import Open, Site, sign_in


def test_a_clinician_signs_in_finds_a_flag_reads_its_evidence_and_acknowledges_it(site: Site, open_page: Open) -> None:
    flag, mrn = site.flag("R03")
    page = open_page("/login", role=None)
    sign_in(page, site, *site.people["oncologist"])
    expect(page.locator("h1")).to_have_text("Worklist")
    row = page.locator("#worklist-grid .ag-row", has_text="Recurrence by marker").filter(has_text=mrn)
    expect(row).to_contain_text("Glucagon")
    row.locator("[col-id=patient] a").click()

    expect(page.locator(".banner")).to_contain_text(mrn)
    drawn(page, "patient-synoptic")
    page.locator(".flag-list a", has_text="Recurrence by marker").click()

    drawn(page, "flag-evidence")
    expect(page.locator(".banner")).to_contain_text(mrn)
    expect(page.locator(".flag-page .why")).to_contain_text("pg/mL")
    expect(page.get_by_role("group", name="Values used")).to_contain_text("Compared with: nadir")
    expect(page.get_by_role("group", name="Thresholds applied")).to_contain_text("not signed off")

    page.get_by_label("Why, or what you will do").fill("CT booked, second sample asked for")
    page.get_by_role("button", name="Acknowledge for").click()
    expect(page.locator("#flag-result")).to_contain_text("Acknowledged")
    expect(page.locator("#flag-standing")).to_contain_text("Acknowledged")
    expect(page.locator("#flag-history li").first).to_contain_text("CT booked, second sample asked for")
    expect(page.locator("#flag-form")).to_be_hidden()
    assert site.status(flag) == "acknowledged"


def test_without_a_reason_nothing_is_saved_and_the_page_says_why(site: Site, open_page: Open) -> None:
    flag, _ = site.flag("R11")
    page = open_page(f"/flag/{flag}")
    page.get_by_role("button", name="Acknowledge for").click()
    expect(page.locator("#flag-result")).to_contain_text("Not saved")
    assert site.status(flag) == "open"


def test_a_flag_changed_by_somebody_else_shows_both_versions_and_keeps_the_reason(site: Site, open_page: Open) -> None:
    flag, _ = site.flag("R02")
    mine, theirs = open_page(f"/flag/{flag}"), open_page(f"/flag/{flag}")
    for page, why in ((theirs, "I was first"), (mine, "I was second")):
        page.get_by_label("Why, or what you will do").fill(why)
    theirs.get_by_role("button", name="Acknowledge for").click()
    expect(theirs.locator("#flag-result")).to_contain_text("Acknowledged")
    mine.get_by_role("button", name="Acknowledge for").click()
    expect(mine.locator("#flag-result")).to_contain_text("you read version 1")
    expect(mine.locator("#flag-result")).to_contain_text("version 2 (acknowledged)")
    expect(mine.locator("#flag-history li").first).to_contain_text("I was first")
    assert mine.locator("#flag-why").input_value() == "I was second"


def test_the_whole_path_can_be_gone_with_the_keyboard_alone(site: Site, open_page: Open) -> None:
    page = open_page("/")
    page.wait_for_selector("#worklist-grid .ag-cell .cell > *")
    page.locator("#worklist-find").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.ag-header-cell, .ag-cell')"):
            break
    while not page.evaluate("document.activeElement.matches('.ag-cell')"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".flag-page h1")).to_have_text("Biliary complication or pancreatitis possible")
    drawn(page, "flag-evidence")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "flag-why":
            break
    page.keyboard.type("Seen on the ward, surgeons called")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#flag-result")).to_contain_text("Acknowledged")


def test_a_person_sees_no_patient_of_another_team(site: Site, open_page: Open) -> None:
    with site.database.read() as session:
        theirs = select(PatientTeam.patient_id).join(Team).where(Team.name == "Demo NET clinic North")
        mrn = session.scalars(select(Patient.mrn).where(Patient.id.not_in(theirs)).limit(1)).one()
    page = open_page("/patients", role="nurse")
    page.wait_for_selector("#cohort-grid .ag-cell .cell > *")
    expect(page.locator("#shell-page")).not_to_contain_text(mrn)


def drawn(page: Page, chart: str) -> None:
    """Wait until the chart is drawn, and hold that nothing on it offers to send it anywhere."""
    page.wait_for_selector(f"#{chart} .main-svg .xtick text")
    assert page.locator("[data-title*='Share'], [data-title*='cloud'], .modebar-btn").count() == 0
