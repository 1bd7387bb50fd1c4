"""A published case as a clinic would have lived it: imported day by day, swept, mailed, and taken by an oncologist."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from clinical.protocol import bundled_protocol
from data.db import Database
from data.entry.attempt import Attempt
from data.entry.corrections import retract
from data.entry.judged import judge_now
from data.flag_moves import CLOSED
from data.flags import acknowledge, list_flags, show_flag
from data.intake.batch import import_paths
from data.models import Patient
from data.outbox import mail_policy
from data.people import Actor
from data.settings import Settings
from jobs.sender import Sender
from jobs.sweep import sweep
from tests.data.signing import decided
from tests.data.ward import Ward
from tests.mail_server import Delivered, MailServer
from tests.oracles.cases.bundle import bundle, day, mrn, through, told_on
from tests.oracles.cases.judgements import read_case

IMPORTER = Actor.system("published cases")
PROTOCOL = bundled_protocol()
MORNING = time(6, 0, tzinfo=UTC)

FlagDocument = dict[str, Any]


class Followed:
    """One case in a clinic with one oncologist, a sender and a mail server. `now` is the morning after the day that was
    lived last, `stood` are the rules whose flags stood before that day told anything."""

    def __init__(self, database: Database, server: MailServer, name: str, folder: Path) -> None:
        self.database, self.server = database, server
        self.case, self._file = read_case(name), folder / "told.json"
        self.mrn = mrn(self.case)
        settings = Settings(
            _env_file=None, smtp_port=server.port, base_url="https://nadir.example", contact_line="+49 89 123456"
        )
        self.mail = mail_policy(settings)
        self.now = self.morning_after(told_on(self.case)[0] - 1)
        self.stood: frozenset[str] = frozenset()
        self._sender = Sender(database, settings, stop=threading.Event(), clock=lambda: self.now)
        with database.write() as session:
            self.oncologist = Ward.open(session, "NET").person("onc@net.example")

    @staticmethod
    def morning_after(replay_day: int) -> datetime:
        """When what was told on that day has been stored and is judged."""
        return datetime.combine(day(replay_day) + timedelta(days=1), MORNING)

    def days(self) -> Iterator[int]:
        """Live each day on which the case tells something: what time alone has made due is judged, then its facts come
        in, are judged, mailed and sent."""
        for replay_day in told_on(self.case):
            self.now = max(self.now, self.morning_after(replay_day - 1))
            self.sweep()
            self.stood = frozenset(self.standing())
            self.now = self.morning_after(replay_day)
            self._file.write_text(json.dumps(bundle(through(self.case, replay_day))), encoding="utf-8")
            import_paths(self.database, IMPORTER, [self._file], now=self.now, team="NET")
            self.sweep()
            yield replay_day

    def sweep(self) -> None:
        """A sweep, and the mails it wrote."""
        report = sweep(self.database, protocol=PROTOCOL, mail=self.mail, as_of=self.now, now=self.now)
        assert not report.counts.failed, report.counts.failed
        self.send()

    def send(self) -> None:
        """Every mail that is due."""
        while self._sender.send_next() is not None:
            pass

    def flags(self) -> list[FlagDocument]:
        """Every flag of the case, as its documents."""
        with self.database.read() as session:
            return list_flags(session, self.oncologist)

    def standing(self) -> dict[str, FlagDocument]:
        """The flags that are not closed, by rule."""
        return {flag["rule"]: flag for flag in self.flags() if flag["status"] not in CLOSED}

    def mails_about(self, flag_id: str) -> list[Delivered]:
        """The mails the server took that link to this flag."""
        return [mail for mail in self.server.delivered if f"/flag/{flag_id}" in mail.text]

    def take_all(self) -> None:
        """The oncologist acknowledges whatever is open."""
        for flag in self.flags():
            if flag["status"] == "open":
                with self.database.write() as session:
                    version = show_flag(session, self.oncologist, flag["id"])["version"]
                    acknowledge(session, self.oncologist, flag["id"], why="I have it", version=version, now=self.now)

    def decide(self, flag_id: str) -> str:
        """The oncologist reviews a flag and signs that nothing changes; its status then."""
        with self.database.write() as session:
            version = show_flag(session, self.oncologist, flag_id)["version"]
            return decided(session, self.oncologist, flag_id, version=version, now=self.now).status

    def take_back(self, record: str) -> tuple[str, ...]:
        """A record turns out to have been entered in error; the reviews that reopens."""
        attempt = Attempt(key=str(uuid4()), reason="another patient's", protocol=PROTOCOL, mail=self.mail, now=self.now)
        with self.database.write() as session:
            done = retract(session, self.oncologist, self.mrn, int(record), attempt)
            patient_id = session.scalars(select(Patient.id).where(Patient.mrn == self.mrn)).one()
        judge_now(self.database, self.oncologist, patient_id, protocol=PROTOCOL, mail=self.mail, now=self.now)
        self.send()
        return done.reopened
