"""The biliary ultrasound as it is typed: coded findings (clinical reference 5.3), what was not assessed left out.

"Not assessed" is no finding: it is stored as nothing at all, "no" as looked for and not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clinical.chart import BiliaryUltrasound, Chart
from clinical.saying import Said, say
from data.entry.lengths import length_in
from data.entry.said import Reading
from data.intake.coded import BILIARY_FLAGS, biliary_detail
from data.intake.item import Held, Item
from data.intake.moments import Moment

SECTION: Final = "us"
LENGTHS: Final[Mapping[str, Said]] = {
    "wall_mm": say("Gallbladder wall"),
    "cbd_mm": say("Common bile duct"),
    "max_mm": say("Largest stone"),
}
CHOSEN: Final = ("stones", "gallbladder")
# What can only be seen of a gallbladder that is there.
_OF_THE_GALLBLADDER: Final = ("wall_mm", "murphy", "fluid", "impacted", "stones", "sludge")
_OF_STONES: Final = ("max_mm", "mobile", "impacted")


def read_ultrasound(reading: Reading, chart: Chart, scanned: Moment | None) -> None:
    """Read the ultrasound into `reading`; `scanned` is the day of the scan beside it, where there is one."""
    said = reading.below(SECTION)
    if not said.keys() - {"when"}:
        return
    field = SECTION
    try:
        if unknown := sorted(said.keys() - {"when", "note", *CHOSEN, *BILIARY_FLAGS, *LENGTHS}):
            field = f"{SECTION}.{unknown[0]}"
            raise Held(say("the form has no such field"))
        field = f"{SECTION}.when"
        at = reading.moment(field, scanned)
        last = chart.biliary[-1] if chart.biliary else None
        for name, called in LENGTHS.items():
            field = f"{SECTION}.{name}"
            if name in said:
                said[name] = str(length_in(reading, field, called, _before(last, name), name))
        field = SECTION
        detail = biliary_detail(said)
    except Held as held:
        reading.refuse(field, held)
        return
    if (against := _contradiction(said)) is not None:
        reading.refuse(f"{SECTION}.{against[0]}", Held(against[1]))
        return
    item = Item(
        patient_id=reading.patient_id,
        kind="biliary",
        analyte="biliary-ultrasound",
        effective_at=at.at,
        effective_text=at.text,
        precision=at.precision,
        place=SECTION,
        detail=detail,
    )
    reading.add(item, SECTION)


def _before(last: BiliaryUltrasound | None, name: str) -> tuple[int, str] | None:
    value = None if last is None else getattr(last, name)
    return None if last is None or value is None else (round(value * 10), last.effective.date().isoformat())


def _contradiction(said: Mapping[str, Any]) -> tuple[str, Said] | None:
    if said.get("gallbladder") == "absent":
        for name in _OF_THE_GALLBLADDER:
            if said.get(name) not in (None, "none", "no"):
                return name, say("the gallbladder is absent; a stone in the duct has a field of its own")
    if said.get("stones") == "none":
        for name in _OF_STONES:
            if said.get(name) not in (None, "no"):
                return name, say("no stones are entered, and something is said of them")
    return None
