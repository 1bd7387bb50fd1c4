"""Grids ask the server for stretches of rows: what the browser says is checked, and no column carries code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.exceptions import BadRequest

from clinical.protocol import Protocol
from dashboard.pages import cohort, worklist
from dashboard.parts.grid import BLOCK, read_sort, read_view, stretch
from data.charts import load_charts
from data.glance import save_glances, stored_glance
from data.models import Audit, Flag, Patient, PatientTeam, Person
from tests.dashboard.conftest import Web
from tests.data.findings import finding, judge_as

ONCOLOGIST = "onc@north.example"
NURSE = "nurse@south.example"
ADMIN = "admin@clinic.example"
FIRST = {"startRow": 0, "endRow": 100, "sortModel": [], "filterModel": {}}


@pytest.fixture
def web(assembled: Callable[..., Web], protocol: Protocol) -> Web:
    """The application with the two pages that have grids, a flag of each team's patient and all glances kept."""
    made = assembled(worklist, cohort)
    now = datetime.now(UTC)
    with made.database.write() as session:
        for id in (1, 2):
            judge_as(session, id, [finding(severity="urgent" if id == 1 else "high")], now=now)
        charts = load_charts(session, [1, 2])
        save_glances(session, [stored_glance(id, charts[id], protocol, now) for id in (1, 2)])
    return made


def rows_of(answer: Any, grid: str) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["response"][grid]["getRowsResponse"]["rowData"]
    return found


def parts_of(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, dict):
        if isinstance(content.get("props"), dict):
            yield content["props"]
        content = list(content.values())
    if isinstance(content, list):
        for part in content:
            yield from parts_of(part)


def ask(web: Web, email: str, page: str, asked: Any = FIRST, search: str = "", find: str | None = None) -> Any:
    return web.call(web.client(email), f"{page}-grid.getRowsResponse", asked, search, find)


@pytest.mark.parametrize("page", ["worklist", "cohort"])
def test_only_the_rows_of_ones_own_teams_come(web: Web, page: str) -> None:
    for email, mine, theirs in ((ONCOLOGIST, "N1", "S1"), (NURSE, "S1", "N1")):
        answer = ask(web, email, page)
        assert len(rows_of(answer, f"{page}-grid")) == 1
        assert f"CNRY-{mine}-name" in answer.text and f"CNRY-{theirs}" not in answer.text
        assert f"CNRY-{theirs}" not in ask(web, email, page, find=theirs).text


@pytest.mark.parametrize("page", ["worklist", "cohort"])
def test_who_sees_no_patients_gets_no_rows(web: Web, page: str) -> None:
    assert ask(web, ADMIN, page).status_code == 403


@pytest.mark.parametrize("page", ["worklist", "cohort"])
@pytest.mark.parametrize(
    "asked",
    [
        {**FIRST, "startRow": -1},
        {**FIRST, "endRow": 10**9},
        {**FIRST, "endRow": "100"},
        {**FIRST, "sortModel": [{"colId": "uuid", "sort": "asc"}]},
        {**FIRST, "sortModel": [{"colId": "patient", "sort": "asc; drop table patient"}]},
        {**FIRST, "sortModel": [{"colId": "patient", "sort": "asc"}] * 2},
        {**FIRST, "filterModel": {"patient": "x"}},
        {"startRow": 0},
        [],
    ],
)
def test_what_no_grid_of_ours_asks_is_refused(web: Web, page: str, asked: Any) -> None:
    assert ask(web, ONCOLOGIST, page, asked).status_code == 400


@pytest.mark.parametrize(
    ("page", "search"),
    [
        ("worklist", "?severity=grave"),
        ("worklist", "?owner=1"),
        ("worklist", "?mine=yes&mine=yes"),
        ("cohort", "?state=well"),
        ("cohort", "?hba1c=1"),
        ("cohort", "?flags=urgent&flags=any"),
    ],
)
def test_a_filter_the_page_does_not_know_is_refused(web: Web, page: str, search: str) -> None:
    assert ask(web, ONCOLOGIST, page, search=search).status_code == 400


def test_filters_of_the_address_choose_the_rows(web: Web) -> None:
    for page, search, expected in (
        ("worklist", "?severity=urgent", 1),
        ("worklist", "?severity=low", 0),
        ("worklist", "?team=South", 0),
        ("worklist", "?mine=yes", 0),
        ("cohort", "?flags=urgent&state=unknown", 1),
        ("cohort", "?state=pre-op", 0),
        ("cohort", "?team=South", 0),
    ):
        assert len(rows_of(ask(web, ONCOLOGIST, page, search=search), f"{page}-grid")) == expected, search


def test_mine_are_the_flags_i_own(web: Web) -> None:
    with web.database.write() as session:
        me = session.scalar(select(Person.id).where(Person.email == ONCOLOGIST))
        for flag in session.scalars(select(Flag).where(Flag.patient_id == 1)):
            flag.owner_id = me
    assert len(rows_of(ask(web, ONCOLOGIST, "worklist", search="?mine=yes"), "worklist-grid")) == 1


