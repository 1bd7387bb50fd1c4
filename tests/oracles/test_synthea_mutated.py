"""Real Synthea bundles, damaged at random: no damage ends an import in anything but a verdict, and twice is once.

A seed stands for one damaged bundle; a failure names it.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data.db import Database, open_database
from data.intake.batch import import_paths
from data.intake.source import ImportRefused
from data.models import Record
from data.people import Actor

pytestmark = pytest.mark.oracles
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACTOR = Actor.system("test")
KEY = b"a key of the tests and of nothing else"
# How many resources of a patient stand in one damaged bundle beside the patient.
RESOURCES = 15
ODD = (None, "", "x", "\x00", -1, 0, 1e300, 10**40, [], {}, [{}], [[]], True, "2024-13-01", "9" * 400, {"value": "1"})


def test_forty_damaged_bundles_crash_nothing_and_twice_is_once(
    shared_data: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    take_all(range(40), shared_data, sqlite_template, tmp_path)


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_a_thousand_damaged_bundles_crash_nothing_and_twice_is_once(
    shared_data: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    take_all(range(40, 1_040), shared_data, sqlite_template, tmp_path)


def take_all(seeds: Iterable[int], shared: Path, template: Path, folder: Path) -> None:
    bundles = sorted((shared / "fhir" / "synthea_bundles").glob("*.json"))
    taken = 0
    for seed in seeds:
        chance = random.Random(seed)
        path = folder / "damaged.json"
        path.write_bytes(damaged(chance.choice(bundles), chance))
        shutil.copyfile(template, folder / "own.db")
        database = open_database(f"sqlite:///{folder / 'own.db'}", KEY)
        try:
            taken += twice_is_once(database, path)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        finally:
            database.close()
    assert taken, "every bundle was refused as a whole: this run proved nothing"


def twice_is_once(database: Database, path: Path) -> bool:
    """Import a file twice; whether anything could be read of it."""
    try:
        first = import_paths(database, ACTOR, [path], now=NOW)
    except ImportRefused:
        assert rows(database) == []
        return False
    stored = rows(database)
    assert all(Decimal(value).is_finite() for _, value, _ in stored if value is not None)
    again = import_paths(database, ACTOR, [path], now=NOW)
    assert rows(database) == stored
    assert (again.stored, again.read) == (0, first.read)
    assert [one.where for one in again.quarantined] == [one.where for one in first.quarantined]
    return True


def rows(database: Database) -> list[tuple[int, str | None, int | None]]:
    with database.read() as session:
        found = session.execute(select(Record.id, Record.value, Record.superseded_by).order_by(Record.id))
        return [(id, value, by) for id, value, by in found]


def damaged(path: Path, chance: random.Random) -> bytes:
    """A patient and some of the resources of a bundle, with one to four changes of its tree, its text or its bytes."""
    content = json.loads(whole(path))
    person, *others = content["entry"]
    content["entry"] = [person, *chance.sample(others, min(RESOURCES, len(others)))]
    for _ in range(chance.randint(0, 3)):
        chance.choice((odd_value, lost_key, other_order, repeated_entry, moved_part))(content, chance)
    raw = json.dumps(content).encode()
    return chance.choice((unchanged, unchanged, repeated_key, cut, flipped, spliced))(raw, chance)


@cache
def whole(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def places(part: Any) -> list[tuple[Any, Any]]:
    """Every container and key in a tree of JSON."""
    keys = list(part) if isinstance(part, dict) else list(range(len(part))) if isinstance(part, list) else []
    return [(part, key) for key in keys] + [place for key in keys for place in places(part[key])]


def odd_value(content: Any, chance: random.Random) -> None:
    part, key = chance.choice(places(content["entry"]))
    part[key] = chance.choice(ODD)


def lost_key(content: Any, chance: random.Random) -> None:
    part, key = chance.choice(places(content["entry"]))
    del part[key]


def other_order(content: Any, chance: random.Random) -> None:
    chance.shuffle(content["entry"])


def repeated_entry(content: Any, chance: random.Random) -> None:
    if content["entry"]:
        content["entry"].append(chance.choice(content["entry"]))


def moved_part(content: Any, chance: random.Random) -> None:
    """A value of one place at another, so that what is well-formed stands where it does not belong."""
    found = places(content["entry"])
    (source, key), (target, at) = chance.choice(found), chance.choice(found)
    target[at] = json.loads(json.dumps(source[key]))


def unchanged(raw: bytes, _chance: random.Random) -> bytes:
    return raw


def repeated_key(raw: bytes, chance: random.Random) -> bytes:
    """A key of an object once more, with another value."""
    ends = [at for at in range(len(raw)) if raw.startswith(b'": ', at)]
    at = chance.choice(ends)
    start = raw.rindex(b'"', 0, at)
    return raw[:start] + raw[start : at + 3] + b"1, " + raw[start:]


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw))]


def flipped(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(changed)


def spliced(raw: bytes, chance: random.Random) -> bytes:
    start, length, at = chance.randrange(len(raw)), chance.randint(1, 400), chance.randrange(len(raw))
    return raw[:at] + raw[start : start + length] + raw[at:]
