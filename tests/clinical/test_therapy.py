"""Names of drugs and procedures, and the analogue regimen at a moment."""

from __future__ import annotations

import pytest

from clinical.therapy import GLUCOSE_RAISING_DRUGS, Regimen, drug_named, procedure_named, regimen_at, running
from tests.clinical.charts import chart, moment, therapy


@pytest.mark.parametrize(
    ("text", "drug"),
    [
        ("Octreotide 100 ug s.c.", "octreotide"),
        ("octreotide LAR 30 mg", "octreotide-lar"),
        ("Sandostatin LAR Depot", "octreotide-lar"),
        ("H01CB02", "octreotide"),
        ("H01CB02 octreotide long-acting", "octreotide-lar"),
        ("rxnorm:7617", "octreotide"),
        ("0.5 ML lanreotide 240 MG/ML Prefilled Syringe", "lanreotide"),
        ("Somatuline Autogel", "lanreotide"),
        ("pasireotide", "pasireotide"),
        ("Signifor LAR", "pasireotide-lar"),
        ("L01EG02", "everolimus"),
        ("insulin glargine", "insulin"),
        ("A10AE04", "insulin"),
        ("aspirin", None),
        ("resection of an insulinoma", None),
        ("glucagonoma", None),
    ],
)
def test_a_drug_is_named_by_word_or_code(text: str, drug: str | None) -> None:
    assert drug_named(text) == drug


@pytest.mark.parametrize(
    ("text", "procedure"),
    [
        ("Laparoscopic distal pancreatectomy with splenectomy", "resection"),
        ("Whipple procedure", "resection"),
        ("Enucleation of liver metastases", "resection"),
        ("Laparoscopic cholecystectomy", "cholecystectomy"),
        ("Hepatic artery embolization", "embolisation"),
        ("TACE", "embolisation"),
        ("Radiofrequency ablation", "ablation"),
        ("177Lu-DOTATATE, cycle 2", "prrt"),
        ("Peptide receptor radionuclide therapy", "prrt"),
        ("68Ga-DOTATATE PET/CT", None),
        ("Colonoscopy", None),
    ],
)
def test_a_procedure_is_named_by_its_words(text: str, procedure: str | None) -> None:
    assert procedure_named(text) == procedure


def regimen(day: float, *steps: tuple[float, str, dict[str, object]]) -> Regimen | None:
    """The regimen on a day after steps (day, kind, fields)."""
    return regimen_at(chart(*(therapy(on, kind, **given) for on, kind, given in steps)), moment(day))


LAN = {"drug": "lanreotide", "dose": 120, "unit": "mg", "interval_days": 28}


def test_no_analogue_before_its_start_or_after_its_stop() -> None:
    steps = [(10, "start", LAN), (100, "stop", {"drug": "lanreotide"})]
    assert regimen(9, *steps) is None
    assert regimen(100, *steps) is None
    found = regimen(50, *steps)
    assert found is not None
    assert (found.drug, found.dose, found.long_acting) == ("lanreotide", 120, True)


@pytest.mark.parametrize(("day", "steady"), [(55, False), (56, True)])
def test_the_third_injection_makes_it_steady(day: int, steady: bool) -> None:
    found = regimen(day, *((28 * n, "injection", LAN) for n in range(4)))
    assert found is not None
    assert found.steady is steady


def test_where_injections_are_not_recorded_the_third_planned_one_counts() -> None:
    assert [r.steady for day in (55, 56) if (r := regimen(day, (0, "start", LAN))) is not None] == [False, True]


def test_a_change_of_dose_keeps_the_start_and_moves_the_step() -> None:
    found = regimen(200, (0, "start", LAN | {"dose": 90}), (100, "dose", LAN))
    assert found is not None
    assert (found.started, found.since) == (moment(0), moment(100))


def test_rescue_doses_beside_a_depot_change_nothing() -> None:
    rescue = {"drug": "octreotide", "dose": 0.1, "unit": "mg"}
    found = regimen(60, (0, "start", LAN), (50, "start", rescue), (55, "stop", {"drug": "octreotide"}))
    assert found is not None
    assert found.drug == "lanreotide"


def test_injections_that_are_not_continued_end_the_regimen_after_three_intervals() -> None:
    shots = [(28 * n, "injection", LAN) for n in range(3)]
    assert regimen(56 + 83, *shots) is not None
    assert regimen(56 + 84, *shots) is None
    assert regimen(56 + 84, (0, "start", LAN), *shots) is not None


def test_a_depot_that_is_started_ends_the_depot_before_it() -> None:
    pasireotide = therapy(0, "start", drug="pasireotide-lar", dose=40, unit="mg", interval_days=28)
    steroid = therapy(10, "start", drug="prednisolone")
    rescue = therapy(20, "start", drug="octreotide")
    switched = therapy(56, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
    given = chart(pasireotide, steroid, rescue, switched)
    assert running(given, GLUCOSE_RAISING_DRUGS, moment(55)) == (pasireotide, steroid)
    assert running(given, GLUCOSE_RAISING_DRUGS, moment(56)) == (steroid,)
