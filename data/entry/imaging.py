"""The imaging form: the study, its lesions, the reader's response, and a biliary ultrasound.

What is computed is computed by the rules' own functions (`clinical.imaging`) on the chart with the typed rows in it, so
that the page, the record and the rules cannot say different things.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from clinical.chart import Chart
from clinical.entry_checks import Doubt
from clinical.imaging import Scan, receptor_scans, scans, series
from clinical.lesion_table import LesionTable, lesion_table
from clinical.recist import VisitAssessment, assess, is_receptor_imaging
from clinical.saying import Day, say
from data.charts import with_items
from data.entry.lesions import ScanRead, ask_untold, read_lesions
from data.entry.reader import RECEPTORS, computed_letters, read_reader, read_response
from data.entry.said import Reading
from data.entry.ultrasound import read_ultrasound
from data.intake.item import Held, Item
from data.intake.moments import Moment

MODALITIES: Final = ("CT", "MRI", "ultrasound", "SSTR PET/CT", "SSTR PET/MRI", "octreotide scintigraphy")
CONTRASTS: Final = ("none", "late arterial and portal venous", "portal venous", "hepatobiliary", "other")
STUDY: Final = "study"


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What the typed rows come to. `scan` is the scan with them, None while there is none; `letters` the computed
    response, `untold` the known lesions nothing is said of, `receptor` whether the scan shows receptors and no size;
    `visits` are the assessments of its series up to it, its own the last."""

    scan: Scan | None = None
    visits: tuple[VisitAssessment, ...] = ()
    letters: str | None = None
    untold: tuple[str, ...] = ()
    receptor: bool = False


def read_imaging(reading: Reading, chart: Chart) -> Computed:
    """Read the whole form into `reading`: items, problems and questions; what it comes to is given back."""
    at: Moment | None = None
    try:
        at = _day(reading)
    except Held as held:
        reading.refuse("when", held)
    modality = _modality(reading)
    if at is not None:
        _hold_against_the_life(reading, chart, at)
    found = Computed()
    if modality is not None and at is not None:
        found = _scan(reading, chart, at, modality)
    elif modality is None:
        _refuse_without_study(reading)
    read_ultrasound(reading, chart, at)
    if not reading.problems:
        reading.finish()
    if not reading.items and not reading.problems:
        reading.refuse("", Held(say("nothing is entered yet")))
    return found


def _day(reading: Reading) -> Moment:
    at = reading.moment("when")
    if at.precision != "day":
        raise Held(say("write the date of the scan alone"))
    return at


def _hold_against_the_life(reading: Reading, chart: Chart, at: Moment) -> None:
    """A scan before the birth is of somebody else; one after the death is asked about."""
    day = at.at.date()
    if chart.birth_date is not None and day < chart.birth_date:
        born = Day(chart.birth_date.isoformat())
        reading.refuse("when", Held(say("the patient was born on {day}", day=born), say("is it the right patient?")))
    if chart.deceased is not None and day > chart.deceased.date():
        words = say("The patient died on {day}, before this scan.", day=Day(chart.deceased.date().isoformat()))
        reading.ask("when", f"{at.text} after death", Doubt("implausible", words), words)


def _modality(reading: Reading) -> str | None:
    said = reading.below(STUDY)
    if unknown := sorted(said.keys() - {"modality", "site", "contrast", "report"}):
        reading.refuse(f"{STUDY}.{unknown[0]}", Held(say("the form has no such field")))
        return None
    modality = said.get("modality")
    if modality is None and said:
        reading.refuse(f"{STUDY}.modality", Held(say("say what kind of scan it was")))
    elif modality is not None and modality not in MODALITIES:
        reading.refuse(f"{STUDY}.modality", Held(say("{modality} is no kind of scan", modality=repr(modality))))
        return None
    return modality


def _refuse_without_study(reading: Reading) -> None:
    """Lesions and a response need to know of which scan they are."""
    rows = [n for row in reading.rows("lesion") for n in reading.below(row) if n != "name"]
    rows += [n for row in reading.rows("new") for n in reading.below(row) if n not in ("node", "role")]
    if (rows or reading.below("response")) and not any(p.field.startswith(STUDY) for p in reading.problems):
        reading.refuse(f"{STUDY}.modality", Held(say("say what kind of scan it was")))


