"""The course of a marker out of entries, as the tests of rises and drifts ask for it."""

from __future__ import annotations

from clinical.change import MarkerCourse, Rise, marker_course
from clinical.chart import Entry
from tests.clinical.charts import PROTOCOL, chart


def course(*entries: Entry, analyte: str = "glucagon") -> MarkerCourse:
    """The course of the analyte under the bundled protocol."""
    return marker_course(chart(*entries), PROTOCOL, analyte)


def standing(*entries: Entry) -> Rise:
    """The rise that stands; there must be one."""
    rise = course(*entries).rise
    assert rise is not None
    return rise
