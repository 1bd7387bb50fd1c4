"""Best overall response with and without confirmation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from clinical.best_response import Criteria, Reading, best_response

START = date(2024, 1, 1)


def best(*readings: tuple[int, str], criteria: Criteria | None = None) -> str:
    """The best response of readings (days since the start, response)."""
    scans = [Reading(START + timedelta(days=day), response) for day, response in readings]
    return best_response(scans, started=START, criteria=criteria or Criteria())[0]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        (((60, "PR"), (120, "PR")), "PR"),
        (((60, "PR"), (120, "CR")), "PR"),
        (((60, "PR"), (80, "PR")), "SD"),
        (((60, "PR"), (120, "SD")), "SD"),
        (((60, "PR"), (120, "PD")), "SD"),
        (((20, "PR"), (120, "PD")), "PD"),
        (((60, "CR"), (120, "CR")), "CR"),
        (((20, "SD"),), "NE"),
        ((), "MISSING"),
    ],
)
def test_a_response_needs_its_confirmation_and_stable_disease_its_time(
    readings: tuple[tuple[int, str], ...], expected: str
) -> None:
    assert best(*readings) == expected


def test_without_confirmation_one_scan_is_enough() -> None:
    assert best((60, "PR"), (120, "PD"), criteria=Criteria(confirm_days=None)) == "PR"


def test_what_comes_after_progression_counts_no_more() -> None:
    scans = [Reading(START + timedelta(days=day), r) for day, r in ((60, "PD"), (120, "PR"), (180, "PR"))]
    found = best_response(scans, started=START, criteria=Criteria(), progressed=scans[0].day)
    assert found == ("PD", scans[0].day)
