"""The tab of imaging: lesions over the scans, each against its baseline, and every response with its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dash import html
from dash.development.base_component import Component

from clinical.chart import BiliaryUltrasound, Lesion, Response
from clinical.recist import VisitAssessment
from dashboard.figures.lesion_spider import LesionLine, spider
from dashboard.figures.series import Points, floats
from dashboard.language import _, marked, message, tell
from dashboard.parts.asking import ask
from dashboard.parts.charts import chart
from dashboard.parts.coded import coded
from dashboard.parts.plotted.channels import midnight
from dashboard.parts.plotted.labels import label
from dashboard.parts.quantities import number, quantity
from dashboard.parts.readouts import imaging_readout
from dashboard.parts.records import response_told
from dashboard.parts.rows import below, cell, row, table
from dashboard.parts.tabs.view import View
from dashboard.parts.times import day_text

ROLE_ORDER = ("target", "non-target", "new")
OTHER_FINDINGS = (
    ("murphy", message("Murphy sign"), message("no Murphy sign")),
    ("fluid", message("fluid"), message("no fluid")),
    ("cbd_stone", message("duct stone"), message("no duct stone")),
    ("ihbd", message("liver ducts dilated"), message("liver ducts not dilated")),
    ("mobile", message("stones mobile"), message("stones not mobile")),
    ("impacted", message("stone impacted"), message("no stone impacted")),
)


def imaging(view: View) -> Component:
    """The open tab."""
    chart_of, scans = view.found.chart, view.found.scans
    parts: list[Component | None] = []
    if chart_of.lesions:
        parts.append(_lesions(view, scans))
        parts.append(_spider(view, scans))
    parts.append(_responses(view, scans))
    parts += [_studies(view), _biliary(view)]
    return html.Div(parts, className="stacked", style={"gap": "var(--gap)"})


def lesion_lines(view: View) -> list[LesionLine]:
    """The target lesions that were measured at baseline, as percent change against it."""
    found: dict[str, list[Lesion]] = {}
    for lesion in view.found.chart.lesions:
        if lesion.role == "target" and lesion.diameter_tenths is not None:
            found.setdefault(lesion.lesion, []).append(lesion)
    return [LesionLine(name=name, points=_change(view, rows)) for name, rows in sorted(found.items())]


def _change(view: View, rows: Sequence[Lesion]) -> Points:
    base = rows[0].diameter_tenths or 0
    if not base:
        return Points()
    changes = [100 * ((r.diameter_tenths or 0) / base - 1) for r in rows]
    return Points(
        at=floats([view.clock.ms(r) for r in rows]),
        value=floats(changes),
        label=tuple(
            label(
                f"{r.lesion} {_size(r)}",
                _("{change} % against baseline", change=marked(f"{c:+.0f}")),
                entry=r,
                clock=view.clock,
            )
            for r, c in zip(rows, changes, strict=True)
        ),
        record=tuple(r.record for r in rows),
    )


def _sums(scans: Sequence[VisitAssessment]) -> Points:
    told = [s for s in scans if s.sum_mm is not None]
    base = next((s.sum_mm for s in told if s.sum_mm), None)
    if base is None:
        return Points()
    return Points(
        at=floats([midnight(s).timestamp() * 1000 for s in told]),
        value=floats([100 * ((s.sum_mm or 0.0) / base - 1) for s in told]),
        label=tuple(f"<b>{_('Sum {number} mm', number=number(s.sum_mm or 0.0))}</b>" for s in told),
    )


def _spider(view: View, scans: Sequence[VisitAssessment]) -> Component:
    lines = lesion_lines(view)
    moved = [f"{x.name} {x.points.value[-1]:+.0f} %" for x in lines if len(x.points)]
    words = (
        _("At their last measurement against baseline: {which}.", which=", ".join(moved))
        if moved
        else _("No lesion has a baseline.")
    )
    return html.Section(
        [
            html.Header(html.H2(_("Change of each target lesion"))),
            chart(
                "patient-spider",
                spider(lines, _sums(scans)),
                summary=words,
                heading=_("Change of each target lesion against baseline; its numbers stand in the table of lesions"),
            ),
        ],
        className="card",
    )


def _lesions(view: View, scans: Sequence[VisitAssessment]) -> Component:
    lesions = view.found.chart.lesions
    dates = sorted({r.effective.date() for r in lesions}, reverse=True)
    by_place: dict[tuple[str, date], list[Lesion]] = {}
    for lesion in lesions:
        by_place.setdefault((lesion.lesion, lesion.effective.date()), []).append(lesion)
    last = {lesion.lesion: lesion for lesion in lesions}
    names = sorted(last, key=lambda n: (ROLE_ORDER.index(last[n].role), n))
    rows = [
        row(
            [
                cell(name, below(_where(last[name])), heads=True),
                *(_lesion_cell(by_place.get((name, on), ())) for on in dates),
            ]
        )
        for name in names
    ]
    by_date = {s.scan_date: s for s in scans}
    rows.append(
        row([cell(_("Sum of targets"), below("mm"), heads=True), *(_sum_cell(by_date.get(on)) for on in dates)])
    )
    rows.append(row([cell(_("Computed response"), heads=True), *(_letters(by_date.get(on)) for on in dates)]))
    return html.Section(
        [
            html.Header([html.H2(_("Lesions")), html.Span(_("mm; newest scan first"), className="soft small")]),
            table(
                "patient-lesions-table",
                ["", *(day_text(d) for d in dates)],
                rows,
                caption=_("Lesions by scan, newest scan first"),
                css="dense grid",
            ),
        ],
        className="card",
    )


def _where(lesion: Lesion) -> str:
    place = ", ".join(coded(p) for p in (lesion.organ, lesion.site) if p)
    role = coded(lesion.role) + (", " + _("node") if lesion.node else "")
    return f"{role}; {place}" if place else role


def _size(lesion: Lesion) -> str:
    if lesion.diameter_tenths is None:
        return coded(lesion.state)
    size = quantity(lesion.diameter_tenths / 10, "mm")
    return size if lesion.state == "measured" else f"{size}, {coded(lesion.state)}"


def _lesion_cell(rows: Sequence[Lesion]) -> dict[str, Any]:
    parts: list[Any] = []
    for lesion in rows:
        parts += ["; "] if parts else []
        parts.append(
            ask(
                _size(lesion).removesuffix(" mm"),
                lesion.record,
                title=_("signed") if lesion.signed else _("not signed"),
            )
        )
        parts += [below(lesion.note)] if lesion.note else []
    return cell(*parts, css="number")


def _sum_cell(scan: VisitAssessment | None) -> dict[str, Any]:
    return cell("" if scan is None or scan.sum_mm is None else number(scan.sum_mm), css="number")


def _letters(scan: VisitAssessment | None) -> dict[str, Any]:
    return cell("" if scan is None else scan.overall or _("baseline"), css="number")


def _responses(view: View, scans: Sequence[VisitAssessment]) -> Component:
    sentence = imaging_readout(scans, view.found.chart, view.clock).sentence
    computed = {s.scan_date: s for s in scans}
    stated: dict[date, list[Response]] = {}
    for response in view.found.chart.responses:
        stated.setdefault(response.effective.date(), []).append(response)
    dates = sorted({*computed, *stated}, reverse=True)
    signed = _signers(view.found.chart.lesions)
    rows = [_response(on, stated.get(on, ()), computed.get(on), signed.get(on)) for on in dates]
    body = (
        table(
            "patient-responses-table",
            [_("Scan"), _("By the reader"), _("Computed"), _("Why it was computed so")],
            rows,
            caption=_("Response of every scan, newest first"),
            css="dense",
        )
        if rows
        else html.P(_("Never scanned."), className="empty")
    )
    return html.Section(
        [html.Header([html.H2(_("Responses")), html.Span(sentence, className="soft small")]), body], className="card"
    )


def _signers(lesions: Sequence[Lesion]) -> dict[date, Lesion]:
    """By day a lesion of a scan every row of which its reader has signed."""
    rows: dict[date, list[Lesion]] = {}
    for lesion in lesions:
        rows.setdefault(lesion.effective.date(), []).append(lesion)
    return {day: found[0] for day, found in rows.items() if all(r.signed for r in found)}


def _response(
    on: date, stated: Sequence[Response], computed: VisitAssessment | None, signed: Lesion | None
) -> dict[str, Any]:
    read: list[Any] = []
    for r in stated:
        by = ", ".join(p for p in (r.modality, r.reader, _("signed") if r.signed else _("not signed")) if p)
        read += [ask(r.response, r.record), below(by)]
        read += [below(said) for said in (response_told(r), r.text) if said]
    if not stated and signed is not None:
        by = ", ".join(p for p in (signed.modality, signed.reader, _("signed")) if p)
        read += [ask(_("as computed"), signed.record), below(by)]
    letters = "" if computed is None else computed.overall or _("baseline")
    differs = computed is not None and computed.overall and any(r.response != computed.overall for r in stated)
    return row(
        [
            cell(day_text(on), css="when"),
            cell(*(read or [_("not stated")])),
            cell(letters, *([below(_("differs from the reader"))] if differs else [])),
            cell("" if computed is None else tell(computed.reason)),
        ]
    )


def _studies(view: View) -> Component | None:
    """The scans that were made, with region, contrast and report: what was entered or came as a study."""
    made = [f for f in view.found.chart.findings if f.code == "imaging-study"]
    if not made:
        return None
    rows = [
        row([cell(view.clock.day(f), css="when"), cell(ask(f.text or _("kind of scan not recorded"), f.record))])
        for f in reversed(made)
    ]
    return html.Section(
        [
            html.Header(html.H2(_("Studies"))),
            table(
                "patient-studies-table",
                [_("Date"), _("Study")],
                rows,
                caption=_("Imaging studies, newest first"),
                css="dense",
            ),
        ],
        className="card",
    )


def _biliary(view: View) -> Component | None:
    scans = view.found.chart.biliary
    if not scans:
        return None
    rows = [_ultrasound(b, view) for b in reversed(scans)]
    return html.Section(
        [
            html.Header(html.H2(_("Biliary ultrasound"))),
            table(
                "patient-biliary-table",
                [
                    *(_("Date"), _("Stones"), _("Sludge"), _("Wall mm"), _("Duct mm"), _("Gallbladder")),
                    _("Other findings"),
                ],
                rows,
                caption=_("Biliary ultrasounds, newest first"),
                css="dense",
            ),
        ],
        className="card",
    )


def _ultrasound(b: BiliaryUltrasound, view: View) -> dict[str, Any]:
    sludge = {True: _("yes"), False: _("no"), None: _("not stated")}[b.sludge]
    return row(
        [
            cell(view.clock.day(b), css="when"),
            cell(ask(coded(b.stones or "") or _("not stated"), b.record)),
            cell(sludge),
            cell("" if b.wall_mm is None else number(b.wall_mm)),
            cell("" if b.cbd_mm is None else number(b.cbd_mm)),
            cell(coded(b.gallbladder or "") or _("not described")),
            cell(*_other_findings(b)),
        ]
    )


def _other_findings(b: BiliaryUltrasound) -> list[Any]:
    """What was looked for and is there or not; what was not assessed is left out."""
    size = [] if b.max_mm is None else [_("largest stone {size}", size=marked(f"{number(b.max_mm)} mm"))]
    told = [
        _(there if getattr(b, name) else gone) for name, there, gone in OTHER_FINDINGS if getattr(b, name) is not None
    ]
    return ["; ".join([*size, *told]), *([below(b.note)] if b.note else [])]
