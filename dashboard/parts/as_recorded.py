"""What a record stated, in words, and what became of it: who changed it, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from dash import dcc, html
from dash.development.base_component import Component

from clinical.analytes import CATALOGUE
from dashboard.language import _, message
from dashboard.parts.coded import coded
from dashboard.parts.quantities import name_of
from dashboard.parts.times import Clock, moment_text, when_text
from data.entry.past import Arrived, Past

KIND_WORDS = {
    "lab": message("Result"),
    "skin": message("Skin assessment"),
    "lesion": message("Lesion on a scan"),
    "response": message("Response"),
    "biliary": message("Biliary ultrasound"),
    "therapy": message("Therapy"),
    "symptom": message("Symptom"),
    "state": message("Disease state"),
    "finding": message("Finding"),
}
NAMES = (
    *(message("rater"), message("overall"), message("new drug"), message("reader"), message("modality")),
    *(message("site"), message("organ"), message("role"), message("kind"), message("drug"), message("route")),
    *(message("intent"), message("completeness"), message("planned next"), message("interval days"), message("unit")),
    *(message("sites"), message("infection"), message("name"), message("node"), message("diameter tenths")),
)
"""The fields of coded entries that are no codes themselves, in words."""
REMARKS = frozenset({"note", "notes", "columns"})
STATE_WORDS = {"open": message("Open"), "answered": message("Answered"), "closed": message("Closed")}


class Stated(Protocol):
    """What a version of a record or a past value has to say of itself."""

    @property
    def kind(self) -> str: ...
    @property
    def analyte(self) -> str | None: ...
    @property
    def value(self) -> str | None: ...
    @property
    def comparator(self) -> str | None: ...
    @property
    def unit(self) -> str | None: ...
    @property
    def text(self) -> str | None: ...
    @property
    def detail(self) -> Mapping[str, Any]: ...


def stated(record: Stated) -> str:
    """The value as it was received: number and unit, text, or the coded fields."""
    if record.value is not None:
        return f"{record.comparator or ''}{record.value} {record.unit or _('(no unit)')}"
    fields = "; ".join(
        f"{coded(name.replace('_', ' '))} {_field(value)}"
        for name, value in record.detail.items()
        if name not in REMARKS and value is not None and value != []
    )
    return record.text or fields or _("no value")


def stated_past(past: Past, clock: Clock) -> str:
    """A value that does not stand any more, with its date where that was changed."""
    when = when_text(past.effective_at, past.precision, clock.zone)
    return f"{stated(past)}, {when}" if past.retimed else stated(past)


def what(kind: str | None, analyte: str | None) -> str:
    """What a record is about: its analyte, or its kind."""
    named = analyte and (kind == "lab" or analyte in CATALOGUE)
    return name_of(analyte or "") if named else _(KIND_WORDS.get(kind or "", kind or ""))


def fate(past: Past, clock: Clock) -> str:
    """`corrected 3 Mar 2026 09:31 CET by ada@...: typed wrong`"""
    at, who, why = moment_text(past.at, clock.zone), past.who, past.why or _("the source gives no reason")
    if past.what == "corrected":
        return _("corrected {at} by {who}: {why}", at=at, who=who, why=why)
    if past.what == "retracted":
        return _("taken back {at} by {who}: {why}", at=at, who=who, why=why)
    other = past.other or _("a patient of other teams")
    return _("moved to {other} {at} by {who}: {why}", other=other, at=at, who=who, why=why)


def arrival(arrived: Arrived, clock: Clock) -> str:
    """`moved here from P-1 3 Mar 2026 09:31 CET by ada@...: wrong patient`"""
    return _(
        "moved here from {other} {at} by {who}: {why}",
        other=arrived.other or _("a patient of other teams"),
        at=moment_text(arrived.at, clock.zone),
        who=arrived.who,
        why=arrived.why,
    )


def correct_address(mrn: str, record: str) -> str:
    """Where a record of the patient is corrected."""
    return f"/p/{quote(mrn, safe='')}/record/{quote(record, safe='')}/correct"


def ask_address(mrn: str, record: str) -> str:
    """Where a question on a record of the patient, or a day of a sensor, is asked."""
    return f"/p/{quote(mrn, safe='')}/record/{quote(record, safe='')}/ask"


def query_address(mrn: str, query: int) -> str:
    """Where a question stands."""
    return f"/p/{quote(mrn, safe='')}/query/{query}"


def value_links(mrn: str, record: str, *, correctable: bool) -> Component:
    """The ways from a value to correcting it and to asking about it."""
    links = [dcc.Link(_("Correct this value"), href=correct_address(mrn, record), className="button")]
    asking = dcc.Link(_("Ask about it"), href=ask_address(mrn, record), className="button")
    return html.P([*(links if correctable else []), asking], className="value-links no-print")


def _field(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(coded(str(one)) for one in value) if isinstance(value, list) else coded(str(value))
