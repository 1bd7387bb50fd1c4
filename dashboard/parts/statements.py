"""What a visit says was not there, not asked or not done: the part of the form, and in words."""

from __future__ import annotations

from collections.abc import Sequence

from clinical.chart import CodedFinding
from clinical.surveillance import DueItem
from dashboard.language import _, message, tell
from dashboard.parts.entry_fields import Field, choice_field, section, shown_for, text_field
from dashboard.parts.times import Clock
from data.entry.opening import Opening
from data.entry.stated import ABOUT, NONE, NOT_ASKED, NOT_DONE, OWED, last_stated

STATEMENT_WORDS = {
    NONE: message("none"),
    NOT_ASKED: message("not asked"),
    NOT_DONE: message("not done"),
}
ITEM_WORDS = {
    "weight": message("Weight"),
    "vital-signs": message("Pulse and blood pressure"),
    "skin": message("Skin examination"),
    "skin-sites": message("Sites of the rash"),
    "stools-per-day": message("Stools per day"),
    "rescue-doses": message("Rescue doses"),
    "symptoms": message("Symptoms"),
    "injection": message("Injection"),
    "glucose": message("Glucose readings"),
    "laboratory": message("Laboratory values on paper"),
}


def item_words(item: str) -> str:
    """An item of the form, or a check the schedule owes, in words."""
    return _(ITEM_WORDS[item]) if item in ITEM_WORDS else item.removeprefix(OWED).replace("-", " ")


def stated_text(finding: CodedFinding | None, clock: Clock) -> str | None:
    """`not done 3 Mar 2026: refused`; nothing where nothing was stated."""
    if finding is None:
        return None
    said = _("{what} {date}", what=_(STATEMENT_WORDS[finding.code]), date=clock.day(finding))
    return f"{said}: {finding.why}" if finding.why else said


def stated_section(opening: Opening, clock: Clock) -> Field:
    """The part of the visit form: the checks owed first, then the items of the form."""
    said = last_stated(opening.chart)
    owed = [
        field for item in opening.owed for field in _fields(OWED + item.code, tell(item.name), (NOT_DONE,), said, clock)
    ]
    others = [
        field for name, about in ABOUT.items() for field in _fields(name, item_words(name), about.answers, said, clock)
    ]
    return section(
        "stated",
        _("None, not asked, not done"),
        [*owed, *others],
        open=False,
        note=_(
            "What is left empty is kept as not asked. What was due and not done stays due. A second click takes an "
            "answer back."
        ),
    )


def owed_stated(item: DueItem, opening: Opening, clock: Clock) -> str | None:
    """What was last stated about a check that is owed, where it is newer than the check itself."""
    found = last_stated(opening.chart).get(OWED + item.code)
    newer = found is not None and (item.last is None or found.effective > item.last.effective)
    return stated_text(found, clock) if newer else None


def _fields(
    name: str, label: str, answers: Sequence[str], said: dict[str, CodedFinding], clock: Clock
) -> tuple[Field, Field]:
    choice = f"stated.{name}"
    options = [(answer, _(STATEMENT_WORDS[answer])) for answer in answers]
    return (
        choice_field(choice, label, options, last=stated_text(said.get(name), clock)),
        shown_for(text_field(f"{choice}.why", _("Why: {what}", what=label)), choice, *answers),
    )
