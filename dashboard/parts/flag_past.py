"""Similar past flags: what was decided about them, and what the record holds of the time after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from clinical.change import Sample
from clinical.chart import SkinAssessment
from clinical.followed import Followed
from dashboard.language import _, counted, tell
from dashboard.parts.badges import SEVERITY_WORDS, STATUS_WORDS, status
from dashboard.parts.coded import coded
from dashboard.parts.decision_words import decision_text
from dashboard.parts.entry_links import regimen_address
from dashboard.parts.plotted.therapy import regimen_text
from dashboard.parts.quantities import number, quantity
from dashboard.parts.times import Clock, day_text, moment_text
from data.past_flags import PastDecision, PastFlag

SHOWN = 6


def past_section(past: Sequence[PastFlag], mrn: str, clock: Clock) -> list[Component]:
    """The most similar ones first; how many more there are is said."""
    if not past:
        return [html.P(_("No earlier flag on this axis was closed or decided."), className="soft")]
    parts: list[Component] = [_flag(one, mrn, clock) for one in past[:SHOWN]]
    if len(past) > SHOWN:
        rest = len(past) - SHOWN
        parts.append(html.P(counted("{n} more is not shown.", "{n} more are not shown.", rest), className="soft"))
    return parts


def _flag(past: PastFlag, mrn: str, clock: Clock) -> Component:
    flag = past.flag
    opened = day_text(datetime.fromisoformat(flag["opened_at"]).astimezone(clock.zone))
    head = html.P(
        [
            dcc.Link(tell(flag["title"]), href=f"/flag/{flag['id']}"),
            html.Span(_("{rule}, opened {date}", rule=flag["rule"], date=opened), className="soft small"),
            status(flag["status"]),
        ],
        className="past-head",
    )
    if not past.decisions:
        return html.Div([head, html.P(_("Closed without a recorded decision."), className="soft")], className="past")
    return html.Div([head, *(_decision(one, mrn, clock) for one in past.decisions)], className="past")


def _decision(one: PastDecision, mrn: str, clock: Clock) -> Component:
    decision, sequel = one.decision, one.followed
    until = day_text(sequel.until.astimezone(clock.zone))
    facts = [
        (_("Marker"), _marker(sequel, clock)),
        (_("Skin"), _skin(sequel, clock)),
        (_("Side effects"), _side_effects(one, clock)),
        *([(_("Regimen"), _regimen(one, mrn, clock))] if one.entered is not None else []),
    ]
    return html.Div(
        [
            html.P(
                [
                    html.Strong(decision_text(decision)),
                    html.Span(
                        _("{person}, {at}", person=decision["name"], at=moment_text(decision["at"], clock.zone)),
                        className="soft small",
                    ),
                ],
                className="past-head",
            ),
            html.P(decision["rationale"]),
            html.P(_("What is recorded from then to {date}:", date=until), className="soft small"),
            html.Dl([html.Div([html.Dt(name), html.Dd(said)]) for name, said in facts], className="sequel"),
        ],
        className="past-decision",
    )


def _marker(sequel: Followed, clock: Clock) -> str:
    before, after = sequel.marker_before, sequel.marker_after
    if after is None:
        return _("not measured since; before: {value}", value=_sample(before, clock))
    said = counted(
        "{before} → {after}, {n} sample since",
        "{before} → {after}, {n} samples since",
        sequel.samples,
        before=_sample(before, clock),
        after=_sample(after, clock),
    )
    return f"{said}; {_('another laboratory or method: not comparable')}" if sequel.other_assay else said


def _sample(sample: Sample | None, clock: Clock) -> str:
    if sample is None:
        return _("never measured")
    result = sample.result
    said = f"{quantity(result.value, result.unit, result.comparator)} ({clock.day(result)})"
    return f"{said}, {_('not valid')}" if sample.invalid_because else said


def _skin(sequel: Followed, clock: Clock) -> str:
    before, after = sequel.skin_before, sequel.skin_after
    if after is None:
        return _("not assessed since; before: {value}", value=_look(before, clock))
    return counted(
        "{before} → {after}, {n} assessment since",
        "{before} → {after}, {n} assessments since",
        sequel.looks,
        before=_look(before, clock),
        after=_look(after, clock),
    )


def _look(look: SkinAssessment | None, clock: Clock) -> str:
    if look is None:
        return _("never assessed")
    scored = [] if look.iga is None else [f"IGA {look.iga}"]
    surface = [] if look.bsa is None else [_("body surface {number} %", number=number(look.bsa))]
    said = ", ".join((*scored, *surface, *([coded(look.overall)] if look.overall else [])))
    return f"{said or _('no word recorded')} ({clock.day(look)})"


def _side_effects(one: PastDecision, clock: Clock) -> str:
    symptoms = [f"{coded(name)} ({n}×)" for name, n in one.followed.symptoms]
    flags = [_side_flag(flag, clock) for flag in one.side_flags]
    return "; ".join((*flags, *symptoms)) or _("nothing recorded, which does not mean none")


def _side_flag(flag: Mapping[str, Any], clock: Clock) -> str:
    opened = day_text(datetime.fromisoformat(flag["opened_at"]).astimezone(clock.zone))
    words = (_(SEVERITY_WORDS[flag["severity"]]).lower(), opened, _(STATUS_WORDS[flag["status"]]).lower())
    return f"{tell(flag['title'])} ({', '.join(words)})"


def _regimen(one: PastDecision, mrn: str, clock: Clock) -> list[str | Component]:
    if not one.entered:
        return [_("no change of the analogue is entered since") + ". ", _enter(mrn)]
    steps = [
        _(
            "{what} from {date}",
            what=_("stopped") if s.drug is None else regimen_text(s.drug, s.dose, s.unit, s.interval_days),
            date=clock.day(s.entry),
        )
        for s in one.followed.steps
    ]
    return [_("entered: {steps}", steps="; ".join(steps))]


def _enter(mrn: str) -> Component:
    return dcc.Link(_("Enter a change of the regimen"), href=regimen_address(mrn))
