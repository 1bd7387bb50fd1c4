"""The tab of the skin: score, itch and pain over time, and which regions were affected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from clinical.chart import SkinAssessment
from dashboard.figures.series import Points, Run, SampleMark, floats
from dashboard.figures.skin_course import skin_course
from dashboard.language import _, message
from dashboard.parts.asking import ask
from dashboard.parts.charts import chart, numbers
from dashboard.parts.coded import coded
from dashboard.parts.plotted.channels import skin_panel
from dashboard.parts.plotted.labels import label
from dashboard.parts.plotted.runs import mark_of
from dashboard.parts.quantities import number
from dashboard.parts.readouts import skin_readout
from dashboard.parts.rows import cell, row, table
from dashboard.parts.tabs.view import View

COLUMNS = (
    *(message("Date"), message("Word"), "IGA", message("Surface %"), message("Itch"), message("Pain")),
    *(message("Regions"), message("Infection"), message("Rater")),
)


SYMPTOM_WORDS = {"itch": message("Itch"), "pain": message("Pain")}


def skin_tab(view: View) -> Component:
    """The open tab."""
    seen = view.found.chart.skin
    return html.Section(
        [
            html.Header(html.H2(_("Skin"))),
            chart(
                "patient-skin",
                skin_course(
                    skin_panel(seen, view.clock),
                    symptom_run(view, "itch"),
                    symptom_run(view, "pain"),
                    regions(view),
                    as_of=view.clock.at(view.found.as_of),
                ),
                summary=_sentence(view),
                heading=_("Skin over time; its numbers stand in the table below it"),
            ),
            numbers(_table(seen, view)),
        ],
        className="card",
    )


def regions(view: View) -> list[tuple[str, Points]]:
    """By region the assessments that found it affected, the most often affected first."""
    found: dict[str, list[SkinAssessment]] = {}
    for assessment in view.found.chart.skin:
        for site in assessment.sites:
            found.setdefault(site, []).append(assessment)
    ordered = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [(coded(name), _points(name, seen, view)) for name, seen in ordered]


def symptom_run(view: View, name: str) -> Run:
    """Itch or pain: diary entries and what the skin forms say, oldest first."""
    entries: list[tuple[Any, float | None, SampleMark]] = [
        (r, r.value, mark_of(r)) for r in view.found.chart.of(name) if r.value is not None or r.text
    ]
    entries += [(a, getattr(a, name), "valid") for a in view.found.chart.skin if getattr(a, name) is not None]
    entries.sort(key=lambda e: e[0].effective)
    return Run(
        points=Points(
            at=floats([view.clock.ms(e) for e, _, _ in entries]),
            value=floats([math.nan if v is None else v for _, v, _ in entries]),
            label=tuple(
                label(
                    f"{_(SYMPTOM_WORDS[name])} {_('in words') if v is None else number(v)}", entry=e, clock=view.clock
                )
                for e, v, _mark in entries
            ),
            record=tuple(e.record for e, _, _ in entries),
        ),
        marks=tuple(m for _, _, m in entries),
    )


def _points(name: str, seen: Sequence[SkinAssessment], view: View) -> Points:
    return Points(
        at=floats([view.clock.ms(a) for a in seen]),
        value=floats([1.0] * len(seen)),
        label=tuple(label(coded(name), _("affected"), entry=a, clock=view.clock) for a in seen),
        record=tuple(a.record for a in seen),
    )


def _sentence(view: View) -> str:
    readout = skin_readout(view.found.chart.skin, view.clock)
    names = [name for name, _ in regions(view)]
    said = f"{readout.sentence[0].upper()}{readout.sentence[1:]}"
    if not names:
        return f"{said}."
    return _("{sentence}; regions ever affected: {regions}.", sentence=said, regions=", ".join(names))


def _table(seen: Sequence[SkinAssessment], view: View) -> Component:
    rows = [
        row(
            [
                cell(view.clock.when(a), css="when"),
                cell(ask(coded(a.overall or "") or _("no word"), a.record)),
                *(cell(_told(v), css="number") for v in (a.iga, a.bsa, a.itch, a.pain)),
                cell(", ".join(coded(s) for s in a.sites)),
                cell(coded(a.infection or "") or _("not stated")),
                cell(a.rater or ""),
            ]
        )
        for a in reversed(seen)
    ]
    return table(
        "patient-skin-table",
        [_(name) for name in COLUMNS],
        rows,
        caption=_("Skin assessments, newest first"),
        css="dense",
    )


def _told(value: float | None) -> str:
    return "" if value is None else number(value)
