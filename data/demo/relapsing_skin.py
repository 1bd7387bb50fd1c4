"""Stories told by the skin: relapse with everything else stable, and rashes whose cause was elsewhere."""

from __future__ import annotations

from data.demo.blood import draw, follow, result
from data.demo.clinic import finding, skin, state, symptom, visits
from data.demo.laboratories import REGIONAL
from data.demo.scans import scan, steady, ultrasounds
from data.demo.story import NORTH, SOUTH, YEAR, Source, Story
from data.demo.teller import Teller
from data.demo.treatment import TROUGH, injections, procedure, regimen

HALF = 182


def rash_back_while_tumour_is_stable(p: Teller) -> None:
    """The rash went within weeks of the first octreotide. Two years on, weeping plaques again on several parts of the
    body, seen twice nine days apart by two people; tumour stable on the scan, glucagon flat, zinc, albumin and amino
    acids in order, no infection, no new drug. The question is the analogue's dose and interval, not progression."""
    start = -3 * YEAR
    state(p, start - 30, "residual-stable")
    skin(p, start - 10, 3, "active")
    result(p, start - 10, "glucagon", "760", fasting=True)
    regimen(p, start, "start", "octreotide", dose=100.0, unit="ug", note="Three times a day")
    skin(p, start + 21, 1, "improved")
    injections(p, "octreotide-lar", 20.0, start + 21, -1)
    regimen(p, start + 35, "stop", "octreotide", note="Depot has taken over")
    follow(p, start + 98, -75, {"glucagon": ((start, 700.0), (start + 120, 126.0)), "zinc": 13.4}, every=TROUGH)
    visits(p, start + 90, -75, weight=61.0, skin_grades=((0, 1, "stable"),))
    steady(p, tuple(range(start + 40, 0, HALF)), {"pancreas-tail": 27.0, "liver-2": 16.0})
    skin(p, -14, 3, "worse", rater=0, erosion=2)
    skin(p, -5, 3, "worse", rater=1, erosion=2)
    draw(p, -14, ("glucagon", "glucose-fasting", "hba1c", "albumin", "zinc", "crp"), {"glucagon": 124.0, "zinc": 13.4})
    result(p, -14, "amino-acids", "2380", unit="umol/L", ref_low="1900", ref_high="3200", fasting=True)
    finding(p, -12, "biopsy", "Consistent with necrolytic migratory erythema", site="lower-leg")
    ultrasounds(p, start, -40)


def rash_back_and_zinc_is_low(p: Teller) -> None:
    """Stable on lanreotide for years; erosions return in the groin while zinc and albumin have slipped and amino acids
    were never sent. The skin question cannot be put to the analogue before nutrition is answered."""
    start = -5 * YEAR - 30
    state(p, start, "residual-stable")
    result(p, start, "glucagon", "590", fasting=True)
    injections(p, "lanreotide", 120.0, start, -24)
    nutrition = {"zinc": ((start, 13.0), (-300, 12.2), (-20, 8.1)), "albumin": ((-300, 40.0), (-20, 33.0))}
    follow(p, start + 77, -20, {"glucagon": ((start, 560.0), (start + 150, 205.0)), **nutrition}, every=TROUGH)
    draw(p, -17, ("glucagon", "glucose-fasting", "albumin", "zinc", "crp"), {"glucagon": 205.0, **nutrition})
    visits(p, start + 30, -60, weight=((-500, 58.0), (-20, 54.5)), skin_grades=((0, 0, "clear"),))
    skin(p, -18, 3, "worse", sites=["groin", "genital"], erosion=2)
    skin(p, -7, 3, "worse", sites=["groin", "genital"], erosion=2, rater=1)
    steady(p, tuple(range(start + 30, 0, HALF)), {"liver-1": 23.0, "liver-4": 14.0})
    ultrasounds(p, start, -90)
    symptom(p, -18, "oily-stool")


def hyperglucagonaemia_without_a_tumour(p: Teller) -> None:
    """Six kilograms lost, burning mouth, a recurring rash of legs and groin, glucagon nine times the limit, sugar and
    CRP very high - and no tumour on any scan, then or since. With sugar controlled, fluids and vitamins the skin
    healed. There is nothing here that could recur."""
    first = -4 * YEAR
    skin(p, first - 60, 2, "active")
    skin(p, first, 3, "active", mucosal=1)
    result(p, first, "glucagon", "2254", unit="ng/L", ref_low="25", ref_high="250")
    result(p, first, "glucose-fasting", "12.7", ref_low="5.6", ref_high="6.9", fasting=True)
    result(p, first, "hba1c", "9.1", unit="%", ref_low="4.2", ref_high="6.3")
    result(p, first, "crp", "290")
    scan(p, first + 20, "CT", response="NED")
    scan(p, first + 60, "SSTR PET", response="NED")
    state(p, first + 75, "no-tumour-found")
    regimen(p, first + 10, "start", "metformin", note="Glucose control")
    regimen(p, first + 10, "start", "zinc", note="Multivitamin with zinc")
    marker = ((first, 2100.0), (first + 120, 190.0), (first + YEAR, 120.0))
    sugar = {"hba1c": ((first, 74.0), (first + 200, 47.0)), "glucose-fasting": ((first, 12.0), (first + 100, 6.4))}
    follow(p, first + 90, -33, {"glucagon": marker, "crp": 4.0, **sugar}, every=120)
    visits(p, first + 90, -33, every=120, weight=((first, 70.0), (first + 200, 76.0)), skin_grades=((0, 0, "clear"),))


