"""From the bytes of an HL7 v2 file to its messages, each with its place: MLLP blocks, batches, plain text.

A message is handed on whole or not at all: a block whose end is missing and bytes that do not decode are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from data.intake.item import Refused

BOM = b"\xef\xbb\xbf"
_START, _END = b"\x0b", b"\x1c"
_KEPT_RAW = 64 * 1024
_LINE = re.compile(rb"\r\n|\r|\n")
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_BEGINS = re.compile(rb"(?:MSH|FHS|BHS)[^A-Za-z0-9\s]")
_BLOCK = re.compile(rb"\x0b(?:MSH|FHS|BHS)[^A-Za-z0-9\s]")
_WIDE = re.compile(rb"(?:M(?P<zeros>\0|\0\0\0)S(?P=zeros)H|[FB](?P<nulls>\0|\0\0\0)H(?P=nulls)S)")
_SEGMENT = re.compile(rb"[A-Z][A-Z0-9]{2}")
# MSH-18 (HL7 table 0211) -> codec; what is not listed is read as long as it is plain ASCII.
_CHARSETS = {
    "ASCII": "ascii",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "WINDOWS-1252": "cp1252",
    "GB 18030-2000": "gb18030",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
}
_LATIN = re.compile(r"(?:ISO[ -]?)?8859[/-]([1-9]|1[0-35])")


@dataclass(frozen=True, slots=True)
class Frame:
    """The segments of one message, decoded, and where it stands."""

    where: str
    lines: tuple[str, ...]


def looks_like_hl7(probe: bytes) -> bool:
    """Whether a file that begins with `probe` begins as HL7 v2 does, or holds a block of it behind noise."""
    plain = _BEGINS.match(probe.removeprefix(BOM).lstrip(b"\x0b \t\r\n")) or _BLOCK.search(probe)
    return plain is not None or wide(probe) is not None


def wide(content: bytes) -> str | None:
    """The encoding of several bytes a sign that `content` begins with, which no segment can be cut out of."""
    found = _WIDE.search(content[:64])
    return None if found is None else "UTF-16" if len(found["zeros"] or found["nulls"]) == 1 else "UTF-32"


def read_frames(name: str, content: bytes) -> Iterator[Frame | Refused]:
    """The messages of a file in order, and what among them cannot be read."""
    number = 0
    for lines, why in _messages(content.removeprefix(BOM)):
        number += 1
        where = f"{name}#message[{number}]"
        raw = b"\r".join(lines)
        if why is not None:
            yield _refused(where, why, raw)
            continue
        try:
            yield Frame(where, _decoded(lines))
        except ValueError as error:
            yield _refused(where, str(error), raw)


def _messages(content: bytes) -> Iterator[tuple[list[bytes], str | None]]:
    """Messages as lines, each with the reason why it cannot be used, if there is one."""
    if _START not in content:
        yield from _plain(content)
        return
    outside, *blocks = content.split(_START)
    yield from _outside(outside)
    for block in blocks:
        inside, end, after = block.partition(_END)
        if not end:
            yield _lines(inside), "the block never ends: the message may be cut short"
            continue
        yield from _plain(inside)
        yield from _outside(after)


def _outside(content: bytes) -> Iterator[tuple[list[bytes], str | None]]:
    """What stands between blocks is noise, unless it is a message that lost its start."""
    lines = _lines(content)
    if any(line.startswith(b"MSH") for line in lines):
        yield lines, "a message stands outside the block that should hold it"


def _plain(content: bytes) -> Iterator[tuple[list[bytes], str | None]]:
    message: list[bytes] = []
    count = 0
    for line in _lines(content):
        if line.startswith(b"MSH") or line[:3] in _ENVELOPE:
            if message:
                yield message, _fault(message)
            message = []
            count = count + 1 if line.startswith(b"MSH") else 0 if line.startswith(b"BHS") else count
            if line.startswith(b"BTS") and _counted(line) not in (None, count):
                yield [line], f"the batch says it holds {_counted(line)} messages, {count} are here"
        if line[:3] not in _ENVELOPE:
            message.append(line)
    if message:
        yield message, _fault(message)


def _counted(trailer: bytes) -> int | None:
    """How many messages BTS-1 says there are; None where it does not say."""
    said = trailer[4:].split(trailer[3:4])[0].strip() if len(trailer) > 4 else b""
    return int(said) if said.isdigit() and len(said) < 10 else None


def _fault(message: list[bytes]) -> str | None:
    if not message[0].startswith(b"MSH"):
        return "there is no MSH segment before these lines"
    separator = message[0][3:4]
    for number, line in enumerate(message, start=1):
        if _SEGMENT.match(line) is None or line[3:4] not in (separator, b""):
            return f"line {number} of the message is no segment: a line break within a field is sent as \\.br\\"
    return None


def _lines(content: bytes) -> list[bytes]:
    return [line for line in _LINE.split(content.lstrip()) if line.strip()]


def _decoded(lines: list[bytes]) -> tuple[str, ...]:
    declared = _declared(lines[0])
    codec = codec_of(lines[0])
    for number, line in enumerate(lines, start=1):
        if b"\x1b" in line:
            raise ValueError(f"line {number} changes its character set midway; send UTF-8")
        try:
            line.decode(codec)
        except UnicodeDecodeError as error:
            said = f"MSH-18 says {declared[:40]!r}" if declared else "MSH-18 is empty, which means UTF-8"
            raise ValueError(f"byte {error.start + 1} of line {number} does not decode: {said}") from error
    return tuple(line.decode(codec) for line in lines)


def codec_of(header: bytes) -> str:
    """The codec that MSH-18 of an MSH segment stands for."""
    declared = _declared(header)
    latin = _LATIN.fullmatch(declared)
    return "utf-8" if not declared else f"iso8859-{latin[1]}" if latin else _CHARSETS.get(declared, "ascii")


def _declared(header: bytes) -> str:
    """The character set of MSH-18: the first of its repetitions, in capitals."""
    fields = header.split(header[3:4])
    said = fields[17].decode("ascii", "replace") if len(fields) > 17 else ""
    repetition = fields[1][1:2].decode("ascii", "replace") if len(fields) > 1 else ""
    return (said.split(repetition)[0] if repetition else said).strip().upper()


def _refused(where: str, why: str, raw: bytes) -> Refused:
    text = raw[:_KEPT_RAW].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return Refused(where=where, why=why, suggestion="send the message again, whole", raw=text)
