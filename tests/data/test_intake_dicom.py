"""Measurement reports: the axis that is summed, with its place; what cannot be read is refused and says why."""

from __future__ import annotations

import zlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.dicom_whole import refuse_cut_off
from data.intake.limited import FileRefused
from data.intake.quarantine import list_quarantined, retry_quarantined
from data.intake.source import ImportRefused
from data.models import Patient, Quarantined, Record
from data.patients import add_patient
from data.people import Actor
from data.records import list_records
from tests.child_memory import peak_of_child
from tests.data.reports import LIVER, LONG, NODE, SHORT, SITE, coded, content, dataset, group, number, write

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")


def read(database: Database, path: Path, **options: Any) -> dict[str, Any]:
    summary = import_paths(database, ACTOR, [path], now=NOW, **options).as_json()
    parts = ("stored", "unchanged", "superseded", "ignored")
    assert summary["read"] == sum(summary[part] for part in parts) + len(summary["quarantined"])
    return summary


def lesions(database: Database) -> list[Record]:
    with database.read() as session:
        found = select(Record).where(Record.kind == "lesion", Record.superseded_by.is_(None)).order_by(Record.id)
        return list(session.scalars(found))


def why(database: Database, path: Path, **options: Any) -> tuple[str, str]:
    (held,) = read(database, path, **options)["quarantined"]
    assert lesions(database) == []
    return held["where"], held["why"]


def test_a_node_is_its_short_axis_and_anything_else_its_long_axis(sqlite_database: Database, tmp_path: Path) -> None:
    both = (number(LONG, "31.5"), number(SHORT, "18.25"))
    path = write(tmp_path / "a.dcm", group(*both, lesion="N1", site=NODE), group(*both, lesion="L-1"))
    assert read(sqlite_database, path)["format"] == "dicom-sr"
    node, liver = sorted(lesions(sqlite_database), key=lambda row: row.detail["lesion"], reverse=True)
    assert (node.detail["node"], node.value, node.unit) == (True, "18.2", "mm")
    assert (liver.detail["node"], liver.value, liver.detail["site"]) == (False, "31.5", "Liver")
    assert "long axis 31.5 mm" in node.detail["notes"] and "short axis 18.25 mm" in liver.detail["notes"]
    assert liver.detail["reader"] == "One Reader" and liver.detail["signed"] is True


def test_centimetres_are_ten_millimetres(sqlite_database: Database, tmp_path: Path) -> None:
    read(sqlite_database, write(tmp_path / "a.dcm", group(number(LONG, "2.15", ("cm", "UCUM", "cm")))))
    assert [row.value for row in lesions(sqlite_database)] == ["21.5"]


@pytest.mark.parametrize(
    ("axis", "place", "said"),
    [
        ([number(LONG, None)], "1.2.1.4", "long axis has no value (Not a number)"),
        ([number(LONG, "NaN")], "1.2.1.4", "long axis: "),
        ([number(LONG, "inf")], "1.2.1.4", "long axis: "),
        ([number(LONG, "1e999")], "1.2.1.4", "long axis: "),
        ([number(LONG, "-21")], "1.2.1.4", "not a length"),
        ([number(LONG, "2,1")], "1.2.1.4", "long axis: "),
        ([number(LONG, "21\\22")], "1.2.1.4", "long axis: "),
        ([number(LONG, "21", ("ml", "UCUM", "ml"))], "1.2.1.4", "in UCUM 'ml' is not a length"),
        ([number(LONG, "21", ("cm", "99PMP", "cm"))], "1.2.1.4", "in 99PMP 'cm' is not a length"),
        ([number(LONG, "21"), number(LONG, "22")], "1.2.1.5", "stands twice"),
        ([number(SHORT, "21")], "1.2.1", "its long axis, which is missing"),
        ([number(LONG, "2100")], "1.2.1", "not between 0 and 1000"),
        ([number(LONG, "21"), coded(SITE, NODE)], "1.2.1", "several finding sites"),
    ],
)
def test_a_size_that_cannot_be_read_is_held_with_the_place_of_its_content_item(
    axis: list[Any], place: str, said: str, sqlite_database: Database, tmp_path: Path
) -> None:
    where, cause = why(sqlite_database, write(tmp_path / "a.dcm", group(*axis)))
    assert where == f"a.dcm#{place}" and said in cause