def _scan(reading: Reading, chart: Chart, at: Moment, modality: str) -> Computed:
    receptor, table = is_receptor_imaging(modality), lesion_table(chart)
    reader = read_reader(reading)
    _study(reading, at, modality)
    row = ScanRead(at=at, modality=modality, reader=reader.name, signed=reader.signed, receptor=receptor)
    before = len(reading.items)
    untold = read_lesions(reading, table, row)
    typed = reading.items[before:]
    found = _computed(chart, table, typed, at, receptor=receptor, untold=untold)
    _ask_of_the_study(reading, chart, at, modality)
    if typed or reader.signed:
        ask_untold(reading, () if receptor else untold, at)
    read_response(reading, reader, found.letters, at, modality)
    return found


def _computed(
    chart: Chart, table: LesionTable, typed: list[Item], at: Moment, *, receptor: bool, untold: tuple[str, ...]
) -> Computed:
    whole = with_items(chart, typed)
    day = at.at.date()
    scan = _of(whole, day, receptor=receptor) if typed else None
    looked = not typed and not receptor and not table.lesions
    letters = RECEPTORS if receptor else computed_letters(whole, scan, looked=looked)
    visits = () if receptor or scan is None else _visits(whole, day)
    return Computed(scan=scan, letters=letters, untold=untold, receptor=receptor, visits=visits)


def _visits(chart: Chart, day: date) -> tuple[VisitAssessment, ...]:
    for rows in series(chart):
        visits = assess(rows)
        if any(visit.scan_date == day for visit in visits):
            return tuple(visit for visit in visits if visit.scan_date <= day)
    return ()


def _of(chart: Chart, day: date, *, receptor: bool) -> Scan | None:
    found = receptor_scans(chart) if receptor else scans(chart)
    return next((scan for scan in found if scan.day == day), None)


def _study(reading: Reading, at: Moment, modality: str) -> None:
    """That the scan was made, as the study resource of a hospital's system would say it."""
    said = reading.below(STUDY)
    if said.get("contrast", CONTRASTS[0]) not in CONTRASTS:
        reading.refuse(f"{STUDY}.contrast", Held(say("choose the contrast from the list")))
        return
    parts = (
        modality,
        said.get("site"),
        f"contrast {said['contrast']}" if "contrast" in said else None,
        f"report {said['report']}" if "report" in said else None,
    )
    item = Item(
        patient_id=reading.patient_id,
        kind="finding",
        effective_at=at.at,
        effective_text=at.text,
        precision=at.precision,
        place=STUDY,
        detail={"code": "imaging-study", **said},
        text="; ".join(part for part in parts if part),
    )
    reading.add(item, f"{STUDY}.modality")


def _ask_of_the_study(reading: Reading, chart: Chart, at: Moment, modality: str) -> None:
    receptor = is_receptor_imaging(modality)
    found = receptor_scans(chart) if receptor else scans(chart)
    same_day = [scan for scan in found if scan.day == at.at.date()]
    if same_day:
        by = same_day[-1].response or same_day[-1].lesions[0]
        words = say("a scan of that day is recorded already ({modality}, {reader})", **_by(by.modality, by.reader))
        reading.ask("when", at.text, Doubt("change", words), say("{words}: is this another one?", words=words))
    earlier = [scan for scan in found if scan.day < at.at.date() and scan.lesions]
    last = earlier[-1].lesions[0].modality if earlier else None
    if last is not None and not receptor and last.casefold() != modality.casefold():
        words = say(
            "The scan of {day} was {last}; RECIST compares scans of one kind.",
            day=Day(earlier[-1].day.isoformat()),
            last=last,
        )
        reading.ask(f"{STUDY}.modality", modality, Doubt("change", words), words)


def _by(modality: str | None, reader: str | None) -> dict[str, str]:
    return {"modality": modality or say("kind of scan not recorded"), "reader": reader or say("reader not recorded")}
