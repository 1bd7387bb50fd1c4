"""Where each channel of a patient stands: the latest value with its age and range, and how it compares with before.

A readout says what is known and how old it is. It never says that all is well, and an unknown stays an unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from clinical.change import MarkerCourse, Sample
from clinical.chart import BiliaryUltrasound, Chart, Result, SkinAssessment
from clinical.recist import VisitAssessment
from clinical.sensor_window import counted
from dashboard.language import _, marked, tell
from dashboard.parts.coded import coded
from dashboard.parts.plotted.channels import midnight
from dashboard.parts.plotted.runs import NO_RESULT
from dashboard.parts.quantities import arrows, name_of, number, quantity, range_text, unit_text
from dashboard.parts.times import Clock, age_text, day_text
from dashboard.parts.units import TARGET, Units
from data.trends import Trends

SENSOR_DAYS = 14
SPARK = 12
ABSORPTION = ("zinc", "albumin", "b12", "vitamin-a", "vitamin-d", "vitamin-e", "elastase")
"""The markers of absorption whose low side means loss; INR and the liver stand in panels of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """One channel: `latest` is the value in words and `unit` its unit, None where `missing` holds instead.

    `arrow` marks a value beyond its range. `lines` stand below it; `sentence` is the channel's part of the summary.
    `course` are the last numbers of the channel that can be compared with each other, oldest first.
    """

    channel: str
    state: str
    latest: str | None = None
    missing: str = ""
    unit: str = ""
    arrow: str = ""
    lines: tuple[str, ...] = ()
    sentence: str
    course: tuple[float, ...] = ()


def readouts(trends: Trends, clock: Clock, units: Units) -> tuple[Readout, ...]:
    """The six channels, in the order of the page. `trends` are in `units` already."""
    return (
        marker_readout(trends.marker, trends.chart, clock),
        imaging_readout(trends.scans, trends.chart, clock),
        skin_readout(trends.chart.skin, clock),
        glucose_readout(trends.chart, clock, units),
        absorption_readout(trends.chart, clock),
        biliary_readout(trends.chart, clock),
    )


def summary(channels: tuple[Readout, ...]) -> str:
    """The channels in one sentence."""
    return "; ".join(c.sentence for c in channels) + "."


def marker_readout(course: MarkerCourse, chart: Chart, clock: Clock) -> Readout:
    """The last reported sample against its range and the nadir of its epoch."""
    name = name_of(course.analyte)
    waiting = _waiting(chart, course.analyte, clock)
    if not course.samples:
        return Readout(
            channel="Marker",
            state=_("unknown"),
            lines=(waiting,) if waiting else (),
            sentence=f"{name} {waiting or _('never measured')}",
        )
    last = course.samples[-1]
    result = last.result
    value = _value(result)
    compared = _against_nadir(last, clock)
    lines = [
        f"{clock.day(result)}, {clock.age(result)}",
        _("range {range}", range=range_text(result.ref_low, last.upper)),
        compared,
        *(_("not comparable: {reason}", reason=tell(reason)) for reason in last.invalid_because),
    ]
    return Readout(
        channel=_("Marker"),
        state=_marker_state(last),
        latest=value,
        unit=unit_text(result.unit) if result.value is not None else "",
        arrow=arrows(last.least, result.ref_low, last.upper),
        lines=(*lines, waiting) if waiting else tuple(lines),
        sentence=f"{name} {value} {unit_text(result.unit)} {clock.age(result)}, {compared}".replace("  ", " "),
        course=_course(s.result.number for s in course.samples if s.assay is last.assay),
    )


