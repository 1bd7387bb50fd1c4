"""Skin scores: body surface area, EASI, PASI, SCORAD, DLQI, IGA and the NME working panel.

No severity score is validated for necrolytic migratory erythema; every answer carries what its instrument is validated
for. Formulas, bands and weights: clinical reference section 9. No text of a licensed questionnaire is here, only sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Instrument = Literal["bsa", "easi", "iga", "nme", "pasi", "scorad", "dlqi"]
Infection = Literal["none", "suspected", "confirmed"]

BSA_REGIONS: Mapping[str, float] = MappingProxyType(
    {
        "head_neck": 9.0,
        "arm_left": 9.0,
        "arm_right": 9.0,
        "leg_left": 18.0,
        "leg_right": 18.0,
        "trunk_front": 18.0,
        "trunk_back": 18.0,
        "genital": 1.0,
    }
)
BODY_PARTS = ("head", "upper", "trunk", "lower")
SCORAD_SIGNS = 6
DLQI_ITEMS = 10
IGA_GRADES = ("clear", "almost clear", "mild", "moderate", "severe")
VALIDATION: Mapping[Instrument, str] = MappingProxyType(
    {
        "bsa": "rule of nines; not validated for NME, and it under-weights genital and perioral disease",
        "easi": "validated for atopic dermatitis, not for NME; half of its signs are not signs of NME",
        "iga": "working scale, not validated for NME",
        "nme": "NME working score (unvalidated): its components stay apart and are not summed",
        "pasi": "validated for psoriasis, not for NME",
        "scorad": "validated for atopic dermatitis, not for NME",
        "dlqi": "validated for skin disease in general, not for NME alone",
    }
)

_AREA_SCORES = ((0, 0), (10, 1), (30, 2), (50, 3), (70, 4), (90, 5))
_ADULT_WEIGHTS = (0.1, 0.2, 0.3, 0.4)
_UNDER_8_WEIGHTS = (0.2, 0.2, 0.3, 0.3)
_EASI_BANDS = ((0, "clear"), (1, "almost clear"), (7, "mild"), (21, "moderate"), (50, "severe"), (72, "very severe"))
_CHARMAN_BANDS = ((10, "clear or almost clear"), (29, "mild"), (49, "moderate"))
_DLQI_BANDS = ((1, "none"), (5, "small"), (10, "moderate"), (20, "very large"), (30, "extremely large"))


class SkinScoreError(ValueError):
    """An entry that the instrument does not allow; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkinScore:
    """A score, None where it cannot be given, then `why` says so. `parts` holds what it was made of."""

    instrument: Instrument
    score: float | None
    band: str | None
    validation: str
    why: str
    parts: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyPart:
    """One body part of EASI (four signs 0 to 3 in half steps) or PASI (three signs 0 to 4) with its involved area in
    per cent of the part."""

    signs: tuple[float, ...]
    area_percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NmePanel:
    """The NME working panel. Signs 0 to 3, itch and pain 0 to 10, `bsa` in per cent, `iga` 0 to 4; None: not recorded.

    `crust` is crust or scale, `mucosal` the tongue, lips or genital mucosa.
    """

    iga: int | None = None
    bsa: float | None = None
    erythema: int | None = None
    erosion: int | None = None
    crust: int | None = None
    mucosal: int | None = None
    itch: float | None = None
    pain: float | None = None
    infection: Infection | None = None
    sites: tuple[str, ...] = ()


def body_surface(involved: Mapping[str, float]) -> SkinScore:
    """Body surface area in per cent from the involved per cent of each region of `BSA_REGIONS`, all of them named.

    Raises SkinScoreError for a region that is unknown or missing and for a share outside 0 to 100.
    """
    strange = involved.keys() - BSA_REGIONS.keys()
    missing = BSA_REGIONS.keys() - involved.keys()
    if strange or missing:
        named = ", ".join(sorted(strange or missing))
        raise SkinScoreError(f"{named}: {'no region of the rule of nines' if strange else 'missing'}")
    for region, share in involved.items():
        _within(region, share, 0, 100)
    total = sum(weight * involved[region] for region, weight in BSA_REGIONS.items()) / 100
    return _scored("bsa", round(total, 6), None, "sum of region x involved share", dict(involved))


