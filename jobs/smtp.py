"""One dialogue with the mail server, its answers sorted by what they mean for the mail.

RFC 5321 4.2.1: 2xx accepted, 4xx try again, 5xx never this way. What a 5xx is about depends on the step: to RCPT it is
this recipient, at any other step it is us, and then no mail will pass. After the dot of DATA a lost reply is ambiguous:
the mail may have been accepted.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from typing import Literal

from data.settings import Settings, SettingsError

STEP_S = 10.0
DIALOGUE_S = 45.0
AUTHENTICATION_WANTED = frozenset({530, 534, 535, 538})

Outcome = Literal["sent", "later", "refused", "barred"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a try ended: `sent`, `later` (try again), `refused` (this recipient never), `barred` (none of our mails).

    `code` is the server's, None where it gave none; `reached` is False when there was no server to talk to.
    """

    outcome: Outcome
    code: int | None
    text: str
    reached: bool = True


class Route:
    """The way to the mail server of the settings. A connection is kept between mails; `close` ends it."""

    def __init__(self, settings: Settings, *, step_s: float = STEP_S) -> None:
        self._step_s = step_s
        self._host = settings.smtp_host
        self._port = settings.smtp_port
        self._tls = settings.smtp_tls
        self._user = settings.smtp_user
        self._password = _password(settings)
        self._hello = settings.mail_from.rpartition("@")[2].rstrip(">")
        self._smtp: smtplib.SMTP | None = None
        self._deadline = 0.0

    def deliver(self, message: EmailMessage, *, sender: str, recipient: str) -> Answer:
        """Hand one message over; every answer and every fault of the way is an `Answer`, none is raised.

        No step waits longer than `step_s` and the dialogue not much longer than 45 s: less than a sender's lease.
        """
        self._deadline = time.monotonic() + DIALOGUE_S
        try:
            smtp = self._ready()
        except smtplib.SMTPResponseException as error:
            answer = _by_code(error.smtp_code, error.smtp_error)
            return self._failed(replace(answer, reached=answer.outcome == "barred"))
        except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
            return self._failed(Answer("barred", None, _words(error)))
        except OSError as error:  # smtplib's own errors are OSErrors too
            return self._failed(Answer("later", None, _words(error), reached=False))
        answer = self._hand_over(smtp, message.as_bytes(policy=WIRE), sender, recipient)
        return answer if answer.outcome == "sent" else self._failed(answer)

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._smtp is not None:
            smtp, self._smtp = self._smtp, None
            smtp.close()

    def _failed(self, answer: Answer) -> Answer:
        self.close()
        return answer

    def _ready(self) -> smtplib.SMTP:
        if self._smtp is not None:
            try:
                code, _ = self._step(self._smtp).rset()
            except OSError:
                code = 421  # it had gone away in between
            if _accepted(code):
                return self._smtp
            self.close()
        self._smtp = smtp = self._connected()
        self._step(smtp).ehlo_or_helo_if_needed()
        if self._tls == "starttls":
            self._step(smtp).starttls(context=ssl.create_default_context())
            self._step(smtp).ehlo_or_helo_if_needed()
        if self._user is not None:
            self._step(smtp).login(self._user, self._password)
        return smtp

    def _connected(self) -> smtplib.SMTP:
        if self._tls == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, self._hello, timeout=self._step_s, context=context)
        return smtplib.SMTP(self._host, self._port, self._hello, timeout=self._step_s)

    def _hand_over(self, smtp: smtplib.SMTP, message: bytes, sender: str, recipient: str) -> Answer:
        where = "before DATA"
        try:
            code, reply = self._step(smtp).mail(sender)
            if not _accepted(code):
                return _by_code(code, reply)
            code, reply = self._step(smtp).rcpt(recipient)
            if not _accepted(code):
                answer = _by_code(code, reply)
                theirs = answer.outcome == "barred" and code not in AUTHENTICATION_WANTED
                return replace(answer, outcome="refused") if theirs else answer
            where = "after DATA; it may have been accepted"
            return _by_code(*self._step(smtp).data(message))
        except smtplib.SMTPResponseException as error:
            return _by_code(error.smtp_code, error.smtp_error)
        except OSError as error:
            return Answer("later", None, f"{_words(error)} ({where})")

    def _step(self, smtp: smtplib.SMTP) -> smtplib.SMTP:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the mail server took longer than {DIALOGUE_S:.0f} s")
        if smtp.sock is not None:
            smtp.sock.settimeout(min(self._step_s, left))
        return smtp


def _accepted(code: int) -> bool:
    return 200 <= code < 300


def _by_code(code: int, reply: bytes | str) -> Answer:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    if _accepted(code):
        return Answer("sent", code, text)
    return Answer("barred" if code >= 500 else "later", code, text)


def _words(error: OSError) -> str:
    return f"{type(error).__name__}: {error}"


def _password(settings: Settings) -> str:
    if settings.smtp_user is None:
        return ""
    if settings.smtp_password_file is None:
        raise SettingsError("NADIR_SMTP_PASSWORD_FILE: NADIR_SMTP_USER is set, but no file with its password")
    try:
        return settings.smtp_password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(f"NADIR_SMTP_PASSWORD_FILE: {error}") from error
