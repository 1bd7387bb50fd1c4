"""The course of a marker: epochs, nadir, and the rises that chance does not explain (clinical reference section 4.4).

    provisional  a valid sample above its upper limit, at least one reference change value and one absolute step above
                 the nadir of its epoch
    confirmed    the next valid sample, 7-200 days later, is such a rise too and keeps nine tenths of the first
    doubling     both are twice the larger of nadir and upper limit

An epoch ends at surgery, PRRT, embolisation, ablation, a new systemic drug and every change of the analogue; results of
different assays are never compared. So that changes of the analogue cannot hide a slow drift, a second comparison runs
across them: twice the lowest nadir of all analogue steps, confirmed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clinical.assay import NO_RESULT, Assay, above_limit, assays_of
from clinical.chart import Chart, Result
from clinical.epochs import boundaries, epoch_at
from clinical.nadir import Nadir, Pool
from clinical.numbers import reaches
from clinical.protocol import Protocol
from clinical.saying import Figure, say
from clinical.therapy import injections
from clinical.validity import disqualified
from clinical.values import value
from clinical.variation import rcv_up
from clinical.wording import days_between, listed


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRule:
    """Names of the protocol entries that hold for one marker."""

    cv_within: str
    cv_analytical: str
    least_rise: str | None


MARKERS = {
    "glucagon": MarkerRule(
        cv_within="glucagon_cv_within", cv_analytical="glucagon_cv_analytical", least_rise="glucagon_least_rise"
    ),
    "chromogranin-a": MarkerRule(
        cv_within="chromogranin_cv_within", cv_analytical="chromogranin_cv_analytical", least_rise=None
    ),
}


@dataclass(slots=True, kw_only=True, eq=False)
class Sample:
    """A result as the course judges it.

    `nadir`, `rcv` and `limit` are what it was compared with: `limit` is the value from which it would be a rise.
    `rise` is the bare arithmetic; `provisional` a rise of a valid sample. `first` is the sample a run of rises began
    with, None for that sample itself. `not_compared` says in words why a number had nothing to be compared with.
    """

    result: Result
    assay: Assay
    epoch: int
    upper: float | None
    above: bool | None
    phase: int | None
    invalid_because: tuple[str, ...]
    nadir: Nadir | None = None
    rcv: float | None = None
    limit: float | None = None
    rise: bool = False
    provisional: bool = False
    confirmed: bool = False
    doubling: bool = False
    first: Sample | None = None
    not_compared: str | None = None
    across: Rise | None = None
    valid: bool = field(init=False)
    least: float | None = field(init=False)
    number: float | None = field(init=False)

    def __post_init__(self) -> None:
        self.valid = not self.invalid_because
        self.least = None if self.result.comparator in ("<", "<=") else self.result.value
        self.number = self.result.number


@value
class Rise:
    """A rise that stands: its first sample, its latest, and what they were compared with."""

    first: Sample
    last: Sample
    nadir: Nadir
    limit: float
    rcv: float | None
    confirmed: bool
    doubling: bool
    across_changes: bool = False


@value
class Epoch:
    """A stretch of one treatment and one assay. `start` is None for what lies before the first recorded treatment."""

    number: int
    start: datetime | None
    reason: str
    assay: str
    baseline: Sample | None
    nadir: Nadir | None


@value
class MarkerCourse:
    """All samples of a marker, its epochs, and the rise that stands now, if one does.

    `across` is a confirmed rise over the lowest nadir of several analogue steps.
    """

    analyte: str
    samples: tuple[Sample, ...]
    epochs: tuple[Epoch, ...]
    rise: Rise | None
    across: Rise | None


@dataclass(slots=True)
class _Track:
    """One line of comparison: the pool its nadir comes from and the run of rises that is going on. `invalid` holds what
    may set no nadir: only another invalid sample is held against it, to say that it would have been a rise."""

    pool: Pool = field(default_factory=Pool)
    invalid: Pool = field(default_factory=Pool)
    run: list[Sample] = field(default_factory=list)
    confirmed: bool = False
    doubling: bool = False

    def end(self) -> None:
        self.run.clear()
        self.confirmed = self.doubling = False


def marker_course(chart: Chart, protocol: Protocol, analyte: str = "glucagon") -> MarkerCourse:
    """The course of `analyte` (glucagon or chromogranin-a) in this chart, in canonical units. Raises KeyError else."""
    return chart.derived(("course", analyte, protocol.version), lambda: _course(chart, protocol, analyte))


def _course(chart: Chart, protocol: Protocol, analyte: str) -> MarkerCourse:
    judge = _Comparison(chart, protocol, MARKERS[analyte])
    samples = _samples(chart, protocol, analyte)
    epochs: defaultdict[tuple[int, int], _Track] = defaultdict(_Track)
    drifts: defaultdict[tuple[int, int], _Track] = defaultdict(_Track)
    stretch_of = _stretches(chart)
    for sample in samples:
        judge.within_epoch(sample, epochs[sample.epoch, id(sample.assay)])
        judge.across_changes(sample, drifts[stretch_of[sample.epoch], id(sample.assay)])
    return MarkerCourse(
        analyte=analyte,
        samples=samples,
        epochs=_epochs(chart, protocol, samples, epochs),
        rise=_standing(samples),
        across=next((s.across for s in reversed(samples) if s.valid and s.least is not None), None),
    )


def telling_samples(chart: Chart, protocol: Protocol) -> tuple[Sample, ...]:
    """The valid samples of glucagon of which it is known whether they lie above their limit, oldest first."""
    return chart.derived(
        ("telling-samples", protocol.version),
        lambda: tuple([s for s in marker_course(chart, protocol).samples if s.valid and s.above is not None]),
    )


def _samples(chart: Chart, protocol: Protocol, analyte: str) -> tuple[Sample, ...]:
    results = [r for r in chart.of(analyte) if r.status not in NO_RESULT]
    if not results:
        return ()
    dates = [t.effective.date() for t in injections(chart)]
    samples = []
    for result, (assay, upper) in zip(results, assays_of(results), strict=True):
        given = bisect_left(dates, result.effective.date())
        samples.append(
            Sample(
                result=result,
                assay=assay,
                epoch=epoch_at(chart, result.effective),
                upper=upper,
                above=above_limit(result, upper),
                phase=(result.effective.date() - dates[given - 1]).days if given else None,
                invalid_because=disqualified(result, chart, protocol),
            )
        )
    return tuple(samples)


def _stretches(chart: Chart) -> list[int]:
    """For each treatment epoch, the number of the stretch in which nothing but the analogue changed."""
    stretches = [0]
    for boundary in boundaries(chart):
        stretches.append(stretches[-1] + (boundary.kind != "analogue"))
    return stretches


class _Comparison:
    """The comparison of one sample with what came before it, under one protocol."""

    def __init__(self, chart: Chart, protocol: Protocol, marker: MarkerRule) -> None:
        self._chart = chart
        self._protocol = protocol
        self._cv_within = protocol[marker.cv_within]
        self._cv_analytical = protocol[marker.cv_analytical]
        self._least_rise = protocol[marker.least_rise] if marker.least_rise else 0.0
        self._rcv = rcv_up(self._cv_analytical, self._cv_within)
        self._window = protocol["phase_window"]
        self._least_results = int(protocol["own_cv_least_results"])
        self._results_after = int(protocol["own_cv_results_after"])
        self._outlier = protocol["own_cv_outlier"]
        self._drift_factor = protocol["drift_factor"]

    def within_epoch(self, sample: Sample, track: _Track) -> None:
        """Compare a sample with its epoch and keep it there: in the run of rises, or among those that set the nadir."""
        number = sample.number
        sample.nadir = track.pool.nadir(sample.phase, self._window)
        overall = sample.nadir or track.pool.nadir() or (None if sample.valid else track.invalid.nadir())
        if overall is not None:
            sample.rcv = self._own_rcv(track.pool)
            sample.limit = max(overall.value * (1 + sample.rcv), overall.value + self._least_rise)
            self._call(sample, phase_known=sample.nadir is not None or not sample.valid)
        if not sample.valid:
            if number is not None and not sample.rise:
                track.invalid.add(number, sample.result.effective, sample.phase)
            return
        sample.provisional = sample.rise
        if sample.provisional:
            self._join_run(sample, track)
        elif sample.not_compared is None or sample.above is False:
            self._no_rise(sample, track)
        elif number is not None and sample.upper is not None:
            track.pool.add(number, sample.result.effective, sample.phase)

    def across_changes(self, sample: Sample, track: _Track) -> None:
        """Compare a sample with the lowest nadir of all analogue steps of its stretch."""
        number = sample.number
        if not sample.valid or (sample.above is not False and sample.least is None):
            return
        nadir = track.pool.nadir(sample.phase, self._window)
        limit = None if nadir is None else nadir.value * self._drift_factor
        if nadir is None or limit is None or not self._drifted(sample, nadir, limit):
            if track.run and sample.above is not None:
                track.end()
            if number is not None:
                track.pool.add(number, sample.result.effective, sample.phase)
            return
        first = self._confirmed_by(sample, track.run)
        track.run.append(sample)
        track.confirmed = track.confirmed or first is not None
        if track.confirmed and epoch_at(self._chart, nadir.at) < sample.epoch:
            track.doubling = track.doubling or self._doubles(sample, track.run, nadir)
            sample.across = Rise(
                first=track.run[0],
                last=sample,
                nadir=nadir,
                limit=limit,
                rcv=None,
                confirmed=True,
                doubling=track.doubling,
                across_changes=True,
            )

    def _own_rcv(self, pool: Pool) -> float:
        own = pool.stable_cv(
            self._least_results, self._cv_analytical, self._rcv, after=self._results_after, outlying=self._outlier
        )
        return self._rcv if own is None or own <= self._cv_within else rcv_up(self._cv_analytical, own)

    def _call(self, sample: Sample, *, phase_known: bool) -> None:
        """Set `rise`, or say why the number could not be compared."""
        if sample.least is None or sample.limit is None or not reaches(sample.least, sample.limit):
            # `>x` below the limit may or may not be a rise.
            if sample.result.comparator in (">", ">=") and sample.above:
                sample.not_compared = say("only a lower bound is known")
            return
        if sample.above is None:
            sample.not_compared = say("its upper limit is not recorded")
        elif sample.above and not phase_known:
            sample.not_compared = say(
                "no earlier result within {n} days of the same phase of the injection cycle",
                n=Figure(f"{self._window:.0f}"),
            )
        else:
            sample.rise = sample.above

    def _join_run(self, sample: Sample, track: _Track) -> None:
        first = self._confirmed_by(sample, track.run)
        if first is not None and sample.nadir is not None:
            track.confirmed = True
            track.doubling = track.doubling or self._doubles(sample, track.run, sample.nadir)
        sample.first = track.run[0] if track.run else None
        track.run.append(sample)
        sample.confirmed, sample.doubling = track.confirmed, track.doubling

    def _no_rise(self, sample: Sample, track: _Track) -> None:
        if sample.least is None and sample.above is not False:
            return
        if track.run:
            if not track.confirmed:
                for rise in track.run:
                    if rise.number is not None:
                        track.pool.take_back(rise.number)
            track.end()
        number = sample.number
        if number is not None:
            track.pool.add(number, sample.result.effective, sample.phase)

    def _confirmed_by(self, sample: Sample, run: list[Sample]) -> Sample | None:
        return next((earlier for earlier in run if self._confirms(sample, earlier)), None)

    def _confirms(self, sample: Sample, earlier: Sample) -> bool:
        apart = days_between(earlier.result, sample.result)
        in_time = self._protocol["confirm_earliest"] <= apart <= self._protocol["confirm_latest"]
        kept = self._protocol["confirm_least_fraction"] * (earlier.least or 0.0)
        return in_time and reaches(sample.least or 0.0, kept)

    def _doubles(self, sample: Sample, run: list[Sample], nadir: Nadir) -> bool:
        return any(self._doubled(sample, earlier, nadir) and self._confirms(sample, earlier) for earlier in run)

    def _doubled(self, sample: Sample, earlier: Sample, nadir: Nadir) -> bool:
        factor = self._protocol["doubling_factor"]
        return all(
            s.least is not None and s.upper is not None and reaches(s.least, factor * max(nadir.value, s.upper))
            for s in (sample, earlier)
        )

    def _drifted(self, sample: Sample, nadir: Nadir, limit: float) -> bool:
        least = sample.least
        if least is None or sample.above is not True:
            return False
        return reaches(least, limit) and reaches(least - nadir.value, self._least_rise)


def _standing(samples: tuple[Sample, ...]) -> Rise | None:
    """The rise that stands: the latest of an assay in the latest treatment epoch that was sampled, not ended by a later
    sample of that assay that is no rise or by one of any assay that is not above its own limit."""
    valid = [s for s in samples if s.valid]
    if not valid:
        return None
    seen: list[Assay] = []
    standing: list[Sample] = []
    for sample in reversed(valid):
        if sample.epoch != valid[-1].epoch:
            break
        tells = sample.not_compared is None and (sample.least is not None or sample.above is False)
        if tells and not any(a is sample.assay for a in seen):
            seen.append(sample.assay)
            if sample.provisional:
                standing.append(sample)
        if sample.above is False:
            break
    if not standing:
        return None
    best = max(standing, key=lambda s: (s.confirmed, s.doubling))
    if best.nadir is None or best.limit is None:
        return None
    return Rise(
        first=best.first or best,
        last=best,
        nadir=best.nadir,
        limit=best.limit,
        rcv=best.rcv,
        confirmed=best.confirmed,
        doubling=best.doubling,
    )


def _epochs(
    chart: Chart, protocol: Protocol, samples: tuple[Sample, ...], tracks: dict[tuple[int, int], _Track]
) -> tuple[Epoch, ...]:
    starts = boundaries(chart)
    delay = timedelta(days=protocol["baseline_delay"])
    found: list[Epoch] = []
    for key, track in tracks.items():
        members = [s for s in samples if (s.epoch, id(s.assay)) == key]
        number = key[0]
        boundary = starts[number - 1] if number else None
        since = boundary.moment + delay if boundary else members[0].result.effective
        same_moment = [b.reason for b in starts if boundary and b.moment == boundary.moment]
        found.append(
            Epoch(
                number=number,
                start=boundary.moment if boundary else None,
                reason=listed(same_moment) if boundary else say("before the first recorded treatment"),
                assay=members[0].assay.named(),
                baseline=next((s for s in members if s.valid and s.result.effective >= since), None),
                nadir=track.pool.nadir(),
            )
        )
    return tuple(found)
