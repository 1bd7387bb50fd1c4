"""R15 to R18: new stones, the complication that cannot wait, cholestatic enzymes, the ultrasound that is overdue."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.cholestasis import r_ratio
from clinical.rules import judge_chart, registered
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    coded,
    findings,
    lab,
    lesion,
    moment,
    operation,
    symptom,
    therapy,
    told,
    ultrasound,
)

STONES = ultrasound(0, stones="multiple", wall_mm=2.5, cbd_mm=4)


@pytest.mark.parametrize(
    "entries",
    [
        (STONES, symptom(20, "ruq-pain")),
        (STONES, symptom(20, "fever")),
        (symptom(20, "fever"), ultrasound(23, sludge=True)),
        (ultrasound(20, stones="single", murphy=True),),
        (ultrasound(20, sludge=True, fluid=True),),
        (ultrasound(20, stones="multiple", wall_mm=5.1),),
        (ultrasound(20, stones="multiple", wall_mm=3.5), lab(21, "crp", 60, unit="mg/L", ref_high=5)),
        (symptom(20, "jaundice"),),
        (symptom(20, "fever"), symptom(22, "ruq-pain")),
        (lab(20, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2),),
        (ultrasound(0, cbd_mm=5), ultrasound(20, cbd_mm=7)),
        (operation(-50, "cholecystectomy"), ultrasound(20, cbd_mm=11)),
        (lab(20, "lipase", 180, unit="U/L", ref_high=60), symptom(21, "abdominal-pain")),
        (operation(-50, "cholecystectomy"), symptom(20, "jaundice")),
    ],
)
def test_it_is_urgent(entries: tuple[Entry, ...]) -> None:
    finding = findings(25, *entries)["R16"]
    assert finding.severity == "urgent"
    assert "same-day" in finding.question


@pytest.mark.parametrize(
    "entries",
    [
        (STONES,),
        (symptom(20, "ruq-pain"),),
        (symptom(20, "fever"),),
        (STONES, symptom(20, "fever", present=False)),
        (symptom(1, "fever"), symptom(20, "ruq-pain")),
        (STONES, operation(10, "cholecystectomy"), symptom(20, "fever")),
        (STONES, ultrasound(10, stones="none", sludge=False), symptom(20, "fever")),
        (ultrasound(20, stones="multiple", wall_mm=3.5),),
        (ultrasound(20, stones="multiple", wall_mm=3.0), lab(21, "crp", 60, unit="mg/L", ref_high=5)),
        (ultrasound(20, stones="none", murphy=True),),
        (lab(20, "bilirubin", 1.8, unit="mg/dL", ref_high=1.2),),
        (ultrasound(0, cbd_mm=5), ultrasound(20, cbd_mm=6.9)),
        (operation(-50, "cholecystectomy"), ultrasound(20, cbd_mm=10)),
        (lab(20, "lipase", 179, unit="U/L", ref_high=60), symptom(21, "ruq-pain")),
        (lab(20, "lipase", 900, unit="U/L", ref_high=60),),
    ],
)
def test_it_is_not_urgent(entries: tuple[Entry, ...]) -> None:
    assert "R16" not in findings(25, *entries)


PAIN = symptom(21, "abdominal-pain")
WALL = ultrasound(20, stones="multiple", wall_mm=3.5)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        (
            (ultrasound(20, sludge=True, murphy=True, fluid=True),),
            "Ultrasound of 2024-01-21: stones or sludge with a sonographic Murphy sign, fluid around the gallbladder.",
        ),
        (
            (WALL, lab(21, "crp", 60, unit="mg/L")),
            "Ultrasound of 2024-01-21: stones or sludge with a wall of 3.5 mm and CRP 60 mg/L on 2024-01-22.",
        ),
        ((ultrasound(0, cbd_mm=5), ultrasound(20, cbd_mm=7)), "Bile duct 7 mm on 2024-01-21, 5 mm on 2024-01-01."),
        ((ultrasound(20, cbd_mm=7),), "Bile duct 7 mm on 2024-01-21."),
        (
            (lab(20, "lipase", 180, unit="U/L", ref_high=60, comparator=">"), PAIN),
            "Lipase >180 U/L on 2024-01-21, 3 times its upper limit, with abdominal pain on 2024-01-22.",
        ),
        (
            (lab(20, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2, comparator=">"),),
            "Bilirubin >2 mg/dL on 2024-01-21, 1.67 times its upper limit of 1.2 mg/dL.",
        ),
        (
            (ultrasound(10, stones="none", sludge=True), symptom(20, "fever")),
            "Fever on 2024-01-21 with sludge known from the ultrasound of 2024-01-11.",
        ),
        (
            (ultrasound(10, sludge=True), symptom(20, "ruq-pain")),
            "Pain under the right ribs on 2024-01-21 with sludge known from the ultrasound of 2024-01-11.",
        ),
        (
            (ultrasound(10, stones="multiple", sludge=True), symptom(20, "ruq-pain")),
            "Pain under the right ribs on 2024-01-21 with stones known from the ultrasound of 2024-01-11.",
        ),
        (
            (
                ultrasound(0, stones="multiple"),
                ultrasound(10, cbd_mm=4),
                operation(5, "biopsy"),
                symptom(20, "ruq-pain"),
            ),
            "Pain under the right ribs on 2024-01-21 with stones known from the ultrasound of 2024-01-01.",
        ),
    ],
)
def test_each_sign_is_told_with_its_numbers(entries: tuple[Entry, ...], why: str) -> None:
    assert findings(25, *entries)["R16"].why == why


@pytest.mark.parametrize(
    "entries",
    [
        (WALL, lab(21, "crp", 8, unit="mg/L")),
        (WALL, lab(-80, "crp", 60, unit="mg/L")),
        (ultrasound(20, stones="multiple", wall_mm=5),),
        (ultrasound(20, cbd_mm=9, gallbladder="absent"),),
        *((lab(20, "lipase", 180, unit="U/L", ref_high=60, comparator=below), PAIN) for below in ("<", "<=")),
        (lab(20, "lipase", 180, unit="U/L"), PAIN),
        *((lab(20, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2, comparator=below),) for below in ("<", "<=")),
        (lab(20, "bilirubin", 2.0, unit="mg/dL"),),
        (ultrasound(0, stones="multiple"), ultrasound(10, gallbladder="absent"), symptom(20, "ruq-pain")),
        (ultrasound(0, stones="multiple"), ultrasound(10, stones="none"), symptom(20, "ruq-pain")),
        (ultrasound(0, stones="multiple"), operation(5, "cholecystectomy"), symptom(20, "ruq-pain")),
        (ultrasound(0, cbd_stone=False), symptom(20, "ruq-pain")),
    ],
)
def test_what_is_below_a_limit_a_bound_or_gone_is_no_sign(entries: tuple[Entry, ...]) -> None:
    assert "R16" not in findings(25, *entries)


def test_a_result_that_does_not_tell_hides_none_that_does() -> None:
    bilirubin = [lab(10, "bilirubin", 0.5, unit="mg/dL"), lab(20, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2)]
    lipase = [lab(10, "lipase", 20, unit="U/L"), lab(20, "lipase", 180, unit="U/L", ref_high=60)]
    assert "R16" in findings(25, *bilirubin)
    assert "R16" in findings(25, *lipase, PAIN)
    own_limit = lab(21, "crp", 8, unit="mg/L", ref_high=5)
    assert "R16" in findings(25, WALL, own_limit)


def test_a_bilirubin_that_was_high_is_urgent_again_only_when_it_rises_beyond_chance() -> None:
    high = lab(-60, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2)
    assert "R16" not in findings(25, high, lab(20, "bilirubin", 2.2, unit="mg/dL", ref_high=1.2))
    assert "R16" in findings(25, high, lab(20, "bilirubin", 3.3, unit="mg/dL", ref_high=1.2))


def test_a_duct_that_was_wide_before_is_not_new() -> None:
    wide = ultrasound(-200, cbd_mm=8)
    assert "R16" not in findings(25, wide, ultrasound(20, cbd_mm=8))


def test_an_acute_sign_counts_for_thirty_days_and_the_rule_says_when_it_ends() -> None:
    jaundice = chart(symptom(0, "jaundice"))
    judged = judge_chart(jaundice, PROTOCOL, moment(29.9))
    assert [f.rule for f in judged.findings] == ["R16"]
    assert judged.next_due == moment(30)
    assert judge_chart(jaundice, PROTOCOL, moment(30)).findings == ()


START = therapy(0, "start", drug="octreotide-lar", dose=20, unit="mg", interval_days=28)


@pytest.mark.parametrize(
    ("day", "severity"), [(90, None), (91, "medium"), (457, "medium"), (458, "high"), (2000, "high")]
)
def test_without_any_ultrasound_it_is_overdue_from_day_91_of_the_analogue(day: int, severity: str | None) -> None:
    found = findings(day, START)
    assert (found["R18"].severity if "R18" in found else None) == severity


@pytest.mark.parametrize(("days_ago", "severity"), [(274, None), (275, "medium"), (457, "medium"), (458, "high")])
def test_it_is_overdue_nine_months_after_the_last_one(days_ago: int, severity: str | None) -> None:
    found = findings(1000, START, ultrasound(1000 - days_ago, stones="none"))
    assert (found["R18"].severity if "R18" in found else None) == severity


def test_an_ultrasound_on_which_the_gallbladder_was_not_seen_does_not_count() -> None:
    assert "R18" in findings(400, START, ultrasound(390, gallbladder="not-seen"))


@pytest.mark.parametrize(
    "entries",
    [
        (operation(10, "cholecystectomy"),),
        (ultrasound(10, gallbladder="absent"),),
        (therapy(200, "stop", drug="octreotide-lar"),),
    ],
    ids=["cholecystectomy", "absent on ultrasound", "analogue stopped"],
)
def test_nothing_is_overdue_without_gallbladder_or_analogue(entries: tuple[Entry, ...]) -> None:
    assert "R18" not in findings(1000, START, *entries)


def test_time_alone_makes_it_due_and_the_rule_says_when() -> None:
    started = chart(START)
    (overdue,) = [rule.next_due for rule in registered() if rule.id == "R18"]
    assert overdue is not None
    assert [overdue(started, PROTOCOL, moment(day)) for day in (10, 91, 500)] == [moment(91), moment(458), None]
    judged = [judge_chart(started, PROTOCOL, moment(day)).findings for day in (91, 458)]
    assert [f.severity for found in judged for f in found if f.rule == "R18"] == ["medium", "high"]
    injected = chart(therapy(50, "injection", drug="lanreotide", interval_days=28))
    assert overdue(injected, PROTOCOL, moment(60)) == moment(50 + 3 * 28)


def test_an_overdue_ultrasound_rests_on_the_start_of_the_analogue_not_on_every_dose() -> None:
    other = therapy(0, "start", drug="everolimus")
    found = findings(91, START, other, therapy(28, "injection", drug="octreotide-lar"))["R18"]
    assert [(e.kind, e.text) for e in found.evidence] == [("therapy", "octreotide-lar, start")]


CLEAN = ultrasound(-5, stones="none", sludge=False)


def _stones(day: float, *entries: Entry) -> str | None:
    found = findings(day, *entries)
    return found["R15"].severity if "R15" in found else None


@pytest.mark.parametrize(
    "shown",
    [{"stones": "single"}, {"stones": "multiple"}, {"stones": "none", "sludge": True}, {"sludge": True}],
)
def test_new_stones_or_sludge_under_an_analogue_are_flagged(shown: dict[str, object]) -> None:
    found = findings(200, START, CLEAN, ultrasound(190, **shown))["R15"]
    assert found.severity == "medium"
    assert "not on the ultrasound of 2023-12-27" in found.why


@pytest.mark.parametrize(
    ("entries", "severity"),
    [
        ((START, CLEAN), None),
        ((START, ultrasound(0, stones="multiple")), None),
        ((START, ultrasound(30, stones="multiple")), None),
        ((START, ultrasound(31, stones="multiple")), "medium"),
        ((START, ultrasound(-400, stones="none"), ultrasound(-5, stones="multiple")), None),
        ((START, ultrasound(-5, stones="multiple"), ultrasound(190, stones="multiple")), "info"),
        ((START, CLEAN, ultrasound(100, stones="multiple"), ultrasound(190, stones="multiple")), "info"),
        ((START, CLEAN, ultrasound(100, stones="multiple"), ultrasound(190, stones="none")), None),
        ((START, CLEAN, ultrasound(100, stones="single"), ultrasound(190, stones="multiple")), "medium"),
        ((START, CLEAN, ultrasound(100, sludge=True), ultrasound(190, stones="single", sludge=True)), "medium"),
        ((START, CLEAN, ultrasound(100, stones="single"), ultrasound(190, stones="single", cbd_stone=True)), "medium"),
        ((START, CLEAN, ultrasound(100, stones="single", sludge=True), ultrasound(190, stones="single")), "info"),
        ((START, CLEAN, ultrasound(100, stones="single"), ultrasound(190, gallbladder="not-seen")), "medium"),
        ((START, CLEAN, ultrasound(100, stones="single"), operation(150, "cholecystectomy")), None),
        ((CLEAN, ultrasound(100, stones="multiple")), None),
        ((START, therapy(50, "stop", drug="octreotide-lar"), CLEAN, ultrasound(190, stones="multiple")), "medium"),
    ],
    ids=[
        "clean",
        "there at the start",
        "there in the first month",
        "found later without an earlier look",
        "came before the analogue",
        "before it and unchanged",
        "came and unchanged",
        "gone again",
        "more of them",
        "from sludge to stones",
        "into the duct",
        "sludge no longer seen",
        "not seen since",
        "taken out since",
        "never an analogue",
        "after the analogue",
    ],
)
def test_only_what_came_under_the_analogue_is_new(entries: tuple[Entry, ...], severity: str | None) -> None:
    assert _stones(200, *entries) == severity


def test_another_look_at_the_same_stones_is_no_new_evidence() -> None:
    before = (START, CLEAN, ultrasound(100, stones="multiple"))
    new = findings(150, *before)["R15"]
    same = findings(200, *before, ultrasound(190, stones="multiple", max_mm=4))["R15"]
    assert new.evidence == same.evidence
    assert same.why == (
        "Stones since the ultrasound of 2024-04-10, not on the ultrasound of 2023-12-27; up to 4 mm on 2024-07-09; "
        "unchanged on 2024-07-09."
    )


def test_stones_that_inflame_are_one_urgent_finding() -> None:
    found = findings(200, START, CLEAN, ultrasound(195, stones="multiple"), symptom(196, "fever"))
    assert "R15" not in found
    assert found["R16"].contains == ("R15",)


def test_stones_without_an_earlier_look_say_so() -> None:
    assert findings(60, START, ultrasound(31, stones="single"))["R15"].not_recorded == (
        "an ultrasound before the analogue",
    )
    assert findings(200, START, CLEAN, ultrasound(190, stones="single"))["R15"].not_recorded == ()


def enzymes(day: float, *, alp: float = 100, alt: float | None = 30, ggt: float | None = None) -> list[Entry]:
    """Enzymes with the limits ALP 120, ALT 40, GGT 60 U/L."""
    told = {"alp": (alp, 120), "alt": (alt, 40), "ggt": (ggt, 60)}
    return [lab(day, a, value, unit="U/L", ref_high=upper) for a, (value, upper) in told.items() if value is not None]


def _cholestatic(*days: list[Entry]) -> bool:
    return "R17" in findings(100, *(entry for entries in days for entry in entries))


def test_r_tells_cholestatic_from_hepatocellular() -> None:
    """Reference section 5.3: ALT 60/40 with ALP 240/120 is 0.75."""
    assert r_ratio(60, 40, 240, 120) == pytest.approx(0.75)
    assert _cholestatic(enzymes(0, alp=240, alt=60), enzymes(10, alp=240, alt=60))
    assert _cholestatic(enzymes(0, alp=240, alt=160), enzymes(10, alp=240, alt=160)), "R is 2"
    assert not _cholestatic(enzymes(0, alp=240, alt=161), enzymes(10, alp=240, alt=161))


@pytest.mark.parametrize(
    ("given", "flagged"),
    [
        ({"alp": 180}, False),
        ({"alp": 181}, True),
        ({"alp": 181, "alt": None}, False),
        ({"ggt": 150}, False),
        ({"ggt": 151}, True),
        ({"alp": 100, "alt": None, "ggt": 151}, True),
    ],
)
def test_the_limits_of_the_cholestatic_enzymes(given: dict[str, float], flagged: bool) -> None:
    assert _cholestatic(enzymes(0, **given), enzymes(10, **given)) is flagged


@pytest.mark.parametrize(("apart", "flagged"), [(6, False), (7, True), (28, True), (29, False)])
def test_two_samples_seven_to_twenty_eight_days_apart_confirm(apart: int, flagged: bool) -> None:
    assert _cholestatic(enzymes(0, alp=240), enzymes(apart, alp=240)) is flagged


def test_enzymes_that_went_back_start_again_and_those_that_stay_are_still_confirmed() -> None:
    assert not _cholestatic(enzymes(0, alp=240), enzymes(10, alp=110), enzymes(20, alp=240))
    assert not _cholestatic(enzymes(0, alp=240), enzymes(10, alp=240), enzymes(90, alp=110))
    assert _cholestatic(enzymes(0, alp=240), enzymes(10, alp=240), enzymes(90, alp=240))
    assert _cholestatic(enzymes(0, alp=240), enzymes(10, alp=240), [lab(90, "alt", 20, unit="U/L", ref_high=40)])
    assert _cholestatic(enzymes(0, alp=240), enzymes(3, alp=240), enzymes(10, alp=240)), "each pair is tried"


def test_a_later_sample_of_the_same_is_no_new_evidence() -> None:
    pair = [*enzymes(0, alp=240), *enzymes(10, alp=240)]
    one, other = findings(20, *pair)["R17"], findings(100, *pair, *enzymes(90, alp=260))["R17"]
    assert one.evidence == other.evidence
    assert "still ALP 260 U/L" in other.why


@pytest.mark.parametrize(
    "source",
    [
        coded(-50, "metastasis", site="liver"),
        coded(-50, "metastasis", text="Bone, thoracic spine"),
        lesion(-50, "T1", 20, organ="liver"),
        lesion(-50, "bone-1", role="non-target", state="present"),
    ],
)
def test_with_metastases_in_liver_or_bone_ggt_decides(source: Entry) -> None:
    raised = [*enzymes(0, alp=240, ggt=50), *enzymes(10, alp=240, ggt=50)]
    assert not _cholestatic(raised, [source])
    found = findings(20, source, *enzymes(0, alp=240, ggt=200), *enzymes(10, alp=240, ggt=200))["R17"]
    assert found.suppressed[0].what == "alkaline phosphatase"
    assert "ALP" not in found.why


@pytest.mark.parametrize(
    "no_source",
    [
        coded(-50, "metastasis", site="lymph node"),
        coded(-50, "histology", site="liver"),
        lesion(-50, "T1", 20, organ="pancreas"),
        lesion(-50, "liver-1", state="absent"),
        lesion(-50, "liver-1", role="new", state="equivocal"),
    ],
)
def test_other_findings_leave_alkaline_phosphatase_its_word(no_source: Entry) -> None:
    assert _cholestatic(enzymes(0, alp=240), enzymes(10, alp=240), [no_source])


def test_results_without_their_limit_or_below_a_bound_tell_nothing() -> None:
    bare = [lab(d, "ggt", 500, unit="U/L") for d in (0, 10)]
    bound = [lab(d, "ggt", 500, unit="U/L", ref_high=60, comparator="<") for d in (0, 10)]
    least = [lab(d, "ggt", 500, unit="U/L", ref_high=60, comparator=">") for d in (0, 10)]
    assert not _cholestatic(bare)
    assert not _cholestatic(bound)
    assert _cholestatic(least)


def test_all_that_new_stones_say() -> None:
    found = findings(200, START, CLEAN, ultrasound(190, stones="single", sludge=True, max_mm=6))["R15"]
    assert told(found) == {
        "severity": "medium",
        "subject": "biliary",
        "title": "New gallstones or sludge on an analogue",
        "question": "Gallstones on an analogue: symptoms? Plan, continue?",
        "why": (
            "Stones and sludge since the ultrasound of 2024-07-09, not on the ultrasound of 2023-12-27; up to "
            "6 mm on 2024-07-09."
        ),
        "since": 190,
        "evidence": ["biliary@-5", "biliary@190"],
        "compared": ("previous", None, None, -5, "ultrasound before"),
    }


def test_all_that_stones_without_an_earlier_look_say() -> None:
    found = findings(200, START, ultrasound(31, stones="multiple"))["R15"]
    assert told(found) == {
        "severity": "medium",
        "subject": "biliary",
        "title": "New gallstones or sludge on an analogue",
        "question": "Gallstones on an analogue: symptoms? Plan, continue?",
        "why": "Stones since the ultrasound of 2024-02-01.",
        "since": 31,
        "evidence": ["biliary@31"],
        "compared": ("previous", None, None, None, "no ultrasound before"),
        "thresholds": ["stones_earliest"],
        "missing": ["an ultrasound before the analogue"],
    }


def test_all_that_unchanged_stones_say() -> None:
    found = findings(
        200, START, CLEAN, ultrasound(100, stones="multiple"), ultrasound(190, stones="multiple", max_mm=4)
    )["R15"]
    assert told(found) == {
        "severity": "info",
        "subject": "biliary",
        "title": "Gallstones or sludge unchanged",
        "question": "Gallstones on an analogue: symptoms? Plan, continue?",
        "why": (
            "Stones since the ultrasound of 2024-04-10, not on the ultrasound of 2023-12-27; up to 4 mm on "
            "2024-07-09; unchanged on 2024-07-09."
        ),
        "since": 100,
        "evidence": ["biliary@-5", "biliary@100"],
        "compared": ("previous", None, None, -5, "ultrasound before"),
    }


def test_all_that_a_biliary_complication_says() -> None:
    found = findings(
        25, STONES, symptom(20, "fever"), symptom(21, "ruq-pain"), lab(22, "bilirubin", 2.0, unit="mg/dL", ref_high=1.2)
    )["R16"]
    assert told(found) == {
        "severity": "urgent",
        "subject": "biliary",
        "title": "Biliary complication or pancreatitis possible",
        "question": "Biliary complication or pancreatitis: same-day assessment?",
        "why": (
            "Fever on 2024-01-21 with pain under the right ribs on 2024-01-22; pain under the right ribs on "
            "2024-01-22 with stones known from the ultrasound of 2024-01-01; fever on 2024-01-21 with stones "
            "known from the ultrasound of 2024-01-01; bilirubin 2 mg/dL on 2024-01-23, 1.67 times its upper "
            "limit of 1.2 mg/dL."
        ),
        "since": 0,
        "evidence": ["biliary@0", "symptom@20", "symptom@21", "bilirubin@22"],
        "thresholds": [
            "biliary_window",
            "biliary_together",
            "bilirubin_factor",
            "bilirubin_cv_within",
            "bilirubin_cv_analytical",
        ],
    }


def test_all_that_cholestatic_enzymes_say() -> None:
    found = findings(100, *enzymes(0, alp=240), *enzymes(10, alp=240), *enzymes(90, alp=260))["R17"]
    assert told(found) == {
        "severity": "medium",
        "subject": "cholestasis",
        "title": "Cholestatic liver enzymes",
        "question": "Ultrasound due? Another cause?",
        "why": (
            "ALP 240 U/L on 2024-01-01, 2 times its upper limit with R 0.375; confirmed: ALP 240 U/L on "
            "2024-01-11, 2 times its upper limit with R 0.375; still ALP 260 U/L on 2024-03-31, 2.17 times its "
            "upper limit with R 0.346."
        ),
        "since": 0,
        "evidence": ["alp@0", "alt@0", "alp@10", "alt@10"],
        "thresholds": ["cholestatic_alp", "cholestatic_ratio", "cholestatic_ggt"],
    }


def test_all_that_cholestatic_enzymes_with_metastases_say() -> None:
    found = findings(
        100, coded(-5, "metastasis", site="liver"), *enzymes(0, alp=240, ggt=200), *enzymes(10, alp=240, ggt=210)
    )["R17"]
    assert told(found) == {
        "severity": "medium",
        "subject": "cholestasis",
        "title": "Cholestatic liver enzymes",
        "question": "Ultrasound due? Another cause?",
        "why": (
            "GGT 200 U/L on 2024-01-01, 3.33 times its upper limit; confirmed: GGT 210 U/L on 2024-01-11, 3.5 "
            "times its upper limit."
        ),
        "since": 0,
        "evidence": ["ggt@0", "ggt@10"],
        "thresholds": ["cholestatic_alp", "cholestatic_ratio", "cholestatic_ggt"],
        "suppressed": [
            ("alkaline phosphatase", "metastases in liver or bone on 2023-12-27 raise it too; judged by GGT")
        ],
    }


def test_all_that_an_overdue_ultrasound_says() -> None:
    found = findings(1000, START, ultrasound(1000 - 275, stones="none"))["R18"]
    assert told(found) == {
        "severity": "medium",
        "subject": "ultrasound",
        "title": "Biliary ultrasound overdue",
        "question": "Order a biliary ultrasound?",
        "why": (
            "Last biliary ultrasound 2025-12-26, 275 days ago, on octreotide-lar since 2024-01-01; overdue "
            "after 9 months."
        ),
        "since": 1000,
        "evidence": ["therapy@0", "biliary@725"],
        "compared": ("schedule", 274, "d", 1000, "first due after 90 days on an analogue"),
        "thresholds": ["ultrasound_first", "ultrasound_overdue", "ultrasound_long_overdue"],
    }


def test_all_that_an_ultrasound_never_made_says() -> None:
    found = findings(458, START)["R18"]
    assert told(found) == {
        "severity": "high",
        "subject": "ultrasound",
        "title": "Biliary ultrasound overdue",
        "question": "Order a biliary ultrasound?",
        "why": "No biliary ultrasound is recorded, on octreotide-lar since 2024-01-01 (458 days).",
        "since": 91,
        "evidence": ["therapy@0"],
        "compared": ("schedule", 274, "d", 91, "first due after 90 days on an analogue"),
        "thresholds": ["ultrasound_first", "ultrasound_overdue", "ultrasound_long_overdue"],
    }
