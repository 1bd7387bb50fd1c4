"""The latest course of an analogue: from which entry to which, and when its cover ended."""

from __future__ import annotations

import pytest

from clinical.courses import last_course
from tests.clinical.charts import chart, moment, therapy


def step(day: float, kind: str, **given: object) -> object:
    return therapy(day, kind, drug="lanreotide", **given)


def test_a_course_reaches_back_over_its_changes_to_its_start() -> None:
    start, stop = step(0, "start", dose=60), step(400, "stop")
    course = last_course(chart(start, step(100, "dose", dose=120), stop), moment(500))
    assert course is not None
    assert (course.drug, course.start, course.last_dose) == ("lanreotide", start, stop)
    assert (course.ended, course.lapses) == (moment(400), None)


def test_the_last_injection_before_a_stop_is_the_last_dose() -> None:
    given = [step(day, "injection", interval_days=28) for day in (10, 38, 66)]
    course = last_course(chart(step(0, "start"), *given, step(90, "stop")), moment(500))
    assert course is not None
    assert (course.last_dose, course.ended) == (given[2], moment(90))


def test_a_stop_divides_two_courses() -> None:
    again = step(200, "start")
    course = last_course(chart(step(0, "start"), step(100, "stop"), again), moment(500))
    assert course is not None
    assert (course.start, course.ended) == (again, None)


def test_a_course_is_known_from_its_first_moment_and_ended_at_its_stop() -> None:
    start, stop = step(0, "start"), step(400, "stop")
    assert last_course(chart(start), moment(-1)) is None
    running = last_course(chart(start), moment(0))
    assert running is not None
    assert running.ended is None
    stopped = last_course(chart(start, stop), moment(400))
    assert stopped is not None
    assert stopped.ended == moment(400)


@pytest.mark.parametrize(("interval", "cover"), [(42, 42), (None, 28)])
def test_by_injections_alone_cover_ends_one_interval_after_the_last(interval: int | None, cover: int) -> None:
    given = [step(day, "injection", interval_days=interval) for day in (0, 28)]
    course = last_course(chart(*given), moment(500))
    assert course is not None
    assert (course.start, course.last_dose, course.ended) == (given[0], given[1], moment(28 + cover))
    running = last_course(chart(*given), moment(30))
    assert running is not None
    assert running.ended is None
    assert running.lapses == moment(28 + 3 * cover)
