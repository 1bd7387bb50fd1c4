"""Statements, formulas, log lines, templates, entities and endless texts wherever a text is taken: they stay texts."""

from __future__ import annotations

import csv
import io
import json
import logging
import socket
import threading
import time
import zipfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from clinical.protocol import Protocol
from commands.logs import log_to_stderr
from dashboard.app import create_app
from data.db import Database
from data.intake.batch import import_paths
from data.intake.hl7_answer import answer, read_header
from data.intake.source import ImportRefused
from data.models import Base, Patient
from data.settings import Settings
from tests.dashboard.conftest import Web
from tests.data.bundles import bundle, glucose, patient
from tests.security.bodies import FIRST_ROWS, Callback, callbacks, usual
from tests.security.hostile import unfreeze
from tests.security.payloads import FORMULAS, LINES, SQL, TEMPLATES
from tests.security.requests_as import Route, call, quickest, said, visit
from tests.security.wards import Wards, actor_of, all_rows, furnish, rows_of

pytestmark = pytest.mark.timeout(900)
WHO = ("oncologist", "North")
SLOW_S = 1.0
CALCULATES = ("=", "+", "@", "\t", "\r", "＝", "＋", "－", "＠")


@pytest.fixture
def both(database: Database, web_settings: Settings, protocol: Protocol, tmp_path: Path) -> Wards:
    """The wards on SQLite and on PostgreSQL."""
    return furnish(Web(create_app(database, web_settings, protocol), database, web_settings), tmp_path)


def test_a_statement_in_any_argument_stays_a_text(both: Wards) -> None:
    """Sort and filter columns of the grids included."""
    side, other, engine = both.sides["North"], both.sides["South"], both.web.database.engine
    answers, slowest, count = Counter[int](), 0.0, _counts(both)
    theirs = rows_of(engine, other)
    before = {key: digest for key, digest in all_rows(engine).items() if key in theirs}
    for callback in callbacks(both.web.client(side.people["oncologist"])):
        values = usual(callback, side)
        for place in [n for n, value in enumerate(values) if isinstance(value, str | dict)]:
            usually = _seconds(lambda: _asked(both, callback, values))  # noqa: B023
            for statement in SQL:
                for form in _forms(values[place], statement):
                    given = [*values[:place], form, *values[place + 1 :]]
                    status, took = quickest(lambda: _asked(both, callback, given), usually + SLOW_S)  # noqa: B023
                    slowest = max(slowest, took - usually)
                    answers[status] += 1
        both.restore()
    print(
        f"D3: {answers.total()} statements in arguments, answers {dict(answers)}, slowest {slowest:.2f} s above usual"
    )
    now = all_rows(engine)
    assert {key: now.get(key) for key in theirs} == before
    assert _counts(both).keys() == count.keys()
    assert all(_counts(both)[name] >= rows for name, rows in count.items()), "nothing is gone"
    assert answers[401] == 0, "the sign-in holds throughout"
    assert slowest <= SLOW_S


def test_a_statement_in_any_address_finds_nothing(both: Wards) -> None:
    side, answers = both.sides["North"], Counter[int]()
    for rule in ("/p/<mrn>", "/flag/<flag_id>", "/p/<mrn>/query/<query>", "/import/<job>", "/import/held/<item>"):
        route = Route(rule, "GET")
        for statement in SQL:
            for segment in route.segments:
                quoted = statement.replace("%", "%25").replace("/", "%2F").replace(";", "%3B").replace("?", "%3F")
                answers[visit(both, WHO, route, side, **{segment: quoted}).status_code] += 1
    for path in ("/patients", "/", "/queries", "/injections"):
        for statement in SQL:
            for name in ("sort", "team", "state", "severity", "hide"):
                quoted = statement.replace("%", "%25").replace("&", "%26").replace("#", "%23")
                answers[visit(both, WHO, Route(path, "GET"), side, query=f"?{name}={quoted}").status_code] += 1
    print(f"D3: {answers.total()} statements in addresses, answers {dict(answers)}")
    assert not [code for code in answers if code >= 500]