def zinc_trial_that_failed(p: Teller) -> None:
    """Erosions around mouth and on hands at thirty-five, taken for a zinc disorder. On zinc tablets the rash only
    spread; then glucagon was measured. A tail tumour and one liver deposit; the operation is booked."""
    skin(p, -3 * YEAR - 200, 1, "active", sites=["perioral"])
    follow(p, -3 * YEAR - 200, -300, {"zinc": 11.6}, every=182, never=("glucagon",))
    visits(p, -3 * YEAR - 200, -300, every=182, weight=59.0, skin_grades=((0, 1, "stable"),))
    regimen(p, -190, "start", "zinc", note="For presumed acrodermatitis")
    skin(p, -190, 2, "active", sites=["perioral", "other"])
    skin(p, -48, 3, "worse", sites=["perioral", "genital", "foot"], mucosal=2)
    skin(p, -36, 3, "worse", sites=["perioral", "genital", "foot"], mucosal=2, rater=1)
    result(p, -36, "glucagon", "1220", fasting=True)
    draw(p, -36, ("zinc", "albumin", "haemoglobin", "hba1c"), {"zinc": 15.9, "haemoglobin": 112.0})
    scan(p, -25, "CT", targets={"pancreas-tail": 37.0, "liver-4": 15.0})
    state(p, -22, "pre-op")


def reported_in_molar_units(p: Teller) -> None:
    """Eczema creams for a shin rash, then chest and abdomen. The regional laboratory reports glucagon in pmol/L: 348 of
    them, seven times its limit and not a mild 348 of anything else. Operated, cured so far; its lowest results are
    printed as below a limit and stay so."""
    operation = -4 * YEAR
    state(p, operation - 60, "pre-op")
    skin(p, operation - 200, 2, "active")
    skin(p, operation - 90, 3, "worse")
    result(p, operation - 100, "glucagon", "348", laboratory=REGIONAL, fasting=True)
    result(p, operation - 100, "haemoglobin", "10.9", laboratory=REGIONAL)
    scan(p, operation - 60, "CT", targets={"pancreas-tail": 100.0})
    procedure(
        p, operation, "resection", completeness="R0", intent="curative", note="Partial pancreatectomy, splenectomy"
    )
    state(p, operation + 30, "ned-resected")
    courses = {"glucagon": 72.0, "hba1c": 47.0, "glucose-fasting": 6.2}
    follow(p, operation + 90, -23, courses, laboratory=REGIONAL)
    for day in (operation + 40, operation + 800, -300):
        result(p, day, "glucagon", "<15", laboratory=REGIONAL, fasting=True)
    visits(p, operation + 20, -23, weight=83.0)
    for day in range(operation + 180, 0, HALF):
        scan(p, day, "CT", response="NED")


TOLLIVER = Source(
    "Tolliver",
    2018,
    "https://cancer.osu.edu/research-and-education/find-a-scientific-publication/a-review-of-cutaneous-manifestations-"
    "within-glucagonoma-syndrome-necrolytic-migratory-erythema",
)
ZINC = Source(
    "author not given", 2018, "https://endocrine-abstracts.org/ea/0060/abstracts/poster-presentations/1/ea0060p24"
)
LEE = Source("Lee", 2019, "https://pmc.ncbi.nlm.nih.gov/articles/PMC6411476")
GALLER = Source("Galler", 2015, "https://www.thieme-connect.de/products/ejournals/abstract/10.1055/s-0035-1559436")
GPONLINE = Source(
    "author not given", None, "http://www.gponline.com/pancreatic-glucagonoma-case-study/cancer/article/1381777"
)

STORIES = (
    Story(
        mrn="DEMO-021",
        name="Hannah Demo-Weiss",
        age=54,
        sex="female",
        team=SOUTH,
        tell=rash_back_while_tumour_is_stable,
        sources=(TOLLIVER,),
    ),
    Story(
        mrn="DEMO-022",
        name="Pooja Demo-Raman",
        age=62,
        sex="female",
        team=NORTH,
        tell=rash_back_and_zinc_is_low,
        sources=(ZINC,),
    ),
    Story(
        mrn="DEMO-023",
        name="Daniel Demo-Park",
        age=70,
        sex="male",
        team=SOUTH,
        tell=hyperglucagonaemia_without_a_tumour,
        sources=(LEE,),
    ),
    Story(
        mrn="DEMO-024",
        name="Katrin Demo-Vogel",
        age=35,
        sex="female",
        team=NORTH,
        tell=zinc_trial_that_failed,
        sources=(GALLER,),
    ),
    Story(
        mrn="DEMO-025",
        name="Alan Demo-Whitfield",
        age=62,
        sex="male",
        team=SOUTH,
        tell=reported_in_molar_units,
        sources=(GPONLINE,),
    ),
)
