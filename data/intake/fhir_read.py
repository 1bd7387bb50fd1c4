"""From a FHIR file to its resources: Bundles of every type, bare resources, NDJSON; plain or gzip.

What cannot be read is said with its place. A JSON document is held in memory and limited; NDJSON is read line by line
and may be as long as it likes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from data.intake.fhir_types import Bundle, Head, given
from data.intake.item import Held, Refused
from data.intake.parcel import Unreadable
from data.intake.source import SourceFile

MEGABYTE = 1024 * 1024
LARGEST_DOCUMENT = 64 * MEGABYTE
LARGEST_RESOURCE = 4 * MEGABYTE
# Entries that are asked about at once.
MOST_ENTRIES = 1_000
MOST_BYTES = 8 * MEGABYTE
DEEPEST_BUNDLE = 4
KEPT_RAW = 64 * 1024
# A file whose first lines are all unreadable is no NDJSON.
FIRST_LINES = 100
# A small zip file can hold lines without end that hold nothing.
MOST_EMPTY_LINES = 1_000_000
BOM = b"\xef\xbb\xbf"
UNTOLD = b' \t\r\n"'
WIDE = (b"\xff\xfe", b"\xfe\xff")

_HEAD = msgspec.json.Decoder(Head)
# Numbers of any size pass here; those that are read are checked where they are read.
_ANYTHING = msgspec.json.Decoder(float_hook=str)
_BUNDLE = msgspec.json.Decoder(Bundle)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One resource as it stands in the file. `type` is None where there was no resource in a Bundle's entry."""

    where: str
    type: str | None
    raw: bytes
    full_url: str | None = None


def read_entries(file: SourceFile) -> Iterator[Entry | Refused]:
    """The resources of a file in order, and what could not be read among them.

    Raises Unreadable when the file as a whole is no FHIR JSON.
    """
    try:
        with _open(file.path) as stream:
            if file.path.name.removesuffix(".gz").endswith(".ndjson") or _is_lines(stream):
                yield from _lines(file.name, stream)
            else:
                yield from _document(file.name, stream)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"cannot be read: {error}") from error


def in_parts(entries: Iterator[Entry | Refused]) -> Iterator[list[Entry | Refused]]:
    """The entries some at a time, also those before the place where a file becomes unreadable."""
    part: list[Entry | Refused] = []
    size = 0
    try:
        for entry in entries:
            part.append(entry)
            size += len(entry.raw)
            if len(part) == MOST_ENTRIES or size > MOST_BYTES:
                yield part
                part, size = [], 0
    except Unreadable:
        yield part
        raise
    yield part


def refuse_duplicate_keys(raw: bytes) -> None:
    """Raise Held when an object in the JSON text names a key twice: which of the two was meant nobody knows.

    Without escapes what is encoded again is never longer than the text it was decoded from, and shorter where a key was
    lost; spaces and quotation marks (numbers come back as texts) aside. A text that is not the same is looked at key
    by key.
    """
    try:
        again = msgspec.json.encode(_ANYTHING.decode(raw))
    except (ValueError, RecursionError) as error:
        raise Held(_cause(error)) from error
    if b"\\" not in raw and raw.translate(None, UNTOLD) == again.translate(None, UNTOLD):
        return
    json.loads(raw, object_pairs_hook=_single, parse_float=str, parse_int=str)


def quoted(raw: bytes) -> str:
    """The raw item as a text that any database can keep, cut where it is very long."""
    return raw[:KEPT_RAW].decode("utf-8", "replace").replace("\x00", "\ufffd")


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as probe:
        zipped = probe.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path, "rb")) if zipped else path.open("rb")


def _is_lines(stream: IO[bytes]) -> bool:
    """Whether the first line is a whole resource and another follows: NDJSON under another name."""
    first, rest = stream.readline(LARGEST_RESOURCE), b""
    try:
        found = _HEAD.decode(first.removeprefix(BOM)).resource_type is not None
    except (ValueError, RecursionError):
        found = False
    while found and not rest.strip() and stream.tell() <= LARGEST_DOCUMENT:
        rest = stream.readline(LARGEST_RESOURCE)
        found = bool(rest)
    stream.seek(0)
    return found and bool(rest.strip())


