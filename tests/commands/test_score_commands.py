"""`nadir score`: files in, the documents of the contract out; a bad cell leaves with exit code 2, row and cause."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clinical.skin_scores import BSA_REGIONS

Run = Callable[..., Any]


@pytest.fixture
def score(nadir: Run) -> Run:
    """Runs `nadir score`."""
    return lambda *arguments: nadir("score", *map(str, arguments))


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file from its header and rows."""

    def write(header: str, *lines: str) -> Path:
        path = tmp_path / "rows.csv"
        path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
        return path

    return write


def document(done: Any) -> Any:
    assert done.code == 0, done.err
    return done.document


CTCAE = "id,term_or_test,value,unit,lln,uln,baseline,version"


def test_ctcae_gives_a_grade_or_the_reason_why_not(score: Run, sheet: Callable[..., Path]) -> None:
    path = sheet(
        CTCAE + ",fasting,sex",
        "1,alt,125,U/L,,40,,5,,female",
        "2,Hyperglycemia,300,mg/dL,,100,,5,,",
        "3,Hyperglycemia,200,mg/dL,,100,,6,1,",
        "4,glucose,<30,mg/dL,70,100,,5,,",
        "5,Headache,3,1,,,,5,,",
        "6,Anemia,,g/L,120,,,4.03,,",
    )
    found = document(score("ctcae", path, "--json"))
    assert [(g["id"], g["grade"], g["version"]) for g in found] == [
        ("1", 2, 5), ("2", None, 5), ("3", 2, 6), ("4", 4, 5), ("5", None, 5), ("6", None, 4),
    ]  # fmt: skip
    assert found[0].keys() == {"id", "grade", "term", "version", "why"}
    assert [g["term"] for g in found[:3]] == ["Alanine aminotransferase increased", "Hyperglycemia", "Hyperglycemia"]
    assert "not by a number" in found[1]["why"] and "'Headache'" in found[4]["why"]


def test_cgm_gives_the_metrics_of_each_id(score: Run, sheet: Callable[..., Path]) -> None:
    rows = [f"a,2026-03-02 {n // 12:02}:{n % 12 * 5:02}:00,{100 + n % 7}" for n in range(200)]
    path = sheet("id,time,gl", *rows, rows[-1], "a,2026-03-02 16:40:00,HI", "a,2026-03-02 16:45:00,LO")
    (metrics,) = (found := document(score("cgm", path, "--json"))).values()
    assert list(found) == ["a"]
    assert metrics.keys() >= {
        "readings", "days", "active_percent", "mean", "sd", "cv", "gmi", "tir", "tbr_70", "tbr_54", "tar_180",
        "tar_250", "lbgi", "hbgi", "mage", "sufficient",
    }  # fmt: skip
    assert (metrics["readings"], metrics["low_marks"], metrics["high_marks"]) == (202, 1, 1)
    assert metrics["tbr_54"] == metrics["tar_250"] == pytest.approx(100 / 202)
    assert metrics["sufficient"] is False


def test_cgm_scores_what_an_export_holds_and_says_what_was_left_out(score: Run, sheet: Callable[..., Path]) -> None:
    header = "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mg/dL,Scan Glucose mg/dL"
    path = sheet(header, "D,S,05-01-2024 08:00,0,100,", "D,S,05-01-2024 08:15,0,9000,")
    assert "--date-order" in score("cgm", path).err
    done = score("cgm", path, "--date-order", "dmy", "--json")
    assert done.code == 1 and "line[3]: glucose" in done.err
    assert done.document[path.stem]["mean"] == 100
    assert score("cgm", path, "--date-order", "ymd").code == 2


def test_cgm_in_mmol_is_answered_in_mg(score: Run, sheet: Callable[..., Path]) -> None:
    path = sheet("id,time,gl", "a,2026-03-02T08:00:00+01:00,5.0", "a,2026-03-02T08:05:00+01:00,10.0")
    metrics = document(score("cgm", path, "--unit", "mmol/L", "--json"))["a"]
    assert (metrics["unit"], metrics["mean"], metrics["tir"]) == ("mg/dL", pytest.approx(135.117), 100)


