"""HL7 v2 files: however they are framed the same records come of them, and what is not certain is held."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database
from data.intake.batch import import_paths
from data.intake.quarantine import list_quarantined, retry_quarantined, show_quarantined
from data.intake.source import ImportRefused
from data.models import Patient, Record
from data.people import Actor
from data.records import list_records

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
HEADER = r"MSH|^~\&|LIS|LAB|NADIR|CLINIC|{made}||ORU^R01^ORU_R01|{id}|P|2.5.1||||||{charset}"
PID = "PID|1||M-1^^^HOSP^MR||Muster^Erika^Maria||19700101|F"
OBR = "OBR|1||F100^LIS|82943^Panel^L|||20250610073000+0200"
GLUCAGON = "2338-2^Glucagon^LN"


def obx(
    value: str = "812",
    *,
    kind: str = "NM",
    code: str = GLUCAGON,
    sub_id: str = "",
    unit: str = "pg/mL",
    usual: str = "0-159",
    status: str = "F",
    when: str = "20250610073000+0200",
) -> str:
    return f"OBX|1|{kind}|{code}|{sub_id}|{value}|{unit}|{usual}|H|||{status}|||{when}"


def message(
    *results: str, made: str = "20250610083000+0200", id: str = "1", charset: str = "UNICODE UTF-8", pid: str = PID
) -> str:
    header = HEADER.format(made=made, id=id, charset=charset)
    return "".join(f"{line}\r" for line in (header, pid, OBR, *(results or (obx(),))))


def block(content: str) -> bytes:
    return b"\x0b" + content.encode() + b"\x1c\r"


def read(database: Database, folder: Path, content: str | bytes, **options: Any) -> dict[str, Any]:
    path = folder / "results.hl7"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    summary = import_paths(database, ACTOR, [path], now=NOW, **options).as_json()
    parts = sum(summary[name] for name in ("stored", "unchanged", "superseded", "ignored"))
    assert summary["read"] == parts + len(summary["quarantined"])
    assert summary["format"] == "hl7v2"
    return summary


def rows(database: Database, *, everything: bool = False) -> list[dict[str, Any]]:
    with database.read() as session:
        return list_records(session, ACTOR, "M-1", include_superseded=everything)


def details(database: Database) -> list[Any]:
    with database.read() as session:
        return list(session.scalars(select(Record.detail).order_by(Record.id)))


def held(database: Database, folder: Path, content: str | bytes, **options: Any) -> str:
    (refused,) = read(database, folder, content, **options)["quarantined"]
    return f"{refused['where']}: {refused['why']}"


PLAIN = message(obx(code="2338-2^Gluc\\T\\agon^LN"))
OTHER_SIGNS = PLAIN.translate(str.maketrans("|^~\\&", "#!*?%"))


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.rstrip("\r").encode(),
        PLAIN.replace("\r", "\n").encode(),
        PLAIN.replace("\r", "\r\n").encode(),
        PLAIN.replace("\r", "\r\r\n").encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        b"\r\n " + PLAIN.encode(),
        block(PLAIN),
        b"\xef\xbb\xbf" + block(PLAIN),
        b"\x0b" + PLAIN.encode() + b"\x1c",
        f"FHS|^~\\&|LIS\rBHS|^~\\&|LIS\r{PLAIN}BTS|1\rFTS|1\r".encode(),
        block(f"BHS|^~\\&|LIS\r{PLAIN}BTS|1\r"),
        OTHER_SIGNS.encode(),
        PLAIN.replace("^~\\&", "^~\\&#", 1).encode(),
        PLAIN.replace("^~\\&", "^~\\\\&", 1).encode(),
        PLAIN.replace("UNICODE UTF-8", "8859/1").encode("latin-1"),
        PLAIN.replace("UNICODE UTF-8", "").encode(),
        PLAIN.replace("UNICODE UTF-8", "ELSEWHERE").encode(),
    ],
)
def test_the_same_result_is_read_however_the_message_was_framed(
    content: bytes, sqlite_database: Database, tmp_path: Path
) -> None:
    assert read(sqlite_database, tmp_path, PLAIN)["stored"] == 2
    again = read(sqlite_database, tmp_path, content)
    assert (again["unchanged"], again["read"]) == (2, 2)
    (row,) = rows(sqlite_database)
    assert (row["value"], row["unit"], row["lab"], row["interpretation"]) == (Decimal(812), "pg/mL", "LAB", "H")
    assert (row["effective"], row["ref_low"], row["ref_high"]) == (
        "2025-06-10T07:30:00+02:00",
        Decimal(0),
        Decimal(159),
    )


def test_noise_between_blocks_is_passed_over_and_every_block_is_read(sqlite_database: Database, tmp_path: Path) -> None:
    second = message(obx("90", sub_id="2"), id="2")
    content = b"noise\r\n" + block(PLAIN) + b"\r\n" + block(second) + b"\n"
    path = tmp_path / "results.hl7"
    path.write_bytes(content)
    assert import_paths(sqlite_database, ACTOR, [path], now=NOW, format="hl7v2").as_json()["stored"] == 3


def test_a_capture_is_told_by_its_first_block_whatever_stands_before_it(
    sqlite_database: Database, tmp_path: Path
) -> None:
    assert read(sqlite_database, tmp_path, b"\x00\xffnoise\r\n" + block(message()))["stored"] == 2


def test_a_block_without_its_end_is_held_whole_and_the_others_are_stored(
    sqlite_database: Database, tmp_path: Path
) -> None:
    cut = block(PLAIN) + b"\x0b" + message(obx("90", sub_id="2"), obx("91", sub_id="3")).encode()[:-30]
    assert held(sqlite_database, tmp_path, cut).startswith("results.hl7#message[2]: the block never ends")
    assert [row["value"] for row in rows(sqlite_database)] == [Decimal(812)]
    middle = b"\x0b" + message(obx("90", sub_id="2")).encode() + block(PLAIN)
    assert "message[1]: the block never ends" in held(sqlite_database, tmp_path, middle)
    outside = block(PLAIN) + message(obx("90", sub_id="2")).encode()
    assert "outside the block" in held(sqlite_database, tmp_path, outside)
    assert len(rows(sqlite_database)) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (message().encode() + message(pid=PID.replace("Erika", "Jürgen")).encode("latin-1"), "byte 31 of line 2"),
        (message() + message(pid=PID.replace("Erika", "Jürgen"), charset="ASCII"), "MSH-18 says 'ASCII'"),
        (message() + message(pid=PID.replace("Erika", "Jürgen"), charset="ELSEWHERE"), "'ELSEWHERE'"),
        (message() + message(pid=PID.replace("Erika", "\x1b$B")), "changes its character set"),
        (message() + message().replace("Panel", "Pa\nnel"), "line 4 of the message is no segment"),
        (message() + message().replace("^~\\&", "^^\\&", 1), "MSH-2 '^^"),
        (message() + message().replace("^~\\&", "^~", 1), "MSH-2 '^~'"),
    ],
)
def test_a_message_that_cannot_be_read_is_held_with_its_place(
    content: str | bytes, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    said = held(sqlite_database, tmp_path, content)
    assert said.startswith("results.hl7#message[2]") and why in said
    assert len(rows(sqlite_database)) == 1


def test_a_batch_that_lost_a_message_says_so_and_keeps_the_rest(sqlite_database: Database, tmp_path: Path) -> None:
    batch = f"BHS|^~\\&|LIS\r{message()}BTS|2\r"
    assert "says it holds 2 messages, 1 are here" in held(sqlite_database, tmp_path, batch)
    assert len(rows(sqlite_database)) == 1


@pytest.mark.parametrize("content", [b"", b"\x0b\x1c\r", b"FHS|^~\\&|LIS\rFTS|0\r"])
def test_a_file_without_a_message_is_refused(content: bytes, sqlite_database: Database, tmp_path: Path) -> None:
    path = tmp_path / "results.hl7"
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match="holds no HL7 message"):
        import_paths(sqlite_database, ACTOR, [path], now=NOW, format="hl7v2")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("start", ["", "\x0b", "FHS|^~\\&|LIS\r"])
@pytest.mark.parametrize("format", ["hl7v2", None])
def test_a_file_in_wide_characters_is_refused_by_name(
    encoding: str, start: str, format: str | None, sqlite_database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "results.hl7"
    path.write_bytes((start + message(charset="UNICODE UTF-16")).encode(encoding))
    with pytest.raises(ImportRefused, match=rf"results.hl7 is written in {encoding[:6].upper()}; send UTF-8"):
        import_paths(sqlite_database, ACTOR, [path], now=NOW, format=format)


def test_text_that_switches_between_character_sets_is_held_whole(sqlite_database: Database, tmp_path: Path) -> None:
    name = "Yamada^Taro~\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    switching = message(pid=PID.replace("Muster^Erika^Maria", name), charset="~ISO IR87")
    assert "line 2 changes its character set midway; send UTF-8" in held(sqlite_database, tmp_path, switching)
    assert details(sqlite_database) == []


def test_escapes_stand_for_what_they_mean(sqlite_database: Database, tmp_path: Path) -> None:
    text = r"a\F\b\S\c\T\d\R\e\E\f\X41C3A9\\.br\\H\g\N\ C:\Temp"
    read(sqlite_database, tmp_path, message(obx(text, kind="ST", unit="")))
    assert rows(sqlite_database)[0]["text"] == "a|b^c&d~e\\fAé\ng C:\\Temp"


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("NM", "118.00", (Decimal("118.00"), None, None)),
        ("NM", ">2000", (Decimal(2000), ">", None)),
        ("NM", "<5", (Decimal(5), "<", None)),
        ("SN", "^118", (Decimal(118), None, None)),
        ("SN", ">=^2000", (Decimal(2000), ">=", None)),
        ("SN", "=^7.50", (Decimal("7.50"), None, None)),
        ("ST", "118", (None, None, "118")),
        ("ST", ">2000", (None, None, ">2000")),
        ("TX", "first~second", (None, None, "first\nsecond")),
        ("CWE", "N^normal^HL70078", (None, None, "normal")),
        ("CE", "N", (None, None, "N")),
    ],
)
def test_a_value_is_kept_as_it_was_sent(
    kind: str, value: str, kept: tuple[Any, ...], sqlite_database: Database, tmp_path: Path
) -> None:
    read(sqlite_database, tmp_path, message(obx(value, kind=kind)))
    (row,) = rows(sqlite_database)
    assert (row["value"], row["comparator"], row["text"]) == kept
    if row["value"] is not None:
        assert str(row["value"]) == str(kept[0]) and row["canonical_value"] == float(kept[0])
    else:
        assert row["canonical_value"] is None


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (obx("1,5"), "two numbers"),
        (obx("12 pg"), "not a number"),
        (obx("5~6"), "more than one value"),
        (obx("-5"), "negative"),
        (obx(""), "no value"),
        (obx('""'), "no value"),
        (obx("^1^-^5", kind="SN"), "range or a ratio"),
        (obx("^1^:^8", kind="SN"), "range or a ratio"),
        (obx("<>^5", kind="SN"), "comparator"),
        (obx(">^<5", kind="SN"), "OBX-5"),
        (obx("20250101", kind="DT"), "type of value"),
        (obx(kind=""), "type of value"),
        (obx(unit=""), "without a unit"),
        (obx(unit="pg/L"), "not accepted"),
        (obx(unit="pg/mL^pmol/L^UCUM"), "the unit text 'pmol/L'"),
        (obx(status="Q"), "OBX-11 'Q'"),
        (obx(status=""), "OBX-11 ''"),
        (obx(status="N"), "not asked for"),
        (obx(when="20250230"), "possible date"),
        (obx(when="2025061007"), "hour without minutes"),
        (obx(when="10.06.2025"), "not an HL7 time"),
        (obx(when="20270101"), "future"),
        (obx(code="1659-1^Glucagon^LN"), "1659-1"),
        (obx(code="GLUCAG^Glukagon^L"), "names a marker"),
        (obx(code="2338-2^Glucagon^LN^2345-7^Glucose^LN"), "do not name one thing"),
        (obx("x\\X00\\y", kind="ST"), "NUL"),
    ],
)
def test_a_result_that_is_not_certain_is_held_with_its_place(
    result: str, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    said = held(sqlite_database, tmp_path, message(obx("77", sub_id="9"), result))
    assert said.startswith("results.hl7#message[1].OBX[2]: ") and why in said
    assert [row["value"] for row in rows(sqlite_database)] == [Decimal(77)]


def test_a_range_that_is_none_is_kept_as_text(sqlite_database: Database, tmp_path: Path) -> None:
    sent = ("<5.0", ">40", "0 to 10", "-1.5 - 2", "[ < 0.21 ]", "20-10", "see note")
    for number, usual in enumerate(sent, start=1):
        read(sqlite_database, tmp_path, message(obx(sub_id=str(number), usual=usual)))
    limits = [(row["ref_low"], row["ref_high"]) for row in rows(sqlite_database)]
    numbers = [(None, "5.0"), ("40", None), ("0", "10"), ("-1.5", "2"), (None, None), (None, None), (None, None)]
    assert [tuple(None if n is None else str(n) for n in pair) for pair in limits] == numbers
    assert [(d or {}).get("ref_text") for d in details(sqlite_database)][4:] == [
        ["[ < 0.21 ]"],
        ["20-10"],
        ["see note"],
    ]


def test_a_time_of_day_needs_a_zone_and_a_date_stays_a_date(sqlite_database: Database, tmp_path: Path) -> None:
    local = obx(when="202506100730")
    unzoned = message(local, made="20250610083000")
    assert "no zone" in held(sqlite_database, tmp_path, unzoned)
    assert read(sqlite_database, tmp_path, unzoned, zone="Europe/Berlin")["stored"] == 1
    read(sqlite_database, tmp_path, message(obx(when="20250611", sub_id="2"), obx(when="202507", sub_id="3")))
    read(sqlite_database, tmp_path, message(obx(when="202506120730", sub_id="4")), zone="Asia/Tokyo")
    read(sqlite_database, tmp_path, message(obx(when="", sub_id="5")))
    assert sorted(row["effective"] for row in rows(sqlite_database)) == [
        "2025-06-10T07:30+02:00",
        "2025-06-10T07:30:00+02:00",
        "2025-06-11",
        "2025-06-12T07:30+02:00",
        "2025-07",
    ]


def test_a_number_the_laboratory_uses_again_on_another_day_replaces_and_swallows_nothing(
    sqlite_database: Database, tmp_path: Path
) -> None:
    later = "20250910073000+0200"
    read(sqlite_database, tmp_path, message(obx("812")))
    assert read(sqlite_database, tmp_path, message(obx("900", when=later), made=later, id="2"))["stored"] == 1
    assert [row["value"] for row in rows(sqlite_database)] == [Decimal(812), Decimal(900)]
    again = held(sqlite_database, tmp_path, message(obx("812", when="20251010073000+0200"), made=later, id="3"))
    assert "F100 is already used for a result of 2025-06-10" in again
    assert read(sqlite_database, tmp_path, message(obx("812")))["unchanged"] == 2


def test_whatever_the_order_of_arrival_the_last_correction_stands(sqlite_database: Database, tmp_path: Path) -> None:
    versions = [
        message(obx("100", status="P"), made="20250610080000+0200"),
        message(obx("110", status="F"), made="20250610090000+0200"),
        message(obx("120", status="C"), made="20250610100000+0200"),
        message(obx("130", status="C"), made="20250610110000+0200"),
    ]
    for number, order in enumerate(permutations(versions)):
        for content in order:
            read(
                sqlite_database,
                tmp_path,
                content.replace("M-1", f"M-{number}").replace("F100", f"F{number}"),
            )
        with sqlite_database.read() as session:
            stands = list_records(session, ACTOR, f"M-{number}")
            kept = list_records(session, ACTOR, f"M-{number}", include_superseded=True)
        assert [(row["value"], row["status"]) for row in stands] == [(Decimal(130), "corrected")]
        assert sorted(row["value"] for row in kept) == [Decimal(n) for n in (100, 110, 120, 130)]


@pytest.mark.parametrize(
    ("status", "stands"), [("D", "entered-in-error"), ("W", "entered-in-error"), ("X", "cancelled")]
)
def test_a_withdrawal_supersedes_with_or_without_value_in_either_order(
    status: str, stands: str, sqlite_database: Database, tmp_path: Path
) -> None:
    first, late = "20250610083000+0200", "20250611083000+0200"
    read(sqlite_database, tmp_path, message(obx(), made=first))
    withdrawn = message(obx("", status=status), made=late)
    assert read(sqlite_database, tmp_path, withdrawn)["superseded"] == 1
    assert read(sqlite_database, tmp_path, message(obx(), made=first))["unchanged"] == 2
    assert [row["status"] for row in rows(sqlite_database)] == [stands]
    other = [
        message(obx(status=status, sub_id="2"), made=late),
        message(obx(sub_id="2"), made=first),
    ]
    for content in other:
        read(sqlite_database, tmp_path, content)
    assert [row["status"] for row in rows(sqlite_database)] == [stands, stands]


def test_equal_values_of_a_series_are_told_apart(sqlite_database: Database, tmp_path: Path) -> None:
    times = ("20250610073000+0200", "20250610080000+0200", "20250610083000+0200")
    numbered = message(*(obx("90", sub_id=str(n), when=when) for n, when in enumerate(times, start=1)))
    assert read(sqlite_database, tmp_path, numbered)["stored"] == 4
    corrected = message(obx("95", sub_id="2", when=times[1], status="C"), made="20250611083000+0200")
    assert read(sqlite_database, tmp_path, corrected)["superseded"] == 1
    assert [row["value"] for row in rows(sqlite_database)] == [Decimal(90), Decimal(95), Decimal(90)]
    bare = message(*(obx("70", when=when) for when in times)).replace("F100", "F200")
    assert read(sqlite_database, tmp_path, bare)["stored"] == 3
    assert read(sqlite_database, tmp_path, bare)["unchanged"] == 4
    assert len(rows(sqlite_database)) == 6


def test_orders_under_one_number_are_told_apart_by_their_time_also_when_one_is_read_again(
    sqlite_database: Database, tmp_path: Path
) -> None:
    orders = [OBR, obx("90", when=""), OBR.replace("0730", "0800"), obx("90", when="", unit="pg/L")]
    content = message().replace(f"{OBR}\r{obx()}\r", "".join(f"{line}\r" for line in orders))
    assert "not accepted" in held(sqlite_database, tmp_path, content)
    with sqlite_database.read() as session:
        (item,) = list_quarantined(session, ACTOR)
        raw = show_quarantined(session, ACTOR, item["id"])["raw"]
    read(sqlite_database, tmp_path, raw.replace("pg/L", "pg/mL"))
    assert [(row["value"], row["effective"][11:16]) for row in rows(sqlite_database)] == [
        (Decimal(90), "07:30"),
        (Decimal(90), "08:00"),
    ]


def test_what_is_outside_the_scope_is_counted_by_what_it_is(sqlite_database: Database, tmp_path: Path) -> None:
    content = (
        message(obx(code="718-0^Other^LN"), obx(code="XY^Private text^L"), obx(code="^Only text^"))
        + message().replace("ORU^R01^ORU_R01", "ADT^A08^ADT_A01")
        + "".join(line + "\r" for line in message().split("\r") if line and not line.startswith("OBX"))
    )
    assert read(sqlite_database, tmp_path, content)["ignored_types"] == {
        "OBX": 1,
        "OBX 718-0^LN": 1,
        "OBX XY^L": 1,
        "message ADT^A08": 1,
        "message ORU^R01": 1,
    }
    with sqlite_database.read() as session:
        assert session.scalars(select(Patient)).all() == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("T", "MSH-11 says T (training): it is not imported like production"),
        ("D", "MSH-11 says D (debugging): it is not imported like production"),
        ("T^A", "MSH-11 says T (training): it is not imported like production"),
        ("X", "MSH-11 says 'X': only P is production"),
    ],
)
def test_a_message_that_is_not_production_is_held_whole(
    said: str, why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    content = message(obx(), obx("99", sub_id="2"), id="T1").replace("|P|2.5.1|", f"|{said}|2.5.1|") + message(id="2")
    summary = read(sqlite_database, tmp_path, content)
    assert [(held["where"], held["why"]) for held in summary["quarantined"]] == [("results.hl7#message[1]", why)]
    assert [row["value"] for row in rows(sqlite_database)] == [Decimal(812)]
    with sqlite_database.read() as session:
        (item,) = list_quarantined(session, ACTOR)
    assert retry_quarantined(sqlite_database, ACTOR, item["id"], now=NOW).stored == 0
    with sqlite_database.read() as session:
        (item,) = list_quarantined(session, ACTOR)
    assert why in item["why"]


@pytest.mark.parametrize("said", ["P", "p", "P^T", "", '""'])
def test_a_message_of_production_or_of_none_named_is_read(said: str, sqlite_database: Database, tmp_path: Path) -> None:
    assert read(sqlite_database, tmp_path, message().replace("|P|2.5.1|", f"|{said}|2.5.1|"))["stored"] == 2


def test_what_is_out_of_scope_is_ignored_in_training_too(sqlite_database: Database, tmp_path: Path) -> None:
    content = message().replace("ORU^R01^ORU_R01", "SIU^S12").replace("|P|2.5.1|", "|T|2.5.1|")
    assert read(sqlite_database, tmp_path, content)["ignored_types"] == {"message SIU^S12": 1}


def test_a_zipped_file_is_read_like_a_plain_one(sqlite_database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "feed"
    folder.mkdir()
    (folder / "one.hl7.gz").write_bytes(gzip.compress(message().encode()))
    (folder / "two.txt.gz").write_bytes(gzip.compress(message(obx("99", sub_id="2"), id="2").encode()))
    (folder / "other.pdf").write_bytes(b"%PDF")
    summary = import_paths(sqlite_database, ACTOR, [folder], now=NOW).as_json()
    assert (summary["format"], summary["files"], summary["ignored_types"]) == ("hl7v2", 3, {"file *.pdf": 1})
    assert [row["value"] for row in rows(sqlite_database)] == [Decimal(812), Decimal(99)]


@pytest.mark.parametrize(
    ("zipped", "why"),
    [
        (gzip.compress(message().encode())[:-20], "cannot be read"),
        (gzip.compress(message().encode() + b"NTE|1||" + b"x" * 70_000_000), "larger than 64 MB"),
    ],
    ids=["cut-short", "too-large-unzipped"],
)
def test_a_zipped_file_that_cannot_be_read_whole_changes_nothing(
    sqlite_database: Database, tmp_path: Path, zipped: bytes, why: str
) -> None:
    path = tmp_path / "results.hl7.gz"
    path.write_bytes(zipped)
    with pytest.raises(ImportRefused, match=why):
        import_paths(sqlite_database, ACTOR, [path], now=NOW, format="hl7v2")
    assert rows_of_nobody(sqlite_database)


def rows_of_nobody(database: Database) -> bool:
    with database.read() as session:
        return not session.scalars(select(Record)).all() and not session.scalars(select(Patient)).all()


@pytest.mark.parametrize("kind", ["ORU^R30^ORU_R30", "OUL^R22^OUL_R22", "ORU"])
def test_other_result_messages_are_read_alike(kind: str, sqlite_database: Database, tmp_path: Path) -> None:
    assert read(sqlite_database, tmp_path, message().replace("ORU^R01^ORU_R01", kind))["stored"] == 2


@pytest.mark.parametrize("code", ["X^Y^L^2338-2^Glucagon^LN", "glucagon^^urn:nadir:analyte", "glucagon^^99NADIR"])
def test_a_code_is_known_from_either_triplet(code: str, sqlite_database: Database, tmp_path: Path) -> None:
    read(sqlite_database, tmp_path, message(obx(code=code)))
    assert [row["analyte"] for row in rows(sqlite_database)] == ["glucagon"]


def test_the_message_brings_its_patient_by_the_hospitals_number(sqlite_database: Database, tmp_path: Path) -> None:
    numbers = "123^^^STATE^SS~A-9^^^OTHER&1.2.3&ISO^PI~M-1^^^HOSP&2.16.840&ISO^MR"
    read(sqlite_database, tmp_path, message(pid=PID.replace("M-1^^^HOSP^MR", numbers)))
    with sqlite_database.read() as session:
        patient = session.scalars(select(Patient)).one()
        assert (patient.mrn, patient.mrn_system, patient.name, str(patient.birth_date), patient.sex) == (
            "M-1",
            "urn:oid:2.16.840",
            "Erika Maria Muster",
            "1970-01-01",
            "female",
        )


@pytest.mark.parametrize(
    ("other", "why"),
    [(("19700101", "19710101"), "another birth date"), (("Muster^Erika", "Klein^Hans"), "another name")],
)
def test_results_of_a_patient_who_is_somebody_else_are_held(
    other: tuple[str, str], why: str, sqlite_database: Database, tmp_path: Path
) -> None:
    read(sqlite_database, tmp_path, message())
    summary = read(sqlite_database, tmp_path, message(obx("5", sub_id="2"), pid=PID.replace(*other)))
    patient, result = summary["quarantined"]
    assert patient["where"] == "results.hl7#message[1].PID" and why in patient["why"]
    assert "held back" in result["why"] and len(rows(sqlite_database)) == 1


def test_a_result_without_a_patient_number_is_held_and_read_again_for_the_one_named(
    sqlite_database: Database, tmp_path: Path
) -> None:
    read(sqlite_database, tmp_path, message())
    nobody = message(obx("90", sub_id="2", usual="größer"), pid=PID.replace("M-1^^^HOSP^MR", ""), charset="8859/1")
    assert "no patient number (PID-3)" in held(sqlite_database, tmp_path, nobody.encode("latin-1"))
    with sqlite_database.read() as session:
        (item,) = list_quarantined(session, ACTOR)
        raw = show_quarantined(session, ACTOR, item["id"])["raw"]
    assert [line[:3] for line in raw.split("\r") if line] == ["MSH", "PID", "OBR", "OBX"]
    summary = retry_quarantined(sqlite_database, ACTOR, item["id"], now=NOW, mrn="M-1").as_json()
    assert (summary["stored"], summary["quarantined"]) == (1, [])
    assert [row["value"] for row in rows(sqlite_database)] == [Decimal(812), Decimal(90)]
    assert details(sqlite_database)[1]["ref_text"] == ["größer"]


def test_a_folder_gives_its_hl7_files_and_counts_the_others(sqlite_database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "sent"
    folder.mkdir()
    for number, ending in enumerate((".hl7", ".txt", ".er7"), start=1):
        (folder / f"r{ending}").write_text(message(obx(sub_id=str(number))), newline="")
    (folder / "readme.md").write_text("hello")
    summary = import_paths(sqlite_database, ACTOR, [folder], now=NOW).as_json()
    assert (summary["format"], summary["stored"], summary["ignored_types"]) == ("hl7v2", 4, {"file *.md": 1})
