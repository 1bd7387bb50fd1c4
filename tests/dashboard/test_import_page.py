"""Importing on the page: a preview is the import itself and keeps nothing; what is asked for is done in the end."""

from __future__ import annotations

import io
import os
import signal
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, text, update

from dashboard.inventory import callback_policies, policy_dump
from dashboard.pages import held, import_job, imports
from data.audit import verify
from data.db import Database
from data.intake.chunks import CHUNK
from data.intake.import_jobs import SILENT
from data.models import Audit, Base, Batch, ImportJob, Patient, Quarantined, Record
from data.people import Actor, set_teams
from data.settings import Settings
from tests.dashboard.conftest import Web
from tests.dashboard.imports import children, job, kept_files, results, send, sent, settled, sheet

ONC, NURSE, ADMIN, AUDITOR = (
    "onc@north.example",
    "nurse@south.example",
    "admin@clinic.example",
    "auditor@clinic.example",
)
GOOD = "N1,2024-03-01T08:00:00Z,glucagon,80,pg/mL"
UNTOUCHED = {"audit", "audit_head", "session", "known_device", "import_job", "throttle"}


@pytest.fixture
def web_settings(web_settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose database is the clinic's, so that uploads lie beside it."""
    return web_settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/clinic.db"})


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled(imports, import_job, held)


def preview(web: Web, email: str, id: str, *, team: str | None = "North", **how: str) -> Any:
    """Ask for a preview and wait for it."""
    values = (1, id, team, how.get("mrn", ""), how.get("zone", ""), how.get("order", "held"), 0)
    answer = web.call(web.client(email), "import-refusal.children", *values)
    assert answer.status_code == 200, answer.text
    return settled(web, id)


def act(web: Web, email: str, button: str, id: str) -> Any:
    """Press Import or Cancel."""
    name = next(n for n, e in web.app.callback_map.items() if e["inputs"] and e["inputs"][0]["id"] == button)
    return web.call(web.client(email), name, 1, id, 0)


def imported(web: Web, email: str, id: str, **how: Any) -> ImportJob:
    """Preview, import, wait."""
    assert preview(web, email, id, **how).state == "previewed"
    assert act(web, email, "import-commit", id).status_code == 200
    return settled(web, id)


def count(web: Web, table: Any = Record) -> int:
    with web.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def fingerprint(database: Database) -> dict[str, list[Any]]:
    """Every row of every table a preview must leave alone."""
    tables: list[Table] = [t for t in Base.metadata.sorted_tables if t.name not in UNTOUCHED]
    with database.read() as session:
        return {table.name: [tuple(row) for row in session.execute(select(table))] for table in tables}


def test_a_preview_shows_every_verdict_with_value_and_unit_and_stores_nothing(web: Web) -> None:
    before = fingerprint(web.database)
    rows = (GOOD, "N1,2024-03-02,zinc,9.2,umol/L", "N1,2024-03-03,glucagon,1;5,pg/mL", "S1,2024-03-01,zinc,80,ug/dL")
    found = preview(web, ONC, sent(web.client(ONC), sheet(*rows)))
    assert found.state == "previewed" and found.preview is not None
    said = found.preview
    assert said["read"] == said["stored"] + said["unchanged"] + said["superseded"] + said["ignored"] + said["held"]
    assert (said["read"], said["stored"], said["held"]) == (4, 2, 2)
    assert [row["verdict"] for row in said["rows"]] == ["stored", "stored", "held", "held"]
    zinc = said["rows"][1]
    assert (zinc["mrn"], zinc["what"], zinc["received"], zinc["canonical"]) == (
        "N1",
        "zinc",
        "9.2 umol/L",
        "60.1496 ug/dL",
    )
    assert said["patients"] == [{"mrn": "N1", "name": "CNRY-N1-name", "new": False, "rows": 2}]
    assert [one["where"] for one in said["held_first"]] == ["results.csv#line[4]", "results.csv#line[5]"]
    assert fingerprint(web.database) == before
    page = str(web.call(web.client(ONC), "import-report.children", 1, 1, found.id, "").json)
    for words in ("Import 2 rows for CNRY-N1-name (N1)", "4 items read = 2 new", "60.1496 ug/dL", "1;5"):
        assert words in page
    assert "CNRY-S1" not in page


def test_what_was_previewed_is_what_is_stored_and_the_files_are_gone_afterwards(web: Web) -> None:
    id = sent(web.client(ONC), sheet(GOOD, "N1,2024-03-02,zinc,eighty,ug/dL"))
    found = imported(web, ONC, id)
    assert found.state == "imported" and found.preview and found.summary
    assert {k: found.summary[k] for k in ("read", "stored", "held")} == {"read": 2, "stored": 1, "held": 1}
    assert (count(web), count(web, Quarantined), kept_files(web)) == (1, 1, [])
    with web.database.read() as session:
        batch = session.get_one(Batch, found.batch_id)
        assert (batch.actor, batch.format) == (ONC, "csv")
        assert session.scalars(select(Record.place)).one() == "results.csv#line[2]"
        assert verify(session).ok
    assert "Imported. Batch" in web.call(web.client(ONC), "import-report.children", 1, 1, id, "").text


def test_the_same_file_twice_and_its_rows_in_another_order_change_nothing(web: Web) -> None:
    lines = results("N1", 50).decode().splitlines()
    imported(web, ONC, sent(web.client(ONC), results("N1", 50)))
    for again in (lines, [lines[0], *reversed(lines[1:])]):
        found = preview(web, ONC, sent(web.client(ONC), ("\n".join(again) + "\n").encode()))
        assert found.preview and (found.preview["stored"], found.preview["unchanged"]) == (0, 50)
        page = web.call(web.client(ONC), "import-report.children", 1, 1, found.id, "").text
        assert "There is nothing new in it" in page
    assert count(web) == 50


def test_one_bad_row_of_many_is_held_with_its_place_and_the_rest_is_stored(web: Web) -> None:
    lines = results("N1", 2_500).decode().splitlines()
    lines[1_700] = lines[1_700].replace("pg/mL", "pg/L")
    found = imported(web, ONC, sent(web.client(ONC), ("\n".join(lines) + "\n").encode()))
    assert found.summary and (found.summary["stored"], found.summary["held"]) == (2_499, 1)
    assert found.summary["held_first"][0]["where"] == "results.csv#line[1701]"
    assert len(found.summary["rows"]) == 200
    assert count(web) == 2_499


def _zip(members: dict[str, bytes], level: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", level) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


BOMB = _zip({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"x", "xl/sheet.xml": b" " * 211_000_000})


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        (BOMB, "bomb.xlsx", "unpacks to more than"),
        (
            _zip({"xl/workbook.xml": b"x"} | {f"xl/{n}": b"x" for n in range(1_001)}),
            "many.xlsx",
            "more than 1000 parts",
        ),
        (_zip({"xl/workbook.xml": b"x", "xl/vbaProject.bin": b"x"}), "macro.xlsx", "holds macros"),
        (_zip({"xl/workbook.xml": b"x"}), "sheet.csv", "not named .xlsx"),
        (_zip({"readme.txt": b"x"}), "zip.xlsx", "without a workbook"),
        (("mrn,when,analyte,value,unit," + ",".join(f"c{n}" for n in range(10_000))).encode(), "wide.csv", "columns"),
        (b"mrn,when,analyte,value,unit\n" + b"\n" * 1_000_000, "long.csv", "more than 500000 rows"),
        (b'{"resourceType": ' + b"[" * 100_000, "deep.json", "deep.json"),
    ],
    ids=["bomb", "parts", "macros", "renamed", "zip", "columns", "rows", "deep"],
)
def test_what_would_exhaust_or_deceive_is_refused_with_a_reason(web: Web, content: bytes, name: str, why: str) -> None:
    found = preview(web, ONC, sent(web.client(ONC), content, name))
    assert (found.state, count(web), count(web, Quarantined)) == ("refused", 0, 0)
    assert why in (found.why or "") and "upload-1" not in (found.why or "")
    assert "Nothing was stored" in web.call(web.client(ONC), "import-report.children", 1, 1, found.id, "").text


