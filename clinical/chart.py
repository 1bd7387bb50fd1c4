"""One patient's history as the rules see it: typed, immutable, sorted by the time it became effective.

Every entry carries `record` (where to look it up), `effective` (aware UTC; a date without time stands at 00:00 UTC of
that date and says so in `precision`) and `known_at` (when it could first have been used: the later of effective and
issued). Numbers are in the analyte's canonical unit, see `clinical.analytes`. `None` always means "not recorded",
never "normal".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import UTC, date, datetime
from itertools import chain
from operator import attrgetter
from typing import Any, Literal, TypeVar

from clinical.values import value

T = TypeVar("T")
_UNDERIVED: Any = object()
_KNOWN_AT: Callable[[Any], datetime] = attrgetter("known_at")
IN_ORDER: Callable[[Any], tuple[datetime, str]] = attrgetter("effective", "record")
"""The order of entries."""
_EVER = datetime.min.replace(tzinfo=UTC)
Precision = Literal["year", "month", "day", "minute", "second"]
Comparator = Literal["<", "<=", ">", ">="]
DiseaseStateName = Literal[
    "pre-op", "ned-resected", "residual-stable", "residual-progressing", "no-tumour-found", "unknown"
]
TherapyKind = Literal["injection", "start", "stop", "dose", "interval", "procedure"]
LesionState = Literal[
    "measured",
    "too-small",
    "absent",
    "not-evaluable",
    "present",
    "unequivocal-progression",
    "equivocal",
    "split",
    "merged",
]


@value
class Entry:
    """What every entry of a chart carries."""

    record: str
    effective: datetime
    known_at: datetime
    precision: Precision = "second"


@value
class Result(Entry):
    """A measured quantity: laboratory result, vital sign or numeric score, in the canonical unit of its analyte.

    `value` is None when the result is text only or was sent and has no result (`status == "absent"`). A comparator is
    kept: `<15` has value 15.0 and comparator `<` and is never the number 15. `disqualifiers` lists what was recorded
    against the sample: `haemolysed`, `wrong-tube`, `acute-illness`, `rescue-glucagon`, `decompensated-cirrhosis`.
    """

    analyte: str
    value: float | None = None
    comparator: Comparator | None = None
    unit: str | None = None
    text: str | None = None
    interpretation: str | None = None
    ref_low: float | None = None
    ref_high: float | None = None
    lab: str | None = None
    method: str | None = None
    fasting: bool | None = None
    status: str = "final"
    disqualifiers: tuple[str, ...] = ()

    @property
    def number(self) -> float | None:
        """The value where it is a plain number; None for a text, an absent result or a censored (`<x`, `>x`) one."""
        return self.value if self.comparator is None else None


@value
class SkinAssessment(Entry):
    """A skin examination. Signs 0-3, itch and pain 0-10, `bsa` in % of body surface, `iga` 0-4 (NME working scale)."""

    overall: Literal["clear", "improved", "stable", "active", "worse"] | None = None
    iga: int | None = None
    bsa: float | None = None
    erythema: int | None = None
    erosion: int | None = None
    crust: int | None = None
    mucosal: int | None = None
    itch: float | None = None
    pain: float | None = None
    sites: tuple[str, ...] = ()
    infection: Literal["none", "suspected", "confirmed"] | None = None
    new_drug: str | None = None
    rater: str | None = None


@value
class Lesion(Entry):
    """One lesion on one scan. `diameter_tenths`: tenths of a millimetre (short axis for nodes), an exact integer.
    `note` is the reader's remark, such as why the lesion could not be evaluated."""

    lesion: str
    role: Literal["target", "non-target", "new"]
    modality: str | None = None
    site: str | None = None
    organ: str | None = None
    node: bool = False
    diameter_tenths: int | None = None
    state: LesionState = "measured"
    into: str | None = None
    reader: str | None = None
    signed: bool = False
    note: str | None = None


