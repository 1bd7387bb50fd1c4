"""The sender process: takes the mails of the outbox one by one to the mail server.

claim (a transaction) -> look again whether it is still to go to this person now (a transaction) -> write the letter and
hand it over (no transaction) -> settle (a transaction). A mail given up is passed on to the next person. Killed between
the hand-over and the settling, the mail goes out again under its Message-ID once the lease has lapsed; killed anywhere
else, it goes out once. Any number of senders may run.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog
from jinja2 import TemplateError
from sqlalchemy.exc import SQLAlchemyError

from data.alarms import Reason, alarm_once
from data.db import Database
from data.last_look import look_again
from data.mail_choices import switch_off, switch_on
from data.outbox import Answer, Claimed, claim, mail_policy, settle
from data.passing_on import pass_on, stranded_mails
from data.settings import Settings
from jobs.letters import Desk
from jobs.runs import in_one_line
from jobs.smtp import Answer as Reply
from jobs.smtp import Route

log = structlog.get_logger()

LOOK_S: Final = 1.0
POISON_TRIES: Final = 3
CIRCUIT_OPENS_AFTER: Final = 5
PROBE_IN_BASES: Final = 3
UNMADE: Final = (ValueError, LookupError, TypeError, TemplateError)


@dataclass(slots=True)
class Circuit:
    """Open after 5 connection failures in a row: then one mail at a time is tried, each after a pause."""

    pause_s: float
    failures: int = field(default=0, init=False)

    def note(self, reached: bool) -> None:
        """Count a failure to connect; any connection closes the circuit."""
        self.failures = 0 if reached else self.failures + 1

    @property
    def wait_s(self) -> float:
        """How long to wait before the next try."""
        return self.pause_s if self.failures >= CIRCUIT_OPENS_AFTER else 0.0


class Sender:
    """One sender: its way to the mail server, its desk and its circuit."""

    def __init__(
        self, database: Database, settings: Settings, *, stop: threading.Event, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._backoff_base_s = settings.backoff_base_s
        self._policy = mail_policy(settings)
        self._redirected = settings.mail_redirect is not None
        self._desk = Desk(settings)
        self._route = Route(settings)
        self._stop = stop
        self._clock = clock
        self.circuit = Circuit(PROBE_IN_BASES * settings.backoff_base_s)

    def send_next(self) -> str | None:
        """Take the next due mail as far as it goes; its new state, None when no mail is due.

        Raises SQLAlchemyError when the database is away; what was claimed is then free when its lease lapses.
        """
        with self._database.write() as session:
            claimed = claim(session, self._clock())
        if claimed is None:
            if self._pass_on():
                return "passed on"
            self._route.close()
            return None
        with self._database.write() as session:
            mail = look_again(session, claimed, self._policy, now=self._clock())
        if mail is None:
            return "put down"
        answer, alarm = self._try(mail)
        state = self._settle(mail, answer)
        log.info("mail", id=mail.id, state=state, attempt=mail.attempts, code=answer.code)
        self._heed(mail, answer, state)
        self._raise_alarm(mail, "mail-dead" if state == "dead" else alarm)
        return state or "lost"

    def close(self) -> None:
        """End the connection to the mail server."""
        self._route.close()

    def _try(self, mail: Claimed) -> tuple[Answer, Reason | None]:
        try:
            letter = self._desk.write(mail, now=self._clock())
            addressee = self._desk.addressee(mail)
        except UNMADE as error:
            why = f"no letter could be made: {in_one_line(error)}"
            return Answer("retry" if mail.attempts < POISON_TRIES else "dead", None, why), None
        reply = self._route.deliver(letter, sender=self._desk.sender, recipient=addressee)
        self.circuit.note(reply.reached)
        return _verdict(reply), "mail-barred" if reply.outcome == "barred" else None

    def _settle(self, mail: Claimed, answer: Answer) -> str | None:
        """Settle, again and again while the lease lasts: what was sent and is not settled would be sent twice."""
        jitter = random.uniform(-1, 1)
        while True:
            now = self._clock()
            try:
                with self._database.write() as session:
                    return settle(session, mail, answer, now=now, backoff_base_s=self._backoff_base_s, jitter=jitter)
            except SQLAlchemyError:
                if now >= mail.lease_until or self._stop.wait(LOOK_S):
                    raise

    def _heed(self, mail: Claimed, answer: Answer, state: str | None) -> None:
        """Switch an address off that the server refuses for good, on again when a test mail has arrived, and tell the
        next person of what could not be delivered."""
        if answer.verdict == "dead" and answer.code is not None and mail.own_address and not self._redirected:
            with self._database.write() as session:
                switch_off(session, mail.recipient_id, f"{answer.code} {answer.text}", now=self._clock())
        if state == "sent" and mail.kind == "test":
            with self._database.write() as session:
                switch_on(session, mail.recipient_id, now=self._clock())
        if state == "dead":
            self._pass_on()

    def _pass_on(self) -> int:
        with self._database.read() as session:
            stranded = stranded_mails(session)
        written = 0
        for outbox_id in stranded:
            with self._database.write() as session:
                written += pass_on(session, outbox_id, self._policy, now=self._clock())
        return written

    def _raise_alarm(self, mail: Claimed, reason: Reason | None) -> None:
        if reason is None or mail.kind == "technical":
            return  # an alarm about alarms would be as undeliverable; the watchdog counts dead mails
        with self._database.write() as session:
            alarm_once(session, reason, self._policy, now=self._clock())


def _verdict(reply: Reply) -> Answer:
    if reply.outcome == "sent":
        return Answer("sent", reply.code, reply.text)
    return Answer("dead" if reply.outcome == "refused" else "retry", reply.code, reply.text, reply.reached)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def run(
    database: Database, settings: Settings, *, stop: threading.Event, clock: Callable[[], datetime] = _wall_clock
) -> None:
    """Send mails until `stop` is set; the mail in hand is settled first."""
    sender = Sender(database, settings, stop=stop, clock=clock)
    log.info("sending", host=settings.smtp_host, port=settings.smtp_port)
    while not stop.is_set():
        try:
            wait_s = LOOK_S if sender.send_next() is None else sender.circuit.wait_s
        except SQLAlchemyError as error:
            log.warning("database away", why=in_one_line(error))
            wait_s = LOOK_S
        stop.wait(wait_s)
    sender.close()