def test_skin_scores_carry_a_band_and_what_they_are_validated_for(score: Run, tmp_path: Path) -> None:
    easi = {f"{part}_{sign}": 1 for part in ("head", "upper", "trunk", "lower")
            for sign in ("erythema", "edema_papulation", "excoriation", "lichenification", "area_percent")}  # fmt: skip
    pasi = {f"{part}_{sign}": 1 for part in ("head", "upper", "trunk", "lower")
            for sign in ("erythema", "induration", "desquamation", "area_percent")}  # fmt: skip
    rows: list[dict[str, object]] = [
        {"id": "1", "instrument": "bsa", **dict.fromkeys(BSA_REGIONS, 0), "genital": 100},
        {"id": "2", "instrument": "EASI", **easi},
        {"id": "3", "instrument": "easi", **easi, "age": "under 8", "head_erythema": ""},
        {"id": "4", "instrument": "iga", "iga": 3},
        {"id": "5", "instrument": "nme", "iga": 2, "bsa": 4, "erythema": 2, "sites": "groin;perioral", "itch": 5},
        {"id": "6", "instrument": "pasi", **pasi},
        {"id": "7", "instrument": "scorad", "extent_A_percent": 24, **{f"B{n}": 2 for n in range(1, 7)},
         "pruritus": 5, "sleep_loss": 3},
        {"id": "8", "instrument": "dlqi", **{f"q{n}": 1 for n in range(1, 11)}},
        {"id": "9", "instrument": "scorad"}, {"id": "10", "instrument": "bsa"}, {"id": "11", "instrument": "pasi"},
        {"id": "12", "instrument": "iga"},
    ]  # fmt: skip
    path = tmp_path / "skin.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    found = document(score("skin", path, "--json"))
    assert [(s["score"], s["band"]) for s in found] == [
        (1, None), (4, "mild"), (None, None), (3, "moderate"), (None, "mild"), (3, None), (54.8, "severe"),
        (10, "moderate"), (None, None), (None, None), (None, None), (None, None),
    ]  # fmt: skip
    assert "not recorded: head_erythema" in found[2]["why"]
    assert "unvalidated" in found[4]["validation"] and found[4]["components"]["sites"] == "groin;perioral"
    assert all("valid" in s["validation"] for s in found)


LESIONS = "mrn,scan_date,modality,lesion,role,site,organ,node,diameter_mm,state,into,reader,signed"


def test_recist_answers_each_patient_and_scan(score: Run, sheet: Callable[..., Path]) -> None:
    path = sheet(
        LESIONS,
        "M1,2026-01-10,CT,L1,target,liver,liver,0,40,measured,,dr,1",
        "M1,2026-04-10,CT,L1,target,liver,liver,0,28,measured,,dr,1",
        "M1,2026-07-10,CT,L1,target,liver,liver,0,33.6,measured,,dr,1",
        "M2,2026-01-10,CT,L1,target,liver,liver,0,20,,,dr,1",
    )
    patients = document(score("recist", path, "--json"))["patients"]
    assert list(patients) == ["M1", "M2"]
    assert [(v["scan_date"], v["sum_mm"], v["target"]) for v in patients["M1"]] == [
        ("2026-01-10", 40.0, None), ("2026-04-10", 28.0, "PR"), ("2026-07-10", 33.6, "PD"),
    ]  # fmt: skip
    assert patients["M1"][2].keys() == {
        "scan_date", "sum_mm", "baseline_mm", "nadir_mm", "target", "non_target", "new", "overall", "reason",
    }  # fmt: skip
    assert (patients["M1"][2]["baseline_mm"], patients["M1"][2]["nadir_mm"]) == (40.0, 28.0)


def test_convert_keeps_comparators_and_ranges(score: Run) -> None:
    glucagon = ("pg/mL", "pmol/L", "--analyte", "glucagon")
    assert score("convert", "100", *glucagon).out == "28.71296462 pmol/L\n"
    assert score("convert", "<15", *glucagon).out == "<4.306944693 pmol/L\n"
    assert score("convert", "8-57", *glucagon).out == "2.297037169-16.36638983 pmol/L\n"
    assert document(score("convert", "1e2", *glucagon, "--json"))["value"] == pytest.approx(28.713, abs=1e-3)


@pytest.mark.parametrize(
    ("value", "unit", "cause"), [("100", "pg/L", "pg/L"), ("1,5", "pg/mL", "1,5"), ("57-8", "pg/mL", "upside down")]
)
def test_what_cannot_be_converted_says_why(score: Run, value: str, unit: str, cause: str) -> None:
    done = score("convert", value, unit, "pmol/L", "--analyte", "glucagon")
    assert (done.code, done.out) == (2, "") and cause in done.err


def test_a_bad_cell_leaves_with_exit_code_2_and_says_nothing_but_the_cause(
    score: Run, sheet: Callable[..., Path]
) -> None:
    done = score("ctcae", sheet(CTCAE, "1,alt,125,U/L,,40,,5", "2,alt,12x,U/L,,40,,5"), "--json")
    assert (done.code, done.out) == (2, "")
    assert "rows.csv line 3: '12x' is not a number" in done.err
    done = score("cgm", sheet("id,time,gl"), "--unit", "g/L")
    assert done.code == 2 and "'g/L'" in done.err
