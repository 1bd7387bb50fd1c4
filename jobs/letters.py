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

from data.deadlines import WORKING_DAYS, working_days_after
from data.settings import Settings
from jobs.tongues import Tongue, tongue_of

WIDTH = 76
LATE = timedelta(minutes=15)
TEMPLATES = {"immediate": "flag.txt", "digest": "digest.txt", "technical": "technical.txt", "test": "test.txt"}
CORRECTED = "corrected.txt"
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
        name = (
            CORRECTED if mail.corrects else OTHER_DIGESTS.get((mail.counts or {}).get("letter"), TEMPLATES[mail.kind])
        )
        template = self._templates.get_template(f"{tongue.code}/{name}")
        text = template.render(self._facts(mail, tongue, now))
        subject, *paragraphs = (" ".join(part.split()) for part in text.split("\n\n") if part.strip())
        return subject.removeprefix("Subject: "), paragraphs

    def _facts(self, mail: Mail, tongue: Tongue, now: datetime) -> dict[str, Any]:
        facts: dict[str, Any] = dict(mail.counts or {})
        facts |= {
            "severity": mail.severity,
            "link": self._link(mail),
            "raised": self._when(mail.created_at, tongue),
            "no_access": tongue.no_access(self._settings.contact_line),
        }
        if mail.kind == "immediate":
            facts |= {"by_when": self._by_when(mail, tongue), "late": now - mail.created_at > LATE}
        for name, stored in MOMENTS.items():
            moment = facts.get(stored)
            facts[name] = None if moment is None else self._when(datetime.fromisoformat(moment), tongue)
        facts["anchor"] = facts.get("anchor")
        return facts

    def _link(self, mail: Mail) -> str:
        base = self._settings.base_url.rstrip("/")
        about_a_flag = mail.kind == "immediate" and mail.flag_id is not None
        return f"{base}/flag/{mail.flag_id}" if about_a_flag else f"{base}/"

    def _by_when(self, mail: Mail, tongue: Tongue) -> str:
        if mail.severity == "urgent":
            return tongue.today
        due = working_days_after(mail.created_at.astimezone(self._settings.zone).date(), WORKING_DAYS)
        return tongue.until(due)

    def _when(self, moment: datetime, tongue: Tongue) -> str:
        local = moment.astimezone(self._settings.zone)
        return f"{tongue.day(local.date())}, {local:%H:%M} ({self._settings.site_timezone})"


def _address(text: str) -> Address:
    """Raises ValueError for what is not one plain address."""
    name, bracket, spec = text.rpartition("<")
    return Address(name.strip(), addr_spec=spec.removesuffix(">") if bracket else text)


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
