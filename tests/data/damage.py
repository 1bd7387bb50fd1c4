"""Any bytes at all, and good files with damage: what tests give to the readers, and what may come of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from openpyxl import Workbook
from pydicom.uid import UID

from data.db import Database
from data.intake.batch import import_paths
from data.intake.source import FORMATS, ImportRefused
from data.people import Actor
from tests.data.bundles import bundle, coded, glucose, observation, part, patient
from tests.data.reports import LONG, SHORT, dataset, group, number

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
FHIR = json.dumps(
    bundle(
        patient(birthDate="1960-01-01"),
        glucose(118.5, id="a", referenceRange=[{"high": {"value": 99}}]),
        observation(coded("skin-assessment"), component=[part("iga", 3), part("sites", "groin")]),
        {"resourceType": "Procedure", "status": "completed", "code": {"text": "Whipple"}, "performedDateTime": "2020"},
    )
)
SHEET = "mrn,when,analyte,value,unit,ref_high,id,status\nM-1,2024-03-10,glucagon,<15,pg/mL,99,A1,final\n"
MESSAGE = (
    "MSH|^~\\&|LIS|LAB|NADIR|CLINIC|20250610083000+0200||ORU^R01^ORU_R01|A-1|P|2.5.1\r"
    "PID|1||M-1^^^HOSP^MR||Muster^Erika^Maria||19700101|F\rOBR|1||F100^LIS|82943^Panel^L|||20250610073000+0200\r"
    "OBX|1|NM|2338-2^Glucagon^LN||812|pg/mL|0-159|H|||F|||20250610073000+0200\r"
)
CLARITY = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Source Device ID,Glucose Value (mg/dL)\n"
    "1,,FirstName,,\n2,2024-01-10 08:00:00,EGV,G6,100\n3,2024-01-10 08:05:00,EGV,G6,Low\n"
)
LIBRE = (
    "Glucose Data,Generated on,13-01-2024 09:40 UTC\n"
    "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mmol/L,Scan Glucose mmol/L\n"
    "D,S,13-01-2024 08:00,0,5.4,\nD,S,13-01-2024 08:15,1,,5.6\n"
)
THERAPY = (
    "mrn,when,kind,drug,dose,unit,route,interval_days,note,completeness,intent,planned_next\n"
    "M-1,2023-01-10,procedure,pancreatectomy,,,,,left side,R0,curative,\n"
    "M-1,2023-03-10T09:00+01:00,injection,lanreotide,120,mg,deep sc,28,,,,2023-04-07\n"
)
LESIONS = (
    "mrn,scan_date,modality,lesion,role,site,organ,node,diameter_mm,state,into,reader,signed\n"
    "M-1,2024-01-10,CT,L1,target,segment 4,liver,0,23.5,measured,,Dr R,1\n"
)
SKIN = (
    "mrn,when,overall,iga,bsa,erythema,erosion,crust,mucosal,itch,pain,sites,infection,new_drug,rater,note\n"
    "M-1,2024-01-10,worse,3,12.5,2,1,0,1,7,2.5,groin;perioral,suspected,everolimus,Nurse N,crusting\n"
)
NIGHTSCOUT = json.dumps(
    [{"type": "sgv", "sgv": 120, "date": 1705600000000, "device": "xDrip"}, {"type": "mbg", "mbg": 90, "date": 1}]
)
TIDEPOOL = json.dumps(
    [{"type": "cbg", "time": "2024-01-18T18:00:00Z", "deviceId": "D", "units": "mmol/L", "value": 6.10584}]
)
GOOD = (
    (FHIR, "fhir-r4"),
    (SHEET, "csv"),
    (THERAPY, "csv-therapy"),
    (LESIONS, "csv-lesions"),
    (SKIN, "csv-skin"),
    (MESSAGE, "hl7v2"),
    (CLARITY, "dexcom-clarity"),
    (LIBRE, "libreview"),
    (NIGHTSCOUT, "nightscout"),
    (TIDEPOOL, "tidepool"),
)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.just([[]]),
)
Case = tuple[bytes, str, str | None]


def attempt(database: Database, folder: Path, case: Case) -> None:
    """Import dry: what is said must be a refusal in words or an account of everything."""
    content, name, format = case
    path = folder / name
    path.write_bytes(content)
    try:
        summary = import_paths(
            database, ACTOR, [path], now=NOW, dry_run=True, format=format, mrn="M-1", zone="Europe/Berlin"
        ).as_json()
    except ImportRefused as refused:
        assert str(refused)
        return
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[p] for p in parts) + len(summary["quarantined"])
    json.dumps(summary, allow_nan=False)


@st.composite
def any_bytes(draw: st.DrawFn) -> Case:
    """Bytes without any form, taken for each format."""
    return draw(st.binary(max_size=300)), "any.bin", draw(st.sampled_from(FORMATS))


@st.composite
def changed_files(draw: st.DrawFn) -> Case:
    """A good file of a format with some bytes changed."""
    good, format = draw(st.sampled_from(GOOD))
    content = bytearray(good.encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content) - 1))
        content[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
        if not content:
            break
    return bytes(content), "changed.bin", format


@st.composite
def changed_workbooks(draw: st.DrawFn) -> Case:
    """A good workbook with some bytes changed."""
    return _with_bytes_changed(draw, _workbook()), "changed.xlsx", "xlsx"


@st.composite
def changed_reports(draw: st.DrawFn) -> Case:
    """A good DICOM structured report with some bytes changed."""
    return _with_bytes_changed(draw, _report()), "changed.dcm", "dicom-sr"


def _with_bytes_changed(draw: st.DrawFn, good: bytes) -> bytes:
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


@st.composite
def changed_bundles(draw: st.DrawFn) -> Case:
    """A good bundle in which some fields hold something of another kind."""
    document = json.loads(FHIR)
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(_places(document))))
        # JUNK hands out the same list every time; put into itself it would never end.
        holder[key] = deepcopy(draw(JUNK))
    return json.dumps(document).encode(), "changed.json", "fhir-r4"


@st.composite
def any_cells(draw: st.DrawFn) -> Case:
    """A sheet with a row of any text."""
    cells = draw(st.lists(st.text(max_size=30), min_size=8, max_size=8))
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    return (SHEET + quoted + "\n").encode("utf-8", "replace"), "cells.csv", "csv"


@cache
def _workbook() -> bytes:
    """The sheet as a workbook; one and the same for all examples, because it holds the time at which it was made."""
    book, target = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in SHEET.splitlines():
        book.active.append(row.split(","))
    book.save(target)
    return target.getvalue()


@cache
def _report() -> bytes:
    made, target = dataset(group(number(LONG, "31.5"), number(SHORT, "18.25"))), io.BytesIO()
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = UID("1.2.3.4")
    made.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])
