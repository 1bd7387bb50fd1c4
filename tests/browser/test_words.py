"""Every page of Nadir in German, with the demonstration cohort: no text of the catalogue is left in English."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.protocol import bundled_protocol
from dashboard.app import PAGES
from dashboard.language import catalogue_of
from data.identity_proposals import list_proposals
from data.intake.batch import import_paths
from data.merges import merge_patients, unmerge_patient
from data.models import Patient, PatientReview, Person, Quarantined, Record
from data.mutes import mute
from data.people import Actor, person_actor
from data.protocol.drafts import propose
from data.queries import ask
from tests.browser.conftest import Open, Site
from tests.browser.english import SHOWN, English

SYSTEM = Actor.system("test")
SHEET = "mrn,when,analyte,value,unit\nDEMO-008,2024-01-09,copper,101,ug/dL\nNOBODY-7,2024-01-09,zinc,80,ug/dL\n"
TABS = ("", *(f"?tab={tab}" for tab in ("grid", "imaging", "skin", "glucose", "cycle", "therapy", "record")))
PROTOCOL_TABS = ("thresholds", "change", "burden", "mutes", "history")
OPENED_BY = {"/ops": "admin", "/audit": "auditor"}
FLAGS_OF = ("R01", "R02", "R06", "R07", "R11", "R13", "R16", "R18", "R30", "R31", "R40")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sheet of which one row is held, and a message that proposes to merge two patients."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "words.csv").write_text(SHEET)
    message = ("MSH|^~\\&|ADMIT|DEMO|N|N|20250502||ADT^A40|7|P|2.5", "EVN|A40|20250502")
    (folder / "words.hl7").write_text("\r".join((*message, "PID|||DEMO-025||X^Y||19640207|F", "MRG|DEMO-026\r")))
    return folder


@pytest.fixture(scope="module")
def addresses(site: Site, folder: Path) -> dict[str, list[str]]:
    """Of each page of Nadir the addresses looked at; what is merged for it is taken apart again."""
    now = datetime.now(UTC)
    with site.database.read() as session:
        person = session.scalars(select(Person).where(Person.email == site.people["oncologist"][0])).one()
        oncologist = person_actor(session, person)
    for file in sorted(folder.iterdir()):
        import_paths(site.database, oncologist, [file], now=now)
    with site.database.write() as session:
        merge = merge_patients(session, SYSTEM, merged="DEMO-026", into="DEMO-025", reason="for a test", now=now)
    with site.database.write() as session:
        unmerge_patient(session, SYSTEM, merged="DEMO-026", reason="for a test", now=now)
    with site.database.read() as session:
        held = session.scalars(select(Quarantined.id).order_by(Quarantined.id.desc())).first()
        proposal = list_proposals(session, SYSTEM)[-1]["id"]
    records = _records(site)
    with site.database.write() as session:
        asked = ask(session, oncologist, "DEMO-008", records[0], words="Warum?", key=uuid4().hex, now=now)
    with site.database.write() as session:
        _worked_on(session, oncologist, now)
    return {
        "/": ["/"],
        "/queries": ["/queries", "/queries?state=closed"],
        "/p/<mrn>/record/<record>/correct": [f"/p/DEMO-008/record/{record}/correct" for record in records],
        "/p/<mrn>/record/<record>/ask": [f"/p/DEMO-008/record/{records[0]}/ask"],
        "/p/<mrn>/query/<query>": [f"/p/DEMO-008/query/{asked}"],
        "/patients": ["/patients", *(f"/patients?tab={tab}" for tab in ("swimmer", "waterfall", "spider"))],
        "/p/<mrn>": [f"/p/DEMO-008{tab}" for tab in TABS] + ["/p/DEMO-027", "/p/DEMO-030"],
        "/p/<mrn>/visit": ["/p/DEMO-008/visit"],
        "/p/<mrn>/imaging": ["/p/DEMO-008/imaging", "/p/DEMO-018/imaging"],
        "/p/<mrn>/regimen": ["/p/DEMO-008/regimen", "/p/DEMO-016/regimen"],
        "/injections": ["/injections"],
        "/me": ["/me"],
        "/flag/<flag_id>/visit": [f"/flag/{site.flag(rule)[0]}/visit" for rule in FLAGS_OF],
        "/p/<mrn>/identity": ["/p/DEMO-025/identity"],
        "/flag/<flag_id>": [f"/flag/{site.flag(rule)[0]}" for rule in FLAGS_OF],
        "/identity": ["/identity"],
        "/protocol": ["/protocol", *(f"/protocol?tab={tab}" for tab in PROTOCOL_TABS)],
        "/protocol/<rule>": ["/protocol/R03", "/protocol/other"],
        "/identity/merge/<merge>": [f"/identity/merge/{merge.id}"],
        "/identity/proposal/<proposal>": [f"/identity/proposal/{proposal}"],
        "/import": ["/import"],
        "/import/held/<item>": [f"/import/held/{held}"],
        "/import/<job>": ["/import"],
        "/ops": ["/ops"],
        "/audit": ["/audit?person=demo", "/audit?patient=DEMO-008"],
    }


def _worked_on(session: Session, oncologist: Actor, now: datetime) -> None:
    """A draft with a change, a muted rule, and a review whose day has passed."""
    base, rule = bundled_protocol(), "R03"
    propose(session, oncologist, "recurrence_factor", value=1.5, source="NN", reason="NNN", base=base, now=now)
    mute(session, oncologist, min(oncologist.team_ids), rule, until=now + timedelta(days=7), why="NNN", now=now)
    patient = session.scalars(select(Patient.id).where(Patient.mrn == "DEMO-008")).one()
    until, who = now.date() - timedelta(days=1), oncologist.name
    about = {"person_id": oncologist.person_id or 0, "who": who, "name": who, "at": now - timedelta(days=9)}
    session.add(PatientReview(key=uuid4().hex, patient_id=patient, until=until, why="NNN", **about))


def _records(site: Site) -> list[str]:
    """A record of DEMO-008 of each kind that is corrected in a way of its own."""
    with site.database.read() as session:
        own = select(Record.id).join(Patient, Patient.id == Record.patient_id).where(Patient.mrn == "DEMO-008")
        standing = own.where(Record.superseded_by.is_(None))
        found = (session.scalars(standing.where(Record.kind == kind)).first() for kind in ("lab", "skin", "therapy"))
        return [str(record) for record in found if record is not None]


@pytest.fixture(scope="module")
def written(site: Site) -> list[str]:
    """What people wrote in their own words, or are called: it is never translated."""
    with site.database.read() as session:
        found = {text for (detail,) in session.execute(select(Record.detail)) for text in _texts(detail) if " " in text}
        found |= {name for (name,) in session.execute(select(Patient.name)) if name}
    return sorted(found, key=len, reverse=True)


def _texts(detail: object) -> Iterator[str]:
    if isinstance(detail, str):
        yield detail
    for inside in detail.values() if isinstance(detail, dict) else detail if isinstance(detail, list) else ():
        yield from _texts(inside)


@pytest.mark.parametrize("pattern", [page.ROUTE.pattern for page in PAGES])
def test_no_text_of_a_page_is_left_in_english(
    pattern: str, site: Site, open_page: Open, addresses: dict[str, list[str]], written: list[str], folder: Path
) -> None:
    english = English(catalogue_of("de"))
    page = open_page(addresses[pattern][0], role=OPENED_BY.get(pattern, "oncologist"), speaks="de-DE")
    for address in addresses[pattern]:
        page.goto(site.url + address)
        _arrive(page)
        if pattern == "/import/<job>":
            _preview(page, folder / "words.csv")
        assert english.left_in(page.evaluate(SHOWN), but=written) == set(), address


def _arrive(page: Page) -> None:
    page.wait_for_selector("#shell-page h1")
    expect(page.locator("#shell-person")).not_to_be_empty()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.wait_for_load_state("networkidle")
    if page.locator(".grid-frame:visible").count():
        page.wait_for_selector(".ag-cell .cell > *")


def _preview(page: Page, file: Path) -> None:
    page.set_input_files("#import-files", file)
    page.wait_for_selector("#import-preview")
    assert page.url.split("/import/")[1]
    page.get_by_label("Demo NET clinic North").check()
    page.click("#import-preview")
    expect(page.locator("#import-said")).not_to_be_empty(timeout=60_000)


def test_what_is_left_in_english_is_found() -> None:
    english = English(catalogue_of("de"))
    assert english.left_in(["Octreotid LAR 20 mg  ·  since 13. Dez. 2021"]) != set()
    assert english.left_in(["Worklist", "vor 3 Monaten", "in 22 Tagen"]) == {"'Worklist': 'Worklist'"}
    assert len(english.left_in(["Tumour not found, infection"], but=["Tumour not found"])) == 1
