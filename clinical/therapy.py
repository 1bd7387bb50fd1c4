"""Names of drugs and procedures as Nadir writes them, and the analogue regimen a patient was on at a moment.

House names tell the formulations apart (`octreotide` is the short-acting one, `octreotide-lar` the depot). ATC and
RxNorm codes: clinical reference section 11; where public lists disagree (RxNorm of lanreotide and pasireotide) the code
is not read and the text decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from clinical.chart import Chart, Therapy
from clinical.values import value

Formulation = Literal["short-acting", "long-acting"]

USUAL_INTERVAL_DAYS = 28
# A regimen known from injections alone counts as ended when three planned injections in a row are missing.
LAPSE_INTERVALS = 3
STEADY_INJECTIONS = 3
SHORT_ACTING_STEADY = timedelta(days=2)
_DEPOT_INTERVAL_DAYS = 14

_LONG_ACTING = re.compile(r"\b(lar|depot|long[- ]acting|pamoate|i\.?m\.?|intramuscular)\b", re.IGNORECASE)
_DRUGS: tuple[tuple[str, str], ...] = (
    ("lanreotide", r"lanreotide?|somatuline|H01CB03|ipstyl"),
    ("pasireotide", r"pasireotide?|signifor|H01CB05"),
    ("octreotide", r"octreotide?|sandostatine?|bynfezia|mycapssa|H01CB02|rxnorm[:| ]7617"),
    ("everolimus", r"everolimus|afinitor|L01EG02|L01XE10"),
    ("sunitinib", r"sunitinib|sutent|L01EX01|L01XE04"),
    ("cabozantinib", r"cabozantinib|L01EX07"),
    ("dacarbazine", r"dacarbazine?|dtic|L01AX04"),
    ("temozolomide", r"temozolomide?|temodal|L01AX03"),
    ("capecitabine", r"capecitabine?|xeloda|L01BC06"),
    ("streptozocin", r"streptozo(?:to)?cin|L01AD04"),
    ("fluorouracil", r"fluorouracil|5-?fu|L01BC02"),
    ("doxorubicin", r"doxorubicin|adriamycin|L01DB01"),
    ("interferon", r"interferon|L03AB"),
    ("insulin", r"insulins?|A10A[A-Z][0-9]{2}"),
    ("metformin", r"metformin|A10BA02"),
    ("empagliflozin", r"empagliflozin|A10BK03"),
    ("dapagliflozin", r"dapagliflozin|A10BK01"),
    ("sitagliptin", r"sitagliptin|A10BH01"),
    ("gliclazide", r"gliclazide|A10BB09"),
    ("glibenclamide", r"glibenclamide|glyburide|A10BB01"),
    ("glimepiride", r"glimepiride|A10BB12"),
    ("glipizide", r"glipizide|A10BB07"),
    ("repaglinide", r"repaglinide|A10BX02"),
    ("linagliptin", r"linagliptin|A10BH05"),
    ("liraglutide", r"liraglutide|A10BJ02"),
    ("semaglutide", r"semaglutide|A10BJ06"),
    ("glucagon", r"glucagon|H04AA01"),
    ("pancreatin", r"pancreatin|pancrelipase|creon|A09AA02"),
    ("zinc", r"zinc|A12CB"),
    ("amino-acids", r"amino[- ]acids?|B05BA01"),
    ("essential-fatty-acids", r"essential fatty acids?|fat emulsion|B05BA02"),
    ("b12", r"cyanocobalamin|hydroxocobalamin|vitamin b12|B03BA0[13]"),
    ("vitamin-a", r"vitamin a|retinol|A11CA01"),
    ("vitamin-d", r"vitamin d[23]?|[ck]h?olecalciferol|ergocalciferol|calcifediol|A11CC0[156]"),
    ("vitamin-e", r"vitamin e|tocopherol|A11HA03"),
    ("vitamin-k", r"vitamin k1?|phytomenadione|phytonadione|B02BA01"),
    ("levothyroxine", r"levothyroxine|thyroxine|H03AA01"),
    ("ursodeoxycholic-acid", r"ursodeoxycholic acid|ursodiol|A05AA02"),
    ("warfarin", r"warfarin|phenprocoumon|acenocoumarol|B01AA0[347]"),
    ("direct-anticoagulant", r"rivaroxaban|apixaban|edoxaban|dabigatran|B01AF0[123]|B01AE07"),
    ("prednisolone", r"prednisolone|prednisone|H02AB0[67]"),
    ("dexamethasone", r"dexamethasone|H02AB02"),
    ("omeprazole", r"omeprazole|esomeprazole|pantoprazole|lansoprazole|rabeprazole|A02BC0[1-5]"),
)
_DRUG_PATTERNS = tuple(
    (name, re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])", re.IGNORECASE)) for name, words in _DRUGS
)
_PROCEDURES = tuple(
    (name, re.compile(words, re.IGNORECASE))
    for name, words in (
        ("prrt", r"\bprrt\b|peptide receptor|lutetium|lutathera|177\s*-?\s*lu|lu\s*-?\s*177|V10XX04"),
        ("embolisation", r"emboli[sz]ation|\btace\b|\btae\b|\bsirt\b|hepatic artery infusion"),
        ("ablation", r"\w*ablation|\brfa\b|microwave|cryotherapy of liver"),
        (
            "resection",
            r"resection|pancreatectomy|pancreat\w*duodenectomy|whipple|enucleation|hepatectomy|metastasectomy"
            r"|lobectomy of liver|debulking|lymphadenectomy",
        ),
        ("cholecystectomy", r"cholecystectomy"),
    )
)
_HOUSE_NAMES = frozenset({name for name, _ in _DRUGS} | {"octreotide-lar", "pasireotide-lar"})
_ANALOGUES = frozenset({"octreotide", "octreotide-lar", "lanreotide", "pasireotide", "pasireotide-lar"})
_DEPOTS = frozenset({"octreotide-lar", "lanreotide", "pasireotide-lar"})
_ANTITUMOUR = frozenset(
    {
        "everolimus",
        "sunitinib",
        "cabozantinib",
        "dacarbazine",
        "temozolomide",
        "capecitabine",
        "streptozocin",
        "fluorouracil",
        "doxorubicin",
        "interferon",
    }
)
# Drugs that give a rash of their own: named beside a skin finding, they never silence it.
RASH_DRUGS = frozenset({"everolimus", "sunitinib", "cabozantinib", "capecitabine"})
# Drugs that lower glucose, those of them that can lower it too far, and those that raise it.
HYPOGLYCAEMIC_DRUGS = frozenset({"insulin", "gliclazide", "glibenclamide", "glimepiride", "glipizide", "repaglinide"})
ANTIDIABETIC_DRUGS = HYPOGLYCAEMIC_DRUGS | {
    "metformin",
    "empagliflozin",
    "dapagliflozin",
    "sitagliptin",
    "linagliptin",
    "liraglutide",
    "semaglutide",
}
GLUCOSE_RAISING_DRUGS = frozenset({"prednisolone", "dexamethasone", "everolimus", "pasireotide", "pasireotide-lar"})
ANTICOAGULANTS = frozenset({"warfarin", "direct-anticoagulant"})


@value
class Regimen:
    """An analogue regimen in force. `since` is when this drug, dose and interval began, `started` when the unbroken
    analogue treatment did. `injections` counts recorded depot injections since `started`, up to the asked moment.
    `lapses` is when the regimen counts as ended unless something more is recorded; None = never by itself."""

    drug: str
    dose: float | None
    unit: str | None
    interval_days: int | None
    since: datetime
    started: datetime
    long_acting: bool
    injections: int
    steady: bool
    lapses: datetime | None


@dataclass(frozen=True, slots=True)
class AnalogueStep:
    """One step of analogue treatment: what was given from `entry` on; no drug means stopped.

    `changed` is False where the entry only names a dose or interval that was not recorded before.
    """

    entry: Therapy
    drug: str | None
    dose: float | None
    unit: str | None
    interval_days: int | None
    changed: bool


def drug_named(text: str) -> str | None:
    """The house name of the drug a house name, a text, an ATC code or `rxnorm:CODE` names; None when none is
    recognised.

    A depot formulation is recognised by its words (LAR, depot, long-acting, intramuscular); give code and text together
    where both are known, as the ATC code of octreotide does not tell the two formulations apart.
    """
    if text in _HOUSE_NAMES:
        return text
    for name, pattern in _DRUG_PATTERNS:
        if pattern.search(text):
            depot = name in {"octreotide", "pasireotide"} and _LONG_ACTING.search(text) is not None
            return f"{name}-lar" if depot else name
    return None


def other_drugs() -> tuple[str, ...]:
    """House names of the drugs Nadir knows that are no somatostatin analogue, by name."""
    return tuple(sorted(name for name, _ in _DRUGS if name not in _ANALOGUES))


def procedure_named(text: str) -> str | None:
    """resection, cholecystectomy, embolisation, ablation or prrt where the text names one, else None."""
    for name, pattern in _PROCEDURES:
        if pattern.search(text):
            return name
    return None


def is_analogue(drug: str | None) -> bool:
    """Whether the house name is a somatostatin analogue."""
    return drug in _ANALOGUES


def analogues_given(chart: Chart, moment: datetime) -> tuple[str, ...]:
    """House names of the analogues given at `moment`, by name: the regimen, and what is given beside it."""
    regimen = regimen_at(chart, moment)
    begun = {entry.drug for entry in running(chart, _ANALOGUES, moment) if entry.kind == "start" and entry.drug}
    return tuple(sorted(begun | ({regimen.drug} if regimen is not None else set())))


def is_long_acting(drug: str | None) -> bool:
    """Whether the house name is a depot analogue."""
    return drug in _DEPOTS


def is_antitumour(drug: str | None) -> bool:
    """Whether the house name is a systemic drug against the tumour (a new one starts a new marker epoch)."""
    return drug in _ANTITUMOUR


def injections(chart: Chart) -> tuple[Therapy, ...]:
    """Recorded injections of depot analogues, oldest first."""
    return chart.derived(
        "injections",
        lambda: tuple(t for t in chart.therapy if t.kind == "injection" and _is_depot(t.drug, t.interval_days)),
    )


def analogue_steps(chart: Chart) -> tuple[AnalogueStep, ...]:
    """Every change of analogue treatment, oldest first: start, another drug, dose or interval, stop.

    Short-acting doses given beside a running depot are rescue, not a change of regimen.
    """
    return chart.derived("analogue-steps", lambda: _analogue_steps(chart))


def regimen_at(chart: Chart, moment: datetime) -> Regimen | None:
    """The analogue regimen in force at `moment`, or None when no analogue was being given.

    Steady state is three depot injections; where injections are not recorded one by one, the day the third was planned;
    for a short-acting analogue two days.
    """
    return chart.derived(("regimen", moment), lambda: _regimen_at(chart, moment))


def _regimen_at(chart: Chart, moment: datetime) -> Regimen | None:
    steps = [s for s in analogue_steps(chart) if s.entry.effective <= moment]
    if not steps or steps[-1].drug is None:
        return None
    started = _unbroken_since(steps)
    current = steps[-1]
    depot = _is_depot(current.drug, current.interval_days)
    given = [t for t in injections(chart) if started <= t.effective <= moment]
    interval = timedelta(days=current.interval_days or USUAL_INTERVAL_DAYS)
    lapses = None
    if given and not _stated(chart, started, moment):
        lapses = given[-1].effective + LAPSE_INTERVALS * interval
        if moment >= lapses:
            return None
    if not depot:
        steady = moment - started >= SHORT_ACTING_STEADY
    elif given:
        steady = len(given) >= STEADY_INJECTIONS
    else:
        steady = moment - started >= (STEADY_INJECTIONS - 1) * interval
    return Regimen(
        drug=current.drug or "",
        dose=current.dose,
        unit=current.unit,
        interval_days=current.interval_days,
        since=current.entry.effective,
        started=started,
        long_acting=depot,
        injections=len(given),
        steady=steady,
        lapses=lapses,
    )


def running(chart: Chart, drugs: frozenset[str], moment: datetime) -> tuple[Therapy, ...]:
    """The entry each of the named drugs began with, for those given at `moment`: begun and not stopped by then.

    A depot that is started takes the place of another depot.
    """
    begun: dict[str, Therapy] = {}
    for entry in chart.therapy:
        if entry.effective > moment:
            break
        if entry.kind == "start" and is_long_acting(entry.drug):
            begun = {drug: first for drug, first in begun.items() if not is_long_acting(drug)}
        if entry.drug in drugs:
            if entry.kind == "stop":
                begun.pop(entry.drug, None)
            else:
                begun.setdefault(entry.drug, entry)
    return tuple(begun.values())


def given_beside(therapy: Iterable[Therapy], regimen: Regimen | None) -> tuple[Therapy, ...]:
    """The latest entry of each drug that is given beside the regimen, a short-acting analogue among them."""
    given: dict[str, Therapy] = {}
    for entry in therapy:
        if entry.kind == "procedure" or entry.drug is None or is_long_acting(entry.drug):
            continue
        if regimen is not None and entry.drug == regimen.drug:
            continue
        given.pop(entry.drug, None)
        if entry.kind in ("start", "dose", "interval"):
            given[entry.drug] = entry
    return tuple(given.values())


def _analogue_steps(chart: Chart) -> tuple[AnalogueStep, ...]:
    steps: list[AnalogueStep] = []
    for entry in chart.therapy:
        if entry.kind == "procedure" or not is_analogue(entry.drug):
            continue
        last = steps[-1] if steps else None
        step = _step(entry, last)
        if step is not None:
            steps.append(step)
    return tuple(steps)


def _step(entry: Therapy, last: AnalogueStep | None) -> AnalogueStep | None:
    running = last if last is not None and last.drug is not None else None
    beside_depot = (
        running is not None
        and _is_depot(running.drug, running.interval_days)
        and not _is_depot(entry.drug, entry.interval_days)
        and entry.drug != running.drug
    )
    if beside_depot or (entry.kind == "stop" and running is None):
        return None
    if entry.kind == "stop":
        return AnalogueStep(entry, None, None, None, None, changed=True)
    if running is None or running.drug != entry.drug:
        return AnalogueStep(entry, entry.drug, entry.dose, entry.unit, entry.interval_days, changed=True)
    dose = running.dose if entry.dose is None else entry.dose
    unit = running.unit if entry.dose is None else entry.unit
    interval_days = running.interval_days if entry.interval_days is None else entry.interval_days
    if (dose, interval_days) == (running.dose, running.interval_days):
        return None
    changed = (running.dose is not None and dose != running.dose) or (
        running.interval_days is not None and interval_days != running.interval_days
    )
    return AnalogueStep(entry, entry.drug, dose, unit, interval_days, changed)


def _is_depot(drug: str | None, interval_days: int | None) -> bool:
    return drug in _DEPOTS or (drug in _ANALOGUES and (interval_days or 0) >= _DEPOT_INTERVAL_DAYS)


def _unbroken_since(steps: Sequence[AnalogueStep]) -> datetime:
    started = steps[-1].entry.effective
    for step in reversed(steps):
        if step.drug is None:
            break
        started = step.entry.effective
    return started


def _stated(chart: Chart, started: datetime, moment: datetime) -> bool:
    """Whether more than injections says that the analogue is being given."""
    return any(
        t.kind in ("start", "dose", "interval") and is_analogue(t.drug) and started <= t.effective <= moment
        for t in chart.therapy
    )
