"""A resection recorded as curative and complete states by itself that no disease is evident."""

from __future__ import annotations

import pytest

from tests.clinical.charts import operation


@pytest.mark.parametrize("completeness", ["R0", "R1"])
def test_a_curative_complete_resection_states_that_no_disease_is_evident(completeness: str) -> None:
    operated = operation(0, intent="curative", completeness=completeness)
    stated = operated.stated_cure()
    assert stated is not None
    assert (stated.state, stated.effective, stated.record) == ("ned-resected", operated.effective, operated.record)


@pytest.mark.parametrize(
    "given",
    [
        {"intent": "curative", "completeness": "R2"},
        {"intent": "palliative", "completeness": "R0"},
        {"intent": "curative"},
        {"completeness": "R0"},
        {"procedure": "embolisation", "intent": "curative", "completeness": "R0"},
    ],
)
def test_anything_less_states_nothing(given: dict[str, str]) -> None:
    assert operation(0, **given).stated_cure() is None