@value
class Response(Entry):
    """A reader's overall verdict on a scan: CR PR SD PD NE NED. `computed` is the answer that was computed when the
    reader confirmed it or, with the reason in `text`, said something else."""

    response: Literal["CR", "PR", "SD", "PD", "NE", "NED"]
    modality: str | None = None
    reader: str | None = None
    signed: bool = False
    text: str | None = None
    computed: str | None = None


@value
class BiliaryUltrasound(Entry):
    """Coded findings of a biliary ultrasound, reference 5.3; lengths in mm. None is not assessed, False was looked for
    and is not there. `mobile` and `impacted` are of the stones, `ihbd`: the ducts within the liver are dilated."""

    stones: Literal["none", "single", "multiple"] | None = None
    sludge: bool | None = None
    wall_mm: float | None = None
    cbd_mm: float | None = None
    murphy: bool | None = None
    fluid: bool | None = None
    max_mm: float | None = None
    cbd_stone: bool | None = None
    ihbd: bool | None = None
    mobile: bool | None = None
    impacted: bool | None = None
    note: str | None = None
    gallbladder: Literal["in-situ", "absent", "not-seen", "non-fasting"] | None = None


@value
class Therapy(Entry):
    """An injection, a regimen step or a procedure; `drug` and `procedure` are the names of `clinical.therapy`.

    `decided_by` is the clinician whose decision it was, where that was recorded.
    """

    kind: TherapyKind
    drug: str | None = None
    procedure: str | None = None
    dose: float | None = None
    unit: str | None = None
    route: str | None = None
    interval_days: int | None = None
    completeness: Literal["R0", "R1", "R2"] | None = None
    intent: Literal["curative", "palliative"] | None = None
    planned_next: date | None = None
    decided_by: str | None = None
    note: str | None = None

    def stated_cure(self) -> DiseaseState | None:
        """The state a resection recorded as curative and complete (R0, R1) states by itself: no evident disease.

        Clinical reference 3 follows both as resected for cure. None for anything less; a later statement overrides it.
        """
        if (self.procedure, self.intent) != ("resection", "curative") or self.completeness not in ("R0", "R1"):
            return None
        return DiseaseState(
            record=self.record,
            effective=self.effective,
            known_at=self.known_at,
            precision=self.precision,
            state="ned-resected",
        )


@value
class Symptom(Entry):
    """A symptom that was present (`present=True`) or asked about and absent (`present=False`)."""

    name: str
    present: bool = True


@value
class DiseaseState(Entry):
    """The clinician's statement of where the disease stands, valid until the next one."""

    state: DiseaseStateName


@value
class CodedFinding(Entry):
    """A coded finding without a number: biopsy, histology, stage, grade, metastasis, culture, echo.

    `item` and `why` belong to the codes `none`, `not-asked` and `not-done`: what a visit says was not there, not asked
    or not done, and the reason.
    """

    code: str
    text: str | None = None
    site: str | None = None
    item: str | None = None
    why: str | None = None


@value
class SensorDay(Entry):
    """Daily aggregate of one glucose sensor, UTC day, values in mg/dL. HI and LO marks are counted, never numbers."""

    device: str
    count: int
    total: float
    total_squared: float
    below_54: int
    below_70: int
    above_180: int
    above_250: int
    low_marks: int
    high_marks: int
    minimum: float | None
    maximum: float | None


