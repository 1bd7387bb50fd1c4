"""The cohort as a file: nothing in it becomes a formula, and every value is the one the list shows."""

from __future__ import annotations

import csv
import io
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.protocol import load_protocol
from data.charts import load_charts
from data.cohort import EVERYBODY
from data.db import Database
from data.exports.cohort_sheet import HEADS, cohort_sheet
from data.exports.sheet_cells import STARTS, sheet
from data.glance import save_glances, stored_glance
from data.people import Actor
from tests.data.ward import Ward, coded, lab


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1", '=HYPERLINK("x")'])
def test_a_text_that_a_spreadsheet_would_run_is_kept_as_text(text: str) -> None:
    (_, (cell,)) = csv.reader(io.StringIO(sheet(["a"], [[text]])))
    assert cell == "'" + text.replace("\r", "\n") or cell == "'" + text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00")), min_size=1, max_size=4))
def test_every_text_comes_back_and_none_starts_a_formula(texts: list[str]) -> None:
    _, row = csv.reader(io.StringIO(sheet(["h"] * len(texts), [texts]), newline=""))
    for given_, read in zip(texts, row, strict=True):
        assert read in (given_, "'" + given_)
        assert not read.lstrip().startswith(STARTS)


def test_numbers_keep_their_sign_and_what_is_unknown_is_an_empty_cell() -> None:
    assert sheet(["a", "b", "c"], [[-5.25, None, True]]).splitlines()[1] == '-5.25,"","yes"'


def test_each_value_stands_under_its_head(database: Database, now: datetime) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        id = ward.patient(
            "=M1",
            lab("glucagon", 300.0, "pg/mL", "2026-02-01", canonical_ref_high=150.0),
            lab("hba1c", 48.0, "mmol/mol", "2026-01-15"),
            lab("weight", 80.0, "kg", "2025-07-01"),
            lab("weight", 76.0, "kg", "2026-02-01"),
            coded("skin", "2026-02-01", iga=3, overall="worse"),
            coded("response", "2026-01-20", response="SD", signed=True),
            coded("state", "2025-01-01", state="residual-stable"),
            coded("therapy", "2026-02-14", kind="injection", drug="lanreotide", dose=120, unit="mg", interval_days=28),
        )
        ward.patient("M2")
        charts = load_charts(session, [id])
        save_glances(session, [stored_glance(id, charts[id], load_protocol(), now)])
        text = cohort_sheet(session, Actor.system("test"), EVERYBODY, now=now)
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert tuple(first) == HEADS
    wanted = {
        "mrn": "'=M1",
        "state": "residual-stable",
        "glucagon": "300.0",
        "glucagon_upper_limit": "150.0",
        "glucagon_times_limit": "2.0",
        "glucagon_at": "2026-02-01T00:00:00+00:00",
        "iga": "3",
        "response": "SD",
        "best_change_percent": "",
        "hba1c": "48.0",
        "hba1c_unit": "mmol/mol",
        "time_in_range_percent": "",
        "weight_kg": "76.0",
        "weight_change_percent": str(-100 * (1 - 76.0 / 80.0)),
        "drug": "lanreotide",
        "next_injection": "2026-03-14",
        "flags_urgent": "0",
    }
    assert {name: first[name] for name in wanted} == wanted
    assert second["mrn"] == "M2" and second["state"] == "" and second["flags_info"] == "0"