def test_ten_files_at_once_are_all_worked_off(web: Web) -> None:
    client = web.client(ONC)
    ids = [sent(client, sheet(f"N1,2024-04-{n + 1:02},zinc,80,ug/dL")) for n in range(10)]
    for id in ids:
        answer = web.call(client, "import-refusal.children", 1, id, "North", "", "", None, 0)
        assert answer.status_code == 200, answer.text
    assert [settled(web, id, seconds=240).state for id in ids] == ["previewed"] * 10


def test_a_process_that_was_killed_is_replaced_and_the_import_ends_whole(web: Web) -> None:
    id = sent(web.client(ONC), results("N1", 20_000))
    assert preview(web, ONC, id).state == "previewed"
    act(web, ONC, "import-commit", id)
    until = time.monotonic() + 60
    while not count(web):
        assert time.monotonic() < until
        time.sleep(0.02)
    killed = [pid for pid in children() if os.kill(pid, signal.SIGKILL) is None]
    assert killed
    stored = count(web)
    assert 0 < stored < 20_000 and stored % CHUNK == 0
    with web.database.write() as session:
        session.execute(update(ImportJob).values(beat_at=datetime.now(UTC) - SILENT - timedelta(seconds=1)))
    assert web.call(web.client(ONC), "import-report.children", 1, 1, id, "").status_code == 200
    found = settled(web, id)
    assert (found.state, count(web)) == ("imported", 20_000)
    said = web.call(web.client(ONC), "import-report.children", 1, 1, id, "").text
    assert "It had been cut short" in said


