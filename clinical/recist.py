"""RECIST 1.1 from measured lesions (Eisenhauer, Eur J Cancer 2009;45:228), in exact integers.

Lengths are tenths of a millimetre, so that a boundary is a boundary: 20 % is `100 * sum >= 120 * nadir`, never a
rounded quotient. What was not read is not read: a missing target lesion makes the visit not evaluable, unless the
lesions that were read already show progression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby
from typing import Literal

from clinical.chart import Lesion
from clinical.saying import Figure, chained, say
from clinical.values import value

TargetResponse = Literal["CR", "PR", "SD", "PD", "NE"]
NonTargetResponse = Literal["CR", "non-CR/non-PD", "PD", "NE"]
Overall = Literal["CR", "PR", "SD", "PD", "NE", "non-CR/non-PD", "NED", "equivocal", "recurrence"]
NewLesion = Literal["no", "equivocal", "yes"]

TOO_SMALL_TENTHS = 50
NORMAL_NODE_TENTHS = 100
_LEAST_GROWTH_TENTHS = 50
_RECEPTOR_IMAGING = (
    *("pet", "spect", "scintigraphy", "dota", "sstr", "srs"),
    *("receptor", "somatostatin", "octreoscan", "octreotide", "pentetreotide"),
)


@value
class VisitAssessment:
    """One scan date. `sum_mm` is the sum over the target lesions that were read, `baseline` and `nadir` the sums it is
    compared with (mm; the nadir is the lowest before this visit, baseline included). At the baseline `overall` is None.
    `signed` tells whether every lesion row of the visit was signed by its reader."""

    scan_date: date
    sum_mm: float | None
    baseline: float | None
    nadir: float | None
    target: TargetResponse | None
    non_target: NonTargetResponse | None
    new: NewLesion
    overall: Overall | None
    reason: str
    signed: bool
    records: tuple[str, ...]


@cache
def is_receptor_imaging(modality: str | None) -> bool:
    """Whether a modality shows somatostatin receptors (PET, scintigraphy) and not the size of a lesion."""
    return modality is not None and any(word in modality.lower() for word in _RECEPTOR_IMAGING)


def assess(lesions: Iterable[Lesion]) -> tuple[VisitAssessment, ...]:
    """Every scan date of one patient, oldest first, assessed by RECIST 1.1.

    The first date is the baseline: its target and non-target lesions are followed. Rows of receptor imaging are left
    out, a focus there is no RECIST lesion. Without target and non-target lesions (no evidence of disease) the overall
    answer is NED, equivocal or recurrence.
    """
    rows = sorted((r for r in lesions if not is_receptor_imaging(r.modality)), key=lambda r: (r.effective, r.record))
    visits = [(day, tuple(group)) for day, group in groupby(rows, key=lambda r: r.effective.date())]
    if not visits:
        return ()
    series = _Series(visits[0][1], confirmed_new={r.lesion for r in rows if _newness(r) == "yes"})
    return tuple(series.assess(day, group, is_baseline=number == 0) for number, (day, group) in enumerate(visits))


def target_response(
    total: int,
    baseline: int,
    nadir: int,
    *,
    complete: bool = True,
    all_gone: bool = False,
    was_complete_response: bool = False,
) -> TargetResponse:
    """The response of the target lesions from sums in tenths of a millimetre.

    `complete`: every target lesion was read. `all_gone`: none is left but nodes below 10 mm. `was_complete_response`:
    an earlier visit was CR, so that any lesion coming back is progression.
    """
    if complete and all_gone:
        return "CR"
    if 100 * total >= 120 * nadir and total - nadir >= _LEAST_GROWTH_TENTHS:
        return "PD"
    if was_complete_response and nadir == 0 and total > 0:
        return "PD"
    if not complete:
        return "NE"
    return "PR" if 100 * total <= 70 * baseline else "SD"


def change_tenths(total: int, other: int) -> int | None:
    """The change of a sum against another in tenths of a percent, cut off and not rounded: what is shown as 20.0 % has
    reached 20 %. None against zero."""
    if not other:
        return None
    change = 1000 * abs(total - other) // other
    return change if total >= other else -change


def overall_response(
    target: TargetResponse | None, non_target: NonTargetResponse | None, new: NewLesion
) -> Overall | None:
    """The overall response from its parts (Eisenhauer 2009, tables 1 and 2). None when there is neither part."""
    if new == "yes" or target == "PD" or non_target == "PD":
        return "PD"
    if target is None:
        return non_target
    if target == "CR":
        return "CR" if non_target in (None, "CR") else "PR"
    return target


@dataclass(frozen=True, slots=True)
class _TargetSum:
    total: int
    missing: tuple[str, ...]
    all_gone: bool
    regrowing_node: bool


class _Series:
    """One patient's lesions from the baseline on: which are followed, and the lowest sum so far (tenths of mm)."""

    def __init__(self, baseline_rows: Sequence[Lesion], confirmed_new: set[str]) -> None:
        self._nodes = {r.lesion for r in baseline_rows if r.node}
        # What each baseline target lesion is made of now: itself, its parts, or the lesion it merged into.
        self._parts: dict[str, tuple[str, ...]] = {r.lesion: (r.lesion,) for r in baseline_rows if r.role == "target"}
        self._non_targets = {r.lesion for r in baseline_rows if r.role == "non-target"}
        # A lesion that was new on the baseline scan of a later series is old disease for that series.
        self._old = {r.lesion for r in baseline_rows if _newness(r) == "yes"} if self._followed else set()
        self._non_targets |= self._old
        self._confirmed_new = confirmed_new
        self._baseline: int | None = None
        self._nadir: int | None = None
        self._was_cr = False

    def assess(self, day: date, rows: tuple[Lesion, ...], *, is_baseline: bool) -> VisitAssessment:
        by_lesion = _one_row_each(rows)
        self._follow(by_lesion)
        read = self._target_sum(by_lesion)
        followed = self._followed
        target = None if is_baseline or not self._parts else self._target(read)
        non_target = None if is_baseline else self._non_target(by_lesion)
        new: NewLesion = "no" if is_baseline and followed else self._new(rows)
        if not followed:
            overall: Overall | None = _WITHOUT_DISEASE[new]
        else:
            overall = None if is_baseline else overall_response(target, non_target, new)
        visit = VisitAssessment(
            scan_date=day,
            sum_mm=read.total / 10 if self._parts and len(read.missing) < len(self._parts) else None,
            baseline=_mm(self._baseline),
            nadir=_mm(self._nadir),
            target=target,
            non_target=non_target,
            new=new,
            overall=overall,
            reason=self._reason(target, non_target, new, read),
            signed=all(r.signed for r in rows),
            records=tuple(r.record for r in rows),
        )
        if self._parts and not read.missing:
            self._baseline = read.total if self._baseline is None else self._baseline
            self._nadir = read.total if self._nadir is None else min(self._nadir, read.total)
            self._was_cr = self._was_cr or target == "CR"
        return visit

    @property
    def _followed(self) -> bool:
        return bool(self._parts or self._non_targets)

    def _follow(self, rows: Mapping[str, Lesion]) -> None:
        for lesion, parts in self._parts.items():
            now: list[str] = []
            for part in parts:
                row = rows.get(part)
                into = [p.strip() for p in (row.into or "").split(";") if p.strip()] if row else []
                now += into if row and row.state in ("split", "merged") and into else [part]
            self._parts[lesion] = tuple(dict.fromkeys(now))

    def _target_sum(self, rows: Mapping[str, Lesion]) -> _TargetSum:
        total, missing, all_gone, regrowing = 0, [], True, False
        for lesion in dict.fromkeys(part for parts in self._parts.values() for part in parts):
            row = rows.get(lesion)
            length = None if row is None else _length(row)
            if row is None or length is None:
                missing.append(lesion)
                continue
            total += length
            node = row.node or lesion in self._nodes
            all_gone = all_gone and (length < NORMAL_NODE_TENTHS if node else length == 0)
            regrowing = regrowing or (node and NORMAL_NODE_TENTHS <= length < _MEASURABLE_NODE_TENTHS)
        return _TargetSum(total, tuple(missing), all_gone and not missing, regrowing)

    def _target(self, read: _TargetSum) -> TargetResponse:
        if self._baseline is None or self._nadir is None:
            return "NE"
        return target_response(
            read.total,
            self._baseline,
            self._nadir,
            complete=not read.missing,
            all_gone=read.all_gone,
            was_complete_response=self._was_cr,
        )

    def _non_target(self, rows: Mapping[str, Lesion]) -> NonTargetResponse | None:
        if not self._non_targets:
            return None
        read = [rows.get(lesion) for lesion in sorted(self._non_targets)]
        if any(r is not None and r.state == "unequivocal-progression" for r in read):
            return "PD"
        if any(r is None or r.state == "not-evaluable" for r in read):
            return "NE"
        return "CR" if all(r is not None and self._gone(r) for r in read) else "non-CR/non-PD"

    def _gone(self, row: Lesion) -> bool:
        if row.state == "absent":
            return True
        node = row.node or row.lesion in self._nodes
        return node and row.diameter_tenths is not None and row.diameter_tenths < NORMAL_NODE_TENTHS

    def _new(self, rows: Sequence[Lesion]) -> NewLesion:
        newness = {
            "yes" if r.lesion in self._confirmed_new else _newness(r)
            for r in rows
            if _newness(r) != "no" and r.lesion not in self._old
        }
        return "yes" if "yes" in newness else "equivocal" if "equivocal" in newness else "no"

    def _reason(
        self,
        target: TargetResponse | None,
        non_target: NonTargetResponse | None,
        new: NewLesion,
        read: _TargetSum,
    ) -> str:
        parts = []
        if target is not None and self._nadir is not None and self._baseline is not None:
            parts.append(_compared(read.total, self._baseline, self._nadir))
        elif self._parts:
            parts.append(say("baseline, sum {what} mm", what=Figure(f"{read.total / 10:g}")))
        if read.missing:
            parts.append(say("not evaluated: {lesions}", lesions=", ".join(read.missing)))
        if target == "PD" and read.regrowing_node:
            parts.append(say("a node below 15 mm is regrowing"))
        if non_target is not None:
            parts.append(say("non-target lesions {non_target}", non_target=non_target))
        if new != "no":
            parts.append(say("unequivocal new lesion") if new == "yes" else say("equivocal new lesion: image again"))
        if not parts:
            return say("baseline without target lesions") if self._followed else say("no lesion")
        return chained("; ", parts)