def _course(numbers: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(n for n in numbers if n is not None)[-SPARK:]


def _marker_state(sample: Sample) -> str:
    if sample.confirmed:
        return _("confirmed rise")
    if sample.provisional:
        return _("rise, unconfirmed")
    if sample.above is None:
        return _("no range")
    return _("above range") if sample.above else _("not above range")


def _against_nadir(sample: Sample, clock: Clock) -> str:
    nadir = sample.nadir
    if nadir is None or sample.result.number is None or nadir.value <= 0:
        return _("no nadir to compare with in this epoch")
    times = sample.result.number / nadir.value
    on = day_text(nadir.at.astimezone(clock.zone))
    return _(
        "{times} × nadir {quantity} ({date})",
        times=marked(f"{times:.2g}"),
        quantity=quantity(nadir.value, sample.result.unit),
        date=on,
    )


def imaging_readout(scans: tuple[VisitAssessment, ...], chart: Chart, clock: Clock) -> Readout:
    """The last scan: the reader's response if there is one, the sum of targets, and how it compares with the nadir."""
    stated = chart.responses[-1] if chart.responses else None
    scan = scans[-1] if scans else None
    if stated is None and scan is None:
        return Readout(
            channel=_("Imaging"), state=_("unknown"), missing=_("never scanned"), sentence=_("never scanned")
        )
    on = max(e for e in (stated and stated.effective, scan and midnight(scan)) if e is not None)
    is_stated = stated is not None and stated.effective >= on - timedelta(days=1)
    letters = stated.response if is_stated and stated is not None else (scan.overall if scan else None)
    source = _("by the reader") if is_stated else _("computed")
    sums = _sum_lines(scan)
    return Readout(
        channel=_("Imaging"),
        state=source if letters else _("baseline"),
        latest=letters or _("baseline"),
        lines=(f"{day_text(on)}, {age_text(on, clock.now)}", *sums),
        sentence=_("scan {letters} {age}", letters=letters or _("baseline"), age=age_text(on, clock.now))
        + (f" ({sums[0]})" if sums else ""),
        course=_course(s.sum_mm for s in scans),
    )


def _sum_lines(scan: VisitAssessment | None) -> tuple[str, ...]:
    if scan is None or scan.sum_mm is None:
        return ()
    if not scan.nadir:
        return (_("sum {number} mm", number=number(scan.sum_mm)),)
    change = f"{100 * (scan.sum_mm / scan.nadir - 1):+.0f} %"
    text = _(
        "sum {number} mm, {change} vs nadir {nadir} mm",
        number=number(scan.sum_mm),
        change=change,
        nadir=number(scan.nadir),
    )
    return (text,)


def skin_readout(assessments: tuple[SkinAssessment, ...], clock: Clock) -> Readout:
    """The last assessment, its score if one was given, and since when it is what it is."""
    if not assessments:
        return Readout(
            channel=_("Skin"), state=_("unknown"), missing=_("never assessed"), sentence=_("skin never assessed")
        )
    last = assessments[-1]
    scored = None if last.iga is None else f"IGA {last.iga}"
    latest = scored or coded(last.overall or "") or (f"{number(last.bsa)} %" if last.bsa is not None else _("seen"))
    lines = [f"{clock.day(last)}, {clock.age(last)}"]
    if last.bsa is not None and scored:
        lines.append(_("body surface {number} %", number=number(last.bsa)))
    lines.append(_before(assessments, clock))
    if last.infection not in (None, "none"):
        lines.append(_("infection {infection}", infection=coded(last.infection or "")))
    return Readout(
        channel=_("Skin"),
        state=coded(last.overall or "") or (_("scored") if scored else _("no word recorded")),
        latest=latest,
        lines=tuple(line for line in lines if line),
        sentence=_("skin {latest} {age}", latest=latest, age=clock.age(last)),
        course=_course(a.iga for a in assessments),
    )


def _before(assessments: tuple[SkinAssessment, ...], clock: Clock) -> str:
    last = assessments[-1]
    if last.iga is None:
        return ""
    other = next((a for a in reversed(assessments[:-1]) if a.iga is not None and a.iga != last.iga), None)
    return (
        _("was IGA {iga} on {date}", iga=other.iga, date=clock.day(other))
        if other is not None
        else _("the same at every assessment")
    )


def glucose_readout(chart: Chart, clock: Clock, units: Units) -> Readout:
    """HbA1c first, else the last glucose; and the time in range of the last fortnight where a sensor is worn."""
    last = _latest(chart, "hba1c") or _latest(chart, "glucose-fasting", "glucose")
    sensor = _time_in_range(chart, clock, units)
    if last is None:
        if sensor is None:
            waiting = _waiting(chart, "hba1c", clock)
            return Readout(
                channel=_("Glucose"),
                state=_("unknown"),
                sentence=_("glucose {what}", what=waiting or _("never measured")),
            )
        return Readout(
            channel=_("Glucose"),
            state=_("sensor"),
            latest=sensor[0],
            unit=_("in {target}", target=_target(units)),
            sentence=sensor[1],
        )
    lines = [f"{name_of(last.analyte)}, {clock.day(last)}, {clock.age(last)}"]
    lines.append(_("range {range}", range=range_text(last.ref_low, last.ref_high)))
    fasting = _latest(chart, "glucose-fasting", "glucose")
    if fasting is not None and fasting is not last:
        lines.append(f"{name_of(fasting.analyte)} {_value(fasting)} {unit_text(fasting.unit)}, {clock.age(fasting)}")
    if sensor is not None:
        lines.append(sensor[1])
    return Readout(
        channel=_("Glucose"),
        state=_range_state(last),
        latest=_value(last),
        unit=unit_text(last.unit),
        arrow=arrows(last.value, last.ref_low, last.ref_high),
        lines=tuple(lines),
        sentence=f"{name_of(last.analyte)} {_value(last)} {unit_text(last.unit)} {clock.age(last)}",
        course=_course(r.number for r in chart.of(last.analyte)),
    )


def _time_in_range(chart: Chart, clock: Clock, units: Units) -> tuple[str, str] | None:
    recent = [d for d in counted(chart) if clock.now - d.effective <= timedelta(days=SENSOR_DAYS + 1)]
    count = sum(d.count + d.low_marks + d.high_marks for d in recent)
    if not count:
        return None
    outside = sum(d.below_70 + d.above_180 + d.low_marks + d.high_marks for d in recent)
    share = f"{100 * (count - outside) / count:.0f} %"
    days = len({d.effective.date() for d in recent})
    return share, _("{share} of sensor time in {target} ({days} days)", share=share, target=_target(units), days=days)


def _target(units: Units) -> str:
    low, high = TARGET[units.glucose]
    return marked(f"{low:g}-{high:g} {units.glucose}")


def absorption_readout(chart: Chart, clock: Clock) -> Readout:
    """The absorption marker that lies furthest below its range by its last result, else the newest one."""
    last = [r for a in ABSORPTION if (r := _latest(chart, a)) is not None]
    never = [name_of(a) for a in ABSORPTION if _latest(chart, a) is None]
    if not last:
        return Readout(channel=_("Absorption"), state=_("unknown"), sentence=_("absorption markers never measured"))
    low = sorted((r for r in last if _share(r) < 1), key=_share)
    result = low[0] if low else max(last, key=lambda r: r.effective)
    name = name_of(result.analyte)
    others = [f"{name_of(r.analyte)} {_value(r)} {unit_text(r.unit)}, {clock.age(r)}" for r in low[1:]]
    lines = [
        f"{name}, {clock.day(result)}, {clock.age(result)}",
        _("range {range}", range=range_text(result.ref_low, result.ref_high)),
        *(_("also low: {other}", other=other) for other in others[:2]),
        *([_("and {n} more below range", n=len(others) - 2)] if len(others) > 2 else []),
        *([_("never measured: {which}", which=", ".join(never))] if never else []),
    ]
    return Readout(
        channel=_("Absorption"),
        state=_("{n} below range", n=len(low)) if low else _range_state(result),
        latest=_value(result),
        unit=unit_text(result.unit),
        arrow=arrows(result.value, result.ref_low, result.ref_high),
        lines=tuple(lines),
        sentence=f"{name} {_value(result)} {unit_text(result.unit)} {clock.age(result)}",
        course=_course(r.number for r in chart.of(result.analyte)),
    )


def _share(result: Result) -> float:
    """The value as a share of its lower limit; not low where either is unknown."""
    if result.value is None or not result.ref_low or result.comparator in (">", ">="):
        return 1.0
    return result.value / result.ref_low


def biliary_readout(chart: Chart, clock: Clock) -> Readout:
    """The last biliary ultrasound; without one, whether there is a gallbladder to look at."""
    if not chart.biliary:
        removed = next((t for t in chart.therapy if t.procedure == "cholecystectomy"), None)
        if removed is not None:
            when = clock.day(removed)
            return Readout(
                channel=_("Biliary"),
                state=_("gallbladder absent"),
                latest=_("removed"),
                lines=(_("cholecystectomy {when}", when=when), _("no ultrasound recorded")),
                sentence=_("gallbladder removed {when}", when=when),
            )
        return Readout(
            channel=_("Biliary"),
            state=_("unknown"),
            missing=_("never examined"),
            sentence=_("biliary ultrasound never recorded"),
        )
    last = chart.biliary[-1]
    finding = _biliary(last)
    details = [
        _("wall {number} mm", number=number(last.wall_mm)) if last.wall_mm is not None else "",
        _("common bile duct {number} mm", number=number(last.cbd_mm)) if last.cbd_mm is not None else "",
    ]
    return Readout(
        channel=_("Biliary"),
        state=coded(last.gallbladder or "") or _("gallbladder not described"),
        latest=finding,
        lines=(_("ultrasound {date}, {age}", date=clock.day(last), age=clock.age(last)), *(d for d in details if d)),
        sentence=_("biliary ultrasound {finding} {age}", finding=finding, age=clock.age(last)),
    )


def _biliary(scan: BiliaryUltrasound) -> str:
    found = []
    if scan.stones in ("single", "multiple"):
        found.append(_("stone") if scan.stones == "single" else _("stones"))
    if scan.sludge:
        found.append(_("sludge"))
    if found:
        return _("{first} and {last}", first=found[0], last=found[1]) if len(found) == 2 else found[0]
    if scan.stones is None and scan.sludge is None:
        return _("not stated")
    return _("no stones seen") if scan.stones == "none" else _("no sludge seen")


def _latest(chart: Chart, *analytes: str) -> Result | None:
    return next((r for r in reversed(chart.of(*analytes)) if r.status not in NO_RESULT), None)


def _waiting(chart: Chart, analyte: str, clock: Clock) -> str | None:
    """`sent 9 days ago, no result` when the newest entry of the analyte came back without one."""
    results = chart.of(analyte)
    return (
        _("sent {age}, no result", age=clock.age(results[-1])) if results and results[-1].status == "absent" else None
    )


def _value(result: Result) -> str:
    if result.value is None:
        return result.text or result.interpretation or _("no number")
    return f"{result.comparator or ''}{number(result.value)}"


def _range_state(result: Result) -> str:
    mark = arrows(result.value, result.ref_low, result.ref_high)
    if mark:
        return _("above range") if mark[0] == "↑" else _("below range")
    return _("no range") if result.ref_low is None and result.ref_high is None else _("within range")
