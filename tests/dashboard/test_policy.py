"""What a callback is called with is checked on the server: role, patient, types - and every reading is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import time_machine
from dash import Dash, Input, Output, State, html
from sqlalchemy import func, select

from dashboard.policy import CLINICAL, PEOPLE, Policy, guarded
from dashboard.request import current_actor
from dashboard.routing import Route
from data.audit import verify
from data.models import Audit, Flag
from data.people import Actor, set_teams
from tests.dashboard.conftest import Web

ONC, NURSE, ADMIN, AUDITOR = (
    "onc@north.example",
    "nurse@south.example",
    "admin@clinic.example",
    "auditor@clinic.example",
)
CANARY = "CNRY-"

pytestmark = pytest.mark.parametrize("clinic", ["sqlite", "postgresql"], indirect=True)


def _register(app: Dash) -> None:
    @guarded(
        app,
        Output("chart", "children"),
        Input("range", "value"),
        State("mrn", "data"),
        policy=Policy(CLINICAL, patient_argument="mrn"),
    )
    def chart(span: Literal["1y", "all"], mrn: str) -> str:
        return f"CNRY-{mrn}-{span}-{current_actor().name}"

    @guarded(
        app,
        Output("flag", "children"),
        Input("go", "n_clicks"),
        State("flag-id", "data"),
        State("score", "value"),
        policy=Policy(CLINICAL, flag_argument="flag_id"),
    )
    def flag(n_clicks: int | None, flag_id: str, score: float | None) -> str:
        return f"CNRY-{flag_id}-{n_clicks}-{score}"

    @guarded(app, Output("who", "children"), Input("who-go", "n_clicks"), policy=Policy(PEOPLE))
    def who(n_clicks: int | None) -> str:
        return f"{current_actor().role}-{n_clicks}"


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    page = SimpleNamespace(
        ROUTE=Route("/p/<mrn>", "Patient", Policy(CLINICAL, patient_argument="mrn")),
        layout=lambda mrn: html.H1(f"CNRY-{mrn}-page"),
        register=_register,
    )
    made = assembled(page)
    with made.database.write() as session:
        session.add_all([_flag("flag-north", 1), _flag("flag-south", 2)])
    return made


def _flag(identity: str, patient_id: int) -> Flag:
    now = datetime.now(UTC)
    return Flag(
        id=identity,
        patient_id=patient_id,
        **dict.fromkeys(("rule", "rule_version", "protocol_version", "axis", "subject", "title", "question"), "x"),
        why="x",
        severity="high",
        status="open",
        dedup_key=identity,
        episode=1,
        finding={},
        evidence_digest="d",
        opened_at=now,
        as_of=now,
        first_evidence_at=now,
    )


def _readings(web: Web) -> list[tuple[str, str | None, str]]:
    with web.database.read() as session:
        assert verify(session).ok
        rows = session.scalars(select(Audit).where(Audit.action.in_(["patient.read", "access"])).order_by(Audit.seq))
        return [(row.actor, row.patient_uuid, row.outcome) for row in rows]


def test_a_clinician_reads_a_patient_of_the_own_team(web: Web) -> None:
    answer = web.call(web.client(ONC), "chart.children", "1y", "N1")
    assert answer.status_code == 200
    assert "CNRY-N1-1y-onc@north.example" in answer.text


@pytest.mark.parametrize("callback", ["chart.children", "flag.children"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_forged_number_of_another_team_is_refused_like_one_that_does_not_exist(
    web: Web, callback: str, exists: bool
) -> None:
    values = {
        "chart.children": ("1y", "S1" if exists else "S9"),
        "flag.children": (1, "flag-south" if exists else "flag-none", 1.5),
    }[callback]
    answer = web.call(web.client(ONC), callback, *values)
    assert answer.status_code == 404
    assert CANARY not in answer.text
    assert answer.json["error"] == "There is nothing here"


def test_the_page_of_another_teams_patient_is_not_routed_to(web: Web) -> None:
    client = web.client(ONC)
    assert "CNRY-N1-page" in web.call(client, "shell-page.children", "/p/N1").text
    for pathname in ("/p/S1", "/p/S9", "/p/%53%31", "/p/N1%00", "/p/../p/S1"):
        answer = web.call(client, "shell-page.children", pathname)
        assert answer.status_code in (400, 404), pathname
        assert CANARY not in answer.text
        assert client.get(pathname).status_code == 404


@pytest.mark.parametrize("email", [ADMIN, AUDITOR])
def test_a_role_the_policy_does_not_name_is_refused(web: Web, email: str) -> None:
    client = web.client(email)
    for callback, values in [
        ("chart.children", ("1y", "N1")),
        ("flag.children", (1, "flag-north", 1.0)),
        ("shell-page.children", ("/p/N1",)),
    ]:
        answer = web.call(client, callback, *values)
        assert answer.status_code == 403
        assert CANARY not in answer.text
    assert web.call(client, "who.children", 1).status_code == 200


def test_rights_taken_away_while_the_page_is_open_are_gone_at_the_next_click(web: Web) -> None:
    client = web.client(ONC)
    assert web.call(client, "chart.children", "1y", "N1").status_code == 200
    with web.database.write() as session:
        set_teams(session, Actor.system("test"), ONC, ["South"], now=datetime.now(UTC))
    assert web.call(client, "chart.children", "1y", "N1").status_code == 404
    assert web.call(client, "chart.children", "1y", "S1").status_code == 200


WRONG_TEXTS: list[Any] = [None, [], {}, ["N1"], {"mrn": "N1"}, True, 1, 1.5, "N1\x00", "x" * 10_001, "\ud800"]


@pytest.mark.parametrize("value", WRONG_TEXTS, ids=[str(number) for number in range(len(WRONG_TEXTS))])
def test_what_is_no_text_is_refused_where_a_text_stands(web: Web, value: Any) -> None:
    client = web.client(ONC)
    assert web.call(client, "chart.children", "1y", value).status_code == 400
    assert web.call(client, "flag.children", 1, value, 1.0).status_code == 400
    assert web.call(client, "shell-page.children", value).status_code == 400


@pytest.mark.parametrize("value", [None, [], "2y", "", 1, True, {"a": 1}])
def test_a_choice_outside_the_choices_is_refused(web: Web, value: Any) -> None:
    assert web.call(web.client(ONC), "chart.children", value, "N1").status_code == 400


@pytest.mark.parametrize("value", ["1", "１", True, [], {}])
def test_what_is_no_number_is_refused_where_a_number_stands(web: Web, value: Any) -> None:
    client = web.client(ONC)
    assert web.call(client, "flag.children", 1, "flag-north", value).status_code == 400
    assert web.call(client, "flag.children", value, "flag-north", 1.0).status_code == 400


def test_good_numbers_and_nothing_pass(web: Web) -> None:
    client = web.client(ONC)
    for clicks, score in ((None, None), (1, 2), (3, 2.5)):
        assert web.call(client, "flag.children", clicks, "flag-north", score).status_code == 200


def test_hospital_numbers_that_look_like_sql_find_nobody(web: Web) -> None:
    client = web.client(ONC)
    for mrn in ("' OR 1=1 --", "N1'; DROP TABLE patient; --", "%", "_1", "n1", " N1", "N1 "):
        assert web.call(client, "chart.children", "1y", mrn).status_code == 404
    assert web.call(client, "chart.children", "1y", "N1").status_code == 200


def test_one_page_view_is_one_row_and_what_it_loads_is_covered_by_it(web: Web) -> None:
    client = web.client(ONC)
    client.get("/p/N1")
    assert _readings(web) == []
    web.call(client, "shell-page.children", "/p/N1")
    for _ in range(3):
        web.call(client, "chart.children", "1y", "N1")
    assert _readings(web) == [(ONC, "uuid-N1", "ok")]
    web.call(client, "shell-page.children", "/p/N1")
    assert _readings(web) == [(ONC, "uuid-N1", "ok")] * 2


def test_a_reading_without_a_page_view_has_its_row_and_so_has_one_much_later(web: Web) -> None:
    client = web.client(ONC)
    web.call(client, "flag.children", 1, "flag-north", 1.0)
    assert _readings(web) == [(ONC, "uuid-N1", "ok")]
    start = datetime.now(UTC)
    with time_machine.travel(start, tick=False) as clock:
        for minutes in (10, 20):
            clock.move_to(start + timedelta(minutes=minutes))
            assert web.call(client, "chart.children", "1y", "N1").status_code == 200
    assert _readings(web) == [(ONC, "uuid-N1", "ok")] * 2


def test_what_was_refused_is_written_down(web: Web) -> None:
    web.call(web.client(ONC), "chart.children", "1y", "S1")
    web.call(web.client(ONC), "chart.children", "1y", "S9")
    web.call(web.client(ADMIN), "chart.children", "1y", "N1")
    assert _readings(web) == [(ONC, "uuid-S1", "denied"), (ONC, None, "denied"), (ADMIN, None, "denied")]


def test_no_audit_row_carries_a_hospital_number(web: Web) -> None:
    client = web.client(ONC)
    client.get("/p/N1")
    client.get("/p/S1")
    web.call(client, "shell-page.children", "/p/N1")
    web.call(client, "shell-page.children", "/p/S1")
    with web.database.read() as session:
        rows = session.scalars(select(Audit)).all()
        assert all("N1" not in (row.object or "") and "S1" not in (row.object or "") for row in rows)


def test_when_nothing_can_be_written_down_nothing_is_read(web: Web) -> None:
    client = web.client(ONC)
    with web.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM audit_head")
    answer = web.call(client, "chart.children", "1y", "N1")
    assert answer.status_code == 503
    assert CANARY not in answer.text


def test_a_parameter_without_annotation_stops_the_start(assembled: Callable[..., Web]) -> None:
    def register(app: Dash) -> None:
        @guarded(app, Output("a", "children"), Input("b", "value"), policy=Policy(PEOPLE))
        def loose(value) -> str:  # type: ignore[no-untyped-def]
            return str(value)

    page = SimpleNamespace(ROUTE=Route("/", "x", Policy(PEOPLE)), layout=html.Div, register=register)
    with pytest.raises(TypeError, match="without annotation: value"):
        assembled(page)


def test_a_policy_that_names_no_parameter_stops_the_start(assembled: Callable[..., Web]) -> None:
    def register(app: Dash) -> None:
        @guarded(app, Output("a", "children"), Input("b", "value"), policy=Policy(CLINICAL, patient_argument="mrn"))
        def loose(value: str) -> str:
            return value

    page = SimpleNamespace(ROUTE=Route("/", "x", Policy(PEOPLE)), layout=html.Div, register=register)
    with pytest.raises(TypeError, match="no parameter 'mrn'"):
        assembled(page)


def test_opening_pages_changes_nothing_but_audit_and_sessions(web: Web) -> None:
    def fingerprint() -> dict[str, int]:
        with web.database.read() as session:
            return {"flags": session.scalar(select(func.count()).select_from(Flag)) or 0}

    before = fingerprint()
    client = web.client(ONC)
    for path in ("/", "/p/N1", "/_dash-layout", "/_dash-dependencies", "/healthz", "/readyz"):
        client.get(path)
    assert fingerprint() == before
