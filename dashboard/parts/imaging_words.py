"""What a scan comes to, in words: sums, changes and the response with its reasons, from the assessment of the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from clinical.chart import Lesion
from clinical.growth import a_year
from clinical.recist import VisitAssessment, change_tenths
from clinical.wording import number, percent
from dashboard.language import _, marked, message, tell
from dashboard.parts.times import day_text
from data.entry.imaging import Computed
from data.entry.imaging_save import Reckoned
from data.entry.reader import RECEPTORS

LETTERS = {
    "CR": message("complete response"),
    "PR": message("partial response"),
    "SD": message("stable disease"),
    "PD": message("progression"),
    "NE": message("not evaluable"),
    "NED": message("no evidence of disease"),
    "non-CR/non-PD": message("neither complete response nor progression"),
    "recurrence": message("recurrence"),
    "equivocal": message("equivocal: image again"),
    "baseline": message("baseline scan"),
    RECEPTORS: message("receptor imaging: RECIST does not apply"),
}
SHORT = {"recurrence": message("recurrence"), "equivocal": message("equivocal"), "baseline": message("baseline")}
NEW = {"no": message("none"), "equivocal": message("equivocal"), "yes": message("unequivocal")}
TARGET_REASONS = {
    "CR": message("Every target lesion is gone, every target node is below 10 mm."),
    "PR": message("The sum is at least 30 % below the baseline."),
    "SD": message("The sum is less than 30 % below the baseline, and not both 20 % and 5 mm above the nadir."),
    "PD": message("The sum is at least 20 % and 5 mm above the nadir."),
    "NE": message("Not every target lesion was read."),
}
NON_TARGET_REASONS = {
    "CR": message("Every non-target lesion is gone, every node is below 10 mm."),
    "non-CR/non-PD": message("Non-target lesions are left, none has progressed unequivocally."),
    "PD": message("A non-target lesion has progressed unequivocally."),
    "NE": message("Not every non-target lesion was read."),
}
REGROWING = "regrowing"


def reckoned_words(found: Reckoned) -> dict[str, Any]:
    """The answer to a form that is being typed: letters, sums, parts, reasons, what is still to be entered."""
    computed = found.computed
    visit = computed.visits[-1] if computed.visits else None
    return {
        "letters": _short(computed.letters),
        "words": _words(computed.letters),
        "sums": [] if visit is None else list(_sums(computed.visits)),
        "parts": [] if visit is None else list(_parts(visit)),
        "reasons": [*_first(found), *_reasons(computed, visit)],
        "changes": {row.record.removeprefix("new:"): words for row, words in _changes(found)},
        "problems": [
            {"field": p.field, "why": tell(p.why)} for p in found.problems if p.field.startswith(("lesion.", "new."))
        ],
    }


def letters_words(letters: str | None) -> str:
    """`PR: partial response`; that nothing is computed where nothing is."""
    short, words = _short(letters), _words(letters)
    return words if short in ("", words) else f"{short}: {words}"


def change_words(total: float, other: float | None) -> str:
    """The change of a length against another, `+20.0 %`, cut off and not rounded; against nothing, that it has none."""
    change = None if other is None else change_tenths(round(total * 10), round(other * 10))
    return _("from zero") if change is None else marked(f"{change / 10:+.1f} %")


def _short(letters: str | None) -> str:
    if letters is None or letters == RECEPTORS:
        return ""
    return _(SHORT[letters]) if letters in SHORT else letters


def _words(letters: str | None) -> str:
    return _("nothing to compute yet") if letters is None else _(LETTERS[letters])


def _mm(value: float) -> str:
    return marked(f"{number(value)} mm")


def _sums(visits: Sequence[VisitAssessment]) -> Iterator[dict[str, str]]:
    """The sum, and what it is held against; a sum of some of the lesions only is held against nothing."""
    visit, earlier = visits[-1], visits[:-1]
    total = visit.sum_mm
    if total is None:
        return
    whole = visit.target != "NE"
    name = _("Sum of target lesions") if whole else _("Sum of the target lesions that were read")
    yield {"name": name, "value": _mm(total), "change": ""}
    if visit.baseline is not None:
        yield {
            "name": _("Baseline, {date}", date=_date_of(_first_with(earlier, visit.baseline))),
            "value": _mm(visit.baseline),
            "change": change_words(total, visit.baseline) if whole else "",
        }
    if visit.nadir is not None:
        apart = marked(f"{total - visit.nadir:+.1f} mm")
        yield {
            "name": _("Nadir, {date}", date=_date_of(_first_with(earlier, visit.nadir))),
            "value": _mm(visit.nadir),
            "change": f"{change_words(total, visit.nadir)} ({apart}{_pace(visit, earlier)})" if whole else "",
        }


def _pace(visit: VisitAssessment, earlier: Sequence[VisitAssessment]) -> str:
    """The growth since the nadir as the same growth a year: RECIST is insensitive for slow growth (reference 5.2)."""
    total, nadir = visit.sum_mm or 0.0, visit.nadir or 0.0
    since = _first_with(earlier, nadir)
    days = 0 if since is None else (visit.scan_date - since).days
    if not nadir or total <= nadir or days < 1:
        return ""
    return ", " + _("{percent} a year", percent=marked(percent(a_year(total / nadir - 1, days))))


def _first_with(visits: Sequence[VisitAssessment], total: float) -> date | None:
    return next((v.scan_date for v in visits if v.sum_mm == total), None)


def _date_of(day: date | None) -> str:
    return _("not recorded") if day is None else day_text(day)


def _parts(visit: VisitAssessment) -> Iterator[dict[str, str]]:
    if visit.target is not None:
        yield {"name": _("Target lesions"), "value": visit.target}
    if visit.non_target is not None:
        yield {"name": _("Non-target lesions"), "value": visit.non_target}
    yield {"name": _("New lesions"), "value": _(NEW[visit.new])}


def _first(found: Reckoned) -> Iterator[str]:
    if {problem.field for problem in found.problems} & {"when", "study.modality"}:
        yield _("Say first when the scan was made and what kind it was.")


def _reasons(computed: Computed, visit: VisitAssessment | None) -> Iterator[str]:
    if visit is None:
        if computed.letters == "NED":
            yield _("No lesion is followed and none is entered. RECIST does not apply to surveillance.")
    else:
        yield from _reasons_of(visit, computed.letters)
    if computed.untold and computed.scan is not None and not computed.receptor:
        names = ", ".join(computed.untold)
        yield _("Still to enter: {names}. What is not entered is not evaluated.", names=names)


def _reasons_of(visit: VisitAssessment, letters: str | None) -> Iterator[str]:
    if visit.target is not None:
        yield _(TARGET_REASONS[visit.target])
    if visit.target == "PD" and REGROWING in visit.reason:
        yield _("A node below 15 mm is regrowing.")
    if visit.non_target is not None:
        yield _(NON_TARGET_REASONS[visit.non_target])
    if visit.new == "yes":
        yield _("A new lesion is unequivocal.")
    elif visit.new == "equivocal":
        yield _("A new lesion is equivocal: image again; if it is confirmed, progression dates from this scan.")
    if letters == "recurrence":
        yield _("Tumour is seen in a patient without evidence of disease.")
    if letters == "baseline":
        yield _("Every later scan is held against this one.")


def _changes(found: Reckoned) -> Iterator[tuple[Lesion, str]]:
    scan = found.computed.scan
    before = {r.lesion: r for r in found.chart.lesions if r.diameter_tenths is not None}
    for row in scan.lesions if scan is not None else ():
        last = before.get(row.lesion)
        if row.record.startswith("new:") and row.diameter_tenths is not None and last is not None:
            change = change_words(row.diameter_tenths / 10, (last.diameter_tenths or 0) / 10)
            yield row, _("{change} since {date}", change=change, date=day_text(last.effective))
