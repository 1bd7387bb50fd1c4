"""The states of the channels marker, imaging and skin, and the sentence where they disagree."""

from __future__ import annotations

import pytest

from clinical.axes import imaging_state, marker_state, skin_state
from clinical.channel import ChannelState
from clinical.chart import Entry
from clinical.discordance import discordance
from tests.clinical.charts import PROTOCOL, chart, findings, glucagon, lesion, moment, operation, response, skin, state

RESIDUAL = state(-10, "residual-stable")
NED = state(-10, "ned-resected")
WORSE = (skin(0, iga=1), skin(62, iga=3), skin(70, iga=3))
STABLE = (glucagon(0, 60), glucagon(60, 62))
CT = response(60, "SD", modality="CT")


def sentence(*entries: Entry, day: float = 90) -> str:
    return discordance(chart(*entries), PROTOCOL, moment(day))


def marker(*entries: Entry, day: float = 90) -> ChannelState:
    return marker_state(chart(*entries), PROTOCOL, moment(day))


def imaging(*entries: Entry, day: float = 90) -> ChannelState:
    return imaging_state(chart(*entries), PROTOCOL, moment(day))


def look(*entries: Entry, day: float = 90) -> ChannelState:
    return skin_state(chart(*entries), PROTOCOL, moment(day))


def test_worse_skin_with_stable_disease_is_said_in_one_sentence() -> None:
    assert sentence(RESIDUAL, *WORSE, *STABLE, CT) == "Skin worse since 3 Mar 2024; glucagon and CT stable"


def test_a_worse_scan_with_clear_skin_is_said_as_well() -> None:
    clear = (skin(0, overall="clear"), skin(60, overall="clear"))
    said = sentence(RESIDUAL, *clear, *STABLE, response(80, "PD", modality="MRI"))
    assert said == "MRI worse since 21 Mar 2024; skin and glucagon stable"


def test_what_is_not_confirmed_is_called_so() -> None:
    said = sentence(RESIDUAL, *WORSE[:2], *STABLE, CT)
    assert said == "Skin worse, not yet confirmed, since 3 Mar 2024; glucagon and CT stable"


def test_a_channel_nobody_looked_at_is_unknown_and_never_normal() -> None:
    assert sentence(RESIDUAL, *WORSE, CT) == "Skin worse since 3 Mar 2024; CT stable; glucagon unknown"
    assert sentence(RESIDUAL, *WORSE, *STABLE) == "Skin worse since 3 Mar 2024; glucagon stable; imaging unknown"


def test_the_marker_against_the_scan() -> None:
    rise = (glucagon(0, 60), glucagon(60, 99), glucagon(90, 101))
    assert sentence(RESIDUAL, *rise, CT) == "Glucagon worse since 1 Mar 2024; CT stable; skin unknown"


def test_better_against_worse_is_a_disagreement() -> None:
    fell = (glucagon(0, 3000), glucagon(60, 1000))
    said = sentence(RESIDUAL, *fell, response(80, "PD", modality="CT"))
    assert said == "CT worse since 21 Mar 2024; glucagon better; skin unknown"


@pytest.mark.parametrize(
    "agreeing",
    [
        (),
        (CT,),
        (*WORSE,),
        (*STABLE, CT),
        (*WORSE, response(80, "PD", modality="CT")),
        (skin(0, overall="active"), skin(60, overall="clear"), *STABLE, CT),
    ],
)
def test_where_channels_agree_or_only_one_speaks_nothing_is_said(agreeing: tuple[Entry, ...]) -> None:
    assert sentence(RESIDUAL, *agreeing) == ""


def test_what_is_known_later_is_not_in_it() -> None:
    assert sentence(RESIDUAL, *WORSE, *STABLE, CT, day=59) == ""


