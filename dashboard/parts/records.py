"""The record of a patient as a table: every entry of the chart with value, range, source and date, newest first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import html
from dash.development.base_component import Component

from clinical.chart import BiliaryUltrasound, Chart, Entry, Lesion, Response, Result
from dashboard.language import _, message
from dashboard.parts.as_recorded import ask_address, correct_address, fate, stated_past, what
from dashboard.parts.asking import ask
from dashboard.parts.badges import chip
from dashboard.parts.coded import coded
from dashboard.parts.import_words import rows_text
from dashboard.parts.plotted.therapy import dose_text
from dashboard.parts.quantities import arrows, name_of, number, quantity, range_text
from dashboard.parts.rows import Part, arrow, below, cell, link, row, table
from dashboard.parts.statements import STATEMENT_WORDS, item_words
from dashboard.parts.times import Clock, when_text
from dashboard.parts.units import Units
from data.entry.past import Past
from data.entry.stated import STATEMENTS
from data.provenance import SENSOR
from data.sensor_course import SensorDays

COLUMNS = (
    *(message("Date"), message("What"), message("Value"), message("Range"), message("Details"), message("Age")),
    *(message("Source"), message("Change")),
)


KINDS = {
    "Results": message("Results"),
    "Skin": message("Skin"),
    "Imaging": message("Imaging"),
    "Biliary": message("Biliary"),
    "Symptoms": message("Symptoms"),
    "Disease": message("Disease"),
    "Therapy": message("Therapy"),
    "Sensor": message("Sensor"),
}
"""The kinds of rows, and the word on the chip of each."""
KIND_CHIPS = {
    "lab": "Results",
    "skin": "Skin",
    "lesion": "Imaging",
    "response": "Imaging",
    "biliary": "Biliary",
    "symptom": "Symptoms",
    "therapy": "Therapy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table; `kind` (of `KINDS`) is what the filter above it sorts by."""

    entry: Entry
    kind: str
    what: str
    value: str
    range: str = ""
    mark: str = ""
    details: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What the table holds beside the chart: `mrn` for links, `sources` by record, `past` values that do not stand."""

    mrn: str
    sources: Mapping[str, str]
    past: Sequence[Past] = ()


def record_table(id: str, chart: Chart, sensor: SensorDays, clock: Clock, units: Units, *, beside: Beside) -> Component:
    """The table with chips that filter it by kind. It holds the same numbers as the synoptic chart, and the rest, and
    struck through what was corrected, taken back or moved away. `chart` is in `units` already."""
    found = lines(chart, sensor, units)
    before: dict[str | None, list[Past]] = {}
    for past in beside.past:
        before.setdefault(past.stands, []).append(past)
    kinds = sorted({line.kind for line in found}, key=lambda kind: _(KINDS[kind]))
    made = [(line.entry.effective, _row(line, clock, beside, before.get(line.entry.record, ()))) for line in found]
    made += [(past.effective_at, _gone_row(past, clock)) for past in before.get(None, ())]
    return html.Div(
        [
            html.Div(
                [
                    *(chip("kind", kind, _(KINDS[kind])) for kind in kinds),
                    html.Span(rows_text(len(made), "row"), className="soft small", role="status", **{"data-shown": id}),
                ],
                className="chips",
                role="group",
                **{"aria-label": _("Show only"), "data-filters": id},
            ),
            table(
                id,
                [_(name) for name in COLUMNS],
                [cells for _at, cells in sorted(made, key=lambda pair: pair[0], reverse=True)],
                caption=_("Record of the patient, newest first"),
                css="dense",
            ),
        ],
        className="stacked",
    )


def lines(chart: Chart, sensor: SensorDays, units: Units) -> list[Line]:
    """Every entry of the chart as a line, newest first."""
    return sorted(_lines(chart, sensor, units), key=lambda line: line.entry.effective, reverse=True)


def _row(line: Line, clock: Clock, beside: Beside, before: Iterable[Past]) -> dict[str, Any]:
    mark = [" ", arrow(line.mark)] if line.mark else []
    record = line.entry.record
    return row(
        [
            cell(clock.when(line.entry), css="when"),
            cell(line.what, heads=True),
            cell(ask(line.value, record), *mark, *(part for past in before for part in struck(past, clock))),
            cell(line.range),
            cell(line.details),
            cell(clock.age(line.entry), css="when"),
            cell(beside.sources.get(record, ""), css="source"),
            cell(*_ways(beside.mrn, record), css="ways"),
        ],
        kind=line.kind,
    )


def _gone_row(past: Past, clock: Clock) -> dict[str, Any]:
    entry = Entry(record=past.record, effective=past.effective_at, known_at=past.effective_at)
    when = when_text(past.effective_at, past.precision, clock.zone)
    return row(
        [
            cell(when, css="when"),
            cell(what(past.kind, past.analyte), heads=True),
            cell(*struck(past, clock)),
            cell(""),
            cell(""),
            cell(clock.age(entry), css="when"),
            cell("", css="source"),
            cell(""),
        ],
        kind=KIND_CHIPS.get(past.kind, "Disease"),
    )


def struck(past: Past, clock: Clock) -> list[Part]:
    """A value that does not stand any more, struck through, and below it who changed it, when and why."""
    return [ask(stated_past(past, clock), past.record, css="struck"), below(fate(past, clock))]


def _ways(mrn: str, record: str) -> list[Part]:
    if not record or "/" in record:
        return []
    asking = link(_("Ask"), ask_address(mrn, record))
    return [asking] if record.startswith(SENSOR) else [link(_("Correct"), correct_address(mrn, record)), " ", asking]


def _lines(chart: Chart, sensor: SensorDays, units: Units) -> Iterator[Line]:
    yield from (result_line(r) for r in chart.results)
    yield from _examined(chart)
    yield from (_lesion(lesion) for lesion in chart.lesions)
    yield from _treated(chart)
    scale, unit = units.glucose_scale, units.glucose
    percentiles = dict(zip(sensor.day, zip(sensor.p5, sensor.median, sensor.p95, strict=True), strict=True))
    for day in chart.sensor_days:
        found = percentiles.get(day.effective.date(), (math.nan,) * 3)
        low, middle, high = (number(round(float(v) * scale, 1)) for v in found)
        value = (
            _("no numbers")
            if math.isnan(found[1])
            else _("median {middle} {unit}, 5-95 % {low}-{high}", middle=middle, unit=unit, low=low, high=high)
        )
        marks = _spoken(((_("LO marks"), day.low_marks or None), (_("HI marks"), day.high_marks or None)))
        details = "; ".join(d for d in (_("{n} readings", n=day.count), marks, day.device) if d)
        yield Line(entry=day, kind="Sensor", what=_("Glucose sensor day"), value=value, details=details)


def result_line(r: Result) -> Line:
    """A result as a row of the record says it."""
    if r.value is not None:
        value = quantity(r.value, r.unit, r.comparator)
    elif r.status == "absent":
        value = _("sent, no result")
    else:
        value = r.text or r.interpretation or _("no number")
    fasting = {True: _("fasting"), False: _("not fasting"), None: None}[r.fasting]
    status = None if r.status == "final" else coded(r.status)
    parts = (r.lab, r.method, fasting, status, r.interpretation, *map(coded, r.disqualifiers))
    return Line(
        entry=r,
        kind="Results",
        what=name_of(r.analyte),
        value=value,
        range=range_text(r.ref_low, r.ref_high),
        mark=arrows(r.value, r.ref_low, r.ref_high),
        details=", ".join(p for p in parts if p),
    )


def _examined(chart: Chart) -> Iterator[Line]:
    for s in chart.skin:
        signs = _spoken(
            (coded(name), getattr(s, name)) for name in ("erythema", "erosion", "crust", "mucosal", "itch", "pain")
        )
        scores = _spoken((("IGA", s.iga), (_("body surface %"), s.bsa)))
        parts = (
            signs,
            ", ".join(map(coded, s.sites)),
            s.infection and _("infection {infection}", infection=coded(s.infection)),
            s.rater,
        )
        value = "; ".join(p for p in (coded(s.overall or ""), scores) if p) or _("no score")
        yield Line(
            entry=s, kind="Skin", what=_("Skin assessment"), value=value, details="; ".join(p for p in parts if p)
        )
    for r in chart.responses:
        said = (r.modality, r.reader, _("signed") if r.signed else _("not signed"), response_told(r), r.text)
        details = ", ".join(p for p in said if p)
        yield Line(entry=r, kind="Imaging", what=_("Response"), value=r.response, details=details)
    for b in chart.biliary:
        value = _spoken(
            ((_("stones"), b.stones and coded(b.stones)), (_("gallbladder"), b.gallbladder and coded(b.gallbladder)))
        )
        yes = [name for name, found in _biliary_flags(b) if found]
        size = _spoken(((_("wall mm"), b.wall_mm), (_("duct mm"), b.cbd_mm)))
        details = "; ".join([*yes, *([size] if size else []), *([b.note] if b.note else [])])
        yield Line(
            entry=b, kind="Biliary", what=_("Biliary ultrasound"), value=value or _("not stated"), details=details
        )
    for symptom in chart.symptoms:
        value = _("present") if symptom.present else _("asked, absent")
        yield Line(entry=symptom, kind="Symptoms", what=coded(symptom.name), value=value)
    for state in chart.states:
        yield Line(entry=state, kind="Disease", what=_("Disease state"), value=coded(state.state))
    for finding in chart.findings:
        if finding.code in STATEMENTS:
            yield Line(
                entry=finding,
                kind="Visit",
                what=item_words(finding.item or ""),
                value=_(STATEMENT_WORDS[finding.code]),
                details=finding.why or "",
            )
            continue
        yield Line(
            entry=finding,
            kind="Disease",
            what=coded(finding.code),
            value=finding.text or _("recorded"),
            details=coded(finding.site or ""),
        )


def response_told(response: Response) -> str | None:
    """Whether a reader took the computed response or another one; None where nothing was computed beside it."""
    if response.computed is None:
        return None
    taken = response.computed == response.response or (response.computed, response.response) == ("recurrence", "PD")
    letters = coded(response.computed)
    if taken:
        return _("computed {letters}, confirmed", letters=letters)
    return _("instead of the computed {letters}", letters=letters)


def _biliary_flags(b: BiliaryUltrasound) -> Iterator[tuple[str, bool | None]]:
    yield from ((_("sludge"), b.sludge), ("Murphy", b.murphy), (_("fluid"), b.fluid), (_("duct stone"), b.cbd_stone))
    yield from ((_("liver ducts dilated"), b.ihbd), (_("stone impacted"), b.impacted))


def _lesion(lesion: Lesion) -> Line:
    size = None if lesion.diameter_tenths is None else quantity(lesion.diameter_tenths / 10, "mm")
    read = (lesion.reader if lesion.signed else None, lesion.note)
    where = ", ".join([*(coded(p) for p in (lesion.site, lesion.organ, lesion.modality) if p), *filter(None, read)])
    return Line(
        entry=lesion,
        kind="Imaging",
        what=_("Lesion {lesion} ({role})", lesion=lesion.lesion, role=coded(lesion.role)),
        value=size or coded(lesion.state),
        details=where,
    )


def _treated(chart: Chart) -> Iterator[Line]:
    for t in chart.therapy:
        what = coded(t.procedure or "procedure") if t.kind == "procedure" else coded(t.kind)
        value = t.completeness or _("done") if t.kind == "procedure" else dose_text(t)
        details = ", ".join(p for p in (t.route, t.note) if p)
        yield Line(entry=t, kind="Therapy", what=f"{what[:1].upper()}{what[1:]}", value=value, details=details)


def _spoken(pairs: Iterable[tuple[str, str | float | None]]) -> str:
    return ", ".join(f"{name} {v if isinstance(v, str) else number(v)}" for name, v in pairs if v is not None)
