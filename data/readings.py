"""Glucose sensor readings: one row per patient, device and UTC day, packed, with a daily aggregate beside it.

How a day is packed stands in `data.reading_form`. A HI or LO reading is a mark without a number; nothing turns it into
one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from clinical.units import to_canonical
from data.audit import write_audit
from data.journeys import Row, ask, tell
from data.models import ReadingDay
from data.patients import find_by_mrn
from data.people import Actor
from data.reading_form import LARGEST_TENTHS, pack_words, parts, unpack_words, words
from data.records import Verdict, lock_ingest, take_ingest
from data.rehearsal import lend_days, rehearsing
from data.survivors import members

Unit = Literal["mg/dL", "mmol/L"]
PLAIN, LOW, HIGH = 0, 1, 2
SECONDS_A_DAY = 86_400

_TABLE = cast(Table, ReadingDay.__table__)
_DAY = _TABLE.c
_NAMES = tuple(column.name for column in _TABLE.columns)
_of_row = itemgetter(*_NAMES)
_INSERT = f"INSERT INTO reading_day ({', '.join(_NAMES)}) VALUES ({', '.join(['%s'] * len(_NAMES))})"  # noqa: S608  # nosec B608
_STORED = "SELECT device, day, unit, packed FROM reading_day WHERE patient_id = %s AND day BETWEEN %s AND %s"
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


class DayVerdict(Verdict, frozen=True):
    """What became of one day: how many of its readings are `added`, how many were `known`, and the seconds of those
    that contradict what is stored; `why` says how."""

    added: int = 0
    known: int = 0
    clashing: tuple[int, ...] = ()


def plain_readings(
    device: str, day: date, seconds: NDArray[np.int64], values: NDArray[Any], unit: Unit = "mg/dL"
) -> DayReadings:
    """A day of readings that are all numbers."""
    marks = np.zeros(len(seconds), dtype=np.int64)
    return DayReadings(
        device=device, day=day, unit=unit, seconds=seconds, values=np.asarray(values, dtype=np.float64), marks=marks
    )


def pack(day: DayReadings) -> bytes:
    """The stored form of a day. Raises ReadingError for what it cannot hold exactly."""
    return _Measured.of([day]).packed()[0]


def unpack(device: str, day: date, unit: Unit, packed: bytes) -> DayReadings:
    """What `pack` was given, exactly."""
    seconds, word = unpack_words(packed)
    tenths, marks = parts(word)
    values = np.where(marks == PLAIN, tenths / 10, np.nan)
    return DayReadings(device=device, day=day, unit=unit, seconds=seconds, values=values, marks=marks)


def aggregate(day: DayReadings) -> dict[str, Any]:
    """The aggregate columns of `ReadingDay`: sums, minimum and maximum in mg/dL over the numbers, marks apart.

    Range counts are made in the unit received, at the precision shown, so that they agree with what the device said.
    """
    return _Measured.of([day]).aggregates()[0]


def store_days(
    session: Session, *, batch_id: str, patient_id: int, days: Sequence[DayReadings], actor: Actor, now: datetime
) -> tuple[DayVerdict, ...]:
    """Store or complete days of readings in the transaction of `session`, and say what became of each.

    A day already there takes in the readings it lacks (`superseded`). A second for which it holds another value keeps
    that value; a day in another unit than the stored one is refused whole. One ingest number and one audit row for all.
    Raises ReadingError for readings that cannot be packed.
    """
    lock_ingest(session)
    if days and rehearsing(session):
        lend_days(session, patient_id, min(day.day for day in days), max(day.day for day in days))
    stored = _stored(session, patient_id, days)
    there = set(stored)
    changed: dict[tuple[str, date], DayReadings] = {}
    verdicts = []
    for day in days:
        key = day.device, day.day
        verdict, merged = _merged(stored.get(key), day)
        verdicts.append(verdict)
        if merged is not None:
            stored[key] = changed[key] = merged
    if changed:
        rows = _rows(list(changed.values()))
        seq = take_ingest(session, batch_id=batch_id, patient_ids=[patient_id], now=now)
        for row in rows:
            row |= {"patient_id": patient_id, "batch_id": batch_id, "ingest_seq": seq}
        tell(session, [(_INSERT, [_inserted(row) for key, row in zip(changed, rows, strict=True) if key not in there])])
        _complete(session, [row for key, row in zip(changed, rows, strict=True) if key in there])
        (((uuid,),),) = ask(session, ("SELECT uuid FROM patient WHERE id = %s", (patient_id,)))
        first, last = min(day for _, day in changed), max(day for _, day in changed)
        write_audit(
            session,
            actor,
            "reading.store",
            now=now,
            patient_uuid=uuid,
            object=f"batch {batch_id}",
            detail={"ingest": seq, "days": len(changed), "first": str(first), "last": str(last)},
        )
    return tuple(verdicts)


def load_days(session: Session, actor: Actor, mrn: str, from_day: date, to_day: date) -> list[DayReadings]:
    """The days of readings of a patient from `from_day` to `to_day`, both included, by day and device.

    Raises NotFound when the actor may not see `mrn`.
    """
    patient = find_by_mrn(session, actor, mrn)
    others = [id for id in members(session, patient.id) if id != patient.id]
    return days_of(session, [patient.id, *others], from_day, to_day)


def days_of(session: Session, patient_ids: Sequence[int], from_day: date, to_day: date) -> list[DayReadings]:
    """As `load_days`, of a person by all their patient ids, the one that stands for them first."""
    rows = session.execute(
        select(_DAY.device, _DAY.day, _DAY.unit, _DAY.packed)
        .where(_DAY.patient_id.in_(patient_ids), _DAY.day.between(from_day, to_day))
        .order_by(_DAY.day, _DAY.device)
    ).all()
    return [
        unpack(device, day, _unit(alike[0].unit), bytes(alike[0].packed))
        if len(alike) == 1
        else pool(session, patient_ids, device, day, first=patient_ids[0])
        for (day, device), alike in (
            (key, list(rows)) for key, rows in groupby(rows, lambda row: (row.day, row.device))
        )
    ]


def pool(session: Session, patient_ids: Sequence[int], device: str, day: date, *, first: int) -> DayReadings:
    """The readings of one day that one device sent under several numbers of one person.

    Where two say something else of the same second, or in another unit, those of `first` stand, else of the lowest id.
    """
    rows = session.scalars(
        select(ReadingDay).where(
            ReadingDay.patient_id.in_(patient_ids), ReadingDay.device == device, ReadingDay.day == day
        )
    )
    best, *others = (
        unpack(row.device, row.day, _unit(row.unit), bytes(row.packed))
        for row in sorted(rows, key=lambda row: (row.patient_id != first, row.patient_id))
    )
    for other in others:
        if other.unit == best.unit:
            best = _joined(best, other, ~np.isin(other.seconds, best.seconds, assume_unique=True))
    return best


def _joined(day: DayReadings, other: DayReadings, fresh: NDArray[np.bool_]) -> DayReadings:
    """`day` with the readings of `other` that are `fresh`, in order of time."""
    order = np.argsort(np.concatenate([day.seconds, other.seconds[fresh]]))
    seconds, values, marks = (
        np.concatenate([getattr(day, name), getattr(other, name)[fresh]])[order]
        for name in ("seconds", "values", "marks")
    )
    return DayReadings(device=day.device, day=day.day, unit=day.unit, seconds=seconds, values=values, marks=marks)


def _stored(session: Session, patient_id: int, days: Sequence[DayReadings]) -> dict[tuple[str, date], DayReadings]:
    if not days:
        return {}
    on = [day.day for day in days]
    wanted = {(day.device, day.day) for day in days}
    (rows,) = ask(session, (_STORED, (patient_id, min(on).isoformat(), max(on).isoformat())))
    found = ((device, date.fromisoformat(str(day)), unit, packed) for device, day, unit, packed in rows)
    return {
        (device, day): unpack(device, day, _unit(unit), bytes(packed))
        for device, day, unit, packed in found
        if (device, day) in wanted
    }


def _merged(before: DayReadings | None, day: DayReadings) -> tuple[DayVerdict, DayReadings | None]:
    if before is None:
        return DayVerdict("stored", added=len(day.seconds)), day
    if before.unit != day.unit:
        why = f"{day.device} sent {before.unit} for {day.day} before and {day.unit} now"
        return DayVerdict("refused", why, clashing=tuple(day.seconds.tolist())), None
    held, sent = _Measured.of([before]).words, _Measured.of([day]).words
    at = np.searchsorted(before.seconds, day.seconds)
    at[at == len(held)] = 0
    there = np.isin(day.seconds, before.seconds, assume_unique=True)
    clash, fresh = there & (held[at] != sent) if len(held) else there, ~there
    added, known = int(fresh.sum()), int((there & ~clash).sum())
    clashes = f"{day.device} sent another value for this time before" if clash.any() else None
    outcome: Literal["superseded", "unchanged", "refused"] = (
        "superseded" if added else "unchanged" if known or clashes is None else "refused"
    )
    verdict = DayVerdict(outcome, clashes, added=added, known=known, clashing=tuple(day.seconds[clash].tolist()))
    if not added:
        return verdict, None
    return verdict, _joined(before, day, fresh)


def _rows(days: Sequence[DayReadings]) -> list[dict[str, Any]]:
    """Every column of the days but patient, batch and ingest number."""
    measured = _Measured.of(days)
    return [
        {"device": day.device, "day": day.day, "unit": day.unit, "packed": packed, **aggregate}
        for day, packed, aggregate in zip(days, measured.packed(), measured.aggregates(), strict=True)
    ]


def _inserted(row: Mapping[str, Any]) -> Row:
    """The values of `_INSERT`; a day goes in as its ISO text."""
    found: Row = _of_row({**row, "day": row["day"].isoformat()})
    return found


def _complete(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    key = ("patient_id", "device", "day")
    statement = (
        update(_TABLE)
        .where(*(_DAY[name] == bindparam(f"of_{name}") for name in key))
        .values({column.name: bindparam(column.name) for column in _TABLE.columns if column.name not in key})
    )
    named = [{(f"of_{name}" if name in key else name): value for name, value in row.items()} for row in rows]
    session.connection().execute(statement, named)


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """The readings of several days end to end, checked: second of the day, tenths of the unit (0 under a mark), mark,
    and which of the days it is of."""

    days: Sequence[DayReadings]
    seconds: NDArray[np.int64]
    tenths: NDArray[np.int64]
    marks: NDArray[np.int64]
    owner: NDArray[np.int64]

    @classmethod
    def of(cls, days: Sequence[DayReadings]) -> _Measured:
        """Raises ReadingError for the first day that cannot be kept exactly."""
        for day in days:
            if not len(day.seconds) == len(day.values) == len(day.marks):
                raise ReadingError("seconds, values and marks differ in length")
        owner = np.repeat(np.arange(len(days)), [len(day.seconds) for day in days])
        seconds, values, marks = (
            np.concatenate([getattr(day, name) for day in days]) for name in ("seconds", "values", "marks")
        )
        within = np.diff(owner) == 0
        bad = (seconds < 0) | (seconds >= SECONDS_A_DAY)
        bad[1:] |= within & (np.diff(seconds) <= 0)
        if bad.any():
            raise ReadingError(f"the seconds of {days[owner[bad][0]].day} do not rise within one day")
        if ((marks < PLAIN) | (marks > HIGH)).any():
            raise ReadingError("a mark is PLAIN, LOW or HIGH")
        plain = marks == PLAIN
        if not np.isfinite(values[plain]).all():
            raise ReadingError("a reading without a mark is a finite number")
        shown = np.where(plain, values, 0.0) * 10
        nearest = np.rint(shown)
        if (nearest < 0).any() or (nearest > LARGEST_TENTHS).any():
            unit = days[owner[(nearest < 0) | (nearest > LARGEST_TENTHS)][0]].unit
            raise ReadingError(f"a reading lies between 0 and {LARGEST_TENTHS / 10} {unit}")
        if (np.abs(shown - nearest) > 1e-6).any():
            raise ReadingError("a reading has one decimal at most")
        return cls(days, seconds, nearest.astype(np.int64), marks, owner)

    @property
    def words(self) -> NDArray[np.int64]:
        """Value and mark as they are packed."""
        return words(self.tenths, self.marks)

    def packed(self) -> list[bytes]:
        """The stored form of each day."""
        return pack_words(self.seconds, self.words, np.bincount(self.owner, minlength=len(self.days)))

    def aggregates(self) -> list[dict[str, Any]]:
        """The aggregate columns of each day."""
        many = len(self.days)
        plain = self.marks == PLAIN
        of, tenths = self.owner[plain], self.tenths[plain]
        limits = np.array([_LIMITS[day.unit] for day in self.days], dtype=np.int64)
        factors = {unit: to_canonical("glucose", Decimal(1), unit) for unit in _LIMITS}
        mg_dl = tenths / 10 * np.array([factors[day.unit] for day in self.days])[of]
        least, most = np.full(many, np.inf), np.full(many, -np.inf)
        np.minimum.at(least, of, mg_dl)
        np.maximum.at(most, of, mg_dl)
        columns: dict[str, list[Any]] = {
            "count": np.bincount(of, minlength=many).tolist(),
            "total": np.bincount(of, mg_dl, many).tolist(),
            "total_squared": np.bincount(of, np.square(mg_dl), many).tolist(),
        }
        for at, name in enumerate(("below_54", "below_70")):
            columns[name] = np.bincount(of[tenths < limits[of, at]], minlength=many).tolist()
        for at, name in enumerate(("above_180", "above_250"), 2):
            columns[name] = np.bincount(of[tenths > limits[of, at]], minlength=many).tolist()
        for mark, name in ((LOW, "low_marks"), (HIGH, "high_marks")):
            columns[name] = np.bincount(self.owner[self.marks == mark], minlength=many).tolist()
        for name, found in (("minimum", least), ("maximum", most)):
            columns[name] = [value if np.isfinite(value) else None for value in found.tolist()]
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _unit(text: str) -> Unit:
    return "mmol/L" if text == "mmol/L" else "mg/dL"
