"""What stands on the tumour-board summary: the same readouts, flags and figure as the patient page, as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from clinical.chart import ENTRY_FIELDS, Chart, Therapy
from clinical.discordance import discordance
from clinical.protocol import Protocol
from clinical.recist import VisitAssessment
from dashboard.board.case import Case
from dashboard.figures.ink import SEVERITY_SIGNS
from dashboard.figures.synoptic import synoptic
from dashboard.figures.vector import as_svg
from dashboard.figures.vector_marks import symbol
from dashboard.language import _, message, tell, whole
from dashboard.parts.badges import SEVERITY_WORDS, STATUS_WORDS
from dashboard.parts.banner import STATE_WORDS, born_text, regimen_said
from dashboard.parts.coded import coded
from dashboard.parts.flag_rows import ORDER
from dashboard.parts.plotted.channels import midnight
from dashboard.parts.plotted.synoptic import synoptic_content
from dashboard.parts.plotted.therapy import dose_text
from dashboard.parts.quantities import arrows_in_words, number
from dashboard.parts.readouts import Readout, readouts, summary
from dashboard.parts.records import result_line
from dashboard.parts.times import Clock, age_text, brief_age, day_text, moment_text
from dashboard.parts.units import Units, in_units
from data.flag_moves import CLOSED
from data.trends import Identity, Trends

CHART_WIDTH, CHART_HEIGHT = 840, 1050
FONT = "Noto Sans, Liberation Sans, DejaVu Sans, sans-serif"
TITLE = message("Course of every channel on one time axis")
SCANS_SHOWN = 5
THERAPY_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The summary in words, tables and one drawing. `flags_beyond` stand and are not listed."""

    name: str
    facts: tuple[tuple[str, str], ...]
    generated: str
    newest: str
    zone: str
    by: str
    disagreement: str | None
    results: tuple[dict[str, str], ...]
    results_beyond: int
    reach: str
    channels: tuple[Readout, ...]
    flags: tuple[dict[str, str], ...]
    flags_standing: int
    flags_beyond: int
    scans: tuple[dict[str, str], ...]
    therapy: tuple[dict[str, str], ...]
    therapy_before: int
    draft: str | None
    summary: str
    chart: str


def board(
    case: Case, protocol: Protocol, clock: Clock, units: Units, *, by: str, most_flags: int, most_results: int
) -> Board:
    """The summary of a patient for `by` in `units`, with at most `most_flags` of the standing flags, most severe first,
    and the newest result of at most `most_results` analytes, the newest first."""
    found, who = case.trends, case.identity
    shown = in_units(found, units)
    ordered = standing_flags(found)
    channels = readouts(shown, clock, units)
    entries = [t for t in found.chart.therapy if t.kind != "injection"]
    unsigned = len(protocol.unsigned())
    results = tuple(latest_results(shown.chart, clock))
    figure = synoptic(synoptic_content(found, case.sensor, clock, units))
    (start, end), meta = figure["layout"]["xaxis"]["range"], figure["layout"]["meta"]
    return Board(
        name=who.name or _("Name not recorded"),
        facts=patient_facts(who, found, clock),
        generated=moment_text(clock.now, clock.zone),
        newest=_newest(found.chart, clock),
        zone=clock.zone.key,
        by=by,
        disagreement=tell(discordance(found.chart, protocol, clock.now) or "") or None,
        results=results[:most_results],
        results_beyond=len(results[most_results:]),
        reach=_reach(start, end, earlier=start > meta["first"]),
        channels=channels,
        flags=tuple(flag_line(f, clock) for f in ordered[:most_flags]),
        flags_standing=len(ordered),
        flags_beyond=len(ordered[most_flags:]),
        scans=tuple(_scans(found.scans, clock)),
        therapy=tuple(_therapy(t, clock) for t in reversed(entries[-THERAPY_SHOWN:])),
        therapy_before=len(entries[:-THERAPY_SHOWN]),
        draft=_("{n} of {all} thresholds", n=whole(unsigned), all=whole(len(protocol.thresholds)))
        if unsigned
        else None,
        summary=summary(channels),
        chart=as_svg(figure, width=CHART_WIDTH, height=CHART_HEIGHT, title=_(TITLE), font=FONT),
    )


def standing_flags(found: Trends) -> list[dict[str, Any]]:
    """The flags that are not closed, the most severe first, among those the newest."""
    standing = [f for f in found.flags if f["status"] not in CLOSED]
    newest_first = sorted(standing, key=lambda f: str(f["opened_at"]), reverse=True)
    return sorted(newest_first, key=lambda f: ORDER.index(f["severity"]))


