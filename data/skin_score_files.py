"""Rows of `nadir score skin`: one instrument a row, read and scored, or refused with row and cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import cast

from clinical.skin_scores import (
    BODY_PARTS,
    BSA_REGIONS,
    DLQI_ITEMS,
    SCORAD_SIGNS,
    BodyPart,
    Instrument,
    NmePanel,
    SkinScore,
    body_surface,
    dlqi,
    easi,
    iga,
    nme,
    pasi,
    scorad,
    unscored,
)
from data.intake.coded import Fields, choice, decimal, skin_detail, text, whole
from data.intake.item import Held
from data.score_files import named, read_row, rows

_EASI_SIGNS = ("erythema", "edema_papulation", "excoriation", "lichenification")
_PASI_SIGNS = ("erythema", "induration", "desquamation")
_AGES = frozenset({"under 8", "8 or over"})
_SCORAD_SIGNS = tuple(f"b{number}" for number in range(1, SCORAD_SIGNS + 1))


def skin_scores(path: Path) -> list[tuple[str, SkinScore]]:
    """The scores of `score skin`: `id, instrument` and the columns of the instrument; one that is not recorded leaves
    the score open. Raises BadInput, also for an entry outside its scale.

    bsa: a column per region of the rule of nines, per cent involved. easi, pasi: `head_`, `upper_`, `trunk_`, `lower_`
    with the signs and `area_percent`; easi `age` (under 8, 8 or over). iga: `iga`. nme: the columns of csv-skin.
    scorad: `extent_A_percent, B1..B6, pruritus, sleep_loss`. dlqi: `q1..q10`.
    """
    return [read_row(where, _skin_score, row) for where, row in rows(path, "id", "instrument")]


def _skin_score(row: Fields) -> tuple[str, SkinScore]:
    said = row["instrument"].strip().casefold()
    if said not in _INSTRUMENTS:
        raise Held(f"instrument {said!r} is not one of {', '.join(_INSTRUMENTS)}")
    return named(row), _INSTRUMENTS[cast(Instrument, said)](row)


def _bsa(row: Fields) -> SkinScore:
    missing = [region for region in BSA_REGIONS if text(row, region) is None]
    return unscored("bsa", missing) if missing else body_surface({r: _number(row, r, 100) for r in BSA_REGIONS})


def _easi(row: Fields) -> SkinScore:
    parts, missing = _parts(row, _EASI_SIGNS, 3)
    return unscored("easi", missing) if missing else easi(parts, under_8=choice(row, "age", _AGES) == "under 8")


def _pasi(row: Fields) -> SkinScore:
    parts, missing = _parts(row, _PASI_SIGNS, 4)
    return unscored("pasi", missing) if missing else pasi(parts)


def _parts(row: Fields, signs: tuple[str, ...], most: int) -> tuple[dict[str, BodyPart], list[str]]:
    cells = [f"{part}_{cell}" for part in BODY_PARTS for cell in (*signs, "area_percent")]
    missing = [cell for cell in cells if text(row, cell) is None]
    if missing:
        return {}, missing
    return {
        part: BodyPart(
            signs=tuple(_number(row, f"{part}_{sign}", most) for sign in signs),
            area_percent=_number(row, f"{part}_area_percent", 100),
        )
        for part in BODY_PARTS
    }, []


def _iga(row: Fields) -> SkinScore:
    grade = whole(row, "iga", 4)
    return unscored("iga", ["iga"]) if grade is None else iga(grade)


def _nme(row: Fields) -> SkinScore:
    detail = skin_detail(row)
    panel = {name: detail[name] for name in (f.name for f in fields(NmePanel)) if name in detail}
    return nme(NmePanel(**{**panel, "sites": tuple(panel.get("sites", ()))}))


def _scorad(row: Fields) -> SkinScore:
    others = ("extent_a_percent", "pruritus", "sleep_loss")
    missing = [cell for cell in (*_SCORAD_SIGNS, *others) if text(row, cell) is None]
    if missing:
        return unscored("scorad", missing)
    extent, itch, sleep_loss = (_number(row, cell, 100) for cell in others)
    signs = [sign for cell in _SCORAD_SIGNS if (sign := whole(row, cell, 3)) is not None]
    return scorad(extent, signs, itch=itch, sleep_loss=sleep_loss)


def _dlqi(row: Fields) -> SkinScore:
    return dlqi([whole(row, f"q{number}", 3) for number in range(1, DLQI_ITEMS + 1)])


def _number(row: Fields, name: str, most: int) -> float:
    value = decimal(row, name, most)
    if value is None:
        raise Held(f"{name} is empty")
    return value


_INSTRUMENTS: Mapping[Instrument, Callable[[Fields], SkinScore]] = {
    "bsa": _bsa,
    "easi": _easi,
    "iga": _iga,
    "nme": _nme,
    "pasi": _pasi,
    "scorad": _scorad,
    "dlqi": _dlqi,
}
