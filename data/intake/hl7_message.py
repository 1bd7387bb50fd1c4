"""One HL7 v2 message: its segments, fields, repetitions and components, by the delimiters it names itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data.intake.item import Held

_NULL = '""'
_REHEARSALS = {"T": "training", "D": "debugging", "N": "not production"}


@dataclass(frozen=True, slots=True)
class Delimiters:
    """The signs that MSH-1 and MSH-2 name."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str
    truncation: str

    def unescaped(self, text: str) -> str:
        """`text` with its escape sequences resolved; a sequence HL7 does not define stays as it was written."""
        if self.escape not in text:
            return text
        sign = re.escape(self.escape)
        known = rf"{sign}(?:([FSTREPHN])|X((?:[0-9A-Fa-f]{{2}})+)|\.(br|sp|ce)[+-]?[0-9]*){sign}"
        return re.sub(known, self._meaning, text)

    def _meaning(self, match: re.Match[str]) -> str:
        letter, digits = match[1], match[2]
        if letter is not None:
            return {
                "F": self.field,
                "S": self.component,
                "T": self.subcomponent,
                "R": self.repetition,
                "E": self.escape,
                "P": self.truncation,
            }.get(letter, "")
        if digits is not None:
            try:
                return bytes.fromhex(digits).decode("utf-8")
            except UnicodeDecodeError:
                return match[0]
        return "\n"


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment as it was written. Fields, repetitions and components are counted from 1 as in the standard."""

    name: str
    line: str
    fields: tuple[str, ...]
    signs: Delimiters

    def raw(self, field: int) -> str:
        """A field as it was written; empty where there is none."""
        return self.fields[field - 1] if 0 < field <= len(self.fields) else ""

    def text(self, field: int) -> str:
        """A whole field with its escapes resolved, its repetitions one below the other."""
        return "\n".join(self.signs.unescaped(part) for part in self.repetitions(field))

    def repetitions(self, field: int) -> list[str]:
        """The repetitions of a field as written; none where the field is empty or the HL7 null."""
        raw = self.raw(field)
        return [] if raw in ("", _NULL) else raw.split(self.signs.repetition)

    def part(self, field: int, component: int = 1, subcomponent: int | None = None) -> str:
        """A component of the first repetition, escapes resolved, without the blanks around it."""
        raw = self.raw(field)
        first = raw.split(self.signs.repetition, 1)[0] if raw != _NULL else ""
        return self.component(first, component, subcomponent).strip() if first else ""

    def component(self, repetition: str, component: int, subcomponent: int | None = None) -> str:
        """A component of one repetition, escapes resolved; empty where there is none or the HL7 null."""
        parts = repetition.split(self.signs.component)
        found = parts[component - 1] if component <= len(parts) else ""
        if subcomponent is not None:
            inner = found.split(self.signs.subcomponent)
            found = inner[subcomponent - 1] if subcomponent <= len(inner) else ""
        return "" if found == _NULL else self.signs.unescaped(found)


@dataclass(frozen=True, slots=True)
class Message:
    """The segments of one message, MSH first."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """The MSH segment."""
        return self.segments[0]

    @property
    def type(self) -> str:
        """Message code and trigger event: `ORU^R01`."""
        return "^".join(part for part in (self.header.part(9, 1), self.header.part(9, 2)) if part)


def not_production(header: Segment) -> str | None:
    """Why the processing id (MSH-11) of a message says that it is not about real patients; one that names none is."""
    said = header.part(11)
    if said.upper() in ("", "P"):
        return None
    if said.upper() in _REHEARSALS:
        name = said.upper()
        return f"MSH-11 says {name} ({_REHEARSALS[name]}): it is not imported like production"
    return f"MSH-11 says {said[:10]!r}: only P is production"


def parse_message(lines: Sequence[str]) -> Message:
    """The message that `lines` are. Raises Held when its delimiters cannot be told apart."""
    signs = _delimiters(lines[0])
    segments: list[Segment] = []
    for line in lines:
        name, *fields = line.split(signs.field)
        if name == "MSH":
            fields = [signs.field, *fields]
        segments.append(Segment(name, line, tuple(fields), signs))
    return Message(tuple(segments))


def _delimiters(header: str) -> Delimiters:
    field = header[3:4]
    named = header[4:].split(field)[0] if field else ""
    if len(named) == 5 and named[2] == named[3]:
        # Senders that escape MSH-2 for a program text double the escape sign.
        named = named[:3] + named[4:]
    signs = field + named
    usable = len(set(signs)) == len(signs) and not any(s.isalnum() or s.isspace() or ord(s) < 32 for s in signs)
    if len(named) not in (4, 5) or not usable:
        raise Held(f"MSH-2 {named[:10]!r} does not name four or five signs that differ", r"send MSH|^~\&|")
    return Delimiters(field, named[0], named[1], named[2], named[3], named[4] if len(named) == 5 else "#")
