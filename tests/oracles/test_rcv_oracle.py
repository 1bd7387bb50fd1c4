"""Reference change values against published and independently computed ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from clinical.variation import TWO_SIDED_95, rcv_down, rcv_symmetric, rcv_up

pytestmark = pytest.mark.oracles


def test_reference_change_values_and_their_verdicts_agree(shared_data: Path) -> None:
    with (shared_data / "rcv" / "rcv_cases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 11
    for row in rows:
        analytical, within = float(row["cv_analytical"]) / 100, float(row["cv_within_subject"]) / 100
        symmetric = rcv_symmetric(analytical, within)
        up, down = rcv_up(analytical, within, TWO_SIDED_95), rcv_down(analytical, within, TWO_SIDED_95)
        assert symmetric * 100 == pytest.approx(float(row["expected_rcv_percent"]), abs=0.01), row
        # The oracle adds the variances before it takes the logarithm, the clinical reference after: 0.6 points at most.
        assert up * 100 == pytest.approx(float(row["expected_rcv_log_up"]), abs=0.6), row
        assert down * 100 == pytest.approx(float(row["expected_rcv_log_down"]), abs=0.6), row
        change = float(row["second"]) / float(row["first"]) - 1
        assert (abs(change) >= symmetric) is (row["significant_symmetric"] == "True"), row
        assert (change >= up or change <= down) is (row["significant_log"] == "True"), row
