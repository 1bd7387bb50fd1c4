"""Stories of disease that moves: by marker, by imaging read and unread, with and without skin, and one death."""

from __future__ import annotations

from data.demo.blood import draw, follow, result
from data.demo.clinic import finding, skin, state, symptom, visits
from data.demo.scans import clear_scans, scan, steady, ultrasounds
from data.demo.story import MONTH, NORTH, SOUTH, YEAR, Source, Story
from data.demo.teller import Teller
from data.demo.treatment import TROUGH, injections, procedure, regimen

HALF = 182


def marker_escape_on_an_analogue(p: Teller) -> None:
    """Four years steady on lanreotide. Then two glucagon values five weeks apart, both nearly twice the lowest this
    regimen ever reached, while skin is clear and the last scan was still stable: symptoms and hormone part ways."""
    start = -4 * YEAR - 40
    state(p, start - 20, "residual-stable")
    result(p, start - 20, "glucagon", "830", fasting=True)
    scan(p, start - 15, "CT", targets={"liver-1": 29.0, "liver-3": 20.0})
    injections(p, "lanreotide", 120.0, start, -1)
    follow(p, start + 77, -150, {"glucagon": ((start, 800.0), (start + 150, 230.0))}, every=TROUGH)
    result(p, -52, "glucagon", "447", fasting=True)
    result(p, -18, "glucagon", "462", fasting=True, issued_after=5)
    draw(p, -18, ("albumin", "zinc", "hba1c", "egfr", "crp"), {})
    visits(p, start + 20, -16, weight=72.0)
    steady(p, tuple(range(start + 100, 0, HALF)), {"liver-1": 28.0, "liver-3": 19.5})
    ultrasounds(p, start, -28)


def rash_first_then_liver_and_nodes(p: Teller) -> None:
    """Head of the pancreas removed, skin and glucose well again. Eighteen months later the rash came back and depot
    octreotide was begun; three years after the operation a signed scan shows new disease in liver and nodes."""
    operation = -3 * YEAR - 20
    rash = operation + 560
    state(p, operation - 40, "pre-op")
    skin(p, operation - 30, 3, "active")
    result(p, operation - 30, "glucagon", "705", fasting=True)
    result(p, operation - 30, "glucose-fasting", "13.8", fasting=True)
    scan(p, operation - 25, "CT", targets={"pancreas-head": 30.0})
    procedure(p, operation, "resection", completeness="R0", intent="curative", note="Pancreatoduodenectomy")
    finding(p, operation + 8, "grade", "NET G2", site="pancreas")
    state(p, operation + MONTH, "ned-resected")
    follow(p, operation + 60, -40, {"glucagon": ((operation, 88.0), (rash, 96.0), (-40, 118.0))})
    grades = ((operation, 0, "clear"), (rash - 5, 2, "active"), (rash + 60, 1, "improved"))
    visits(p, operation + MONTH, -40, weight=64.0, skin_grades=grades)
    skin(p, rash, 2, "active")
    injections(p, "octreotide-lar", 30.0, rash + 5, -11)
    ultrasounds(p, rash, -60, gallbladder="absent", wall_mm=None)
    clear_scans(p, (operation + 180, operation + 365, operation + 545, operation + 730))
    scan(p, -15, "CT", new={"liver-1": 17.0, "node-2": 16.0}, response="PD")


def calculated_but_not_read(p: Teller) -> None:
    """Five years stable on octreotide. The newest scan has been measured, its sum is a third above the smallest ever,
    and nobody has read or signed it yet."""
    start = -5 * YEAR
    state(p, start - 10, "residual-stable")
    result(p, start - 10, "glucagon", "560", fasting=True)
    injections(p, "octreotide-lar", 30.0, start, -9)
    follow(p, start + 77, -36, {"glucagon": ((start, 540.0), (start + 120, 260.0))}, every=TROUGH)
    visits(p, start + 20, -36, weight=88.0)
    steady(p, tuple(range(start, -200, HALF)), {"liver-1": 24.0, "liver-2": 18.0})
    scan(p, -8, "CT", targets={"liver-1": 33.0, "liver-2": 23.5}, signed=False)
    ultrasounds(p, start, -75)


def known_progression_on_everolimus(p: Teller) -> None:
    """Grew on an analogue two years ago without any rash, as tumours may. Everolimus since: lesions smaller again,
    mouth sores and higher glucose watched, nothing new for a year."""
    start = -6 * YEAR
    turn = -2 * YEAR
    state(p, start, "residual-stable")
    injections(p, "lanreotide", 120.0, start, -15)
    marker = ((start, 480.0), (turn - 200, 470.0), (turn, 1240.0), (turn + 250, 430.0))
    glucose = ((turn, 5.4), (turn + 90, 7.2))
    hba1c = ((turn, 39.0), (turn + 120, 52.0))
    follow(p, start + 77, -19, {"glucagon": marker, "glucose-fasting": glucose, "hba1c": hba1c}, every=TROUGH)
    visits(p, start + 20, -19, weight=69.0)
    sizes = {"liver-1": 36.0, "liver-2": 25.0, "node-1": 18.0}
    steady(p, tuple(range(start, turn - 120, HALF)), sizes)
    scan(p, turn, "CT", targets={"liver-1": 47.0, "liver-2": 34.0, "node-1": 22.0}, response="PD")
    state(p, turn + 10, "residual-progressing")
    regimen(p, turn + 20, "start", "everolimus", dose=10.0, unit="mg", note="Once a day")
    for day in range(turn + 110, -1, HALF):
        scan(p, day, "CT", targets={"liver-1": 33.0, "liver-2": 22.0, "node-1": 15.0}, response="SD")
    skin(p, turn + 60, 0, "clear", new_drug="everolimus", mucosal=1)
    ultrasounds(p, start, -33)


