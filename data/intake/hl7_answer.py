"""The acknowledgement of an HL7 v2 message: which code, whether one is wanted, and the message that says so.

It is written with the delimiters, version and character set of the message it answers. Control characters of the
message are left out of it, so that whatever was sent, the answer is one block of two segments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import uuid4

from data.intake.hl7_frames import BOM, codec_of, wide
from data.intake.hl7_message import Delimiters, Message, Segment, not_production, parse_message
from data.intake.item import Held

Outcome = Literal["accept", "error", "reject"]

LONGEST_NAME = 200
LONGEST_ID = 199
_LETTER: dict[Outcome, str] = {"accept": "A", "error": "E", "reject": "R"}
_WANTED: dict[str, frozenset[Outcome]] = {
    "AL": frozenset({"accept", "error", "reject"}),
    "ER": frozenset({"error", "reject"}),
    "SU": frozenset({"accept"}),
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SHORTEST = rb"MSH|^~\&"
_FIRST_LINE = re.compile(rb"[\r\n]")
_STANDARD = Delimiters("|", "^", "~", "\\", "&", "#")


class Unanswerable(ValueError):
    """A block whose header cannot be read: no message anybody could acknowledge by its id. The message says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """The MSH segment of one message and the codec it is written in."""

    msh: Segment
    codec: str

    @property
    def control_id(self) -> str:
        """MSH-10 as written."""
        return self.msh.raw(10)

    @property
    def sender(self) -> tuple[str, str]:
        """MSH-3 and MSH-4 as written."""
        return self.msh.raw(3), self.msh.raw(4)

    def fault(self) -> str | None:
        """Why the message cannot be told from others, if it cannot."""
        if not self.control_id.strip():
            return "there is no control id (MSH-10)"
        for name, said, longest in (
            ("MSH-3", self.sender[0], LONGEST_NAME),
            ("MSH-4", self.sender[1], LONGEST_NAME),
            ("MSH-10", self.control_id, LONGEST_ID),
        ):
            if len(said) > longest or _CONTROL.search(said) or "\ufffd" in said:
                return f"{name} is longer than {longest} characters or holds signs that cannot be read"
        return None

    @property
    def rehearsal(self) -> str | None:
        """Why the message is not about real patients, if it says so."""
        return not_production(self.msh)


def read_header(content: bytes) -> Header:
    """The header of the message in a block. Raises Unanswerable."""
    encoding = wide(content)
    if encoding is not None:
        raise Unanswerable(f"the block is written in {encoding}; send UTF-8")
    line = _FIRST_LINE.split(content.removeprefix(BOM).lstrip(b"\r\n"), maxsplit=1)[0]
    if not line.startswith(b"MSH"):
        raise Unanswerable("the block does not begin with an MSH segment")
    if len(line) < len(_SHORTEST):
        raise Unanswerable("the MSH segment is cut short")
    codec = codec_of(line)
    try:
        message: Message = parse_message([line.decode(codec, "replace")])
    except Held as held:
        raise Unanswerable(str(held)) from held
    return Header(message.header, codec)


def answer(header: Header | None, outcome: Outcome, why: str = "", *, now: datetime) -> bytes | None:
    """The acknowledgement of a message, unframed; None where MSH-15 and MSH-16 ask for none.

    Without either field it is AA, AE or AR. With them MSH-15 decides over CA, CE, CR, and only where that is silent,
    MSH-16 over AA, AE, AR: the message has been worked off by then, so one answer says all there is to say. `why` must
    hold nothing of the message's clinical content.
    """
    code = _code(header, outcome)
    if code is None:
        return None
    signs = _STANDARD if header is None else header.msh.signs
    trigger = "" if header is None else _plain(header.msh.part(9, 2))[:3]
    named = signs.component.join(filter(None, ("ACK", trigger if trigger.isalnum() else "", "ACK" if trigger else "")))
    encoding = signs.component + signs.repetition + signs.escape + signs.subcomponent
    if header is not None and len(header.msh.raw(2)) == 5 and signs.truncation != "#":
        encoding += signs.truncation
    msh = [
        *("MSH", encoding, *(_mirrored(header, field) for field in (5, 6, 3, 4))),
        *(f"{now:%Y%m%d%H%M%S}+0000", "", named, uuid4().hex[:20]),
        *(_mirrored(header, 11) or "P", _mirrored(header, 12) or "2.5.1", "", "", "", "", "", _mirrored(header, 18)),
    ]
    msa = ["MSA", code, _mirrored(header, 10), _escaped(why, signs)]
    text = "".join(signs.field.join(fields).rstrip(signs.field) + "\r" for fields in (msh, msa))
    return text.encode("ascii" if header is None else header.codec, "replace")


def _code(header: Header | None, outcome: Outcome) -> str | None:
    letter = _LETTER[outcome]
    if header is None:
        return f"A{letter}"
    accept, application = (header.msh.part(field).upper() for field in (15, 16))
    if not accept and not application:
        return f"A{letter}"
    if outcome in _WANTED.get(accept, ()):
        return f"C{letter}"
    return f"A{letter}" if outcome in _WANTED.get(application, ()) else None


def _mirrored(header: Header | None, field: int) -> str:
    """A field of the MSH that is answered; empty where that could not be read."""
    return "" if header is None else _plain(header.msh.raw(field))


def _plain(said: str) -> str:
    """A field as it was written, escapes and all, without control characters; one too long to repeat is left out."""
    found = _CONTROL.sub("", said)
    return found if len(found) <= LONGEST_NAME else ""


def _escaped(text: str, signs: Delimiters) -> str:
    """`text` as the content of a field."""
    names = {signs.field: "F", signs.component: "S", signs.repetition: "R", signs.escape: "E", signs.subcomponent: "T"}
    return "".join(
        f"{signs.escape}{names[sign]}{signs.escape}" if sign in names else sign for sign in _CONTROL.sub("", text)[:80]
    )
