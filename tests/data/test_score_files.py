"""Files of `nadir score`: an unclear cell, header or file is refused with its place and the cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clinical.glucose_readings import HIGH_MARK, LOW_MARK
from data.errors import BadInput
from data.glucose_files import glucose_readings
from data.score_files import lesions, measurements
from data.skin_score_files import skin_scores

CTCAE = "id,term_or_test,value,unit,lln,uln,baseline,version"
LESIONS = "mrn,scan_date,modality,lesion,role,site,organ,node,diameter_mm,state,into,reader,signed"


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file from its header and rows."""

    def write(header: str, *lines: str) -> Path:
        path = tmp_path / "rows.csv"
        path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("1,alt,12x,U/L,,40,,5", "line 2: '12x' is not a number"),
        ("1,alt,12,U/L,,<40,,5", "line 2: uln '<40' is not a plain number"),
        ("1,alt,12,U/L,,40,,7", "line 2: version '7'"),
        (",alt,12,U/L,,40,,5", "line 2: the id is empty"),
        ("1,,12,U/L,,40,,5", "line 2: term_or_test is empty"),
        ("1,alt,12,U/L,,40", "line 2: 6 cells, the header has 8"),
        ('1,alt,"12,U/L,,40,,5', "cannot be read"),
    ],
)
def test_an_unclear_measurement_refuses_the_file(sheet: Callable[..., Path], row: str, cause: str) -> None:
    with pytest.raises(BadInput, match=cause):
        measurements(sheet(CTCAE, row))


def test_a_measurement_keeps_its_comparator_and_what_is_known_of_its_baseline(sheet: Callable[..., Path]) -> None:
    (row,) = measurements(
        sheet(f"\ufeff{CTCAE},fasting,baseline_indicator", "7,GGT increased,>1500,U/L,,60,,4.03,yes,HIGH", "")
    )
    assert (row.id, row.name, row.version) == ("7", "GGT increased", 4)
    assert (row.measured.value, row.measured.comparator, row.measured.fasting) == (1500, ">", True)
    assert (row.measured.baseline, row.measured.baseline_indicator) == (None, "high")


def test_a_missing_file_and_a_missing_or_doubled_column_are_named(sheet: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.csv: cannot be read"):
        measurements(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="column term_or_test, unit, lln, uln, baseline, version is missing"):
        measurements(sheet("id,value", "1,2"))
    with pytest.raises(BadInput, match="column iga stands twice"):
        skin_scores(sheet("id,instrument,iga,IGA", "1,iga,2,3"))
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"id,instrument,iga\n\xb5,iga,1\n")
    with pytest.raises(BadInput, match="cannot be read"):
        skin_scores(latin)


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        (["a,2026-03-02 08:00,"], "line 2: gl: the number is empty"),
        (["a,2026-03-02 08:00,5.5"], "line 2: gl 5.5 mg/dL is no glucose"),
        (["a,2026-03-02 08:00,<40"], "line 2: gl '<40' is neither a number nor HI or LO"),
        (["a,03/02/2026 08:00,100"], "line 2: time '03/02/2026 08:00' is not ISO 8601"),
        (["a,2026-03-02 08:00,100", "a,2026-03-02 08:00,101"], "line 3: another value .* stands at rows.csv line 2"),
        (["a,2026-03-02 08:00,100", "a,2026-03-02T08:05:00Z,101"], "a: some times have an offset"),
        ([",2026-03-02 08:00,100"], "line 2: the id is empty"),
    ],
)
def test_an_unclear_reading_refuses_the_file(sheet: Callable[..., Path], rows: list[str], cause: str) -> None:
    with pytest.raises(BadInput, match=cause):
        glucose_readings([sheet("id,time,gl", *rows)], "mg/dL")


def test_an_export_of_a_maker_is_scored_under_the_name_of_its_file(sheet: Callable[..., Path]) -> None:
    header = "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mmol/L,Scan Glucose mmol/L"
    path = sheet(header, "D,S,13-01-2024 08:00,0,5.4,", "D,S,13-01-2024 08:00,1,,LO", "D,S,13-01-2024 08:00,0,5.4,")
    found = glucose_readings([path], "mg/dL").readings["rows"]
    assert (found.unit, found.values.tolist()[0], found.marks.tolist()) == ("mmol/L", 5.4, [0, LOW_MARK])
    with pytest.raises(BadInput, match="named rows too"):
        glucose_readings([path, path], "mg/dL")


