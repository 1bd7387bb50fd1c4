"""Due times: a fixed grid for what repeats, one a local date for what is daily, whatever daylight saving does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.schedule import Daily, Every

ZONES = ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
moments = st.timedeltas(timedelta(0), timedelta(days=1100)).map(lambda after: datetime(2025, 1, 1, tzinfo=UTC) + after)
dailies = st.builds(Daily, st.times().map(lambda t: t.replace(microsecond=0)), st.sampled_from(ZONES).map(ZoneInfo))
grids = st.builds(Every, st.integers(1, 86_400))


@given(st.one_of(grids, dailies), moments)
def test_now_lies_between_the_latest_due_time_and_the_next(when: Every | Daily, now: datetime) -> None:
    assert when.latest(now) <= now < when.next(now)


@given(st.one_of(grids, dailies), moments)
def test_a_due_time_is_its_own_latest_and_nothing_is_due_in_between(when: Every | Daily, now: datetime) -> None:
    due = when.latest(now)
    assert when.latest(due) == due
    assert when.next(due) == when.next(now)


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("at", [time(1, 30), time(2, 0), time(2, 15), time(2, 30)])
def test_a_daily_job_is_due_once_a_local_date_through_a_whole_year(zone: str, at: time) -> None:
    when = Daily(at, ZoneInfo(zone))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    seen = set()
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        seen.add(when.latest(now))
        now += timedelta(minutes=30)
    dates = sorted(due.astimezone(ZoneInfo(zone)).date() for due in seen)
    assert len(dates) == len(set(dates)) == (dates[-1] - dates[0]).days + 1


def test_the_repeated_hour_has_its_first_pass_and_the_missing_one_the_time_after_it() -> None:
    london = Daily(time(1, 30), ZoneInfo("Europe/London"))
    assert london.on(date(2026, 10, 25)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert london.on(date(2026, 3, 29)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
