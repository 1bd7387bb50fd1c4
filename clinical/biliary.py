"""Signs of a biliary complication or pancreatitis (clinical reference 5.3 and rule R16).

An acute sign counts for a while after it was seen; stones count until an ultrasound no longer shows them or the
gallbladder is gone. Signs that mean something only together must lie within days of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinical.assay import above_limit
from clinical.chart import BiliaryUltrasound, Chart, Entry, Result, Symptom
from clinical.numbers import exceeds, reaches
from clinical.protocol import Protocol
from clinical.saying import chained, say
from clinical.variation import rcv_up
from clinical.wording import day, number, quantity

_PAIN = ("ruq-pain", "abdominal-pain")


@dataclass(frozen=True, slots=True)
class AcuteSign:
    """One acute sign or combination: in words with its numbers, the entries, and the thresholds it was judged by."""

    words: str
    entries: tuple[Entry, ...]
    thresholds: tuple[str, ...] = ()


def acute_signs(chart: Chart, protocol: Protocol, now: datetime) -> tuple[AcuteSign, ...]:
    """Every acute sign that is current at `now`."""
    window = timedelta(days=protocol["biliary_window"])
    found = chart.derived(("acute-signs", protocol.version), lambda: _signs(chart, protocol))
    return tuple(sign for sign in found if now - _latest(sign) < window)


def next_expiry(chart: Chart, protocol: Protocol, now: datetime) -> datetime | None:
    """When the next sign that is current at `now` stops being so."""
    window = timedelta(days=protocol["biliary_window"])
    return min((_latest(sign) + window for sign in acute_signs(chart, protocol, now)), default=None)


def gallbladder_removed(chart: Chart) -> bool:
    """Whether a cholecystectomy or an absent gallbladder is recorded."""
    return chart.derived(
        "gallbladder-removed",
        lambda: (
            any([t.kind == "procedure" and t.procedure == "cholecystectomy" for t in chart.therapy])
            or any([u.gallbladder == "absent" for u in chart.biliary])
        ),
    )


def stones_known(chart: Chart, moment: datetime) -> BiliaryUltrasound | None:
    """The ultrasound that last showed stones or sludge, unless a later one, or an operation, took them away."""
    for entry in reversed(chart.biliary):
        if entry.effective > moment:
            continue
        if _stones(entry):
            removed = any(
                t.procedure == "cholecystectomy" and entry.effective < t.effective <= moment for t in chart.therapy
            )
            return None if removed and not entry.cbd_stone else entry
        if entry.stones == "none" or entry.gallbladder == "absent":
            return None
    return None


def _signs(chart: Chart, protocol: Protocol) -> tuple[AcuteSign, ...]:
    if not (chart.symptoms or chart.biliary or chart.of("bilirubin") or chart.of("lipase")):
        return ()
    return (
        *_symptoms(chart, protocol),
        *_ultrasounds(chart, protocol),
        *_bilirubin(chart, protocol),
        *_lipase(chart, protocol),
    )


def _latest(sign: AcuteSign) -> datetime:
    return max(entry.effective for entry in sign.entries)


def _stones(entry: BiliaryUltrasound) -> bool:
    return entry.stones in ("single", "multiple") or entry.sludge is True or entry.cbd_stone is True


def _present(chart: Chart, *names: str) -> list[Symptom]:
    return [s for s in chart.symptoms if s.present and s.name in names]


def _near(entry: Entry, others: list[Symptom], protocol: Protocol) -> Symptom | None:
    window = timedelta(days=protocol["biliary_together"])
    return next((o for o in reversed(others) if abs(o.effective - entry.effective) <= window), None)


def _symptoms(chart: Chart, protocol: Protocol) -> list[AcuteSign]:
    found = [AcuteSign(say("jaundice on {date}", date=day(s)), (s,)) for s in _present(chart, "jaundice")]
    pains = _present(chart, "ruq-pain")
    fevers = _present(chart, "fever")
    for fever in fevers:
        pain = _near(fever, pains, protocol)
        if pain is not None:
            words = say(
                "fever on {date} with pain under the right ribs on {pain_date}", date=day(fever), pain_date=day(pain)
            )
            found.append(AcuteSign(words, (fever, pain), ("biliary_together",)))
    for symptom in (*pains, *fevers):
        # An ultrasound done because of the symptom counts as well.
        stones = stones_known(chart, symptom.effective + timedelta(days=protocol["biliary_together"]))
        if stones is not None:
            name = say("fever") if symptom.name == "fever" else say("pain under the right ribs")
            found.append(
                AcuteSign(
                    say(
                        "{name} on {date} with {stones}", name=name, date=day(symptom), stones=_stones_in_words(stones)
                    ),
                    (stones, symptom),
                )
            )
    return found


def _ultrasounds(chart: Chart, protocol: Protocol) -> list[AcuteSign]:
    found = []
    for at, entry in enumerate(chart.biliary):
        signs = _inflammation(chart, entry, protocol)
        if signs and stones_known(chart, entry.effective) is not None:
            found.append(
                AcuteSign(
                    say(
                        "ultrasound of {date}: stones or sludge with {signs}",
                        date=day(entry),
                        signs=chained(", ", signs),
                    ),
                    (entry,),
                    ("gallbladder_wall", "gallbladder_wall_clear"),
                )
            )
        duct = _dilated_duct(chart, at, protocol)
        if duct is not None:
            found.append(duct)
    return found


def _inflammation(chart: Chart, entry: BiliaryUltrasound, protocol: Protocol) -> list[str]:
    signs: list[str] = []
    if entry.murphy:
        signs.append(say("a sonographic Murphy sign"))
    if entry.fluid:
        signs.append(say("fluid around the gallbladder"))
    wall = entry.wall_mm
    if wall is not None and wall > protocol["gallbladder_wall_clear"]:
        signs.append(say("a wall of {number} mm", number=number(wall)))
    elif wall is not None and wall > protocol["gallbladder_wall"]:
        crp = _raised_crp(chart, entry, protocol)
        if crp is not None:
            signs.append(
                say(
                    "a wall of {number} mm and CRP {quantity} on {date}",
                    number=number(wall),
                    quantity=quantity(crp.value, crp.unit),
                    date=day(crp),
                )
            )
    return signs


def _raised_crp(chart: Chart, entry: Entry, protocol: Protocol) -> Result | None:
    window = timedelta(days=protocol["biliary_together"])
    for crp in reversed(chart.of("crp")):
        limit = crp.ref_high if crp.ref_high is not None else protocol["crp_raised"]
        if abs(crp.effective - entry.effective) <= window and above_limit(crp, limit):
            return crp
    return None


def _dilated_duct(chart: Chart, at: int, protocol: Protocol) -> AcuteSign | None:
    """A bile duct at or beyond the limit that was not so on the ultrasound before."""
    entry = chart.biliary[at]
    if entry.cbd_mm is None or not _is_dilated(chart, entry, protocol):
        return None
    before = next((u for u in reversed(chart.biliary[:at]) if u.cbd_mm is not None), None)
    if before is not None and _is_dilated(chart, before, protocol):
        return None
    earlier = (
        say(", {number} mm on {date}", number=number(before.cbd_mm), date=day(before))
        if before is not None and before.cbd_mm
        else ""
    )
    return AcuteSign(
        say("bile duct {number} mm on {date}", number=number(entry.cbd_mm), date=day(entry)) + earlier,
        (entry,),
        ("bile_duct_dilated", "bile_duct_dilated_without_gallbladder"),
    )


def _is_dilated(chart: Chart, entry: BiliaryUltrasound, protocol: Protocol) -> bool:
    width = entry.cbd_mm or 0.0
    if width < min(protocol["bile_duct_dilated"], protocol["bile_duct_dilated_without_gallbladder"]):
        return False
    absent = entry.gallbladder == "absent" or any(
        t.procedure == "cholecystectomy" and t.effective <= entry.effective for t in chart.therapy
    )
    if absent:
        return width > protocol["bile_duct_dilated_without_gallbladder"]
    return width >= protocol["bile_duct_dilated"]


def _bilirubin(chart: Chart, protocol: Protocol) -> list[AcuteSign]:
    found: list[AcuteSign] = []
    results = chart.of("bilirubin")
    if not results:
        return found
    factor = protocol["bilirubin_factor"]
    step = 1 + rcv_up(protocol["bilirubin_cv_analytical"], protocol["bilirubin_cv_within"])
    before: Result | None = None
    for result in results:
        value, upper = result.value, result.ref_high
        if value is None or upper is None or result.comparator in ("<", "<="):
            continue
        was_high = (
            before is not None
            and before.value is not None
            and exceeds(before.value, factor * (before.ref_high or upper))
        )
        if exceeds(value, factor * upper) and not (
            was_high and before and before.value and not reaches(value, before.value * step)
        ):
            found.append(
                AcuteSign(
                    say(
                        "bilirubin {quantity} on {date}, {number} times its upper limit of {limit}",
                        quantity=quantity(value, result.unit, result.comparator),
                        date=day(result),
                        number=number(value / upper),
                        limit=quantity(upper, result.unit),
                    ),
                    (result,),
                    ("bilirubin_factor", "bilirubin_cv_within", "bilirubin_cv_analytical"),
                )
            )
        before = result
    return found


def _lipase(chart: Chart, protocol: Protocol) -> list[AcuteSign]:
    found = []
    pains = _present(chart, *_PAIN)
    for result in chart.of("lipase"):
        value, upper = result.value, result.ref_high
        if (
            value is None
            or upper is None
            or result.comparator in ("<", "<=")
            or not reaches(value, protocol["lipase_factor"] * upper)
        ):
            continue
        pain = _near(result, pains, protocol)
        if pain is not None:
            found.append(
                AcuteSign(
                    say(
                        "lipase {quantity} on {date}, {number} times its upper limit, with abdominal pain on "
                        "{pain_date}",
                        quantity=quantity(value, result.unit, result.comparator),
                        date=day(result),
                        number=number(value / upper),
                        pain_date=day(pain),
                    ),
                    (result, pain),
                    ("lipase_factor", "biliary_together"),
                )
            )
    return found


def _stones_in_words(entry: BiliaryUltrasound) -> str:
    what = say("sludge") if entry.stones in (None, "none") and entry.sludge else say("stones")
    return say("{what} known from the ultrasound of {date}", what=what, date=day(entry))
