"""Stories after an operation meant to cure: long quiet, late return, and what an operation left behind."""

from __future__ import annotations

from typing import Any

from data.demo.blood import draw, follow, result
from data.demo.clinic import finding, skin, state, visits
from data.demo.laboratories import UNIVERSITY
from data.demo.scans import clear_scans, scan, steady, ultrasounds
from data.demo.story import MONTH, NORTH, SOUTH, YEAR, Source, Story
from data.demo.teller import Teller
from data.demo.treatment import TROUGH, injections, procedure, regimen


def first_value_above_the_limit(p: Teller) -> None:
    """Cured for eleven years, checked every half year, never ill. The newest glucagon stands a little above the upper
    limit for the first time. Nobody knows yet whether it means anything; the question is to repeat it."""
    operation = -11 * YEAR
    procedure(p, operation, "resection", completeness="R0", intent="curative", note="Distal pancreatectomy")
    finding(p, operation + 6, "grade", "NET G1, Ki-67 1 %, glucagon-positive", site="pancreas")
    state(p, operation + MONTH, "ned-resected")
    last_normal = -190
    follow(p, operation + 2 * MONTH, last_normal, {"glucagon": 84.0}, every=182)
    visits(p, operation + 2 * MONTH, -9, every=182, weight=68.0)
    clear_scans(p, (*range(operation + 180, -5 * YEAR, YEAR), -4 * YEAR, -2 * YEAR, -200))
    result(p, -9, "glucagon", "168", fasting=True, issued_after=5)
    draw(p, -9, ("glucose-fasting", "hba1c", "albumin", "zinc", "haemoglobin"), {})


def late_quiet_recurrence(p: Teller) -> None:
    """Thirteen years without disease, no symptoms, clear skin. Two raised glucagon values five weeks apart, a quarter
    above the limit: small, quiet and confirmed."""
    operation = -13 * YEAR
    procedure(
        p, operation, "resection", completeness="R0", intent="curative", note="Distal pancreatectomy, splenectomy"
    )
    finding(p, operation + 5, "histology", "Well differentiated tumour, glucagon-positive", site="pancreas")
    state(p, operation + MONTH, "ned-resected")
    first_record = -10 * YEAR
    follow(p, first_record, -230, {"glucagon": 96.0}, every=182)
    visits(p, first_record, -12, every=182, weight=81.0)
    clear_scans(p, (*range(first_record, -3 * YEAR, YEAR), -2 * YEAR, -230))
    result(p, -49, "glucagon", "228", fasting=True)
    result(p, -14, "glucagon", "231", fasting=True)
    draw(p, -14, ("glucose-fasting", "hba1c", "albumin", "zinc", "egfr"), {})


def cured_by_distal_resection(p: Teller) -> None:
    """Sixteen kilograms lost, a blistering leg rash and new diabetes; glucagon six times the limit. Half a month after
    the tail was removed the marker is normal and the skin clear. Vessels were invaded, so surveillance goes on."""
    operation = -6 * YEAR
    state(p, operation - 60, "pre-op")
    skin(p, operation - 30, 3, "active")
    result(p, operation - 30, "glucagon", "920.3", ref_low=None, ref_high="200", fasting=True)
    result(p, operation - 60, "glucose", "6.4", unit="mmol/L", ref_low="3.9", ref_high="7.8")
    scan(p, operation - 30, "CT", targets={"pancreas-tail": 45.0})
    procedure(
        p, operation, "resection", completeness="R0", intent="curative", note="Distal pancreatectomy, splenectomy"
    )
    finding(p, operation + 7, "grade", "NET G2, Ki-67 10 %; vascular and perineural invasion", site="pancreas")
    result(p, operation + 15, "glucagon", "32.7", ref_low=None, ref_high="200", fasting=True)
    skin(p, operation + 15, 0, "clear")
    state(p, operation + 20, "ned-resected")
    weight = ((operation, 58.0), (operation + YEAR, 71.0))
    follow(p, operation + 90, -20, {"glucagon": 74.0, "hba1c": 44.0, "glucose-fasting": 6.1})
    visits(p, operation + 90, -20, weight=weight)
    clear_scans(p, tuple(range(operation + 180, 0, 182)))