def test_a_step_whose_processes_die_again_and_again_is_broken_and_says_so(web: Web) -> None:
    id = sent(web.client(ONC), sheet(GOOD))
    silent = datetime.now(UTC) - SILENT * 2
    with web.database.write() as session:
        session.execute(
            update(ImportJob).values(
                state="previewing",
                attempt=3,
                beat_at=silent,
                progress={"first": 0, "read": 0},
                options={"team": "North"},
            )
        )
    web.call(web.client(ONC), "import-report.children", 1, 1, id, "")
    found = job(web, id)
    assert found.state == "broken" and "Nothing was stored" in (found.why or "")
    assert preview(web, ONC, id).state == "previewed"


def test_a_cancelled_import_is_gone_and_cannot_be_started(web: Web) -> None:
    id = sent(web.client(ONC), sheet(GOOD))
    preview(web, ONC, id)
    act(web, ONC, "import-cancel", id)
    assert (job(web, id).state, kept_files(web)) == ("cancelled", [])
    assert "cannot be started" in act(web, ONC, "import-commit", id).text
    assert (job(web, id).state, count(web)) == ("cancelled", 0)


def test_nothing_can_be_imported_that_was_not_previewed_nor_twice(web: Web) -> None:
    id = sent(web.client(ONC), sheet(GOOD))
    assert "cannot be started" in act(web, ONC, "import-commit", id).text
    imported(web, ONC, id)
    assert "cannot be started" in act(web, ONC, "import-commit", id).text
    assert count(web) == 1


def test_another_persons_import_is_answered_like_one_that_does_not_exist(web: Web) -> None:
    id = sent(web.client(ONC), sheet(GOOD))
    for other in (id, "no-such-import"):
        for email in (NURSE, ADMIN):
            client = web.client(email)
            assert web.call(client, "import-refusal.children", 1, other, "South", "", "", None, 0).status_code == 404
            assert web.call(client, "import-report.children", 1, 1, other, "").status_code == 404
            assert act(web, email, "import-commit", other).status_code == 404
            assert act(web, email, "import-cancel", other).status_code == 404
            assert web.call(client, "shell-page.children", f"/import/{other}").status_code == 404
    assert job(web, id).state == "uploaded"


def test_a_team_of_others_is_refused(web: Web) -> None:
    id = sent(web.client(ONC), sheet(GOOD))
    for team in ("South", "none", "", None):
        answer = web.call(web.client(ONC), "import-refusal.children", 1, id, team, "", "", None, 0)
        assert "choose one of your own teams" in answer.text
    assert job(web, id).state == "uploaded"


def test_a_file_reaches_only_patients_of_the_persons_teams(web: Web) -> None:
    found = imported(web, ONC, sent(web.client(ONC), sheet(GOOD, "S1,2024-03-01,zinc,80,ug/dL")))
    assert found.summary and (found.summary["stored"], found.summary["held"]) == (1, 1)
    assert found.summary["held_first"][0]["why"] == "patient 'S1' is not known"


def test_an_admin_imports_for_the_teams_they_belong_to_and_for_no_other(web: Web) -> None:
    id = sent(web.client(ADMIN), sheet(GOOD, "S1,2024-03-01,zinc,80,ug/dL"))
    answer = web.call(web.client(ADMIN), "import-refusal.children", 1, id, "North", "", "", None, 0)
    assert "choose one of your own teams" in answer.text
    with web.database.write() as session:
        set_teams(session, Actor.system("test"), ADMIN, ["North"], now=datetime.now(UTC))
    found = imported(web, ADMIN, id)
    assert found.summary and (found.summary["stored"], found.summary["held"]) == (1, 1)


def test_rights_taken_away_while_it_waits_stop_the_import(web: Web) -> None:
    id = sent(web.client(ONC), sheet(GOOD))
    preview(web, ONC, id)
    with web.database.write() as session:
        set_teams(session, Actor.system("test"), ONC, [], now=datetime.now(UTC))
    act(web, ONC, "import-commit", id)
    found = settled(web, id)
    assert (found.state, count(web)) == ("imported", 0)
    assert found.summary and found.summary["held"] == 1