def _lines(name: str, stream: IO[bytes]) -> Iterator[Entry | Refused]:
    readable = False
    refused: list[Refused] = []
    for number, line in _filled(stream):
        where = f"{name}#line[{number}]"
        if len(line) > LARGEST_RESOURCE:
            yield _refused(where, f"a line is longer than {LARGEST_RESOURCE} bytes", b"")
            readable = True
            continue
        try:
            yield from _resource(where, line.strip())
        except Unreadable as error:
            refusal = _refused(where, str(error), line)
            if readable:
                yield refusal
            elif len(refused) < FIRST_LINES:
                refused.append(refusal)
            else:
                break
        else:
            yield from refused
            refused.clear()
            readable = True
    if not readable:
        raise Unreadable(f"holds no FHIR resource: {refused[0].why}" if refused else "is empty")


def _filled(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, each with its number; one beyond the limit is cut behind it."""
    number = empty = 0
    while line := stream.readline(LARGEST_RESOURCE + 1):
        number += 1
        rest = line
        while len(line) > LARGEST_RESOURCE and rest and not rest.endswith(b"\n"):
            rest = stream.readline(LARGEST_RESOURCE)
        line = line.removeprefix(BOM) if number == 1 else line
        if line.strip():
            yield number, line
            continue
        empty += 1
        if empty > MOST_EMPTY_LINES:
            raise Unreadable(f"has more than {MOST_EMPTY_LINES} empty lines")


def _document(name: str, stream: IO[bytes]) -> Iterator[Entry | Refused]:
    # What is too large is found before any of it is held: a zip says its length only when it is unpacked.
    stream.seek(LARGEST_DOCUMENT)
    if stream.read(1):
        raise Unreadable(f"is larger than {LARGEST_DOCUMENT // MEGABYTE} MB; send it as NDJSON")
    stream.seek(0)
    raw = stream.read().removeprefix(BOM)
    if raw.startswith(WIDE):
        raise Unreadable("is UTF-16; FHIR JSON is UTF-8")
    if not raw.strip():
        raise Unreadable("is empty")
    yield from _resource(name, raw)


def _resource(where: str, raw: bytes) -> Iterator[Entry | Refused]:
    type = _type(raw)
    if type == "Bundle":
        yield from _entries(where, raw, 0)
    else:
        yield Entry(where, type, raw)


def _type(raw: bytes) -> str:
    try:
        type = _HEAD.decode(raw).resource_type
    except (ValueError, RecursionError) as error:
        raise Unreadable(_cause(error)) from error
    if type is None:
        raise Unreadable("has no resourceType: this is not a FHIR resource")
    return type


def _entries(where: str, raw: bytes, depth: int) -> Iterator[Entry | Refused]:
    if depth == DEEPEST_BUNDLE:
        raise Unreadable(f"Bundles are nested more than {DEEPEST_BUNDLE} deep")
    try:
        bundle = _BUNDLE.decode(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_cause(error)) from error
    joint = "." if "#" in where else "#"
    for number, entry in enumerate(bundle.entry):
        place = f"{where}{joint}entry[{number}]"
        if entry.request is not None and entry.request.method == "DELETE":
            why = f"DELETE {entry.request.url} is not carried out"
            yield _refused(place, why, b"", "retract a result with status entered-in-error")
        elif not given(entry.resource):
            yield Entry(place, None, b"", entry.full_url)
        else:
            inner = bytes(entry.resource)
            try:
                type = _type(inner)
                if type == "Bundle":
                    yield from _entries(place, inner, depth + 1)
                else:
                    yield Entry(place, type, inner, entry.full_url)
            except Unreadable as error:
                yield _refused(place, str(error), inner)


def _refused(where: str, why: str, raw: bytes, suggestion: str | None = None) -> Refused:
    return Refused(where=where, why=why, suggestion=suggestion, raw=quoted(raw))


def _cause(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8: {error.reason} at byte {error.start}"
    return str(error)


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Held(f"the key {twice!r} stands twice in one object", "send each key once")
    return content