def residual_after_resection(p: Teller) -> None:
    """Fifteen years of quiet diabetes, then rash, mouth ulcers and weight loss. The tail was removed; small avid
    lesions in the uncinate process were known and stayed. Skin cleared at once, yet glucagon settled at twice the
    limit."""
    operation = -200
    state(p, operation - 60, "pre-op")
    follow(p, -5 * YEAR, operation - 120, {"hba1c": ((-5 * YEAR, 51.0), (operation - 120, 76.0)), "glucagon": 210.0})
    visits(p, -5 * YEAR, operation - 120, every=182, weight=((-5 * YEAR, 94.0), (operation, 83.0)))
    skin(p, operation - 60, 3, "active", mucosal=2)
    known: dict[str, Any] = {"ref_low": "40", "ref_high": "140", "fasting": True}
    result(p, operation - 30, "glucagon", "508", **known)
    result(p, operation - 30, "glucose-fasting", "16.2", fasting=True)
    scan(p, operation - 30, "CT", targets={"pancreas-tail": 20.0}, others={"uncinate": "present"})
    procedure(p, operation, "resection", completeness="R2", intent="palliative", note="Laparoscopic tail resection")
    finding(p, operation + 8, "grade", "NET G1, Ki-67 2 %, 19 mm", site="pancreas")
    skin(p, operation + 7, 0, "clear")
    state(p, operation + 14, "residual-stable")
    result(p, operation + 30, "glucagon", "317", **known)
    result(p, operation + 180, "glucagon", "331", **known)
    draw(p, operation + 180, ("glucose-fasting", "hba1c", "albumin", "zinc"), {"hba1c": 68.0, "glucose-fasting": 9.4})
    visits(p, operation + 30, -15, every=75, weight=84.0)
    scan(p, operation + 170, "CT", others={"uncinate": "present"}, response="SD")


def second_operation_succeeded(p: Teller) -> None:
    """Two years of rash, cheilitis and wasting with entirely normal glucose. A first operation missed the tumour at the
    splenic hilum; the second removed it. Marker normal after three months and since."""
    operation = -4 * YEAR
    state(p, operation - 400, "pre-op")
    skin(p, operation - 400, 3, "active", mucosal=3)
    result(p, operation - 390, "glucagon", "640", fasting=True)
    scan(p, operation - 380, "MRI", targets={"pancreas-tail": 30.0})
    procedure(p, operation - 300, "resection", completeness="R2", intent="curative", note="Tumour not found")
    skin(p, operation - 240, 3, "active", mucosal=3)
    result(p, operation - 240, "glucagon", "655", fasting=True)
    procedure(p, operation, "resection", completeness="R0", intent="curative", note="Second operation, tumour removed")
    state(p, operation + 60, "ned-resected")
    follow(p, operation + 90, -30, {"glucagon": 79.0})
    visits(p, operation + 90, -30, weight=((operation, 44.0), (operation + 500, 57.0)))
    clear_scans(p, tuple(range(operation + 180, 0, 182)), modality="MRI")


def young_woman_after_resection(p: Teller) -> None:
    """Fourteen months of an itching, painful rash at twenty. Head resection and enucleation of liver deposits, grade 3,
    followed by monthly octreotide. Clean since, on a close schedule because two quiet years prove little."""
    operation = -3 * YEAR
    state(p, operation - 80, "pre-op")
    skin(p, operation - 430, 2, "active")
    skin(p, operation - 80, 3, "active")
    result(p, operation - 60, "glucagon", "1480", fasting=True)
    scan(p, operation - 70, "CT", targets={"pancreas-head": 60.0, "liver-1": 14.0, "liver-2": 11.0})
    procedure(
        p,
        operation,
        "resection",
        completeness="R0",
        intent="curative",
        note="Pancreatoduodenectomy, liver enucleations",
    )
    finding(p, operation + 9, "grade", "NET G3, Ki-67 24 %", site="pancreas")
    finding(p, operation + 9, "metastasis", "Liver, removed", site="liver")
    skin(p, operation + 3, 2, "improved")
    result(p, operation + 14, "glucagon", "118", fasting=True)
    state(p, operation + 60, "ned-resected")
    injections(p, "octreotide-lar", 20.0, operation + 14, -8)
    ultrasounds(p, operation + 10, -30, every=170, gallbladder="absent", wall_mm=None)
    follow(p, operation + 91, -21, {"glucagon": 66.0, "hba1c": 41.0}, every=TROUGH)
    visits(p, operation + 60, -21, weight=((operation, 49.0), (operation + YEAR, 55.0)))
    clear_scans(p, tuple(range(operation + 90, 0, 91)))


