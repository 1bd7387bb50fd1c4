"""What a code of HL7 v2 means here: OBX-3 in the catalogue, OBX-11 as a status."""

from __future__ import annotations

import re

from clinical.analytes import CATALOGUE, by_loinc
from data.intake.fhir_frame import LOCAL
from data.intake.fhir_observation import NOT_THAT
from data.intake.hl7_message import Segment
from data.intake.item import Held
from data.intake.learned import Hand, Meaning

_LOINC = frozenset({"LN", "LOINC"})
_LOCAL = frozenset({LOCAL.upper(), "NADIR", "99NADIR"})
_MARKER_NAME = re.compile(r"\s*(glu[ck]agon|chromogranin)(?![- ]?like)\b", re.IGNORECASE)
# OBX-11, HL7 table 0085.
STATUSES = {
    "F": "final",
    "U": "final",
    "V": "final",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "C": "corrected",
    "A": "amended",
    "B": "amended",
    "D": "entered-in-error",
    "W": "entered-in-error",
    "X": "cancelled",
    "I": "registered",
    "O": "registered",
    "N": "absent",
}
_OF_ORDER = frozenset("FPCXR")


def codings(segment: Segment, field: int) -> list[tuple[str, str, str]]:
    """Code, text and code system of a coded field: the primary triplet and the alternate one."""
    triplets = [(segment.part(field, n), segment.part(field, n + 1), segment.part(field, n + 2)) for n in (1, 4)]
    return [triplet for triplet in triplets if any(triplet)]


def analyte_of(obx: Segment) -> tuple[str | None, str | None]:
    """The catalogue code OBX-3 stands for and the LOINC code that said so; None where it is outside the catalogue.

    Raises Held where two codes disagree, one is known to be wrong, or only the name says that it is a marker.
    """
    sent = codings(obx, 3)
    loinc = [code for code, _, system in sent if system.upper() in _LOINC and code]
    found = {code: by_loinc(code) for code in loinc}
    known = {analyte.code for analyte in found.values() if analyte is not None}
    local = {code for code, _, system in sent if system.upper() in _LOCAL and code in CATALOGUE}
    if len(known | local) > 1 or (known and None in found.values()):
        raise Held(f"the codes {', '.join((*loinc, *sorted(local)))} do not name one thing", "send codes that agree")
    if known:
        return next(iter(known)), next(code for code, analyte in found.items() if analyte is not None)
    if local:
        return next(iter(local)), None
    mistaken = next((code for code in loinc if code in NOT_THAT), None)
    if mistaken is not None:
        raise Held(NOT_THAT[mistaken], "send 2338-2 (mass) or 15073-0 (amount of substance)")
    named = next((text for _, text, _ in sent if _MARKER_NAME.match(text)), None)
    if named is not None:
        raise Held(
            f"{named[:80]!r} names a marker, but no code of it is known", f"map the code, or send LOINC or {LOCAL}"
        )
    return None, None


def learned_code(obx: Segment, hand: Hand) -> Meaning | None:
    """What the laboratory means by its own code, where neither LOINC nor the catalogue names the result."""
    sent = codings(obx, 3)
    if any(system.upper() in _LOINC | _LOCAL for _, _, system in sent):
        return None
    return hand.code(*(code for code, _, _ in sent))


def counted_code(obx: Segment) -> str:
    """What an unknown code is counted under: code and system, without anything a person typed."""
    said = f"{obx.part(3, 1)}^{obx.part(3, 3)}"
    usable = len(said) > 1 and len(said) <= 64 and said.isascii() and said.isprintable()
    return f"OBX {said}" if usable else "OBX"


def status_of(obx: Segment, obr: Segment | None) -> str:
    """The status of a result; where OBX-11 is empty, what OBR-25 says of the whole order. Raises Held."""
    said = obx.part(11).upper()
    if not said and obr is not None and obr.part(25).upper() in _OF_ORDER:
        said = obr.part(25).upper()
    if said not in STATUSES:
        raise Held(f"OBX-11 {said!r} is not a status of a result", f"one of {', '.join(sorted(STATUSES))}")
    return STATUSES[said]
