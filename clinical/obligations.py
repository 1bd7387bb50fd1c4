"""What the surveillance schedule owes a patient: by disease state, treatment and what was found (reference 2.4 and 3).

This module says what is owed and which clock it runs on; `clinical.surveillance` says when it is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from clinical.absorption import absorption_signs
from clinical.awaited import back_by, says_nothing
from clinical.biliary import gallbladder_removed
from clinical.chart import Chart, DiseaseState, DiseaseStateName, Entry, Result, Therapy
from clinical.courses import AnalogueCourse, last_course
from clinical.days import beyond, date_utc, on_day
from clinical.imaging import scans
from clinical.low_risk import low_risk
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.therapy import analogue_steps, is_antitumour
from clinical.values import value
from clinical.wording import day

RESIDUAL: tuple[DiseaseStateName, ...] = ("residual-stable", "residual-progressing")
_PASIREOTIDE = ("pasireotide", "pasireotide-lar")
_YEARLY: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("tsh", say("TSH"), ("tsh",)),
    ("b12", say("vitamin B12"), ("b12", "active-b12")),
    ("zinc", say("zinc"), ("zinc",)),
    ("lipase", say("lipase"), ("lipase",)),
    ("heart-rate", say("heart rate"), ("heart-rate",)),
)
_VITAMINS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("vitamin-a", say("vitamin A"), ("vitamin-a",)),
    ("vitamin-d", say("vitamin D"), ("vitamin-d",)),
    ("vitamin-e", say("vitamin E"), ("vitamin-e",)),
    ("vitamin-k", say("vitamin K (INR or PIVKA-II)"), ("inr", "pivka-ii", "vitamin-k1")),
)


@value
class Obligation:
    """One thing owed. `since` started its clock; `last` is the latest time it was done, ever.

    `last` counts when it was on `counts_from` or later (None: from one interval before `since` on, as a baseline).
    `interval`, `grace`, `overdue` and `long_overdue` name thresholds; without the last two the general multiples of the
    interval hold.

    `baseline`: owed from the first day and overdue after `grace`; otherwise first due one interval after `since`.
    `once`: not owed any more when done. `not_before`: never overdue before then.
    """

    code: str
    name: str
    since: Entry
    context: str
    last: Entry | None
    interval: str
    counts_from: date | None = None
    baseline: bool = True
    once: bool = False
    grace: str = "schedule_baseline_grace"
    overdue: str | None = None
    long_overdue: str | None = None
    not_before: datetime | None = None


@dataclass(slots=True)
class Owed:
    """What is owed at a moment, the moments at which time alone changes that, and, where a low risk spares the patient
    scans, the entries that show it."""

    items: list[Obligation] = field(default_factory=list)
    changes: list[datetime] = field(default_factory=list)
    spared_scans: tuple[Entry, ...] = ()


def obligations(chart: Chart, protocol: Protocol, now: datetime) -> Owed:
    """Everything owed at `now`, of a chart cut to what was known then."""
    return chart.derived(("obligations", protocol.version, now), lambda: _Reader(chart, protocol, now).read())


class _Reader:
    """Reads one chart at one moment, row by row of the reference."""

    def __init__(self, chart: Chart, protocol: Protocol, now: datetime) -> None:
        self.chart, self.protocol, self.now = chart, protocol, now
        self.items: list[Obligation] = []
        self.changes: list[datetime] = []
        self.spared_scans: tuple[Entry, ...] = ()
        done = scans(chart)
        self.scanned: Entry | None = (done[-1].response or done[-1].lesions[0]) if done else None

    def read(self) -> Owed:
        """What is owed."""
        state = self.chart.state()
        if state == "ned-resected":
            self._after_resection()
        elif state in RESIDUAL:
            self._residual()
        elif state in ("unknown", "pre-op"):
            self._before_diagnosis()
        self._scans_of_treatment()
        course = last_course(self.chart, self.now)
        if course is not None and course.ended is None:
            self._on_analogue(course)
        elif course is not None:
            self._after_analogue(course)
        return Owed(self.items, self.changes, self.spared_scans)

    def _after_resection(self) -> None:
        operation = _last_procedure(self.chart, "resection")
        since: Entry = operation or _run_of_states(self.chart, ("ned-resected",))[0]
        owe = partial(
            Obligation,
            since=since,
            context=say("since the resection of {date}", date=day(since))
            if operation
            else say("stated as resected on {date}", date=day(since)),
            baseline=False,
            counts_from=date_utc(since.effective) + timedelta(days=1),
        )
        glucagon, skin = self._measured("glucagon"), self._skin()
        self.items += (
            owe(
                code="glucagon", name=say("glucagon"), last=glucagon, interval=self._resected_interval(since, glucagon)
            ),
            owe(code="skin", name=say("skin assessment"), last=skin, interval=self._resected_interval(since, skin)),
        )
        end = on_day(since.effective, self.protocol["schedule_ned_scan_end"])
        self.changes.append(end)
        self.spared_scans = low_risk(self.chart)
        if self.spared_scans or self.now >= end:
            return
        # A scan of the first weeks looks at the operation, not yet for the tumour.
        early = self.scanned is None or _days(since, self.scanned) < self.protocol["schedule_ned_scan_first"] / 2
        interval = "schedule_ned_scan_first" if early else "schedule_ned_scan"
        self.items.append(owe(code="scan", name=say("CT or MRI"), last=self.scanned, interval=interval))

    def _resected_interval(self, since: Entry, last: Entry | None) -> str:
        if last is None or _days(since, last) < self.protocol["schedule_first_year"]:
            return "schedule_ned_first"
        return "schedule_ned" if _days(since, last) < self.protocol["schedule_fifth_year"] else "schedule_ned_late"

    def _residual(self) -> None:
        since = _run_of_states(self.chart, RESIDUAL)[0]
        owe = partial(Obligation, since=since, context=say("residual disease stated on {date}", date=day(since)))
        scan = "schedule_stable_scan" if self._stable_for_long() else "schedule_residual_scan"
        self.items += (
            owe(code="glucagon", name=say("glucagon"), last=self._measured("glucagon"), interval="schedule_residual"),
            owe(code="skin", name=say("skin assessment"), last=self._skin(), interval="schedule_residual"),
            owe(code="scan", name=say("CT or MRI"), last=self.scanned, interval=scan),
        )

    def _stable_for_long(self) -> bool:
        run = _run_of_states(self.chart, ("residual-stable",))
        if not run:
            return False
        progressed = [scan.at for scan in scans(self.chart) if scan.progression]
        return self._passed(max([run[0].effective, *progressed]), "schedule_stable_after")

    def _before_diagnosis(self) -> None:
        """A rash or a lesion of unknown cause, and nobody has ever measured glucagon."""
        if self.chart.of("glucagon"):
            return
        rash = next((s for s in self.chart.skin if s.overall in ("active", "worse") or (s.iga or 0) >= 2), None)
        lesion = next((r for r in self.chart.lesions if r.state not in ("absent", "not-evaluable")), None)
        signs: list[tuple[Entry, str]] = [(rash, say("rash"))] if rash else []
        signs += [(lesion, say("lesion"))] if lesion else []
        if not signs:
            return
        since, sign = min(signs, key=lambda s: (s[0].effective, s[0].record))
        self.items.append(
            Obligation(
                code="glucagon",
                name=say("glucagon"),
                since=since,
                context=say("{sign} seen on {date}", sign=sign, date=day(since)),
                last=None,
                interval="schedule_residual",
                grace="schedule_diagnosis_grace",
            )
        )

    def _scans_of_treatment(self) -> None:
        """A scan after PRRT, or under a systemic drug, takes the place of the one the state asks for."""
        cycle, drug = _last_procedure(self.chart, "prrt"), _systemic(self.chart)
        owe = partial(Obligation, code="scan", name=say("CT or MRI"), last=self.scanned)
        if cycle is not None and (self.scanned is None or self.scanned.effective < cycle.effective):
            owed = owe(
                since=cycle,
                context=say("since PRRT of {date}", date=day(cycle)),
                interval="schedule_prrt_scan",
                baseline=False,
                counts_from=date_utc(cycle.effective),
            )
        elif drug is not None:
            owed = owe(
                since=drug,
                context=say("on {drug} since {date}", drug=drug.drug, date=day(drug)),
                interval="schedule_systemic_scan",
            )
        else:
            return
        self.items = [*(item for item in self.items if item.code != "scan"), owed]

    def _on_analogue(self, course: AnalogueCourse) -> None:
        if course.lapses is not None:
            self.changes.append(course.lapses)
        owe = partial(
            Obligation, since=course.start, context=say("on an analogue since {date}", date=day(course.start))
        )
        hba1c = _latest(self._measured("hba1c"), *self.chart.sensor_days[-1:])
        ecg = self._measured("qtc")
        self.items += (
            owe(code="hba1c", name=say("HbA1c"), last=hba1c, interval="schedule_hba1c"),
            owe(
                code="ecg",
                name=say("ECG"),
                last=ecg,
                interval="schedule_baseline_grace",
                counts_from=date.min,
                once=True,
            ),
            *(
                owe(code=code, name=name, last=self._measured(*analytes), interval=f"schedule_{code.replace('-', '_')}")
                for code, name, analytes in _YEARLY
            ),
        )
        # Low vitamins are checked again by the rule that found them.
        signs = [s for s in absorption_signs(self.chart, self.protocol, self.now) if s.name != "vitamins"]
        self.changes += (sign.lapses for sign in signs)
        vitamins = "schedule_vitamins_absorption" if signs else "schedule_vitamins"
        self.items += (
            owe(code=code, name=name, last=self._measured(*analytes), interval=vitamins)
            for code, name, analytes in _VITAMINS
        )
        young = course.drug in _PASIREOTIDE and not self._passed(course.start.effective, "schedule_pasireotide_first")
        liver = self._measured("alp", "alt", "bilirubin")
        interval = "schedule_pasireotide_liver" if young else "schedule_liver"
        self.items.append(owe(code="liver", name=say("liver enzymes and bilirubin"), last=liver, interval=interval))
        if young:
            glucose = self._glucose()
            self.items.append(
                owe(
                    code="glucose-fasting",
                    name=say("fasting glucose"),
                    last=glucose,
                    interval="schedule_pasireotide_glucose",
                )
            )
        self._glucose_after_change()
        if not gallbladder_removed(self.chart):
            self.items.append(
                owe(
                    code="ultrasound",
                    name=say("biliary ultrasound"),
                    last=self._ultrasound(),
                    counts_from=date.min,
                    interval="ultrasound_interval",
                    grace="ultrasound_first",
                    overdue="ultrasound_overdue",
                    long_overdue="ultrasound_long_overdue",
                    not_before=beyond(course.start.effective, self.protocol["ultrasound_first"]),
                )
            )

    def _glucose_after_change(self) -> None:
        # A running course has at least the step that began it.
        step = next(s for s in reversed(analogue_steps(self.chart)) if s.changed)
        settled = on_day(step.entry.effective, self.protocol["glucose_after_change"])
        hba1c = self._measured("hba1c")
        # HbA1c tells of a change only when it is drawn a while after it.
        late = hba1c if hba1c is not None and hba1c.effective >= settled else None
        self.items.append(
            Obligation(
                code="glucose-after-change",
                name=say("glucose"),
                since=step.entry,
                context=say("{drug} started or changed on {date}", drug=step.drug, date=day(step.entry)),
                last=_latest(self._glucose(), late),
                counts_from=date_utc(step.entry.effective),
                interval="glucose_after_change",
                grace="glucose_after_change",
                once=True,
            )
        )

    def _after_analogue(self, course: AnalogueCourse) -> None:
        owe = partial(
            Obligation,
            context=say("{drug} stopped, last dose on {date}", drug=course.drug, date=day(course.last_dose)),
            baseline=False,
        )
        ended = course.ended or self.now
        exposed = (date_utc(ended) - date_utc(course.start.effective)).days
        watched = not self._passed(course.last_dose.effective, "ultrasound_stopped_watch")
        if watched and exposed >= self.protocol["ultrasound_least_exposure"] and not gallbladder_removed(self.chart):
            self.items.append(
                owe(
                    code="ultrasound",
                    name=say("biliary ultrasound"),
                    since=course.start,
                    last=self._ultrasound(),
                    counts_from=date.min,
                    interval="ultrasound_stopped_interval",
                    overdue="ultrasound_long_overdue",
                    long_overdue="ultrasound_stopped_watch",
                    not_before=on_day(ended, 0),
                )
            )
        if course.drug not in _PASIREOTIDE:
            return
        for code, name, last, interval in (
            ("glucose-fasting", say("fasting glucose"), self._glucose(), "schedule_pasireotide_stopped_glucose"),
            ("hba1c", say("HbA1c"), self._measured("hba1c"), "schedule_pasireotide_stopped_hba1c"),
        ):
            # Half the time after the last dose the effect of the drug has begun to wear off.
            settled = date_utc(on_day(course.last_dose.effective, self.protocol[interval] / 2))
            self.items.append(
                owe(
                    code=code,
                    name=name,
                    since=course.last_dose,
                    last=last,
                    interval=interval,
                    counts_from=settled,
                    once=True,
                )
            )

    def _passed(self, start: datetime, threshold: str) -> bool:
        """Whether more days than the threshold have passed since `start`; when that happens is a change."""
        end = beyond(start, self.protocol[threshold])
        self.changes.append(end)
        return self.now >= end

    def _measured(self, *analytes: str) -> Result | None:
        """The last result of any of the analytes; a sample whose result may still be on its way counts."""
        for result in reversed(self.chart.of(*analytes)):
            if not says_nothing(result):
                return result
            back = back_by(result, self.protocol)
            if self.now < back:
                self.changes.append(back)
                return result
        return None

    def _glucose(self) -> Entry | None:
        return _latest(self._measured("glucose", "glucose-fasting"), *self.chart.sensor_days[-1:])

    def _skin(self) -> Entry | None:
        return self.chart.skin[-1] if self.chart.skin else None

    def _ultrasound(self) -> Entry | None:
        return next((u for u in reversed(self.chart.biliary) if u.gallbladder != "not-seen"), None)


def _latest(*entries: Entry | None) -> Entry | None:
    return max((e for e in entries if e is not None), key=lambda e: (e.effective, e.record), default=None)


def _days(since: Entry, entry: Entry) -> int:
    return (date_utc(entry.effective) - date_utc(since.effective)).days


def _last_procedure(chart: Chart, name: str) -> Therapy | None:
    return next((t for t in reversed(chart.therapy) if t.kind == "procedure" and t.procedure == name), None)


def _run_of_states(chart: Chart, names: tuple[DiseaseStateName, ...]) -> tuple[DiseaseState, ...]:
    """The statements at the end of the chart that all name one of these states, oldest first."""
    run: list[DiseaseState] = []
    for stated in reversed(chart.states):
        if stated.state not in names:
            break
        run.append(stated)
    return tuple(reversed(run))


def _systemic(chart: Chart) -> Therapy | None:
    """The latest begun of the systemic drugs that are being given."""
    begun: dict[str, Therapy] = {}
    for entry in chart.therapy:
        if entry.drug is not None and is_antitumour(entry.drug):
            if entry.kind == "stop":
                begun.pop(entry.drug, None)
            else:
                begun.setdefault(entry.drug, entry)
    return max(begun.values(), key=lambda t: (t.effective, t.record), default=None)
