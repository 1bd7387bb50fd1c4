"""Sensor exports of the makers, imported and compared with what third parties counted in them (docs/oracles.md)."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from clinical.glycaemia import glycaemia
from data.db import Database
from data.errors import BadInput
from data.glucose_files import glucose_readings
from data.intake.batch import import_paths
from data.intake.cgm_formats import sensor_format
from data.intake.cgm_text import content, decoded
from data.intake.moments import DateOrder
from data.patients import add_patient
from data.people import Actor
from data.readings import PLAIN, load_days
from tests.data.exports_twice import IS_HEADER, alike

pytestmark = pytest.mark.oracles

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ACTOR = Actor.system("test")
# Its only date is in the first twelve days of a month: nothing in the file settles the order.
ORDER: dict[str, DateOrder] = {"LibreView_mmol_tiny.csv": "dmy"}
# file -> field -> (what the file of expectations says, what Nadir says); the reasons stand in docs/oracles.md.
DIFFERENT: dict[str, dict[str, tuple[object, object]]] = {
    "FreeStyle_Libre_3_mgdl.csv": {
        "n_glucose_numeric": (4621, 4619),
        "n_duplicate_times": (73, 72),
        "mean": (86.9864, 86.9628),
    },
    "nightscout_entries.json": {"n_glucose_numeric": (500, 496), "min": (32.0, 39.0), "mean": (151.386, 152.3286)},
    "tidepool_jellyfish.json": {
        "unit": ("mmol/L", "mg/dL"),
        "last_time": ("2018-01-31T16:34:03", "2018-01-28T11:17:57"),
        "min": (2.2203, 40.0),
        "max": (21.20386, 382.0),
        "mean": (7.8451, 141.334),
    },
}
HELD = {"FreeStyle_Libre_3_mgdl.csv": 2, "nightscout_entries.json": 4}
NUMBERS = ("n_glucose_numeric", "n_text_readings", "n_duplicate_times", "min", "max", "mean")


def expectations(folder: Path) -> list[dict[str, str]]:
    with (folder / "exports_expected.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def answers(database: Database, mrn: str) -> dict[str, object]:
    """What is stored of a patient, under the names of the oracle; times in UTC."""
    with database.read() as session:
        days = load_days(session, ACTOR, mrn, date(1900, 1, 1), date(2200, 1, 1))
    at = np.concatenate([np.datetime64(day.day, "s") + day.seconds.astype("timedelta64[s]") for day in days])
    values, marks = (np.concatenate([getattr(day, name) for day in days]) for name in ("values", "marks"))
    numbers = values[marks == PLAIN]
    (unit,) = {day.unit for day in days}
    return {
        "unit": unit,
        "n_glucose_numeric": len(numbers),
        "n_text_readings": int((marks != PLAIN).sum()),
        "first_time": str(at.min()),
        "last_time": str(at.max()),
        "n_duplicate_times": len(at) - len(np.unique(at)),
        "min": float(numbers.min()),
        "max": float(numbers.max()),
        "mean": round(float(numbers.mean()), 4),
    }


def test_every_export_holds_what_was_counted_in_it(
    shared_data: Path, sqlite_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data / "cgm/exports"
    agreed, wrong, shown = 0, [], []
    read = expectations(folder)
    for row in read:
        name = row["file"]
        with sqlite_database.write() as session:
            add_patient(session, ACTOR, mrn=name, name=None, birth_date=None, sex=None, teams=(), now=NOW)
        summary = import_paths(
            sqlite_database, ACTOR, [folder / name], now=NOW, mrn=name, zone="UTC", date_order=ORDER.get(name)
        )
        got = answers(sqlite_database, name)
        shown.append(f"{name}: {summary.stored} stored, {summary.ignored.total()} ignored, {HELD.get(name, 0)} held")
        assert len(summary.quarantined) == HELD.get(name, 0), name
        for field, value in got.items():
            said: object = float(row[field]) if field in NUMBERS else row[field].removesuffix(".000Z")
            ours = DIFFERENT.get(name, {}).get(field)
            if ours is not None and (said, value) == (
                ours[0],
                pytest.approx(ours[1], abs=6e-5) if field in NUMBERS else ours[1],
            ):
                continue
            if value == (pytest.approx(said, abs=6e-5) if field in NUMBERS else said):
                agreed += 1
            else:
                wrong.append(f"{name} {field}: expected {said}, got {value}")
    with capsys.disabled():
        print(
            f"\n  cgm/exports: {agreed} fields of {len(read)} files agree, "
            f"{sum(len(fields) for fields in DIFFERENT.values())} differ for a reason written down"
        )
        print("\n".join(f"    {line}" for line in shown))
    assert not wrong, wrong
    assert len(read) == 11


def test_the_score_of_an_export_has_the_mean_that_was_counted(
    shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data / "cgm/exports"
    scored = []
    for row in expectations(folder):
        path = folder / row["file"]
        if path.name in ORDER:
            with pytest.raises(BadInput, match="date-order"):
                glucose_readings([path], "mg/dL")
        glucose = glucose_readings([path], "mg/dL", ORDER.get(path.name))
        found = glycaemia(glucose.readings[path.stem])
        if path.name == "nightscout_entries.json":
            assert len(glucose.left_out) == 4 and "below 39" in glucose.left_out[0]
            assert found.mean == pytest.approx(152.3286, abs=0.02)
            continue
        assert glucose.left_out == []
        # The file turns mmol/L into mg/dL with 18.018, Nadir with 18.0156.
        assert found.mean == pytest.approx(float(row["mean_mgdl"]), rel=2e-4), path.name
        scored.append(path.name)
    with capsys.disabled():
        print(f"\n  cgm/exports scored: mean of {len(scored)} files agrees")
    assert len(scored) == 10


def test_every_export_says_the_same_by_column_and_by_row(shared_data: Path) -> None:
    orders: tuple[DateOrder | None, ...] = (None, "dmy", "mdy")
    compared = []
    for path in sorted((shared_data / "cgm/exports").rglob("*.csv")):
        raw = content(path)
        format = sensor_format(raw[:65_536])
        if format not in IS_HEADER or b'"' in raw:
            continue
        for order in orders:
            alike(format, decoded(raw), order)
        compared.append(path.name)
    assert len(compared) >= 6, compared
