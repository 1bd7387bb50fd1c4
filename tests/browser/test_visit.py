"""Entering a visit as a nurse does it: by keyboard alone, one page, and every value is there afterwards."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import select

from data.models import Patient, Record
from tests.browser.conftest import Nurse, Site

pytestmark = pytest.mark.alone

NARROW = (375, 800)


def picture(page: Page, name: str) -> None:
    """Keep a screenshot where SCREENSHOTS says, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def typed(page: Page, field: str, text: str) -> None:
    page.locator(f'[data-field="{field}"]').first.focus()
    page.keyboard.type(text)


def stored(site: Site, mrn: str) -> list[Record]:
    with site.database.read() as session:
        wanted = select(Record).join(Patient, Patient.id == Record.patient_id)
        return list(session.scalars(wanted.where(Patient.mrn == mrn, Record.batch_id.like("visit-%"))))


def test_a_visit_is_entered_by_keyboard_and_an_urgent_finding_stands_at_once(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-008")
    typed(page, "heart-rate", "71")
    page.keyboard.press("Enter")
    page.locator(".entry-part").first.focus()
    page.keyboard.press("2")
    page.locator('[data-field="skin.iga"]').first.focus()
    page.keyboard.press("1")
    page.locator('[data-field="symptom.leg-swelling"]').first.focus()
    page.keyboard.press("y")
    assert stored(site, "DEMO-008") == []
    page.keyboard.press("Control+s")
    expect(page.locator(".entry-said .done")).to_contain_text("3 entries")
    expect(page.locator(".entry-urgent")).to_be_visible()
    picture(page, "visit-saved")
    rows = {row.place: row for row in stored(site, "DEMO-008")}
    assert rows["heart-rate"].value == "71"
    assert (rows["skin"].detail or {})["iga"] == 1 and (rows["skin"].detail or {})["bsa"] == 2.25
    assert (rows["symptom.leg-swelling"].detail or {})["present"] is True


def test_what_was_typed_survives_a_reload_and_a_problem_stands_at_its_field(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-030")
    typed(page, "weight", "612")
    expect(page.locator(".entry-state")).to_contain_text("Draft kept")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator('[data-field="weight"]')).to_have_value("612")
    page.keyboard.press("Control+s")
    expect(page.locator('[data-about="weight"] .entry-wrong')).to_contain_text("not possible")
    assert stored(site, "DEMO-030") == []


def test_a_second_tab_on_another_patient_warns(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-008")
    other = page.context.new_page()
    other.goto(f"{site.url}/p/DEMO-030")
    expect(page.locator(".entry-tabs")).to_contain_text("DEMO-030")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme: str, nurse: Nurse) -> None:
    page = nurse("DEMO-008", scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    picture(page, f"visit-{scheme}")
    found = Axe().run(page).response["violations"]
    assert not [(v["id"], v["nodes"][0]["html"][:150]) for v in found if v["impact"] in ("serious", "critical")]


def test_a_phone_never_scrolls_sideways(nurse: Nurse) -> None:
    page = nurse("DEMO-008", size=NARROW)
    picture(page, "visit-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_a_save_without_a_connection_goes_through_once_it_is_back(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-008")
    typed(page, "heart-rate", "72")
    expect(page.locator(".entry-state")).to_contain_text("Draft kept")
    page.context.set_offline(True)
    typed(page, "stools-per-day", "2")
    expect(page.locator(".entry-state")).to_contain_text("The draft is not kept")
    page.context.set_offline(False)
    expect(page.locator(".entry-state")).to_contain_text("Draft kept", timeout=8_000)
    page.context.set_offline(True)
    page.keyboard.press("Control+s")
    expect(page.locator(".entry-state")).to_contain_text("Not saved yet")
    assert "72" not in [row.value for row in stored(site, "DEMO-008")]
    page.context.set_offline(False)
    expect(page.locator(".entry-said .done")).to_be_visible(timeout=8_000)
    assert [row.value for row in stored(site, "DEMO-008")].count("72") == 1


@pytest.mark.faults
def test_half_a_minute_without_a_connection_loses_nothing(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-007")
    page.context.set_offline(True)
    typed(page, "heart-rate", "73")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(30_000)
    expect(page.locator(".entry-state")).to_contain_text("Not saved yet")
    assert stored(site, "DEMO-007") == []
    page.context.set_offline(False)
    expect(page.locator(".entry-said .done")).to_be_visible(timeout=8_000)
    assert [row.value for row in stored(site, "DEMO-007")] == ["73"]


class Keyboard:
    """Keys pressed one by one, counted; Tab goes to a field wherever it lies ahead."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.count += 1

    def reach(self, what: str) -> None:
        asked = """([what]) => {
            const at = document.activeElement;
            return at.dataset.field === what || at.textContent.startsWith(what);
        }"""
        for _ in range(120):
            self.press("Tab")
            if self.page.evaluate(asked, [what]):
                return
        raise AssertionError(f"Tab never reached {what!r}")


def test_a_full_visit_by_keyboard_alone(site: Site, nurse: Nurse) -> None:
    page = nurse("DEMO-008")
    keys = Keyboard(page)
    started = time.monotonic()
    before = {row.id for row in stored(site, "DEMO-008")}
    for field, typed_keys in (
        *(("weight", "74,1"), ("heart-rate", "69"), ("systolic", "128"), ("diastolic", "80")),
        *(("skin.iga", "1"), ("skin.erythema", "1"), ("skin.erosion", "0"), ("skin.crust", "0")),
        *(("skin.mucosal", "0"), ("skin.itch", "2"), ("skin.pain", "0"), ("skin.infection", "n")),
        *(("skin.new_drug", "none"), ("stools-per-day", "3")),
    ):
        keys.reach(field)
        keys.press(*typed_keys)
    keys.reach("No to all")
    keys.press("Enter")
    keys.reach("Fill in as planned")
    keys.press("Enter", *"LX4411")
    keys.reach("Glucose readings")
    keys.press("Enter")
    keys.reach("glucose.1.value")
    keys.press(*"104")
    keys.press("Control+s")
    expect(page.locator(".entry-ask")).to_contain_text("before the planned date")
    keys.press("Tab", "Space", "Control+s")
    expect(page.locator(".entry-said .done")).to_be_visible()
    seconds = time.monotonic() - started
    print(f"full visit by keyboard: {keys.count} keystrokes, {seconds:.1f} s")
    rows = {row.place: row for row in stored(site, "DEMO-008") if row.id not in before}
    values = {place: row.value for place, row in rows.items() if row.kind == "lab"}
    assert values == {
        **{"weight": "74.1", "heart-rate": "69", "systolic": "128", "diastolic": "80"},
        **{"stools-per-day": "3", "glucose.1": "104"},
    }
    skin = rows["skin"].detail or {}
    assert {name: skin[name] for name in ("iga", "erythema", "erosion", "crust", "mucosal", "itch", "pain")} == {
        **{"iga": 1, "erythema": 1, "erosion": 0, "crust": 0, "mucosal": 0, "itch": 2.0, "pain": 0.0}
    }
    assert (skin["infection"], skin["new_drug"]) == ("none", "none")
    symptoms = {place: (row.detail or {})["present"] for place, row in rows.items() if row.kind == "symptom"}
    assert len(symptoms) == 13 and not any(symptoms.values())
    given = rows["injection"].detail or {}
    assert (given["drug"], given["dose"], given["unit"], given["batch"]) == ("lanreotide", 120, "mg", "LX4411")
