"""The words of mails that stand in no template, in each language of `jobs/templates`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from babel.dates import format_date

ENGLISH: Final = "en"


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language: its code, which is also its folder of templates, and sentences with their values in braces."""

    code: str
    pattern: str
    due_pattern: str
    today: str
    by: str
    call: str
    ask: str
    redirected: str

    def day(self, day: date) -> str:
        """The day as it stands in a sentence, with its weekday."""
        return format_date(day, self.pattern, locale=self.code)

    def until(self, day: date) -> str:
        """By which day, as it stands in a subject: mail programs fold these badly around letters beyond ASCII."""
        return self.by.format(day=format_date(day, self.due_pattern, locale=self.code))

    def no_access(self, contact_line: str | None) -> str:
        """What to do for who cannot sign in."""
        return self.call.format(line=contact_line) if contact_line else self.ask


TONGUES: Final[Mapping[str, Tongue]] = {
    tongue.code: tongue
    for tongue in (
        Tongue(
            code=ENGLISH,
            pattern="EEEE d MMMM y",
            due_pattern="EEEE d MMMM y",
            today="today",
            by="by {day}",
            call="No access? Please call {line}. Nadir is not an alarm system for emergencies.",
            ask="No access? Please ask your Nadir administrator. Nadir is not an alarm system for emergencies.",
            redirected="TEST: redirected by this site's settings, meant for {recipient}.",
        ),
        Tongue(
            code="de",
            pattern="EEEE, d. MMMM y",
            due_pattern="EEEE, dd.MM.y",
            today="heute",
            by="bis {day}",
            call="Kein Zugang? Bitte rufen Sie {line} an. Nadir ist kein Alarmsystem für Notfälle.",
            ask="Kein Zugang? Ihre Nadir-Administration hilft weiter. Nadir ist kein Alarmsystem für Notfälle.",
            redirected="TEST: durch die Einstellungen dieses Hauses umgeleitet, bestimmt für {recipient}.",
        ),
    )
}


def tongue_of(code: str | None) -> Tongue:
    """The language a person chose; English for who chose none, or one that mails are not written in."""
    return TONGUES.get(code or ENGLISH, TONGUES[ENGLISH])
