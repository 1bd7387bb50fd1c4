"""Stories of residual disease that holds still under treatment: calm patients, most of a clinic."""

from __future__ import annotations

from data.demo.blood import MARKER, draw, follow, result
from data.demo.clinic import finding, skin, state, symptom, visits
from data.demo.laboratories import OUTSIDE, REGIONAL, UNIVERSITY_ELISA
from data.demo.scans import scan, steady, ultrasounds
from data.demo.sensor import Glycaemia, wear
from data.demo.story import NORTH, SOUTH, YEAR, Source, Story
from data.demo.teller import Teller
from data.demo.treatment import TROUGH, injections, procedure, regimen

HALF = 182


def lanreotide_with_a_sensor(p: Teller) -> None:
    """Six years of stable liver disease on lanreotide every four weeks. HbA1c drifted up a little after the first
    doses, as it does on an analogue; two years of continuous glucose readings since show why and how little."""
    start = -6 * YEAR
    state(p, start - 40, "pre-op")
    skin(p, start - 30, 3, "active")
    result(p, start - 30, "glucagon", "1125", fasting=True)
    scan(p, start - 25, "CT", targets={"liver-1": 31.0, "liver-2": 22.0, "pancreas-tail": 38.0})
    finding(p, start - 20, "metastasis", "Liver, both lobes, biopsy proven", site="liver")
    injections(p, "lanreotide", 120.0, start, -6)
    state(p, start + 90, "residual-stable")
    hba1c = ((start, 41.0), (start + HALF, 46.0), (-2 * YEAR, 51.0), (-1, 52.0))
    glucose = ((start, 5.6), (start + HALF, 6.3), (-1, 7.0))
    marker = ((start, 1100.0), (start + 120, 310.0), (start + YEAR, 265.0))
    follow(
        p, start + 77, -16, {"glucagon": marker, "hba1c": hba1c, "glucose-fasting": glucose, "b12": 290.0}, every=TROUGH
    )
    visits(p, start + 10, -16, weight=74.0, skin_grades=((start + 10, 1, "improved"), (start + 100, 0, "clear")))
    scan(p, start + 90, "CT", targets={"liver-1": 29.0, "liver-2": 21.0, "pancreas-tail": 36.0}, response="SD")
    steady(p, tuple(range(start + 90 + HALF, 0, HALF)), {"liver-1": 28.0, "liver-2": 20.0, "pancreas-tail": 35.0})
    ultrasounds(p, start - 10, -20)
    regimen(p, start + 60, "start", "insulin", note="Long-acting insulin at night")
    wear(p, -2 * YEAR, -1, Glycaemia(mean=152.0, meals=60.0, noise=16.0))


def octreotide_after_a_failed_resection(p: Teller) -> None:
    """Eight years of diet-treated diabetes, then stomatitis, a migrating leg rash, failing sight and slow thinking.
    Resection was tried and abandoned; on octreotide marker, skin, weight and mind recovered within three months."""
    operation = -5 * YEAR
    start = operation + 40
    state(p, operation - 90, "pre-op")
    skin(p, operation - 150, 2, "active", mucosal=2)
    skin(p, operation - 60, 3, "worse", mucosal=2)
    result(p, operation - 30, "glucagon", "890", fasting=True)
    scan(p, operation - 30, "CT", targets={"pancreas-tail": 50.0, "liver-1": 24.0})
    procedure(p, operation, "resection", completeness="R2", intent="palliative", note="Attempted, not achieved")
    regimen(p, start, "start", "octreotide", dose=100.0, unit="ug", note="Three times a day")
    injections(p, "octreotide-lar", 20.0, start + 28, -10)
    regimen(p, start + 42, "stop", "octreotide", note="Depot has taken over")
    state(p, start + 120, "residual-stable")
    marker = ((start, 890.0), (start + 90, 240.0), (start + YEAR, 205.0))
    follow(
        p, start + 105, -24, {"glucagon": marker, "hba1c": 55.0, "glucose-fasting": 7.4, "free-t4": 13.0}, every=TROUGH
    )
    visits(p, start + 10, -24, weight=((start, 51.0), (start + 200, 60.0)), skin_grades=((0, 0, "clear"),))
    steady(p, tuple(range(start + 120, 0, HALF)), {"pancreas-tail": 47.0, "liver-1": 22.0})
    ultrasounds(p, start - 5, -35)


