"""From a FHIR file to its resources: Bundles of every type, bare resources, NDJSON; plain or gzip.

What cannot be read is said with its place. A JSON document is held in memory and limited; NDJSON is read line by line
and may be as long as it likes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from data.intake.fhir_types import Bundle, Head, given
from data.intake.item import Held, Refused
from data.intake.parcel import Unreadable
from data.intake.source import SourceFile

LARGEST_DOCUMENT = 64 * 1024 * 1024
LARGEST_RESOURCE = 4 * 1024 * 1024
DEEPEST_BUNDLE = 4
KEPT_RAW = 64 * 1024
# A file whose first lines are all unreadable is no NDJSON.
FIRST_LINES = 100
BOM = b"\xef\xbb\xbf"
WIDE = (b"\xff\xfe", b"\xfe\xff")

_HEAD = msgspec.json.Decoder(Head)
# Numbers of any size pass here; those that are read are checked where they are read.
_ANYTHING = msgspec.json.Decoder(float_hook=str)
_BUNDLE = msgspec.json.Decoder(Bundle)


@dataclass(frozen=True, slots=True)
class Entry:
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


def refuse_duplicate_keys(raw: bytes) -> None:
    """Raise Held when an object in the JSON text names a key twice: which of the two was meant nobody knows.

    Compact text and re-encoded content hold the same number of keys exactly when no key was lost in decoding.
    """
    try:
        compact = msgspec.json.format(raw, indent=-1)
        again = msgspec.json.encode(_ANYTHING.decode(raw))
    except (ValueError, RecursionError) as error:
        raise Held(_cause(error)) from error
    if b'\\\\":' not in compact and _keys(compact) == _keys(again):
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
    first = stream.readline(LARGEST_RESOURCE)
    rest = stream.readline(LARGEST_RESOURCE)
    while rest and not rest.strip():
        rest = stream.readline(LARGEST_RESOURCE)
    stream.seek(0)
    if not rest:
        return False
    try:
        return _HEAD.decode(first.removeprefix(BOM)).resource_type is not None
    except (ValueError, RecursionError):
        return False


def _lines(name: str, stream: IO[bytes]) -> Iterator[Entry | Refused]:
    number = readable = 0
    refused: list[Refused] = []
    while line := stream.readline(LARGEST_RESOURCE + 1):
        number += 1
        where = f"{name}#line[{number}]"
        if len(line) > LARGEST_RESOURCE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LARGEST_RESOURCE)
            yield _refused(where, f"a line is longer than {LARGEST_RESOURCE} bytes", b"")
            readable += 1
            continue
        line = line.removeprefix(BOM) if number == 1 else line
        if not line.strip():
            continue
        try:
            yield from _resource(where, line.strip(), None, 0)
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
            readable += 1
    if not readable:
        raise Unreadable(f"holds no FHIR resource: {refused[0].why}" if refused else "is empty")


def _document(name: str, stream: IO[bytes]) -> Iterator[Entry | Refused]:
    size = 0
    while chunk := stream.read(1024 * 1024):
        size += len(chunk)
        if size > LARGEST_DOCUMENT:
            raise Unreadable(f"is larger than {LARGEST_DOCUMENT // 1024 // 1024} MB; send it as NDJSON")
    stream.seek(0)
    raw = stream.read().removeprefix(BOM)
    if raw.startswith(WIDE):
        raise Unreadable("is UTF-16; FHIR JSON is UTF-8")
    if not raw.strip():
        raise Unreadable("is empty")
    yield from _resource(name, raw, None, 0)


def _resource(where: str, raw: bytes, full_url: str | None, depth: int) -> Iterator[Entry | Refused]:
    try:
        head = _HEAD.decode(raw)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_cause(error)) from error
    if head.resource_type is None:
        raise Unreadable("has no resourceType: this is not a FHIR resource")
    if head.resource_type != "Bundle":
        yield Entry(where, head.resource_type, raw, full_url)
        return
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
                yield from _resource(place, inner, entry.full_url, depth + 1)
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


def _keys(compact: bytes) -> int:
    return compact.count(b'":') - compact.count(b'\\":')


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Held(f"the key {twice!r} stands twice in one object", "send each key once")
    return content