def area_score(percent: float) -> int:
    """EASI and PASI area score: 0 none, 1 below 10 %, 2 below 30, 3 below 50, 4 below 70, 5 below 90, 6 from 90."""
    _within("area", percent, 0, 100)
    if percent == 0:
        return 0
    return next((score for limit, score in _AREA_SCORES if percent < limit), 6)


def easi(parts: Mapping[str, BodyPart], *, under_8: bool = False) -> SkinScore:
    """EASI 0 to 72 from erythema, oedema or papulation, excoriation and lichenification of the four `BODY_PARTS`.

    Below 8 years head and legs weigh 0.2 and 0.3. Raises SkinScoreError for an entry outside its scale.
    """
    weights = _UNDER_8_WEIGHTS if under_8 else _ADULT_WEIGHTS
    total = _weighted(parts, weights, signs=4, most=3, step=0.5)
    return _scored("easi", total, _up_to(_EASI_BANDS, total), "weights for age under 8" if under_8 else "adult weights")


def pasi(parts: Mapping[str, BodyPart]) -> SkinScore:
    """PASI 0 to 72 from erythema, induration and desquamation of the four `BODY_PARTS`.

    Raises SkinScoreError for an entry outside its scale.
    """
    total = _weighted(parts, _ADULT_WEIGHTS, signs=3, most=4, step=1)
    return _scored("pasi", total, None, "no bands are used")


def scorad(extent_percent: float, signs: Sequence[int], *, itch: float, sleep_loss: float) -> SkinScore:
    """SCORAD 0 to 103 = A/5 + 7B/2 + C; `parts["objective"]` is A/5 + 7B/2 (0 to 83).

    Two sets of bands are in use: `band` is that of its authors (mild below 25, severe above 50),
    `parts["charman_band"]` that of clinical reference section 9 [S105] (below 10, 29, 49).

    A: extent in per cent; B: six signs 0 to 3; C: itch and loss of sleep, 0 to 10 each. Raises SkinScoreError for an
    entry outside its scale.
    """
    _within("extent", extent_percent, 0, 100)
    if len(signs) != SCORAD_SIGNS:
        raise SkinScoreError(f"signs: {len(signs)} given, SCORAD has {SCORAD_SIGNS}")
    for number, sign in enumerate(signs, 1):
        _within(f"sign {number}", sign, 0, 3, step=1)
    _within("itch", itch, 0, 10)
    _within("sleep loss", sleep_loss, 0, 10)
    objective = round(extent_percent / 5 + 3.5 * sum(signs), 6)
    total = round(objective + itch + sleep_loss, 6)
    band = "mild" if total < 25 else "moderate" if total <= 50 else "severe"
    charman = next((name for limit, name in _CHARMAN_BANDS if total < limit), "severe")
    return _scored("scorad", total, band, "A/5 + 7B/2 + C", {"objective": objective, "charman_band": charman})


def dlqi(items: Sequence[int | None]) -> SkinScore:
    """DLQI 0 to 30, the sum of ten items 0 to 3. One unanswered item (None) counts 0; with two or more it is not
    scored. Raises SkinScoreError for an entry outside its scale."""
    if len(items) != DLQI_ITEMS:
        raise SkinScoreError(f"items: {len(items)} given, DLQI has {DLQI_ITEMS}")
    answered = [item for item in items if item is not None]
    for number, item in enumerate(items, 1):
        if item is not None:
            _within(f"item {number}", item, 0, 3, step=1)
    unanswered = DLQI_ITEMS - len(answered)
    if unanswered > 1:
        return _scored("dlqi", None, None, f"{unanswered} items are unanswered: not scored")
    total = sum(answered)
    why = "one item is unanswered and counts 0" if unanswered else "all items are answered"
    return _scored("dlqi", float(total), _up_to(_DLQI_BANDS, total), why)


def unscored(instrument: Instrument, missing: Sequence[str]) -> SkinScore:
    """No score, because the entries named in `missing` are not recorded."""
    return _scored(instrument, None, None, f"not recorded: {', '.join(missing)}")


def iga(grade: int) -> SkinScore:
    """The investigator's global assessment 0 to 4 with its name. Raises SkinScoreError outside the scale."""
    _within("iga", grade, 0, 4, step=1)
    return _scored("iga", float(grade), IGA_GRADES[grade], "as recorded")


