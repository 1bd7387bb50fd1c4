"""Where a number comes from, as a panel beside the page: source, what was received, its history, open flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, message, tell
from dashboard.parts.as_recorded import arrival, fate, stated, value_links, what
from dashboard.parts.badges import severity, status
from dashboard.parts.coded import coded
from dashboard.parts.import_words import FORMAT_WORDS
from dashboard.parts.quantities import number, quantity
from dashboard.parts.queries import query_lines
from dashboard.parts.times import Clock, day_text, moment_text
from data.entry.past import Past
from data.flag_moves import CLOSED
from data.intake.item import RETRACTIONS
from data.provenance import Provenance, Source, Version
from data.queries import Query

FASTING_WORDS = {True: message("yes"), False: message("no"), None: ""}


def title_of(found: Provenance) -> str:
    """What the panel is about."""
    if found.sensor is not None:
        return _("Glucose sensor {device}, {date}", device=found.sensor["device"], date=day_text(found.sensor["day"]))
    version = found.versions[-1]
    return what(version.kind, version.analyte)


def provenance_panel(found: Provenance, queries: Sequence[Query], clock: Clock, *, mrn: str, record: str) -> Component:
    """The content of the panel of `record`, the current version first; `queries` were asked about it."""
    if found.sensor is not None:
        links = value_links(mrn, record, correctable=False)
        sources = (_source(s, clock) for s in found.reports)
        return html.Div([links, *_asked(queries, clock), _sensor(found.sensor), html.H3(_("Source")), *sources])
    current, *earlier = reversed(found.versions)
    return html.Div(
        [
            value_links(mrn, current.id, correctable=current.status not in RETRACTIONS),
            *_asked(queries, clock),
            _facts(current, clock),
            html.H3(_("Source")),
            _source(current.source, clock, current.source_id),
            *_again(found, clock),
            html.H3(_("History")),
            _history(earlier, found, clock),
            html.H3(_("Flags that rest on it")),
            _flags(found),
        ],
        className="provenance",
    )


def _facts(version: Version, clock: Clock) -> Component:
    derived = quantity(version.canonical_value, version.canonical_unit, version.comparator)
    limits = "-".join(p for p in (version.ref_low, version.ref_high) if p is not None)
    facts = [
        (_("Received"), html.S(_received(version)) if version.status in RETRACTIONS else _received(version)),
        (_("Used as"), None if version.canonical_value is None else derived),
        (_("Range received"), limits or (_("no range") if version.kind == "lab" else None)),
        (_("Interpretation received"), version.interpretation),
        (_("Taken"), version.effective),
        (_("Issued"), None if version.issued is None else moment_text(version.issued, clock.zone)),
        (_("Laboratory"), version.lab),
        (_("Method"), version.method),
        (_("Specimen"), version.specimen),
        (_("Fasting"), _(FASTING_WORDS[version.fasting])),
        (_("Status"), coded(version.status)),
        (_("Reason"), version.reason),
        *((_field(name), _said(value)) for name, value in version.detail.items()),
    ]
    return _list([(name, text) for name, text in facts if text])


def _received(version: Version) -> str:
    if version.value is None:
        return version.text or _("no value")
    return f"{version.comparator or ''}{version.value} {version.unit or _('(no unit)')}"


def _field(name: str) -> str:
    words = coded(name.replace("_", " "))
    return f"{words[:1].upper()}{words[1:]}"


def _said(value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return ", ".join(coded(str(one)) for one in value) if isinstance(value, list) else coded(str(value))


def _list(facts: Sequence[tuple[str, str | Component]]) -> Component:
    return html.Dl([part for name, text in facts for part in (html.Dt(name), html.Dd(text))], className="facts")


def _source(source: Source, clock: Clock, source_id: str | None = None) -> Component:
    facts = [
        (_("Format"), _(FORMAT_WORDS.get(source.format, source.format))),
        (_("Place in it"), source.place),
        (_("Import"), source.batch),
        (_("Stored"), _("{at} by {person}", at=moment_text(source.at, clock.zone), person=source.by)),
        (_("Id at the source"), source_id or ""),
    ]
    return _list([(name, text) for name, text in facts if text])


def _again(found: Provenance, clock: Clock) -> list[Component]:
    if not found.reports:
        return []
    return [html.H3(_("Reported again")), *(_source(s, clock) for s in found.reports)]


def _history(earlier: list[Version], found: Provenance, clock: Clock) -> Component:
    if not earlier and not found.arrived:
        return html.P(_("Never corrected."), className="soft")
    past = {one.record: one for one in found.past}
    lines = [_earlier(version, past.get(version.id), clock) for version in earlier]
    lines += [html.Li(html.Span(arrival(one, clock), className="soft")) for one in found.arrived]
    return html.Ol(lines, className="timeline")


def _earlier(version: Version, past: Past | None, clock: Clock) -> Component:
    stored = _(
        "stored {at} by {person}, record {id}",
        at=moment_text(version.source.at, clock.zone),
        person=version.source.by,
        id=version.id,
    )
    return html.Li(
        [
            html.S(_received(version) if version.kind == "lab" else stated(version)),
            ", " + _("taken {when}", when=version.effective),
            *([html.Span(fate(past, clock), className="changed")] if past else []),
            html.Span(stored, className="soft"),
        ]
    )


def _asked(queries: Sequence[Query], clock: Clock) -> list[Component]:
    return [html.H3(_("Questions on it")), query_lines(queries, clock)] if queries else []


def _flags(found: Provenance) -> Component:
    if not found.flags:
        return html.P(_("None."), className="soft")
    items = [
        html.Li(
            [
                severity(f["severity"]),
                " ",
                dcc.Link(tell(f["title"]), href=f"/flag/{f['id']}"),
                " ",
                status(f["status"]),
            ]
        )
        for f in sorted(found.flags, key=lambda f: f["status"] in CLOSED)
    ]
    return html.Ul(items, className="plain-list bare")


def _sensor(day: Mapping[str, Any]) -> Component:
    facts = [
        (_("Device"), day["device"]),
        (_("Day (UTC)"), day_text(day["day"])),
        (_("Unit received"), day["unit"]),
        (_("Numbers"), str(day["count"])),
        (_("LO marks"), str(day["low_marks"])),
        (_("HI marks"), str(day["high_marks"])),
        (_("Lowest"), "" if day["minimum"] is None else _("{number} mg/dL", number=number(day["minimum"]))),
        (_("Highest"), "" if day["maximum"] is None else _("{number} mg/dL", number=number(day["maximum"]))),
    ]
    return _list([(name, text) for name, text in facts if text])
