"""CTCAE grades of laboratory and measured terms, versions 4.03, 5.0 and 6.0.

A grade here is the highest whose *measurable* part is met (clinical reference section 6): "at least G". Symptoms and
interventions can raise it and are for the clinician to enter; where a printed grade also presumes symptoms, `why` says
what was taken for granted. Where the published grade is words alone, or a limit it needs is not recorded, the grade is
None and `why` says so. A printed limit is used in the unit of the value: CTCAE prints 55 mg/dL beside 3.0 mmol/L, which
are not quite the same glucose, and each applies to results in its own unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from types import MappingProxyType

from clinical.chart import Comparator
from clinical.ctcae_criteria import Indicator, Numbers
from clinical.ctcae_terms import VERSIONS, Term, Version, terms, terms_for
from clinical.units import UnitError, convert

_DIGITS = Context(prec=15)
_DIMENSIONLESS = frozenset({"{INR}", "[pH]"})
# Spellings of CTCAE and CDISC that can mean one unit only.
_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "MMOL/L": "mmol/L",
        "UMOL/L": "umol/L",
        "GI/L": "10^9/L",
        "10*9/L": "10^9/L",
        "10*3/uL": "10^3/uL",
        "10*3/mL": "10^3/mL",
        "/uL": "1/uL",
        "/mm3": "1/uL",
        "pH": "[pH]",
        "%{BSA}": "%",
        "INR": "{INR}",
        "{ratio}": "{INR}",
        "1": "{INR}",
        "{beats}/min": "/min",
        "bpm": "/min",
        "/d": "{stools}/d",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One measured value with the limits it is graded against; all numbers in `unit`.

    `baseline_indicator` says where the baseline lay in its own reference range; without it the baseline is compared
    with `lln` and `uln`, and without a baseline the value is graded against the limits. `percent_change` is signed,
    from baseline. A weight in `%` is the loss (Weight loss) or gain (Weight gain) itself.
    """

    value: Decimal | float | None
    unit: str | None = None
    lln: Decimal | float | None = None
    uln: Decimal | float | None = None
    baseline: Decimal | float | None = None
    percent_change: Decimal | float | None = None
    baseline_indicator: Indicator | None = None
    comparator: Comparator | None = None
    fasting: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A grade 0 to 4 of `term` in `version`, or None, and why."""

    term: str
    version: Version
    grade: int | None
    why: str


class _NotGradable(Exception):
    """Why a measurement has no grade."""


def grade(name: str, measured: Measurement, version: Version) -> Graded:
    """The grade of `measured` for a CTCAE term, a catalogue code or a LOINC code.

    A test with two terms (glucose) gives the higher grade; when neither is above 0 and one cannot be decided, the
    grade is None. Raises UnknownTerm for a name the table does not know.
    """
    graded = [_grade_term(term, measured, version) for term in terms_for(name)]
    if len(graded) == 1:
        return graded[0]
    above = [g for g in graded if g.grade]
    if above:
        return max(above, key=lambda g: g.grade or 0)
    open_ones = [g for g in graded if g.grade is None]
    return replace((open_ones or graded)[0], why="; ".join(g.why for g in graded))


def _grade_term(asked: Term, measured: Measurement, version: Version) -> Graded:
    term = _variant(asked, measured)
    label = f"{asked.name}, {VERSIONS[version]}"
    try:
        if asked.name.endswith("(Fasting)") and measured.fasting is False:
            raise _NotGradable("it is defined for fasting glucose and the sample was not fasting")
        if version not in term.criteria:
            raise _NotGradable(term.why_not(version))
        numbers = _numbers(term, measured, version)
        found, reason = _compared(term, numbers, measured.comparator, version)
    except _NotGradable as error:
        return Graded(term=asked.name, version=version, grade=None, why=f"{label}: cannot be graded: {error}")
    return Graded(term=asked.name, version=version, grade=found, why=f"{label}: {reason}")


def _variant(term: Term, measured: Measurement) -> Term:
    return terms()["Hyperglycemia (Fasting)"] if term.name == "Hyperglycemia" and measured.fasting else term


def _compared(term: Term, numbers: Numbers, comparator: Comparator | None, version: Version) -> tuple[int, str]:
    if comparator is None:
        return _graded(term, numbers, version)
    upward = comparator in (">", ">=")
    if term.direction == "change":
        raise _NotGradable(f"'{comparator}{numbers.value:f}' is not a number")
    edge = numbers.value
    if comparator == ">":
        edge = _DIGITS.next_plus(edge)
    elif comparator == "<":
        edge = _DIGITS.next_minus(edge)
    found, reason = _graded(term, replace(numbers, value=edge), version)
    if upward is (term.direction == "high"):
        return found, f"at least grade {found} for a result reported as {comparator}{numbers.value:f}: {reason}"
    if found == 0:
        return 0, f"grade 0 for every result {comparator}{numbers.value:f}"
    raise _NotGradable(f"a result reported as {comparator}{numbers.value:f} could be any grade from 0 to {found}")


def _graded(term: Term, numbers: Numbers, version: Version) -> tuple[int, str]:
    if term.elsewhere is not None and term.elsewhere[0].holds(numbers):
        raise _NotGradable(term.elsewhere[1])
    criteria = term.criteria[version]
    shown = f"{numbers.value:f} {numbers.unit or ''}".rstrip()
    for level in range(len(criteria), 0, -1):
        criterion = criteria[level - 1]
        if criterion is not None and criterion.holds(numbers):
            return level, f"{shown} is {criterion.met_by(numbers)}{_limits(numbers)}{_assumption(term, level)}"
    missing = dict.fromkeys(word for c in criteria if c is not None for word in c.missing(numbers))
    if missing:
        raise _NotGradable(f"{shown} meets no fixed limit and there is no {' and no '.join(missing)}")
    return 0, f"{shown} meets no limit{_limits(numbers)}{_assumption(term, 0)}"


def _limits(numbers: Numbers) -> str:
    known = (("LLN", numbers.lln), ("ULN", numbers.uln), ("baseline", numbers.baseline))
    shown = ", ".join(f"{name} {limit:f}" for name, limit in known if limit is not None)
    return f" ({shown})" if shown else ""


def _assumption(term: Term, level: int) -> str:
    return f"; {term.assumes[level]}" if level in term.assumes else ""


def _numbers(term: Term, measured: Measurement, version: Version) -> Numbers:
    value, lln, uln, baseline, change = (
        None if number is None else _exact(number)
        for number in (measured.value, measured.lln, measured.uln, measured.baseline, measured.percent_change)
    )
    if value is None:
        raise _NotGradable("there is no value")
    unit = _SPELLINGS.get(measured.unit.strip(), measured.unit.strip()) if measured.unit else None
    if term.direction == "change" and unit == "%":
        change, unit = (-value if term.name == "Weight loss" else value), None
    numbers = Numbers(
        value=value,
        unit=unit,
        lln=lln,
        uln=uln,
        baseline=baseline,
        percent_change=change,
        indicator=measured.baseline_indicator or _indicator(baseline, lln, uln),
    )
    return _in_printed_unit(term, numbers, version)


def _indicator(baseline: Decimal | None, lln: Decimal | None, uln: Decimal | None) -> Indicator | None:
    if baseline is None:
        return None
    if uln is not None and baseline > uln:
        return "high"
    return "low" if lln is not None and baseline < lln else "normal"


def _in_printed_unit(term: Term, numbers: Numbers, version: Version) -> Numbers:
    printed = term.printed_units(version)
    if not printed:
        if numbers.unit is not None and term.analyte is not None:
            _converted(term, numbers, numbers.unit)  # refuses a unit the test is never reported in
        return numbers
    if numbers.unit in printed:
        return numbers
    if numbers.unit is None:
        if _DIMENSIONLESS.issuperset(printed):
            return replace(numbers, unit=printed[0])
        raise _NotGradable(f"there is no unit; its limits are printed in {', '.join(printed)}")
    return _converted(term, numbers, printed[0])


def _converted(term: Term, numbers: Numbers, to: str) -> Numbers:
    unit = numbers.unit or to
    analyte = term.analyte
    if analyte is None:
        raise _NotGradable(f"unit {unit!r} is not one its limits are printed in")

    def across(number: Decimal | None) -> Decimal | None:
        return None if number is None else _exact(convert(analyte, number, unit, to))

    try:
        return replace(
            numbers,
            value=_exact(convert(analyte, numbers.value, unit, to)),
            unit=to,
            lln=across(numbers.lln),
            uln=across(numbers.uln),
            baseline=across(numbers.baseline),
        )
    except UnitError as error:
        raise _NotGradable(str(error)) from error


def _exact(number: Decimal | float) -> Decimal:
    exact = number if isinstance(number, Decimal) else Decimal(repr(number)).normalize()
    if not exact.is_finite():
        raise _NotGradable(f"{number} is not a finite number")
    return _DIGITS.plus(exact)
