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