def test_what_is_taken_out_calculates_nothing(wards: Wards) -> None:
    side, record = wards.sides["North"], Base.metadata.tables["record"]
    listed = {one.name: one for one in callbacks(wards.web.client(side.people["nurse"]))}
    with wards.web.database.write() as session:
        unfreeze(session)
    for text in FORMULAS:
        with wards.web.database.write() as session:
            session.get_one(Patient, int(side.ids["patient"])).name = text
            session.execute(record.update().where(record.c.id == int(side.ids["record"])).values(lab=text, method=text))
        cells = []
        for name in ("patient-download.data", "cohort-file.data"):
            answer = call(wards, ("nurse", "North"), listed[name], usual(listed[name], side)).get_json()
            content = next(iter(answer["response"].values()))["data"]["content"].removeprefix("\ufeff")
            cells += [cell for line in csv.reader(io.StringIO(content, newline="")) for cell in line]
        assert any(text.strip() in cell for cell in cells), text
        assert not [cell for cell in cells if cell.startswith(CALCULATES)], text
        assert not [cell for cell in cells if cell.startswith("-") and not cell.lstrip("-").replace(".", "").isdigit()]
    print(f"D4: {len(FORMULAS)} formulas in two files")


def test_whatever_is_sent_an_event_is_one_line_of_json(wards: Wards, capsys: pytest.CaptureFixture[str]) -> None:
    """In the name of who signs in, the browser's name, paths and numbers; no password and no canary is in the log."""
    before = logging.getLogger().handlers, logging.getLogger().level
    log_to_stderr()
    try:
        client = wards.web.app.server.test_client(use_cookies=False)
        for text in LINES:
            agent = {"User-Agent": text.replace("\n", " ").replace("\r", " ")[:5_000]}
            client.post("/login", data={"email": text, "password": "CNRY-password"}, headers=agent)
            client.get("/_dash-component-suites/dash/" + text[:200].replace("\n", "%0A").replace("\r", "%0D"))
            call(wards, WHO, Callback("..nothing..", (), ()), [])
            logging.getLogger("nadir.web").warning("tried %s", text, extra={"text": text})
    finally:
        logging.getLogger().handlers, level = before[0], before[1]
        logging.getLogger().setLevel(level)
    lines = capsys.readouterr().err.splitlines()
    events = [json.loads(line) for line in lines]
    print(f"D5: {len(LINES)} hostile lines, {len(events)} events, each one line of JSON")
    assert len([event for event in events if event["event"].startswith("tried")]) == len(LINES)
    assert "CNRY-" not in "".join(lines)


def test_templates_are_shown_as_they_were_written(wards: Wards) -> None:
    side = wards.sides["North"]
    for text in TEMPLATES:
        with wards.web.database.write() as session:
            session.get_one(Patient, int(side.ids["patient"])).name = text
        page = call(wards, WHO, _page(wards), [f"/p/{side.ids['mrn']}", ""])
        assert page.status_code == 200
        assert json.dumps(text)[1:-1] in json.dumps(page.get_json(), ensure_ascii=True) and "49" not in text
        form = visit(
            wards, WHO, Route("/emergency", "GET"), side, query="?mrn=" + text.replace("%", "%25").replace("#", "%23")
        )
        assert "49" not in said(form).partition('name="mrn"')[2][:200]


class Listener:
    """A server that counts who comes."""

    def __enter__(self) -> Listener:
        self.came = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port, self._open = self._socket.getsockname()[1], True
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        time.sleep(0.3)
        self._open = False
        self._thread.join(5)
        self._socket.close()

    def _listen(self) -> None:
        while self._open:
            try:
                self._socket.accept()[0].close()
                self.came += 1
            except TimeoutError:
                continue


def test_no_document_makes_nadir_call_or_read_anything(wards: Wards, tmp_path: Path) -> None:
    """Entities in a workbook, references and attachments in FHIR."""
    side = wards.sides["North"]
    secret = tmp_path / "secret.txt"
    secret.write_text("CNRY-of-a-file")
    with Listener() as listener:
        url = f"http://127.0.0.1:{listener.port}/x"
        entity = f'<!DOCTYPE x [<!ENTITY a SYSTEM "file://{secret}"><!ENTITY b SYSTEM "{url}">]>'
        book = tmp_path / "entities.xlsx"
        with zipfile.ZipFile(book, "w") as parts:
            parts.writestr("[Content_Types].xml", f"{entity}<Types>&b;</Types>")
            parts.writestr("xl/workbook.xml", f"{entity}<workbook>&a;&b;</workbook>")
            parts.writestr("xl/worksheets/sheet1.xml", f"{entity}<worksheet>&a;&b;</worksheet>")
        linked = [
            patient(side.ids["mrn"], photo=[{"url": url}], managingOrganization={"reference": url}),
            glucose(99, id="g", subject={"reference": url}),
            glucose(98, id="h", performer=[{"reference": url}], derivedFrom=[{"reference": url}]),
            {"resourceType": "Media", "id": "m", "content": {"url": url}},
            {"resourceType": "DocumentReference", "id": "d", "content": [{"attachment": {"url": f"file://{secret}"}}]},
        ]
        document = tmp_path / "links.json"
        document.write_text(json.dumps(bundle(*linked)))
        with wards.web.database.read() as session:
            nurse = actor_of(session, side.people["nurse"])
        with pytest.raises(ImportRefused, match="EntitiesForbidden"):
            import_paths(wards.web.database, nurse, [book], now=datetime.now(UTC))
        import_paths(wards.web.database, nurse, [document], now=datetime.now(UTC))
    assert listener.came == 0
    with wards.web.database.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            assert "CNRY-of-a-file" not in repr(connection.execute(select(table)).all()), table.name
    print("D9: 2 documents with 9 ways out, 0 connections, 0 files read")


