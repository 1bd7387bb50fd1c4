"""The stories of the demonstration cohort before they meet a database: complete, repeatable, in the past."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.analytes import CATALOGUE
from data.demo.cohort import COHORT
from data.demo.sensor import READINGS_A_DAY, Glycaemia, day_of
from data.demo.story import TEAMS, YEAR, Story
from data.demo.teller import Teller
from data.demo.variation import CLIP_SD, VARIATION, level_at, measured
from data.readings import PLAIN, pack

TODAY = date(2026, 3, 2)
KINDS = {"lab", "skin", "lesion", "response", "biliary", "therapy", "symptom", "state", "finding"}
STATES = {"pre-op", "ned-resected", "residual-stable", "residual-progressing", "no-tumour-found", "unknown"}


def told(story: Story, today: date = TODAY) -> Teller:
    teller = Teller(story, today, patient_id=1)
    story.tell(teller)
    return teller


@pytest.fixture(scope="module")
def cohort() -> dict[str, Teller]:
    return {story.mrn: told(story) for story in COHORT}


def test_the_cohort_is_at_least_twenty_four_people_in_two_teams() -> None:
    assert len(COHORT) >= 24
    assert len({story.mrn for story in COHORT}) == len(COHORT)
    assert len({story.name for story in COHORT}) == len(COHORT)
    assert {story.team for story in COHORT} == set(TEAMS)


def test_every_patient_is_plainly_invented() -> None:
    assert all(story.mrn.startswith("DEMO-") and "Demo" in story.name for story in COHORT)


def test_every_story_says_what_happens_and_most_name_their_source() -> None:
    assert all(len(story.summary) > 60 for story in COHORT)
    cited = [story for story in COHORT if story.sources]
    assert len(cited) > len(COHORT) / 2
    assert all(source.link.startswith("http") for story in cited for source in story.sources)


def test_every_kind_of_record_and_every_disease_state_is_told(cohort: dict[str, Teller]) -> None:
    items = [item for teller in cohort.values() for item in teller.items]
    assert {item.kind for item in items} == KINDS
    assert {item.detail["state"] for item in items if item.kind == "state" and item.detail} == STATES
    last_states = {
        max((i for i in t.items if i.kind == "state"), key=lambda i: i.effective_text).detail["state"]
        for t in cohort.values()
    }
    assert last_states == STATES
    kinds_of_therapy = {item.detail["kind"] for item in items if item.kind == "therapy" and item.detail}
    assert kinds_of_therapy >= {"injection", "start", "stop", "procedure"}


def test_the_cohort_measures_vitamins_liver_zinc_albumin_and_vital_signs(cohort: dict[str, Teller]) -> None:
    measured_here = {item.analyte for teller in cohort.values() for item in teller.items if item.kind == "lab"}
    assert measured_here <= CATALOGUE.keys()
    assert measured_here >= {
        *("glucagon", "zinc", "albumin", "b12", "vitamin-a", "vitamin-d", "vitamin-e", "inr", "alp", "alt", "ggt"),
        *("bilirubin", "lipase", "tsh", "hba1c", "glucose-fasting", "weight", "heart-rate", "systolic", "lvef"),
    }


def test_every_record_of_a_paper_world_is_there(cohort: dict[str, Teller]) -> None:
    items = [item for teller in cohort.values() for item in teller.items]
    labs = [item for item in items if item.kind == "lab"]
    assert any(item.comparator == "<" for item in labs)
    assert any(item.status == "absent" for item in labs)
    assert any(item.value is None and item.interpretation == "H" for item in labs)
    assert any(item.status == "corrected" for item in labs)
    assert any(item.analyte == "glucagon" and item.ref_high is None and item.ref_low is None for item in labs)
    assert len({item.unit for item in labs if item.analyte == "glucagon" and item.unit}) >= 3
    lesions = [item.detail for item in items if item.kind == "lesion" and item.detail]
    assert {True, False} == {lesion["signed"] for lesion in lesions}


def test_stories_reach_back_years(cohort: dict[str, Teller]) -> None:
    for mrn, teller in cohort.items():
        first = min(item.effective_at for item in teller.items if item.effective_at is not None)
        years = (TODAY - first.date()).days / YEAR
        assert 2.9 < years < 14, mrn


def test_nothing_is_told_of_today_or_later(cohort: dict[str, Teller]) -> None:
    midnight = datetime.combine(TODAY, time(), UTC)
    for teller in cohort.values():
        for item in teller.items:
            assert item.effective_at is not None
            assert item.effective_at < midnight
            assert item.issued_at is None or item.issued_at < midnight, item
        assert all(day.day < TODAY for day in teller.sensor_days)


def test_the_same_day_tells_the_same_story(cohort: dict[str, Teller]) -> None:
    for story in COHORT:
        again = told(story)
        assert again.items == cohort[story.mrn].items
        assert [(d.day, pack(d)) for d in again.sensor_days] == [
            (d.day, pack(d)) for d in cohort[story.mrn].sensor_days
        ]


@given(shift=st.integers(1, 4000))
def test_another_day_moves_every_date_and_no_value(shift: int) -> None:
    story = COHORT[0]
    then, now = told(story), told(story, TODAY + timedelta(days=shift))
    assert [item.value for item in then.items] == [item.value for item in now.items]
    assert {(b.effective_at - a.effective_at).days for a, b in zip(then.items, now.items, strict=True)} == {shift}


@given(shift=st.integers(0, 800), index=st.integers(0, len(COHORT) - 1))
def test_the_age_is_the_one_stated(shift: int, index: int) -> None:
    story, today = COHORT[index], date(2026, 1, 1) + timedelta(days=shift)
    born = story.birth_date(today)
    birthdays = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    assert birthdays == story.age


@given(seed=st.integers(), analyte=st.sampled_from(sorted(VARIATION)), truth=st.floats(1, 5000))
def test_a_measurement_stays_within_what_variation_allows(seed: int, analyte: str, truth: float) -> None:
    biological, analytical = VARIATION[analyte]
    value = measured(Random(seed), analyte, truth)
    widest = np.exp(CLIP_SD * (biological + analytical))
    assert truth / widest <= value <= truth * widest


@given(st.integers(-100, 100))
def test_a_course_passes_through_its_points_and_stays_between_them(day: int) -> None:
    course = ((-50, 40.0), (0, 160.0), (50, 80.0))
    assert level_at(course, -50) == pytest.approx(40.0)
    assert level_at(course, 0) == pytest.approx(160.0)
    assert 40.0 * 0.999 <= level_at(course, day) <= 160.0 * 1.001


def test_two_years_of_readings_every_five_minutes_look_like_a_person(cohort: dict[str, Teller]) -> None:
    days = cohort["DEMO-008"].sensor_days
    assert (days[-1].day - days[0].day).days >= 2 * YEAR - 3
    readings = np.concatenate([day.values[day.marks == PLAIN] for day in days])
    assert len(readings) > 0.9 * 2 * YEAR * READINGS_A_DAY
    in_range = np.mean((readings >= 70) & (readings <= 180))
    assert 0.7 < in_range < 0.97
    assert np.mean(readings < 54) < 0.01
    assert 110 < readings.mean() < 165
    for day in days[:50]:
        assert np.all(np.diff(day.seconds) >= 300)
        assert np.all(day.seconds % 300 == 0)
        assert np.nanmax(np.abs(np.diff(day.values)[np.diff(day.seconds) == 300])) < 45


def test_a_day_shows_its_meals() -> None:
    generator = np.random.default_rng(1)
    many = np.mean([day_of(generator, Glycaemia(142, 46, 13), n) for n in range(200)], axis=0)
    night, after_lunch = many[12 * 2 : 12 * 5].mean(), many[int(12 * 13.7)]
    assert after_lunch > night + 25