def test_a_held_item_is_shown_as_text_read_again_and_settled(web: Web) -> None:
    imported(web, ONC, sent(web.client(ONC), sheet("N2,2024-03-01,zinc,80,ug/dL", '"<img src=x>",2024,zinc,1,ug/dL')))
    with web.database.read() as session:
        items = {q.why: q.id for q in session.scalars(select(Quarantined))}
    late = str(items["patient 'N2' is not known"])
    page = web.call(web.client(ONC), "shell-page.children", f"/import/held/{late}")
    assert "N2,2024-03-01,zinc" in page.text
    assert web.call(web.client(NURSE), "shell-page.children", f"/import/held/{late}").status_code == 404
    assert "Still held" in web.call(web.client(ONC), "held-said.children", 1, late, "").text
    with web.database.write() as session:
        session.add(Patient(id=9, uuid="uuid-N2", mrn="N2", created_at=datetime.now(UTC)))
        session.flush()
        session.execute(
            text("INSERT INTO patient_team (patient_id, team_id) SELECT 9, id FROM team WHERE name = 'North'")
        )
    assert "1 stored" in web.call(web.client(ONC), "held-said.children", 1, late, "").text
    assert count(web) == 1
    assert web.call(web.client(NURSE), "held-said.children", 1, late, "").status_code == 404


def test_a_held_row_is_given_to_another_patient_of_the_persons_teams(web: Web) -> None:
    imported(web, ONC, sent(web.client(ONC), sheet("X9,2024-03-01,zinc,80,ug/dL")))
    client = web.client(ONC)
    assert "given to instead" in web.call(client, "shell-page.children", "/import/held/1").text
    assert "Not read: patient 'S1' is not known" in web.call(client, "held-said.children", 1, "1", "S1").text
    assert count(web) == 0
    assert "1 stored" in web.call(client, "held-said.children", 1, "1", " N1 ").text
    with web.database.read() as session:
        (mrn,) = session.scalars(select(Patient.mrn).join(Record, Record.patient_id == Patient.id))
        settled = session.scalars(select(Audit).where(Audit.action == "quarantine.settled")).one()
    assert (mrn, settled.actor, settled.role) == ("N1", ONC, "oncologist")


@pytest.mark.parametrize("item", ["0", "-1", "1e3", "１", "9" * 19, "9" * 5_000, "x", "1\u0000"])
def test_what_is_no_number_of_an_item_finds_nothing(web: Web, item: str) -> None:
    client = web.client(ONC)
    assert web.call(client, "shell-page.children", f"/import/held/{item}").status_code in (400, 404)
    assert web.call(client, "held-said.children", 1, item, "").status_code in (400, 404)


WRONG: list[Any] = [None, [], {}, {"a": 1}, True, 1.5, "x\x00", "y" * 1_000_000, "\ud800", "１"]


@pytest.mark.alone
def test_no_argument_of_another_kind_ends_in_a_fault(web: Web) -> None:
    client = web.client(ONC)
    id = sent(client, sheet(GOOD))
    for name in callback_policies(web.app):
        if "import-" not in name and "held-" not in name:
            continue
        entry = web.app.callback_map[name]
        good: list[Any] = [
            id if d["id"] == "import-id" else "1" if d["id"] == "held-item" else None
            for d in entry["inputs"] + entry["state"]
        ]
        for position in range(len(good)):
            for wrong in WRONG:
                values = [wrong if n == position else value for n, value in enumerate(good)]
                start = time.monotonic()
                code = web.call(client, name, *values).status_code
                assert code in (200, 400, 403, 404), (name, position, str(wrong)[:20])
                assert time.monotonic() - start < 3
    assert job(web, id).state == "uploaded"


def test_every_cell_of_the_policy_is_what_the_server_answers(web: Web) -> None:
    people = {"oncologist": ONC, "nurse": NURSE, "admin": ADMIN, "auditor": AUDITOR}
    ours = [row for row in policy_dump(web.app) if "import" in row["target"] or "held" in row["target"]]
    assert {"/import", "/import/upload", "/import/held/<item>"} < {row["target"] for row in ours}
    for row in ours:
        if row["role"] not in people:
            assert row["decision"] == "deny"
            continue
        client = web.client(people[row["role"]])
        if row["kind"] == "callback":
            entry = web.app.callback_map[row["target"]]
            code = web.call(client, row["target"], *[None] * len(entry["inputs"] + entry["state"])).status_code
        elif row["target"] == "/import/upload":
            code = send(client, sheet(GOOD)).status_code
        else:
            code = client.get(row["target"].replace("<job>", "x").replace("<item>", "1")).status_code
        assert (code == 403) is (row["decision"] == "deny"), (row, code)


@pytest.mark.parametrize("clinic", ["postgresql"], indirect=True)
def test_on_postgresql_too_a_preview_keeps_nothing_and_an_import_everything(web: Web) -> None:
    before = fingerprint(web.database)
    id = sent(web.client(ONC), results("N1", 1_500))
    assert preview(web, ONC, id).state == "previewed"
    assert fingerprint(web.database) == before
    act(web, ONC, "import-commit", id)
    assert (settled(web, id).state, count(web)) == ("imported", 1_500)
