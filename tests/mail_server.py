"""A real SMTP server on loopback whose manners a test can change while it runs."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as Dialogue

MODES = ("ok", "450", "550", "451 after DATA", "554 to all", "drop after DATA", "silent", "refused")


@dataclass(frozen=True)
class Delivered:
    """A mail the server took: to whom, and the message."""

    recipient: str
    message: EmailMessage

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())


class MailServer:
    """Takes mail at 127.0.0.1:`port` in the manner of `mode`; `unknown` are addresses it answers 550 to in any mode.

    It takes `slow_s` seconds to answer to DATA, half of them before it has the mail and half after.
    It demands STARTTLS with `starttls`, TLS from the first byte with `tls`, a sign-in with `password`.
    """

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        password: str | None = None,
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.mode = "refused"
        self.unknown: set[str] = set()
        self.slow_s = 0.0
        self.delivered: list[Delivered] = []
        self.tries = 0
        self._starttls = starttls
        self._tls = tls
        self._password = password
        self._controller: Controller | None = None
        self._silence: socket.socket | None = None
        self._change = threading.Lock()

    def behave(self, mode: str) -> None:
        """Answer from now on in the manner of `mode`."""
        assert mode in MODES
        with self._change:
            if mode in ("silent", "refused") or self.mode in ("silent", "refused"):
                self._close()
                self._open(mode)
            self.mode = mode

    def close(self) -> None:
        self._close()

    def copies(self) -> Counter[str]:
        """How many copies came in, by Message-ID."""
        return Counter(mail.id for mail in self.delivered)

    def _open(self, mode: str) -> None:
        if mode == "silent":
            self._silence = socket.create_server(("127.0.0.1", self.port), backlog=50)
        elif mode != "refused":
            options: dict[str, Any] = {}
            if self._password is not None:
                options = {"auth_required": True, "auth_require_tls": False, "authenticator": self._authenticate}
            if self._starttls is not None:
                options |= {"tls_context": self._starttls, "require_starttls": True}
            self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ssl_context=self._tls, **options)
            self._controller.start()

    def _close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None
        if self._silence is not None:
            self._silence.close()
            self._silence = None

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password.decode() == self._password
        return AuthResult(success=right, handled=right)

    async def handle_MAIL(
        self, _server: Any, _session: Dialogue, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.tries += 1
        if self.mode == "554 to all":
            return "554 5.7.1 not from you"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, _server: Any, _session: Dialogue, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.mode == "550" or address in self.unknown:
            return "550 5.1.1 no such mailbox"
        if self.mode == "450":
            return "450 4.2.0 mailbox busy"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Dialogue, envelope: Envelope) -> str:
        if self.mode == "451 after DATA":
            return "451 4.3.0 try later"
        await asyncio.sleep(self.slow_s / 2)
        message = cast(EmailMessage, message_from_bytes(cast(bytes, envelope.content), policy=default))
        self.delivered.extend(Delivered(recipient, message) for recipient in envelope.rcpt_tos)
        await asyncio.sleep(self.slow_s / 2)
        if self.mode == "drop after DATA":
            server.transport.abort()
        return "250 OK"
