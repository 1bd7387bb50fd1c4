"""Imaging: scans lesion by lesion with the reader's verdict, signed or not yet, and coded biliary ultrasounds."""

from __future__ import annotations

from collections.abc import Mapping

from data.demo.teller import Teller

ATLAS: Mapping[str, tuple[str, str, bool]] = {
    "pancreas-tail": ("tail", "pancreas", False),
    "pancreas-head": ("head", "pancreas", False),
    "uncinate": ("uncinate process", "pancreas", False),
    "liver-1": ("segment VI", "liver", False),
    "liver-2": ("segment III", "liver", False),
    "liver-3": ("segment VIII", "liver", False),
    "liver-4": ("segment II", "liver", False),
    "liver-small": ("several segments", "liver", False),
    "node-1": ("coeliac", "lymph node", True),
    "node-2": ("retroperitoneal", "lymph node", True),
    "bone-1": ("L3", "bone", False),
    "ileocaecal": ("ileocaecal", "bowel", False),
}
"""Where the lesions of the stories sit: site, organ, whether a node."""

READER = "Dr Demo-Lindqvist, radiology"


def scan(
    p: Teller,
    day: int,
    modality: str,
    *,
    targets: Mapping[str, float] | None = None,
    others: Mapping[str, str] | None = None,
    new: Mapping[str, float | str] | None = None,
    response: str | None = None,
    signed: bool = True,
) -> None:
    """One scan: target diameters in mm (short axis for nodes), states of non-targets, new lesions, overall response.

    An unsigned scan carries no reader and no overall response: it is measured and waits to be read.
    """
    rows: list[tuple[str, str, float | str]] = [(name, "target", mm) for name, mm in (targets or {}).items()]
    rows += [(name, "non-target", state) for name, state in (others or {}).items()]
    rows += [(name, "new", seen) for name, seen in (new or {}).items()]
    reader = READER if signed else None
    for name, role, seen in rows:
        site, organ, node = ATLAS[name]
        measured = not isinstance(seen, str)
        detail = {
            "lesion": name,
            "role": role,
            "modality": modality,
            "site": site,
            "organ": organ,
            "node": node,
            "diameter_tenths": round(seen * 10) if isinstance(seen, int | float) else None,
            "state": "measured" if measured else seen,
            "into": None,
            "reader": reader,
            "signed": signed,
        }
        p.fact("lesion", day, hour=11, precision="day", detail=detail)
    if response is not None and signed:
        said = {"response": response, "modality": modality, "reader": reader, "signed": True, "text": None}
        p.fact("response", day, hour=16, precision="day", detail=said)


def steady(
    p: Teller,
    days: tuple[int, ...],
    targets: Mapping[str, float],
    *,
    modality: str = "CT",
    others: Mapping[str, str] | None = None,
) -> None:
    """Scans of stable disease: the same targets within 3 % of their size at each of `days`, SD after the first."""
    for number, day in enumerate(days):
        seen = {name: round(mm * p.rng.uniform(0.97, 1.03), 1) for name, mm in targets.items()}
        scan(p, day, modality, targets=seen, others=others, response=None if number == 0 else "SD")


def clear_scans(p: Teller, days: tuple[int, ...], *, modality: str = "CT") -> None:
    """Scans after a complete resection, each read and signed as showing no disease."""
    for day in days:
        scan(p, day, modality, response="NED")


def ultrasound(p: Teller, day: int, **found: object) -> None:
    """A biliary ultrasound with coded findings; what is not named in `found` is normal and was looked at."""
    detail: dict[str, object] = {
        "stones": "none",
        "sludge": False,
        "wall_mm": round(p.rng.uniform(1.8, 2.8), 1),
        "cbd_mm": round(p.rng.uniform(3.2, 5.2), 1),
        "murphy": False,
        "fluid": False,
        "max_mm": None,
        "cbd_stone": False,
        "gallbladder": "in-situ",
    }
    p.fact("biliary", day, hour=9, detail={**detail, **found})


def ultrasounds(p: Teller, first: int, last: int, *, every: int = 182, **found: object) -> None:
    """Regular biliary ultrasounds with the same findings."""
    for day in range(first, last + 1, every):
        ultrasound(p, min(day + p.rng.randint(-5, 5), -1), **found)
