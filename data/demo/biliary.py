"""Stories of the gallbladder on and after an analogue."""

from __future__ import annotations

from data.demo.blood import draw, follow, result
from data.demo.clinic import state, symptom, visits
from data.demo.scans import clear_scans, steady, ultrasound, ultrasounds
from data.demo.story import NORTH, SOUTH, YEAR, Source, Story
from data.demo.teller import Teller
from data.demo.treatment import TROUGH, injections, procedure, regimen

HALF = 182


def stones_after_the_analogue_was_stopped(p: Teller) -> None:
    """Two years of lanreotide around a complete resection, stopped two and a half years ago. The first ultrasounds were
    clean; many small stones were seen at the end of treatment and are still there, without symptoms. The watch goes on
    although no injection has been given for years."""
    operation = -5 * YEAR
    stop = -2 * YEAR - HALF
    state(p, operation - 30, "pre-op")
    result(p, operation - 30, "glucagon", "540", fasting=True)
    procedure(p, operation, "resection", completeness="R0", intent="curative", note="Distal pancreatectomy")
    state(p, operation + 40, "ned-resected")
    injections(p, "lanreotide", 120.0, operation + 30, stop)
    regimen(p, stop + 20, "stop", "lanreotide", note="No disease for two years")
    follow(p, operation + 107, -27, {"glucagon": 78.0}, every=TROUGH)
    visits(p, operation + 60, -27, weight=75.0)
    clear_scans(p, tuple(range(operation + 180, 0, HALF)))
    ultrasounds(p, operation + 20, stop - 100)
    ultrasounds(p, stop - 10, -60, every=350, stones="multiple", max_mm=3.0)


def cholangitis_on_octreotide(p: Teller) -> None:
    """Two years on octreotide: vitamin B12 has halved without anyone looking, stones have formed, and since yesterday
    there is fever with pain below the right ribs, bilirubin and alkaline phosphatase up. Same day, not next visit."""
    start = -3 * YEAR - 60
    state(p, start, "residual-stable")
    result(p, start, "glucagon", "610", fasting=True)
    injections(p, "octreotide-lar", 30.0, start, -11)
    b12 = ((start, 380.0), (start + 2 * YEAR, 172.0))
    follow(p, start + 77, -40, {"glucagon": ((start, 590.0), (start + 120, 235.0)), "b12": b12}, every=TROUGH)
    result(p, start, "b12", "380")
    visits(p, start + 14, -40, weight=70.0)
    steady(p, tuple(range(start + 30, 0, HALF)), {"liver-2": 22.0, "liver-3": 15.0})
    ultrasounds(p, start - 5, start + 2 * YEAR - 100)
    ultrasound(p, start + 2 * YEAR + 60, stones="multiple", max_mm=4.0)
    ultrasound(p, -120, stones="multiple", max_mm=4.0)
    symptom(p, -1, "fever")
    symptom(p, -1, "ruq-pain")
    symptom(p, -1, "jaundice", present=False)
    ill = {"bilirubin": 47.0, "alp": 268.0, "ggt": 310.0, "alt": 96.0, "crp": 118.0, "lipase": 44.0}
    draw(p, -1, ("bilirubin", "alp", "ggt", "alt", "crp", "lipase"), ill)
    ultrasound(p, -1, stones="multiple", max_mm=5.0, wall_mm=5.4, cbd_mm=9.0, murphy=True)


def ultrasound_overdue(p: Teller) -> None:
    """Calm in every channel on octreotide, and the last look at the gallbladder is eleven months ago."""
    start = -3 * YEAR - 200
    state(p, start, "residual-stable")
    result(p, start, "glucagon", "470", fasting=True)
    injections(p, "octreotide-lar", 20.0, start, -14)
    follow(p, start + 77, -31, {"glucagon": ((start, 460.0), (start + 120, 180.0))}, every=TROUGH)
    visits(p, start + 20, -31, weight=67.0)
    steady(p, tuple(range(start + 30, 0, HALF)), {"liver-1": 19.0, "node-1": 16.0})
    ultrasounds(p, start - 10, -335)


AAPKES = Source("Aapkes", 2021, "https://link.springer.com/10.1007/s40268-021-00342-7")
PLOECKINGER = Source("Ploeckinger", 1990, "https://pubmed.ncbi.nlm.nih.gov/2229321/")

STORIES = (
    Story(
        mrn="DEMO-026",
        name="Fatima Demo-Rahimi",
        age=58,
        sex="female",
        team=NORTH,
        tell=stones_after_the_analogue_was_stopped,
        sources=(AAPKES,),
    ),
    Story(
        mrn="DEMO-027",
        name="Jean Demo-Moreau",
        age=65,
        sex="male",
        team=SOUTH,
        tell=cholangitis_on_octreotide,
        sources=(PLOECKINGER,),
    ),
    Story(
        mrn="DEMO-028",
        name="Sofia Demo-Andersson",
        age=51,
        sex="female",
        team=NORTH,
        tell=ultrasound_overdue,
    ),
)
