"""Where a number comes from: what was received stays readable through every correction, and only of the own patient."""

from __future__ import annotations

from itertools import pairwise

import pytest
from sqlalchemy import update

from clinical.protocol import bundled_protocol
from data.db import Database
from data.models import Record
from data.people import Actor, NotFound
from data.provenance import Provenance, provenance, sources_of
from data.trends import trends
from tests.data.ward import Ward, at, lab, relapsing

SYSTEM = Actor.system("test")


def asked(database: Database, mrn: str, record: int | str) -> Provenance:
    with database.read() as session:
        return provenance(session, SYSTEM, mrn, str(record))


@pytest.fixture
def corrected(sqlite_database: Database) -> list[int]:
    """The ids of three versions of one result of P1, oldest first."""
    with sqlite_database.write() as session:
        ward = Ward.open(session)
        patient_id = ward.patient("P1")
        ward.patient("P2")
        wrong = lab("zinc", 8.0, "ug/dL", "2026-02-01")
        ids = [
            ward.store(patient_id, {**wrong, "reason": why, "value": value})[0]
            for value, why in (("8.0", None), ("80", "decimal point"), ("82", "read again"))
        ]
        for old, new in pairwise(ids):
            session.execute(update(Record).where(Record.id == old).values(superseded_by=new))
    return ids


@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_version_leads_to_the_whole_history_as_received(
    sqlite_database: Database, corrected: list[int], which: int
) -> None:
    found = asked(sqlite_database, "P1", corrected[which])
    assert [(v.value, v.reason) for v in found.versions] == [
        ("8.0", None),
        ("80", "decimal point"),
        ("82", "read again"),
    ]
    assert found.versions[-1].superseded_by is None
    assert found.versions[0].source.format == "test"


def test_the_record_of_another_patient_is_not_found(sqlite_database: Database, corrected: list[int]) -> None:
    with pytest.raises(NotFound):
        asked(sqlite_database, "P2", corrected[0])


@pytest.mark.parametrize(
    "record", ["", "x", "-1", "9" * 30, "1 OR 1=1", "sensor:", "sensor:a:b", "sensor:a:2026-01-01"]
)
def test_what_names_no_record_is_not_found(sqlite_database: Database, corrected: list[int], record: str) -> None:
    with pytest.raises(NotFound):
        asked(sqlite_database, "P1", record)


def test_every_current_record_of_the_chart_has_a_source(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        Ward.open(session).patient("P1", *relapsing("2026-02-20"))
    with sqlite_database.read() as session:
        found = trends(session, SYSTEM, "P1", protocol=bundled_protocol(), now=at("2026-03-02"))
        sources = sources_of(session, found.patient_ids)
    assert {r.record for r in found.chart.results} <= set(sources)
    assert set(sources.values()) == {"test test"}