def test_endless_texts_are_answered_at_once(wards: Wards) -> None:
    side, slowest, asked = wards.sides["North"], 0.0, 0
    endless = (
        "a" * 100_000,
        "1" * 100_000,
        "<" * 100_000,
        " " * 100_000,
        "\\" * 100_000,
        "a@" * 50_000,
        "-1." * 33_000,
    )
    client = wards.web.app.server.test_client(use_cookies=False)
    for callback in callbacks(wards.web.client(side.people["oncologist"])):
        values = usual(callback, side)
        for place in [n for n, value in enumerate(values) if isinstance(value, str)]:
            for text in endless:
                given = [*values[:place], text, *values[place + 1 :]]
                _answer, took = quickest(lambda: call(wards, WHO, callback, given), SLOW_S)  # noqa: B023
                slowest, asked = max(slowest, took), asked + 1
    for text in endless:
        for path, form in (
            ("/login", {"email": text, "password": "x"}),
            (f"/welcome/{text[:5000]}", {"password": text}),
        ):
            answer, took = quickest(lambda: client.post(path, data=form), SLOW_S)  # noqa: B023
            assert answer.status_code < 500
            slowest, asked = max(slowest, took), asked + 1
    print(f"D10: {asked} texts of 100 kB, slowest {slowest:.2f} s")
    assert slowest <= SLOW_S


def test_what_a_header_says_cannot_break_the_acknowledgement() -> None:
    fields = [
        "\x0b",
        "\x1c",
        "\x1c\r",
        "a\rMSA|AA|forged",
        "\\F\\",
        "\\X0D\\MSA|AA",
        "~^&\\",
        "\x00",
        "\u2028",
        "x" * 300,
        "\x85",
    ]
    made = 0
    for text in fields:
        for place in (2, 3, 4, 5, 8, 9, 10, 11):
            parts = ["MSH", "^~\\&", "LAB", "SITE", "N", "N", "20240101", "", "ORU^R01", "C1", "P", "2.5"]
            parts[place] = text
            content = "|".join(parts).encode() + b"\rPID|||X"
            try:
                header = read_header(content)
            except ValueError:
                header = None
            said_back = answer(header, "error", "why\r\x1c", now=datetime.now(UTC))
            if said_back is None:
                continue
            made += 1
            segments = [one for one in said_back.split(b"\r") if one]
            assert [one[:3] for one in segments] == [b"MSH", b"MSA"], (text, place, said_back)
            assert not any(control in said_back for control in (b"\x0b", b"\x1c", b"\x00"))
    print(f"D11: {made} acknowledgements of hostile headers, each of two segments")
    assert made > 50


def _asked(wards: Wards, callback: Callback, values: list[Any]) -> int:
    given = call(wards, WHO, callback, values)
    if "Set-Cookie" in given.headers:
        wards.cookies[WHO] = given.headers["Set-Cookie"].partition(";")[0]
    return given.status_code


def _forms(value: Any, statement: str) -> list[Any]:
    if isinstance(value, str):
        return [statement]
    if value != FIRST_ROWS:
        return [{**value, name: statement} for name in value]
    sort = [{"colId": statement, "sort": "asc"}], [{"colId": "patient", "sort": statement}]
    return [{**value, "sortModel": one} for one in sort] + [
        {**value, "filterModel": {statement: {"filter": statement}}}
    ]


def _seconds(act: Any) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _page(wards: Wards) -> Callback:
    listed = callbacks(wards.web.client(wards.sides["North"].people["oncologist"]))
    return next(one for one in listed if one.name.startswith("..shell-page.children"))


def _counts(wards: Wards) -> dict[str, int]:
    tables = ("patient", "record", "flag", "person", "team", "audit", "data_query")
    with wards.web.database.read() as session:
        return {
            name: session.scalar(select(func.count()).select_from(Base.metadata.tables[name])) or 0 for name in tables
        }
