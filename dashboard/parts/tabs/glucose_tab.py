"""The tab of glucose: fourteen chosen days of a sensor laid over one another, time in the ranges, episodes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from clinical.agp import PROFILE_DAYS, Profile, profile
from clinical.glucose_episodes import Episode, episodes
from clinical.glucose_readings import HIGH_MARK, LOW_MARK, NUMBER, Readings, readings
from clinical.glucose_wear import SUFFICIENT_PERCENT, wear
from clinical.glycaemia import RANGE_LIMITS, Glycaemia, glycaemia
from dashboard.figures.profile import ProfileContent, profile_figure
from dashboard.language import _, marked
from dashboard.parts.charts import chart, numbers
from dashboard.parts.quantities import number
from dashboard.parts.rows import cell, row, table
from dashboard.parts.tabs.view import View
from dashboard.parts.times import day_text, wall_ms_of
from dashboard.parts.units import TARGET
from data.readings import HIGH, LOW
from data.sensor_course import load_sensor_readings

MOST_EPISODES = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fortnight:
    """The readings of whole days on the site's clock, `last` the last of them."""

    first: date
    last: date
    kept: Readings


def glucose_tab(view: View) -> Component:
    """The open tab: the last fourteen days with readings, or those up to the date the address asks for."""
    days = view.found.chart.sensor_days
    if not days:
        return html.Section(
            [html.Header(html.H2(_("Glucose sensor"))), html.P(_("No sensor was ever worn."), className="empty")],
            className="card",
        )
    newest, oldest = days[-1].effective.date(), days[0].effective.date()
    last = min(_asked(view.query.get("until")) or newest, newest)
    chosen = fortnight(view, last)
    return html.Div(
        [_profile(view, chosen, oldest, newest), *([_episodes(view, chosen)] if len(chosen.kept) else [])],
        className="stacked",
        style={"gap": "var(--gap)"},
    )


def fortnight(view: View, last: date) -> Fortnight:
    """The readings of the fourteen days up to and with `last`, on the site's clock: a day of a clock change has 23 or
    25 hours."""
    first = last - timedelta(days=PROFILE_DAYS - 1)
    zone = view.clock.zone
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    found = load_sensor_readings(
        view.session, view.found.patient_ids, first - timedelta(days=1), last + timedelta(days=1)
    )
    seconds = found.at.astype(np.int64)
    inside = (seconds >= int(begin.timestamp())) & (seconds < int(end.timestamp()))
    at, marks = found.at[inside], found.marks[inside]
    return Fortnight(
        first=first,
        last=last,
        kept=readings(
            at,
            found.values[inside],
            marks=np.select([marks == LOW, marks == HIGH], [LOW_MARK, HIGH_MARK], NUMBER).astype(np.int8),
            wall=wall_ms_of(at, zone).astype("datetime64[ms]").astype("datetime64[s]"),
        ),
    )


def _profile(view: View, chosen: Fortnight, oldest: date, newest: date) -> Component:
    head = html.Header([html.H2(_("Glucose profile")), _choosing(view, chosen, oldest, newest)])
    if not len(chosen.kept):
        said = _("No reading from {first} to {last}.", first=day_text(chosen.first), last=day_text(chosen.last))
        return html.Section([head, html.P(said, className="empty")], className="card")
    found, made = glycaemia(chosen.kept), profile(chosen.kept)
    return html.Section(
        [
            head,
            _sufficiency(chosen),
            _ranges(view, found),
            chart(
                "patient-profile",
                profile_figure(content(view, made)),
                summary=_sentence(view, found, chosen),
                heading=_("Glucose over the day; its numbers stand in the table below it"),
            ),
            numbers(_profile_table(view, made)),
            _metrics(view, found),
        ],
        className="card",
    )


def content(view: View, made: Profile) -> ProfileContent:
    """The profile in the unit shown."""
    p5, p25, median, p75, p95 = made.percentiles * view.units.glucose_scale
    return ProfileContent(
        unit=view.units.glucose,
        target=TARGET[view.units.glucose],
        hour=made.minute / 60 + 0.125,
        p5=p5,
        p25=p25,
        median=median,
        p75=p75,
        p95=p95,
        count=made.counts.astype(np.float64),
    )


