"""Two teams with everything Nadir keeps, every text of a patient a canary, and a person of each role signed in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pysqlite3
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from data.db import Database
from data.intake.batch import import_paths
from data.merges import merge_patients, unmerge_patient
from data.models import (
    Base,
    EntryDraft,
    Flag,
    ImportJob,
    Patient,
    PatientIdentifier,
    PatientReview,
    PatientStatus,
    Person,
    Quarantined,
    Record,
    RuleMute,
    TeamLead,
)
from data.models import IdentityProposal as ProposalRow
from data.people import Actor, add_person, person_actor, redeem
from data.queries import ask
from data.rota_changes import set_weeks
from data.service_tokens import make_token
from tests.dashboard.conftest import PASSWORD, Web
from tests.data.findings import finding, judge_as
from tests.data.signing import decided
from tests.data.ward import Ward, coded, lab

SYSTEM = Actor.system("test")
TEAMS = ("North", "South")
CANARY = re.compile(r"CNRY-(North|South)-([a-z]+)-[0-9a-f]{8}")
# What changes when somebody only looks, signs in or is refused.
TRAIL = frozenset({"audit", "audit_head", "session", "known_device", "throttle"})


def canary(team: str, field: str) -> str:
    """The canary of a field of a team: the same at each call."""
    return f"CNRY-{team}-{field}-{sha256(f'{team} {field}'.encode()).hexdigest()[:8]}"


@dataclass
class Side:
    """One team: the people of it by role, and what its things are called by."""

    team: str
    people: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def canary(self, field: str) -> str:
        """The canary of one field of this team's patients."""
        return canary(self.team, field)


@dataclass
class Wards:
    """The application over both teams. `cookies` are those of signed-in browsers, by role and team."""

    web: Web
    sides: dict[str, Side]
    token: str
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)
    _kept: Path = Path()
    _kept_cookies: dict[tuple[str, str], str] = field(default_factory=dict)

    def keep(self) -> None:
        """Remember the database as it is now; one of PostgreSQL is not kept and goes on as it becomes."""
        if self._in_a_file:
            _copy(self._file, self._kept)
            self._kept_cookies = dict(self.cookies)

    def restore(self) -> None:
        """The database as it was kept, sign-ins included."""
        if self._in_a_file:
            _copy(self._kept, self._file)
            self.cookies = dict(self._kept_cookies)

    def settle(self, answer: TestResponse) -> None:
        """After a reply that gave the browser another cookie: the sign-ins as they were kept."""
        if "Set-Cookie" in answer.headers:
            self.restore()

    @property
    def _in_a_file(self) -> bool:
        return self.web.database.engine.dialect.name == "sqlite"

    @property
    def _file(self) -> Path:
        return Path(str(self.web.database.engine.url.database))


def _copy(source: Path, target: Path) -> None:
    with pysqlite3.connect(source) as old, pysqlite3.connect(target) as new:
        old.backup(new)
    old.close()
    new.close()


def furnish(web: Web, folder: Path) -> Wards:
    """Fill the database of `web` with two teams and sign everybody in."""
    now = datetime.now(UTC)
    sides = {team: _side(web.database, team, folder, now) for team in TEAMS}
    with web.database.write() as session:
        for role in ("admin", "auditor"):
            redeem(
                session,
                add_person(session, SYSTEM, email=f"{role}@x.example", role=role, teams=[], now=now),
                PASSWORD,
                now,
            )
        add_person(session, SYSTEM, email="machine@x.example", role="service", teams=["North"], now=now)
        token = make_token(session, SYSTEM, "machine@x.example", "feed", now=now)
    wards = Wards(web, sides, token, _kept=folder / "kept.db")
    for team, side in sides.items():
        for role, email in (*side.people.items(), ("admin", "admin@x.example"), ("auditor", "auditor@x.example")):
            jar = web.client(email).get_cookie("nadir")
            wards.cookies[role, team] = f"nadir={jar.value}"
    wards.keep()
    return wards


