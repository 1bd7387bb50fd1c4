"""The lesions of one scan as they are typed: those that are known, those that are added, what split and what merged.

Every row becomes a record as `csv-lesions` would bring it. A known lesion keeps its role, organ and site; a row in
which nothing stands says nothing of its lesion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, Final

from clinical.entry_checks import Doubt
from clinical.lesion_checks import MOST, Chosen, choice_doubts, target_doubts
from clinical.lesion_table import KnownLesion, LesionTable
from clinical.saying import Day, say
from data.entry.lengths import length_in, typed_length
from data.entry.said import Reading
from data.intake.coded import lesion_detail, sized
from data.intake.item import Held, Item
from data.intake.moments import Moment

STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "target": ("too-small", "absent", "not-evaluable", "split", "merged", "present"),
    "non-target": ("present", "unequivocal-progression", "too-small", "absent", "not-evaluable"),
    "new": ("present", "equivocal", "too-small", "absent", "not-evaluable"),
}
"""What may be said of a known lesion beside its size. `present` of a target: seen on a scan of receptors."""
ADDED: Final = ("target", "non-target", "new", "equivocal")
SIZED: Final = frozenset({"", "present", "equivocal", "too-small", "unequivocal-progression"})
MOST_PARTS: Final = 6
SHORTEST_REASON: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRead:
    """What every lesion row of one scan has in common; `receptor`: it shows receptors and no sizes."""

    at: Moment
    modality: str
    reader: str | None
    signed: bool
    receptor: bool


@dataclass(slots=True)
class _Rows:
    """The rows while they are read: by lesion name the field in which it stands, the lesions that have a length, and
    what was chosen as a target."""

    places: dict[str, str] = field(default_factory=dict)
    long: set[str] = field(default_factory=set)
    merged: list[tuple[str, str, str]] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)


def read_lesions(reading: Reading, table: LesionTable, scan: ScanRead) -> tuple[str, ...]:
    """Read every lesion into `reading`; the names of the known lesions of which nothing was said."""
    rows = _Rows()
    for row in reading.rows("lesion"):
        _held(reading, row, partial(_known_row, reading, table, scan, rows, row))
    for row in reading.rows("new"):
        _held(reading, row, partial(_added_row, reading, table, scan, rows, row))
    for place, name, into in rows.merged:
        if into not in rows.long:
            why = say("{name} merged with {into}, and {into} is not measured here", name=name, into=into)
            reading.refuse(f"{place}.into", Held(why, say("give {into} the size of both together", into=into)))
    for doubt in choice_doubts(rows.chosen, reading.protocol):
        reading.ask("new.1.role", str(len(rows.chosen)), doubt, say("Target lesions: {doubt}.", doubt=doubt.words))
    return tuple(lesion.name for lesion in table.lesions if lesion.name not in rows.places)


def ask_untold(reading: Reading, names: Iterable[str], at: Moment) -> None:
    """Ask whether the lesions nothing was said of are to stay not evaluated on this scan."""
    told = ", ".join(names)
    if told:
        words = say("Nothing is entered for {names}: not evaluated on this scan.", names=told)
        reading.ask("lesions", f"{at.text} {told}", Doubt("change", words), words)


def default_name(organ: str, node: bool, taken: Iterable[str]) -> str:
    """A name for a lesion that was given none: its organ and the next free number."""
    base = "node" if node else "-".join(organ.casefold().split())
    used = set(taken)
    return next(name for number in range(1, 1_000) if (name := f"{base}-{number}") not in used)


def _held(reading: Reading, row: str, read: Callable[[], None]) -> None:
    try:
        read()
    except _At as found:
        reading.refuse(f"{row}.{found.at}", found.held)
    except Held as held:
        reading.refuse(f"{row}.mm", held)


class _At(Exception):
    """A refusal that belongs to one field of a row."""

    def __init__(self, at: str, why: str, suggestion: str | None = None) -> None:
        super().__init__(str(why))
        self.at, self.held = at, Held(why, suggestion)


def _known_row(reading: Reading, table: LesionTable, scan: ScanRead, rows: _Rows, row: str) -> None:
    said = reading.below(row)
    if not said.keys() - {"name"}:
        return
    known = table.named(said.get("name", ""))
    if known is None:
        raise _At("name", say("this lesion is not among those that are followed"), say("reload the page"))
    _take(rows, row, known.name)
    state = said.get("state", "")
    if state and state not in STATES[known.role]:
        raise _At("state", say("this cannot be said of this lesion"))
    _refuse_strays(said, state)
    size = _size(reading, row, said, state, known)
    if state == "split":
        _split(reading, scan, rows, row, known)
        return
    if state == "merged":
        into = said.get("into", "")
        if not into or into == known.name:
            raise _At("into", say("say with which lesion it merged"))
        rows.merged.append((row, known.name, into))
        _store(reading, scan, row, _kept(known, state=state, into=into), None)
        return
    if not state and size is None:
        raise _At("mm", say("enter the size, or say what was seen"))
    if state == "present" and known.role == "target" and not scan.receptor:
        raise _At("state", say("a target lesion is measured"), say("enter its size"))
    if size is not None or state == "too-small":
        rows.long.add(known.name)
    seen = _kept(known, state=state or "measured", note=said.get("reason", ""))
    _store(reading, scan, row, seen, size)


def _refuse_strays(said: Mapping[str, str], state: str) -> None:
    """A field that belongs to another answer than the one that was given is never left out silently."""
    for name, belongs in (("reason", "not-evaluable"), ("parts", "split"), ("into", "merged")):
        if name in said and state != belongs:
            raise _At(name, say("this belongs to another answer than the one chosen"), say("empty it"))
    if unknown := sorted(said.keys() - {"name", "mm", "state", "reason", "parts", "into"}):
        raise _At(unknown[0], say("the form has no such field"))
    if state == "not-evaluable" and len(said.get("reason", "")) < SHORTEST_REASON:
        raise _At("reason", say("say why it could not be evaluated"))


def _size(reading: Reading, row: str, said: Mapping[str, str], state: str, known: KnownLesion) -> Decimal | None:
    if "mm" not in said:
        return None
    if state not in SIZED:
        raise _At("mm", say("a size and this answer cannot both be"), say("empty one of the two"))
    last = None
    if known.measured is not None and known.measured.diameter_tenths is not None:
        last = (known.measured.diameter_tenths, known.measured.effective.date().isoformat())
    return length_in(reading, f"{row}.mm", known.name, last)


def _split(reading: Reading, scan: ScanRead, rows: _Rows, row: str, known: KnownLesion) -> None:
    texts = [part.strip() for part in reading.text(f"{row}.parts").replace(";", "+").split("+")]
    if not 2 <= len(texts) <= MOST_PARTS:
        raise _At("parts", say("write the sizes of 2 to {most} parts: 12.5 + 8", most=MOST_PARTS))
    try:
        sizes = [typed_length(text, reading.protocol[MOST["lesion"]]) for text in texts]
    except Held as held:
        raise _At("parts", held.said[0]) from held
    names = [f"{known.name}{letter}" for letter in "abcdefghij"[: len(sizes)]]
    _store(reading, scan, row, _kept(known, state="split", into=";".join(names)), None)
    for number, (name, size) in enumerate(zip(names, sizes, strict=True), start=1):
        _take(rows, row, name)
        _store(reading, scan, row, _kept(known, lesion=name), size, place=f"{row}.parts.{number}")


def _added_row(reading: Reading, table: LesionTable, scan: ScanRead, rows: _Rows, row: str) -> None:
    said = reading.below(row)
    if not said.keys() - {"node", "role"}:
        return
    _check_added(said, table, scan)
    role, node, organ = said["role"], said.get("node") == "yes", said.get("organ", "")
    taken = [*rows.places, *(lesion.name for lesion in table.lesions)]
    name = said.get("name") or default_name(organ, node, taken)
    if table.named(name) is not None:
        raise _At("name", say("{name} stands in the table above", name=name))
    _take(rows, row, name)
    size = length_in(reading, f"{row}.mm", name, None) if "mm" in said else None
    if size is not None:
        rows.long.add(name)
    if role == "target":
        if size is None:
            raise _At("mm", say("a target lesion is measured"), say("enter its size"))
        _choose(reading, rows, row, Chosen(name=name, organ=organ or None, node=node, tenths=round(size * 10)))
    state = "equivocal" if role == "equivocal" else "present" if size is None else "measured"
    sent = {"lesion": name, "role": "new" if role == "equivocal" else role, "organ": organ, "state": state}
    _store(reading, scan, row, {**sent, "site": said.get("site", ""), "node": "1" if node else "0"}, size)


def _check_added(said: Mapping[str, str], table: LesionTable, scan: ScanRead) -> None:
    if unknown := sorted(said.keys() - {"name", "organ", "site", "node", "role", "mm"}):
        raise _At(unknown[0], say("the form has no such field"))
    if said.get("role") not in ADDED:
        raise _At("role", say("say what kind of lesion it is"))
    if said.get("node", "no") not in ("yes", "no"):
        raise _At("node", say("say whether it is a lymph node"))
    after = table.baseline is not None and scan.at.at.date() > table.baseline
    if said["role"] in ("target", "non-target") and after:
        day = Day(str(table.baseline))
        raise _At("role", say("a lesion first seen after the baseline of {day} is a new lesion", day=day))
    if not said.get("name") and not said.get("organ") and said.get("node") != "yes":
        raise _At("organ", say("name the lesion, or say in which organ it lies"))


def _choose(reading: Reading, rows: _Rows, row: str, chosen: Chosen) -> None:
    rows.chosen.append(chosen)
    for doubt in target_doubts(chosen, reading.protocol):
        words = say("{name} as a target: {doubt}.", name=chosen.name, doubt=doubt.words)
        reading.ask(f"{row}.role", str(chosen.tenths), doubt, words)


def _take(rows: _Rows, row: str, name: str) -> None:
    if name in rows.places:
        raise _At("name", say("{name} stands twice", name=name))
    rows.places[name] = row


def _kept(known: KnownLesion, **said: str) -> dict[str, str]:
    """A known lesion keeps what it is; `said` is what this scan says of it."""
    kept = {"lesion": known.name, "role": known.role, "organ": known.organ or "", "site": known.site or ""}
    return {**kept, "node": "1" if known.node else "0", "state": "measured", **said}


def _store(
    reading: Reading,
    scan: ScanRead,
    row: str,
    sent: Mapping[str, str],
    size: Decimal | None,
    *,
    place: str | None = None,
) -> None:
    detail = lesion_detail(
        {
            **sent,
            "diameter_mm": "" if size is None else str(size),
            "modality": scan.modality,
            "reader": scan.reader or "",
            "signed": "1" if scan.signed else "0",
        }
    )
    columns: dict[str, Any] = sized(detail)
    item = Item(
        patient_id=reading.patient_id,
        kind="lesion",
        analyte="lesion",
        effective_at=scan.at.at,
        effective_text=scan.at.text,
        precision=scan.at.precision,
        place=place or row,
        detail=detail,
        **columns,
    )
    reading.add(item, f"{row}.mm")