_WITHOUT_DISEASE: Mapping[NewLesion, Overall] = {"yes": "recurrence", "equivocal": "equivocal", "no": "NED"}
_MEASURABLE_NODE_TENTHS = 150


def _one_row_each(rows: Iterable[Lesion]) -> dict[str, Lesion]:
    """One row a lesion: a signed reading stands over an unsigned one, a later over an earlier."""
    return {r.lesion: r for r in sorted(rows, key=lambda r: (r.signed, r.effective, r.record))}


def _length(row: Lesion) -> int | None:
    """The length a row adds to the sum, in tenths of mm; None where it was not read."""
    if row.state == "absent":
        return 0
    if row.state == "not-evaluable":
        return None
    if row.state == "too-small" and row.diameter_tenths is None:
        return TOO_SMALL_TENTHS
    return row.diameter_tenths


def _newness(row: Lesion) -> NewLesion:
    if row.role != "new" or row.state in ("absent", "not-evaluable"):
        return "no"
    return "equivocal" if row.state == "equivocal" else "yes"


def _mm(tenths: int | None) -> float | None:
    return None if tenths is None else tenths / 10


def _compared(total: int, baseline: int, nadir: int) -> str:
    return say(
        "sum {total} mm, {over_nadir} ({grown} mm) against the nadir of {nadir} mm, {over_baseline} against the "
        "baseline of {baseline} mm",
        total=Figure(f"{total / 10:g}"),
        over_nadir=_changed(total, nadir),
        grown=Figure(f"{(total - nadir) / 10:+g}"),
        nadir=Figure(f"{nadir / 10:g}"),
        over_baseline=_changed(total, baseline),
        baseline=Figure(f"{baseline / 10:g}"),
    )


def _changed(total: int, other: int) -> str:
    change = change_tenths(total, other)
    return say("from zero") if change is None else Figure(f"{change / 10:+.1f} %")
