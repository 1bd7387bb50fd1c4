"""R29 and R32: injections off their plan, and regimens above their label."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from clinical.chart import Entry, Therapy
from clinical.labels import LABELS, label_of, label_status
from clinical.protocol import bundled_protocol
from clinical.rules import judge_chart, registered
from clinical.therapy import is_analogue, regimen_at
from tests.clinical.charts import PROTOCOL, chart, findings, moment, operation, therapy, told

DAY_ZERO = date(2024, 1, 1)


def shot(day: float, **given: object) -> Therapy:
    return therapy(day, "injection", **{"drug": "lanreotide", "dose": 120, "unit": "mg", "interval_days": 28, **given})


def shots(*days: int) -> list[Entry]:
    return [shot(day) for day in days]


def severity(day: float, *entries: Entry) -> str | None:
    found = findings(day, *entries)
    return found["R29"].severity if "R29" in found else None


@pytest.mark.parametrize(
    ("day", "said"),
    [(28, None), (35, None), (36, "low"), (42, "low"), (43, "medium"), (83, "medium"), (84, None)],
)
def test_the_next_injection_is_late_after_a_week_very_late_after_two_and_given_up_after_three_intervals(
    day: int, said: str | None
) -> None:
    assert severity(day, *shots(-28, 0)) == said


def test_a_stated_regimen_stays_late_until_it_is_stated_to_have_ended() -> None:
    start = therapy(-28, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
    assert severity(400, start, *shots(-28, 0)) == "medium"
    assert severity(400, start, *shots(-28, 0), therapy(390, "stop", drug="lanreotide")) is None


@pytest.mark.parametrize(("gap", "said"), [(35, None), (36, "low"), (42, "low"), (43, "medium")])
def test_an_injection_that_came_late_is_seen_until_the_next_one(gap: int, said: str | None) -> None:
    assert severity(gap + 1, *shots(-28, 0, gap)) == said
    assert severity(gap + 29, *shots(-28, 0, gap, gap + 28)) is None


def test_a_whole_interval_missed_is_medium_also_where_the_interval_is_short() -> None:
    fortnightly = [shot(day, interval_days=14) for day in (-14, 0)]
    assert severity(27, *fortnightly) == "low"
    assert severity(28, *fortnightly) == "medium"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((0, 22, 44), "low"),
        ((0, 23, 46), None),
        ((0, 22, 50), None),
        ((0, 22, 50, 78, 100), "low"),
        ((0, 22, 50, 78, 106, 128), None),
    ],
)
def test_two_of_the_last_four_injections_more_than_five_days_early_are_a_pattern(
    days: tuple[int, ...], said: str | None
) -> None:
    assert severity(days[-1] + 1, *shots(*days)) == said


def test_two_syringes_of_one_visit_are_one_injection() -> None:
    rows = [shot(0), shot(0, dose=60), shot(28), shot(28, dose=60), shot(56), shot(56, dose=60)]
    assert severity(57, *rows) is None


def test_a_date_written_down_for_the_next_injection_is_the_plan() -> None:
    planned = shot(0, planned_next=DAY_ZERO + timedelta(days=42))
    assert severity(49, planned) is None
    assert severity(50, planned) == "low"
    assert severity(36, shot(0, planned_next=DAY_ZERO - timedelta(days=1))) == "low"


def test_an_injection_on_an_earlier_written_date_is_not_early() -> None:
    rows = [shot(28 * n - 7 * n, planned_next=DAY_ZERO + timedelta(days=21 * (n + 1))) for n in range(4)]
    assert severity(64, *rows) is None


def test_a_changed_interval_holds_from_the_next_injection() -> None:
    shorter = [shot(0), shot(21, interval_days=21), shot(42, interval_days=21), shot(63, interval_days=21)]
    assert severity(64, *shorter) is None
    longer = [shot(0), shot(28), therapy(40, "interval", drug="lanreotide", interval_days=42)]
    assert severity(77, *longer) is None
    assert severity(78, *longer) == "low"


def test_an_injection_without_an_interval_has_that_of_the_regimen_then() -> None:
    regimen = therapy(-1, "start", drug="lanreotide", dose=120, unit="mg", interval_days=42)
    bare = [shot(day, interval_days=None) for day in (0, 42)]
    assert severity(42 + 49, regimen, *bare) is None
    assert severity(42 + 50, regimen, *bare) == "low"
    shorter = therapy(60, "interval", drug="lanreotide", interval_days=14)
    assert severity(61, regimen, bare[0], shorter, shot(50, interval_days=None)) == "low"


def test_a_written_date_that_is_no_later_than_the_injection_is_no_plan() -> None:
    assert severity(30, shot(0, planned_next=DAY_ZERO)) is None


def test_without_any_interval_the_usual_one_holds() -> None:
    rows = [therapy(day, "injection", drug="octreotide-lar", dose=20, unit="mg") for day in (0, 28)]
    assert severity(63, *rows) is None
    assert severity(64, *rows) == "low"


def test_across_a_recorded_stop_nothing_is_late() -> None:
    stop, again = therapy(30, "stop", drug="lanreotide"), therapy(200, "start", drug="lanreotide", interval_days=28)
    assert severity(205, *shots(0, 28), stop, again, shot(200)) is None


@pytest.mark.parametrize(
    ("prrt", "day", "said"),
    [
        (56, 60, None),
        (56, 119, None),
        (56, 120, "low"),
        (57, 60, "medium"),
        (-29, 40, "low"),
        (-28, 35, None),
        (-28, 40, "low"),
        (-20, 43, None),
        (-20, 44, "low"),
    ],
)
def test_around_prrt_a_depot_is_withheld_on_purpose(prrt: int, day: int, said: str | None) -> None:
    start = therapy(-28, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
    assert severity(day, start, *shots(-28, 0), operation(prrt, "prrt")) == said


def test_through_a_course_of_cycles_and_depots_after_each_nothing_is_late_and_it_is_said_why() -> None:
    rows: list[Entry] = [therapy(0, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)]
    for cycle in range(4):
        rows += [operation(56 * cycle, "prrt"), shot(56 * cycle + 1)]
    for day in range(10, 56 * 3 + 57):
        assert severity(day, *rows) is None, day
    suppressed = judge_chart(chart(*rows), PROTOCOL, moment(100)).suppressed
    assert any("withheld around PRRT of 2024-02-26" in s.why for s in suppressed)
    assert not [s for s in judge_chart(chart(*rows), PROTOCOL, moment(60)).suppressed if "2024-02-27" in s.what]


def withheld(day: float, *entries: Entry) -> list[str]:
    judged = judge_chart(chart(*entries), PROTOCOL, moment(day + 0.5))
    return [s.what for s in judged.suppressed if s.what.startswith("lateness")]


@pytest.mark.parametrize(("day", "shown"), [(35, False), (36, True), (63, True), (64, False)])
def test_a_withheld_injection_is_shown_while_it_would_be_late_and_is_not(day: int, shown: bool) -> None:
    start = therapy(-28, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
    rows = [start, *shots(-28, 0), operation(0, "prrt")]
    assert withheld(day, *rows) == (["lateness of the injection after 2024-01-01"] if shown else [])
    assert ("R29" in findings(day, *rows)) is (day > 63)


def test_an_injection_withheld_long_ago_is_not_shown_any_more() -> None:
    rows = [*shots(0, 50), operation(20, "prrt")]
    assert withheld(60, *rows) != []
    assert withheld(80, *rows, shot(78)) == []


def test_the_rule_says_when_it_becomes_late_very_late_a_whole_interval_late_and_given_up() -> None:
    (due,) = [rule.next_due for rule in registered() if rule.id == "R29"]
    assert due is not None
    asked = [due(chart(shot(0)), PROTOCOL, moment(day)) for day in (1, 36, 43, 57, 84)]
    assert asked == [moment(36), moment(43), moment(56), moment(84), None]
    assert due(chart(*shots(0, 5)), PROTOCOL, moment(6)) == moment(5 + 36)


def test_of_two_late_injections_the_later_one_by_its_plan_is_compared() -> None:
    rows = shots(0, 40)
    assert told(findings(77, *rows)["R29"])["compared"] == ("schedule", 28, "d", 28, "planned date of the injection")
    assert told(findings(85, *rows)["R29"])["compared"] == ("schedule", 28, "d", 68, "planned date of the injection")


def test_early_is_before_the_earlier_of_two_plans_and_late_after_the_later() -> None:
    written = [shot(day, planned_next=DAY_ZERO + timedelta(days=day + 35)) for day in (0, 20, 40, 60)]
    early = told(findings(61, *written)["R29"])
    assert early["compared"] == ("schedule", 28, "d", 40 + 28, "planned date of the injection")
    late = told(findings(43, written[0])["R29"])
    assert late["compared"] == ("schedule", 28, "d", 35, "planned date of the injection")


def test_patients_without_depot_injections_are_not_judged() -> None:
    assert severity(400, therapy(0, "start", drug="lanreotide", dose=120, interval_days=28)) is None
    assert severity(400, therapy(0, "start", drug="octreotide", dose=100, unit="ug")) is None


def test_the_sentence_gives_planned_date_and_days() -> None:
    late = findings(40, *shots(-28, 0))["R29"]
    assert late.title == "Injection overdue"
    assert late.why == "No injection of lanreotide recorded since 2024-01-01, planned for 2024-01-29, 12 days ago."
    came = findings(45, *shots(-28, 0, 40))["R29"]
    assert came.title == "Injection came late"
    assert came.why == "Injection of 2024-02-10 12 days after its planned date 2024-01-29."
    early = findings(45, *shots(0, 22, 44))["R29"]
    assert early.title == "Injections came early"
    assert early.why == "Injections 6 days early on 2024-01-23 and 6 days early on 2024-02-14."


def info(jurisdiction: str, day: float, *entries: Entry) -> bool:
    """Whether the regimen is shown as above its label."""
    found = judge_chart(chart(*entries), bundled_protocol(jurisdiction), moment(day)).findings
    return any(f.rule == "R32" and f.severity == "info" for f in found)


def start(drug: str, dose: float | None, unit: str | None = "mg", interval_days: int | None = 28) -> Therapy:
    return therapy(0, "start", drug=drug, dose=dose, unit=unit, interval_days=interval_days)


@pytest.mark.parametrize(
    ("regimen", "above"),
    [
        (start("octreotide-lar", 30), False),
        (start("octreotide-lar", 40), True),
        (start("octreotide-lar", 30_000, "ug"), False),
        (start("octreotide-lar", 30_001, "ug"), True),
        (start("lanreotide", 120), False),
        (start("lanreotide", 121), True),
        (start("lanreotide", 120, interval_days=25), False),
        (start("lanreotide", 120, interval_days=24), True),
        (start("lanreotide", 120, interval_days=14), True),
        (start("pasireotide-lar", 60), False),
        (start("pasireotide-lar", 80), True),
        (start("octreotide", 1500, "ug", None), False),
        (start("octreotide", 1501, "ug", None), True),
        (start("octreotide", 100, "ug", None), False),
        (start("pasireotide", 1.8, interval_days=None), False),
        (start("pasireotide", 1.9, interval_days=None), True),
        (start("lanreotide", None), False),
        (start("lanreotide", 500, "[IU]"), False),
        (start("lanreotide", 500, None), False),
    ],
)
@pytest.mark.parametrize("jurisdiction", ["EU", "US", "IL"])
def test_a_regimen_is_held_against_the_label_of_the_jurisdiction(
    jurisdiction: str, regimen: Therapy, above: bool
) -> None:
    assert info(jurisdiction, 10, regimen) is above


def test_where_no_label_is_on_file_nothing_is_said() -> None:
    assert not info("XX", 10, start("octreotide-lar", 60))


def test_intervals_really_given_count_and_one_early_injection_alone_does_not() -> None:
    assert not info("EU", 50, *shots(0, 24, 52))
    assert not info("EU", 60, *shots(0, 24, 52))
    assert info("EU", 50, *shots(0, 24, 48))
    assert not info("EU", 60, *shots(0, 25, 50))


def test_the_last_two_intervals_count_however_many_there_are() -> None:
    assert info("EU", 61, *shots(0, 20, 40, 60))


def test_a_regimen_above_the_label_is_shown_from_its_first_moment_and_rests_on_its_step() -> None:
    stated = start("lanreotide", 240)
    judged = judge_chart(chart(stated), bundled_protocol("EU"), stated.effective)
    assert "R32" in {f.rule for f in judged.findings}
    found = findings(60, stated, *(shot(day, dose=240) for day in (0, 28, 56)))["R32"]
    assert len(found.evidence) == 1


def test_the_finding_names_no_dose() -> None:
    found = findings(10, start("octreotide-lar", 40))["R32"]
    assert "1.33 times the most its label allows per injection" in found.why
    assert "mg" not in found.why + found.question + found.title
    assert found.why.endswith("label in force: EU.")
    assert found.compared_with is not None
    assert (found.compared_with.kind, found.compared_with.value) == ("upper-limit", 1)
    short = findings(10, start("lanreotide", 120, interval_days=14))["R32"]
    assert "planned every 14 days against 28 on its label" in short.why
    assert "22 days apart" in findings(45, *shots(0, 22, 44))["R32"].why


def test_every_label_is_of_an_analogue_and_cites_a_source() -> None:
    for labels in LABELS.values():
        for drug, label in labels.items():
            assert is_analogue(drug)
            assert label.drug == drug
            assert label.source
            assert label.max_mg > 0


def test_glucagonoma_is_an_indication_of_the_depot_in_some_countries() -> None:
    said = {place: label_of("octreotide-lar", place) for place in ("EU", "US", "IL")}
    assert {place: label and label.glucagonoma for place, label in said.items()} == {
        "EU": None,
        "US": False,
        "IL": True,
    }


def test_what_cannot_be_told_of_a_dose_stays_unknown() -> None:
    def status(regimen: Therapy) -> tuple[bool | None, bool | None]:
        found = regimen_at(chart(regimen), moment(1))
        assert found is not None
        told = label_status(found, "EU", leeway_days=3)
        assert told is not None
        return told.above_dose, told.short_interval

    assert status(start("octreotide", 100, "ug", None)) == (None, None)
    assert status(start("lanreotide", 120)) == (False, False)
    assert status(start("lanreotide", None, None, None)) == (None, None)
    assert status(start("octreotide", 2, "mg", None)) == (True, None)


def test_all_that_an_overdue_injection_says() -> None:
    found = findings(43, *shots(-28, 0))["R29"]
    assert told(found) == {
        "severity": "medium",
        "subject": "injection",
        "title": "Injection overdue",
        "question": "Not given, given elsewhere or not recorded? An informal change of interval?",
        "why": "No injection of lanreotide recorded since 2024-01-01, planned for 2024-01-29, 15 days ago.",
        "since": 36,
        "evidence": ["therapy@0"],
        "compared": ("schedule", 28, "d", 28, "planned date of the injection"),
        "thresholds": ["injection_late", "injection_very_late"],
    }


def test_all_that_an_injection_that_came_late_says() -> None:
    found = findings(45, *shots(-28, 0, 40))["R29"]
    assert told(found) == {
        "severity": "low",
        "subject": "injection",
        "title": "Injection came late",
        "question": "Not given, given elsewhere or not recorded? An informal change of interval?",
        "why": "Injection of 2024-02-10 12 days after its planned date 2024-01-29.",
        "since": 36,
        "evidence": ["therapy@0", "therapy@40"],
        "compared": ("schedule", 28, "d", 28, "planned date of the injection"),
        "thresholds": ["injection_late", "injection_very_late"],
    }


def test_all_that_injections_that_came_early_say() -> None:
    found = findings(45, *shots(0, 22, 44))["R29"]
    assert told(found) == {
        "severity": "low",
        "subject": "injection",
        "title": "Injections came early",
        "question": "Not given, given elsewhere or not recorded? An informal change of interval?",
        "why": "Injections 6 days early on 2024-01-23 and 6 days early on 2024-02-14.",
        "since": 22,
        "evidence": ["therapy@0", "therapy@22", "therapy@44"],
        "compared": ("schedule", 28, "d", 50, "planned date of the injection"),
        "thresholds": ["injection_early", "injection_early_least", "injection_look_back"],
    }


def test_all_that_late_and_early_injections_say() -> None:
    found = findings(90, *shots(0, 22, 44, 90))["R29"]
    assert told(found) == {
        "severity": "medium",
        "subject": "injection",
        "title": "Injection came late, others came early",
        "question": "Not given, given elsewhere or not recorded? An informal change of interval?",
        "why": (
            "Injection of 2024-03-31 18 days after its planned date 2024-03-13; injections 6 days early on "
            "2024-01-23 and 6 days early on 2024-02-14."
        ),
        "since": 80,
        "evidence": ["therapy@0", "therapy@22", "therapy@44", "therapy@90"],
        "compared": ("schedule", 28, "d", 72, "planned date of the injection"),
        "thresholds": [
            "injection_late",
            "injection_very_late",
            "injection_early",
            "injection_early_least",
            "injection_look_back",
        ],
    }


def test_all_that_a_regimen_above_its_label_says() -> None:
    found = findings(10, start("octreotide-lar", 40))["R32"]
    assert told(found) == {
        "severity": "info",
        "subject": "label",
        "title": "Regimen above the label",
        "question": "Is the rationale for a regimen above the label documented?",
        "why": (
            "octreotide-lar since 2024-01-01, recorded at 1.33 times the most its label allows per injection; "
            "label in force: EU."
        ),
        "since": 0,
        "evidence": ["therapy@0"],
        "compared": ("upper-limit", 1, "1", None, "Sandostatin LAR label, gastro-entero-pancreatic tumours"),
        "thresholds": ["label_interval_leeway"],
    }


def test_all_that_intervals_shorter_than_the_label_say() -> None:
    found = findings(45, *shots(0, 22, 44))["R32"]
    assert told(found) == {
        "severity": "info",
        "subject": "label",
        "title": "Regimen above the label",
        "question": "Is the rationale for a regimen above the label documented?",
        "why": "lanreotide since 2024-01-01, 22 days apart against 28 on its label; label in force: EU.",
        "since": 0,
        "evidence": ["therapy@0", "therapy@22", "therapy@44"],
        "compared": ("upper-limit", 28, "d", None, "Somatuline label, gastro-entero-pancreatic tumours"),
        "thresholds": ["label_interval_leeway"],
    }


def test_all_that_a_planned_interval_shorter_than_the_label_says() -> None:
    found = findings(10, start("lanreotide", 240, interval_days=14))["R32"]
    assert told(found) == {
        "severity": "info",
        "subject": "label",
        "title": "Regimen above the label",
        "question": "Is the rationale for a regimen above the label documented?",
        "why": (
            "lanreotide since 2024-01-01, recorded at 2 times the most its label allows per injection and "
            "planned every 14 days against 28 on its label; label in force: EU."
        ),
        "since": 0,
        "evidence": ["therapy@0"],
        "compared": ("upper-limit", 28, "d", None, "Somatuline label, gastro-entero-pancreatic tumours"),
        "thresholds": ["label_interval_leeway"],
    }
