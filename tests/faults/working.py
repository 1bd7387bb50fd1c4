"""A site at work whose faults lose nothing: `nadir up`, people and a laboratory on it, and flags that are due."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Self

import psutil
from sqlalchemy import func, select, update

from bench.at_work import NUMBERS_OF, Case, Door, Laboratory, Ledger, Person, looks
from bench.site import commands, web_workers
from clinical.protocol import bundled_protocol
from dashboard.app import create_app
from data.audit import verify
from data.models import EntrySave, Flag, Hl7Message, Outbox, Patient, Quarantined, Record
from data.people import add_person, redeem
from data.settings import Settings
from tests.faults.conftest import SYSTEM, TEAM, Cohort, Site, wait_until
from tests.jobs.mllp_sender import free_port

EMAIL, PASSWORD = "nurse@clinic.example", "blue kettle, quiet harbour"
CHUNK = 5
UP_S, DRAIN_S = 90, 240


class Working:
    """Starts the processes and the load; `settle` ends the load, and `check` holds what was told against what is."""

    def __init__(self, site: Site, *, patients: int, people: int, every_s: float, rate: float, seed: int) -> None:
        self.site, self._chance = site, random.Random(seed)
        self.cohort = Cohort(site.database, patients, datetime.now(UTC))
        with site.database.write() as session:
            token = add_person(session, SYSTEM, email=EMAIL, role="nurse", teams=[TEAM], now=datetime.now(UTC))
            redeem(session, token, PASSWORD, datetime.now(UTC))
            session.execute(update(Patient).values(mrn_system=NUMBERS_OF))
            self._cases = [Case(patient.mrn, patient.uuid) for patient in session.scalars(select(Patient))]
        self.arrivals = [self.cohort.patient_ids[n : n + CHUNK] for n in range(0, patients, CHUNK)]
        self.ledger, self._stop = Ledger(), threading.Event()
        self._port, self._mllp = free_port(), free_port()
        self._people, self._every_s, self._rate, self._seed = people, every_s, rate, seed
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        key = str(self.site.home / "audit.key")
        self._up = self.site.start(
            *("up", "--port", str(self._port)),
            NADIR_SECRET_KEY_FILE=key,
            NADIR_BASE_URL=f"http://127.0.0.1:{self._port}",
            NADIR_ENVIRONMENT="test",
            NADIR_MLLP_PORT=str(self._mllp),
        )
        assert wait_until(self._answers, UP_S), self.site.log("up")[-3000:]
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(90)
        # The parent last: it would start again what was ended.
        parent = psutil.Process(self._up.pid)
        below = parent.children(recursive=True)
        for process in (parent, *below):
            process.kill()
        self._up.wait()

    def processes(self, name: str) -> list[psutil.Process]:
        """The running processes of a name: `serve` (web workers, not their parent), scheduler, sender, mllp."""
        parent = psutil.Process(self._up.pid)
        return web_workers(parent) if name == "serve" else [one for one, words in commands(parent) if name in words]

    def rise(self) -> bool:
        """Let the results of some patients come in that are to be flagged; whether there were any left."""
        if not self.arrivals:
            return False
        self.cohort.rise(self.arrivals.pop())
        return True

    def settle(self) -> None:
        """End the load, let what is left come in, and wait until everything was judged and every mail has left."""
        self._stop.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), f"{thread.name} waits for an answer that never comes"
        while self.rise():
            pass
        assert wait_until(self._told, DRAIN_S), self.site.log("up")[-3000:]

    def check(self) -> None:
        """What was acknowledged is there once; every flag and its mails exist once; the trail holds."""
        with self.site.database.read() as session:
            saves = {save.key: save for save in session.scalars(select(EntrySave))}
            visits = Counter(
                session.scalars(
                    select(Record.batch_id).where(Record.batch_id.in_([s.batch_id for s in saves.values()]))
                )
            )
            kept = Counter(session.scalars(select(Hl7Message.control_id)))
            zinc = session.scalar(select(func.count()).where(Record.analyte == "zinc"))
            held = session.scalars(select(Quarantined.why)).all()
            flagged = Counter(
                session.scalars(select(Patient.mrn).join(Flag, Flag.patient_id == Patient.id).where(Flag.rule == "R03"))
            )
            mails = session.scalars(select(Outbox).where(Outbox.kind == "immediate")).all()
            flags = session.scalars(select(Flag)).all()
            audit = verify(session)
        assert self.ledger.saved and self.ledger.acknowledged, "nobody was answered: this run proved nothing"
        assert set(self.ledger.saved) <= set(saves), "saved was answered, and the save is not there"
        assert all(visits[save.batch_id] == save.stored for save in saves.values()), "a save stands in part"
        assert set(self.ledger.acknowledged) <= set(kept), "acknowledged and lost"
        assert max(kept.values()) == 1, "a message is there twice"
        assert zinc == len(kept) and not held, f"{len(kept)} messages, {zinc} results, held: {held[:3]}"
        assert flagged == {mrn: 1 for mrn in self.cohort.mrns()}
        assert len({flag.dedup_key for flag in flags}) == len(flags)
        told = Counter((mail.flag_id, mail.recipient_id) for mail in mails)
        assert set(told.values()) == {1} and {mail.state for mail in mails} == {"sent"}
        assert {mail.flag_id for mail in mails} >= {f.id for f in flags if f.rule == "R03" and f.severity == "high"}
        assert {mail.message_id for mail in mails} <= set(self.site.mail_server.copies())
        assert audit.ok, audit.why

    def failures(self) -> str:
        """How often whom what failed."""
        return str(Counter((failure.who, failure.why[:60]) for failure in self.ledger.failed))

    def _answers(self) -> bool:
        try:
            Door(self._port).sign_in(EMAIL, PASSWORD)
        except (OSError, RuntimeError):
            return False
        return bool(self.processes("mllp"))

    def _begin(self) -> None:
        settings = Settings(
            _env_file=None,
            secret_key_file=self.site.home / "audit.key",
            base_url=f"http://127.0.0.1:{self._port}",
            environment="test",
        )
        bodies = looks(create_app(self.site.database, settings, bundled_protocol()).callback_map)
        for number in range(self._people):
            door = Door(self._port)
            door.sign_in(EMAIL, PASSWORD)
            own = self._cases[number :: self._people]
            person = Person(door, own, bodies, self.ledger, self._stop, seed=self._seed + number, every_s=self._every_s)
            self._threads.append(person)
        mrns = [case.mrn for case in self._cases]
        self._threads.append(Laboratory(self._mllp, mrns, self.ledger, self._stop, seed=self._seed, rate=self._rate))
        for thread in self._threads:
            thread.start()

    def _told(self) -> bool:
        with self.site.database.read() as session:
            flags = session.scalar(select(func.count()).where(Flag.rule == "R03"))
            waiting = session.scalar(
                select(func.count()).where(Outbox.kind != "digest", Outbox.state.in_(("pending", "sending", "retry")))
            )
        return flags == len(self._cases) and waiting == 0
