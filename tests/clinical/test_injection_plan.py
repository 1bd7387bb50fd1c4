"""The plan of depot injections by date, and how each came against it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from clinical.chart import Entry, Therapy
from clinical.injection_plan import DATES_AHEAD, how_given, injection_plan, plan_before_stop
from clinical.injections import every_cycle
from clinical.site_days import in_site_days, site_noon
from tests.clinical.charts import PROTOCOL, chart, findings, moment, operation, therapy


def step(day: float, kind: str = "start", **given: object) -> Therapy:
    told = {"drug": "lanreotide", "dose": 120.0, "unit": "mg", "interval_days": 28, **given}
    return therapy(day, kind, **told)


def shot(day: float, **given: object) -> Therapy:
    return therapy(day, "injection", **{"drug": "lanreotide", "dose": 120.0, "unit": "mg", **given})


def planned(day: float, *entries: Entry) -> list[date]:
    return [one.on for one in injection_plan(chart(*entries), PROTOCOL, moment(day)).dates]


def on(day: int) -> date:
    return moment(day).date()


def test_the_dates_count_from_the_last_injection_and_are_numbered() -> None:
    found = injection_plan(chart(step(0), shot(0), shot(28)), PROTOCOL, moment(30))
    assert [(one.number, one.on) for one in found.dates] == [(3 + n, on(56 + 28 * n)) for n in range(DATES_AHEAD)]
    assert (found.interval_days, found.assumed, found.why_not) == (28, False, None)


@pytest.mark.parametrize(
    ("entries", "next_on"),
    [
        ((step(0), shot(0, planned_next=on(30))), 30),
        ((step(0), shot(0), step(10, "interval", interval_days=21)), 21),
        ((step(0), shot(0, planned_next=on(30)), step(10, "interval", interval_days=21)), 21),
        ((step(0), shot(0), step(10, "interval", planned_next=on(33))), 33),
        ((step(0), shot(0), step(10, drug="octreotide-lar", dose=30.0)), 28),
        ((step(0, interval_days=None), shot(0)), 28),
        ((step(0), shot(0), operation(27, "prrt")), 27 + int(PROTOCOL["injection_after_prrt"])),
        ((step(12),), 12),
        ((step(12, planned_next=on(19)),), 19),
    ],
)
def test_the_date_decided_last_holds(entries: tuple[Entry, ...], next_on: int) -> None:
    assert planned(27.5, *entries)[0] == on(next_on)


def test_what_cannot_be_planned_says_why() -> None:
    def why(day: float, *entries: Entry) -> str | None:
        return injection_plan(chart(*entries), PROTOCOL, moment(day)).why_not

    assert why(10) == "no-regimen"
    assert why(40, step(0), shot(0), step(30, "stop")) == "no-regimen"
    assert why(10, step(0, drug="octreotide", interval_days=None)) == "no-depot"
    assert why(400, step(0)) == "none-recorded"


def test_an_overdue_injection_keeps_its_date_and_the_later_ones_are_those_to_come() -> None:
    dates = injection_plan(chart(step(0), shot(0)), PROTOCOL, moment(60)).dates
    assert [(one.number, one.on) for one in dates[:2]] == [(2, on(28)), (4, on(84))]


def test_a_stop_leaves_what_was_planned_before_it_to_be_taken_back() -> None:
    stopped = chart(step(0), shot(0), step(20, "stop"))
    before = plan_before_stop(stopped, PROTOCOL, moment(25))
    assert before is not None and [one.number for one in before.dates] == list(range(2, 2 + DATES_AHEAD))
    assert before.next == on(28)
    assert plan_before_stop(chart(step(0), shot(0)), PROTOCOL, moment(25)) is None
    assert plan_before_stop(chart(), PROTOCOL, moment(25)) is None


def test_each_injection_is_late_early_missed_or_as_planned() -> None:
    days = (0, 28, 64, 86, 120, 180)
    found = every_cycle(chart(step(0), *map(shot, days)), PROTOCOL, moment(181))
    how = [how_given(cycle, PROTOCOL, moment(181)) for cycle in found]
    assert how == ["as-planned", "late", "early", "as-planned", "missed", "due"]
    assert how_given(found[-1], PROTOCOL, moment(216)) == "overdue"
    assert how_given(found[-1], PROTOCOL, moment(236)) == "missed"


def test_a_stop_parts_two_injections_and_prrt_excuses_one() -> None:
    parted = chart(step(0), shot(0), step(20, "stop"), step(200), shot(200))
    assert [c.previous.effective for c in every_cycle(parted, PROTOCOL, moment(201))] == [moment(200)]
    withheld = chart(step(0), shot(0), operation(20, "prrt"), shot(45))
    assert how_given(every_cycle(withheld, PROTOCOL, moment(46))[0], PROTOCOL, moment(46)) == "withheld"


def test_a_date_written_down_at_a_step_is_the_plan_of_the_rule_too() -> None:
    moved = (step(-28), shot(-28), shot(0), step(10, "interval", planned_next=on(50)))
    assert "R29" not in findings(55, *moved)
    assert "R29" in findings(58, *moved)
    # A step on the day of the injection speaks of the one after it.
    same_day = (step(-28), shot(-28), shot(0), step(28, "interval", planned_next=on(60)), shot(28.4))
    cycles = every_cycle(chart(*same_day), PROTOCOL, moment(30))
    assert [how_given(c, PROTOCOL, moment(30)) for c in cycles] == ["as-planned", "as-planned", "due"]
    assert cycles[-1].due == on(60)


def test_days_are_those_of_the_site() -> None:
    angeles = ZoneInfo("America/Los_Angeles")
    afternoon = datetime(2026, 3, 2, 17, 0, tzinfo=angeles)
    given = Therapy(
        record="1",
        effective=afternoon.astimezone(UTC),
        known_at=afternoon.astimezone(UTC),
        precision="minute",
        kind="injection",
        drug="lanreotide",
        interval_days=28,
    )
    now = afternoon.replace(hour=18).astimezone(UTC)
    assert now.date() == date(2026, 3, 3)
    plan = injection_plan(in_site_days(chart(given), angeles, now), PROTOCOL, site_noon(now, angeles))
    assert plan.next == date(2026, 3, 30)
    assert injection_plan(chart(given), PROTOCOL, now).next == date(2026, 3, 31)


def test_a_date_counts_from_the_beginning_of_its_day_at_the_site() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    morning = datetime(2024, 2, 1, 7, 0, tzinfo=tokyo)
    stopped = chart(step(0), shot(0), step(31, "stop"))
    assert morning.astimezone(UTC).date() == date(2024, 1, 31)
    seen = in_site_days(stopped, tokyo, morning)
    assert injection_plan(seen, PROTOCOL, site_noon(morning, tokyo)).why_not == "no-regimen"
    before = in_site_days(stopped, tokyo, datetime(2024, 1, 31, 23, 59, tzinfo=tokyo))
    assert [t.kind for t in before.therapy] == ["start", "injection"]