def _choosing(view: View, chosen: Fortnight, oldest: date, newest: date) -> Component:
    step = timedelta(days=PROFILE_DAYS)
    links = []
    if chosen.first > oldest:
        links.append((_("Earlier"), chosen.last - step))
    if chosen.last < newest:
        links.append((_("Later"), min(chosen.last + step, newest)))
    form = html.Form(
        [
            dcc.Input(type="hidden", name="tab", value="glucose"),
            html.Label(_("14 days up to"), htmlFor="patient-until"),
            dcc.Input(type="date", name="until", id="patient-until", value=chosen.last.isoformat()),  # type: ignore[arg-type]
            html.Button(_("Show"), type="submit", className="chip"),
        ],
        method="GET",
        className="choose",
        **{"data-in-app": ""},
    )
    return html.Div(
        [
            *(
                html.A(
                    word, href=view.address("glucose", until=to.isoformat()), className="chip", **{"data-in-app": ""}
                )
                for word, to in links
            ),
            form,
        ],
        className="chips no-print",
    )


def _sufficiency(chosen: Fortnight) -> Component:
    worn = wear(chosen.kept)
    share = worn.recent_percent
    stretch = _("{first} to {last}", first=day_text(chosen.first), last=day_text(chosen.last))
    if share is not None and share >= SUFFICIENT_PERCENT:
        return html.P(
            _(
                "{stretch}: {share} % of the readings due are there, enough for a profile.",
                stretch=stretch,
                share=f"{share:.0f}",
            ),
            className="soft",
        )
    known = _("an unknown part") if share is None else f"{share:.0f} %"
    return html.P(
        [
            html.Strong(_("Not enough readings.") + " "),
            _(
                "{stretch}: {known} of the readings due are there; a profile needs {least} %. "
                "What follows may not stand for these days.",
                stretch=stretch,
                known=known,
                least=f"{SUFFICIENT_PERCENT:.0f}",
            ),
        ],
        className="notice",
    )


def _ranges(view: View, found: Glycaemia) -> Component:
    ranges = found.ranges
    if ranges is None:
        return html.P(_("No reading."), className="soft")
    very_low, low, high, very_high = (_limit(v) for v in RANGE_LIMITS[view.units.glucose])
    shares = [
        ("very-low", _("below {limit}", limit=very_low), ranges.below_54),
        ("low", f"{very_low}-{low}", ranges.below_70 - ranges.below_54),
        ("within", f"{low}-{high}", ranges.within),
        ("over", f"{high}-{very_high}", ranges.above_180 - ranges.above_250),
        ("very-high", _("above {limit}", limit=very_high), ranges.above_250),
    ]
    bar = html.Div(
        [
            html.Span(className=f"share {css}", style={"width": f"{share:.3f}%"})
            for css, _, share in shares
            if share > 0
        ],
        className="range-bar",
        **{"aria-hidden": "true"},
    )
    rows = [
        html.Tr(
            [
                html.Th([html.Span(className=f"swatch {css}"), f"{words} {view.units.glucose}"], scope="row"),
                html.Td(marked(f"{share:.1f} %")),
            ]
        )
        for css, words, share in shares
    ]
    caption = html.Caption(_("Time in ranges, percent of readings"), className="visually-hidden")
    return html.Div([bar, html.Table([caption, html.Tbody(rows)], className="range-table")], className="ranges")


def _limit(value: float) -> str:
    return number(value)


def _sentence(view: View, found: Glycaemia, chosen: Fortnight) -> str:
    if found.ranges is None or found.mean is None:
        return _("No reading is a number.")
    low, high = TARGET[view.units.glucose]
    mean = number(round(found.mean * view.units.glucose_scale, 1))
    return _(
        "From {first} to {last} {within} % of readings within {target} {unit}, {below} % below, {above} % above; "
        "mean {mean} {unit}.",
        first=day_text(chosen.first),
        last=day_text(chosen.last),
        within=f"{found.ranges.within:.0f}",
        target=marked(f"{low:g}-{high:g}"),
        unit=view.units.glucose,
        below=marked(f"{found.ranges.below_70:.1f}"),
        above=marked(f"{found.ranges.above_180:.1f}"),
        mean=mean,
    )


