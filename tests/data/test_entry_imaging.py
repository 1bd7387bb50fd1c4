"""A scan as it is stored: one batch of the same records an import would bring, computed by the rules' own functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select

from clinical.imaging import assessments, scans
from clinical.lesion_table import lesion_table
from clinical.protocol import bundled_protocol
from data.audit import verify
from data.db import Database
from data.entry.judged import judge_now
from data.entry.said import NotSaved, Unsure
from data.entry.save import Changed, Saved
from data.exports.fhir_r4 import record_bundle
from data.exports.patient_record import patient_record
from data.intake.batch import import_paths
from data.models import Audit, Batch, Patient
from data.people import Actor, Forbidden, NotFound
from tests.data.entries import stored
from tests.data.scans import Said, added, chart_of, confirmed, fields, known, reckoned, save, submission
from tests.data.ward import POLICY, Ward, coded


def lesion(on: str, name: str, mm: float | None, role: str = "target", **more: Any) -> dict[str, Any]:
    organ = name.partition("-")[0]
    detail = {"lesion": name, "role": role, "modality": "CT", "organ": organ, "signed": True, **more}
    tenths = {} if mm is None else {"diameter_tenths": round(mm * 10)}
    return coded("lesion", on, **{"state": "measured", "node": organ == "node", **detail, **tenths}) | {
        "precision": "day"
    }


class Reading:
    """A radiology room: a patient with these records, an oncologist of the team and one of another."""

    def __init__(self, database: Database, *records: dict[str, object]) -> None:
        self.database = database
        with database.write() as session:
            ward = Ward.open(session)
            self.reader = ward.person("onc@net.example")
            self.patient = ward.patient("P-1", *records)
            self.stranger = Ward.open(session, "Elsewhere").person("onc@elsewhere.example")

    def rows(self, **answers: str) -> Said:
        with self.database.read() as session:
            return known(chart_of(session, self.patient), **answers)

    def save(self, said: Said, now: datetime, *, yes: bool = False) -> Saved:
        with self.database.read() as session:
            sent = submission(session, "P-1", said, self.version)
        if yes:
            with pytest.raises(Unsure) as asked, self.database.write() as session:
                save(session, self.reader, "P-1", sent, now)
            sent = replace(sent, confirmed=frozenset(question.id for question in asked.value.questions))
        with self.database.write() as session:
            saved = save(session, self.reader, "P-1", sent, now)
        self.version = saved.version
        return saved

    version = 0


BASELINE = (lesion("2025-06-01", "liver-1", 30), lesion("2025-06-01", "node-1", 20))


def test_a_scan_is_stored_as_one_batch_and_read_like_an_imported_one(database: Database, now: datetime) -> None:
    room = Reading(database, *BASELINE, lesion("2025-06-01", "bone-1", None, "non-target", state="present"))
    said = fields("2026-02-27", study__contrast="portal venous", study__report="R-77", study__site="abdomen")
    said |= room.rows(liver_1="24,5", node_1="9", bone_1="present") | confirmed()
    saved = room.save(said, now)
    with database.read() as session:
        assert session.get_one(Batch, saved.batch).format == "imaging"
        rows = {row.place: row for row in stored(session, room.patient, batch_id=saved.batch)}
        assert len(rows) == saved.stored == 5 and len({row.ingest_seq for row in rows.values()}) == 1
        liver = rows["lesion.1"]
        assert (liver.kind, liver.analyte, liver.value, liver.unit) == ("lesion", "lesion", "24.5", "mm")
        assert (liver.effective_text, liver.precision) == ("2026-02-27", "day")
        assert liver.detail == {
            **{"lesion": "liver-1", "modality": "CT", "organ": "liver", "reader": "Dr Rose", "role": "target"},
            **{"state": "measured", "node": False, "signed": True, "diameter_tenths": 245},
        }
        study = rows["study"]
        assert study.text == "CT; abdomen; contrast portal venous; report R-77"
        assert (study.detail or {})["code"] == "imaging-study"
        chart = chart_of(session, room.patient)
        last = assessments(chart)[-1]
        assert (last.sum_mm, last.target, last.non_target, last.overall) == (33.5, "PR", "non-CR/non-PD", "PR")
        response = chart.responses[-1]
        assert (response.response, response.reader, response.signed, response.computed) == ("PR", "Dr Rose", True, "PR")
        actions = session.scalars(select(Audit.action).where(Audit.object == f"batch {saved.batch}")).all()
        assert set(actions) == {"record.store", "entry.save"} and verify(session).ok


def test_the_reader_may_say_something_else_and_both_are_kept(database: Database, now: datetime) -> None:
    room = Reading(database, *BASELINE)
    said = fields("2026-02-27") | room.rows(liver_1="30", node_1="20")
    other = {"response.verdict": "override", "response.reader": "Dr Rose", "response.overall": "PD"}
    with pytest.raises(NotSaved, match="say why"):
        room.save(said | other, now)
    room.save(said | other | {"response.reason": "ascites is new"}, now)
    with database.read() as session:
        scan = scans(chart_of(session, room.patient))[-1]
    assert scan.response is not None and scan.assessment is not None
    assert (scan.verdict, scan.assessment.overall, scan.response.computed) == ("PD", "SD", "SD")
    assert (scan.response.text, scan.response.reader) == ("ascites is new", "Dr Rose")


@pytest.mark.parametrize(
    ("before", "typed", "expected"),
    [
        ((50.0,), "60", "PD"),
        ((50.0,), "59.9", "SD"),
        ((18.0,), "22.9", "SD"),
        ((18.0,), "23", "PD"),
        ((100.0,), "70", "PR"),
        ((100.0,), "70,1", "SD"),
        ((27.0, 27.0), "32.4", "PD"),
        ((97.0, 67.0, 60.0), "71", "SD"),
        ((40.0, 46.0), "49", "PD"),
    ],
)
def test_the_limits_are_exact(
    sqlite_database: Database, before: tuple[float, ...], typed: str, expected: str, now: datetime
) -> None:
    room = Reading(sqlite_database, *(lesion(f"2025-0{n + 1}-01", "liver-1", mm) for n, mm in enumerate(before)))
    with sqlite_database.read() as session:
        said = fields("2026-02-27") | room.rows(liver_1=typed)
        found = reckoned(session, room.reader, "P-1", said, now).computed
    assert found.letters == expected
    room.save(said, now)
    with sqlite_database.read() as session:
        assert assessments(chart_of(session, room.patient))[-1].overall == expected


@pytest.mark.parametrize(("mm", "expected"), [("9.9", "CR"), ("10", "PR"), ("14,9", "SD")])
def test_nodes_are_normal_below_ten_millimetres(
    sqlite_database: Database, mm: str, expected: str, now: datetime
) -> None:
    room = Reading(sqlite_database, lesion("2025-06-01", "node-1", 16))
    with sqlite_database.read() as session:
        said = fields("2026-02-27") | room.rows(node_1=mm)
        found = reckoned(session, room.reader, "P-1", said, now).computed
    assert found.letters == expected


@pytest.mark.parametrize(
    ("row", "question"),
    [
        ({"organ": "liver", "mm": "9,9"}, "not measurable"),
        ({"node": "yes", "mm": "14.9"}, "below 15 mm is a non-target"),
        ({"node": "yes", "mm": "9"}, "is normal"),
        ({"organ": "liver", "mm": "251"}, "more than 250 mm"),
        ({"organ": "liver", "mm": "10"}, None),
        ({"node": "yes", "mm": "15"}, None),
    ],
)
def test_a_baseline_asks_about_targets_that_are_none(
    sqlite_database: Database, row: Said, question: str | None, now: datetime
) -> None:
    room = Reading(sqlite_database)
    said = fields("2026-02-27") | added(1, "target", **row)
    if question is None:
        assert room.save(said, now).stored == 2
        return
    with pytest.raises(Unsure, match=question):
        room.save(said, now)
    assert room.save(said, now, yes=True).stored == 2


def test_more_than_five_targets_or_two_of_an_organ_are_asked_about(sqlite_database: Database, now: datetime) -> None:
    room = Reading(sqlite_database)
    said = fields("2026-02-27")
    for number in range(1, 7):
        said |= added(number, "target", organ="liver" if number < 4 else f"organ {number}", mm="20")
    with pytest.raises(Unsure, match=r"6 target lesions.*3 target lesions of liver"):
        room.save(said, now)


def test_what_splits_is_summed_and_what_merges_is_measured_once(database: Database, now: datetime) -> None:
    room = Reading(
        database,
        lesion("2025-06-01", "liver-1", 30),
        lesion("2025-06-01", "lung-1", 20),
        lesion("2025-06-01", "lung-2", 11),
    )
    said = fields("2026-02-27")
    with pytest.raises(NotSaved, match="lung-1 is not measured here"):
        room.save(said | room.rows(lung_2="merged lung-1"), now)
    room.save(said | room.rows(liver_1="split 12,5 + 8", lung_1="26", lung_2="merged lung-1"), now)
    with database.read() as session:
        chart = chart_of(session, room.patient)
    last = assessments(chart)[-1]
    assert (last.sum_mm, last.overall) == (46.5, "SD")
    assert [known.name for known in lesion_table(chart).lesions] == ["lung-1", "liver-1a", "liver-1b"]
    assert {r.lesion: r.into for r in chart.lesions if r.into} == {"liver-1": "liver-1a;liver-1b", "lung-2": "lung-1"}


def test_what_was_not_looked_at_is_asked_about_and_never_taken_for_absent(database: Database, now: datetime) -> None:
    room = Reading(database, *BASELINE)
    said = fields("2026-02-27") | room.rows(liver_1="20")
    with pytest.raises(Unsure, match="Nothing is entered for node-1: not evaluated"):
        room.save(said, now)
    room.save(said, now, yes=True)
    with database.read() as session:
        last = assessments(chart_of(session, room.patient))[-1]
    assert (last.overall, last.reason.count("not evaluated: node-1")) == ("NE", 1)


def test_a_lesion_that_cannot_be_evaluated_keeps_its_reason(sqlite_database: Database, now: datetime) -> None:
    room = Reading(sqlite_database, *BASELINE)
    said = fields("2026-02-27") | room.rows(liver_1="too-small", node_1="not-evaluable clip artefact")
    room.save(said, now)
    with sqlite_database.read() as session:
        rows = {r.lesion: r for r in chart_of(session, room.patient).lesions if r.effective.year == 2026}
    assert (rows["node-1"].state, rows["node-1"].note) == ("not-evaluable", "clip artefact")
    assert (rows["liver-1"].state, rows["liver-1"].diameter_tenths) == ("too-small", None)


@pytest.mark.parametrize(("role", "letters", "rule"), [("new", "recurrence", "R06"), ("equivocal", "equivocal", "R07")])
def test_without_a_lesion_a_scan_is_surveillance(
    database: Database, role: str, letters: str, rule: str, now: datetime
) -> None:
    operated = coded(
        "therapy", "2024-12-01", kind="procedure", procedure="resection", completeness="R0", intent="curative"
    )
    room = Reading(database, lesion("2024-11-01", "pancreas-1", 40), operated)
    with database.read() as session:
        table = lesion_table(chart_of(session, room.patient))
        assert (table.lesions, table.baseline, table.before) == ((), None, ("pancreas-1",))
    room.save(fields("2025-06-01") | confirmed(), now)
    with database.read() as session:
        chart = chart_of(session, room.patient)
        assert [(r.response, r.computed) for r in chart.responses] == [("NED", "NED")]
    seen = fields("2026-02-27") | added(1, role, organ="liver", mm="12") | confirmed()
    with database.read() as session:
        assert reckoned(session, room.reader, "P-1", seen, now).computed.letters == letters
    saved = room.save(seen, now)
    heard = judge_now(database, room.reader, saved.patient_id, protocol=bundled_protocol(), mail=POLICY, now=now)
    assert rule in {flag["rule"] for flag in heard.changed}


def test_tumour_where_none_was_left_is_recurrence_even_as_a_new_baseline(
    sqlite_database: Database, now: datetime
) -> None:
    room = Reading(sqlite_database, coded("state", "2025-01-01", state="ned-resected"))
    said = fields("2026-02-27") | added(1, "target", organ="liver", mm="18") | confirmed()
    room.save(said, now)
    with sqlite_database.read() as session:
        chart = chart_of(session, room.patient)
    assert [(r.response, r.computed) for r in chart.responses] == [("PD", "recurrence")]
    assert chart.lesions[0].lesion == "liver-1"


def test_a_new_lesion_is_progression_and_an_unread_scan_is_not_signed(database: Database, now: datetime) -> None:
    room = Reading(database, *BASELINE)
    said = fields("2026-02-27") | room.rows(liver_1="30", node_1="20") | added(1, "new", organ="bone")
    saved = room.save(said, now)
    heard = judge_now(database, room.reader, saved.patient_id, protocol=bundled_protocol(), mail=POLICY, now=now)
    found = next(flag for flag in heard.changed if flag["rule"] == "R07")
    assert "nobody has signed" in found["why"]
    with database.read() as session:
        chart = chart_of(session, room.patient)
    assert chart.responses == () and not any(r.signed for r in chart.lesions if r.effective.year == 2026)
    assert (chart.lesions[-1].lesion, chart.lesions[-1].state, chart.lesions[-1].role) == ("bone-1", "present", "new")


def test_an_older_scan_may_be_entered_later_and_is_then_the_baseline(sqlite_database: Database, now: datetime) -> None:
    room = Reading(sqlite_database, *BASELINE)
    older = fields("2025-03-01") | room.rows(liver_1="40", node_1="20") | added(1, "target", organ="lung", mm="15")
    room.save(older, now)
    with sqlite_database.read() as session:
        first, second = assessments(chart_of(session, room.patient))
    assert (first.sum_mm, first.overall, second.baseline) == (75, None, 75)
    assert second.reason.endswith("not evaluated: lung-1")


def test_receptors_are_kept_apart_from_sizes(sqlite_database: Database, now: datetime) -> None:
    room = Reading(sqlite_database, *BASELINE)
    said = fields("2026-02-27", "SSTR PET/CT") | room.rows(liver_1="present") | added(1, "new", organ="bone")
    room.save(said | confirmed(), now)
    with sqlite_database.read() as session:
        chart = chart_of(session, room.patient)
    assert len(assessments(chart)) == 1 and chart.responses == ()
    assert {r.lesion for r in chart.lesions if r.modality == "SSTR PET/CT" and r.signed} == {"liver-1", "bone-1"}


def test_a_biliary_ultrasound_keeps_what_was_not_assessed_apart_from_what_is_absent(
    database: Database, now: datetime
) -> None:
    room = Reading(database)
    said = {"when": "2026-02-27", "us.stones": "multiple", "us.sludge": "no", "us.wall_mm": "3,5", "us.cbd_mm": "6"}
    saved = room.save(said | {"us.ihbd": "yes", "us.note": "fasting"}, now)
    assert saved.stored == 1
    with database.read() as session:
        found = chart_of(session, room.patient).biliary[0]
    assert (found.stones, found.sludge, found.wall_mm, found.cbd_mm, found.ihbd) == ("multiple", False, 3.5, 6.0, True)
    assert (found.murphy, found.fluid, found.cbd_stone, found.gallbladder, found.note) == (*[None] * 4, "fasting")


def test_an_acute_ultrasound_is_flagged_in_the_same_request(database: Database, now: datetime) -> None:
    room = Reading(database)
    saved = room.save({"when": "2026-03-01", "us.stones": "multiple", "us.murphy": "yes"}, now)
    heard = judge_now(database, room.reader, saved.patient_id, protocol=bundled_protocol(), mail=POLICY, now=now)
    assert [flag["rule"] for flag in heard.urgent] == ["R16"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "nothing is entered|kind of scan"),
        ({"study.modality": "", "lesion.1.name": "liver-1", "lesion.1.mm": "20"}, "kind of scan"),
        ({"study.modality": "X-ray"}, "is no kind of scan"),
        ({"study.contrast": "ink"}, "contrast from the list"),
        ({"study.colour": "red"}, "no such field"),
        ({"when": "2026-03-09"}, "future"),
        ({"when": "2026-02-27T10:00"}, "the date of the scan alone"),
        ({"lesion.1.name": "moon-1", "lesion.1.mm": "20"}, "not among those"),
        ({"lesion.1.mm": "0"}, "choose absent"),
        ({"lesion.1.mm": "-4"}, "negative"),
        ({"lesion.1.mm": "<5"}, "number alone"),
        ({"lesion.1.mm": "401"}, "at most 400 mm"),
        ({"lesion.1.mm": "1,234"}, "two numbers"),
        ({"lesion.1.mm": "20", "lesion.1.state": "absent"}, "cannot both be"),
        ({"lesion.1.state": "equivocal"}, "this cannot be said"),
        ({"lesion.1.state": "present"}, "a target lesion is measured"),
        ({"lesion.1.state": "not-evaluable"}, "why it could not be evaluated"),
        ({"lesion.1.state": "split"}, "sizes of 2 to 6 parts"),
        ({"lesion.1.state": "split", "lesion.1.parts": "12 + x"}, "not a number"),
        ({"lesion.1.state": "merged"}, "with which lesion"),
        ({"lesion.1.state": "merged", "lesion.1.into": "moon"}, "not measured here"),
        (
            {"new.1.role": "new", "new.1.name": "x", "lesion.1.state": "merged", "lesion.1.into": "x"},
            "not measured here",
        ),
        ({"lesion.1.mm": "20", "lesion.1.reason": "why not"}, "another answer"),
        ({"lesion.1.mm": "20", "lesion.1.glow": "1"}, "no such field"),
        ({"new.1.organ": "liver"}, "what kind of lesion"),
        ({"new.1.role": "target", "new.1.organ": "liver", "new.1.mm": "20"}, "first seen after the baseline"),
        ({"new.1.role": "new", "new.1.mm": "20"}, "name the lesion"),
        ({"new.1.role": "new", "new.1.name": "liver-1"}, "stands in the table above"),
        ({"new.1.role": "new", "new.1.name": "x", "new.2.role": "new", "new.2.name": "x"}, "x stands twice"),
        ({"lesion.1.mm": "20", "response.verdict": "confirm"}, "who read the scan"),
        ({"lesion.1.mm": "20", "response.reader": "Dr Rose"}, "whether the computed response is confirmed"),
        ({"response.verdict": "confirm", "response.reader": "Dr Rose"}, "nothing to confirm"),
        ({"response.verdict": "override", "response.reader": "Dr Rose"}, "which response"),
        ({"us.colour": "green", "us.stones": "none"}, "no such field"),
        ({"us.wall_mm": "41"}, "at most 40 mm"),
        ({"us.stones": "gravel"}, "not known"),
        ({"us.gallbladder": "absent", "us.wall_mm": "3"}, "gallbladder is absent"),
        ({"us.stones": "none", "us.max_mm": "4"}, "no stones are entered"),
    ],
)
def test_what_cannot_be_read_stores_nothing_and_says_why(
    sqlite_database: Database, said: Said, why: str, now: datetime
) -> None:
    room = Reading(sqlite_database, lesion("2025-06-01", "liver-1", 30))
    beside = {"lesion.1.name": "liver-1"} if any(name.startswith("lesion.1") for name in said) else {}
    sent = {name: text for name, text in (fields("2026-02-27") | beside | said).items() if text}
    if not said:
        del sent["study.modality"]
    with pytest.raises(NotSaved, match=why):
        room.save(sent, now)
    with sqlite_database.read() as session:
        assert len(stored(session, room.patient)) == 1


@pytest.mark.parametrize(
    ("on", "mm", "modality", "question"),
    [
        ("2026-02-27", "3,1", "CT", "10 times less than the last value"),
        ("2026-02-27", "82", "CT", r"52 mm more.*30 mm on 2025-06-01"),
        ("2026-02-27", "30", "MRI", "RECIST compares scans of one kind"),
        ("2025-06-01", "30", "CT", "recorded already"),
    ],
)
def test_a_doubt_is_asked(
    sqlite_database: Database, on: str, mm: str, modality: str, question: str, now: datetime
) -> None:
    room = Reading(sqlite_database, lesion("2025-06-01", "liver-1", 30))
    said = fields(on, modality) | room.rows(liver_1=mm)
    with pytest.raises(Unsure, match=question):
        room.save(said, now)


def test_what_was_entered_leaves_as_fhir_and_comes_back(
    sqlite_database: Database, postgresql_database: Database, tmp_path: Path, now: datetime
) -> None:
    room = Reading(sqlite_database, *BASELINE)
    said = fields("2026-02-27", study__report="R-7") | room.rows(liver_1="30", node_1="not-evaluable clip artefact")
    said |= {"response.verdict": "override", "response.reader": "Dr Rose", "response.overall": "SD"}
    said |= {"response.reason": "other phase", "us.stones": "single", "us.ihbd": "no", "us.mobile": "yes"}
    room.save(said | {"us.note": "fasting"}, now)
    root = Actor.system("test")
    with sqlite_database.read() as session:
        (tmp_path / "out.json").write_bytes(record_bundle(patient_record(session, root, "P-1"), now=now))
    assert not import_paths(postgresql_database, root, [tmp_path / "out.json"], now=now).as_json()["quarantined"]
    charts = []
    for database in (sqlite_database, postgresql_database):
        with database.read() as session:
            charts.append(chart_of(session, session.scalars(select(Patient.id)).one()))
    for name in ("lesions", "responses", "biliary", "findings"):
        sent, back = (
            [replace(entry, record="") for entry in getattr(chart, name) if entry.effective.year == 2026]
            for chart in charts
        )
        assert sent == back and sent, name


def test_a_scan_outside_the_life_of_the_patient_is_refused_or_asked_about(
    sqlite_database: Database, now: datetime
) -> None:
    room = Reading(sqlite_database)
    with sqlite_database.write() as session:
        patient = session.get_one(Patient, room.patient)
        patient.birth_date, patient.deceased_at = date(1960, 5, 1), datetime(2026, 1, 10, tzinfo=UTC)
    with pytest.raises(NotSaved, match=r"born on 1960-05-01.*right patient"):
        room.save(fields("1960-04-30"), now)
    with pytest.raises(Unsure, match="died on 2026-01-10"):
        room.save(fields("2026-01-11"), now)
    room.save(fields("2026-01-10"), now)


def test_of_two_saves_of_one_version_one_wins_and_the_other_sees_it(database: Database, now: datetime) -> None:
    room = Reading(database, *BASELINE)
    with database.read() as session:
        sent = [
            submission(session, "P-1", fields("2026-02-27") | room.rows(liver_1=f"2{n}", node_1="20")) for n in range(2)
        ]
    outcomes: list[object] = []
    start = Barrier(2)

    def read(number: int) -> None:
        start.wait()
        try:
            with database.write() as session:
                outcomes.append(save(session, room.reader, "P-1", sent[number], now))
        except Changed as changed:
            outcomes.append(changed)

    threads = [Thread(target=read, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (lost,) = [outcome for outcome in outcomes if isinstance(outcome, Changed)]
    assert lost.theirs[0].said["lesion.1.mm"] in ("20", "21")


def test_who_may_not_see_the_patient_reckons_nothing(sqlite_database: Database, now: datetime) -> None:
    room = Reading(sqlite_database, *BASELINE)
    with sqlite_database.read() as session, pytest.raises(NotFound):
        reckoned(session, room.stranger, "P-1", fields("2026-02-27"), now)
    with sqlite_database.read() as session, pytest.raises(Forbidden):
        reckoned(session, Actor("a@x.example", "admin", 1), "P-1", fields("2026-02-27"), now)