def test_a_node_without_its_short_axis_and_two_axes_without_a_site_are_held(
    sqlite_database: Database, tmp_path: Path
) -> None:
    node = group(number(LONG, "21"), site=NODE)
    assert "its short axis, which is missing" in why(sqlite_database, write(tmp_path / "a.dcm", node))[1]
    nowhere = group(number(LONG, "21"), number(SHORT, "12"), site=None)
    assert "no finding site" in why(sqlite_database, write(tmp_path / "b.dcm", nowhere))[1]


def test_good_groups_do_not_wait_for_bad_ones_and_a_held_one_can_be_read_again(
    sqlite_database: Database, tmp_path: Path
) -> None:
    bad = group(number(LONG, "21", ("px", "UCUM", "px")), lesion="T02", uid="1.2.4")
    summary = read(sqlite_database, write(tmp_path / "a.dcm", group(number(LONG, "21")), bad))
    assert (summary["stored"], len(summary["quarantined"])) == (2, 1)
    with sqlite_database.write() as session:
        (item,) = list_quarantined(session, ACTOR)
        row = session.get_one(Quarantined, item["id"])
        row.raw = row.raw.replace('"px"', '"mm"')
    again = retry_quarantined(sqlite_database, ACTOR, item["id"], now=NOW).as_json()
    assert again["quarantined"] == [] and len(lesions(sqlite_database)) == 2


def test_the_time_of_a_scan_is_kept_where_its_zone_is_known(sqlite_database: Database, tmp_path: Path) -> None:
    known = group(number(LONG, "21"))
    read(sqlite_database, write(tmp_path / "a.dcm", known, TimezoneOffsetFromUTC="+0100"))
    read(
        sqlite_database,
        write(tmp_path / "b.dcm", known, StudyDate="20240610", StudyInstanceUID="1.2.9"),
        zone="Europe/Berlin",
    )
    read(sqlite_database, write(tmp_path / "c.dcm", known, StudyDate="20240910", StudyInstanceUID="1.2.10"))
    assert [(row.effective_text, row.precision) for row in lesions(sqlite_database)] == [
        ("2024-03-10T10:15:00+01:00", "second"),
        ("2024-06-10T10:15:00+02:00", "second"),
        ("2024-09-10", "day"),
    ]


def test_no_study_date_an_impossible_one_and_one_to_come_are_held(sqlite_database: Database, tmp_path: Path) -> None:
    for name, (day, said) in enumerate({"": "no study date", "20240230": "possible", "20300101": "future"}.items()):
        path = write(tmp_path / f"{name}.dcm", group(number(LONG, "21")), StudyDate=day, StudyTime="")
        assert said in why(sqlite_database, path)[1]


def test_the_patient_is_known_by_number_and_issuer(sqlite_database: Database, tmp_path: Path) -> None:
    read(sqlite_database, write(tmp_path / "a.dcm", group(number(LONG, "21")), IssuerOfPatientID="HOSPITAL"))
    with sqlite_database.read() as session:
        patient = session.scalars(select(Patient)).one()
    assert (patient.mrn, patient.mrn_system, patient.name, str(patient.birth_date)) == (
        *("M-1", "HOSPITAL", "Ada Berg", "1960-01-01"),
    )
    other = write(tmp_path / "b.dcm", group(number(LONG, "22")), IssuerOfPatientID="ELSEWHERE")
    assert {one["why"] for one in read(sqlite_database, other)["quarantined"]} == {
        "patient 'M-1' is known from HOSPITAL, this one comes from ELSEWHERE",
        "the patient it belongs to is held back",
    }


def test_a_report_without_a_patient_number_needs_one_named(sqlite_database: Database, tmp_path: Path) -> None:
    read(sqlite_database, write(tmp_path / "a.dcm", group(number(LONG, "21"))))
    nobody = write(tmp_path / "b.dcm", group(number(LONG, "22")), PatientID="", StudyInstanceUID="1.2.9")
    (held,) = read(sqlite_database, nobody)["quarantined"]
    assert "no patient number" in held["why"]
    assert read(sqlite_database, nobody, mrn="M-1")["stored"] == 1


def test_a_later_report_of_the_same_reading_supersedes_and_an_older_one_does_not_come_back(
    sqlite_database: Database, tmp_path: Path
) -> None:
    first = write(tmp_path / "a.dcm", group(number(LONG, "21")))
    later = write(tmp_path / "b.dcm", group(number(LONG, "24")), ContentTime="090000")
    read(sqlite_database, first)
    assert read(sqlite_database, later)["superseded"] == 1
    assert read(sqlite_database, first)["stored"] == 0
    assert [row.value for row in lesions(sqlite_database)] == ["24"]
    other_reader = write(tmp_path / "c.dcm", group(number(LONG, "19")), reader="Reader^Two")
    assert read(sqlite_database, other_reader)["stored"] == 1


