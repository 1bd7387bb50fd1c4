"""Rules of the skin axis: skin that is worse while disease is stable (R11), and worse skin that still needs its causes
looked for (R12). The two never fire together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clinical.change import marker_course
from clinical.chart import Chart, Entry, SkinAssessment
from clinical.evidence import evidence, used
from clinical.finding import ComparedWith, Finding, Severity
from clinical.imaging import scans, shows_progression
from clinical.nutrition import Inquiry, nutrients_beside
from clinical.protocol import Protocol
from clinical.rules.registry import rule
from clinical.saying import chained, say
from clinical.skin import SkinWorse, skin_worse
from clinical.therapy import RASH_DRUGS, Regimen, regimen_at
from clinical.wording import day, days_between, listed, number

_CONFIRM = ("skin_iga_step", "skin_iga_least", "skin_bsa_points", "skin_bsa_relative")
_WINDOWS = ("skin_glucagon_window", "skin_imaging_window", "skin_nutrient_window")
_RELAPSE_QUESTION = say("Skin recurrence with stable disease and markers: review SSA dose/interval; nutrient cause?")
_ORDER_QUESTION = say("Order zinc, amino acids, albumin, swab or biopsy?")


@rule(
    "R11",
    version="1",
    axis="skin",
    severities=("high", "medium"),
    trigger="Skin confirmed worse on an analogue, with a valid glucagon of the last 90 days and no rise, a scan of the "
    "last 180 days without progression, and zinc, albumin, amino or essential fatty acids, infection and new drugs "
    "recorded within 60 days and none of them a cause; high when the IGA is 4",
    question=_RELAPSE_QUESTION,
    thresholds=(*_CONFIRM, "skin_confirm_earliest", "skin_confirm_latest", *_WINDOWS, "skin_severe_iga"),
)
def skin_recurrence(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """The skin relapses while the disease is stable: the analogue, or a nutrient?"""
    skin = skin_worse(chart, protocol)
    if skin is None or skin.confirmed_by is None:
        return
    stable = _stability(chart, skin, protocol)
    if stable.open or stable.regimen is None:
        return
    severe = (skin.worst_iga or 0) >= protocol["skin_severe_iga"]
    yield _skin_finding(
        skin,
        protocol,
        rule_id="R11",
        severity="high" if severe else "medium",
        title=say("Skin recurrence with stable disease"),
        question=_RELAPSE_QUESTION,
        context=say("on {drug}; {which}", drug=stable.regimen.drug, which=listed(stable.found)),
        stable=stable,
    )


@rule(
    "R12",
    version="1",
    axis="skin",
    severities=("medium", "low"),
    trigger="Skin worse, not yet confirmed, or confirmed while something that R11 asks for is missing or speaks "
    "against it; medium when the IGA is 3 or more",
    question=_ORDER_QUESTION,
    thresholds=(*_CONFIRM, "skin_confirm_earliest", "skin_confirm_latest", *_WINDOWS, "skin_moderate_iga"),
)
def skin_worse_unexplained(chart: Chart, protocol: Protocol, _now: datetime) -> Iterable[Finding]:
    """Worse skin whose causes are not looked into yet."""
    skin = skin_worse(chart, protocol)
    if skin is None:
        return
    stable = _stability(chart, skin, protocol)
    if skin.confirmed_by is not None and not stable.open:
        return
    moderate = (skin.worst_iga or 0) >= protocol["skin_moderate_iga"]
    parts = [*stable.against, *stable.found]
    if stable.missing:
        parts.append(say("missing: {which}", which=listed(stable.missing)))
    yield _skin_finding(
        skin,
        protocol,
        rule_id="R12",
        severity="medium" if moderate else "low",
        title=say("Skin is worse") if skin.confirmed_by else say("Skin is worse, not yet confirmed"),
        question=_ORDER_QUESTION,
        context=chained("; ", parts),
        stable=stable,
    )


class _Stability:
    """What R11 asks for beside worse skin: what is missing, what speaks against stable disease, what was found."""

    def __init__(self) -> None:
        self.missing: tuple[str, ...] = ()
        self.against: tuple[str, ...] = ()
        self.found: tuple[str, ...] = ()
        self.entries: tuple[Entry, ...] = ()
        self.regimen: Regimen | None = None

    @property
    def open(self) -> bool:
        """Whether R11 cannot be said."""
        return bool(self.missing or self.against)

    def add(self, part: Inquiry) -> None:
        """Take over one line of inquiry."""
        self.missing += part.missing
        self.against += part.against
        self.found += part.found
        self.entries += part.entries


def _stability(chart: Chart, skin: SkinWorse, protocol: Protocol) -> _Stability:
    return chart.derived(("stability", protocol.version), lambda: _stable(chart, skin, protocol))


def _stable(chart: Chart, skin: SkinWorse, protocol: Protocol) -> _Stability:
    looked = _Stability()
    looked.regimen = regimen_at(chart, skin.last.effective)
    if looked.regimen is None:
        looked.add(Inquiry(against=(say("not on an analogue"),)))
    looked.add(_glucagon(chart, skin, protocol))
    looked.add(_last_scan(chart, skin, protocol))
    looked.add(nutrients_beside(chart, skin.last, protocol))
    looked.add(_infection_and_drugs(chart, skin.last, protocol))
    return looked


def _glucagon(chart: Chart, skin: SkinWorse, protocol: Protocol) -> Inquiry:
    course = marker_course(chart, protocol)
    if course.rise is not None or course.across is not None:
        return Inquiry(against=(say("glucagon is rising"),))
    valid = [s for s in course.samples if s.valid and s.result.value is not None]
    recent = [s for s in valid if days_between(s.result, skin.last) <= protocol["skin_glucagon_window"]]
    if not recent:
        return Inquiry(
            missing=(say("a valid glucagon within {number} days", number=number(protocol["skin_glucagon_window"])),)
        )
    last = recent[-1]
    if last.above and chart.state() == "ned-resected":
        return Inquiry(against=(say("glucagon is above its limit"),), entries=(last.result,))
    return Inquiry(found=(say("glucagon without a rise on {date}", date=day(last.result)),), entries=(last.result,))


def _last_scan(chart: Chart, skin: SkinWorse, protocol: Protocol) -> Inquiry:
    read = [s for s in scans(chart) if s.verdict not in (None, "NE")]
    if not read:
        return Inquiry(missing=(say("a scan that was read"),))
    last = read[-1]
    entry: Entry = last.response or last.lesions[0]
    if shows_progression(chart, last):
        return Inquiry(against=(say("progression on the scan of {date}", date=day(entry)),), entries=(entry,))
    if days_between(entry, skin.last) > protocol["skin_imaging_window"]:
        window = number(protocol["skin_imaging_window"])
        return Inquiry(
            missing=(
                say(
                    "a scan within {window} days (last {verdict} on {date})",
                    window=window,
                    verdict=last.verdict,
                    date=day(entry),
                ),
            )
        )
    return Inquiry(found=(say("scan of {date} {verdict}", date=day(entry), verdict=last.verdict),), entries=(entry,))


def _infection_and_drugs(chart: Chart, skin: SkinAssessment, protocol: Protocol) -> Inquiry:
    window = protocol["skin_nutrient_window"]
    recent = [a for a in chart.skin if days_between(a, skin) <= window]
    noted = [a for a in recent if a.infection is not None]
    drugs = [a for a in recent if a.new_drug is not None]
    missing = [name for name, notes in ((say("infection"), noted), (say("new drugs"), drugs)) if not notes]
    against = (
        [say("infection {infection}", infection=noted[-1].infection)] if noted and noted[-1].infection != "none" else []
    )
    found = [say("no infection")] if noted and not against else []
    tags = sorted(_new_drugs(drugs) | _rash_drugs(chart, skin))
    if tags:
        found.append(say("possible drug rash: {which}", which=listed(tags)))
    elif drugs:
        found.append(say("no new drug"))
    return Inquiry(tuple(missing), tuple(against), tuple(found))


def _new_drugs(noted: list[SkinAssessment]) -> set[str]:
    return {
        a.new_drug for a in noted if a.new_drug is not None and a.new_drug.strip().lower() not in ("", "none", "no")
    }


def _rash_drugs(chart: Chart, skin: SkinAssessment) -> set[str]:
    running: set[str] = set()
    for entry in chart.therapy:
        if entry.drug in RASH_DRUGS and entry.effective <= skin.effective:
            (running.discard if entry.kind == "stop" else running.add)(entry.drug)
    return running


def _skin_finding(
    skin: SkinWorse,
    protocol: Protocol,
    *,
    rule_id: str,
    severity: Severity,
    title: str,
    question: str,
    context: str,
    stable: _Stability,
) -> Finding:
    looks = [a for a in (skin.first, skin.confirmed_by, skin.last) if a is not None]
    if skin.confirmed_by is not None:
        confirmation = say("confirmed on {date}", date=day(skin.confirmed_by))
    elif skin.same_rater:
        confirmation = say("seen again by the same rater, another rater or a photo review is needed")
    else:
        confirmation = say("not yet confirmed by a second look after 3-21 days")
    said = chained("; ", (part for part in (listed(skin.changes), confirmation, context) if part))
    reference = min(skin.reference, key=lambda a: (a.iga is None, a.iga or 0), default=None)
    return Finding(
        rule=rule_id,
        rule_version="1",
        axis="skin",
        severity=severity,
        subject="skin",
        title=title,
        question=question,
        why=say("Skin worse on {date}: {said}.", date=day(skin.last), said=said),
        first_evidence_at=skin.first.effective,
        evidence=evidence(*looks, *skin.reference, *stable.entries),
        compared_with=ComparedWith(
            kind="previous",
            value=None if reference is None or reference.iga is None else float(reference.iga),
            unit=None if reference is None or reference.iga is None else "{score}",
            effective=None if reference is None else reference.effective,
            note=say("best of the last three assessments"),
        ),
        thresholds=used(protocol, *_CONFIRM, *_WINDOWS),
        not_recorded=stable.missing,
    )
