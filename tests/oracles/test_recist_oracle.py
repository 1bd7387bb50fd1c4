"""RECIST 1.1 against the published tables, trial data sets with sums and responses, and transcribed threshold cases."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from clinical.best_response import Criteria, Reading, best_response
from clinical.chart import Lesion
from clinical.recist import (
    NewLesion,
    NonTargetResponse,
    TargetResponse,
    VisitAssessment,
    assess,
    overall_response,
)

pytestmark = pytest.mark.oracles

Reader = tuple[str, str, str]
DAY_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
NON_TARGET = {"CR": "CR", "NON-CR/NON-PD": "non-CR/non-PD", "NE": "NE", "PD": "PD"}
STATES = {"PRESENT": "present", "ABSENT": "absent", "UNEQUIVOCAL": "unequivocal-progression", "EQUIVOCAL": "equivocal"}
EORTC_CONVENTION = {"EO-01"}
"""Keeps a partial response until progression; RECIST 1.1 (and clinical reference E2) judges each visit by itself."""


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_overall_response_agrees_with_the_published_tables(shared_data: Path) -> None:
    rows = rows_of(shared_data / "recist" / "truth_table_overall.csv")
    assert len(rows) >= 18
    for row in rows:
        target = cast(TargetResponse, row["target"]) if row["target"] else None
        non_target = cast(NonTargetResponse, NON_TARGET[row["nontarget"]])
        new: NewLesion = "yes" if row["new_lesion"] == "Y" else "no"
        found = overall_response(target, non_target, new)
        assert (found or "").upper() == row["expected"], row


def test_target_responses_at_the_thresholds_agree(shared_data: Path) -> None:
    rows = [
        r for r in rows_of(shared_data / "recist" / "target_threshold_cases.csv") if r["case"] not in EORTC_CONVENTION
    ]
    assert len(rows) >= 4
    for row in rows:
        sums = [row["baseline_sum"], *row["followup_sums"].split(";")]
        visits = assess(_lesion(f"{n}", DAY_ZERO + timedelta(days=60 * n), "T1", mm) for n, mm in enumerate(sums))
        assert [v.target for v in visits[1:]] == row["expected_target"].split(";"), row


def test_sums_baselines_and_nadirs_agree_with_the_small_trial(shared_data: Path) -> None:
    folder = shared_data / "recist" / "small8"
    visits = _assessed(_small_lesions(folder))
    compared = 0
    for row in rows_of(folder / "adtr_sums_expected.csv"):
        if row["PARAMCD"] != "SDIAM" or not row["AVAL"]:
            continue
        day = datetime.fromisoformat(row["ADT"]).date()
        by_day = {v.scan_date: v for v in visits[(row["USUBJID"], "INVESTIGATOR", "")]}
        visit = by_day[day]
        assert visit.sum_mm == pytest.approx(float(row["AVAL"]), abs=0.2), row
        if row["ABLFL"] != "Y" and row["NADIR"]:
            assert visit.nadir == pytest.approx(float(row["NADIR"]), abs=0.2), row
            compared += 1
    assert compared >= 10


def test_responses_of_every_reader_agree_with_the_small_trial(shared_data: Path) -> None:
    folder = shared_data / "recist" / "small8"
    visits = _assessed(_small_lesions(folder))
    rows = rows_of(folder / "rs_onco_recist_expected.csv")
    for row in rows:
        reader = (row["USUBJID"], row["RSEVAL"], row["RSEVALID"])
        by_day = {v.scan_date: v for v in visits[reader]}
        visit = by_day[datetime.fromisoformat(f"{row['RSDTC']}-01"[:10]).date()]
        assert (visit.overall or "").upper() == row["RSSTRESC"], (row, visit)
    print(f"recist/small8: {len(rows)} responses agree")
    assert len(rows) >= 36


@pytest.mark.parametrize(("parameter", "confirm_days"), [("BOR", None), ("CBOR", 28)])
def test_best_responses_agree_with_the_small_trial(shared_data: Path, parameter: str, confirm_days: int | None) -> None:
    folder = shared_data / "recist" / "small8"
    visits = _assessed(_small_lesions(folder))
    rows = [r for r in rows_of(folder / "adrs_bor_expected.csv") if r["PARAMCD"] == parameter]
    for row in rows:
        series = visits[(row["USUBJID"], row["RSEVAL"] or "INVESTIGATOR", row["RSEVALID"])]
        readings = [Reading(v.scan_date, (v.overall or "").upper()) for v in series if v.overall is not None]
        criteria = Criteria(confirm_days=confirm_days, stable_days=28)
        started = date.fromisoformat(row["TRTSDT"])
        assert best_response(readings, started=started, criteria=criteria)[0] == row["AVALC"], row
    print(f"recist/small8 {parameter}: {len(rows)} best responses agree")
    assert len(rows) == 4


def test_responses_agree_with_the_large_trial(shared_data: Path) -> None:
    folder = shared_data / "recist" / "large"
    visits = _assessed(_large_lesions(folder))
    judged = 0
    for row in rows_of(folder / "timepoint_response_expected.csv"):
        if (row["TARGET_AGREE"], row["OVR_AGREE"]) != ("Y", "Y"):
            continue
        reader = (row["USUBJID"], row["TREVAL"], row["TREVALID"])
        visit = {v.scan_date: v for v in visits[reader]}[_visit_day(row["VISITNUM"]).date()]
        judged += 1
        assert visit.sum_mm == pytest.approx(float(row["SUM_AT_VISIT"]), abs=0.05), row
        assert visit.nadir == pytest.approx(float(row["NADIR_SUM_BEFORE"]), abs=0.05), row
        assert visit.target == row["STRICT_TARGET"], row
        assert visit.non_target == NON_TARGET[row["DATASET_NONTARGET"]], row
        assert visit.overall == row["STRICT_OVERALL"], row
    print(f"recist/large: {judged} visits agree")
    assert judged >= 270


def test_best_responses_agree_with_a_published_implementation(shared_data: Path) -> None:
    rows = rows_of(shared_data / "recist" / "bor_cases.csv")
    assert len(rows) >= 12
    for row in rows:
        given = json.loads(row["params"])
        parts = [part.split("=") for part in row["timepoint_responses"].split(";") if part]
        found, day = best_response(
            [Reading(date.fromisoformat(on), response) for on, response in parts],
            started=date.fromisoformat(row["treatment_start"]),
            criteria=Criteria(
                confirm_days=given.get("ref_confirm"),
                stable_days=given["ref_start_window"],
                most_not_evaluable=given.get("max_nr_ne"),
                accept_stable=given.get("accept_sd", False),
            ),
            progressed=date.fromisoformat(row["pd_date"]) if row["pd_date"] else None,
        )
        if found == "MISSING" and given.get("missing_as_ne"):
            found = "NE"
        assert (found, day.isoformat() if day else "") == (row["expected"], row["expected_date"]), row


def test_confirmed_best_responses_agree_with_the_published_table(shared_data: Path) -> None:
    rows = rows_of(shared_data / "recist" / "truth_table_confirmed_bor.csv")
    assert len(rows) >= 5
    for row in rows:
        readings = [Reading(date(2024, 3, 1), row["first"]), Reading(date(2024, 5, 1), row["second"])]
        assert best_response(readings, started=date(2024, 1, 1), criteria=Criteria())[0] == row["best_overall"], row


def _assessed(lesions: Iterable[tuple[Reader, Lesion]]) -> dict[Reader, tuple[VisitAssessment, ...]]:
    grouped: dict[Reader, list[Lesion]] = defaultdict(list)
    for reader, row in lesions:
        grouped[reader].append(row)
    return {reader: assess(rows) for reader, rows in grouped.items()}


def _small_lesions(folder: Path) -> Iterator[tuple[Reader, Lesion]]:
    nodes = {
        (r["USUBJID"], r["TUEVAL"], r["TUEVALID"], r["TULNKID"])
        for r in rows_of(folder / "tu_onco_recist.csv")
        if r["TULOC"] == "LYMPH NODE"
    }
    for n, row in enumerate(rows_of(folder / "tr_onco_recist.csv")):
        reader = (row["USUBJID"], row["TREVAL"], row["TREVALID"])
        node = (*reader, row["TRLNKID"]) in nodes
        at = datetime.fromisoformat(f"{row['TRDTC']}-01"[:10]).replace(tzinfo=UTC)
        if row["TRGRPID"] == "TARGET" and row["TRTESTCD"] == ("LPERP" if node else "LDIAM"):
            yield reader, _lesion(f"{n:05}", at, row["TRLNKID"], row["TRSTRESN"], node=node)
        elif row["TRTESTCD"] == "TUMSTATE":
            state = STATES[row["TRSTRESC"]]
            yield reader, _lesion(f"{n:05}", at, row["TRLNKID"], "", role="non-target", node=node, state=state)


def _large_lesions(folder: Path) -> Iterator[tuple[Reader, Lesion]]:
    known = {
        (r["USUBJID"], r["TUEVAL"], r["TUEVALID"], r["TULNKID"]): (r["TUSTRESC"], r["TULOC"] == "LYMPH NODE")
        for r in rows_of(folder / "tu_lesions.csv")
    }
    axes: dict[tuple[str, ...], dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows_of(folder / "tr_measures.csv"):
        key = (row["USUBJID"], row["TREVAL"], row["TREVALID"], row["TRLNKID"], row["VISITNUM"], row["TRDTC"])
        axes[key][row["TRTESTCD"]] = row
    for n, row in enumerate(_measured(given) for given in axes.values()):
        reader = (row["USUBJID"], row["TREVAL"], row["TREVALID"])
        role, node = known[(*reader, row["TRLNKID"])]
        state = STATES.get(row["TRSTRESC"], "measured")
        if role == "NEW" and state == "unequivocal-progression":
            state = "present"
        if row["TRSTAT"] == "NOT DONE":
            state = "not-evaluable"
        at = _visit_day(row["VISITNUM"])
        yield reader, _lesion(f"{n:05}", at, row["TRLNKID"], row["TRSTRESN"], role=role.lower(), node=node, state=state)


def _measured(axes: dict[str, dict[str, str]]) -> dict[str, str]:
    """The axis that was read. The data set derived the other: 0.9 of a long axis, 1.1 of a short one."""
    if not {"LDIAM", "LPERP"} <= axes.keys():
        return next(iter(axes.values()))
    long, short = axes["LDIAM"], axes["LPERP"]
    derived_short = long["TRSTRESN"] and Decimal(short["TRSTRESN"]) == Decimal("0.9") * Decimal(long["TRSTRESN"])
    return long if derived_short or not long["TRSTRESN"] else short


def _visit_day(number: str) -> datetime:
    return DAY_ZERO + timedelta(days=round(Decimal(number) * 100))


def _lesion(record: str, at: datetime, name: str, mm: str, **given: object) -> Lesion:
    tenths = round(Decimal(mm) * 10) if mm else None
    fields = {"role": "target", "diameter_tenths": tenths, **given}
    return Lesion(record=record, effective=at, known_at=at, lesion=name, **fields)  # type: ignore[arg-type]
