"""Rows of `record` and `reading_day` as entries of a chart: which columns are read, and what an entry is made of them.

A sweep makes some fifty entries for each of thousands of patients, so times are read as the integers they are stored as
and details as their text, and no row passes through a mapped object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final, NotRequired, Required, TypedDict, get_type_hints

import msgspec
from sqlalchemy import BigInteger, Text, cast, type_coerce

from clinical.chart import (
    BiliaryUltrasound,
    CodedFinding,
    DiseaseState,
    Entry,
    Lesion,
    Response,
    Result,
    SensorDay,
    SkinAssessment,
    Symptom,
    Therapy,
)
from data.models import ReadingDay, Record
from data.models.base import from_ms

TYPED_DICT: Any = TypedDict
"""For type checkers a TypedDict has its fields written out; here they are those of a class."""


class _Kind:
    """What a record of a kind becomes: a class of entry, in which field of the chart, and how its `detail` is read.

    The fields of the class beside those of every entry are what a detail may say; anything else in it is passed over.
    """

    def __init__(self, entry: type[Entry], field: str) -> None:
        self.entry, self.field = entry, field
        shared, types = {each.name for each in fields(Entry)}, get_type_hints(entry)
        self._told = TYPED_DICT(
            entry.__name__,
            {
                own.name: Required[types[own.name]] if own.default is MISSING else NotRequired[types[own.name]]
                for own in fields(entry)
                if own.name not in shared
            },
        )
        self._decoder = msgspec.json.Decoder(self._told | None)
        self._texted = "text" in types

    def read(self, detail: str | None, text: str | None) -> dict[str, Any]:
        """The fields that a stored detail says, and the text of the record. Raises ValidationError of msgspec."""
        return self._with_text((detail and self._decoder.decode(detail)) or self._decoder.decode("{}"), text)

    def checked(self, detail: Mapping[str, Any] | None, text: str | None) -> dict[str, Any]:
        """The same of a detail that is no text any more."""
        return self._with_text(msgspec.convert(detail or {}, self._told), text)

    def _with_text(self, told: dict[str, Any], text: str | None) -> dict[str, Any]:
        if self._texted:
            told.setdefault("text", text)
        return told


KINDS: Final[dict[str, _Kind]] = {
    "skin": _Kind(SkinAssessment, "skin"),
    "lesion": _Kind(Lesion, "lesions"),
    "response": _Kind(Response, "responses"),
    "biliary": _Kind(BiliaryUltrasound, "biliary"),
    "therapy": _Kind(Therapy, "therapy"),
    "symptom": _Kind(Symptom, "symptoms"),
    "state": _Kind(DiseaseState, "states"),
    "finding": _Kind(CodedFinding, "findings"),
}
AGGREGATE: Final = (
    *("device", "count", "total", "total_squared", "below_54", "below_70", "above_180", "above_250"),
    *("low_marks", "high_marks", "minimum", "maximum"),
)

_RECORD = Record.__table__.c
_DAY = ReadingDay.__table__.c
RECORD_COLUMNS: Final = (
    _RECORD.patient_id,
    _RECORD.id,
    _RECORD.kind,
    type_coerce(_RECORD.effective_at, BigInteger),
    type_coerce(_RECORD.issued_at, BigInteger),
    _RECORD.precision,
    cast(_RECORD.detail, Text),
    _RECORD.text,
    _RECORD.analyte,
    _RECORD.canonical_value,
    _RECORD.comparator,
    _RECORD.canonical_unit,
    _RECORD.interpretation,
    _RECORD.canonical_ref_low,
    _RECORD.canonical_ref_high,
    _RECORD.lab,
    _RECORD.method,
    _RECORD.fasting,
    _RECORD.status,
)
DAY_COLUMNS: Final = (_DAY.patient_id, _DAY.day, *(_DAY[name] for name in AGGREGATE))


class UnreadableRecord(ValueError):
    """A stored record that is not what its kind must be; the message names the record and the cause."""


def result(row: Any) -> Result:
    """A row of RECORD_COLUMNS of the kind `lab`."""
    # At one go: with a rest that is taken apart afterwards it would take half as long again to make a result.
    (
        _,
        id,
        _,
        effective_at,
        issued_at,
        precision,
        detail,
        text,
        analyte,
        value,
        comparator,
        unit,
        interpretation,
        ref_low,
        ref_high,
        lab,
        method,
        fasting,
        status,
    ) = row
    effective = _moment(effective_at)
    told = None if detail is None else msgspec.json.decode(detail)
    return Result(
        record=str(id),
        effective=effective,
        known_at=effective if issued_at is None or issued_at < effective_at else _moment(issued_at),
        precision=precision,
        analyte=analyte,
        value=value,
        comparator=comparator,
        unit=unit,
        text=text,
        interpretation=interpretation,
        ref_low=ref_low,
        ref_high=ref_high,
        lab=lab,
        method=method,
        fasting=fasting,
        status=status,
        disqualifiers=tuple(told.get("disqualifiers", ())) if told else (),
    )


def coded(row: Any) -> tuple[str, Entry]:
    """A row of RECORD_COLUMNS of any other kind, with the field of the chart it belongs to. Its detail is held against
    the dataclass of its kind, so that a rule never meets a word it does not know. Raises UnreadableRecord."""
    patient_id, id, named, effective_at, issued_at, precision, detail, text, *_ = row
    kind = KINDS.get(named)
    if kind is None:
        raise UnreadableRecord(f"record {id} of patient {patient_id}: no such kind {named!r}")
    effective = _moment(effective_at)
    try:
        told = kind.read(detail, text)
    except msgspec.ValidationError as error:
        raise UnreadableRecord(f"record {id} of patient {patient_id} is no {named}: {error}") from error
    return kind.field, kind.entry(
        record=str(id),
        effective=effective,
        known_at=effective if issued_at is None or issued_at < effective_at else _moment(issued_at),
        precision=precision,
        **told,
    )


def entry_of(
    named: str,
    record: str,
    effective: datetime,
    known_at: datetime,
    precision: Any,
    detail: Mapping[str, Any] | None,
    text: str | None,
) -> tuple[str, Entry]:
    """The same of what is not stored: an entry of the kind `named`, which KINDS must hold. Raises UnreadableRecord."""
    kind = KINDS[named]
    try:
        told = kind.checked(detail, text)
    except msgspec.ValidationError as error:
        raise UnreadableRecord(f"record {record} is no {named}: {error}") from error
    return kind.field, kind.entry(record=record, effective=effective, known_at=known_at, precision=precision, **told)


def sensor_day(row: Any) -> SensorDay:
    """A row of DAY_COLUMNS."""
    _, on, device, count, total, total_squared, below_54, below_70, above_180, above_250, *rest = row
    low_marks, high_marks, minimum, maximum = rest
    named, midnight, end = _day(on)
    return SensorDay(
        record=f"sensor:{device}:{named}",
        effective=midnight,
        # A day's aggregate speaks of readings up to its end, so nothing may use it before.
        known_at=end,
        precision="day",
        device=device,
        count=count,
        total=total,
        total_squared=total_squared,
        below_54=below_54,
        below_70=below_70,
        above_180=above_180,
        above_250=above_250,
        low_marks=low_marks,
        high_marks=high_marks,
        minimum=minimum,
        maximum=maximum,
    )


_moment = lru_cache(4096)(from_ms)


@lru_cache(4096)
def _day(on: date) -> tuple[str, datetime, datetime]:
    midnight = datetime.combine(on, time(), UTC)
    return on.isoformat(), midnight, midnight + timedelta(days=1)