def nme(panel: NmePanel) -> SkinScore:
    """The NME working panel: never one number. `parts` holds the components as recorded, `iga_by_signs` the IGA-NME the
    signs amount to and `active`, true with any erosion of a mucosal site whatever the body surface area.

    Raises SkinScoreError for an entry outside its scale.
    """
    for name, most, step in (("iga", 4, 1), ("erythema", 3, 1), ("erosion", 3, 1), ("crust", 3, 1), ("mucosal", 3, 1)):
        _recorded_within(panel, name, most, step)
    for name, most in (("bsa", 100), ("itch", 10), ("pain", 10)):
        _recorded_within(panel, name, most, None)
    names = ("iga", "bsa", "erythema", "erosion", "crust", "mucosal", "itch", "pain", "infection")
    parts: dict[str, float | int | str | bool | None] = {name: getattr(panel, name) for name in names}
    missing = [name for name in names if parts[name] is None]
    parts |= {"sites": ";".join(panel.sites), "iga_by_signs": iga_by_signs(panel), "active": _active(panel)}
    why = f"not recorded: {', '.join(missing)}" if missing else "all components are recorded"
    return _scored("nme", None, None if panel.iga is None else IGA_GRADES[panel.iga], why, parts)


def iga_by_signs(panel: NmePanel) -> int | None:
    """IGA-NME as section 9 defines it, from the signs; None where a sign it needs is not recorded.

    4: erosions over more than 30 % or confirmed infection; 3: erosion, or 10 % or more; 2: erythema with scale, or more
    than faint; 1: faint erythema; 0: clear or pigment only. Design default, not validated.
    """
    if panel.infection == "confirmed":
        return 4
    if panel.bsa is None or panel.erythema is None or panel.erosion is None or panel.crust is None:
        return None
    if panel.erosion and panel.bsa > 30:
        return 4
    if panel.erosion or (panel.bsa >= 10 and (panel.erythema or panel.crust)):
        return 3
    if panel.crust or panel.erythema > 1:
        return 2
    return 1 if panel.erythema else 0


def _active(panel: NmePanel) -> bool | None:
    if panel.mucosal:
        return True
    signs = (panel.erythema, panel.erosion, panel.crust, panel.mucosal)
    if any(signs):
        return True
    return None if None in signs else False


def _weighted(
    parts: Mapping[str, BodyPart], weights: Sequence[float], *, signs: int, most: float, step: float
) -> float:
    if parts.keys() != set(BODY_PARTS):
        raise SkinScoreError(f"body parts {', '.join(sorted(parts))}: expected {', '.join(BODY_PARTS)}")
    total = 0.0
    for name, weight in zip(BODY_PARTS, weights, strict=True):
        part = parts[name]
        if len(part.signs) != signs:
            raise SkinScoreError(f"{name}: {len(part.signs)} signs given, expected {signs}")
        for number, sign in enumerate(part.signs, 1):
            _within(f"{name} sign {number}", sign, 0, most, step=step)
        total += weight * sum(part.signs) * area_score(part.area_percent)
    # Every term is a multiple of 0.05; what a binary fraction adds behind that is not part of the score.
    return round(total, 6)


def _recorded_within(panel: NmePanel, name: str, most: float, step: float | None) -> None:
    value = getattr(panel, name)
    if value is not None:
        _within(name, value, 0, most, step=step)


def _within(name: str, value: float, least: float, most: float, *, step: float | None = None) -> None:
    if not least <= value <= most or (step is not None and value % step):
        steps = f" in steps of {step:g}" if step is not None else ""
        raise SkinScoreError(f"{name}: {value} is not between {least:g} and {most:g}{steps}")


def _up_to(bands: Sequence[tuple[float, str]], score: float) -> str:
    return next(name for limit, name in bands if score <= limit)


def _scored(
    instrument: Instrument,
    score: float | None,
    band: str | None,
    why: str,
    parts: Mapping[str, float | int | str | bool | None] | None = None,
) -> SkinScore:
    return SkinScore(
        instrument=instrument, score=score, band=band, validation=VALIDATION[instrument], why=why, parts=parts or {}
    )
