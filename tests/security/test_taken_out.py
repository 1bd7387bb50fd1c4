"""What can be taken out of Nadir is what can be seen in it, and nobody guesses the way to another's file."""

from __future__ import annotations

import csv
import io
import re
from uuid import UUID, uuid4

import pytest

from tests.security.bodies import FIRST_ROWS, callbacks, usual
from tests.security.requests_as import Route, call, said, visit
from tests.security.wards import Wards, canaries

GUESSES = 1_000
FILES = ("/p/<mrn>/summary.pdf", "/p/<mrn>/injections.ics", "/import/<job>")


@pytest.mark.parametrize("role", ["oncologist", "nurse"])
@pytest.mark.parametrize("team", ["North", "South"])
def test_the_file_of_patients_names_whom_the_list_shows(wards: Wards, role: str, team: str) -> None:
    side = wards.sides[team]
    listed = {one.name: one for one in callbacks(wards.web.client(side.people[role]))}
    grid = next(one for name, one in listed.items() if name.startswith("..cohort-grid.getRowsResponse"))
    shown = said(call(wards, (role, team), grid, [FIRST_ROWS, "", ""]))
    seen = set(re.findall(r"/p/([NS]-\d+)", shown.replace("\\u002f", "/")))
    file = call(wards, (role, team), listed["cohort-file.data"], [1, "", ""]).get_json()
    content = file["response"]["cohort-file"]["data"]["content"].removeprefix("\ufeff")
    taken = {row["mrn"] for row in csv.DictReader(io.StringIO(content))}
    assert taken == seen == {f"{team[0]}-70{n}" for n in (1, 2, 4)}


def test_a_patients_file_holds_what_is_recorded_of_this_patient_alone(wards: Wards) -> None:
    side = wards.sides["North"]
    listed = {one.name: one for one in callbacks(wards.web.client(side.people["nurse"]))}
    for name in ("patient-download.data", "patient-record.children"):
        text = said(call(wards, ("nurse", "North"), listed[name], usual(listed[name], side)))
        assert {field for _team, field in canaries(text)} == {"finding", "lab", "method", "note"}


@pytest.mark.parametrize("role", ["oncologist", "nurse", "admin", "auditor"])
def test_nobody_reaches_or_guesses_a_file_of_another_team(wards: Wards, role: str) -> None:
    own, other, who = wards.sides["North"], wards.sides["South"], (role, "North")
    for rule in FILES:
        answer = visit(wards, who, Route(rule, "GET"), other)
        assert answer.status_code in (403, 404) or rule == "/import/<job>"
        assert not [field for team, field in canaries(said(answer)) if team == "South"]
    client = wards.web.app.server.test_client(use_cookies=False)
    hits = 0
    for _guess in range(GUESSES):
        for path in (f"/p/{uuid4().hex[:8]}/summary.pdf", f"/flag/{uuid4()}"):
            hits += client.get(path, headers={"Cookie": wards.cookies[who]}).status_code == 200
    print(f"C7 {role}: {2 * GUESSES} guesses, {hits} hits")
    assert hits == 0
    assert all(UUID(own.ids[name]).version == 4 for name in ("flag", "job")), "122 random bits"
