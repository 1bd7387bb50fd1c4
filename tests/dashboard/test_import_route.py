"""The way files come in: whole or not at all, never under the name a browser gives, never more than the limit."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gethostname

import pytest
from sqlalchemy import func, select

from dashboard.inventory import policy_dump
from data.db import Database
from data.intake.import_jobs import MOST_OPEN
from data.intake.source import ImportRefused
from data.intake.uploads import LARGEST_UPLOAD, remove, remove_old, shown_name, sources, upload_folder
from data.intake.xlsx_guard import OLE
from data.models import Audit, ImportJob, Record
from data.settings import Settings
from tests.dashboard.conftest import Web
from tests.dashboard.imports import job, kept_files, send, sent, sheet

ONC, NURSE, ADMIN, AUDITOR = (
    "onc@north.example",
    "nurse@south.example",
    "admin@clinic.example",
    "auditor@clinic.example",
)
ROW = "N1,2024-03-01T08:00:00Z,glucagon,80,pg/mL"


@pytest.fixture
def web_settings(web_settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose database is the clinic's, so that uploads lie beside it."""
    return web_settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/clinic.db"})


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled()


def _jobs(web: Web) -> int:
    with web.database.read() as session:
        return session.scalar(select(func.count()).select_from(ImportJob)) or 0


def test_a_file_is_kept_under_a_name_of_our_own_that_only_the_server_can_read(web: Web) -> None:
    id = sent(web.client(ONC), sheet(ROW), "../../Befunde März.csv")
    (file,) = kept_files(web)
    assert file.relative_to(upload_folder(web.settings)).as_posix() == f"{id}/upload-1.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700
    assert file.read_bytes() == sheet(ROW)
    found = job(web, id)
    assert (found.files[0]["name"], found.format, found.state) == ("Befunde März.csv", "csv", "uploaded")


def test_a_form_may_bring_several_files(web: Web) -> None:
    files = [(io.BytesIO(sheet(ROW)), "a.csv"), (io.BytesIO(sheet(ROW)), "a.csv")]
    answer = web.client(NURSE).post("/import/upload", data={"file": files})
    assert answer.status_code == 201, answer.text
    assert [file["name"] for file in job(web, answer.json["job"]).files] == ["a.csv", "a.csv (2)"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\labs.csv", "labs.csv"),
        ("/abs.csv", "abs.csv"),
        ("a\x00b\r\n.csv", "ab.csv"),
        ("CON", "CON"),
        ("gpj.\u202evsc.csv", "gpj.vsc.csv"),
        ("..", ".."),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_is_shown_without_folders_control_and_direction_marks(given: str | None, shown: str) -> None:
    assert shown_name(given) == shown


def test_a_name_without_end_is_cut(web: Web) -> None:
    assert len(shown_name("x" * 300 + ".csv")) == 120
    assert shown_name("x" * 300 + ".csv").endswith(".csv")
    assert job(web, sent(web.client(ONC), sheet(ROW), "..")).files[0]["stored"] == "upload-1.dat"


def _workbook(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"MZ\x90\x00" + b"\x00" * 200, "labs.csv"),
        (b"MZ\x90\x00" + b"\x00" * 200, "labs.xlsx"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "labs.csv"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "labs.xlsx"),
        (b"%PDF-1.7\n", "labs.csv"),
        (_workbook("readme.txt"), "labs.csv"),
        (_workbook("xl/workbook.xml"), "labs.xlsm"),
        (OLE + b"\x00" * 600, "labs.xlsx"),
        (b"", "labs.csv"),
        (b"\x1f\x8b broken", "labs.csv"),
    ],
)
def test_what_is_no_file_nadir_reads_is_refused_with_a_reason_and_nothing_is_kept(
    web: Web, content: bytes, name: str
) -> None:
    answer = send(web.client(ONC), content, name)
    assert answer.status_code == 400
    assert name in answer.json["advice"]
    assert str(upload_folder(web.settings)) not in answer.text and "upload-1" not in answer.text
    assert (_jobs(web), kept_files(web)) == (0, [])