@value
class Chart:
    """Everything known of one patient; each tuple is sorted by `effective`, then `record`."""

    patient: str
    birth_date: date | None = None
    sex: Literal["female", "male", "other"] | None = None
    deceased: datetime | None = None
    withdrawn: datetime | None = None
    transferred: datetime | None = None
    results: tuple[Result, ...] = ()
    skin: tuple[SkinAssessment, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    responses: tuple[Response, ...] = ()
    biliary: tuple[BiliaryUltrasound, ...] = ()
    therapy: tuple[Therapy, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    states: tuple[DiseaseState, ...] = ()
    findings: tuple[CodedFinding, ...] = ()
    sensor_days: tuple[SensorDay, ...] = ()
    # What was derived from this chart, so that many rules share one derivation. The chart is immutable: it cannot age.
    _derived: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def derived(self, key: Any, derive: Callable[[], T]) -> T:
        """What `derive` says, computed once per chart and `key` (a name with whatever else it depends on)."""
        value: T = self._derived.get(key, _UNDERIVED)
        if value is _UNDERIVED:
            value = self._derived[key] = derive()
        return value

    def of(self, *analytes: str) -> tuple[Result, ...]:
        """Results of the named analytes, oldest first."""
        by_analyte = self.by_analyte()
        if len(analytes) == 1:
            return by_analyte.get(analytes[0], ())
        found = [by_analyte[analyte] for analyte in analytes if analyte in by_analyte]
        if len(found) < 2:
            return found[0] if found else ()
        return tuple(sorted(chain.from_iterable(found), key=IN_ORDER))

    def by_analyte(self) -> Mapping[str, tuple[Result, ...]]:
        """The results of each analyte that was measured, oldest first."""
        found: Mapping[str, tuple[Result, ...]] = self._derived.get("by-analyte", _UNDERIVED)
        if found is _UNDERIVED:
            found = self._derived["by-analyte"] = self._by_analyte()
        return found

    def until(self, moment: datetime) -> Chart:
        """The chart as it could have been known at `moment`: nothing effective or issued later is in it.

        The same chart where all of it was known by then. The chart of the moment asked for last is kept, no other: a
        replay asks for thousands.
        """
        if moment >= self._known_wholly():
            return self
        kept: tuple[datetime, Chart] | None = self._derived.get("until")
        if kept is None or kept[0] != moment:
            kept = self._derived["until"] = (moment, self._cut(moment))
        return kept[1]

    def _cut(self, moment: datetime) -> Chart:
        cut: dict[str, Any] = {}
        for name in ENTRY_FIELDS:
            entries: tuple[Entry, ...] = getattr(self, name)
            kept = tuple([e for e in entries if e.known_at <= moment])
            if len(kept) != len(entries):
                cut[name] = kept
        if self.deceased is not None and self.deceased > moment:
            cut["deceased"] = None
        if self.withdrawn is not None and self.withdrawn > moment:
            cut["withdrawn"] = None
        if self.transferred is not None and self.transferred > moment:
            cut["transferred"] = None
        return replace(self, **cut)

    def known_next(self, moment: datetime) -> datetime | None:
        """When, after `moment`, the next entry of this chart becomes known; None when all of it is known by then."""
        if moment >= self._known_wholly():
            return None
        later = [e.known_at for name in ENTRY_FIELDS for e in getattr(self, name) if e.known_at > moment]
        later += [at for at in (self.deceased, self.withdrawn, self.transferred) if at is not None and at > moment]
        return min(later, default=None)

    def _known_wholly(self) -> datetime:
        """When the last of this chart became known."""
        return self.derived("known-wholly", self._last_known)

    def _last_known(self) -> datetime:
        ends = [at for at in (self.deceased, self.withdrawn, self.transferred) if at is not None]
        entries: chain[Entry] = chain.from_iterable(getattr(self, name) for name in ENTRY_FIELDS)
        return max([*ends, *map(_KNOWN_AT, entries)], default=_EVER)

    def _by_analyte(self) -> dict[str, tuple[Result, ...]]:
        found: dict[str, list[Result]] = {}
        for result in self.results:
            found.setdefault(result.analyte, []).append(result)
        return {analyte: tuple(results) for analyte, results in found.items()}

    def state(self) -> DiseaseStateName:
        """The latest disease state stated; `unknown` where none was."""
        return self.states[-1].state if self.states else "unknown"


ENTRY_FIELDS = (
    "results",
    "skin",
    "lesions",
    "responses",
    "biliary",
    "therapy",
    "symptoms",
    "states",
    "findings",
    "sensor_days",
)