def spoken(marks: str) -> str:
    """Arrows in words, for who does not see them."""
    return arrows_in_words(marks)


def patient_facts(who: Identity, found: Trends, clock: Clock) -> tuple[tuple[str, str], ...]:
    """Who the patient is and where they stand, by name and value."""
    ends = ((_("died"), who.deceased), (_("withdrawn"), who.withdrawn), (_("transferred"), who.transferred))
    return (
        (_("born"), born_text(who, clock)),
        (_("MRN"), who.mrn),
        (_("sex"), coded(who.sex) if who.sex else _("not recorded")),
        (_("team"), ", ".join(who.teams) or _("no team")),
        (_("disease"), _(STATE_WORDS[found.chart.state()])),
        (_("analogue"), regimen_said(found.regimen, clock)),
        *((name, day_text(at.astimezone(clock.zone))) for name, at in ends if at is not None),
        *(((_("note"), _("invented patient")),) if who.synthetic else ()),
    )


def _newest(chart: Chart, clock: Clock) -> str:
    latest = max((entries[-1].effective for name in ENTRY_FIELDS if (entries := getattr(chart, name))), default=None)
    if latest is None:
        return _("nothing is recorded of this patient")
    when, age = day_text(latest.astimezone(clock.zone)), age_text(latest, clock.now)
    return _("newest entry {date} ({age})", date=when, age=age)


def flag_line(flag: Mapping[str, Any], clock: Clock) -> dict[str, str]:
    """A flag in words, with the sign of its severity as SVG."""
    opened = datetime.fromisoformat(flag["opened_at"])
    sign = SEVERITY_SIGNS[flag["severity"]]
    edge = {"color": "#4b5768", "width": 0.8}
    mark = symbol(sign.symbol, 7, 7, size=9, colour=sign.colour, line=edge)
    return {
        "sign": f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 14 14" aria-hidden="true">{mark}</svg>',
        "severity": _(SEVERITY_WORDS[flag["severity"]]),
        "title": tell(flag["title"]),
        "why": tell(flag["why"]),
        "since": day_text(opened.astimezone(clock.zone)),
        "age": age_text(opened, clock.now),
        "status": _(STATUS_WORDS[flag["status"]]),
        "rule": flag["rule"],
    }


def _scans(scans: Sequence[VisitAssessment], clock: Clock) -> Iterator[dict[str, str]]:
    for scan in reversed(scans[-SCANS_SHOWN:]):
        yield {
            "date": day_text(scan.scan_date),
            "age": age_text(midnight(scan), clock.now),
            "sum": _("not measured") if scan.sum_mm is None else f"{number(scan.sum_mm)} mm",
            "baseline": _against(scan.sum_mm, scan.baseline),
            "nadir": _against(scan.sum_mm, scan.nadir),
            "response": scan.overall or _("baseline"),
        }


def _against(value: float | None, other: float | None) -> str:
    return "" if value is None or not other else f"{100 * (value / other - 1):+.0f} %"


def _therapy(entry: Therapy, clock: Clock) -> dict[str, str]:
    is_procedure = entry.kind == "procedure"
    what = coded(entry.procedure or "procedure").replace("prrt", "PRRT") if is_procedure else dose_text(entry)
    return {
        "date": clock.when(entry),
        "kind": coded(entry.kind),
        "what": f"{what} {entry.completeness}" if is_procedure and entry.completeness else what,
    }


def latest_results(chart: Chart, clock: Clock) -> Iterator[dict[str, str]]:
    """The newest result of each analyte, the newest first; one that was sent and has no result says so."""
    newest = {r.analyte: r for r in chart.results}
    for result in sorted(newest.values(), key=lambda r: (r.effective, r.analyte), reverse=True):
        line = result_line(result)
        yield {
            "what": line.what,
            "value": line.value,
            "mark": line.mark,
            "range": line.range,
            "date": clock.day(result),
            "when": clock.when(result),
            "age": brief_age(result.effective, clock.now),
        }


def _reach(start: float, end: float, *, earlier: bool) -> str:
    reach = _("{start} to {end}", start=_on_axis(start), end=_on_axis(end))
    return _("{reach}; earlier entries in Nadir", reach=reach) if earlier else reach


def _on_axis(at: float) -> str:
    return day_text(datetime.fromtimestamp(at / 1000, UTC))