def remission_on_dacarbazine(p: Teller) -> None:
    """A year after the primary was removed rash and marker came back together, glucagon thirty times the limit. With
    dacarbazine both were gone within three months. Stable small remnants since."""
    relapse = -5 * YEAR
    operation = relapse - YEAR
    procedure(p, operation, "resection", completeness="R1", intent="curative", note="Distal pancreatectomy")
    state(p, operation + MONTH, "ned-resected")
    skin(p, operation + MONTH, 0, "clear")
    result(p, operation + 120, "glucagon", "88", ref_low=None, ref_high="200", fasting=True)
    skin(p, relapse, 3, "active")
    result(p, relapse, "glucagon", "6000", ref_low=None, ref_high="200", fasting=True)
    state(p, relapse + 20, "residual-progressing")
    regimen(p, relapse + 10, "start", "dacarbazine", note="Six cycles")
    skin(p, relapse + 90, 0, "clear")
    result(p, relapse + 90, "glucagon", "75", ref_low=None, ref_high="200", fasting=True)
    state(p, relapse + 120, "residual-stable")
    regimen(p, relapse + 200, "stop", "dacarbazine", note="Six cycles given")
    follow(p, relapse + 200, -18, {"glucagon": 92.0}, laboratory=UNIVERSITY)
    visits(p, relapse + 200, -18, weight=77.0)
    steady(p, tuple(range(relapse + 200, 0, 182)), {"liver-1": 14.0})


HE = Source("He", 2011, "http://m.jizihe.com/page/2011/1121/16723773.shtml")
ESA_SRB = Source(
    "author not given", 2022, "https://esa-srb-apeg-nzse-2022.p.asnevents.com.au/days/2022-11-14/abstract/86124"
)
LATE = Source(
    "author not given", None, "https://openaccess.library.uitm.edu.my./Record/doaj-d2bbc7e0d25243428920bd3dfb3ac1ac"
)
DIMITROVSKI = Source("Dimitrovski", None, "http://www.sciforschenonline.org/journals/endocrinology/IJEMD-3-141.php")
WANG = Source(
    "Wang",
    2022,
    "https://acmcasereports.com/a-glucagonoma-accompanied-with-chronic-necrolytic-migratory-erythema-and-multiple-"
    "liver-metastasis-a-case-report",
)
PRINZ = Source("Prinz", 1981, "https://pubmed.ncbi.nlm.nih.gov/6269242/")

STORIES = (
    Story(
        mrn="DEMO-001",
        name="Amina Okafor-Demo",
        age=61,
        sex="female",
        team=NORTH,
        tell=first_value_above_the_limit,
        sources=(LATE,),
    ),
    Story(
        mrn="DEMO-002",
        name="Henrik Demo-Lund",
        age=72,
        sex="male",
        team=SOUTH,
        tell=late_quiet_recurrence,
        sources=(LATE,),
    ),
    Story(
        mrn="DEMO-003",
        name="Wei Demo-Zhang",
        age=49,
        sex="male",
        team=NORTH,
        tell=cured_by_distal_resection,
        sources=(HE,),
    ),
    Story(
        mrn="DEMO-004",
        name="Graham Demo-Nolan",
        age=64,
        sex="male",
        team=SOUTH,
        tell=residual_after_resection,
        sources=(ESA_SRB,),
    ),
    Story(
        mrn="DEMO-005",
        name="Elena Demo-Petrovska",
        age=59,
        sex="female",
        team=NORTH,
        tell=second_operation_succeeded,
        sources=(DIMITROVSKI,),
    ),
    Story(
        mrn="DEMO-006",
        name="Lin Demo-Tran",
        age=25,
        sex="female",
        team=SOUTH,
        tell=young_woman_after_resection,
        sources=(WANG,),
    ),
    Story(
        mrn="DEMO-007",
        name="Paul Demo-Kowalski",
        age=66,
        sex="male",
        team=NORTH,
        tell=remission_on_dacarbazine,
        sources=(PRINZ,),
    ),
)