STAMPED = "Timestamp (YYYY-MM-DDThh:mm:ss),Glucose Value (mg/dL)"


def test_what_an_export_leaves_unclear_is_left_out_and_said(sheet: Callable[..., Path]) -> None:
    rows = "2024-01-10 08:00:01,100", "2024-01-10 08:00:01,101", "2024-01-10 08:05:01,1000", "2024-01-10 08:10:01,120"
    found = glucose_readings([sheet(STAMPED, *rows)], "mg/dL")
    assert found.readings["rows"].values.tolist() == [120]
    assert found.left_out == [
        "rows.csv line[4]: glucose 1000 mg/dL is outside what a sensor measures",
        "rows.csv line[2] and line[3]: different values at one time",
    ]


@pytest.mark.parametrize(
    ("rows", "cause"),
    [(["2024-01-10 08:00:01,1000"], "holds no reading; .* is outside"), (['2024-01-10 08:00:01,"1'], "cannot be read")],
)
def test_an_export_without_a_readable_reading_is_refused(
    sheet: Callable[..., Path], rows: list[str], cause: str
) -> None:
    with pytest.raises(BadInput, match=cause):
        glucose_readings([sheet(STAMPED, *rows)], "mg/dL")


def test_marks_offsets_and_doubled_rows_are_read_as_what_they_are(sheet: Callable[..., Path]) -> None:
    path = sheet(
        "id,time,gl",
        "a,2026-03-29T01:55:00+01:00,LO",
        "a,2026-03-29T03:00:00+02:00,High",
        "a,2026-03-29T03:05:00+02:00,100",
    )
    found = glucose_readings([path, path], "mg/dL").readings["a"]
    assert found.marks.tolist() == [LOW_MARK, HIGH_MARK, 0]
    assert (found.at[2] - found.at[0]).item().total_seconds() == 600
    assert found.minute_of_day.tolist() == [115, 180, 185]


@pytest.mark.parametrize(
    ("header", "row", "cause"),
    [
        ("id,instrument,iga", "1,iga,5", "line 2: iga 5 is not between 0 and 4"),
        ("id,instrument,iga", "1,poem,5", "line 2: instrument 'poem' is not one of bsa, easi"),
        ("id,instrument,iga", "1,nme,", "line 2: the skin assessment says nothing"),
        ("id,instrument,iga", ",iga,1", "line 2: the id is empty"),
        ("id,instrument," + ",".join(f"q{n}" for n in range(1, 11)), "1,dlqi,4" + ",1" * 9, "line 2: q1 4"),
        (
            "id,instrument,extent_A_percent,B1,B2,B3,B4,B5,B6,pruritus,sleep_loss",
            "1,scorad,10,1,1,1,1,1,1,11,2",
            "line 2: itch: 11",
        ),
    ],
)
def test_an_entry_outside_its_scale_refuses_the_file(
    sheet: Callable[..., Path], header: str, row: str, cause: str
) -> None:
    with pytest.raises(BadInput, match=cause):
        skin_scores(sheet(header, row))


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("M1,10.01.2026,CT,L1,target,,,0,40,,,,1", "line 2: scan_date '10.01.2026' is not a date"),
        (",2026-01-10,CT,L1,target,,,0,40,,,,1", "line 2: mrn or scan_date is empty"),
        ("M1,2026-01-10,CT,L1,main,,,0,40,,,,1", "line 2: role 'main'"),
        ("M1,2026-01-10,CT,L1,target,,,0,,measured,,,1", "line 2: a measured lesion has no diameter"),
    ],
)
def test_an_unclear_lesion_refuses_the_file(sheet: Callable[..., Path], row: str, cause: str) -> None:
    with pytest.raises(BadInput, match=cause):
        lesions(sheet(LESIONS, row))
