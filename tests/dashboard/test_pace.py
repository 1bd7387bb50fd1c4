"""Every file that leaves through the web is counted, and patients' pages stay open whatever the count."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from clinical.protocol import Protocol
from dashboard.app import create_app
from data.db import Database
from data.exports.pace import AN_HOUR, SPAN
from data.models import Audit, Outbox, Person
from data.read_only import forbid_writes
from data.reading_pace import MANY
from data.settings import Settings
from data.throttle import tally
from tests.dashboard.conftest import PASSWORD, Web

ONC, AUDITOR = "onc@north.example", "auditor@clinic.example"
ADDRESSES = ("/p/N1/summary.pdf", "/p/N1/injections.ics")
CALLBACKS: dict[str, list[Any]] = {"patient-download.data": [1, "N1"], "cohort-file.data": [1, "", None]}


@pytest.fixture
def web(clinic: Database, web_settings: Settings, protocol: Protocol) -> Web:
    return Web(create_app(clinic, web_settings, protocol), clinic, web_settings)


def _counted(web: Web, email: str, kind: str, times: int) -> None:
    with web.database.write() as session:
        person = session.scalars(select(Person.id).where(Person.email == email)).one()
        for _ in range(times):
            tally(session, f"{kind}:{person}", datetime.now(UTC), SPAN)


def _rows(web: Web, action: str) -> list[Audit]:
    with web.database.read() as session:
        return list(session.scalars(select(Audit).where(Audit.action == action)))


@pytest.mark.parametrize("what", [*ADDRESSES, *CALLBACKS])
def test_no_file_beyond_the_hours_share_is_handed_out_and_the_page_stays_open(web: Web, what: str) -> None:
    client = web.client(ONC)
    _counted(web, ONC, "files", AN_HOUR)
    answer = client.get(what) if what in ADDRESSES else web.call(client, what, *CALLBACKS[what])
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= SPAN.total_seconds()
    assert "No more files within this hour" in answer.text
    assert "CNRY" not in answer.text
    (row,) = _rows(web, "throttle.refuse")
    assert (row.actor, row.object, row.outcome) == (ONC, "files", "denied")
    assert not _rows(web, "patient.export") and not _rows(web, "cohort.export")
    assert "CNRY-N1" in web.call(client, "shell-page.children", "/p/N1").text


def test_the_trail_is_not_taken_out_beyond_it_either(web: Web) -> None:
    client = web.client(AUDITOR)
    _counted(web, AUDITOR, "files", AN_HOUR)
    answer = client.post("/audit/export", data={"password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/audit?refused=wait")
    assert not _rows(web, "audit.export")


def test_a_record_taken_out_as_csv_is_an_export_on_the_trail(web: Web) -> None:
    answer = web.call(web.client(ONC), "patient-download.data", 1, "N1")
    assert answer.status_code == 200
    (row,) = _rows(web, "patient.export")
    assert (row.actor, row.object, row.patient_uuid, row.detail) == (ONC, "csv", "uuid-N1", {"records": 0})


@pytest.mark.parametrize("read_only", [False, True])
def test_the_record_that_makes_them_many_opens_like_any_other_and_is_told(
    clinic: Database, web_settings: Settings, protocol: Protocol, read_only: bool
) -> None:
    settings = web_settings.model_copy(update={"read_only": read_only})
    web = Web(create_app(clinic, settings, protocol), clinic, settings)
    client = web.client(ONC)
    _counted(web, ONC, "read", MANY - 1)
    if read_only:
        forbid_writes(clinic)
    for _ in range(2):
        assert "CNRY-N1" in web.call(client, "shell-page.children", "/p/N1").text
    (row,) = _rows(web, "reading.pace")
    assert (row.actor, row.outcome) == (ONC, "ok")
    with web.database.read() as session:
        reasons = [json.loads(mail.counts or "{}")["reason"] for mail in session.scalars(select(Outbox))]
    assert reasons == ([] if read_only else ["reading-pace"])