def test_the_same_lesion_from_a_sheet_is_the_same_record(sqlite_database: Database, tmp_path: Path) -> None:
    read(sqlite_database, write(tmp_path / "a.dcm", group(number(LONG, "21.0"))))
    sheet = tmp_path / "lesions.csv"
    sheet.write_text(
        "mrn,scan_date,modality,lesion,role,site,organ,node,diameter_mm,state,into,reader,signed\n"
        "M-1,2024-03-10,,T01,target,Liver,,0,21,measured,,One Reader,1\n"
    )
    assert read(sqlite_database, sheet)["unchanged"] == 1


def test_a_lesion_measured_in_two_groups_is_held(sqlite_database: Database, tmp_path: Path) -> None:
    twice = (group(number(LONG, "21")), group(number(LONG, "24")))
    held = read(sqlite_database, write(tmp_path / "a.dcm", *twice))["quarantined"]
    assert [one["where"] for one in held] == ["a.dcm#1.2.1", "a.dcm#1.2.2"]
    assert lesions(sqlite_database) == []


def test_what_is_said_of_the_role_is_kept_and_what_is_not_said_is_noted(
    sqlite_database: Database, tmp_path: Path
) -> None:
    def finding(code: tuple[str, str, str], lesion: str) -> Any:
        return group(number(LONG, "21"), coded(("121071", "DCM", "Finding"), code), lesion=lesion, uid=f"1.2.{lesion}")

    groups = (
        finding(("112075", "DCM", "Non-Target Lesion at Baseline"), "1"),
        finding(("x", "99LOCAL", "New lesion"), "2"),
        finding(("52988006", "SCT", "Lesion"), "3"),
    )
    read(sqlite_database, write(tmp_path / "a.dcm", *groups))
    found = {row.detail["lesion"]: row.detail for row in lesions(sqlite_database)}
    assert [found[name]["role"] for name in "123"] == ["non-target", "new", "target"]
    assert ["no role" in str(found[name].get("notes")) for name in "123"] == [False, False, True]


def test_other_measurements_and_judgements_are_counted(sqlite_database: Database, tmp_path: Path) -> None:
    volume = number(("118565006", "SCT", "Volume"), "70361.9", ("mm3", "UCUM", "mm3"))
    judged = coded(("123", "99TEST", "Tremendousness"), ("124", "99TEST", "Absent"))
    summary = read(sqlite_database, write(tmp_path / "a.dcm", group(volume), group(judged, lesion="T02")))
    assert (summary["stored"], summary["ignored_types"]) == (0, {"CONTAINER DCM 125007": 1, "NUM SCT 118565006": 1})
    none = read(sqlite_database, write(tmp_path / "b.dcm"))
    assert none["ignored_types"] == {"report without measurements": 1}


def test_a_partial_or_preliminary_report_is_preliminary(sqlite_database: Database, tmp_path: Path) -> None:
    read(sqlite_database, write(tmp_path / "a.dcm", group(number(LONG, "21")), CompletionFlag="PARTIAL"))
    read(
        sqlite_database, write(tmp_path / "b.dcm", group(number(LONG, "22")), ContentTime="09", PreliminaryFlag="FINAL")
    )
    with sqlite_database.read() as session:
        rows = list_records(session, ACTOR, "M-1", include_superseded=True)
    assert sorted((row["value"], row["status"]) for row in rows) == [(21, "preliminary"), (22, "final")]


