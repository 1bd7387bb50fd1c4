"""R13: symptoms that gather in the last week of the injection cycle (vector e of clinical reference section 12)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from clinical.chart import Entry
from clinical.finding import Finding
from clinical.rules import judge_chart, registered
from tests.clinical.charts import PROTOCOL, chart, findings, lab, moment, skin, state, therapy, told

STATE = state(-50, "residual-stable")
UNITS = {"itch": "{score}", "pain": "{score}", "stools-per-day": "{stools}/d", "rescue-doses": "{doses}/d"}
ENDS, MIDDLES = (6, 6, 5, 7), (3, 3, 3, 4)


def shots(*days: float, interval: int = 28) -> list[Entry]:
    """Depot injections on these days."""
    return [therapy(day, "injection", drug="lanreotide", dose=120, unit="mg", interval_days=interval) for day in days]


def diary(
    starts: Sequence[float],
    ends: Sequence[float | None],
    middles: Sequence[float],
    *,
    measure: str = "itch",
    at_end: Sequence[float] = (22, 26),
    mid: Sequence[float] = (9, 16),
) -> list[Entry]:
    """A measure on days of each cycle counted from its injection (0 is the day of the injection)."""
    found: list[Entry] = []
    for start, end, middle in zip(starts, ends, middles, strict=True):
        if end is not None:
            found += [lab(start + day, measure, end, unit=UNITS[measure]) for day in at_end]
        found += [lab(start + day, measure, middle, unit=UNITS[measure]) for day in mid]
    return found


STARTS = (0, 28, 56, 84)
CYCLES = shots(*STARTS, 112)


def escape(*entries: Entry, day: float = 113) -> Finding | None:
    return findings(day, STATE, *entries).get("R13")


def test_vector_e_is_r13() -> None:
    found = escape(*CYCLES, *diary(STARTS, ENDS, MIDDLES))
    assert found is not None
    assert (found.severity, found.question) == ("medium", "End-of-interval escape: review of regimen?")
    for part in ("lanreotide", "itch", "4 of the last 4", "7 after 4 from 2024-03-25", "6 after 3 from 2024-01-01"):
        assert part in found.why
    assert found.compared_with is not None
    assert found.compared_with.value == 4
    assert {"therapy", "lab"} == {e.kind for e in found.evidence}


def test_the_cycle_that_runs_counts_up_to_its_planned_end() -> None:
    three_over = shots(*STARTS)
    assert escape(*three_over, *diary(STARTS, (6, 3, 5, 7), MIDDLES), day=111) is not None
    assert escape(*three_over, *diary(STARTS, (6, 3, 5, None), MIDDLES), day=111) is None


def test_a_running_cycle_without_its_entries_pushes_no_other_out() -> None:
    starts = (0, 28, 56, 84)
    assert escape(*CYCLES, *diary(starts, (6, 3, 5, 7), MIDDLES), day=120) is not None


@pytest.mark.parametrize(("ends", "fires"), [((6, 3, 5, 7), True), ((6, 3, 3, 7), False)])
def test_three_of_four_cycles_are_needed(ends: tuple[float, ...], fires: bool) -> None:
    assert (escape(*CYCLES, *diary(STARTS, ends, MIDDLES)) is not None) is fires


def test_only_the_last_four_cycles_count() -> None:
    starts = (0, 28, 56, 84, 112)
    assert escape(*shots(*starts, 140), *diary(starts, (9, 9, 3, 9, 3), (3,) * 5), day=141) is None


@pytest.mark.parametrize(
    ("measure", "end", "middle", "fires"),
    [
        ("itch", 5, 3, True),
        ("itch", 4.9, 3, False),
        ("itch", 9.1, 7, True),
        ("itch", 9, 7, False),
        ("pain", 5, 3, True),
        ("pain", 4.9, 3, False),
        ("stools-per-day", 4, 3, True),
        ("stools-per-day", 3.9, 3, False),
        ("stools-per-day", 5.2, 4, True),
        ("stools-per-day", 5.1, 4, False),
        ("rescue-doses", 1, 0, True),
        ("rescue-doses", 0.9, 0, False),
    ],
)
def test_both_the_relative_and_the_absolute_step_are_needed(
    measure: str, end: float, middle: float, fires: bool
) -> None:
    entries = diary(STARTS, (end,) * 4, (middle,) * 4, measure=measure)
    assert (escape(*CYCLES, *entries) is not None) is fires


def test_each_measure_counts_alone() -> None:
    itch = diary(STARTS, (6, 6, 3, 3), (3,) * 4)
    pain = diary(STARTS, (3, 3, 6, 6), (3,) * 4, measure="pain")
    assert escape(*CYCLES, *itch, *pain) is None
    everywhere = diary(STARTS, (6,) * 4, (3,) * 4, measure="pain")
    found = escape(*CYCLES, *itch, *everywhere)
    assert found is not None
    assert "pain higher" in found.why
    assert "itch" not in found.why


@pytest.mark.parametrize(
    ("mid", "at_end", "fires"),
    [
        ((7, 20), (21, 27), True),
        ((6, 20), (21, 27), False),
        ((7, 21), (21.5, 27), False),
        ((7, 20), (20, 27), False),
        ((7, 20), (21, 28), False),
        ((7, 20), (27,), False),
        ((20,), (21, 27), False),
        ((9, 9.5), (21, 27), False),
    ],
)
def test_two_days_of_entries_lie_in_each_window(mid: tuple[float, ...], at_end: tuple[float, ...], fires: bool) -> None:
    entries = diary((0, 28, 56), (6,) * 3, (3,) * 3, mid=mid, at_end=at_end)
    assert (escape(*shots(0, 28, 56, 84), *entries, day=90) is not None) is fires


@pytest.mark.parametrize(("length", "fires"), [(31, True), (32, False)])
def test_a_cycle_that_ends_in_a_late_injection_is_left_out(length: int, fires: bool) -> None:
    starts = (0, 28, 56)
    given = shots(*starts, 56 + length)
    entries = diary(starts, (6,) * 3, (3,) * 3, at_end=(25, 27))
    assert (escape(*given, *entries, day=60 + length) is not None) is fires


def test_a_late_cycle_is_no_vote_against() -> None:
    starts = (0, 28, 56, 100, 128)
    entries = diary((0, 28, 100), (6,) * 3, (3,) * 3)
    assert escape(*shots(*starts), *entries, day=130) is not None


def test_a_short_interval_ends_the_middle_where_the_last_week_begins() -> None:
    starts = (0, 14, 28)
    short = shots(*starts, 42, interval=14)
    assert escape(*short, *diary(starts, (6,) * 3, (3,) * 3, mid=(8, 12), at_end=(9, 13)), day=43) is None
    starts = (0, 21, 42)
    three_weeks = shots(*starts, 63, interval=21)
    assert escape(*three_weeks, *diary(starts, (6,) * 3, (3,) * 3, mid=(8, 12), at_end=(15, 20)), day=64) is not None


def test_without_an_interval_on_the_injection_that_of_the_regimen_holds() -> None:
    regimen = therapy(-1, "start", drug="lanreotide", dose=120, unit="mg", interval_days=42)
    starts = (0, 42, 84, 126)
    given = [therapy(day, "injection", drug="lanreotide", dose=120, unit="mg") for day in starts]
    itch = diary(starts, ENDS, MIDDLES, at_end=(36, 40))
    assert escape(regimen, *given, *itch, day=127 + 41) is not None
    assert escape(regimen, *given, *itch[:-4], day=127) is not None


def test_cycles_before_a_change_of_regimen_do_not_count() -> None:
    changed = [*shots(0, 28, 56), *shots(84, 105, interval=21)]
    assert escape(*changed, *diary(STARTS[:3], (6,) * 3, (3,) * 3), day=106) is None


def test_itch_on_a_skin_form_counts_like_a_diary() -> None:
    looks: list[Entry] = []
    for start in STARTS:
        looks += [skin(start + day, itch=6) for day in (22, 26)] + [skin(start + day, itch=3) for day in (9, 16)]
    assert escape(*CYCLES, *looks) is not None


def test_a_value_that_is_only_a_bound_is_no_entry() -> None:
    entries = [e for e in diary(STARTS, (None,) * 4, MIDDLES)]
    bounds = [lab(start + day, "itch", 6, unit="{score}", comparator=">") for start in STARTS for day in (22, 26)]
    assert escape(*CYCLES, *entries, *bounds) is None


def test_it_ends_when_the_analogue_does() -> None:
    entries = [STATE, *CYCLES, *diary(STARTS, ENDS, MIDDLES)]
    assert "R13" in findings(195, *entries)
    assert "R13" not in findings(196, *entries)
    assert judge_chart(chart(*entries), PROTOCOL, moment(195)).next_due == moment(196)
    assert "R13" not in findings(121, *entries, therapy(120, "stop", drug="lanreotide"))


def test_the_rule_says_when_the_analogue_ends_by_itself() -> None:
    (lapse,) = [rule.next_due for rule in registered() if rule.id == "R13"]
    assert lapse is not None
    assert lapse(chart(*shots(0)), PROTOCOL, moment(10)) == moment(84)
    assert lapse(chart(STATE), PROTOCOL, moment(10)) is None


def test_means_are_compared_to_two_places() -> None:
    thirds = [
        lab(start + day, "itch", of) for start in STARTS for day, of in ((10, 1), (12, 1), (14, 3), (22, 6), (26, 6))
    ]
    found = escape(*CYCLES, *thirds)
    assert found is not None
    assert found.compared_with is not None
    assert found.compared_with.value == 1.67


def test_a_short_acting_analogue_has_no_cycles() -> None:
    short = [therapy(day, "injection", drug="octreotide", dose=100, unit="ug") for day in (*STARTS, 112)]
    assert escape(*short, *diary(STARTS, ENDS, MIDDLES)) is None


def test_all_that_an_escape_says() -> None:
    found = findings(113, STATE, *CYCLES, *diary(STARTS, ENDS, MIDDLES))["R13"]
    assert told(found) == {
        "severity": "medium",
        "subject": "end-of-interval",
        "title": "Symptoms return before the next injection",
        "question": "End-of-interval escape: review of regimen?",
        "why": (
            "On lanreotide: itch higher in the last week than in the middle in 4 of the last 4 cycles with "
            "entries (means 6 after 3 from 2024-01-01, 6 after 3 from 2024-01-29, 5 after 3 from 2024-02-26 "
            "and 7 after 4 from 2024-03-25)."
        ),
        "since": 0,
        "evidence": [
            "therapy@0",
            "itch@9",
            "itch@16",
            "itch@22",
            "itch@26",
            "therapy@28",
            "itch@37",
            "itch@44",
            "itch@50",
            "itch@54",
            "therapy@56",
            "itch@65",
            "itch@72",
            "itch@78",
            "itch@82",
            "therapy@84",
            "itch@93",
            "itch@100",
            "itch@106",
            "itch@110",
        ],
        "compared": ("baseline", 4, None, 84, "mean itch of the middle of the latest cycle"),
        "thresholds": [
            "escape_cycles",
            "escape_entries",
            "escape_relative",
            "escape_points",
            "escape_a_day",
            "escape_late_injection",
        ],
    }


def test_all_that_an_escape_by_stools_and_rescue_doses_says() -> None:
    found = findings(
        113,
        STATE,
        *CYCLES,
        *diary(STARTS, (6, 6, 3, 7), MIDDLES, measure="stools-per-day"),
        *diary(STARTS, (6, 6, 5, 7), MIDDLES, measure="rescue-doses", at_end=(22, 25)),
    )["R13"]
    assert told(found) == {
        "severity": "medium",
        "subject": "end-of-interval",
        "title": "Symptoms return before the next injection",
        "question": "End-of-interval escape: review of regimen?",
        "why": (
            "On lanreotide: stools a day higher in the last week than in the middle in 3 of the last 4 cycles "
            "with entries (means 6 after 3 from 2024-01-01, 6 after 3 from 2024-01-29, 3 after 3 from "
            "2024-02-26 and 7 after 4 from 2024-03-25); rescue doses a day higher in the last week than in the "
            "middle in 4 of the last 4 cycles with entries (means 6 after 3 from 2024-01-01, 6 after 3 from "
            "2024-01-29, 5 after 3 from 2024-02-26 and 7 after 4 from 2024-03-25)."
        ),
        "since": 0,
        "evidence": [
            "therapy@0",
            "rescue-doses@9",
            "stools-per-day@9",
            "rescue-doses@16",
            "stools-per-day@16",
            "rescue-doses@22",
            "stools-per-day@22",
            "rescue-doses@25",
            "stools-per-day@26",
            "therapy@28",
            "rescue-doses@37",
            "stools-per-day@37",
            "rescue-doses@44",
            "stools-per-day@44",
            "rescue-doses@50",
            "stools-per-day@50",
            "rescue-doses@53",
            "stools-per-day@54",
            "therapy@56",
            "rescue-doses@65",
            "rescue-doses@72",
            "rescue-doses@78",
            "rescue-doses@81",
            "therapy@84",
            "rescue-doses@93",
            "stools-per-day@93",
            "rescue-doses@100",
            "stools-per-day@100",
            "rescue-doses@106",
            "stools-per-day@106",
            "rescue-doses@109",
            "stools-per-day@110",
        ],
        "compared": ("baseline", 4, None, 84, "mean stools a day of the middle of the latest cycle"),
        "thresholds": [
            "escape_cycles",
            "escape_entries",
            "escape_relative",
            "escape_points",
            "escape_a_day",
            "escape_late_injection",
        ],
    }
