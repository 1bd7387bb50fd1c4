"""What a story of the demonstration cohort is: an invented patient, where the course was learned from, and its teller.

Days are offsets from the day the cohort is loaded for: -1 is yesterday, `-3 * YEAR` three years ago.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from data.demo.teller import Teller

YEAR = 365
MONTH = 30
NORTH = "Demo NET clinic North"
SOUTH = "Demo NET clinic South"
TEAMS = (NORTH, SOUTH)


@dataclass(frozen=True, slots=True)
class Source:
    """A publication whose course a story follows, in our own words; numbers the paper lacks are invented."""

    first_author: str
    year: int | None
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One invented patient. `age` is in years on the day of loading; `tell` adds the patient's facts to a teller."""

    mrn: str
    name: str
    age: int
    sex: Literal["female", "male", "other"]
    team: str
    tell: Callable[[Teller], None]
    sources: tuple[Source, ...] = ()
    died_day: int | None = None

    @property
    def summary(self) -> str:
        """What happens in the story, in a few sentences."""
        return " ".join((self.tell.__doc__ or "").split())

    def birth_date(self, today: date) -> date:
        """A birth date that makes the patient `age` years old on `today`, the same one for the same number."""
        past_birthday = 20 + int(self.mrn[-2:]) * 11 % 320
        return today.replace(year=today.year - self.age, day=min(today.day, 28)) - timedelta(days=past_birthday)
