"""A protocol tried on every stored patient: what would open, what would not, and that nothing is written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from clinical.protocol import Protocol, bundled_protocol, load_protocol
from data.db import Database
from data.dry_run import CHUNK, DryRun, dry_run
from data.models import Audit, Flag, Judgement
from data.people import Actor
from tests.data.ward import Ward, coded, lab, relapsing, well

SYSTEM = Actor.system("test")
IN_FORCE = bundled_protocol()


def protocol_with(folder: Path, **values: float) -> Protocol:
    """The bundled protocol with other values for these thresholds."""
    file = folder / "trial.toml"
    tables = (
        f'[{name}]\nvalue = {value}\nunit = "{IN_FORCE.threshold(name).unit}"\nsource = "a trial"\n'
        for name, value in values.items()
    )
    file.write_text("\n".join(tables), encoding="utf-8")
    return load_protocol(file)


def tried(database: Database, trial: Protocol, now: datetime, actor: Actor = SYSTEM) -> DryRun:
    with database.read() as session:
        return dry_run(session, actor, in_force=IN_FORCE, trial=trial, now=now)


def marker(changes: list[object]) -> list[tuple[str, str]]:
    """The changes of the marker rules, as patient and rule."""
    return [(c.patient, c.rule) for c in changes if c.rule in ("R01", "R02", "R03", "R42")]  # type: ignore[attr-defined]


def test_a_lower_factor_opens_more_and_says_for_whom_and_why(database: Database, now: datetime, tmp_path: Path) -> None:
    raised = [*well(), lab("glucagon", 240.0, "pg/mL", "2026-02-01", canonical_ref_high=150.0, fasting=True)]
    with database.write() as session:
        ward = Ward.open(session)
        ward.patient("M1", *raised)
        ward.patient("M2", *well())
    found = tried(database, protocol_with(tmp_path, recurrence_factor=1.5), now)
    assert found.patients == 2
    assert marker(found.newly_open) == [("M1", "R03")]
    assert ("M1", "R42") in marker(found.no_longer_open)
    assert "240 pg/mL" in found.newly_open[0].why
    assert found.thresholds == ({"name": "recurrence_factor", "unit": "1", "in_force": 2.0, "tried": 1.5},)


def test_a_higher_factor_opens_less(database: Database, now: datetime, tmp_path: Path) -> None:
    with database.write() as session:
        Ward.open(session).patient("M1", *relapsing("2026-02-01"))
    found = tried(database, protocol_with(tmp_path, recurrence_factor=3), now)
    assert ("M1", "R03") in marker(found.no_longer_open)
    assert ("M1", "R42") in marker(found.newly_open) or ("M1", "R01") in marker(found.newly_open)


def test_another_severity_is_a_change_of_its_own(database: Database, now: datetime, tmp_path: Path) -> None:
    skin = [coded("skin", "2026-01-01", iga=0), coded("skin", "2026-02-01", iga=3)]
    with database.write() as session:
        Ward.open(session).patient("M1", *skin)
    found = tried(database, protocol_with(tmp_path, skin_moderate_iga=4), now)
    (change,) = found.severity_changed
    assert (change.patient, change.rule, change.severity, change.instead_of) == ("M1", "R12", "low", "medium")
    assert change.as_json()["instead_of"] == "medium"
    assert (found.newly_open, found.no_longer_open) == ([], [])


def test_the_same_protocol_changes_nothing(database: Database, now: datetime) -> None:
    with database.write() as session:
        Ward.open(session).patient("M1", *relapsing("2026-02-01"))
    document = tried(database, bundled_protocol(), now).as_json()
    assert document["patients"] == 1
    assert [document[k] for k in ("thresholds", "newly_open", "no_longer_open", "severity_changed", "failed")] == [
        [] for _ in range(5)
    ]


def test_nothing_is_written(database: Database, now: datetime, tmp_path: Path) -> None:
    with database.write() as session:
        Ward.open(session).patient("M1", *relapsing("2026-02-01"))
    tried(database, protocol_with(tmp_path, recurrence_factor=3), now)
    with database.read() as session:
        for table in (Flag, Judgement, Audit):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_a_patient_who_cannot_be_read_hides_no_other(database: Database, now: datetime, tmp_path: Path) -> None:
    with database.write() as session:
        ward = Ward.open(session)
        ward.patient("M1", coded("skin", "2026-01-01", iga="three"))
        ward.patient("M2", *relapsing("2026-02-01"))
    found = tried(database, protocol_with(tmp_path, recurrence_factor=3), now)
    assert [failure["patient"] for failure in found.failed] == ["M1"]
    assert "skin" in found.failed[0]["why"]
    assert ("M2", "R03") in marker(found.no_longer_open)


@pytest.mark.parametrize("patients", [CHUNK, CHUNK + 1])
def test_every_patient_is_tried_once_in_chunks(sqlite_database: Database, now: datetime, patients: int) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        for number in range(patients):
            ward.patient(f"M{number:04}")
    assert tried(sqlite_database, bundled_protocol(), now).patients == patients


def test_only_patients_the_actor_may_see_are_tried(database: Database, now: datetime, tmp_path: Path) -> None:
    with database.write() as session:
        own, other = Ward.open(session), Ward.open(session, "Other team")
        nurse = own.person("n@n.example", "nurse")
        own.patient("M1", *relapsing("2026-02-01"))
        other.patient("M2", *relapsing("2026-02-01"))
    found = tried(database, protocol_with(tmp_path, recurrence_factor=3), now, nurse)
    assert {change.patient for change in found.no_longer_open} == {"M1"}