def heart_that_does_not_recover(p: Teller) -> None:
    """Rash, weight loss and a fast pulse; the ventricle had been dilating for years. Too ill for surgery, an analogue
    instead: marker better, scans stable after years, the heart no better. Heart failure is not tumour growth."""
    start = -4 * YEAR
    state(p, start - 30, "pre-op")
    finding(p, start - 3 * YEAR, "echo", "Left ventricle dilated, no ischaemia", site="heart")
    skin(p, start - 20, 4, "active")
    result(p, start - 20, "glucagon", "1310", fasting=True)
    p.vital(start - 20, "lvef", "34")
    scan(p, start - 20, "CT", targets={"pancreas-tail": 41.0, "liver-1": 33.0, "liver-3": 19.0})
    injections(p, "lanreotide", 120.0, start, -19)
    state(p, start + 180, "residual-stable")
    marker = ((start, 1300.0), (start + 150, 420.0), (start + YEAR, 380.0))
    follow(p, start + 77, -33, {"glucagon": marker}, every=TROUGH)
    visits(
        p, start + 14, -33, weight=63.0, heart_rate=91.0, skin_grades=((start, 2, "improved"), (start + 90, 0, "clear"))
    )
    for day in range(start + 180, -1, YEAR):
        p.vital(day, "lvef", str(p.rng.randint(33, 37)))
        finding(p, day, "echo", "Left ventricular dysfunction persists", site="heart")
        p.vital(day, "qtc", str(p.rng.randint(428, 446)))
    steady(p, tuple(range(start + 120, 0, HALF)), {"pancreas-tail": 40.0, "liver-1": 32.0, "liver-3": 18.0})
    ultrasounds(p, start, -60)


def new_method_at_the_laboratory(p: Teller) -> None:
    """Four calm years, then the university laboratory replaced its glucagon radioimmunoassay by a sandwich ELISA and,
    the same season, one sample went to the regional hospital. The numbers moved with the method, not the disease."""
    start = -4 * YEAR
    state(p, start - 20, "residual-stable")
    result(p, start - 20, "glucagon", "640", fasting=True)
    scan(p, start - 20, "CT", targets={"liver-1": 26.0, "liver-2": 17.0})
    injections(p, "octreotide-lar", 30.0, start, -12)
    follow(p, start + 77, -130, {"glucagon": ((start, 610.0), (start + 120, 245.0))}, every=TROUGH)
    draw(p, -100, ("glucagon",), {"glucagon": 215.0}, laboratory=REGIONAL)
    draw(p, -26, MARKER, {"glucagon": 171.0}, laboratory=UNIVERSITY_ELISA)
    visits(p, start + 14, -26, weight=70.0)
    steady(p, tuple(range(start + 100, 0, HALF)), {"liver-1": 25.0, "liver-2": 16.5})
    ultrasounds(p, start, -44)


def itch_before_the_next_injection(p: Teller) -> None:
    """Stable for three years on octreotide every four weeks. A diary kept over the last cycles: itch, stools and rescue
    doses creep up in the last week before each injection and settle after it."""
    start = -3 * YEAR - 100
    last = -5
    state(p, start - 14, "residual-stable")
    result(p, start - 14, "glucagon", "720", fasting=True)
    injections(p, "octreotide-lar", 30.0, start, last)
    follow(p, start + 77, -40, {"glucagon": ((start, 700.0), (start + 120, 190.0))}, every=TROUGH)
    result(p, -130, "elastase", "268")
    visits(p, start + 14, -40, weight=66.0)
    steady(p, tuple(range(start + 60, 0, HALF)), {"liver-3": 21.0, "node-1": 17.0})
    ultrasounds(p, start, -25)
    cycle_start = max(range(start, last + 1, 28))
    for cycle in range(4, 0, -1):
        opened = cycle_start - 28 * cycle
        for offset, itch, stools, rescue in ((9, 2, 1, 0), (15, 2, 2, 0), (20, 3, 1, 0), (24, 5, 3, 1), (27, 6, 3, 2)):
            p.vital(opened + offset, "itch", str(itch))
            p.vital(opened + offset, "stools-per-day", str(stools))
            p.vital(opened + offset, "rescue-doses", str(rescue))


def results_without_a_range(p: Teller) -> None:
    """Followed far away by a practice whose laboratory prints no reference ranges, no methods. State never stated:
    everything is kept, and nothing is called normal or high."""
    first = -3 * YEAR
    state(p, first, "unknown")
    skin(p, first, 1, "stable")
    follow(p, first, -28, {"glucagon": 230.0, "hba1c": 47.0}, laboratory=OUTSIDE)
    visits(p, first, -28, weight=79.0, skin_grades=((0, 1, "stable"),))
    symptom(p, -28, "diarrhoea", present=False)
    scan(p, first + 30, "MRI", others={"liver-small": "present"})


def shrinking_after_prrt(p: Teller) -> None:
    """Progressed years ago, then four cycles of receptor radionuclide therapy. Sum of lesions a third smaller, glucagon
    down to a quarter; calm since, with bone and node under watch."""
    therapy = -3 * YEAR
    start = -7 * YEAR
    state(p, start, "residual-stable")
    injections(p, "lanreotide", 120.0, start, -20)
    before = ((start, 520.0), (therapy - 200, 525.0), (therapy - 30, 1450.0), (therapy + 300, 330.0))
    follow(p, start + 77, -13, {"glucagon": before, "alp": 96.0}, every=TROUGH)
    sizes = {"liver-1": 34.0, "liver-2": 24.0, "node-1": 19.0}
    steady(p, tuple(range(start + 30, therapy - 400, HALF)), sizes, others={"bone-1": "present"})
    grown = {"liver-1": 44.0, "liver-2": 33.0, "node-1": 23.0}
    scan(p, therapy - 60, "CT", targets=grown, others={"bone-1": "present"}, response="PD")
    state(p, therapy - 55, "residual-progressing")
    for cycle in range(4):
        procedure(p, therapy + 56 * cycle, "prrt", intent="palliative", note=f"Lu-177 cycle {cycle + 1} of 4")
    shrunk = {"liver-1": 26.0, "liver-2": 17.0, "node-1": 13.0}
    for number, day in enumerate(range(therapy + 260, -1, HALF)):
        scan(p, day, "CT", targets=shrunk, others={"bone-1": "present"}, response="PR" if number < 2 else "SD")
    state(p, therapy + 400, "residual-stable")
    visits(p, start + 30, -13, weight=85.0)
    ultrasounds(p, start, -70)


