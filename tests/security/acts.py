"""Acts that write: what comes in, what people do on pages and at the command line, what jobs do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from data.consent import record_consent
from data.duplicates import retract_record
from data.erasing.erase import erase_identity
from data.intake.batch import import_paths
from data.intake.hl7_feed import Desk, receive
from data.intake.hl7_letter import Arrived
from data.intake.quarantine import discard_quarantined, retry_quarantined
from data.merges import merge_patients, unmerge_patient
from data.outbox import mail_policy
from data.patient_status import set_status
from data.patients import add_patient, assign_team
from data.people import add_person, add_team, disable, invite, redeem, reset, set_role, set_teams
from data.retention import Kept, apply_retention
from data.service_tokens import make_token
from jobs.sweep import sweep
from tests.dashboard.conftest import PASSWORD
from tests.data.bundles import bundle, glucose, patient
from tests.data.entries import save, submission
from tests.security.bodies import callbacks, usual
from tests.security.requests_as import call, every_route, visit
from tests.security.wards import SYSTEM, Wards, actor_of

ROLES = ("oncologist", "nurse", "admin")


def acts(wards: Wards, protocol: Protocol, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Writing of every kind, each with its kind: import, message, page, command, job."""
    yield from (("import", act) for act in _imports(wards, folder))
    yield "message", lambda: _messages(wards)
    for role in ROLES:
        yield from (("page", act) for act in _pages(wards, role))
    yield from (("command", act) for act in _commands(wards))
    now = datetime.now(UTC) + timedelta(days=1)
    mail = mail_policy(wards.web.settings)
    yield "job", lambda: sweep(wards.web.database, protocol=protocol, mail=mail, as_of=now, now=now, full=True)
    kept = Kept(clinical_years=1, **dict.fromkeys(("raw", "accounts", "drafts"), timedelta(0)))
    yield "job", lambda: apply_retention(wards.web.database, SYSTEM, kept, now=now + timedelta(days=800))


def _imports(wards: Wards, folder: Path) -> Iterator[Callable[[], object]]:
    mrn, heads = wards.sides["North"].ids["mrn"], ["mrn", "when", "analyte", "value", "unit", "id", "status"]
    rows = [
        [mrn, "2024-05-01", "zinc", value, "ug/dL", "z1", status]
        for value, status in (("80", "final"), ("90", "corrected"))
    ]
    rows.append([mrn, "2024-05-01", "zinc", "many", "ug/dL", "z2", "final"])
    for name, content in (("first", rows[:1] + rows[2:]), ("corrected", rows[1:2])):
        sheet = folder / f"{name}.csv"
        sheet.write_text("\n".join(",".join(row) for row in (heads, *content)))
        book = Workbook()
        for row in (heads, *[[*row[:2], "copper", *row[3:5], f"x{row[5]}", row[6]] for row in content]):
            book.active.append(row)
        book.save(folder / f"{name}.xlsx")
        document = folder / f"{name}.json"
        document.write_text(_document(mrn, 99 if name == "first" else 101))
        for file in (sheet, folder / f"{name}.xlsx", document):
            yield lambda file=file: import_paths(wards.web.database, _nurse(wards), [file], now=datetime.now(UTC))


def _document(mrn: str, value: float) -> str:
    return json.dumps(bundle(patient(mrn), glucose(value, id="g1", effectiveDateTime="2024-05-02T08:15:00Z")))


def _messages(wards: Wards) -> None:
    mrn, database = wards.sides["North"].ids["mrn"], wards.web.database
    desk = Desk(SYSTEM, ZoneInfo("UTC"), mail_policy(wards.web.settings))
    for n, (value, status) in enumerate((("80", "F"), ("95", "C"), ("no number", "F"))):
        lines = (
            f"MSH|^~\\&|LAB|X|N|N|20240601||ORU^R01|M{n}|P|2.5|||||||UNICODE UTF-8",
            f"PID|||{mrn}||X^Y||19640207|F",
            "OBR|1|P1|F1|ZINC|||202406010800",
            f"OBX|1|NM|ZINC||{value}|ug/dL|||||{status}|||202406010800",
        )
        with database.write() as session:
            receive(session, desk, [Arrived("\r".join(lines).encode(), "192.0.2.9")], now=datetime.now(UTC))


