"""What a tile says belongs to the moment it names."""

from __future__ import annotations

from datetime import timedelta

from clinical.chart import Chart, Lesion, Response
from clinical.recist import assess
from dashboard.parts.readouts import Readout, imaging_readout
from tests.dashboard.views import CLOCK, NOW


def lesion(days_ago: int, tenths: int) -> Lesion:
    when = NOW - timedelta(days=days_ago)
    more = {"lesion": "L1", "role": "target", "modality": "CT", "diameter_tenths": tenths, "signed": True}
    return Lesion(record=f"l{days_ago}", effective=when, known_at=when, **more)  # type: ignore[arg-type]


def read(lesions: tuple[Lesion, ...], *, stated: str, days_ago: int) -> Readout:
    when = NOW - timedelta(days=days_ago)
    response = Response(record="r", effective=when, known_at=when, response=stated)  # type: ignore[arg-type]
    chart = Chart(patient="P1", lesions=lesions, responses=(response,))
    return imaging_readout(assess(lesions), chart, CLOCK)


def test_a_scan_that_found_nothing_has_not_the_sum_of_the_one_before_the_operation() -> None:
    found = read((lesion(2000, 450),), stated="NED", days_ago=8)
    assert found.latest == "NED"
    assert found.lines[1] == "last sum 45 mm, on 7 Jun 2021"
    assert "45 mm" not in found.sentence


def test_the_sum_of_the_scan_itself_stands_beside_the_readers_response() -> None:
    found = read((lesion(100, 400), lesion(8, 500)), stated="PD", days_ago=8)
    assert found.lines[1] == "sum 50 mm, +25 % vs nadir 40 mm"
    assert "+25 %" in found.sentence
