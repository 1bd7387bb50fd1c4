"""What the patient page says beside the judgements: channels that disagree, findings that are held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

from dashboard.parts.notices import disagreement, what_is_held_back
from dashboard.parts.times import Clock
from tests.clinical.charts import PROTOCOL, chart, glucagon, moment, operation, response, skin, state

RESIDUAL = state(-10, "residual-stable")
STABLE = (glucagon(0, 60), glucagon(60, 62), response(60, "SD", modality="CT"))
WORSE = (skin(0, iga=1), skin(62, iga=3), skin(70, iga=3))


def clock(day: float) -> Clock:
    return Clock(moment(day).astimezone(UTC), ZoneInfo("Europe/Berlin"))


def test_channels_that_disagree_are_named_above_the_tiles() -> None:
    said = disagreement(chart(RESIDUAL, *STABLE, *WORSE), PROTOCOL, clock(90))
    assert said is not None
    assert "Skin worse since 3 Mar 2024; glucagon and CT stable" in str(said.to_plotly_json())


def test_channels_that_agree_need_no_sentence() -> None:
    assert disagreement(chart(RESIDUAL, *STABLE), PROTOCOL, clock(90)) is None


def test_a_rise_soon_after_an_operation_is_shown_as_held_back_with_its_reason() -> None:
    early = chart(RESIDUAL, operation(0), glucagon(10, 60), glucagon(20, 300))
    shown = what_is_held_back(early, PROTOCOL, clock(25))
    assert shown is not None
    assert "Held back by the rules" in str(shown.to_plotly_json())


def test_a_patient_who_died_is_said_to_be_no_longer_judged() -> None:
    died = replace(chart(RESIDUAL, *STABLE), deceased=moment(80))
    assert "died" in str(what_is_held_back(died, PROTOCOL, clock(90)))


def test_where_nothing_is_held_back_nothing_is_said() -> None:
    assert what_is_held_back(chart(RESIDUAL, *STABLE), PROTOCOL, clock(90)) is None