def test_a_byte_more_than_the_limit_is_refused_and_a_file_of_the_limit_is_taken(web: Web) -> None:
    row = f"{ROW},{'n' * 900}\n".encode()
    whole = b"mrn,when,analyte,value,unit,note\n" + row * (LARGEST_UPLOAD // len(row))
    whole += b"\n" * (LARGEST_UPLOAD - len(whole))
    assert send(web.client(ONC), whole).status_code == 201
    answer = send(web.client(ONC), whole + b"\n")
    assert answer.status_code == 413
    assert answer.headers["Connection"] == "close"
    assert _jobs(web) == 1 and len(kept_files(web)) == 1


def test_a_length_beyond_the_limit_is_refused_before_a_byte_is_read(web: Web) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

    lying = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(LARGEST_UPLOAD * 10)}
    answer = web.client(ONC).post("/import/upload", environ_overrides=lying)
    assert answer.status_code == 413


def test_a_body_without_an_end_is_closed_at_the_limit(web: Web) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readinto(self, buffer: bytearray) -> int:
            buffer[:] = b"x" * len(buffer)
            self.given += len(buffer)
            return len(buffer)

        def readable(self) -> bool:
            return True

    body = Endless()
    answer = web.client(ONC).post(
        "/import/upload",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True},
    )
    assert answer.status_code == 413
    assert body.given < LARGEST_UPLOAD * 1.1
    assert kept_files(web) == []


def test_a_body_shorter_than_its_length_is_not_kept(web: Web) -> None:
    lying = {"wsgi.input": io.BytesIO(sheet(ROW)), "CONTENT_LENGTH": "1000000"}
    answer = web.client(ONC).post("/import/upload", environ_overrides=lying)
    assert answer.status_code == 408
    assert (_jobs(web), kept_files(web)) == (0, [])


def test_every_other_route_keeps_the_small_limit(web: Web) -> None:
    answer = web.client(ONC).post(
        "/_dash-update-component", data=b"{" * (2 * 1024 * 1024 + 1), content_type="application/json"
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}]
)
def test_a_file_sent_from_another_site_is_refused(web: Web, headers: dict[str, str]) -> None:
    assert send(web.client(ONC), sheet(ROW), **headers).status_code == 403
    assert kept_files(web) == []


def test_who_may_send_files_is_what_the_policy_says(web: Web) -> None:
    assert send(web.anonymous(), sheet(ROW)).status_code == 401
    said = {row["role"]: row["decision"] for row in policy_dump(web.app) if row["target"] == "/import/upload"}
    assert said == {"oncologist": "scope", "nurse": "scope", "admin": "scope", "auditor": "deny", "service": "deny"}
    for email, role in ((ONC, "oncologist"), (NURSE, "nurse"), (ADMIN, "admin"), (AUDITOR, "auditor")):
        code = send(web.client(email), sheet(ROW)).status_code
        assert code == (403 if said[role] == "deny" else 201), role
    assert web.client(ONC).get("/import/upload").status_code == 404


def test_an_upload_is_written_down_without_what_is_in_it_and_stores_no_record(web: Web) -> None:
    id = sent(web.client(ONC), sheet(ROW))
    with web.database.read() as session:
        row = session.scalars(select(Audit).where(Audit.action == "import.upload")).one()
        assert session.scalar(select(func.count()).select_from(Record)) == 0
    assert (row.actor, row.object) == (ONC, f"import {id}")
    assert "N1" not in str(row.detail) and "results.csv" not in str(row.detail)


def test_nobody_can_fill_the_disk_with_imports_that_are_never_done(web: Web) -> None:
    client = web.client(ONC)
    for _ in range(MOST_OPEN):
        sent(client, sheet(ROW))
    answer = send(client, sheet(ROW))
    assert answer.status_code == 400
    assert f"you have {MOST_OPEN} imports open" in answer.json["advice"].lower()
    assert len(kept_files(web)) == MOST_OPEN
    sent(web.client(NURSE), sheet(ROW))


def test_files_older_than_a_day_are_removed(web: Web, clinic: Database) -> None:
    sent(web.client(ONC), sheet(ROW))
    folder, now = upload_folder(web.settings), datetime.now(UTC)
    assert remove_old(folder, now + timedelta(hours=23)) == 0
    assert remove_old(folder, now + timedelta(hours=25)) == 1
    assert kept_files(web) == []


def test_an_upload_that_lies_on_another_machine_is_said_to_lie_there(web: Web) -> None:
    id = sent(web.client(ONC), sheet(ROW))
    folder, (file,) = upload_folder(web.settings), job(web, id).files
    assert file["machine"] == gethostname()
    remove(folder, id)
    with pytest.raises(ImportRefused, match="no longer kept"):
        sources(folder, id, [file])
    with pytest.raises(ImportRefused, match=f"lie on the machine 'web-2', which {gethostname()!r} does not reach"):
        sources(folder, id, [file | {"machine": "web-2"}])
