"""A DICOM structured report as a child process reads it: its head, and its content items as a tree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from data.intake.child import parse_in_child
from data.intake.limited import FileRefused
from data.intake.parcel import Unreadable
from data.intake.source import SourceFile

LARGEST_FILE = 32 * 1024 * 1024
# How a held item begins: it is kept as the lines a child wrote.
_KEPT = b'{"report":'
SNOMED = frozenset({"SCT", "SRT", "SNM3", "99SDM"})


class Code(msgspec.Struct):
    """A coded concept: value, coding scheme, meaning."""

    value: str = ""
    scheme: str = ""
    meaning: str = ""


class Number(msgspec.Struct):
    """A measured value as written, and its unit."""

    value: str = ""
    unit: Code | None = None


class Content(msgspec.Struct):
    """One content item. `path` counts from 1 on each level, as DICOM writes places: `1.5.2`."""

    path: str
    kind: str
    name: Code | None = None
    text: str = ""
    code: Code | None = None
    numbers: tuple[Number, ...] = ()
    qualifier: Code | None = None
    children: tuple[Content, ...] = ()

    def is_a(self, *codes: tuple[str, str]) -> bool:
        """Whether the concept name is one of `codes` (scheme, value); the schemes of SNOMED count as one."""
        return self.name is not None and same(self.name, *codes)

    def below(self, *codes: tuple[str, str]) -> Iterator[Content]:
        """The items directly below with one of these names."""
        return (child for child in self.children if child.is_a(*codes))

    def everything(self) -> Iterator[Content]:
        """The item and all below it."""
        yield self
        for child in self.children:
            yield from child.everything()


class Report(msgspec.Struct):
    """The head of a structured report; texts as written, empty where the file has none."""

    instance: str = ""
    patient_id: str = ""
    issuer: str = ""
    issuer_uid: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""
    study: str = ""
    study_date: str = ""
    study_time: str = ""
    content_date: str = ""
    content_time: str = ""
    offset: str = ""
    completion: str = ""
    verification: str = ""
    preliminary: str = ""
    title: Code | None = None
    template: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A structured report."""

    report: Report
    items: tuple[Content, ...]

    def kept(self, *items: Content) -> bytes:
        """The head with these items alone, as it can be read again."""
        lines = [{"report": self.report}, *({"item": item} for item in items)]
        return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def same(code: Code, *codes: tuple[str, str]) -> bool:
    """Whether a concept is one of `codes` (scheme, value)."""
    scheme = "SCT" if code.scheme in SNOMED else code.scheme
    return (scheme, code.value) in codes


def read_document(file: SourceFile) -> Document:
    """The report in a file. Raises Unreadable: too large, no structured report, or refused by the child."""
    try:
        if file.path.stat().st_size > LARGEST_FILE:
            raise Unreadable(f"is larger than {LARGEST_FILE // 1024 // 1024} MB")
        with file.path.open("rb") as stream:
            if stream.read(len(_KEPT)) == _KEPT:
                stream.seek(0)
                return _document(stream.readlines())
        with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
            parse_in_child("data.intake.dicom_child", file.path, spool)
            spool.seek(0)
            return _document([line.encode() for line in spool][:-1])
    except (OSError, FileRefused) as error:
        raise Unreadable(" ".join(str(error).split())) from error


def _document(lines: list[bytes]) -> Document:
    try:
        first: dict[str, Any] = msgspec.json.decode(lines[0])
        items = tuple(msgspec.convert(msgspec.json.decode(line)["item"], Content) for line in lines[1:])
        return Document(msgspec.convert(first["report"], Report), items)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise Unreadable(f"cannot be read as a structured report: {error}") from error