def partial_control_then_ablation(p: Teller) -> None:
    """Blistering rash of feet, groin and face, mild anaemia, liver deposits that cannot be cut out. Depot octreotide
    helped only in part; embolisation and radiofrequency ablation brought years of good palliation."""
    start = -5 * YEAR - 60
    state(p, start - 30, "residual-progressing")
    skin(p, start - 20, 4, "active")
    result(p, start - 20, "glucagon", "950", fasting=True)
    result(p, start - 20, "haemoglobin", "108")
    scan(p, start - 18, "CT", targets={"pancreas-tail": 52.0, "liver-1": 43.0, "liver-2": 30.0, "liver-small": 12.0})
    injections(p, "octreotide-lar", 30.0, start, -1)
    skin(p, start + 60, 2, "improved")
    procedure(p, start + 150, "embolisation", intent="palliative", note="Hepatic artery, right lobe")
    procedure(p, start + 190, "ablation", intent="palliative", note="Radiofrequency, segment III")
    state(p, start + 260, "residual-stable")
    marker = ((start, 940.0), (start + 120, 600.0), (start + 240, 170.0))
    blood = ((start, 108.0), (start + YEAR, 127.0))
    follow(
        p,
        start + 77,
        -37,
        {"glucagon": marker, "haemoglobin": blood, "glucose-fasting": 6.4, "hba1c": 45.0},
        every=TROUGH,
    )
    visits(p, start + 240, -37, weight=((start, 58.0), (start + 300, 66.0)))
    steady(p, tuple(range(start + 250, 0, HALF)), {"pancreas-tail": 49.0, "liver-1": 29.0, "liver-2": 19.0})
    ultrasounds(p, start, -50)


PATEL = Source("Patel", 2019, "https://www.endocrine-abstracts.org/ea/0068/ea0068p3")
HOLMES = Source(
    "Holmes",
    1991,
    "https://c.coek.info/pdf-reversal-of-a-neurologic-paraneoplastic-syndrome-with-octreotide-sandostatin-in-.html",
)
BARABAS = Source("Barabas", 2019, "https://pmc.ncbi.nlm.nih.gov/articles/PMC6432982/")
MARSHFIELD = Source("Marshfield Labs", None, "https://marshfieldlabs.org/sites/ltrm/Human/Pages/22658.aspx")
POGGI = Source("Poggi", 2009, "http://pubmedcentralcanada.ca/pmcc/articles/PMC2994425/")

STORIES = (
    Story(
        mrn="DEMO-008",
        name="Ingrid Demo-Solberg",
        age=63,
        sex="female",
        team=NORTH,
        tell=lanreotide_with_a_sensor,
        sources=(PATEL,),
    ),
    Story(
        mrn="DEMO-009",
        name="Ruth Demo-Abernathy",
        age=74,
        sex="female",
        team=SOUTH,
        tell=octreotide_after_a_failed_resection,
        sources=(HOLMES,),
    ),
    Story(
        mrn="DEMO-010",
        name="Teresa Demo-Varga",
        age=71,
        sex="female",
        team=NORTH,
        tell=heart_that_does_not_recover,
        sources=(BARABAS,),
    ),
    Story(
        mrn="DEMO-011",
        name="Samuel Demo-Adeyemi",
        age=57,
        sex="male",
        team=SOUTH,
        tell=new_method_at_the_laboratory,
        sources=(MARSHFIELD,),
    ),
    Story(
        mrn="DEMO-012",
        name="Lucía Demo-Fernández",
        age=52,
        sex="female",
        team=NORTH,
        tell=itch_before_the_next_injection,
    ),
    Story(
        mrn="DEMO-013",
        name="Kofi Demo-Mensah",
        age=68,
        sex="male",
        team=SOUTH,
        tell=results_without_a_range,
    ),
    Story(
        mrn="DEMO-014",
        name="Yuki Demo-Tanabe",
        age=60,
        sex="other",
        team=NORTH,
        tell=shrinking_after_prrt,
    ),
    Story(
        mrn="DEMO-015",
        name="Marco Demo-Bellini",
        age=57,
        sex="male",
        team=SOUTH,
        tell=partial_control_then_ablation,
        sources=(POGGI,),
    ),
)
