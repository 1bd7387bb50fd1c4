"""Charts of many patients from few queries: one over the records, one over the sensor days, one over the patients.

Rows are read as plain tuples; no mapped object is made for a value. What stands in `record.detail` is held against the
dataclass of its kind on the way in, so that a rule never meets a word it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, and_, or_, select, type_coerce
from sqlalchemy.orm import Session

from clinical.chart import ENTRY_FIELDS, Chart, Entry, SensorDay
from clinical.protocol import Protocol
from clinical.replay import replay
from data.chart_rows import (
    AGGREGATE,
    DAY_COLUMNS,
    KINDS,
    RECORD_COLUMNS,
    UnreadableRecord,
    coded,
    entry_of,
    result,
    sensor_day,
)
from data.intake.item import RETRACTIONS, Item
from data.models import Patient, ReadingDay, Record
from data.models.base import from_ms
from data.people import Actor, NotFound, visible
from data.readings import aggregate, pool
from data.survivors import numbered, survivors

Patients = Sequence[int] | Select[int]

AT_ONCE: Final = 5000
SEXES: Final = frozenset({"female", "male", "other"})

_RECORD = Record.__table__.c


def load_charts(session: Session, patient_ids: Patients) -> dict[int, Chart]:
    """The chart of each patient by patient id: current records only, nothing superseded or retracted.

    `patient_ids` are ids or a select of ids; an id that does not exist is left out. What came under the number of a
    patient merged into one of these is among it, each result once. Raises UnreadableRecord.
    """
    return _charts(session, patient_ids, _entries(session, patient_ids, _merged_into(session, patient_ids)))


def load_chart(session: Session, patient: Patient, others: Sequence[int]) -> Chart:
    """As `load_charts`, of one patient whose row is read already; `others` are the ids merged into them."""
    merged = dict.fromkeys(others, patient.id)
    entries = _entries(session, [patient.id], merged)
    return _chart(
        patient.uuid,
        patient.birth_date,
        patient.sex,
        patient.deceased_at,
        patient.withdrawn_at,
        patient.transferred_at,
        entries.get(patient.id, {}),
    )


def charts_or_why(session: Session, patient_ids: Sequence[int]) -> dict[int, Chart | UnreadableRecord]:
    """The chart of each patient, or why it cannot be read: one bad record hides no other patient."""
    try:
        return dict(load_charts(session, patient_ids))
    except UnreadableRecord:
        return {id: _chart_or_why(session, id) for id in patient_ids}


def _chart_or_why(session: Session, patient_id: int) -> Chart | UnreadableRecord:
    try:
        return load_charts(session, [patient_id])[patient_id]
    except UnreadableRecord as error:
        return error


def load_part(
    session: Session, patient_ids: Patients, *, kinds: Iterable[str], analytes: Iterable[str]
) -> dict[int, Chart]:
    """Charts that hold only records of `kinds` (other than lab) and laboratory results of `analytes`; no sensor days.

    For lists that show a few things of everybody. Raises UnreadableRecord.
    """
    measured, of_kinds = and_(_RECORD.kind == "lab", _RECORD.analyte.in_(sorted(analytes))), sorted(kinds)
    # Only without an OR does SQLite take the index that begins with the analyte.
    wanted = or_(_RECORD.kind.in_(of_kinds), measured) if of_kinds else measured
    return _charts(session, patient_ids, _records(session, patient_ids, _merged_into(session, patient_ids), [wanted]))


def replay_patient(
    session: Session, actor: Actor, mrn: str, *, protocol: Protocol, first: date | None, last: date
) -> dict[str, Any]:
    """What the rules would have said of a patient day by day from `first` (None: the first record) to `last`.

    The document of the contract: `patient` and `flags` in day order. Raises NotFound when the actor may not see `mrn`.
    """
    patient_id = session.scalar(select(Patient.id).where(numbered(mrn), visible(actor)))
    if patient_id is None:
        raise NotFound(f"no patient {mrn!r}")
    chart = load_charts(session, [patient_id])[patient_id]
    start = first or _first_day(chart) or last
    flags = replay(chart, protocol, start, last)
    return {
        "patient": mrn,
        "flags": [
            {
                "rule": flag.rule,
                "opens": flag.opens.isoformat(),
                "clears": None if flag.clears is None else flag.clears.isoformat(),
                "severity": flag.severity,
                "why": flag.why,
            }
            for flag in flags
        ],
    }


def _entries(session: Session, patient_ids: Patients, merged: dict[int, int]) -> dict[int, dict[str, list[Any]]]:
    entries = _records(session, patient_ids, merged, [])
    for patient_id, day in _sensor_days(session, patient_ids, merged):
        entries.setdefault(patient_id, {}).setdefault("sensor_days", []).append(day)
    return entries


def _merged_into(session: Session, patient_ids: Patients) -> dict[int, int]:
    """By merged patient the survivor, of those that are asked for."""
    merged = survivors(session)
    if isinstance(patient_ids, Select) or not merged:
        return merged
    asked = set(patient_ids)
    return {id: survivor for id, survivor in merged.items() if survivor in asked}


def _of(patient_id: ColumnElement[int], patient_ids: Patients, merged: dict[int, int]) -> ColumnElement[bool]:
    asked = patient_id.in_(patient_ids)
    return or_(asked, patient_id.in_(sorted(merged))) if merged else asked


def _current(patient_ids: Patients, merged: dict[int, int]) -> list[ColumnElement[bool]]:
    return [
        _of(_RECORD.patient_id, patient_ids, merged),
        _RECORD.superseded_by.is_(None),
        _RECORD.status.not_in(sorted(RETRACTIONS)),
    ]


def _records(
    session: Session, patient_ids: Patients, merged: dict[int, int], where: list[ColumnElement[bool]]
) -> dict[int, dict[str, list[Any]]]:
    repeated = _repeated(session, merged)
    columns: Select[Any] = select(*RECORD_COLUMNS)
    rows = session.connection().execute(
        columns.where(*_current(patient_ids, merged), *where).order_by(
            _RECORD.patient_id, _RECORD.effective_at, _RECORD.id
        )
    )
    found: dict[int, dict[str, list[Any]]] = {}
    for patient_id, own in groupby(chain.from_iterable(rows.partitions(AT_ONCE)), key=itemgetter(0)):
        patient = found.setdefault(merged.get(patient_id, patient_id), {})
        for row in own:
            if row[1] in repeated:
                continue
            field, entry = ("results", result(row)) if row[2] == "lab" else coded(row)
            patient.setdefault(field, []).append(entry)
    for survivor in set(merged.values()) & set(found):
        for entries in found[survivor].values():
            entries.sort(key=lambda entry: (entry.effective, int(entry.record)))
    return found


def _repeated(session: Session, merged: dict[int, int]) -> frozenset[int]:
    """Records of merged patients that say again what another of the same person says: same natural key."""
    if not merged:
        return frozenset()
    together = {**merged, **{survivor: survivor for survivor in merged.values()}}
    rows = session.execute(
        select(_RECORD.id, _RECORD.patient_id, _RECORD.natural_key).where(*_current(sorted(together), {}))
    ).all()
    seen: set[tuple[int, bytes]] = set()
    again: set[int] = set()
    for id, patient_id, key in sorted(rows, key=lambda row: (row[1] in merged, row[0])):
        own = (together[patient_id], bytes(key))
        if own in seen:
            again.add(id)
        seen.add(own)
    return frozenset(again)


def with_items(chart: Chart, items: Iterable[Item]) -> Chart:
    """The chart as it would be with coded facts that are not stored; their records are named after their places."""
    added: dict[str, list[Entry]] = {}
    for item in items:
        if item.kind in KINDS and item.effective_at is not None:
            record, effective = f"new:{item.place}", item.effective_at
            known_at = effective if item.issued_at is None else max(effective, item.issued_at)
            field, entry = entry_of(item.kind, record, effective, known_at, item.precision, item.detail, item.text)
            added.setdefault(field, []).append(entry)
    merged: dict[str, Any] = {
        field: tuple(sorted((*getattr(chart, field), *entries), key=lambda entry: (entry.effective, entry.record)))
        for field, entries in added.items()
    }
    return replace(chart, **merged)


def _sensor_days(session: Session, patient_ids: Patients, merged: dict[int, int]) -> Iterable[tuple[int, SensorDay]]:
    day = ReadingDay.__table__.c
    rows = session.connection().execute(
        select(*DAY_COLUMNS)
        .where(_of(day.patient_id, patient_ids, merged))
        .order_by(day.patient_id, day.day, day.device)
    )
    for row in _pooled(session, rows, merged) if merged else rows.all():
        yield row[0], sensor_day(row)


def _pooled(session: Session, rows: Iterable[Any], merged: dict[int, int]) -> Iterable[Sequence[Any]]:
    """The rows under survivors, in order of day; a day that one device sent under two numbers is one day."""
    days: dict[tuple[int, date, str], list[Sequence[Any]]] = {}
    for row in rows:
        days.setdefault((merged.get(row[0], row[0]), row[1], row[2]), []).append(row)
    for (patient_id, on, device), alike in sorted(days.items()):
        aggregates: Sequence[Any] = alike[0][3:]
        if len(alike) > 1:
            numbers = aggregate(pool(session, [row[0] for row in alike], device, on, first=patient_id))
            aggregates = [numbers[name] for name in AGGREGATE[1:]]
        yield [patient_id, on, device, *aggregates]


def _charts(session: Session, patient_ids: Patients, entries: dict[int, dict[str, list[Any]]]) -> dict[int, Chart]:
    patient = Patient.__table__.c
    rows = session.execute(
        select(
            *(patient.id, patient.uuid, patient.birth_date, patient.sex),
            *(
                type_coerce(at, BigInteger)
                for at in (patient.deceased_at, patient.withdrawn_at, patient.transferred_at)
            ),
        ).where(patient.id.in_(patient_ids))
    )
    return {
        id: _chart(
            uuid,
            birth_date,
            sex,
            _moment(deceased),
            _moment(withdrawn),
            _moment(transferred),
            entries.get(id, {}),
        )
        for id, uuid, birth_date, sex, deceased, withdrawn, transferred in rows
    }


def _moment(ms: Any) -> datetime | None:
    return None if ms is None else from_ms(ms)


def _chart(
    uuid: str,
    birth_date: date | None,
    sex: Any,
    deceased: datetime | None,
    withdrawn: datetime | None,
    transferred: datetime | None,
    entries: dict[str, list[Any]],
) -> Chart:
    return Chart(
        patient=uuid,
        birth_date=birth_date,
        sex=sex if sex in SEXES else None,
        deceased=deceased,
        withdrawn=withdrawn,
        transferred=transferred,
        **{field: tuple(values) for field, values in _with_stated_cures(entries).items()},
    )


def _with_stated_cures(entries: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The entries with the states that operations state by themselves; what a person stated on that day comes after."""
    cures = [cure for therapy in entries.get("therapy", ()) if (cure := therapy.stated_cure()) is not None]
    if not cures:
        return entries
    states = sorted([*cures, *entries.get("states", ())], key=lambda state: state.effective)
    return {**entries, "states": states}


def _first_day(chart: Chart) -> date | None:
    firsts = [entries[0].effective for field in ENTRY_FIELDS if (entries := getattr(chart, field))]
    return min(firsts).date() if firsts else None
