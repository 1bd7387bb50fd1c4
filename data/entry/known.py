"""What a form is held against and pre-filled with: last values, the planned injection, habits of laboratories."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinical.chart import Chart
from clinical.injections import cycles
from clinical.protocol import Protocol
from clinical.site_days import in_site_days, site_noon
from clinical.therapy import regimen_at
from data.entry.numbers import LastValue
from data.entry.visit import Planned
from data.intake.item import RETRACTIONS, Item
from data.models import LaboratoryHabit, Record
from data.survivors import members
from data.upsert import insert_or

_RECORD = Record.__table__.c


def last_values(session: Session, patient_id: int, *, now: datetime) -> dict[str, LastValue]:
    """The last number of each analyte of the patient as it was received; nothing retracted, nothing to come."""
    rows = session.execute(
        select(
            *(_RECORD.id, _RECORD.analyte, _RECORD.value, _RECORD.comparator, _RECORD.unit, _RECORD.canonical_value),
            *(_RECORD.canonical_unit, _RECORD.effective_at, _RECORD.effective_text, _RECORD.precision),
            *(_RECORD.lab, _RECORD.method),
        )
        .where(_RECORD.patient_id.in_(members(session, patient_id)), _RECORD.kind == "lab")
        .where(_RECORD.superseded_by.is_(None), _RECORD.status.not_in(sorted(RETRACTIONS)))
        .where(_RECORD.value.is_not(None), _RECORD.effective_at <= now)
        .order_by(_RECORD.effective_at, _RECORD.id)
    )
    return {
        row.analyte: LastValue(
            record=row.id,
            value=f"{row.comparator or ''}{row.value}",
            unit=row.unit,
            canonical=None if row.comparator else row.canonical_value,
            canonical_unit=row.canonical_unit,
            effective_at=row.effective_at,
            precision=row.precision,
            shown_on=row.effective_text[:10],
            lab=row.lab,
            method=row.method,
        )
        for row in rows
    }


def planned_injection(chart: Chart, protocol: Protocol, zone: ZoneInfo, now: datetime) -> Planned:
    """The injection planned next, of an uncut chart, in days of `zone`; empty without a depot regimen."""
    chart, now = in_site_days(chart, zone, now), site_noon(now, zone)
    regimen = regimen_at(chart, now)
    if regimen is None or not regimen.long_acting:
        return Planned()
    running = cycles(chart, protocol, now)
    return Planned(
        drug=regimen.drug,
        dose=regimen.dose,
        unit=regimen.unit,
        earliest=running[-1].earliest if running else None,
        latest=running[-1].latest if running else None,
        early_days=int(protocol["injection_early"]),
    )


def habits(session: Session) -> list[LaboratoryHabit]:
    """How each laboratory last reported each analyte that was typed in."""
    return list(session.scalars(select(LaboratoryHabit).order_by(LaboratoryHabit.laboratory, LaboratoryHabit.analyte)))


def remember_habits(session: Session, items: Iterable[Item], *, now: datetime) -> None:
    """Keep unit, range and method of each laboratory value, for the next time."""
    rows = {
        (item.lab, item.analyte): {
            "laboratory": item.lab,
            "analyte": item.analyte,
            "unit": item.unit,
            "ref_low": item.ref_low,
            "ref_high": item.ref_high,
            "method": item.method,
            "saved_at": now,
        }
        for item in items
        if item.kind == "lab" and item.lab
    }
    if not rows:
        return
    statement = insert_or(session, LaboratoryHabit)
    changed = {name: statement.excluded[name] for name in ("unit", "ref_low", "ref_high", "method", "saved_at")}
    session.execute(
        statement.on_conflict_do_update(index_elements=["laboratory", "analyte"], set_=changed), list(rows.values())
    )
