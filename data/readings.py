"""Glucose sensor readings: one row per patient, device and UTC day, packed, with a daily aggregate beside it.

A packed reading is four bytes: second of the day (17 bits), value in tenths of the unit received (13 bits), mark
(2 bits). A HI or LO reading is a mark without a number; nothing turns it into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.units import to_canonical
from data.audit import write_audit
from data.models import Patient, ReadingDay
from data.patients import find_by_mrn
from data.people import Actor
from data.records import Verdict, lock_ingest, take_ingest

Unit = Literal["mg/dL", "mmol/L"]
PLAIN, LOW, HIGH = 0, 1, 2
SECONDS_A_DAY = 86_400
LARGEST_TENTHS = 2**13 - 1

_SECOND_BITS, _VALUE_BITS = 17, 13
_PACKED = np.dtype("<u4")
# Limits of the consensus ranges (below 54 and 70, above 180 and 250 mg/dL) in tenths of each unit as displayed.
_LIMITS: dict[Unit, tuple[int, int, int, int]] = {"mg/dL": (540, 700, 1800, 2500), "mmol/L": (30, 39, 100, 139)}


class ReadingError(ValueError):
    """Readings that cannot be kept as they are; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayReadings:
    """The readings of one device on one UTC day.

    `seconds`: second of the day, strictly rising. `values`: in `unit`, whole tenths, NaN where a mark stands instead.
    `marks`: PLAIN, LOW or HIGH. All three have the same length.
    """

    device: str
    day: date
    unit: Unit
    seconds: NDArray[np.int64]
    values: NDArray[np.float64]
    marks: NDArray[np.int64]


def plain_readings(
    device: str, day: date, seconds: NDArray[np.int64], values: NDArray[Any], unit: Unit = "mg/dL"
) -> DayReadings:
    """A day of readings that are all numbers."""
    marks = np.zeros(len(seconds), dtype=np.int64)
    return DayReadings(
        device=device, day=day, unit=unit, seconds=seconds, values=np.asarray(values, dtype=np.float64), marks=marks
    )


def pack(day: DayReadings) -> bytes:
    """Four bytes a reading. Raises ReadingError for what the form cannot hold exactly."""
    tenths = _tenths(day)
    words = day.seconds.astype(np.uint32)
    words |= tenths.astype(np.uint32) << _SECOND_BITS
    words |= day.marks.astype(np.uint32) << (_SECOND_BITS + _VALUE_BITS)
    return words.astype(_PACKED).tobytes()


def unpack(device: str, day: date, unit: Unit, packed: bytes) -> DayReadings:
    """What `pack` was given, exactly."""
    words = np.frombuffer(packed, dtype=_PACKED).astype(np.int64)
    marks = words >> (_SECOND_BITS + _VALUE_BITS)
    tenths = (words >> _SECOND_BITS) & LARGEST_TENTHS
    return DayReadings(
        device=device,
        day=day,
        unit=unit,
        seconds=words & (2**_SECOND_BITS - 1),
        values=np.where(marks == PLAIN, tenths / 10, np.nan),
        marks=marks,
    )


def aggregate(day: DayReadings) -> dict[str, Any]:
    """The aggregate columns of `ReadingDay`: sums, minimum and maximum in mg/dL over the numbers, marks apart.

    Range counts are made in the unit received, at the precision shown, so that they agree with what the device said.
    """
    numbers = _tenths(day)[day.marks == PLAIN]
    below_54, below_70, above_180, above_250 = _LIMITS[day.unit]
    mg_dl = numbers / 10 * to_canonical("glucose", Decimal(1), day.unit)
    return {
        "count": int(numbers.size),
        "total": float(mg_dl.sum()),
        "total_squared": float(np.square(mg_dl).sum()),
        "below_54": int((numbers < below_54).sum()),
        "below_70": int((numbers < below_70).sum()),
        "above_180": int((numbers > above_180).sum()),
        "above_250": int((numbers > above_250).sum()),
        "low_marks": int((day.marks == LOW).sum()),
        "high_marks": int((day.marks == HIGH).sum()),
        "minimum": float(mg_dl.min()) if numbers.size else None,
        "maximum": float(mg_dl.max()) if numbers.size else None,
    }


