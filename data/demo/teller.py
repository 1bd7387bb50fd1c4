"""The teller of one invented patient: collects facts as items ready to store, dated from the day of loading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from clinical.analytes import CATALOGUE
from clinical.numbers import parse_number
from clinical.wording import number
from data.demo.story import Story
from data.intake.coded import sized
from data.intake.item import Item, Kind
from data.intake.measured import limit, measure
from data.readings import DayReadings

BETWEEN_PEOPLE = 0.07
"""Standard deviation (log) by which the true levels of two healthy people differ here."""

ANALYTES: Mapping[str, str] = {
    "skin": "skin-assessment",
    "lesion": "lesion",
    "response": "recist-response",
    "biliary": "biliary-ultrasound",
    "symptom": "symptom",
}


class Teller:
    """Collects what happened to one patient. Everything follows from the story's number and the day of loading."""

    def __init__(self, story: Story, today: date, patient_id: int) -> None:
        self.story = story
        self.today = today
        self.items: list[Item] = []
        self.sensor_days: list[DayReadings] = []
        self.rng = Random(story.mrn)
        self._patient_id = patient_id
        self._own: dict[str, float] = {}

    def own(self, analyte: str) -> float:
        """The factor by which this person's healthy level of `analyte` differs from the usual one."""
        if analyte not in self._own:
            self._own[analyte] = Random(f"{self.story.mrn} {analyte}").lognormvariate(0.0, BETWEEN_PEOPLE)
        return self._own[analyte]

    def day(self, offset: int) -> date:
        """The date `offset` days from the day of loading."""
        return self.today + timedelta(days=offset)

    def fact(
        self,
        kind: Kind,
        day: int,
        *,
        hour: int,
        detail: Mapping[str, Any] | None = None,
        precision: str = "minute",
        issued_after: int = 0,
        **columns: Any,
    ) -> None:
        """One fact of `kind` on `day` (offset) at about `hour` UTC; `columns` are further fields of an item.

        `issued_after` days later, in the afternoon, it became known; 0 = at once.
        """
        moment = datetime.combine(self.day(day), datetime.min.time(), UTC)
        text = self.day(day).isoformat()
        if precision != "day":
            moment += timedelta(hours=hour, minutes=self.rng.randrange(0, 50, 5))
            text = moment.isoformat(timespec="minutes")
        columns = {**_as_imported(kind, detail or {}), **columns}
        issued = datetime.combine(self.day(day + issued_after), datetime.min.time(), UTC) + timedelta(hours=15)
        self.items.append(
            Item(
                patient_id=self._patient_id,
                kind=kind,
                effective_at=moment,
                effective_text=text,
                precision=precision,
                issued_at=issued if issued_after else None,
                place=f"{self.story.mrn}#{len(self.items) + 1}",
                detail=detail,
                **columns,
            )
        )

    def quantity(
        self,
        day: int,
        analyte: str,
        value: str,
        *,
        unit: str,
        hour: int = 7,
        ref_low: str | None = None,
        ref_high: str | None = None,
        **columns: Any,
    ) -> None:
        """A measured quantity as printed: `value` may carry a comparator (`<15`) or be empty (text only, no result)."""
        parsed = parse_number(value) if value else None
        if columns.get("status") == "absent":
            ref_low = ref_high = None
        if analyte == "glucose-fasting":
            columns["fasting"] = True
        canonical = None if parsed is None else measure(analyte, parsed.value, unit)
        self.fact(
            "lab",
            day,
            hour=hour,
            analyte=analyte,
            value=None if parsed is None else str(parsed.value),
            comparator=None if parsed is None else parsed.comparator,
            unit=unit if parsed is not None else None,
            canonical_value=None if canonical is None else canonical.value,
            canonical_unit=None if canonical is None else canonical.unit,
            ref_low=ref_low,
            ref_high=ref_high,
            canonical_ref_low=limit(analyte, _decimal(ref_low), unit),
            canonical_ref_high=limit(analyte, _decimal(ref_high), unit),
            **columns,
        )

    def vital(self, day: int, analyte: str, value: str) -> None:
        """A vital sign or a score of a visit, in the catalogue's own unit."""
        self.quantity(day, analyte, value, unit=CATALOGUE[analyte].canonical_unit, hour=10)


def _as_imported(kind: Kind, detail: Mapping[str, Any]) -> dict[str, Any]:
    """The columns every importer fills for a coded fact of this kind."""
    if kind == "therapy":
        dose = detail.get("dose")
        return {} if dose is None else {"value": number(dose), "unit": detail.get("unit")}
    columns: dict[str, Any] = {"analyte": ANALYTES[kind]} if kind in ANALYTES else {}
    return columns | (sized(detail) if kind == "lesion" else {})


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
