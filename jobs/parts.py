"""A part of a sweep, judged on whatever machine a cluster gives it to, once however often it is begun.

A part is a row of `sweep_part`, and its outcome is written in the transaction that judges it. A worker that dies before
leaves nothing; one that dies afterwards has left it done, and who is given the part next finds that and does nothing.
Nothing about a patient travels between the machines: a worker is told the number of its part and finds whom to judge in
the database of its own settings, as every process of Nadir does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

import clinical
import data
from clinical.protocol import Protocol, load_protocol
from data.announcing import MailPolicy
from data.db import Database, open_database
from data.judge import Failure, JudgeCounts, judge
from data.migrate import require_current
from data.models import SweepPart
from data.people import Actor
from data.protocol.in_force import protocol_in_force
from data.settings import Settings, load_settings
from jobs.sweep import committed, uncollected


class OtherWorker(RuntimeError):
    """A worker whose program, protocol or database is not that of the sweep; it has judged nobody."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What every part of one sweep has in common; `program` and `protocol` are the versions to judge by."""

    run: str
    as_of: datetime
    now: datetime
    mail: MailPolicy
    protocol: str
    program: str


def judge_part(errand: Errand, number: int) -> None:
    """Judge the patients of part `number`, unless that is done. Raises OtherWorker where this process would judge
    otherwise than the one that asks, DatabaseError of SQLAlchemy as a sweep does."""
    if errand.program != PROGRAM:
        raise OtherWorker("the worker runs another version of Nadir than the sweep")
    settings, database = _home()
    with database.read() as session:
        protocol = protocol_in_force(session, load_protocol(settings.protocol_file, jurisdiction=settings.jurisdiction))
    if protocol.version != errand.protocol:
        raise OtherWorker(f"the worker judges by protocol {protocol.version}, the sweep by {errand.protocol}")
    with uncollected():
        committed(database, lambda session: _judge(session, errand, number, protocol))


def counts_of(part: SweepPart) -> JudgeCounts:
    """What judging a part changed. Raises LookupError for one that nobody has judged."""
    if part.counts is None:
        raise LookupError(f"part {part.number} of sweep {part.run} is not judged")
    failed = [Failure(**failure) for failure in part.counts["failed"]]
    return JudgeCounts(**{**part.counts, "failed": failed})


def _digest_of_program() -> str:
    digest = sha256()
    for package in (clinical, data):
        home = Path(str(package.__file__)).parent
        for path in sorted(home.rglob("*")):
            if path.suffix in (".py", ".toml"):
                digest.update(path.relative_to(home).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


# Taken when the program is loaded: files that an upgrade has exchanged since are not what judges here.
PROGRAM: Final = _digest_of_program()
"""The SHA-256 of what decides how a patient is judged: every file of `clinical` and `data`."""


def _judge(session: Session, errand: Errand, number: int, protocol: Protocol) -> None:
    part = session.scalar(
        select(SweepPart).where(SweepPart.run == errand.run, SweepPart.number == number).with_for_update()
    )
    if part is None:
        raise OtherWorker("the worker's database knows nothing of this sweep: it is another one")
    if part.counts is not None:
        return
    counts = judge(
        session,
        part.patient_ids,
        protocol=protocol,
        as_of=errand.as_of,
        now=errand.now,
        mail=errand.mail,
        actor=Actor.system("sweep"),
    )
    part.counts = _written(counts)


def _written(counts: JudgeCounts) -> dict[str, Any]:
    return asdict(counts)


@cache
def _home() -> tuple[Settings, Database]:
    settings = load_settings()
    database = open_database(settings.database_url, settings.audit_key())
    require_current(database)
    return settings, database
