"""Where a number comes from, as a panel beside the page: source, what was received, its history, open flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from clinical.wording import number, quantity
from dashboard.language import _
from dashboard.parts.badges import severity, status
from dashboard.parts.import_words import FORMAT_WORDS
from dashboard.parts.queries import query_lines
from dashboard.parts.stated import arrival, fate, stated, value_links, what
from dashboard.parts.times import Clock, day_text, moment_text
from data.entry.past import Past
from data.flag_moves import CLOSED
from data.intake.item import RETRACTIONS
from data.provenance import Provenance, Source, Version
from data.queries import Query

FASTING_WORDS = {True: "yes", False: "no", None: None}


def title_of(found: Provenance) -> str:
    """What the panel is about."""
    if found.sensor is not None:
        return f"Glucose sensor {found.sensor['device']}, {day_text(found.sensor['day'])}"
    version = found.versions[-1]
    return what(version.kind, version.analyte)


def provenance_panel(found: Provenance, queries: Sequence[Query], clock: Clock, *, mrn: str, record: str) -> Component:
    """The content of the panel of `record`, the current version first; `queries` were asked about it."""
    if found.sensor is not None:
        links = value_links(mrn, record, correctable=False)
        sources = (_source(s, clock) for s in found.reports)
        return html.Div([links, *_asked(queries, clock), _sensor(found.sensor), html.H3("Source"), *sources])
    current, *earlier = reversed(found.versions)
    return html.Div(
        [
            value_links(mrn, current.id, correctable=current.status not in RETRACTIONS),
            *_asked(queries, clock),
            _facts(current, clock),
            html.H3("Source"),
            _source(current.source, clock, current.source_id),
            *_again(found, clock),
            html.H3("History"),
            _history(earlier, found, clock),
            html.H3("Flags that rest on it"),
            _flags(found),
        ],
        className="provenance",
    )


def _facts(version: Version, clock: Clock) -> Component:
    derived = quantity(version.canonical_value, version.canonical_unit, version.comparator)
    limits = " to ".join(p for p in (version.ref_low, version.ref_high) if p is not None)
    facts = [
        ("Received", html.S(_received(version)) if version.status in RETRACTIONS else _received(version)),
        ("Used as", None if version.canonical_value is None else derived),
        ("Range received", limits or ("no range" if version.kind == "lab" else None)),
        ("Interpretation received", version.interpretation),
        ("Taken", version.effective),
        ("Issued", None if version.issued is None else moment_text(version.issued, clock.zone)),
        ("Laboratory", version.lab),
        ("Method", version.method),
        ("Specimen", version.specimen),
        ("Fasting", FASTING_WORDS[version.fasting]),
        ("Status", version.status),
        ("Reason", version.reason),
        *((name.replace("_", " ").capitalize(), _said(value)) for name, value in version.detail.items()),
    ]
    return _list([(name, text) for name, text in facts if text])


def _received(version: Version) -> str:
    if version.value is None:
        return version.text or "no value"
    return f"{version.comparator or ''}{version.value} {version.unit or '(no unit)'}"


def _said(value: Any) -> str | None:
    if value is None or value == []:
        return None
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _list(facts: Sequence[tuple[str, str | Component]]) -> Component:
    return html.Dl([part for name, text in facts for part in (html.Dt(name), html.Dd(text))], className="facts")


def _source(source: Source, clock: Clock, source_id: str | None = None) -> Component:
    facts = [
        ("Format", FORMAT_WORDS.get(source.format, source.format)),
        ("Place in it", source.place),
        ("Import", source.batch),
        ("Stored", f"{moment_text(source.at, clock.zone)} by {source.by}"),
        ("Id at the source", source_id or ""),
    ]
    return _list([(name, text) for name, text in facts if text])


def _again(found: Provenance, clock: Clock) -> list[Component]:
    if not found.reports:
        return []
    return [html.H3("Reported again"), *(_source(s, clock) for s in found.reports)]


def _history(earlier: list[Version], found: Provenance, clock: Clock) -> Component:
    if not earlier and not found.arrived:
        return html.P("Never corrected.", className="soft")
    past = {one.record: one for one in found.past}
    lines = [_earlier(version, past.get(version.id), clock) for version in earlier]
    lines += [html.Li(html.Span(arrival(one, clock), className="soft")) for one in found.arrived]
    return html.Ol(lines, className="timeline")


def _earlier(version: Version, past: Past | None, clock: Clock) -> Component:
    stored = f"stored {moment_text(version.source.at, clock.zone)} by {version.source.by}, record {version.id}"
    return html.Li(
        [
            html.S(_received(version) if version.kind == "lab" else stated(version)),
            f", taken {version.effective}",
            *([html.Span(fate(past, clock), className="changed")] if past else []),
            html.Span(stored, className="soft"),
        ]
    )


def _asked(queries: Sequence[Query], clock: Clock) -> list[Component]:
    return [html.H3(_("Questions on it")), query_lines(queries, clock)] if queries else []


def _flags(found: Provenance) -> Component:
    if not found.flags:
        return html.P("None.", className="soft")
    items = [
        html.Li([severity(f["severity"]), " ", dcc.Link(f["title"], href=f"/flag/{f['id']}"), " ", status(f["status"])])
        for f in sorted(found.flags, key=lambda f: f["status"] in CLOSED)
    ]
    return html.Ul(items, className="plain-list bare")


def _sensor(day: Mapping[str, Any]) -> Component:
    facts = [
        ("Device", day["device"]),
        ("Day (UTC)", day_text(day["day"])),
        ("Unit received", day["unit"]),
        ("Numbers", str(day["count"])),
        ("LO marks", str(day["low_marks"])),
        ("HI marks", str(day["high_marks"])),
        ("Lowest", "" if day["minimum"] is None else f"{number(day['minimum'])} mg/dL"),
        ("Highest", "" if day["maximum"] is None else f"{number(day['maximum'])} mg/dL"),
    ]
    return _list([(name, text) for name, text in facts if text])
