"""Quiet hours: across midnight, in any zone and through daylight saving, and never longer than the site allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.quiet import QuietHours, held_until

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")]
LONGEST = timedelta(hours=12)
moments = st.timedeltas(timedelta(0), timedelta(days=1100)).map(lambda after: datetime(2025, 1, 1, tzinfo=UTC) + after)


def hours(start: str, end: str, zone: str = "Europe/Berlin") -> QuietHours:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (start, end)]
    return QuietHours(minutes[0], minutes[1], ZoneInfo(zone))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-02T21:59+01:00", None),
        ("2026-03-02T22:00+01:00", "2026-03-03T06:30+01:00"),
        ("2026-03-02T23:59+01:00", "2026-03-03T06:30+01:00"),
        ("2026-03-03T00:00+01:00", "2026-03-03T06:30+01:00"),
        ("2026-03-03T06:29+01:00", "2026-03-03T06:30+01:00"),
        ("2026-03-03T06:30+01:00", None),
    ],
)
def test_a_night_goes_over_midnight_on_the_local_clock(now: str, until: str | None) -> None:
    found = hours("22:00", "06:30").until(datetime.fromisoformat(now))
    assert found == (None if until is None else datetime.fromisoformat(until))


def test_the_same_moment_is_night_for_one_and_day_for_another() -> None:
    now = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    assert hours("22:00", "06:00", "Europe/Berlin").until(now) == datetime(2026, 3, 2, 5, tzinfo=UTC)
    assert hours("22:00", "06:00", "America/New_York").until(now) == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert hours("22:00", "06:00", "Asia/Tokyo").until(now) is None


def test_the_clock_change_neither_shortens_nor_doubles_the_night() -> None:
    forward, back = datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 10, 24, 21, tzinfo=UTC)
    assert hours("22:00", "06:00").until(forward) == datetime(2026, 3, 29, 4, tzinfo=UTC)
    assert hours("22:00", "06:00").until(back) == datetime(2026, 10, 25, 5, tzinfo=UTC)
    skipped, second = datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert hours("22:00", "02:30").until(skipped) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert hours("22:00", "02:30").until(second) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(now=moments, start=st.integers(0, 1439), end=st.integers(0, 1439), zone=st.sampled_from(ZONES))
def test_quiet_hours_end_ahead_at_their_end_and_within_a_day(
    now: datetime, start: int, end: int, zone: ZoneInfo
) -> None:
    if start == end:
        return
    until = QuietHours(start, end, zone).until(now)
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    assert (until is not None) == inside
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        ended = until.astimezone(zone)
        assert abs(ended.hour * 60 + ended.minute - end) in (0, 60)


@given(now=moments, waited=st.timedeltas(timedelta(0), timedelta(hours=30)), zone=st.sampled_from(ZONES))
def test_nothing_is_held_longer_than_twelve_hours_and_urgent_not_at_all(
    now: datetime, waited: timedelta, zone: ZoneInfo
) -> None:
    all_day = QuietHours(0, 1439, zone)
    until = held_until("high", all_day, created_at=now - waited, now=now, longest=LONGEST)
    assert until is None or now < until <= now - waited + LONGEST
    assert until is None or waited < LONGEST
    for severity in ("urgent", "technical"):
        assert held_until(severity, all_day, created_at=now, now=now, longest=LONGEST) is None