def store_days(
    session: Session, *, batch_id: str, patient_id: int, days: Sequence[DayReadings], actor: Actor, now: datetime
) -> tuple[Verdict, ...]:
    """Store or complete days of readings in the transaction of `session`, and say what became of each.

    A day already there takes in the readings it lacks (`superseded`); another value for a second it holds refuses the
    day. One ingest number and one audit row for all. Raises ReadingError for readings that cannot be packed.
    """
    lock_ingest(session)
    wanted = ReadingDay.patient_id == patient_id, ReadingDay.day.in_(sorted({day.day for day in days}))
    stored = {(row.device, row.day): row for row in session.scalars(select(ReadingDay).where(*wanted))}
    verdicts = []
    changed: list[DayReadings] = []
    for day in days:
        before = stored.get((day.device, day.day))
        verdict, merged = _merged(before, day)
        verdicts.append(verdict)
        if merged is None:
            continue
        changed.append(merged)
        row = before or ReadingDay(patient_id=patient_id, device=day.device, day=day.day, unit=day.unit)
        stored[(day.device, day.day)] = row
        row.packed = pack(merged)
        for name, value in aggregate(merged).items():
            setattr(row, name, value)
    if changed:
        seq = take_ingest(session, batch_id=batch_id, patient_ids=[patient_id], now=now)
        for day in changed:
            row = stored[(day.device, day.day)]
            row.batch_id, row.ingest_seq = batch_id, seq
            session.add(row)
        session.flush()
        uuid = session.scalar(select(Patient.uuid).where(Patient.id == patient_id))
        write_audit(
            session,
            actor,
            "reading.store",
            now=now,
            patient_uuid=uuid,
            object=f"batch {batch_id}",
            detail={"ingest": seq, "days": len(changed), "first": str(changed[0].day), "last": str(changed[-1].day)},
        )
    return tuple(verdicts)


def load_days(session: Session, actor: Actor, mrn: str, from_day: date, to_day: date) -> list[DayReadings]:
    """The days of readings of a patient from `from_day` to `to_day`, both included, by day and device.

    Raises NotFound when the actor may not see `mrn`.
    """
    patient = find_by_mrn(session, actor, mrn)
    rows = session.execute(
        select(ReadingDay.device, ReadingDay.day, ReadingDay.unit, ReadingDay.packed)
        .where(ReadingDay.patient_id == patient.id, ReadingDay.day.between(from_day, to_day))
        .order_by(ReadingDay.day, ReadingDay.device)
    )
    return [unpack(device, day, _unit(unit), bytes(packed)) for device, day, unit, packed in rows]


def _merged(before: ReadingDay | None, day: DayReadings) -> tuple[Verdict, DayReadings | None]:
    if before is None:
        pack(day)
        return Verdict("stored"), day
    if before.unit != day.unit:
        return Verdict("refused", f"{day.device} sent {before.unit} for {day.day} before and {day.unit} now"), None
    old = np.frombuffer(before.packed, dtype=_PACKED)
    words = np.union1d(old, np.frombuffer(pack(day), dtype=_PACKED))
    seconds = words & (2**_SECOND_BITS - 1)
    unique, counts = np.unique(seconds, return_counts=True)
    if (counts > 1).any():
        second = int(unique[counts > 1][0])
        at = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d} UTC"
        return Verdict("refused", f"{day.device} sent another value for {day.day} {at} before"), None
    if words.size == old.size:
        return Verdict("unchanged"), None
    in_order = words[np.argsort(seconds)].astype(_PACKED).tobytes()
    return Verdict("superseded"), unpack(day.device, day.day, day.unit, in_order)


def _tenths(day: DayReadings) -> NDArray[np.int64]:
    seconds, values, marks = day.seconds, day.values, day.marks
    if not len(seconds) == len(values) == len(marks):
        raise ReadingError("seconds, values and marks differ in length")
    if len(seconds) and (seconds[0] < 0 or seconds[-1] >= SECONDS_A_DAY or (np.diff(seconds) <= 0).any()):
        raise ReadingError(f"the seconds of {day.day} do not rise within one day")
    if not np.isin(marks, (PLAIN, LOW, HIGH)).all():
        raise ReadingError("a mark is PLAIN, LOW or HIGH")
    plain = marks == PLAIN
    if not np.isfinite(values[plain]).all():
        raise ReadingError("a reading without a mark is a finite number")
    tenths = np.zeros(len(values), dtype=np.int64)
    tenths[plain] = np.rint(values[plain] * 10).astype(np.int64)
    if (tenths < 0).any() or (tenths > LARGEST_TENTHS).any():
        raise ReadingError(f"a reading lies between 0 and {LARGEST_TENTHS / 10} {day.unit}")
    if (np.abs(values[plain] * 10 - tenths[plain]) > 1e-6).any():
        raise ReadingError("a reading has one decimal at most")
    return tenths


def _unit(text: str) -> Unit:
    return "mmol/L" if text == "mmol/L" else "mg/dL"