def test_what_is_no_measurement_report_is_refused_in_one_line(sqlite_database: Database, tmp_path: Path) -> None:
    image = write(tmp_path / "image.dcm", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    no_dicom = tmp_path / "no.dcm"
    no_dicom.write_bytes(b"\0" * 128 + b"DICM" + b"nothing" * 50)
    garbled = tmp_path / "text.dcm"
    garbled.write_text("hello")
    for path, said in ((image, "CT Image Storage"), (no_dicom, "no.dcm"), (garbled, "known format")):
        with pytest.raises(ImportRefused, match=said) as refused:
            read(sqlite_database, path)
        assert "\n" not in str(refused.value)


def test_a_file_that_was_cut_off_is_refused_and_never_half_a_report(sqlite_database: Database, tmp_path: Path) -> None:
    whole = write(tmp_path / "a.dcm", *(group(number(LONG, "21"), lesion=f"T{n}", uid=f"1.2.{n}") for n in range(4)))
    content_of = whole.read_bytes()
    for length in range(200, len(content_of), len(content_of) // 7):
        cut = tmp_path / "cut.dcm"
        cut.write_bytes(content_of[:length])
        try:
            assert lesions(sqlite_database) == [] and read(sqlite_database, cut)["stored"] == 0
        except ImportRefused:
            continue


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
@pytest.mark.parametrize("delimited", [False, True])
def test_a_cut_within_the_content_is_seen_at_every_byte(syntax: str, delimited: bool, tmp_path: Path) -> None:
    made = dataset(group(number(LONG, "21")), group(number(SHORT, "12"), site=NODE), syntax=syntax)
    for element in made.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = delimited
            for item in element.value:
                item.is_undefined_length_sequence_item = delimited
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    content_of = (tmp_path / "a.dcm").read_bytes()
    start = 144 + int.from_bytes(content_of[140:144], "little")
    written = {"explicit": syntax != "1.2.840.10008.1.2", "little": syntax != "1.2.840.10008.1.2.2"}
    refuse_cut_off(content_of, start, **written)
    tag = b"\x40\x00\x30\xa7" if written["little"] else b"\x00\x40\xa7\x30"
    for length in range(content_of.index(tag) + 8, len(content_of)):
        with pytest.raises(FileRefused, match="was cut off"):
            refuse_cut_off(content_of[:length], start, **written)


def test_a_report_that_unpacks_to_more_than_the_memory_of_the_child_ends_the_child_only(
    sqlite_database: Database, tmp_path: Path
) -> None:
    path = write(tmp_path / "bomb.dcm", group(number(LONG, "21")), syntax="1.2.840.10008.1.2.1.99")
    packed = path.read_bytes()
    start = 144 + int.from_bytes(packed[140:144], "little")
    pack = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    with path.open("wb") as file:
        file.write(packed[:start] + pack.compress(zlib.decompress(packed[start:], -zlib.MAX_WBITS)))
        file.write(pack.compress(b"\x42\x00\x11\x00OB\0\0" + (600_000_000).to_bytes(4, "little")))
        for _ in range(600):
            file.write(pack.compress(bytes(1_000_000)))
        file.write(pack.flush())
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ImportRefused, match=r"bomb\.dcm needs more than 512 MB to be read"):
        read(sqlite_database, path)
    assert peak_of_child("data.intake.dicom_child", path) < 512 * 1024


def test_deep_nesting_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    item = number(LONG, "21")
    for _ in range(40):
        item = content("CONTAINER", ("125007", "DCM", "Measurement Group"), item)
    with pytest.raises(ImportRefused, match="32 deep"):
        read(sqlite_database, write(tmp_path / "deep.dcm", item))


def test_a_file_larger_than_the_limit_is_not_opened(sqlite_database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", group(number(LONG, "21"), site=LIVER))
    with path.open("r+b") as stream:
        stream.truncate(33 * 1024 * 1024)
    with pytest.raises(ImportRefused, match="larger than 32 MB"):
        read(sqlite_database, path)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"PatientID": "M-2"}, "is another patient than the one named for this import"),
        ({"PatientID": "M-7"}, "patient 'M-7' is not known"),
        ({"IssuerOfPatientID": "ELSEWHERE"}, "comes from ELSEWHERE"),
        ({"PatientBirthDate": "19610101"}, "birth date"),
    ],
)
def test_a_report_about_another_than_the_patient_named_is_held(
    told: dict[str, str], why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    read(sqlite_database, write(tmp_path / "a.dcm", group(number(LONG, "21")), IssuerOfPatientID="HOSPITAL"))
    with sqlite_database.write() as session:
        born = date(1960, 1, 1)
        add_patient(session, ACTOR, mrn="M-2", name=None, birth_date=born, sex=None, teams=(), now=NOW)
    of_other = {"IssuerOfPatientID": "HOSPITAL", "StudyInstanceUID": "1.2.9"} | told
    summary = read(sqlite_database, write(tmp_path / "b.dcm", group(number(LONG, "22")), **of_other), mrn="M-1")
    assert any(why in one["why"] for one in summary["quarantined"]), summary
    with sqlite_database.read() as session:
        assert len(session.scalars(select(Record)).all()) == 1
        assert [patient.mrn for patient in session.scalars(select(Patient))] == ["M-1", "M-2"]
