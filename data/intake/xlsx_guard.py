"""What is asked of a workbook before anything in it is parsed: a plain .xlsx of a bounded size."""

from __future__ import annotations

import zipfile
from pathlib import Path

from data.intake.limited import FileRefused

MOST_MEMBERS = 1_000
MOST_UNPACKED = 100 * 1024 * 1024
HIGHEST_RATIO = 100
OLE = bytes.fromhex("d0cf11e0a1b11ae1")
ZIP = b"PK\x03\x04"
_ENCRYPTED = 0x1


class WorkbookRefused(FileRefused):
    """A workbook that is not opened; the message says why in one line."""


def check_workbook(path: Path) -> None:
    """Raise WorkbookRefused unless the file is a workbook without macros and within the limits."""
    with path.open("rb") as stream:
        start = stream.read(8)
    if start == OLE:
        raise WorkbookRefused("is encrypted or of the old .xls kind; save it as .xlsx without a password")
    if not start.startswith(ZIP):
        raise WorkbookRefused("is not an Excel workbook")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            types = _content_types(archive, members)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise WorkbookRefused(f"is a damaged zip file: {error}") from error
    names = {member.filename for member in members}
    if "xl/workbook.xml" not in names:
        raise WorkbookRefused("is a zip file without a workbook in it")
    if b"macroEnabled" in types or any(name.lower().endswith("vbaproject.bin") for name in names):
        raise WorkbookRefused("holds macros; save it as .xlsx without them")


def _content_types(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bytes:
    """The list of what the parts are, read only once the sizes of all parts are known to be within the limits."""
    if len(members) > MOST_MEMBERS:
        raise WorkbookRefused(f"has more than {MOST_MEMBERS} parts")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > MOST_UNPACKED:
        raise WorkbookRefused(f"unpacks to more than {MOST_UNPACKED // 1024 // 1024} MB")
    if unpacked > HIGHEST_RATIO * max(packed, 1):
        raise WorkbookRefused(f"unpacks to more than {HIGHEST_RATIO} times its size")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise WorkbookRefused("is encrypted; save it without a password")
    if any(name.startswith("/") or ".." in name.split("/") for name in (member.filename for member in members)):
        raise WorkbookRefused("has a part whose name leads out of it")
    listed = [member for member in members if member.filename == "[Content_Types].xml"]
    return archive.read(listed[0]) if listed else b""
