"""When the skin is worse (clinical reference section 9): against the best of the last three assessments, and confirmed
by a second look 3 to 21 days later.

No severity score is validated for necrolytic migratory erythema; the components stay apart and any one of them can say
worse. Where an assessment holds only a word, `active` or `worse` after `clear` or `improved` is worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinical.chart import Chart, SkinAssessment
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.wording import day, days_between, listed, number

PREDILECTION_SITES = frozenset({"perioral", "genital", "groin", "buttocks", "lower-leg", "foot", "flexure"})
_SITE_WORDS = {"lower-leg": say("lower-leg"), "mucosa": say("mucosa")}
_LOOK_BACK = 3
_BETTER_WORDS = frozenset({"clear", "improved"})
_WORSE_WORDS = frozenset({"active", "worse"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SkinWorse:
    """Worse skin that stands: since `first`, last seen at `last`; `confirmed_by` is the second look, None while only
    provisional. `reference` holds the assessments it is compared with, `changes` says in words what is worse."""

    first: SkinAssessment
    last: SkinAssessment
    confirmed_by: SkinAssessment | None
    reference: tuple[SkinAssessment, ...]
    changes: tuple[str, ...]
    same_rater: bool

    @property
    def worst_iga(self) -> int | None:
        """The highest IGA since it became worse; None where none was recorded."""
        return max((a.iga for a in (self.first, self.last) if a.iga is not None), default=None)


def skin_worse(chart: Chart, protocol: Protocol) -> SkinWorse | None:
    """The worsening that stands at the latest assessment, or None."""
    return chart.derived(("skin-worse", protocol.version), lambda: _skin_worse(chart.skin, protocol))


def is_active(assessment: SkinAssessment, protocol: Protocol) -> bool | None:
    """Whether an assessment shows active disease: called active or worse, an IGA of at least 2, or erosion at a
    predilection site. None where it says nothing of severity."""
    if not _tells(assessment):
        return None
    graded = assessment.iga is not None and assessment.iga >= protocol["skin_iga_least"]
    return assessment.overall in _WORSE_WORDS or graded or bool(_eroded(assessment))


def _skin_worse(assessments: Sequence[SkinAssessment], protocol: Protocol) -> SkinWorse | None:
    run: list[SkinAssessment] = []
    reference: tuple[SkinAssessment, ...] = ()
    changes: tuple[str, ...] = ()
    confirmed_by: SkinAssessment | None = None
    same_rater = False
    for at, assessment in enumerate(assessments):
        against = reference if run else tuple(assessments[max(0, at - _LOOK_BACK) : at])
        found = _changes(assessment, against, protocol)
        if not found:
            if _tells(assessment):
                run, confirmed_by, same_rater = [], None, False
            continue
        for earlier in run:
            if confirmed_by is None and _second_look(earlier, assessment, protocol):
                same_rater = _same_rater(earlier, assessment)
                confirmed_by = None if same_rater else assessment
        run.append(assessment)
        reference, changes = against, found
    if not run:
        return None
    return SkinWorse(
        first=run[0],
        last=run[-1],
        confirmed_by=confirmed_by,
        reference=reference,
        changes=changes,
        same_rater=same_rater and confirmed_by is None,
    )


def _changes(now: SkinAssessment, before: Sequence[SkinAssessment], protocol: Protocol) -> tuple[str, ...]:
    found = [_iga(now, before, protocol), _bsa(now, before, protocol), _erosion(now, before), _word(now, before)]
    return tuple(change for change in found if change is not None)


def _iga(now: SkinAssessment, before: Sequence[SkinAssessment], protocol: Protocol) -> str | None:
    if now.iga is None or now.iga < protocol["skin_iga_least"]:
        return None
    graded = [a for a in before if a.iga is not None]
    best = min(graded, key=lambda a: a.iga or 0, default=None)
    if best is None or now.iga - (best.iga or 0) < protocol["skin_iga_step"]:
        return None
    return say("IGA {iga} after {best} on {date}", iga=now.iga, best=best.iga, date=day(best))


def _bsa(now: SkinAssessment, before: Sequence[SkinAssessment], protocol: Protocol) -> str | None:
    if now.bsa is None:
        return None
    measured = [a for a in before if a.bsa is not None]
    best = min(measured, key=lambda a: a.bsa or 0.0, default=None)
    if best is None:
        return None
    lowest = best.bsa or 0.0
    if now.bsa - lowest < protocol["skin_bsa_points"] or now.bsa < lowest * (1 + protocol["skin_bsa_relative"]):
        return None
    return say(
        "{number} % of the body surface after {lowest} % on {date}",
        number=number(now.bsa),
        lowest=number(lowest),
        date=day(best),
    )


def _erosion(now: SkinAssessment, before: Sequence[SkinAssessment]) -> str | None:
    if not now.erosion:
        return None
    sites = _eroded(now)
    looked_at = [a for a in before if a.erosion is not None or a.overall == "clear"]
    if not sites or not looked_at or all(_eroded(a) for a in looked_at):
        return None
    return say(
        "new erosion at a predilection site ({sites})", sites=listed(_SITE_WORDS.get(site, say(site)) for site in sites)
    )


def _eroded(assessment: SkinAssessment) -> tuple[str, ...]:
    if not assessment.erosion:
        return ()
    mucosal = ("mucosa",) if assessment.mucosal else ()
    return tuple(s for s in assessment.sites if s in PREDILECTION_SITES) + mucosal


def _word(now: SkinAssessment, before: Sequence[SkinAssessment]) -> str | None:
    if now.overall not in _WORSE_WORDS:
        return None
    better = [a for a in before if a.overall in _BETTER_WORDS]
    if better:
        return say(
            "{overall} after {before} on {date}",
            overall=say(now.overall),
            before=say(better[-1].overall or ""),
            date=day(better[-1]),
        )
    return say("called worse") if now.overall == "worse" else None


def _tells(assessment: SkinAssessment) -> bool:
    """Whether an assessment says anything of severity: one that holds only a note ends no worsening."""
    graded = assessment.iga is not None or assessment.bsa is not None or assessment.erosion is not None
    return graded or assessment.overall is not None


def _second_look(earlier: SkinAssessment, later: SkinAssessment, protocol: Protocol) -> bool:
    return protocol["skin_confirm_earliest"] <= days_between(earlier, later) <= protocol["skin_confirm_latest"]


def _same_rater(one: SkinAssessment, other: SkinAssessment) -> bool:
    return one.rater is not None and one.rater == other.rater
