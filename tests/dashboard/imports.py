"""What tests of the import page share: files, uploads, and doing the child's work to its end."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from data.intake.import_jobs import WORKING
from data.intake.uploads import upload_folder
from data.models import ImportJob
from tests.dashboard.conftest import Web

HEADER = "mrn,when,analyte,value,unit\n"


def sheet(*rows: str) -> bytes:
    """A sheet of results with these rows."""
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


def results(mrn: str, count: int) -> bytes:
    """A sheet of `count` glucagon results of one patient, a minute apart."""
    return sheet(
        *(f"{mrn},2024-03-{1 + i // 1440:02}T{i // 60 % 24:02}:{i % 60:02}Z,glucagon,80,pg/mL" for i in range(count))
    )


def send(client: FlaskClient, content: bytes, name: str = "results.csv", **headers: str) -> TestResponse:
    """Send a file as the page does."""
    return client.post("/import/upload", data=content, headers={"X-File-Name": quote(name), **headers})


def sent(client: FlaskClient, content: bytes, name: str = "results.csv") -> str:
    """Send a file that is taken; the import's id."""
    answer = send(client, content, name)
    assert answer.status_code == 201, answer.text
    return str(answer.json["job"])


def job(web: Web, id: str) -> ImportJob:
    """The import as the database holds it."""
    with web.database.read() as session:
        return session.get_one(ImportJob, id)


def settled(web: Web, id: str, *, seconds: float = 60) -> ImportJob:
    """The import once no process works on it any more."""
    until = time.monotonic() + seconds
    while (found := job(web, id)).state in WORKING:
        assert time.monotonic() < until, f"still {found.state}: {found.progress}"
        time.sleep(0.1)
    return found


def kept_files(web: Web) -> list[Any]:
    """Every file in the upload folder."""
    return [path for path in upload_folder(web.settings).rglob("*") if path.is_file()]


def children() -> list[int]:
    """The import processes that this one started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == os.getpid() and b"data.intake.import_child" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except (OSError, ValueError):
                continue
    return found
