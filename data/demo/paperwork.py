"""Stories about records themselves: late, missing, in words, corrected."""

from __future__ import annotations

from typing import Any

from data.demo.blood import draw, follow, result
from data.demo.clinic import finding, skin, state, symptom, visits
from data.demo.scans import clear_scans, scan
from data.demo.story import NORTH, SOUTH, YEAR, Source, Story
from data.demo.teller import Teller
from data.demo.treatment import procedure, regimen

HALF = 182


def a_slipped_decimal_point(p: Teller) -> None:
    """Cured for three years. One glucagon came as 871, five times the limit; two days later the laboratory corrected it
    to 87.1. The wrong number stays on record, struck through, and asks nothing of anybody."""
    operation = -3 * YEAR - 90
    state(p, operation - 40, "pre-op")
    skin(p, operation - 40, 2, "active")
    result(p, operation - 40, "glucagon", "712", fasting=True)
    procedure(p, operation, "resection", completeness="R0", intent="curative", note="Enucleation of a tail tumour")
    state(p, operation + 30, "ned-resected")
    follow(p, operation + 90, -60, {"glucagon": 85.0})
    first: dict[str, Any] = {"source_id": "demo-lab-4471", "fasting": True, "hour": 8}
    result(p, -30, "glucagon", "871", source_version="1", issued_after=5, **first)
    result(p, -30, "glucagon", "87.1", source_version="2", issued_after=7, status="corrected", **first)
    visits(p, operation + 30, -30, weight=62.0)
    clear_scans(p, tuple(range(operation + 180, 0, HALF)))


def sent_and_not_back(p: Teller) -> None:
    """Rash, diabetes and liver nodules went their own ways for two years: one scan was called inflammation, a biopsy
    was declined. Short-acting octreotide bridges to surgery. Some results came only in words, one glucagon never came
    back."""
    first = -3 * YEAR - 60
    state(p, first, "unknown")
    follow(p, first, -200, {"hba1c": ((first, 58.0), (-200, 71.0))}, every=182, never=("glucagon",))
    visits(
        p,
        first,
        -50,
        every=120,
        weight=((first, 70.0), (-50, 61.0)),
        skin_grades=((first, 0, "clear"), (-400, 2, "active")),
    )
    scan(p, first + 100, "CT", others={"liver-small": "present"})
    scan(p, first + 115, "PET/CT", others={"liver-small": "equivocal"})
    result(p, -150, "glucagon", "", text="raised", interpretation="H", fasting=True)
    result(p, -110, "glucose-fasting", "", text="normal", interpretation="N")
    result(p, -80, "glucagon", "1040", fasting=True)
    scan(p, -78, "CT", targets={"pancreas-tail": 33.0}, others={"liver-small": "present"})
    finding(p, -75, "biopsy", "Liver: neuroendocrine tumour, glucagon-positive", site="liver")
    state(p, -70, "pre-op")
    regimen(p, -40, "start", "octreotide", dose=100.0, unit="ug", note="Three times a day, until surgery")
    draw(p, -34, ("albumin", "zinc", "haemoglobin", "glucose-fasting"), {"albumin": 36.0, "glucose-fasting": 8.8})
    result(p, -34, "glucagon", "", status="absent", issued_after=0)
    skin(p, -34, 1, "improved")
    symptom(p, -34, "diarrhoea")


LIU = Source("Liu Zhengcai", 2018, "https://rs.yiigle.com/CN115610201807/1058531.htm")

STORIES = (
    Story(
        mrn="DEMO-029",
        name="Bea Demo-Lindgren",
        age=47,
        sex="female",
        team=SOUTH,
        tell=a_slipped_decimal_point,
    ),
    Story(
        mrn="DEMO-030",
        name="Xiu Demo-Liang",
        age=50,
        sex="female",
        team=NORTH,
        tell=sent_and_not_back,
        sources=(LIU,),
    ),
)