def _side(database: Database, team: str, folder: Path, now: datetime) -> Side:
    side = Side(team, people={role: f"{role}@{team.lower()}.example" for role in ("oncologist", "nurse")})
    letter, ids = team[0], side.ids
    with database.write() as session:
        ward = Ward.open(session, team)
        ids |= {"team": str(ward.team.id), "team_name": team}
        for role, email in side.people.items():
            named = side.canary("person")
            redeem(
                session,
                add_person(session, SYSTEM, email=email, role=role, teams=[team], now=now, name=named),
                PASSWORD,
                now,
            )
        for number in (1, 2, 3, 4):
            mrn = f"{letter}-70{number}"
            patient_id = ward.patient(mrn, *(_records(side) if number == 1 else ()), mrn_system=side.canary("system"))
            session.get_one(Patient, patient_id).name = side.canary("name") + f" {number}"
            session.add(
                PatientIdentifier(patient_id=patient_id, system="x", value=side.canary("identifier") + str(number))
            )
        ids |= {"mrn": f"{letter}-701", "mrn2": f"{letter}-702", "email": side.people["nurse"]}
        first = session.scalars(select(Patient).where(Patient.mrn == ids["mrn"])).one()
        ids |= {"uuid": first.uuid, "patient": str(first.id)}
        ids["record"] = str(_first_record(session, first.id))
        oncologist, nurse = (actor_of(session, side.people[role]) for role in ("oncologist", "nurse"))
        ids |= {"person": str(nurse.person_id), "self": str(oncologist.person_id)}
        session.add(TeamLead(team_id=ward.team.id, person_id=oncologist.person_id))
        set_weeks(session, SYSTEM, ward.team.id, now.date(), weeks=1, person_id=oncologist.person_id or 0, now=now)
        _judged(session, side, first.id, oncologist, now)
        ids["query"] = str(
            ask(session, oncologist, ids["mrn"], ids["record"], words=side.canary("query"), key=uuid4().hex, now=now)
        )
        _kept_work(session, side, first, ward.team.id, oncologist, now)
        merge = merge_patients(
            session, SYSTEM, merged=f"{letter}-703", into=f"{letter}-704", reason=side.canary("merge"), now=now
        )
        ids["merge"] = str(merge.id)
    _brought(database, side, folder, now)
    return side


def _records(side: Side) -> list[dict[str, Any]]:
    said = {"lab": side.canary("lab"), "method": side.canary("method")}
    return [
        lab("glucagon", 60.0, "pg/mL", "2025-06-01", canonical_ref_high=150.0, fasting=True, **said),
        lab("glucagon", 330.0, "pg/mL", "2025-12-01", canonical_ref_high=150.0, fasting=True, **said),
        coded("state", "2025-01-01", state="ned-resected"),
        coded("therapy", "2024-12-01", kind="procedure", procedure="resection", note=side.canary("note")),
        coded("finding", "2024-12-01", code="biopsy", text=side.canary("finding"), site=None),
        coded("symptom", "2025-12-01", name="fever", present=True),
    ]


def _first_record(session: Session, patient_id: int) -> int:
    found = session.scalars(select(Record.id).where(Record.patient_id == patient_id, Record.kind == "lab")).first()
    assert found is not None
    return found


def _judged(session: Session, side: Side, patient_id: int, oncologist: Actor, now: datetime) -> None:
    found = [
        finding(severity="high", records=[side.ids["record"]]),
        finding(rule="R06", severity="medium", subject="zinc", records=[side.ids["record"]]),
    ]
    judge_as(session, patient_id, found, now=now)
    rows = session.scalars(select(Flag).where(Flag.patient_id == patient_id).order_by(Flag.rule)).all()
    for row in rows:
        row.why, row.question = side.canary("why"), side.canary("question")
    session.flush()
    side.ids["flag"] = rows[0].id
    decided(
        session, oncologist, rows[1].id, "no-change", version=rows[1].version, now=now, why=side.canary("rationale")
    )


def _kept_work(session: Session, side: Side, first: Patient, team_id: int, oncologist: Actor, now: datetime) -> None:
    who = {"person_id": oncologist.person_id or 0, "who": oncologist.name}
    session.add(
        RuleMute(
            team_id=team_id, rule="R03", reason=side.canary("mute"), since=now, until=now + timedelta(days=7), **who
        )
    )
    session.add(
        PatientReview(
            key=uuid4().hex, patient_id=first.id, until=now.date(), why=side.canary("review"), name="x", at=now, **who
        )
    )
    session.add(
        PatientStatus(
            patient_id=first.id, status="active", on=now.date(), reason=side.canary("status"), set_by="x", set_at=now
        )
    )
    said = {"when": "2026-01-05T09:30", "note": side.canary("draft")}
    kept = {"form": "visit", "key": uuid4().hex, "number": 1, "version": 0, "said": said, "saved_at": now}
    session.add(EntryDraft(person_id=oncologist.person_id, patient_id=first.id, **kept))
    files = [{"name": side.canary("file") + ".csv", "kept": "0", "size": 9, "digest": "0"}]
    side.ids["job"] = str(uuid4())
    job = {
        "id": side.ids["job"],
        "owner_id": oncologist.person_id or 0,
        "state": "imported",
        "files": files,
        "options": {},
    }
    session.add(ImportJob(**job, format="csv", batch_id=uuid4().hex, created_at=now, asked_at=now))
    session.flush()
    side.ids["mute"] = str(session.scalars(select(RuleMute.id).where(RuleMute.team_id == team_id)).one())