def _metrics(view: View, found: Glycaemia) -> Component:
    scale, unit = view.units.glucose_scale, view.units.glucose

    def shown(value: float | None, after: str) -> str:
        return _("not known") if value is None else f"{number(round(value, 2))} {after}"

    facts = [
        (_("Mean"), shown(None if found.mean is None else found.mean * scale, unit)),
        (_("Variation (CV)"), shown(found.cv, "%")),
        ("GMI", shown(found.gmi, "%")),
        (_("Readings"), f"{found.readings}, {found.low_marks} LO, {found.high_marks} HI"),
        (_("Interval"), _("not known") if found.interval_min is None else f"{found.interval_min} min"),
    ]
    parts = [html.Div([html.Dt(name), html.Dd(text)]) for name, text in facts]
    return html.Dl(parts, className="figures")


def _profile_table(view: View, made: Profile) -> Component:
    found = content(view, made)
    rows = []
    for i in range(0, len(made.minute), 4):
        minute = int(made.minute[i])
        values = [v[i] for v in (found.p5, found.p25, found.median, found.p75, found.p95)]
        cells = [cell(_("not known") if np.isnan(v) else number(round(float(v), 1)), css="number") for v in values]
        rows.append(
            row(
                [
                    cell(f"{minute // 60:02}:00-{minute // 60:02}:15", heads=True),
                    *cells,
                    cell(str(int(found.count[i])), css="number"),
                ]
            )
        )
    heads = [_("Time"), "5 %", "25 %", _("Median"), "75 %", "95 %", _("Readings")]
    return table(
        "patient-profile-table",
        heads,
        rows,
        caption=_("The profile at every full hour, a quarter of an hour each"),
        css="dense",
    )


def _episodes(view: View, chosen: Fortnight) -> Component:
    very_low, low, high, very_high = RANGE_LIMITS["mg/dL"]
    shown_limits = dict(zip((very_low, low, high, very_high), RANGE_LIMITS[view.units.glucose], strict=True))
    found: list[tuple[Episode, str, str]] = []
    for side, limit in (("below", very_low), ("below", low), ("above", very_high)):
        shown = number(shown_limits[limit])
        words = _("below {limit}", limit=shown) if side == "below" else _("above {limit}", limit=shown)
        found += [(e, side, words) for e in episodes(chosen.kept, side, limit)]  # type: ignore[arg-type]
    found.sort(key=lambda e: e[0].begins, reverse=True)
    rows = [_episode(view, e, side, words) for e, side, words in found[:MOST_EPISODES]]
    more = (
        _("the newest {n} of {all}", n=MOST_EPISODES, all=len(found))
        if len(found) > MOST_EPISODES
        else _("{n} found", n=len(found))
    )
    body = (
        table(
            "patient-episodes-table",
            [_("Began"), _("Beyond"), _("Minutes"), _("Extreme")],
            rows,
            caption=_("Episodes, newest first"),
            css="dense",
        )
        if rows
        else html.P(
            _(
                "No episode of 15 minutes below {low} or above {high} {unit} in these readings.",
                low=number(shown_limits[low]),
                high=number(shown_limits[very_high]),
                unit=view.units.glucose,
            ),
            className="soft",
        )
    )
    return html.Section(
        [html.Header([html.H2(_("Episodes of 15 minutes and more")), html.Span(more, className="soft small")]), body],
        className="card",
    )


def _episode(view: View, episode: Episode, side: str, words: str) -> dict[str, Any]:
    wall = wall_ms_of(np.array([episode.begins]), view.clock.zone)[0] / 1000
    began = datetime.fromtimestamp(wall, tz=view.clock.now.tzinfo)
    hidden = "LO" if side == "below" else "HI"
    extreme = hidden if episode.extreme is None else number(round(episode.extreme * view.units.glucose_scale, 1))
    return row(
        [
            cell(f"{day_text(began)} {began:%H:%M}", css="when"),
            cell(f"{words} {view.units.glucose}"),
            cell(number(episode.minutes), css="number"),
            cell(extreme, css="number"),
        ]
    )


def _asked(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