def test_the_marker_by_its_rules() -> None:
    first_above = (glucagon(0, 60), glucagon(60, 85))
    assert marker(NED, *first_above).word == "worse, unconfirmed"
    assert marker(RESIDUAL, *first_above).word == "stable"
    assert marker(NED, glucagon(0, 60), glucagon(60, 160)).word == "worse"
    assert marker(RESIDUAL, glucagon(0, 60), glucagon(60, 99)).word == "worse, unconfirmed"
    haemolysed = marker(RESIDUAL, *STABLE, glucagon(80, 300, disqualifiers=("haemolysed",)))
    assert (haemolysed.word, haemolysed.since) == ("unknown", None)
    assert "haemolysed" in haemolysed.detail
    assert "R41" in findings(90, RESIDUAL, *STABLE, glucagon(80, 300, disqualifiers=("haemolysed",)))


def test_a_rise_right_after_an_operation_is_not_called_worse() -> None:
    after = (glucagon(0, 60), glucagon(60, 99), operation(50, "cholecystectomy"))
    assert marker(RESIDUAL, *after).word == "stable"


@pytest.mark.parametrize(("value", "word"), [(60.9, "better"), (61, "stable")])
def test_a_fall_beyond_chance_is_better(value: float, word: str) -> None:
    assert marker(RESIDUAL, glucagon(0, 100), glucagon(60, value)).word == word


def test_a_marker_that_cannot_be_compared_is_unknown() -> None:
    assert marker(RESIDUAL).detail == "glucagon never measured"
    once = marker(RESIDUAL, glucagon(60, 62))
    assert (once.word, once.since) == ("unknown", None)
    assert "nothing to compare" in once.detail


def test_a_state_says_value_date_and_since() -> None:
    stable = marker(RESIDUAL, *STABLE)
    assert stable == ChannelState("marker", "stable", stable.detail, moment(60))
    assert stable.detail == "glucagon 62 pg/mL on 2024-03-01, nadir 60 pg/mL (2024-01-01)"


@pytest.mark.parametrize(("day", "word"), [(260, "stable"), (261, "unknown")])
def test_an_old_value_tells_nothing_of_now(day: float, word: str) -> None:
    assert marker(RESIDUAL, *STABLE, day=day).word == word
    looks = (skin(0, iga=1), skin(60, iga=1))
    assert look(*looks, day=day).word == word
    assert imaging(response(60, "SD"), day=day + 200).word == word


def test_the_scan_by_its_rules() -> None:
    assert imaging(RESIDUAL, response(60, "PD")).word == "worse"
    assert imaging(RESIDUAL, response(60, "PD", signed=False)).word == "worse, unconfirmed"
    assert imaging(RESIDUAL, lesion(60, "L1", role="new", state="equivocal")).word == "worse, unconfirmed"
    slow = [lesion(30 * n, "T", mm, signed=True) for n, mm in enumerate((100, 111, 112))]
    assert imaging(RESIDUAL, *slow).word == "worse, unconfirmed"
    assert imaging(RESIDUAL, response(60, "PR", modality="CT")) == ChannelState(
        "imaging", "better", "CT of 2024-03-01 PR", moment(60)
    )
    assert imaging(NED, response(60, "NED")).word == "stable"


def test_a_scan_that_cannot_be_compared_is_unknown() -> None:
    assert imaging(RESIDUAL).detail == "never scanned"
    assert imaging(RESIDUAL, lesion(60, "T", 20)).word == "unknown"
    assert imaging(RESIDUAL, response(60, "NE")).word == "unknown"


def test_the_skin_by_its_rule() -> None:
    assert look(*WORSE) == ChannelState("skin", "worse", "IGA 3 after 1 on 2024-01-01", moment(62))
    assert look(*WORSE[:2]).word == "worse, unconfirmed"
    assert look(skin(0, overall="active"), skin(60, overall="improved")).word == "better"
    assert look(skin(0, iga=3), skin(60, iga=2)).word == "better"
    assert look(skin(0, iga=2), skin(60, iga=2)).word == "stable"
    assert look(skin(60, iga=2)).word == "unknown"
    assert look().detail == "skin never assessed"
    assert look(skin(0, iga=2), skin(60, infection="none")).word == "unknown"
