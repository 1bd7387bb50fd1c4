"""The files of one import: folders opened up, formats told apart by content, one digest over everything."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from data.errors import BadInput
from data.intake.cgm_formats import SENSOR_FORMATS, sensor_format
from data.intake.cgm_workbook import workbook_format
from data.intake.hl7_frames import looks_like_hl7
from data.intake.sheet_format import SHEET_FORMATS, XLSX, sheet_format
from data.intake.xlsx_guard import OLE, ZIP

FHIR = "fhir-r4"
HL7 = "hl7v2"
DICOM_SR = "dicom-sr"
FORMATS = (FHIR, HL7, *SHEET_FORMATS, XLSX, *SENSOR_FORMATS, DICOM_SR)
_FHIR_ENDINGS = (".json", ".ndjson", ".json.gz", ".ndjson.gz")
_HL7_ENDINGS = (".hl7", ".txt", ".er7", ".hl7.gz", ".txt.gz", ".er7.gz")
_SHEET_ENDINGS = (".csv", ".tsv", ".txt")
_WORKBOOK_ENDINGS = (".xlsx", ".xlsm")
_PROBE = 65_536


class ImportRefused(BadInput):
    """An import that cannot be done at all; the message says why. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read. `name` is how places in it are written: its path below the folder that was named."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What an import reads: files of one format, and files of a folder that are no part of it."""

    format: str
    files: tuple[SourceFile, ...]
    beside: tuple[SourceFile, ...]
    digest: str


def gather(paths: Sequence[Path], format: str | None) -> Sources:
    """The files under `paths`, in a fixed order. Raises ImportRefused when there is nothing to read or no one format.

    In a folder, FHIR files come first: where it holds some, other files are counted as not part of the import.
    """
    if format is not None and format not in FORMATS:
        raise ImportRefused(f"there is no format {format!r}; the formats are {', '.join(FORMATS)}")
    named: list[SourceFile] = []
    found: list[SourceFile] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
            found += [SourceFile(p, p.relative_to(path).as_posix()) for p in inside]
        elif path.is_file():
            named.append(SourceFile(path, path.name))
        else:
            raise ImportRefused(f"{path}: no such file or folder")
    names = Counter(file.name for file in (*named, *found))
    named = [f if names[f.name] == 1 else SourceFile(f.path, f.path.as_posix()) for f in named]
    formats = {file: format or detect(file) for file in (*named, *found)}
    wanted = format or _one_format([formats[file] for file in named] or list(formats.values()))
    if wanted is None:
        raise ImportRefused(f"{_first(paths)}: nothing here is of a known format ({', '.join(FORMATS)})")
    unknown = [file.name for file in named if formats[file] != wanted]
    if unknown:
        raise ImportRefused(f"{unknown[0]} is not {wanted} like the rest; import it apart or name its format")
    part = [f for f in (*named, *found) if formats[f] == wanted and (f in named or _belongs(f, wanted))]
    if not part:
        raise ImportRefused(f"{_first(paths)}: no {wanted} file here")
    return Sources(wanted, tuple(part), tuple(f for f in found if f not in part), _digest(part))


def detect(file: SourceFile) -> str | None:
    """The format of a file by its content.

    DICM at byte 128 is DICOM; a sensor export is told by its columns or first entry, other JSON is FHIR; MSH, FHS and
    BHS begin HL7; a zip with xl/ is a workbook, of sheets or of a sensor; a header row tells the sheets apart. None:
    none of them.
    """
    try:
        with file.path.open("rb") as stream:
            probe = stream.read(_PROBE)
        if probe.startswith(b"\x1f\x8b"):
            with gzip.open(file.path, "rb") as unzipped:
                probe = unzipped.read(_PROBE)
    except (OSError, EOFError):
        probe = b""
    if probe[128:132] == b"DICM":
        return DICOM_SR
    sensor = sensor_format(probe)
    if sensor is not None:
        return sensor
    if _named_like(file, _FHIR_ENDINGS) or probe.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return FHIR
    if looks_like_hl7(probe):
        return HL7
    if _workbook(file, probe):
        return workbook_format(file.path) or XLSX
    return sheet_format(probe)


def _belongs(file: SourceFile, format: str) -> bool:
    if format in (*SENSOR_FORMATS, DICOM_SR):
        return detect(file) == format
    return _named_like(
        file, {FHIR: _FHIR_ENDINGS, HL7: _HL7_ENDINGS, XLSX: _WORKBOOK_ENDINGS}.get(format, _SHEET_ENDINGS)
    )


def _workbook(file: SourceFile, probe: bytes) -> bool:
    zipped = probe.startswith(ZIP) and b"xl/" in probe
    return zipped or probe.startswith(OLE) or _named_like(file, _WORKBOOK_ENDINGS)


def _one_format(found: list[str | None]) -> str | None:
    known = [format for format in found if format is not None]
    if FHIR in known:
        return FHIR
    if len(set(known)) > 1:
        raise ImportRefused(f"the files are of several formats ({', '.join(sorted(set(known)))}); import them apart")
    return known[0] if known else None


def _named_like(file: SourceFile, endings: tuple[str, ...]) -> bool:
    return file.path.name.lower().endswith(endings)


def _first(paths: Sequence[Path]) -> str:
    return str(paths[0]) if paths else "no path"


def _digest(files: list[SourceFile]) -> str:
    total = sha256()
    for file in files:
        content = sha256()
        with file.path.open("rb") as stream:
            while chunk := stream.read(1024 * 1024):
                content.update(chunk)
        total.update(f"{file.name}\x00{content.hexdigest()}\n".encode())
    return total.hexdigest()
