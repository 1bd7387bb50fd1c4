"""What a workbook's cells may be in the columns of a sheet: what text cannot say is held, never guessed."""

from __future__ import annotations

from data.intake.item import Held

DATES = frozenset({"when", "scan_date", "planned_next"})
NUMBERED = frozenset({"mrn", "id"})
# A double keeps fifteen digits; what a longer number was, the workbook no longer knows.
_DIGITS_KEPT = 15
_PLAIN = ("", "s")


def refusal(name: str, kind: str, text: str) -> Held | None:
    """Why a cell of a column that Nadir reads cannot be taken; None for text, number or date in place."""
    if name == "note" or kind in _PLAIN:
        return None
    if kind == "f":
        return Held(f"{name} is the formula {text[:40]!r}, and no formula is evaluated", "paste it as a value")
    if kind == "b":
        return Held(f"{name} is the boolean {text}", "write it as text or as 0 or 1")
    if kind == "e":
        return Held(f"{name} is the error {text}", "mend the cell")
    if kind == "n" and name in DATES:
        return Held(f"{name} is the bare number {text}, which could be a date of two systems", "format it as a date")
    if kind == "d" and name not in DATES:
        return Held(f"{name} is a date ({text}) where none belongs", "format the column as text and type it again")
    if kind == "n" and name in NUMBERED and (len(text) > _DIGITS_KEPT or "e" in text):
        return Held(f"{name} is a number of more than {_DIGITS_KEPT} digits", "format the column as text")
    return None