def test_no_answer_is_longer_than_a_block_whatever_is_asked(web: Web) -> None:
    assert stretch({"startRow": 5, "endRow": 9_999_999, "sortModel": [], "filterModel": {}}) == (5, 5 + BLOCK)
    with web.database.write() as session:
        team = session.scalar(select(PatientTeam.team_id).where(PatientTeam.patient_id == 1))
        for n in range(10, 10 + BLOCK + 20):
            session.add(Patient(id=n, uuid=f"u{n}", mrn=f"M{n}", created_at=datetime.now(UTC)))
            session.flush()
            session.add(PatientTeam(patient_id=n, team_id=team))
    answer = ask(web, ONCOLOGIST, "cohort", {**FIRST, "endRow": 5000})
    assert len(rows_of(answer, "cohort-grid")) == BLOCK
    assert answer.get_json()["response"]["cohort-grid"]["getRowsResponse"]["rowCount"] == BLOCK + 21
    assert len(answer.data) < 300_000


def test_a_patient_nobody_judged_says_so_in_every_cell(web: Web) -> None:
    with web.database.write() as session:
        session.add(Patient(id=9, uuid="u9", mrn="N9", created_at=datetime.now(UTC)))
        session.flush()
        team = session.scalar(select(PatientTeam.team_id).where(PatientTeam.patient_id == 1))
        session.add(PatientTeam(patient_id=9, team_id=team))
    (row,) = rows_of(ask(web, ONCOLOGIST, "cohort", find="N9"), "cohort-grid")
    for name, cell in row.items():
        if name not in ("patient", "flags", "overdue"):
            assert cell["parts"][0]["text"] == "not judged yet", name


def test_the_columns_are_names_and_numbers_and_carry_no_code() -> None:
    allowed = {"field", "colId", "headerName", "width", "minWidth", "sortable", "flex", "pinned", "lockVisible"}
    for column in (*cohort.SHOWN, *worklist.SHOWN):
        assert set(column) <= allowed
        for text in (value for value in column.values() if isinstance(value, str)):
            assert not any(mark in text for mark in "(){};=>$"), text


def test_the_layout_has_the_filters_of_the_address_pressed_and_refuses_unknown_ones(web: Web) -> None:
    client = web.client(ONCOLOGIST)
    page = web.call(client, "shell-page.children", "/", "?severity=urgent&sort=since.desc")
    pressed = [part for part in parts_of(page.get_json()) if part.get("aria-pressed") == "true"]
    assert [part["data-set"] for part in pressed] == ["severity:urgent"]
    (grid,) = [part for part in parts_of(page.get_json()) if part.get("id") == "worklist-grid"]
    assert {c["colId"]: c["sort"] for c in grid["columnDefs"] if "sort" in c} == {"since": "desc"}
    assert web.call(client, "shell-page.children", "/", "?sort=uuid.desc").status_code == 400


def test_views_are_read_strictly() -> None:
    assert read_view("?overdue=yes&team=a%26b", worklist.Filters) == worklist.Filters(overdue="yes", team="a&b")
    assert read_view(None, worklist.Filters) == worklist.Filters()
    assert read_sort("since.asc", ("since",)) == ("since", "asc")
    for search in ("?overdue=no", "?x=1", "?" + "&".join(f"a{n}=1" for n in range(30))):
        with pytest.raises(BadRequest):
            read_view(search, worklist.Filters)
    for text in ("since", "since.up", ".asc", "uuid.asc"):
        with pytest.raises(BadRequest):
            read_sort(text, ("since",))


def test_the_file_holds_the_view_and_an_audit_row_says_who_took_it(web: Web) -> None:
    client = web.client(ONCOLOGIST)
    answer = web.call(client, "cohort-file.data", 1, "?flags=urgent&sort=patient.desc", None)
    text = answer.get_json()["response"]["cohort-file"]["data"]["content"]
    assert text.startswith('\ufeff"mrn","name"') and "CNRY-N1-name" in text and "S1" not in text
    with web.database.read() as session:
        (row,) = session.scalars(select(Audit).where(Audit.action == "cohort.export")).all()
    assert row.actor == ONCOLOGIST and row.detail is not None
    assert row.detail["rows"] == 1 and row.detail["patients"] == ["uuid-N1"]
    assert row.detail["view"]["flags"] == "urgent"
    assert web.call(web.client(ADMIN), "cohort-file.data", 1, "", None).status_code == 403
    with web.database.read() as session:
        assert session.scalar(select(func.count()).where(Audit.action == "cohort.export")) == 1


def test_the_plots_hold_only_ones_own_patients(web: Web) -> None:
    for tab in ("swimmer", "waterfall", "spider"):
        answer = web.call(web.client(ONCOLOGIST), "cohort-plot.children", f"?tab={tab}", None)
        assert answer.status_code == 200
        assert "S1" not in answer.text
    assert web.call(web.client(ONCOLOGIST), "cohort-plot.children", "?tab=pie", None).status_code == 400
