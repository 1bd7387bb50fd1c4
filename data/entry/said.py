"""What a form says, field by field: texts only, within limits, each problem named with its field.

Everything comes from a browser and may be anything that JSON can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from clinical.entry_checks import Doubt
from clinical.protocol import Protocol
from clinical.saying import say
from data.errors import BadInput
from data.intake.item import Held, Item
from data.intake.item_limits import storable
from data.intake.moments import Moment, read_moment, refuse_future

MOST_FIELDS = 600
LONGEST_FIELD = 2_000
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """A field that cannot be taken, and why; `field` is empty for the form as a whole."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """Something to confirm before it is stored. `id` changes with the value, so that a yes never serves another."""

    id: str
    field: str
    words: str


class NotSaved(BadInput):
    """A form that was not stored because of what stands in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: {p.why}" if p.field else p.why for p in self.problems))


class Unsure(BadInput):
    """A form that was not stored because something in it is to be confirmed first."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self.questions = tuple(questions)
        super().__init__("; ".join(question.words for question in self.questions))


def texts(said: Any) -> dict[str, str]:
    """The fields of a form with what stands in them, blanks left out.

    Raises NotSaved naming each field that is not plain text within the limits.
    """
    if not isinstance(said, dict):
        raise NotSaved([Problem("", say("the form did not arrive as fields with text"))])
    if len(said) > MOST_FIELDS:
        raise NotSaved([Problem("", say("the form has more than {most_fields} fields", most_fields=MOST_FIELDS))])
    problems = [Problem(_shown(name), why) for name, value in said.items() if (why := _why_not(name, value))]
    if problems:
        raise NotSaved(problems)
    return {name: value.strip() for name, value in said.items() if value.strip()}


def digest(said: Mapping[str, str]) -> str:
    """A digest of the fields, the same for the same content."""
    return sha256(msgspec.json.encode(sorted(said.items()))).hexdigest()


@dataclass(slots=True, kw_only=True)
class Reading:
    """One form while it is read: its fields, what they became, what stands in the way and what is to be asked.

    `protocol` says what is asked about.
    """

    said: Mapping[str, str]
    patient_id: int
    protocol: Protocol
    zone: ZoneInfo
    now: datetime
    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def text(self, name: str) -> str:
        """The text of a field, empty where nothing stands in it."""
        self.used.add(name)
        return self.said.get(name, "")

    def below(self, prefix: str) -> dict[str, str]:
        """The fields `prefix.x` as x."""
        found = {n.removeprefix(f"{prefix}."): v for n, v in self.said.items() if n.startswith(f"{prefix}.")}
        self.used |= {f"{prefix}.{name}" for name in found}
        return found

    def rows(self, prefix: str) -> list[str]:
        """The names `prefix.1`, `prefix.2`, ... of the rows in which something stands, in their order."""
        numbers = {n.split(".")[1] for n in self.said if n.startswith(f"{prefix}.") and n.count(".") >= 2}
        whole = sorted((n for n in numbers if n.isascii() and n.isdigit() and len(n) < 4), key=int)
        return [f"{prefix}.{number}" for number in whole]

    def moment(self, name: str, default: Moment | None = None) -> Moment:
        """The date or local time in a field. Raises Held for one that is missing without a default, or to come."""
        said = self.text(name)
        if not said:
            if default is None:
                raise Held(say("say when"), say("the date, with the time if it is known"))
            return default
        moment = read_moment(said, zone=self.zone)
        refuse_future(moment, self.now)
        return moment

    def refuse(self, field: str, held: Held) -> None:
        """Note why a field cannot be taken."""
        why, advice = held.said
        self.problems.append(Problem(field, why if advice is None else say("{why} ({advice})", why=why, advice=advice)))

    def add(self, item: Item, field: str) -> None:
        """Take an item unless no column can hold it."""
        try:
            self.items.append(storable(item))
        except Held as held:
            self.refuse(field, held)

    def ask(self, field: str, value: str, doubt: Doubt, words: str) -> None:
        """Ask about a field; `value` is what was typed."""
        self.questions.append(Question(f"{field}:{doubt.kind}:{value}"[:300], field, words))

    def finish(self) -> None:
        """Refuse fields that no part of the form has read."""
        unread = sorted(name for name in self.said if name not in self.used)
        self.problems += [Problem(_shown(name), say("the form has no such field")) for name in unread[:10]]


def _why_not(name: Any, value: Any) -> str | None:
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isascii() or not name.isprintable():
        return say("the form has no such field")
    if not isinstance(value, str):
        return say("what stands here did not arrive as text")
    if len(value) > LONGEST_FIELD:
        return say("longer than {longest_field} characters", longest_field=LONGEST_FIELD)
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return say("holds a character that is no text")
    return None


def _shown(name: Any) -> str:
    return str(name)[:LONGEST_NAME]
