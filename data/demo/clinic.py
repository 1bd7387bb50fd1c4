"""What is seen and asked at a visit: vital signs, weight, skin, symptoms, disease state, coded findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.demo.teller import Teller
from data.demo.variation import Course, level_at

SIGNS: Mapping[int, Mapping[str, float]] = {
    0: {"bsa": 0, "erythema": 0, "erosion": 0, "crust": 0, "mucosal": 0, "itch": 0, "pain": 0},
    1: {"bsa": 2, "erythema": 1, "erosion": 0, "crust": 0, "mucosal": 0, "itch": 1, "pain": 0},
    2: {"bsa": 7, "erythema": 2, "erosion": 0, "crust": 1, "mucosal": 0, "itch": 3, "pain": 1},
    3: {"bsa": 18, "erythema": 2, "erosion": 2, "crust": 2, "mucosal": 1, "itch": 5, "pain": 4},
    4: {"bsa": 36, "erythema": 3, "erosion": 3, "crust": 3, "mucosal": 2, "itch": 7, "pain": 7},
}
"""Usual signs at each grade of the NME working scale, so that grade, area and signs agree."""

SITES: Mapping[int, tuple[str, ...]] = {
    0: (),
    1: ("lower-leg",),
    2: ("groin", "lower-leg"),
    3: ("groin", "buttocks", "lower-leg"),
    4: ("perioral", "genital", "groin", "buttocks", "lower-leg", "foot"),
}
RATERS = ("Nurse Demo-Ito", "Dr Demo-Baker")


def skin(p: Teller, day: int, iga: int, overall: str, *, rater: int = 0, **fields: object) -> None:
    """A skin assessment at grade `iga` (0-4); `fields` overrides single signs, sites, infection or new_drug."""
    signs: dict[str, object] = {**SIGNS[iga]}
    signs["itch"] = max(0, min(10, round(SIGNS[iga]["itch"] + p.rng.choice((-1, 0, 0, 1)) * (iga > 0))))
    detail = {
        "overall": overall,
        "iga": iga,
        **signs,
        "sites": list(SITES[iga]),
        "infection": "none",
        "new_drug": "none",
        "rater": RATERS[rater],
    }
    p.fact("skin", day, hour=10, detail={**detail, **fields})


def visit(
    p: Teller, day: int, *, weight: Course, heart_rate: Course = 72.0, stools: int = 1, quality: int = 75
) -> None:
    """Vital signs and scores of one visit: `weight` in kg, `heart_rate` per minute, stools a day, quality of life."""
    p.vital(day, "weight", f"{level_at(weight, day) + p.rng.uniform(-0.6, 0.6):.1f}")
    p.vital(day, "heart-rate", f"{level_at(heart_rate, day) + p.rng.uniform(-4, 4):.0f}")
    p.vital(day, "systolic", f"{124 + p.rng.uniform(-9, 9):.0f}")
    p.vital(day, "diastolic", f"{76 + p.rng.uniform(-6, 6):.0f}")
    p.vital(day, "stools-per-day", str(max(0, stools + p.rng.choice((0, 0, 1)))))
    p.vital(day, "quality-of-life", str(max(0, min(100, quality + p.rng.randint(-5, 5)))))


def visits(
    p: Teller,
    first: int,
    last: int,
    *,
    every: int = 91,
    weight: Course,
    heart_rate: Course = 72.0,
    skin_grades: Sequence[tuple[int, int, str]] = ((0, 0, "clear"),),
) -> None:
    """Regular visits with vital signs and skin; `skin_grades` are (from day, grade, overall) steps, oldest first."""
    for planned in range(first, last + 1, every):
        day = min(planned + p.rng.randint(-3, 3), -1)
        visit(p, day, weight=weight, heart_rate=heart_rate)
        current = [step for step in skin_grades if step[0] <= day] or [skin_grades[0]]
        _, grade, overall = current[-1]
        skin(p, day, grade, overall, rater=p.rng.randint(0, 1))


def symptom(p: Teller, day: int, name: str, *, present: bool = True) -> None:
    """A symptom asked about: there (`present`) or not."""
    p.fact("symptom", day, hour=10, detail={"name": name, "present": present})


def state(p: Teller, day: int, name: str) -> None:
    """The clinician's statement of where the disease stands from `day` on."""
    p.fact("state", day, hour=12, detail={"state": name})


def finding(p: Teller, day: int, code: str, text: str, *, site: str | None = None) -> None:
    """A coded finding without a number: biopsy, histology, grade, stage, metastasis, echo."""
    p.fact("finding", day, hour=14, detail={"code": code, "text": text, "site": site})
