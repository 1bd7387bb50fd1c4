"""My alerts and rota in a browser: what is chosen, typed and named arrives as it was meant."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import expect
from sqlalchemy import select

from data.models import MailChoice, Outbox, Person, RotaWeek, Subscription
from data.rota import monday_of
from tests.browser.conftest import PHONE, Open, Site


def test_alerts_are_chosen_and_the_rota_is_set_on_a_phone(site: Site, open_page: Open) -> None:
    page = open_page("/me", size=PHONE)
    page.get_by_label("always at once").first.check()
    page.fill("#me-quiet-from", "22:00")
    page.fill("#me-quiet-to", "06:30")
    page.fill("#me-zone", "Europe/Vienna")
    page.click("#me-save")
    expect(page.locator("#me-said")).to_contain_text("Saved.")
    page.click("#me-test")
    expect(page.locator("#me-test-said")).to_contain_text("on its way")
    page.get_by_text("Set who is on call").click()
    page.locator("details").filter(has_text="Set who is on call").get_by_role("radio").first.check()
    page.fill("#rota-weeks-long", "2")
    page.click("#rota-save")
    expect(page.locator("#rota-said")).to_contain_text("Saved.")
    with site.database.read() as session:
        me = session.scalars(select(Person.id).where(Person.email == site.people["oncologist"][0])).one()
        kept = session.execute(select(MailChoice.zone, MailChoice.quiet_from, MailChoice.quiet_to)).one()
        urgent = session.scalars(
            select(Subscription.how).where(Subscription.person_id == me, Subscription.severity == "urgent")
        ).all()
        mondays = session.scalars(select(RotaWeek.monday).order_by(RotaWeek.monday)).all()
        tests = session.scalars(select(Outbox.recipient_id).where(Outbox.kind == "test")).all()
    assert tuple(kept) == ("Europe/Vienna", 22 * 60, 6 * 60 + 30)
    assert sorted(urgent) == ["at-once", "on-call"] and tests == [me]
    assert len(mondays) == 2 and mondays[0] == monday_of(datetime.now(UTC).date())
