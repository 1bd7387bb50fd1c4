"""Columns of an export that are read together give what its rows give one by one: readings, lines, causes, order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.intake.cgm_clarity import is_header as is_clarity
from data.intake.cgm_formats import CLARITY, LIBREVIEW
from data.intake.cgm_text import read_table
from data.intake.moments import DateOrder
from data.intake.parcel import Unreadable
from tests.data.exports_twice import alike

CLARITY_HEADER = "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Source Device ID,Glucose Value (mg/dL),Note"
LIBRE_HEADER = "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mmol/L,Scan Glucose mmol/L,Notes"


DATES = st.sampled_from(
    ["2024-01-10", "2024/01/10", "13-01-2024", "01-13-2024", "05.01.2024", "1-2-2024", "2024-02-30", "1500-01-01"]
)
TIMES = st.sampled_from(
    [
        "08:00",
        "08:05:30",
        "8:05",
        "23:59:59",
        "24:00",
        "08:60",
        "08:05:60",
        "05:38 PM",
        "12:10 AM",
        "00:10 AM",
        "13:10 PM",
        *("05:38 pm", "05:38PM", "08:05:30.5", "", "0x:00", "08:05:3x", " 08:05"),
    ]
)
STAMPS = st.one_of(
    st.builds("{}{}{}".format, DATES, st.sampled_from([" ", "T", "  ", "t"]), TIMES),
    st.sampled_from(["", " ", "2024-01-10", "äöü4-01-10 08:00", " 2024-01-10 08:00", "2024-01-10 08:00 "]),
)
VALUES = st.sampled_from(
    ["100", "5.4", "5,4", "5.44", "", " ", " 100", "Low", "HIGH", "hi", "NaN", "9999999999", "12", "é", "0"]
)
DEVICES = st.sampled_from(["android G6", "iPhone G6", "", " ", "Gerät", "x" * 127, "x" * 129, "a\tb"])
CLARITY_ROW = st.tuples(
    st.just("1"),
    STAMPS,
    st.sampled_from(["EGV", "EGV", "EGV", " EGV", "Alert", "", "EGVX"]),
    DEVICES,
    VALUES,
    st.just(""),
)
LIBRE_ROW = st.tuples(
    DEVICES, DEVICES, STAMPS, st.sampled_from(["0", "0", "1", "1", "6", " 0", ""]), VALUES, VALUES, st.just("")
)
ODD = st.sampled_from([(), ("",) * 6, ("1",), ("x",) * 3, ("x",) * 9, (" ",)])
ENDS = st.sampled_from(["\n", "\r\n"])


def made(header: str, rows: list[tuple[str, ...]], delimiter: str, end: str, closed: bool) -> str:
    lines = [header.replace(",", delimiter), *(delimiter.join(c.replace(delimiter, " ") for c in row) for row in rows)]
    return end.join(lines) + (end if closed else "")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(CLARITY_ROW, CLARITY_ROW, ODD), max_size=40), st.sampled_from(",;"), ENDS, st.booleans())
def test_any_clarity_file_says_the_same_by_column_and_by_row(
    rows: list[tuple[str, ...]], delimiter: str, end: str, closed: bool
) -> None:
    alike(CLARITY, made(CLARITY_HEADER, rows, delimiter, end, closed), "dmy")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(LIBRE_ROW, LIBRE_ROW, ODD), max_size=40),
    st.sampled_from(",;\t"),
    ENDS,
    st.booleans(),
    st.sampled_from([None, "dmy", "mdy"]),
)
def test_any_libreview_file_says_the_same_by_column_and_by_row(
    rows: list[tuple[str, ...]], delimiter: str, end: str, closed: bool, order: DateOrder | None
) -> None:
    text = made(LIBRE_HEADER, rows, delimiter, end, closed)
    alike(LIBREVIEW, f"Glucose Data{delimiter}Generated on{end}{text}", order)


@pytest.mark.parametrize("odd", ['a "b" c', "a\rb", "a\0b", "x" * 140_000])
def test_a_file_in_which_a_line_need_not_be_a_row_is_read_by_row(odd: str) -> None:
    text = made(CLARITY_HEADER, [("1", "2024-01-10 08:00:00", "EGV", "G6", "100", odd)], ",", "\n", True)
    try:
        assert read_table(text.encode(), is_clarity).cells is None
    except Unreadable as error:
        assert "cannot be read" in str(error)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_that_is_read_in_several_parts_says_the_same_by_column_and_by_row(end: str) -> None:
    rows = [
        ("1", f"2024-01-{1 + at // 1440:02d} {at // 60 % 24:02d}:{at % 60:02d}:00", "EGV", f"G{at % 3}", "100", "é" * 9)
        for at in range(20_000)
    ]
    for at in range(0, len(rows), 997):
        rows[at] = ("",) * 6 if at % 2 else ("1", "2024-02-30 08:00:00", "EGV", "G6", "Low", "")
    text = made(CLARITY_HEADER, rows, ",", end, closed=False)
    cells = read_table(text.encode(), is_clarity).cells
    assert cells is not None and len(cells) > 1
    readings, places, _, held, _ = alike(CLARITY, text, None)
    assert len(readings) == 3 and len(places) == 20_000 - 21 and len(held) == 11
