"""R09, R10 and R14: marker, imaging and skin held against each other, by the vectors of the clinical reference."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.chart import Entry
from clinical.finding import Finding
from clinical.rules import judge_chart
from tests.clinical.charts import (
    PROTOCOL,
    by_subject,
    chart,
    findings,
    glucagon,
    lab,
    lesion,
    moment,
    operation,
    response,
    skin,
    state,
    therapy,
    told,
)

RESIDUAL = state(-10, "residual-stable")
NED = state(-10, "ned-resected")
RISE = (glucagon(0, 60), glucagon(60, 99), glucagon(90, 101))
RECURRENCE = (glucagon(0, 60), glucagon(60, 160))
WORSE = (skin(0, iga=1), skin(60, iga=3, infection="none", new_drug="none"), skin(69, iga=3))
AXES = {"marker", "imaging", "skin"}


def axes(day: float, *entries: Entry) -> dict[str, Finding]:
    """Findings on the axes marker, imaging and skin; toxicity and process do not concern these vectors."""
    return {rule: found for rule, found in findings(day, *entries).items() if found.axis in AXES}


def syndrome(*changed: Entry, ct: float = 9, zinc: float = 82) -> list[Entry]:
    """Vector (a) of the clinical reference: skin worse on an analogue with stable disease; later entries are added."""
    shots = [therapy(-400 + 28 * n, "injection", drug="lanreotide", dose=120, interval_days=28) for n in range(17)]
    return [
        state(-500, "residual-stable"),
        *shots,
        *WORSE,
        response(ct, "SD", modality="CT"),
        lab(60, "zinc", zinc, unit="ug/dL", fasting=True),
        lab(60, "albumin", 38, unit="g/L"),
        lab(60, "amino-acids", 2500, unit="umol/L", ref_low=2000),
        *(changed or (glucagon(-30, 70), glucagon(-2, 72), glucagon(54, 68))),
    ]


def test_vector_a_is_r11_alone() -> None:
    assert set(axes(69, *syndrome())) == {"R11"}


def test_vector_b_low_zinc_is_r12_and_not_r11() -> None:
    assert set(axes(69, *syndrome(zinc=55))) == {"R12"}


def test_vector_c_skin_and_marker_worse_are_r14_with_r02_inside() -> None:
    found = axes(69, *syndrome(glucagon(-2, 68), glucagon(26, 130), glucagon(56, 140)))
    assert set(found) == {"R14"}
    relapse = found["R14"]
    assert relapse.severity == "high"
    assert {"R02", "R01", "R12", "R10"} == set(relapse.contains)
    for part in ("IGA 3 after 1", "confirmed on 2024-03-10", "140 pg/mL", "68 pg/mL"):
        assert part in relapse.why
    assert {"skin", "lab"} <= {e.kind for e in relapse.evidence}
    assert relapse.compared_with is not None
    assert (relapse.compared_with.value, relapse.compared_with.unit) == (1, "{score}")
    assert "rcv_up" in {t.name for t in relapse.thresholds}


def test_vector_d_an_old_scan_is_r12() -> None:
    assert set(axes(69, *syndrome(ct=69 - 300))) == {"R12"}


def test_skin_and_scan_worse_are_r14_with_r06_inside() -> None:
    found = axes(69, *syndrome(), response(40, "PD", modality="CT"))
    assert set(found) == {"R14"}
    assert "R06" in found["R14"].contains
    assert "MDT" in found["R14"].question


def test_a_relapse_names_the_nutrients_nobody_measured() -> None:
    entries = [e for e in syndrome() if getattr(e, "analyte", None) != "zinc"]
    assert "zinc" in axes(69, *entries, response(40, "PD", modality="CT"))["R14"].not_recorded


def test_skin_that_is_not_confirmed_stays_beside_the_marker() -> None:
    assert set(axes(90, RESIDUAL, *RISE, skin(0, iga=1), skin(88, iga=3))) == {"R02", "R12"}


def test_a_rise_that_is_not_confirmed_is_no_relapse() -> None:
    assert set(axes(69, RESIDUAL, glucagon(0, 60), glucagon(60, 99), *WORSE)) == {"R01", "R12"}


def test_recurrence_by_marker_alone_stays_beside_worse_skin() -> None:
    """R14 asks for R02 or R06: R03 has not been looked for on a scan yet, and asks for one."""
    assert set(axes(69, NED, *RECURRENCE, *WORSE)) == {"R03", "R12"}


def test_marker_and_scan_together_are_r09_and_replace_both() -> None:
    found = axes(90, RESIDUAL, *RISE, response(80, "PD", modality="CT"))
    assert set(found) == {"R09"}
    concordant = found["R09"]
    assert concordant.contains == ("R01", "R02", "R06")
    assert (concordant.severity, concordant.title) == ("high", "Concordant progression")
    assert {e.kind for e in concordant.evidence} == {"lab", "response"}
    assert concordant.first_evidence_at == moment(60)
    assert "101 pg/mL" in concordant.why
    assert "read as PD" in concordant.why
    assert concordant.compared_with is not None
    assert concordant.compared_with.kind == "nadir"


def test_without_evidence_of_disease_it_is_a_concordant_recurrence() -> None:
    found = axes(90, NED, *RISE, lesion(80, "L1", 12, role="new", signed=True))
    assert set(found) == {"R09"}
    assert found["R09"].title == "Concordant recurrence"
    assert set(found["R09"].contains) == {"R01", "R03", "R06", "R42"}


@pytest.mark.parametrize(("scan", "together"), [(210, True), (211, False)])
def test_a_scan_up_to_120_days_after_the_last_sample_belongs_to_it(scan: float, together: bool) -> None:
    found = axes(scan, RESIDUAL, *RISE, response(scan, "PD", modality="CT"))
    assert set(found) == ({"R09"} if together else {"R02", "R06"})


@pytest.mark.parametrize(("scan", "together"), [(-60, True), (-61, False)])
def test_a_scan_up_to_120_days_before_the_first_sample_belongs_to_it(scan: float, together: bool) -> None:
    before = state(-400, "residual-stable")
    found = axes(90, before, *RISE, response(scan, "PD", modality="CT"))
    assert set(found) == ({"R09"} if together else {"R02", "R06"})


def test_a_scan_within_a_long_rise_belongs_to_it() -> None:
    long = (glucagon(0, 60), glucagon(60, 150), glucagon(220, 160), glucagon(400, 170))
    assert set(axes(400, RESIDUAL, *long, response(230, "PD", modality="CT"))) == {"R09"}


def test_all_three_axes_are_r09_and_r14() -> None:
    found = axes(90, RESIDUAL, *RISE, response(80, "PD", modality="CT"), *WORSE)
    assert list(found) == ["R09", "R14"]


def test_a_rise_with_a_stable_scan_is_r10_beside_it() -> None:
    found = axes(90, RESIDUAL, *RISE, response(80, "SD", modality="CT"))
    assert list(found) == ["R02", "R10"]
    discordant = found["R10"]
    assert (discordant.severity, discordant.contains) == ("medium", ())
    assert {e.record for e in found["R02"].evidence} < {e.record for e in discordant.evidence}
    assert {"response", "lab"} == {e.kind for e in discordant.evidence}
    for part in ("SD", "2024-03-21", "101 pg/mL", "10 days before"):
        assert part in discordant.why


def test_a_recurrence_by_marker_with_a_clear_scan_is_r10_beside_it() -> None:
    assert list(axes(70, NED, *RECURRENCE, response(65, "NED", modality="CT"))) == ["R03", "R10"]


@pytest.mark.parametrize(("scan", "fires"), [(0, True), (-1, False)])
def test_a_scan_older_than_90_days_contradicts_nothing(scan: float, fires: bool) -> None:
    found = axes(90, state(-400, "residual-stable"), *RISE, response(scan, "SD", modality="CT"))
    assert ("R10" in found) is fires


@pytest.mark.parametrize("verdict", ["CR", "PR", "SD", "NED"])
def test_every_verdict_without_progression_contradicts(verdict: str) -> None:
    assert "R10" in axes(95, RESIDUAL, *RISE, response(95, verdict, modality="CT"))


def test_a_scan_that_could_not_be_read_contradicts_nothing() -> None:
    assert "R10" not in axes(95, RESIDUAL, *RISE, response(95, "NE", modality="CT"))


def test_a_scan_that_could_not_be_read_leaves_the_one_before_it() -> None:
    scans = [response(80, "SD", modality="CT"), response(95, "NE", modality="CT")]
    assert "Scan of 2024-03-21 SD, 10 days before the last sample" in axes(95, RESIDUAL, *RISE, *scans)["R10"].why


@pytest.mark.parametrize(
    ("scan", "when"), [(89, "1 days before the last sample"), (90, "since the rise"), (91, "since the rise")]
)
def test_it_says_when_the_scan_was_made(scan: int, when: str) -> None:
    assert f"SD, {when}, yet" in axes(91, RESIDUAL, *RISE, response(scan, "SD"))["R10"].why


def test_a_scan_known_by_its_measurements_alone_contradicts_too() -> None:
    measured = [lesion(day, "T1", 50, signed=True) for day in (0, 80)]
    found = told(axes(90, RESIDUAL, *RISE, *measured)["R10"])
    assert found["evidence"] == ["glucagon@60", "lesion@80", "glucagon@90"]


def test_a_relapse_is_compared_with_the_lowest_grade_of_the_last_three() -> None:
    before = [skin(0, overall="improved"), skin(20, iga=1), skin(40, iga=0)]
    disease = (RESIDUAL, response(65, "PD", modality="CT"))
    found = told(axes(69, *disease, *before, skin(60, iga=3), skin(69, iga=3))["R14"])
    assert found["compared"] == ("previous", 0, "{score}", 40, "best of the last three assessments")
    called = [skin(day, overall="worse") for day in (60, 69)]
    found = told(axes(69, *disease, *called)["R14"])
    assert found["compared"] == ("previous", None, None, None, "best of the last three assessments")


def test_a_provisional_rise_is_not_yet_discordant() -> None:
    assert set(axes(60, RESIDUAL, *RISE[:2], response(59, "SD", modality="CT"))) == {"R01"}


def test_the_chain_goes_before_the_number_of_the_rule() -> None:
    whole = chart(*syndrome(glucagon(-30, 700), glucagon(-2, 650), glucagon(54, 68)))
    shown = [f.rule for f in judge_chart(whole, PROTOCOL, moment(69.999)).findings]
    assert shown.index("R11") < shown.index("R04")


def test_a_finding_is_as_old_as_the_oldest_it_contains() -> None:
    found = told(axes(90, NED, glucagon(0, 60), glucagon(30, 85), *RISE[1:])["R03"])
    assert "R42" in found["contains"]
    assert found["since"] == 30


def test_urgent_findings_come_first_then_the_chain() -> None:
    urgent = [lab(90, "bilirubin", 9, unit="mg/dL", ref_high=1.2)]
    entries = [RESIDUAL, *RISE, response(80, "SD", modality="CT"), skin(0, iga=1), skin(88, iga=3), *urgent]
    judged = judge_chart(chart(*entries), PROTOCOL, moment(90.9))
    order = [f.rule for f in judged.findings if f.rule in ("R16", "R02", "R10", "R12")]
    assert order == ["R16", "R02", "R10", "R12"]


DAYS = st.integers(min_value=0, max_value=400)
EVENTS = st.lists(
    st.one_of(
        st.builds(glucagon, DAYS, st.sampled_from([60, 70, 99, 130, 170, 400])),
        st.builds(lambda day, iga: skin(day, iga=iga, infection="none", new_drug="none"), DAYS, st.integers(0, 4)),
        st.builds(lambda day, verdict: response(day, verdict, modality="CT"), DAYS, st.sampled_from(["PD", "SD"])),
        st.builds(lambda day: lab(day, "zinc", 90, unit="ug/dL", fasting=True), DAYS),
        st.builds(lambda day: lab(day, "albumin", 40, unit="g/L"), DAYS),
        st.builds(lambda day: lab(day, "efa-ratio", 0.1, unit="{ratio}"), DAYS),
        st.builds(operation, DAYS, st.sampled_from(["resection", "prrt"])),
        st.builds(state, DAYS, st.sampled_from(["ned-resected", "residual-stable"])),
    ),
    max_size=25,
    unique_by=lambda e: e.record,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_what_excludes_each_other_never_stands_together(events: list[Entry]) -> None:
    on = therapy(-100, "start", drug="lanreotide", dose=120, interval_days=28)
    shown = {f.rule for f in judge_chart(chart(on, *events), PROTOCOL, moment(401)).findings}
    for one in ({"R09"}, {"R14"}):
        if one <= shown:
            assert not shown & {"R02", "R03", "R06", "R10", "R11"}
    if "R11" in shown:
        assert not shown & {"R01", "R02", "R03", "R06", "R09", "R10", "R12", "R14"}
    assert not {"R03", "R02"} <= shown
    assert not {"R02", "R01"} <= shown


def test_all_that_concordance_says() -> None:
    found = findings(90, RESIDUAL, *RISE, response(80, "PD", modality="CT"))["R09"]
    assert told(found) == {
        "severity": "high",
        "subject": "disease",
        "title": "Concordant progression",
        "question": "Concordant recurrence: MDT, line of therapy?",
        "why": (
            "Scan of 2024-03-21: read as PD, signed; Glucagon 101 pg/mL on 2024-03-31 (upper limit 80 pg/mL), "
            "+68 % over the nadir of 60 pg/mL (2024-01-01, nadir from 1 result); a rise counts from 98.51 "
            "pg/mL, confirmed after 99 pg/mL on 2024-03-01."
        ),
        "since": 60,
        "evidence": ["glucagon@60", "response@80", "glucagon@90"],
        "compared": ("nadir", 60, "pg/mL", 0, "2024-01-01, nadir from 1 result"),
        "thresholds": [
            "concordance_window",
            "rcv_up",
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
            "recist_progression",
            "recist_progression_least",
        ],
        "contains": ["R01", "R02", "R06"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR", "lesion measurements"],
    }


def test_all_that_a_concordant_recurrence_says() -> None:
    found = findings(90, NED, *RECURRENCE, lesion(80, "L1", 9, role="new", site="liver", signed=True))["R09"]
    assert told(found) == {
        "severity": "high",
        "subject": "disease",
        "title": "Concordant recurrence",
        "question": "Concordant recurrence: MDT, line of therapy?",
        "why": (
            "Scan of 2024-03-21: calculated recurrence, signed (L1, liver, 9 mm); Glucagon 160 pg/mL on "
            "2024-03-01 (upper limit 80 pg/mL), 2 times the limit in a patient without evidence of disease; "
            "not yet confirmed by a second sample (within 14 days)."
        ),
        "since": 60,
        "evidence": ["glucagon@0", "glucagon@60", "lesion@80"],
        "compared": ("upper-limit", 80, "pg/mL", None, "of the result of 2024-03-01"),
        "thresholds": ["concordance_window", "recurrence_factor", "recist_progression", "recist_progression_least"],
        "contains": ["R01", "R03", "R06", "R42"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR", "modality"],
    }


def test_all_that_discordance_says() -> None:
    found = by_subject("R10", 90, RESIDUAL, *RISE, response(80, "SD", modality="CT"))["disease"]
    assert told(found) == {
        "severity": "medium",
        "subject": "disease",
        "title": "Glucagon rises, the scan does not show why",
        "question": "Discordant: occult disease or assay? SSTR PET?",
        "why": (
            "Scan of 2024-03-21 SD, 10 days before the last sample, yet: Glucagon 101 pg/mL on 2024-03-31 "
            "(upper limit 80 pg/mL), +68 % over the nadir of 60 pg/mL (2024-01-01, nadir from 1 result); a "
            "rise counts from 98.51 pg/mL, confirmed after 99 pg/mL on 2024-03-01."
        ),
        "since": 60,
        "evidence": ["glucagon@60", "response@80", "glucagon@90"],
        "compared": ("nadir", 60, "pg/mL", 0, "2024-01-01, nadir from 1 result"),
        "thresholds": [
            "discordance_window",
            "rcv_up",
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
        ],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_discordance_with_a_later_scan_says() -> None:
    found = by_subject(
        "R10", 95, RESIDUAL, *RISE, response(95, "SD", modality="CT"), lesion(95, "T1", 20, signed=True)
    )["disease"]
    assert told(found) == {
        "severity": "medium",
        "subject": "disease",
        "title": "Glucagon rises, the scan does not show why",
        "question": "Discordant: occult disease or assay? SSTR PET?",
        "why": (
            "Scan of 2024-04-05 SD, since the rise, yet: Glucagon 101 pg/mL on 2024-03-31 (upper limit 80 "
            "pg/mL), +68 % over the nadir of 60 pg/mL (2024-01-01, nadir from 1 result); a rise counts from "
            "98.51 pg/mL, confirmed after 99 pg/mL on 2024-03-01."
        ),
        "since": 60,
        "evidence": ["glucagon@60", "glucagon@90", "lesion@95", "response@95"],
        "compared": ("nadir", 60, "pg/mL", 0, "2024-01-01, nadir from 1 result"),
        "thresholds": [
            "discordance_window",
            "rcv_up",
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
        ],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_relapse_of_the_syndrome_says() -> None:
    found = findings(69, *syndrome(glucagon(-2, 68), glucagon(26, 130), glucagon(56, 140)))["R14"]
    assert told(found) == {
        "severity": "high",
        "subject": "skin",
        "title": "Syndrome relapse with disease",
        "question": "Syndrome relapse with disease: MDT?",
        "why": (
            "Skin worse on 2024-03-10 (IGA 3 after 1 on 2024-01-01), confirmed on 2024-03-10; Glucagon 140 "
            "pg/mL on 2024-02-26 (upper limit 80 pg/mL), +106 % over the nadir of 68 pg/mL (2023-12-30, nadir "
            "from 1 result); a rise counts from 111.6 pg/mL, confirmed after 130 pg/mL on 2024-01-27."
        ),
        "since": 26,
        "evidence": [
            "skin@0",
            "response@9",
            "glucagon@26",
            "glucagon@56",
            "albumin@60",
            "amino-acids@60",
            "skin@60",
            "zinc@60",
            "skin@69",
        ],
        "compared": ("previous", 1, "{score}", 0, "best of the last three assessments"),
        "thresholds": [
            "rcv_up",
            "glucagon_cv_within",
            "glucagon_cv_analytical",
            "glucagon_least_rise",
            "confirm_earliest",
            "confirm_latest",
            "confirm_least_fraction",
        ],
        "contains": ["R01", "R02", "R10", "R12"],
        "missing": ["fasting state", "laboratory", "method", "glucose at the draw", "eGFR"],
    }


def test_all_that_a_relapse_without_grades_says() -> None:
    found = findings(
        69,
        RESIDUAL,
        skin(0, overall="improved"),
        skin(60, overall="active"),
        skin(69, overall="active"),
        response(40, "PD", modality="CT"),
    )["R14"]
    assert told(found) == {
        "severity": "high",
        "subject": "skin",
        "title": "Syndrome relapse with disease",
        "question": "Syndrome relapse with disease: MDT?",
        "why": (
            "Skin worse on 2024-03-10 (active after improved on 2024-01-01), confirmed on 2024-03-10; Scan of "
            "2024-02-10: read as PD, signed."
        ),
        "since": 40,
        "evidence": ["skin@0", "response@40", "skin@60", "skin@69"],
        "compared": ("previous", None, None, 0, "best of the last three assessments"),
        "thresholds": ["recist_progression", "recist_progression_least"],
        "contains": ["R06", "R12"],
        "missing": [
            "lesion measurements",
            "a valid glucagon within 90 days",
            "zinc",
            "albumin",
            "amino acids or essential fatty acids",
            "infection",
            "new drugs",
        ],
    }
