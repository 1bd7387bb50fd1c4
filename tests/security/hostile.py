"""The texts of `payloads` in every text field: by pages, sheets, messages, documents, and straight into the tables."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from openpyxl import Workbook
from sqlalchemy import JSON, String, Table, UniqueConstraint, select, update
from sqlalchemy import text as statement
from sqlalchemy.exc import IntegrityError

from data.intake.batch import import_paths
from data.models import Base, Feed, Patient, PatientTeam
from data.queries import ask
from tests.data.bundles import bundle, coded, glucose, observation, patient
from tests.security.bodies import WORDS, body, callbacks, usual
from tests.security.requests_as import Route, call
from tests.security.wards import Wards, actor_of

# Columns whose texts are words of Nadir's own: keys, states, kinds, codes, times.
OWN_WORDS = frozenset(
    [
        "id",
        "uuid",
        "mrn",
        "email",
        "role",
        "password_hash",
        "language",
        "status",
        "state",
        "kind",
        "severity",
        "axis",
        "rule",
        "rule_version",
        "protocol_version",
        "format",
        "digest",
        "key",
        "dedup_key",
        "evidence_digest",
        "analyte",
        "comparator",
        "canonical_unit",
        "precision",
        "value",
        "effective_text",
        "batch_id",
        "from_status",
        "to_status",
        "to_state",
        "from_state",
        "decision",
        "to_number",
        "form",
        "flag_id",
        "ended_by_flag",
        "owner_id",
        "actor",
        "action",
        "key_id",
        "mac",
        "id_hash",
        "token_hash",
        "code_hash",
        "sealed",
        "bucket",
        "provider_subject",
        "standing",
        "base_version",
        "trial_version",
        "threshold",
        "message_id",
        "lease_token",
        "job",
        "holder",
        "unit",
        "sex",
        "source",
        "ref_low",
        "ref_high",
        "into_number",
        "from_number",
        "closed_by",
        "natural_key",
        "told_in",
        "corrects",
        "sensor_day",
        "interpretation",
        "device",
        "day",
        "zone",
        "how",
        "outcome",
        "object",
        "request_id",
        "detail",
        "preferences",
        "options",
        "progress",
        "preview",
        "summary",
        "basis",
        "finding",
        "changes",
        "packed",
        "card",
        "name_key",
        "told",
        "chosen",
        "counts",
    ]
)
SKIPPED_TABLES = frozenset({"audit", "audit_head", "session", "leader", "job_plan", "job_run", "watermark", "glance"})
DELIMITERS = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": "\\X0D\\", "\n": "\\X0A\\"}

# What would take a patient out of the lists.
LEFT_OUT = ("correct", "merge", "who-status")


def plant(wards: Wards, folder: Path, texts: Sequence[str]) -> Counter[str]:
    """Put the texts wherever a text is kept; how many went each way."""
    sent = Counter[str]()
    cycle = itertools.cycle(texts)
    sent["pages"] = _through_pages(wards, cycle)
    for name, count in _through_files(wards, folder, texts).items():
        sent[name] = count
    sent["questions"] = _questions(wards, texts)
    sent["columns"] = _into_tables(wards, cycle)
    return sent


def unfreeze(session: Any) -> None:
    """Take off what keeps rows of history as they are, in this copy of SQLite: here they are to hold anything."""
    for name in session.scalars(statement("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        session.execute(statement(f'DROP TRIGGER "{name}"'))


def _through_pages(wards: Wards, texts: Iterator[str]) -> int:
    side, who, taken = wards.sides["North"], ("oncologist", "North"), 0
    for callback in callbacks(wards.web.client(side.people["oncologist"])):
        values = usual(callback, side)
        if WORDS in values and not any(part in callback.name for part in LEFT_OUT):
            given = [f"{next(texts)} reason enough" if value == WORDS else value for value in values]
            answer = call(wards, who, callback, given)
            taken += answer.status_code == 200
            assert body(callback, given)["output"] == callback.name
            if "Set-Cookie" in answer.headers:
                jar = answer.headers["Set-Cookie"].partition(";")[0]
                wards.cookies[who] = jar
    for form in ("visit", "therapy"):
        said = {"when": "2026-01-05T09:30", "note": next(texts), "weight": "70", "skin.note": next(texts)}
        sent = {"patient": side.ids["uuid"], "key": uuid4().hex, "version": 0, "number": 3, "said": said}
        route = Route("/p/<mrn>/entry/<form>/draft", "POST")
        client = wards.web.app.server.test_client(use_cookies=False)
        answer = client.post(route.address(side, form=form), json=sent, headers={"Cookie": wards.cookies[who]})
        taken += answer.status_code == 200
    for name in itertools.islice(texts, 5):
        sheet = f"mrn,when,analyte,value,unit\n{side.ids['mrn']},2026-01-01,zinc,80,ug/dL\n"
        headers = {"X-File-Name": quote(name, safe=""), "Cookie": wards.cookies["nurse", "North"]}
        taken += client.post("/import/upload", data=sheet.encode(), headers=headers).status_code == 201
    return taken


def _through_files(wards: Wards, folder: Path, texts: Sequence[str]) -> dict[str, int]:
    mrn, now = wards.sides["North"].ids["mrn"], datetime.now(UTC)
    with wards.web.database.read() as session:
        nurse = actor_of(session, wards.sides["North"].people["nurse"])
    files = {
        "csv": folder / "hostile.csv",
        "xlsx": folder / "hostile.xlsx",
        "hl7": folder / "hostile.hl7",
        "fhir": folder / "hostile.json",
    }
    heads = ["mrn", "when", "analyte", "value", "unit", "lab", "method", "note", "id", "extra"]
    rows = [
        [mrn, f"2024-02-{1 + n % 28:02}T{n // 28:02}:00:00Z", "zinc", "80", "ug/dL", t[:200], t[:200], t, t[:300], t]
        for n, t in enumerate(texts)
    ]
    rows += [[mrn, "2024-01-01", text, text, text, text, "", "", "", ""] for text in texts]
    files["csv"].write_text(
        "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in (heads, *rows)),
        encoding="utf-8",
    )
    book = Workbook()
    for row in (heads, *[[row[0], row[1].replace("2024", "2023"), *row[2:]] for row in rows]):
        book.active.append(["".join(c for c in cell if c.isprintable()) for cell in row])
    for line in book.active.iter_rows():
        for cell in line:
            cell.data_type = "s"
    book.save(files["xlsx"])
    files["hl7"].write_text("\r".join(_messages(mrn, texts)), encoding="utf-8")
    files["fhir"].write_text(json.dumps(_documents(mrn, texts)), encoding="utf-8")
    for file in files.values():
        import_paths(wards.web.database, nurse, [file], now=now)
    return {name: 2 * len(texts) if name in ("csv", "xlsx") else len(texts) for name in files}


def _messages(mrn: str, texts: Sequence[str]) -> Iterator[str]:
    for n, text in enumerate(texts):
        said = "".join(DELIMITERS.get(c, c) for c in text)
        yield f"MSH|^~\\&|LAB|{said[:100]}|N|N|20240101||ORU^R01|H{n}|P|2.5|||||||UNICODE UTF-8"
        yield f"PID|||{mrn}^^^{said[:100]}||{said[:100]}^X||19640207|F"
        yield f"OBR|1|{said[:100]}|{said[:100]}|ZINC^{said[:100]}|||202401{1 + n % 28:02}0800"
        when = f"2024{1 + n // 28 % 12:02}{1 + n % 28:02}0800"
        yield f"OBX|1|NM|ZINC^{said[:100]}||80|ug/dL||{said[:50]}|||F|||{when}||{said[:100]}"
        yield f"NTE|1||{said}"
        yield f"OBX|2|ST|{said[:50]}^{said[:50]}||{said}||||||F"


def _documents(mrn: str, texts: Sequence[str]) -> dict[str, Any]:
    who = [{"text": texts[0], "family": texts[1 % len(texts)], "given": [texts[2 % len(texts)]]}]
    made = [patient(mrn, name=who, identifier=[{"system": "urn:hospital", "value": mrn, "type": {"text": texts[0]}}])]
    for n, text in enumerate(texts):
        when = f"2022-{1 + n // 28 % 12:02}-{1 + n % 28:02}T08:15:00Z"
        said = {
            "note": [{"text": text}],
            "performer": [{"display": text}],
            "method": {"text": text},
            "effectiveDateTime": when,
        }
        made.append(glucose(99, id=f"g{n}", interpretation=[{"text": text}], **said))
        made.append(observation(coded("biopsy") | {"text": text}, id=f"f{n}", valueString=text, **said))
        made.append({"resourceType": text[:30], "id": f"x{n}"})
    return bundle(*made)


def _questions(wards: Wards, texts: Sequence[str]) -> int:
    side, asked = wards.sides["North"], 0
    with wards.web.database.write() as session:
        oncologist = actor_of(session, side.people["oncologist"])
        for text in texts:
            words = f"{text} what is this?"[:1000]
            ask(
                session,
                oncologist,
                side.ids["mrn"],
                side.ids["record"],
                words=words,
                key=uuid4().hex,
                now=datetime.now(UTC),
            )
            asked += 1
    return asked


def _into_tables(wards: Wards, texts: Iterator[str]) -> int:
    """Every text column of every row of the team's database that is not Nadir's own word, and the lists beside them."""
    written, now = 0, datetime.now(UTC)
    with wards.web.database.write() as session:
        unfreeze(session)
        session.add(
            Feed(
                application=next(texts)[:200],
                facility=next(texts)[:200],
                last_heard_at=now,
                last_control_id=next(texts)[:200],
                last_peer="x",
            )
        )
        for n in range(3):
            added = Patient(
                uuid=str(uuid4()),
                mrn=f"X{n}{next(texts)}"[:60].replace("/", "-"),
                name=next(texts)[:300],
                created_at=now,
            )
            session.add(added)
            session.flush()
            session.add(PatientTeam(patient_id=added.id, team_id=int(wards.sides["North"].ids["team"])))
        session.flush()
        for table in Base.metadata.sorted_tables:
            if table.name in SKIPPED_TABLES:
                continue
            columns = [
                c
                for c in table.columns
                if c.name not in OWN_WORDS and isinstance(c.type, String) and not c.foreign_keys and not c.primary_key
            ]
            keys, apart = list(table.primary_key.columns), _apart(table)
            for row in session.execute(select(*keys)).all() if columns else ():
                values = {c.name: _fitting(next(texts), c.type, written if c.name in apart else None) for c in columns}
                where = [key == value for key, value in zip(keys, row, strict=True)]
                written += _written(session, table, where, values)
        written += _into_details(session, texts)
    return written


def _written(session: Any, table: Table, where: list[Any], values: dict[str, str]) -> int:
    """How many of the texts the row took; a closed list of words takes none."""
    try:
        with session.begin_nested():
            session.execute(update(table).where(*where).values(values))
    except IntegrityError:
        if len(values) == 1:
            return 0
        return sum(_written(session, table, where, {name: value}) for name, value in values.items())
    return len(values)


def _into_details(session: Any, texts: Iterator[str]) -> int:
    """The free texts inside the details of records."""
    table, written = Base.metadata.tables["record"], 0
    assert isinstance(table.c.detail.type, JSON)
    for id, detail in session.execute(select(table.c.id, table.c.detail)).all():
        if detail and {"note", "text"} & set(detail):
            said = {
                name: next(texts) if name in ("note", "text") and value else value for name, value in detail.items()
            }
            session.execute(update(table).where(table.c.id == id).values(detail=said))
            written += 1
    return written


def _apart(table: Table) -> set[str]:
    """The columns of which no two rows hold the same."""
    together = [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
    together += [index.columns for index in table.indexes if index.unique]
    return {column.name for columns in together for column in columns}


def _fitting(text: str, kind: String, number: int | None) -> str:
    said = text if number is None else f"{number} {text}"
    return said if kind.length is None else said[: kind.length]
