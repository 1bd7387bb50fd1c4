"""What a flag's question asks for at the next visit: to measure, to record, to bring.

Read off the finding (what it rests on, what it found not recorded) and the rule (clinical reference 1.2, 4.6 and the
questions of R01-R42). Nothing here names a treatment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from clinical.analytes import CATALOGUE
from clinical.saying import Said, say

Kind = Literal["measure", "record", "bring"]

_BILE = ("alp", "ggt", "bilirubin", "alt", "lipase", "crp")
_MEASURE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(("R01", "R02", "R03", "R04", "R33", "R40", "R41", "R42"), ("glucagon", "glucose", "egfr")),
        **dict.fromkeys(("R09", "R10", "R14"), ("glucagon", "glucose", "egfr")),
        "R05": ("chromogranin-a", "glucagon", "egfr"),
        **dict.fromkeys(("R11", "R12"), ("glucagon", "glucose", "zinc", "albumin", "amino-acids", "crp")),
        "R13": ("glucagon", "glucose"),
        **dict.fromkeys(("R15", "R16", "R17"), _BILE),
        "R19": ("elastase", "vitamin-a", "vitamin-d", "vitamin-e", "inr", "b12", "zinc"),
        "R20": ("crp", "albumin"),
        **dict.fromkeys(("R21", "R22", "R39"), ("glucose-fasting", "hba1c")),
        **dict.fromkeys(("R23", "R35"), ("heart-rate", "qtc")),
        "R24": ("tsh", "free-t4"),
        "R25": ("weight", "albumin"),
        "R27": ("haemoglobin",),
        "R28": ("albumin", "amino-acids"),
        "R36": ("b12", "mma"),
    }
)
_FASTING: Final = say("glucagon: fasting for 8 hours or more, pre-chilled EDTA tube on ice, spun cold, frozen at once")
_NOTED: Final = say("whether fasting, which tube, time of the draw, days since the last injection")
_SKIN: Final = (
    say("skin: body map, IGA, signs, itch and pain"),
    say("signs of infection, and every drug or cream that is new"),
)
_PAIN: Final = (say("pain under the right ribs, fever, jaundice: present or absent"),)
_STOOLS: Final = (say("stools a day, oily or not, over several days"),)
_SCAN: Final = (
    say("who read the scan, and whether the reading is signed"),
    say("the same lesions again, by the same modality"),
)
_INJECTIONS: Final = (say("each injection since the last visit: date, dose, site, who gave it"),)
_RECORD: Final[Mapping[str, tuple[Said, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(("R01", "R02", "R03", "R33", "R40", "R41", "R42"), (_NOTED,)),
        **dict.fromkeys(("R04", "R09", "R10"), (_NOTED, *_SCAN)),
        "R05": (say("proton pump inhibitors: which, since when"),),
        **dict.fromkeys(("R06", "R07", "R08", "R37"), _SCAN),
        **dict.fromkeys(("R11", "R12"), _SKIN),
        "R13": (*_SKIN, *_STOOLS, say("rescue doses by day")),
        "R14": (*_SKIN, *_SCAN),
        **dict.fromkeys(("R15", "R16", "R17"), (*_PAIN, say("ultrasound of gallbladder and bile ducts, fasting"))),
        **dict.fromkeys(("R18", "R38"), (say("ultrasound of gallbladder and bile ducts, fasting"),)),
        "R19": _STOOLS,
        "R20": (say("supplements: what is taken, and how regularly"),),
        "R22": (say("low glucose: when, how low, with which signs, who helped"),),
        **dict.fromkeys(("R23", "R35"), (say("a 12-lead ECG with its device named"), say("dizziness or fainting"))),
        "R25": (say("weight on the same scale, appetite, swelling"),),
        "R26": (say("both legs: girth, warmth, pain; breath and chest pain"),),
        "R27": (say("bleeding: stool, skin, elsewhere"),),
        **dict.fromkeys(("R29", "R32"), _INJECTIONS),
        "R31": (say("which laboratory and which method measured it"),),
    }
)
_BRING: Final[Mapping[str, tuple[Said, ...]]] = MappingProxyType(
    {
        "marker": (say("reports of other laboratories since the last visit"),),
        "imaging": (say("images and reports of other hospitals since the last scan"),),
        "skin": (say("all drugs, creams and supplements, with what was started when"),),
        "toxicity": (say("all drugs, creams and supplements, with what was started when"),),
        "process": (say("injection record, appointments and letters since the last visit"),),
    }
)
_METERS: Final = frozenset({"R21", "R22", "R39"})


@dataclass(frozen=True, slots=True)
class VisitItem:
    """One line of the list; `why` stands beside it where the item is not plain from the question."""

    kind: Kind
    text: str
    why: str | None = None


def visit_items(*, rule: str, axis: str, analytes: Iterable[str], not_recorded: Iterable[str]) -> tuple[VisitItem, ...]:
    """The list for a finding of `rule`: `analytes` are the codes of its evidence. Each item once."""
    resting_on = tuple(dict.fromkeys(a for a in analytes if a in CATALOGUE))
    wanted = dict.fromkeys((*resting_on, *_MEASURE.get(rule, ())))
    again = say("in the same laboratory and by the same method as before")
    found: list[VisitItem] = []
    for analyte in wanted:
        found.append(VisitItem("measure", say(CATALOGUE[analyte].name), again if analyte in resting_on else None))
        if analyte == "glucagon":
            found.append(VisitItem("measure", _FASTING))
    found += [
        VisitItem("record", name, say("the rule asks for it and did not find it"))
        for name in dict.fromkeys(not_recorded)
    ]
    found += [VisitItem("record", text) for text in _RECORD.get(rule, ())]
    if rule in _METERS:
        found.append(VisitItem("bring", say("glucose meter or sensor with its reader")))
    found += [VisitItem("bring", text) for text in _BRING[axis]]
    return tuple(found)
