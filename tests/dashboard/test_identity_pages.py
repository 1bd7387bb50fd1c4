"""Who is who on pages: proposals, merges, states and duplicates - seen by those they concern, settled by a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.inventory import policy_dump
from dashboard.pages import identity, merge, patient_identity, proposal
from data.audit import verify
from data.db import Database
from data.identity_proposals import list_proposals
from data.intake.batch import import_paths
from data.merges import merge_history
from data.models import Audit, Patient, PatientTeam, Record, Team
from data.patient_status import patient_status
from data.people import Actor
from tests.dashboard.conftest import Web

ONC, NURSE, ADMIN, AUDITOR = (
    "onc@north.example",
    "nurse@south.example",
    "admin@clinic.example",
    "auditor@clinic.example",
)
SYSTEM = Actor.system("test")
WHY = "the registry office confirms it"


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    """N2 is of North too, was born elsewhere than N1, and is not yet known to be the same person."""
    made = assembled(identity, proposal, merge, patient_identity)
    with made.database.write() as session:
        north = session.scalars(select(Team.id).where(Team.name == "North")).one()
        session.add(
            Patient(
                id=3,
                uuid="uuid-N2",
                mrn="N2",
                name="CNRY-N2-name",
                birth_date=date(1960, 1, 2),
                created_at=datetime.now(UTC),
            )
        )
        session.flush()
        session.add(PatientTeam(patient_id=3, team_id=north))
    return made


def take_in(database: Database, folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.write_text(content)
    import_paths(database, SYSTEM, [path], now=datetime.now(UTC))


def adt(event: str, pid: str, *more: str) -> str:
    head = (f"MSH|^~\\&|LAB|H|N|N|20250501||ADT^{event}|1|P|2.5", f"EVN|{event}|20250501")
    return "\r".join((*head, pid, *more)) + "\r"


def proposed_merge(web: Web, folder: Path, old: str = "N2", new: str = "N1") -> str:
    """The id of a proposal to merge, as text in addresses."""
    take_in(web.database, folder, "merged.hl7", adt("A40", f"PID|||{new}||Berg^Ada||19600103|F", f"MRG|{old}"))
    return str(open_proposals(web)[-1]["id"])


def open_proposals(web: Web) -> list[dict[str, Any]]:
    with web.database.read() as session:
        return list_proposals(session, SYSTEM)


def merges(web: Web) -> list[tuple[str, str, bool]]:
    with web.database.read() as session:
        return [(m["from"], m["into"], m["unmerged_at"] is None) for m in merge_history(session, SYSTEM)]


def page(web: Web, email: str, path: str) -> Any:
    return web.call(web.client(email), "shell-page.children", path)


def press(web: Web, email: str, button: str, *values: Any) -> Any:
    """Press a button whose callback takes these states."""
    name = next(n for n, e in web.app.callback_map.items() if e["inputs"] and e["inputs"][0]["id"] == button)
    return web.call(web.client(email), name, 1, *values)


def words(answer: Any) -> str:
    """What an answer says, with its slashes and quotes as people read them."""
    return str(answer.json)


def trail(web: Web, *actions: str) -> list[tuple[str, str, str | None]]:
    with web.database.read() as session:
        assert verify(session).ok
        rows = session.scalars(select(Audit).where(Audit.action.in_(actions)).order_by(Audit.seq))
        return [(row.action, row.actor, row.patient_uuid) for row in rows]


def test_a_proposal_is_listed_counted_shown_beside_what_is_stored_and_merged_once_accepted(
    web: Web, tmp_path: Path
) -> None:
    id = proposed_merge(web, tmp_path)
    listed = words(page(web, ONC, "/identity"))
    assert "was merged into" in listed and f"/identity/proposal/{id}" in listed
    assert "['1', " in words(web.call(web.client(ONC), "shell-person.children", 1))
    shown = words(page(web, ONC, f"/identity/proposal/{id}"))
    for said in ("CNRY-N1-name", "CNRY-N2-name", "Ada Berg", "2 Jan 1960", "3 Jan 1960", "merged.hl7", "HL7 v2"):
        assert said in shown
    assert shown.count("differs-mark") >= 2
    assert merges(web) == []
    assert "say why" in words(press(web, ONC, "proposal-accept", id, ""))
    assert merges(web) == []
    assert "Accepted and done" in words(press(web, ONC, "proposal-accept", id, WHY))
    assert merges(web) == [("N2", "N1", True)]
    assert "is accepted already" in words(press(web, ONC, "proposal-accept", id, WHY))
    assert open_proposals(web) == []
    assert "Accepted. " in words(page(web, ONC, f"/identity/proposal/{id}"))
    told = trail(web, "patient.merge", "proposal.accepted")
    assert {actor for _, actor, _ in told} == {ONC}
    assert {uuid for _, _, uuid in told} == {"uuid-N1", "uuid-N2"}


def test_a_refused_proposal_changes_nothing_and_keeps_who_refused_it(web: Web, tmp_path: Path) -> None:
    id = proposed_merge(web, tmp_path)
    assert "Refused. Nothing was changed" in words(press(web, ONC, "proposal-refuse", id, WHY))
    assert (merges(web), open_proposals(web)) == ([], [])
    assert trail(web, "proposal.refused") == [("proposal.refused", ONC, "uuid-N1")]
    assert WHY in words(page(web, ONC, "/identity"))


def test_an_update_shows_what_is_stored_now_and_is_not_taken_over_once_that_has_changed(
    web: Web, tmp_path: Path
) -> None:
    take_in(web.database, tmp_path, "update.hl7", adt("A08", "PID|||N2||Lund^Ada||19600103"))
    id = str(open_proposals(web)[0]["id"])
    shown = words(page(web, ONC, f"/identity/proposal/{id}"))
    for said in ("CNRY-N2-name", "Ada Lund", "2 Jan 1960", "3 Jan 1960", "Take this over for N2"):
        assert said in shown
    with web.database.write() as session:
        session.get_one(Patient, 3).name = "Somebody Else"
    assert "has changed since the message came" in words(page(web, ONC, f"/identity/proposal/{id}"))
    assert "has changed since this was proposed" in words(press(web, ONC, "proposal-accept", id, WHY))
    with web.database.write() as session:
        session.get_one(Patient, 3).name = "CNRY-N2-name"
    press(web, ONC, "proposal-accept", id, WHY)
    with web.database.read() as session:
        patient = session.get_one(Patient, 3)
        assert (patient.name, patient.birth_date) == ("Ada Lund", date(1960, 1, 3))


def test_a_patient_of_another_team_is_neither_shown_nor_merged_but_by_an_admin(web: Web, tmp_path: Path) -> None:
    id = proposed_merge(web, tmp_path, old="S1", new="N1")
    shown = words(page(web, ONC, f"/identity/proposal/{id}"))
    assert "CNRY-S1" not in shown and "an admin can decide" in shown
    assert press(web, ONC, "proposal-accept", id, WHY).status_code == 404
    assert page(web, NURSE, f"/identity/proposal/{id}").status_code == 404
    assert press(web, NURSE, "proposal-refuse", id, WHY).status_code == 404
    assert "CNRY-S1-name" in words(page(web, ADMIN, f"/identity/proposal/{id}"))
    assert "Accepted and done" in words(press(web, ADMIN, "proposal-accept", id, WHY))
    assert merges(web) == [("S1", "N1", True)]


def test_a_merge_is_seen_before_it_is_made_and_parted_again_the_same_way(web: Web, tmp_path: Path) -> None:
    rows = "N2,2024-03-01T08:00:00Z,glucagon,80,pg/mL\nN2,2024-04-01T08:00:00Z,glucagon,90,pg/mL\n"
    take_in(web.database, tmp_path, "labs.csv", f"mrn,when,analyte,value,unit\n{rows}")
    shown = words(press(web, ONC, "identity-show", "N2", " N1 "))
    for said in ("CNRY-N1-name", "CNRY-N2-name", "2, 1 Mar 2024 to 1 Apr 2024", "Merge N2 into N1", "differs"):
        assert said in shown
    assert merges(web) == []
    assert {uuid for _, actor, uuid in trail(web, "patient.read") if actor == ONC} == {"uuid-N1", "uuid-N2"}
    assert "say why" in words(press(web, ONC, "identity-merge", ["N2", "N1"], "  "))
    done = words(press(web, ONC, "identity-merge", ["N2", "N1"], WHY))
    assert "N2 is shown as N1" in done and "/identity/merge/1" in done
    assert "is merged already" in words(press(web, ONC, "identity-merge", ["N2", "N1"], WHY))
    before = words(page(web, ONC, "/identity/merge/1"))
    assert "CNRY-N2-name" in before and "2, 1 Mar 2024" in before and "Part N2 from N1" in before
    assert "say why" in words(press(web, ONC, "merge-undo", "1", ""))
    assert "stand for themselves again" in words(press(web, ONC, "merge-undo", "1", WHY))
    assert merges(web) == [("N2", "N1", False)]
    assert "taken back already" in words(press(web, ONC, "merge-undo", "1", WHY))
    assert "Taken back. " in words(page(web, ONC, "/identity/merge/1"))
    assert {actor for _, actor, _ in trail(web, "patient.merge", "patient.unmerge")} == {ONC}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("N1", "N1", "into itself"), ("N1", "S1", "has the number S1"), ("X", "N1", "number X"), ("", "N1", "Give both")],
)
def test_a_merge_that_cannot_be_is_said_before_anything_is_asked(web: Web, old: str, new: str, said: str) -> None:
    answer = press(web, ONC, "identity-show", old, new)
    assert said in answer.text and "CNRY-S1" not in answer.text
    assert press(web, ONC, "identity-merge", [old, new], WHY).status_code in (200, 404)
    assert merges(web) == []


def test_a_patient_who_died_was_transferred_or_withdrew_is_no_longer_reminded_and_stays(web: Web) -> None:
    for number, state in enumerate(("deceased", "transferred", "withdrawn", "active"), start=1):
        said = words(press(web, ONC, "who-status-save", "N2", state, f"2024-02-0{number}", WHY))
        assert f"from {number} Feb 2024" in said
    with web.database.read() as session:
        found = patient_status(session, SYSTEM, "N2")
    assert [row["by"] for row in found["history"]] == [ONC] * 4
    shown = words(page(web, ONC, "/p/N2/identity"))
    assert "Transferred from 2 Feb 2024" in shown and "CNRY-N2-name" in shown
    for wrong in (("N2", "gone", "2024-02-01", WHY), ("N2", "deceased", "01.02.2024", WHY), ("N2", None, None, WHY)):
        assert "Not saved" in words(press(web, ONC, "who-status-save", *wrong))
    assert "Not saved" in words(press(web, ONC, "who-status-save", "N2", "deceased", "2024-02-01", ""))
    assert press(web, ONC, "who-status-save", "S1", "deceased", "2024-02-01", WHY).status_code == 404
    assert press(web, ADMIN, "who-status-save", "N2", "deceased", "2024-02-01", WHY).status_code == 403


def test_two_results_that_may_be_one_stand_side_by_side_and_one_is_retracted_with_a_reason(
    web: Web, tmp_path: Path
) -> None:
    head = "mrn,when,analyte,value,unit,lab\n"
    take_in(
        web.database, tmp_path, "a.csv", f"{head}N2,2024-03-01,zinc,80,ug/dL,CityLab\nN1,2024-03-01,zinc,80,ug/dL,\n"
    )
    take_in(web.database, tmp_path, "b.csv", f"{head}N2,2024-03-01,zinc,80,ug/dL,\n")
    listed = words(web.call(web.client(ONC), "identity-duplicates.children", True))
    assert "CNRY-N2-name" in listed and "1 pair" in listed and "CNRY-N1" not in listed
    assert "CNRY" not in words(web.call(web.client(NURSE), "identity-duplicates.children", True))
    shown = words(page(web, ONC, "/p/N2/identity"))
    for said in ("CityLab", "a.csv#line[2]", "b.csv#line[2]", "Zinc 80 ug/dL", "differs"):
        assert said in shown
    with web.database.read() as session:
        ids = {record.place: str(record.id) for record in session.scalars(select(Record))}
    for record, why in ((None, WHY), (ids["a.csv#line[3]"], WHY), ("x", WHY), (ids["b.csv#line[2]"], "")):
        assert "Not retracted" in words(press(web, ONC, "who-retract", "N2", record, why))
    assert "is retracted" in words(press(web, ONC, "who-retract", "N2", ids["b.csv#line[2]"], WHY))
    with web.database.read() as session:
        rows = session.scalars(select(Record).order_by(Record.id)).all()
    assert [(row.status, row.superseded_by is None, row.recorded_by) for row in rows[2:]] == [
        ("final", False, "test"),
        ("entered-in-error", True, ONC),
    ]
    assert "pair" not in words(web.call(web.client(ONC), "identity-duplicates.children", True))


def test_the_number_beside_the_name_is_what_waits_for_this_person(web: Web, tmp_path: Path) -> None:
    def waiting(email: str) -> str:
        return str(web.call(web.client(email), "shell-person.children", 1).json["response"]["shell-count-identity"])

    assert "None" in waiting(ONC)
    proposed_merge(web, tmp_path)
    assert [("'1'" in waiting(email)) for email in (ONC, ADMIN, NURSE, AUDITOR)] == [True, True, False, False]


def test_every_cell_of_the_policy_is_what_the_server_answers(web: Web) -> None:
    people = {"oncologist": ONC, "nurse": NURSE, "admin": ADMIN, "auditor": AUDITOR}
    names = ("identity", "proposal", "merge", "who-")
    ours = [row for row in policy_dump(web.app) if any(name in row["target"] for name in names)]
    ours = [row for row in ours if "shell-" not in row["target"] and "emergency" not in row["target"]]
    assert len({row["target"] for row in ours}) == 12
    for row in ours:
        if row["role"] not in people:
            assert row["decision"] == "deny"
            continue
        client = web.client(people[row["role"]])
        if row["kind"] == "callback":
            entry = web.app.callback_map[row["target"]]
            code = web.call(client, row["target"], *[None] * len(entry["inputs"] + entry["state"])).status_code
        else:
            address = row["target"].replace("<mrn>", "N1").replace("<merge>", "1").replace("<proposal>", "1")
            code = client.get(address).status_code
        assert (code == 403) is (row["decision"] == "deny"), (row, code)


@pytest.mark.parametrize("number", ["0", "-1", "1e3", "１", "9" * 19, "9" * 5_000, "x"])
def test_what_is_no_number_of_a_proposal_or_merge_finds_nothing(web: Web, number: str) -> None:
    for kind in ("proposal", "merge"):
        assert page(web, ONC, f"/identity/{kind}/{number}").status_code in (400, 404)
    assert press(web, ONC, "proposal-accept", number, WHY).status_code in (400, 404)
    assert press(web, ONC, "merge-undo", number, WHY).status_code in (400, 404)


@pytest.mark.parametrize("clinic", ["postgresql"], indirect=True)
def test_on_postgresql_too_a_proposal_is_accepted_and_its_merge_taken_back(web: Web, tmp_path: Path) -> None:
    id = proposed_merge(web, tmp_path)
    assert "Accepted and done" in words(press(web, ONC, "proposal-accept", id, WHY))
    assert web.call(web.client(ONC), "identity-duplicates.children", True).status_code == 200
    press(web, ONC, "merge-undo", "1", WHY)
    assert merges(web) == [("N2", "N1", False)]
