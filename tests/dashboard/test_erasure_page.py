"""An admin erases an identity with the number twice, a reason and the password; nobody else, and nothing by halves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from dashboard.pages import worklist
from data.audit import verify
from data.models import Audit, Patient
from tests.dashboard.conftest import PASSWORD, Web

ADMIN = "admin@clinic.example"
ASKED = {"mrn": "N1", "again": "N1", "reason": "asked for by letter", "password": PASSWORD}


def numbers(web: Web) -> set[str]:
    with web.database.read() as session:
        return set(session.scalars(select(Patient.mrn)))


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"again": "N2"}, 400, "Type the same hospital number twice"),
        ({"mrn": "", "again": ""}, 400, "Type the same hospital number twice"),
        ({"reason": "short"}, 400, "Say why in 10 to 500 characters"),
        ({"password": "not it, not it at all"}, 403, "That is not your password"),
        ({"mrn": "N9", "again": "N9"}, 404, "No patient has this number"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_erased(
    assembled: Callable[..., Web], changed: dict[str, str], status: int, said: str
) -> None:
    web = assembled(worklist)
    answer = web.client(ADMIN).post("/erasure", data=ASKED | changed)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert numbers(web) == {"N1", "S1"}


def test_an_admin_erases_and_it_is_in_the_trail(assembled: Callable[..., Web]) -> None:
    web = assembled(worklist)
    client = web.client(ADMIN)
    assert "It cannot be taken back" in client.get("/erasure").text
    answer = client.post("/erasure", data=ASKED)
    assert answer.status_code == 200
    assert "erased-uuidN1" in answer.text
    assert "CNRY" not in answer.text
    assert numbers(web) == {"erased-uuidN1", "S1"}
    with web.database.read() as session:
        row = session.scalars(select(Audit).where(Audit.action == "patient.erase")).one()
        assert (row.actor, row.patient_uuid) == (ADMIN, "uuid-N1")
        assert verify(session).ok
    assert client.post("/erasure", data=ASKED).status_code == 404


@pytest.mark.parametrize("email", ["onc@north.example", "nurse@south.example", "auditor@clinic.example"])
def test_nobody_else_opens_or_sends_it(assembled: Callable[..., Web], email: str) -> None:
    web = assembled(worklist)
    assert web.client(email).get("/erasure").status_code == 403
    assert web.client(email).post("/erasure", data=ASKED).status_code == 403
    assert web.anonymous().post("/erasure", data=ASKED).status_code == 401
    assert numbers(web) == {"N1", "S1"}
