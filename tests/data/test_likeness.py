"""Patients with like names are named on the entry pages: same parts in any order, or written nearly alike."""

from __future__ import annotations

from datetime import date

import pytest

from data.db import Database
from data.entry.likeness import namesakes
from data.models import Patient
from tests.data.ward import Ward


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        ("Schmidt, Maria", True),
        ("Maria Anna Schmidt", True),
        ("Marie Schmitt", True),
        ("MARIA SCHMIDT", True),
        ("Maria Schmid", True),
        ("Anna Schmidt", True),
        ("Maria Weber", False),
        ("Anna Weber", False),
        ("Jonas Petersen", False),
        (None, False),
    ],
)
def test_names_that_could_be_taken_for_each_other_are_told(
    sqlite_database: Database, other: str | None, alike: bool
) -> None:
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        nurse = ward.person("nurse@net.example", "nurse")
        own, second = ward.patient("P-1"), ward.patient("P-2", birth_date=date(1960, 3, 2))
        session.get_one(Patient, own).name = "Maria Schmidt"
        session.get_one(Patient, second).name = other
        elsewhere = Ward.open(session, "Elsewhere").patient("P-3")
        session.get_one(Patient, elsewhere).name = "Maria Schmidt"
        session.flush()
        found = namesakes(session, nurse, session.get_one(Patient, own))
    assert [(one.mrn, one.birth_date) for one in found] == ([("P-2", date(1960, 3, 2))] if alike else [])