def _pages(wards: Wards, role: str) -> Iterator[Callable[[], object]]:
    side, who = wards.sides["North"], (role, "North")

    def keep(answer: Any) -> None:
        if "nadir=" in answer.headers.get("Set-Cookie", ""):
            wards.cookies[who] = answer.headers["Set-Cookie"].partition(";")[0]

    email = side.people.get(role, f"{role}@x.example")
    for callback in callbacks(wards.web.client(email)):
        yield lambda callback=callback: keep(call(wards, who, callback, usual(callback, side)))
    for route in every_route(wards):
        if route.method != "GET" and route.rule not in ("/logout", "/login"):
            yield lambda route=route: keep(visit(wards, who, route, side))


def _commands(wards: Wards) -> Iterator[Callable[[], object]]:
    side, now = wards.sides["South"], datetime.now(UTC)
    database, letter = wards.web.database, "S"
    tokens: list[str] = []

    def written(act: Callable[[Session], object]) -> Callable[[], object]:
        def run() -> object:
            with database.write() as session:
                return act(session)

        return run

    new = {"birth_date": None, "sex": None}
    acts: list[Callable[[Session], object]] = [
        lambda s: add_team(s, SYSTEM, "West", now=now),
        lambda s: tokens.append(add_person(s, SYSTEM, email="w@x.example", role="nurse", teams=["West"], now=now)),
        lambda s: redeem(s, tokens[-1], PASSWORD, now),
        lambda s: set_role(s, SYSTEM, "w@x.example", "oncologist", now=now),
        lambda s: set_teams(s, SYSTEM, "w@x.example", ["West", "South"], now=now),
        lambda s: invite(s, SYSTEM, "w@x.example", now=now),
        lambda s: reset(s, SYSTEM, "w@x.example", now=now),
        lambda s: disable(s, SYSTEM, "w@x.example", now=now),
        lambda s: make_token(s, SYSTEM, "machine@x.example", "second", now=now),
        lambda s: add_patient(s, SYSTEM, mrn="W-1", name="New", teams=["South"], now=now, **new),
        lambda s: assign_team(s, SYSTEM, mrn="W-1", team="West", now=now),
        lambda s: record_consent(
            s, SYSTEM, "W-1", "research", given=True, on=now.date(), said="a form signed", now=now
        ),
        lambda s: save(s, actor_of(s, side.people["nurse"]), "W-1", submission(s, "W-1", weight="61.0"), now),
        lambda s: set_status(s, SYSTEM, mrn="W-1", status="transferred", on=now.date(), reason="moved away", now=now),
        lambda s: retract_record(
            s, SYSTEM, int(wards.sides["South"].ids["record"]), reason="of another person", now=now
        ),
        lambda s: discard_quarantined(s, SYSTEM, int(side.ids["held"]), reason="no such unit", now=now),
        lambda s: unmerge_patient(s, SYSTEM, merged=f"{letter}-703", reason="two people", now=now),
        lambda s: merge_patients(s, SYSTEM, merged=f"{letter}-702", into=f"{letter}-704", reason="one person", now=now),
        lambda s: erase_identity(s, SYSTEM, f"{letter}-701", reason="asked for by the patient", now=now),
    ]
    yield lambda: retry_quarantined(database, SYSTEM, int(side.ids["held"]), now=now)
    yield from map(written, acts)


def _nurse(wards: Wards) -> Any:
    with wards.web.database.read() as session:
        return actor_of(session, wards.sides["North"].people["nurse"])
