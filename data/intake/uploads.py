"""Files people hand over through the browser: kept in a private folder under names of our own, for a day at most.

What the browser calls a file is text to show and nothing else: it is never a path.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from socket import gethostname
from typing import IO, TypedDict
from uuid import uuid4

from sqlalchemy.engine import make_url

from clinical.saying import say
from data.errors import BadInput
from data.intake.sheet_format import XLSX
from data.intake.source import ImportRefused, SourceFile, Sources, gather
from data.intake.xlsx_guard import OLE, ZIP
from data.settings import Settings

LARGEST_UPLOAD = 20 * 1024 * 1024
MOST_FILES = 20
KEPT = timedelta(days=1)
LONGEST_NAME = 120
# The readers tell some formats by the ending; any other file is told by its content alone.
_ENDINGS = (
    *(".json.gz", ".ndjson.gz", ".json", ".ndjson"),
    *(".hl7.gz", ".er7.gz", ".txt.gz", ".hl7", ".er7", ".txt"),
    *(".csv", ".tsv", ".xlsx", ".xlsm"),
)


class TooMuch(BadInput):
    """More than one upload may hold; the message says what the limit is. Nothing is kept."""


class StoredFile(TypedDict):
    """One file of an upload: the name people see, our own, its size in bytes, and the machine that received it."""

    name: str
    stored: str
    size: int
    machine: str


@dataclass(slots=True)
class Upload:
    """One upload as it is received, in a folder of its own below `folder`."""

    folder: Path
    id: str = field(default_factory=lambda: str(uuid4()))
    files: list[StoredFile] = field(default_factory=list)
    _left: int = LARGEST_UPLOAD

    def take(self, source: IO[bytes], name: str | None) -> None:
        """Write `source` to the disk piece by piece. Raises TooMuch, and ImportRefused for an empty file."""
        if len(self.files) == MOST_FILES:
            raise TooMuch(say("one upload has at most {n} files", n=MOST_FILES))
        place = self.folder / self.id
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        shown = self._shown(name)
        stored = f"upload-{len(self.files) + 1}{_ending(shown)}"
        size = 0
        with os.fdopen(os.open(place / stored, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            while piece := source.read(64 * 1024):
                size += len(piece)
                self._left -= len(piece)
                if self._left < 0:
                    raise TooMuch(
                        say("one upload holds at most {mb} MB; send it in parts", mb=LARGEST_UPLOAD // 1024 // 1024)
                    )
                target.write(piece)
        if not size:
            raise ImportRefused(say("{shown} is empty", shown=shown))
        self.files.append({"name": shown, "stored": stored, "size": size, "machine": gethostname()})

    def discard(self) -> None:
        """Remove what was received."""
        remove(self.folder, self.id)

    def _shown(self, name: str | None) -> str:
        plain = shown_name(name) or f"file {len(self.files) + 1}"
        taken = {file["name"] for file in self.files}
        return plain if plain not in taken else f"{plain} ({len(self.files) + 1})"


def upload_folder(settings: Settings) -> Path:
    """Where uploads lie: beside the SQLite file, else beside the audit key. Every web process must reach it."""
    url = make_url(settings.database_url)
    beside = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else settings.audit_key_file
    return beside.resolve().parent / "uploads"


def shown_name(name: str | None) -> str:
    """What a browser calls a file as harmless text: no folders, no control or direction marks, not endless."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in last if unicodedata.category(c)[0] != "C").strip()
    return plain if len(plain) <= LONGEST_NAME else plain[: LONGEST_NAME - 10] + "…" + plain[-9:]


def sources(folder: Path, id: str, files: Sequence[StoredFile]) -> Sources:
    """The files of an upload, told apart by content, under the names people see.

    Raises ImportRefused for what is no one format Nadir reads, or when the files are gone.
    """
    paths = [folder / id / file["stored"] for file in files]
    if not all(path.is_file() for path in paths):
        raise ImportRefused(_gone(files))
    try:
        found = gather(paths, None)
    except ImportRefused as refused:
        why = str(refused)
        for path, file in zip(paths, files, strict=True):
            why = why.replace(str(path), file["name"]).replace(path.name, file["name"])
        raise ImportRefused(why) from refused
    names = {path: file["name"] for path, file in zip(paths, files, strict=True)}
    if found.format == XLSX:
        for path, name in names.items():
            _refuse_no_workbook(path, name)
    return replace(found, files=tuple(SourceFile(source.path, names[source.path]) for source in found.files))


def remove(folder: Path, id: str) -> None:
    """Remove the files of an upload, if they are still there."""
    shutil.rmtree(folder / id, ignore_errors=True)


def remove_old(folder: Path, now: datetime) -> int:
    """Remove every upload older than a day, whoever left it; how many there were."""
    removed = 0
    with suppress(FileNotFoundError):
        for place in folder.iterdir():
            with suppress(FileNotFoundError):
                if place.stat().st_mtime < (now - KEPT).timestamp():
                    shutil.rmtree(place, ignore_errors=True)
                    removed += 1
    return removed


def _gone(files: Sequence[StoredFile]) -> str:
    """Why files of an upload are not there, as far as this machine can tell."""
    here = gethostname()
    elsewhere = next((machine for file in files if (machine := file.get("machine", here)) != here), None)
    if elsewhere is None:
        return say("the uploaded files are no longer kept; upload them again")
    return (
        f"the uploaded files lie on the machine {elsewhere!r}, which {here!r} does not reach, or are no longer kept; "
        "all machines need the folder uploads in common"
    )


def _refuse_no_workbook(path: Path, name: str) -> None:
    with path.open("rb") as stream:
        start = stream.read(8)
    if start == OLE:
        raise ImportRefused(
            say("{name} is encrypted or of the old .xls kind; save it as .xlsx without a password", name=name)
        )
    if not start.startswith(ZIP):
        raise ImportRefused(say("{name} is not an Excel workbook, whatever its name says", name=name))
    if path.name.endswith(".xlsm"):
        raise ImportRefused(say("{name} may hold macros; save it as .xlsx without them", name=name))


def _ending(name: str) -> str:
    return next((ending for ending in _ENDINGS if name.lower().endswith(ending)), ".dat")