def ketoacidosis_on_a_depot(p: Teller) -> None:
    """Diabetes, then rash, then a six-centimetre tail mass with cystic liver deposits. Three years after resection, on
    depot octreotide, an admission with ketoacidosis, growing liver disease, and a week later clots in leg and lung.
    The receptor scan saw what CT had missed. She died half a year after chemoembolisation."""
    operation = -5 * YEAR
    crisis = operation + 3 * YEAR
    state(p, operation - 60, "pre-op")
    skin(p, operation - 60, 3, "active")
    result(p, operation - 30, "glucagon", "1690", fasting=True)
    scan(p, operation - 30, "CT", targets={"pancreas-tail": 60.0, "liver-1": 27.0, "liver-2": 19.0})
    procedure(p, operation, "resection", completeness="R2", intent="palliative", note="Primary removed")
    injections(p, "octreotide-lar", 20.0, operation + 14, crisis)
    state(p, operation + 90, "residual-stable")
    marker = ((operation, 620.0), (operation + 700, 560.0), (crisis, 1880.0))
    hba1c = ((operation, 58.0), (crisis - 200, 61.0), (crisis, 96.0))
    follow(p, operation + 91, crisis, {"glucagon": marker, "hba1c": hba1c, "glucose-fasting": 9.0}, every=TROUGH)
    visits(p, operation + 60, crisis, weight=((operation, 66.0), (crisis, 59.0)))
    steady(p, tuple(range(operation + 60, crisis - 120, HALF)), {"liver-1": 27.0, "liver-2": 19.0})
    result(p, crisis, "ketones", "5.1", unit="mmol/L", ref_high="0.6")
    result(p, crisis, "glucose", "29.4", unit="mmol/L")
    symptom(p, crisis, "ketoacidosis")
    scan(p, crisis + 1, "CT", targets={"liver-1": 39.0, "liver-2": 28.0}, response="PD")
    scan(p, crisis + 7, "SSTR scintigraphy", new={"ileocaecal": "present"})
    for name in ("leg-swelling", "chest-pain", "dyspnoea"):
        symptom(p, crisis + 7, name)
    finding(p, crisis + 7, "thromboembolism", "Pulmonary embolism and deep vein thrombosis", site="leg")
    state(p, crisis + 10, "residual-progressing")
    procedure(p, crisis + 90, "embolisation", intent="palliative", note="Arterial chemoembolisation")
    result(p, crisis + 150, "glucagon", "1510", fasting=True)
    ultrasounds(p, operation, crisis)


YU = Source("Yu", 2023, "https://ouci.dntb.gov.ua/works/7WQpmqOl")
ANDERSON = Source("Anderson", 1986, "https://informahealthcare.com/doi/abs/10.3109/00365528609087439")
FRONTIERS = Source(
    "author not given", 2024, "https://frontiersin.org/journals/oncology/articles/10.3389/fonc.2024.1437102/full"
)
FENKCI = Source("Fenkci", 2005, "https://erc.bioscientifica.com/view/journals/erc/12/2/0120449.xml")

STORIES = (
    Story(
        mrn="DEMO-016",
        name="Nadia Demo-Haddad",
        age=55,
        sex="female",
        team=NORTH,
        tell=marker_escape_on_an_analogue,
        sources=(ANDERSON,),
    ),
    Story(
        mrn="DEMO-017",
        name="Mei Demo-Yuan",
        age=63,
        sex="female",
        team=SOUTH,
        tell=rash_first_then_liver_and_nodes,
        sources=(YU,),
    ),
    Story(
        mrn="DEMO-018",
        name="Oskar Demo-Novák",
        age=69,
        sex="male",
        team=NORTH,
        tell=calculated_but_not_read,
    ),
    Story(
        mrn="DEMO-019",
        name="Joaquim Demo-Silva",
        age=58,
        sex="male",
        team=SOUTH,
        tell=known_progression_on_everolimus,
        sources=(FRONTIERS,),
    ),
    Story(
        mrn="DEMO-020",
        name="Aylin Demo-Kaya",
        age=49,
        sex="female",
        team=NORTH,
        tell=ketoacidosis_on_a_depot,
        sources=(FENKCI,),
        died_day=-5 * YEAR + 3 * YEAR + 270,
    ),
)