def _brought(database: Database, side: Side, folder: Path, now: datetime) -> None:
    """A sheet of which a row is held, and a message that proposes to merge two patients."""
    with database.read() as session:
        nurse = actor_of(session, side.people["nurse"])
    letter = side.team[0]
    sheet = folder / f"{side.team}.csv"
    sheet.write_text(
        f"mrn,when,analyte,value,unit,comment\n{side.ids['mrn']},2024-01-09,zinc,80,{side.canary('unit')},x\n"
    )
    message = folder / f"{side.team}.hl7"
    segments = ("MSH|^~\\&|ADMIT|X|N|N|20250502||ADT^A40|7|P|2.5", "EVN|A40|20250502")
    message.write_text("\r".join((*segments, f"PID|||{letter}-701||X^Y||19640207|F", f"MRG|{letter}-702\r")))
    for file in (sheet, message):
        import_paths(database, nurse, [file], now=now)
    with database.write() as session:
        held = session.scalars(select(Quarantined).order_by(Quarantined.id.desc())).first()
        assert held is not None and side.canary("unit") in held.raw
        side.ids["held"] = str(held.id)
        proposal = session.scalars(select(ProposalRow).order_by(ProposalRow.id.desc())).first()
        assert proposal is not None
        side.ids["proposal"] = str(proposal.id)


def actor_of(session: Session, email: str) -> Actor:
    return person_actor(session, session.scalars(select(Person).where(Person.email == email)).one())


def undo_merge(wards: Wards, team: str) -> None:
    """Take the merge of a team apart, so that both its patients stand again."""
    with wards.web.database.write() as session:
        unmerge_patient(session, SYSTEM, merged=f"{team[0]}-703", reason="for a test", now=datetime.now(UTC))


Rows = dict[tuple[str, str], str]


def all_rows(engine: Engine, *, but: frozenset[str] = TRAIL) -> Rows:
    """A digest of each row of each table, by table and primary key."""
    found: Rows = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in but:
                continue
            for row in connection.execute(select(table)).mappings():
                key = json.dumps([str(row[column.name]) for column in table.primary_key], sort_keys=True)
                found[table.name, key] = sha256(repr(sorted(row.items())).encode()).hexdigest()
    return found


def rows_of(engine: Engine, side: Side) -> set[tuple[str, str]]:
    """The rows that belong to a team: the team itself and whatever points to it, its patients or its people."""
    own: dict[str, set[str]] = {"team": {side.ids["team"]}}
    found: set[tuple[str, str]] = set()
    with engine.connect() as connection:
        for _round in range(4):
            for table in Base.metadata.sorted_tables:
                if table.name in TRAIL:
                    continue
                for row in connection.execute(select(table)).mappings():
                    if table.name == "team":
                        theirs = str(row["id"]) in own["team"]
                    else:
                        theirs = (
                            any(
                                str(row[key.parent.name]) in own.get(key.column.table.name, ())
                                for key in table.foreign_keys
                            )
                            or (table.name == "patient" and _followed(connection, row["id"], side))
                            or (table.name == "person" and str(row["email"]).endswith(f"@{side.team.lower()}.example"))
                        )
                    if theirs:
                        keys = [str(row[column.name]) for column in table.primary_key]
                        own.setdefault(table.name, set()).add(keys[0])
                        found.add((table.name, json.dumps(keys, sort_keys=True)))
    return found


def _followed(connection: Any, patient_id: int, side: Side) -> bool:
    followed = Base.metadata.tables["patient_team"]
    wanted = select(followed.c.team_id).where(followed.c.patient_id == patient_id)
    return side.ids["team"] in {str(team) for team in connection.execute(wanted).scalars()}


def canaries(text: str) -> Iterator[tuple[str, str]]:
    """Team and field of each canary in a text."""
    for found in CANARY.finditer(text):
        yield found.group(1), found.group(2)
