"""Where glucose, absorption and the gallbladder stand: worse, not confirmed, stable, better, and unknown."""

from __future__ import annotations

import pytest

from clinical.channel import ChannelState
from clinical.chart import Entry
from clinical.side_effect_axes import absorption_state, biliary_state, glucose_state
from tests.clinical.charts import PROTOCOL, chart, lab, moment, operation, sensor, symptom, therapy, ultrasound

START = therapy(0, "start", drug="lanreotide", interval_days=28)


def hba1c(day: float, value: float) -> Entry:
    return lab(day, "hba1c", value, unit="%")


def vitamin_d(day: float, value: float) -> Entry:
    return lab(day, "vitamin-d", value, unit="ng/mL")


def at_200(which: str, *entries: Entry) -> ChannelState:
    state = {"glucose": glucose_state, "absorption": absorption_state, "biliary": biliary_state}[which]
    return state(chart(*entries), PROTOCOL, moment(200))


@pytest.mark.parametrize("which", ["glucose", "absorption", "biliary"])
def test_what_was_never_looked_at_is_unknown(which: str) -> None:
    state = at_200(which)
    assert (state.channel, state.word, state.since) == (which, "unknown", None)


@pytest.mark.parametrize(
    ("which", "entries", "word"),
    [
        ("glucose", (hba1c(190, 5.5),), "unknown"),
        ("glucose", (hba1c(100, 5.5), hba1c(190, 5.6)), "stable"),
        ("glucose", (hba1c(100, 6.2), hba1c(190, 5.7)), "better"),
        ("glucose", (hba1c(100, 6.2), hba1c(190, 5.71)), "stable"),
        ("glucose", (hba1c(100, 5.5), hba1c(190, 6.2)), "worse"),
        ("glucose", (hba1c(-100, 5.5), hba1c(17, 5.6)), "stable"),
        ("glucose", (hba1c(-100, 5.5), hba1c(16, 5.6)), "unknown"),
        ("glucose", (symptom(195, "severe-hypoglycaemia"),), "worse"),
        ("glucose", tuple(sensor(d) for d in range(186, 200)), "stable"),
        ("glucose", (sensor(199),), "unknown"),
        ("absorption", (vitamin_d(190, 30),), "unknown"),
        ("absorption", (vitamin_d(-100, 30), vitamin_d(190, 32)), "stable"),
        ("absorption", (vitamin_d(-300, 30), vitamin_d(-200, 32)), "stable"),
        ("absorption", (vitamin_d(-300, 30), vitamin_d(-201, 32)), "unknown"),
        ("absorption", (vitamin_d(190, 15),), "worse, unconfirmed"),
        ("absorption", (vitamin_d(190, 11),), "worse"),
        ("absorption", (lab(190, "elastase", 150),), "worse, unconfirmed"),
        ("absorption", (lab(190, "elastase", 150), vitamin_d(190, 15)), "worse"),
        ("absorption", (START, lab(0, "b12", 400), lab(190, "b12", 250)), "worse, unconfirmed"),
        ("biliary", (ultrasound(190, stones="none"),), "unknown"),
        ("biliary", (ultrasound(10, stones="none"), ultrasound(190, stones="none")), "stable"),
        ("biliary", (ultrasound(10, stones="single"), ultrasound(190, stones="single")), "stable"),
        ("biliary", (ultrasound(10, stones="single"), ultrasound(190, stones="none")), "better"),
        ("biliary", (START, ultrasound(-10, stones="none"), ultrasound(190, stones="single")), "worse"),
        ("biliary", (symptom(195, "jaundice"),), "worse"),
        ("biliary", (lab(190, "ggt", 200, ref_high=60),), "worse, unconfirmed"),
        ("biliary", tuple(lab(d, "ggt", 200, ref_high=60) for d in (180, 190)), "worse"),
        ("biliary", (ultrasound(-300, stones="none"), ultrasound(-257, stones="none")), "stable"),
        ("biliary", (ultrasound(-300, stones="none"), ultrasound(-258, stones="none")), "unknown"),
        ("biliary", (ultrasound(10, stones="none"), ultrasound(190, gallbladder="not-seen")), "unknown"),
        ("biliary", (operation(-50, "cholecystectomy"),), "unknown"),
    ],
)
def test_each_channel_has_a_word(which: str, entries: tuple[Entry, ...], word: str) -> None:
    state = at_200(which, *entries)
    assert (state.channel, state.word) == (which, word)
    assert (state.since is None) is (word == "unknown")


def test_the_detail_holds_values_and_dates() -> None:
    assert at_200("glucose", hba1c(100, 5.5), hba1c(190, 5.6)).detail == "HbA1c 5.6% on 2024-07-09"
    stones = (ultrasound(10, stones="multiple"), ultrasound(190, stones="multiple", sludge=True, max_mm=4))
    assert at_200("biliary", *stones).detail == "stones and sludge, up to 4 mm on 2024-07-09"
    assert at_200("biliary", operation(-50, "cholecystectomy")).detail == "gallbladder removed"
    two = (vitamin_d(-100, 30), vitamin_d(190, 32), lab(190, "b12", 400, unit="pg/mL"))
    assert at_200("absorption", *two).detail == "Vitamin D (25-OH) 32 ng/mL and Vitamin B12 400 pg/mL on 2024-07-09"


@pytest.mark.parametrize(("value", "repeat"), [(14.9, False), (15, True), (199, True)])
def test_a_low_elastase_alone_is_to_be_repeated_unless_very_low(value: float, repeat: bool) -> None:
    assert ("repeat it?" in at_200("absorption", lab(190, "elastase", value)).detail) is repeat
    with_weight = (lab(17, "weight", 70, unit="kg"), lab(199, "weight", 66, unit="kg"))
    assert "repeat it?" not in at_200("absorption", lab(190, "elastase", value), *with_weight).detail
