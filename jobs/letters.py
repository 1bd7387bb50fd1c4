"""What a mail says: subject and text for one row of the outbox, in the language of whom it goes to.

Nothing of a patient, a rule or a team is at hand here, so none of it can get into a mail: a letter is made of the
severity, the times, counts, the link and the site's contact line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from data.deadlines import due_on
from data.settings import Settings
from jobs.tongues import Tongue, tongue_of

WIDTH = 76
LATE = timedelta(minutes=15)
TEMPLATES = {"immediate": "flag.txt", "digest": "digest.txt", "technical": "technical.txt", "test": "test.txt"}
CORRECTED, MORE, ANSWERED = "corrected.txt", "more.txt", "answer.txt"
ABOUT_THE_ROTA = frozenset({"rota-gap", "test-unanswered"})
MOMENTS = {"swept": "swept_at", "down_since": "down_from", "down_until": "down_to", "waiting_since": "waiting_from"}
OTHER_DIGESTS = {"downtime": "downtime.txt", "reminder": "reminder.txt"}


class Mail(Protocol):
    """What a letter needs to know of its row; `data.outbox.Claimed` has it."""

    @property
    def message_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def recipient(self) -> str: ...
    @property
    def language(self) -> str | None: ...
    @property
    def flag_id(self) -> str | None: ...
    @property
    def corrects(self) -> str | None: ...
    @property
    def counts(self) -> Mapping[str, Any] | None: ...
    @property
    def created_at(self) -> datetime: ...


class Desk:
    """Writes the letters of one site."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._templates = Environment(
            loader=PackageLoader("jobs"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @property
    def sender(self) -> str:
        """The address of the envelope's sender."""
        return _address(self._settings.mail_from).addr_spec

    def addressee(self, mail: Mail) -> str:
        """Where the mail goes: to its recipient, or where the site redirects all mail to."""
        return _address(self._settings.mail_redirect or mail.recipient).addr_spec

    def write(self, mail: Mail, *, now: datetime) -> EmailMessage:
        """The message of a row. Raises ValueError, KeyError or a template's error for a row that makes no letter."""
        tongue = tongue_of(mail.language)
        subject, paragraphs = self._text(mail, tongue, now)
        if self._settings.mail_redirect is not None:
            subject = f"TEST {subject}"
            paragraphs.insert(0, tongue.redirected.format(recipient=mail.recipient))
        message = EmailMessage(policy=SMTP)
        message["From"] = _address(self._settings.mail_from)
        message["To"] = _address(self._settings.mail_redirect or mail.recipient)
        message["Subject"] = subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = mail.message_id
        message["Auto-Submitted"] = "auto-generated"
        if mail.severity == "urgent":
            message["Importance"] = "high"
        message.set_content("\n\n".join(_wrapped(paragraph) for paragraph in paragraphs) + "\n")
        html = self._templates.get_template("letter.html")
        message.add_alternative(
            html.render(subject=subject, paragraphs=paragraphs, link=self._link(mail), language=tongue.code),
            subtype="html",
        )
        return message

    def _text(self, mail: Mail, tongue: Tongue, now: datetime) -> tuple[str, list[str]]:
        template = self._templates.get_template(f"{tongue.code}/{_template_of(mail)}")
        text = template.render(self._facts(mail, tongue, now))
        subject, *paragraphs = (" ".join(part.split()) for part in text.split("\n\n") if part.strip())
        return subject.removeprefix("Subject: "), paragraphs

    def _facts(self, mail: Mail, tongue: Tongue, now: datetime) -> dict[str, Any]:
        facts: dict[str, Any] = {"rung": 0, "new_high": 0, **(mail.counts or {})}
        opened = datetime.fromisoformat(facts["since"]) if "since" in facts else mail.created_at
        facts |= {
            "severity": mail.severity,
            "link": self._link(mail),
            "raised": self._when(opened, tongue),
            "no_access": tongue.no_access(self._settings.contact_line),
        }
        if mail.kind == "immediate":
            facts |= {"by_when": self._by_when(mail.severity, opened, tongue), "late": now - mail.created_at > LATE}
        for name, stored in MOMENTS.items():
            moment = facts.get(stored)
            facts[name] = None if moment is None else self._when(datetime.fromisoformat(moment), tongue)
        facts["anchor"] = facts.get("anchor")
        return facts

    def _link(self, mail: Mail) -> str:
        base = self._settings.base_url.rstrip("/")
        if mail.kind == "immediate" and mail.flag_id is not None:
            return f"{base}/flag/{mail.flag_id}"
        return f"{base}/me" if _template_of(mail) == ANSWERED or _reason(mail) in ABOUT_THE_ROTA else f"{base}/"

    def _by_when(self, severity: str, opened: datetime, tongue: Tongue) -> str:
        due = due_on(severity, opened, self._settings.zone)
        return tongue.today if severity == "urgent" or due is None else tongue.until(due)

    def _when(self, moment: datetime, tongue: Tongue) -> str:
        local = moment.astimezone(self._settings.zone)
        return f"{tongue.day(local.date())}, {local:%H:%M} ({self._settings.site_timezone})"


def _template_of(mail: Mail) -> str:
    if mail.corrects:
        return CORRECTED
    if mail.kind == "immediate" and mail.flag_id is None:
        return MORE
    if mail.kind == "test" and mail.counts:
        return ANSWERED
    return OTHER_DIGESTS.get(str((mail.counts or {}).get("letter")), TEMPLATES[mail.kind])


def _reason(mail: Mail) -> Any:
    return (mail.counts or {}).get("reason")


def _address(text: str) -> Address:
    """Raises ValueError for what is not one plain address."""
    name, bracket, spec = text.rpartition("<")
    return Address(name.strip(), addr_spec=spec.removesuffix(">") if bracket else text)


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
