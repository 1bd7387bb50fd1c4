"""The regimen form of one patient as data: what was decided, from when, why and by whom. It fills in no dose."""

from __future__ import annotations

from typing import Any

from clinical.therapy import other_drugs
from dashboard.language import _, message
from dashboard.parts.coded import drug_name
from dashboard.parts.entry_fields import Field, choice_field, number_field, section, select_field, shown_for, text_field
from dashboard.parts.entry_page import entry_head
from dashboard.parts.times import Clock
from dashboard.parts.visit_form import DRUGS
from data.entry.opening import Opening

ANALOGUE_WORDS = (
    ("start", message("Start")),
    ("switch", message("Switch to another")),
    ("dose", message("Change the dose")),
    ("interval", message("Change the interval")),
    ("date", message("Move the next injection")),
    ("stop", message("Stop")),
)
OTHER_WORDS = (("start", message("Start")), ("dose", message("Change the dose")), ("stop", message("Stop")))
ROUTES = ("deep SC", "IM", "SC", "PO", "IV")
UNITS = (("mg", "mg"), ("ug", "µg"), ("g", "g"), ("mL", "mL"), ("[IU]", "IU"))


def regimen_form(opening: Opening, clock: Clock) -> dict[str, Any]:
    """Everything assets/entry-whole.js needs to build the form."""
    head = entry_head(opening, clock)
    return {
        **head,
        "form": "therapy",
        "save": _("Save the decision for {name} ({mrn})", name=head["name"], mrn=head["mrn"]),
        "when": text_field("when", _("In force from"), type="date"),
        "now": clock.now.astimezone(clock.zone).strftime("%Y-%m-%d"),
        "zone": clock.zone.key,
        "parts": {},
        "analytes": {},
        "habits": [],
        "planned": None,
        "sections": [_decision(), _analogue(), _other()],
    }


def _decision() -> Field:
    return section(
        "decision",
        _("Whose decision"),
        [text_field("decided_by", _("Decided by"), hint=_("the clinician's name"))],
        note=_("Nadir records what a clinician decided and never proposes a dose."),
    )


def _analogue() -> Field:
    what = "analogue.what"
    new, dosed = ("start", "switch"), ("start", "switch", "dose")
    return section(
        "analogue",
        _("Somatostatin analogue"),
        [
            choice_field(what, _("What was decided"), [(value, _(words)) for value, words in ANALOGUE_WORDS]),
            shown_for(
                select_field("analogue.drug", _("Drug"), [(drug, _(words)) for drug, words in DRUGS]),
                what,
                *new,
                "stop",
            ),
            shown_for(number_field("analogue.dose", _("Dose")), what, *dosed),
            shown_for(select_field("analogue.unit", _("Unit of the dose"), UNITS[:2]), what, *dosed),
            shown_for(number_field("analogue.interval_days", _("Interval, days")), what, *new, "interval"),
            shown_for(select_field("analogue.route", _("Route"), [(r, r) for r in ROUTES]), what, *new),
            shown_for(
                text_field(
                    "analogue.planned_next", _("Next injection on"), type="date", hint=_("empty: by the interval")
                ),
                what,
                *new,
                *("dose", "interval", "date"),
            ),
            shown_for(text_field("analogue.reason", _("Reason")), what, *(value for value, _words in ANALOGUE_WORDS)),
        ],
    )


def _other() -> Field:
    what = "other.what"
    every = tuple(value for value, _words in OTHER_WORDS)
    drugs = sorted(((drug, drug_name(drug)) for drug in other_drugs()), key=lambda pair: pair[1].casefold())
    return section(
        "other",
        _("Other therapy"),
        [
            choice_field(what, _("What was decided"), [(value, _(words)) for value, words in OTHER_WORDS]),
            shown_for(select_field("other.drug", _("Drug"), drugs), what, *every),
            shown_for(number_field("other.dose", _("Dose")), what, "start", "dose"),
            shown_for(select_field("other.unit", _("Unit of the dose"), UNITS), what, "start", "dose"),
            shown_for(number_field("other.interval_days", _("Interval, days")), what, "start"),
            shown_for(select_field("other.route", _("Route"), [(r, r) for r in ROUTES]), what, "start"),
            shown_for(text_field("other.reason", _("Reason")), what, *every),
        ],
        open=False,
    )
