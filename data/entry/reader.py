"""What the reader of a scan says of the computed response: not read yet, confirmed, or something else with a reason.

Confirming signs the lesions of the scan; where the computed answer is one of the response letters it is stored as the
reader's response too. Something else is stored with its reason and the computed answer beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clinical.chart import Chart
from clinical.imaging import Scan, recurrence_seen
from clinical.saying import say
from data.entry.said import Reading
from data.intake.coded import RESPONSES, response_detail
from data.intake.item import Held, Item
from data.intake.moments import Moment

SECTION: Final = "response"
RECEPTORS: Final = "receptor imaging"
CONFIRMED, OVERRIDDEN = "confirm", "override"
SHORTEST_REASON: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who read the scan and what they say; `name` is None where nobody has read it yet."""

    name: str | None = None
    letters: str | None = None
    reason: str | None = None

    @property
    def signed(self) -> bool:
        """Whether somebody has read the scan."""
        return self.name is not None


def read_reader(reading: Reading) -> Reader:
    """The reader's part of the form; one that contradicts itself is refused in `reading` and nobody has read."""
    said = reading.below(SECTION)
    verdict = said.get("verdict", "")
    field = "verdict"
    try:
        if unknown := sorted(said.keys() - {"verdict", "reader", "overall", "reason"}):
            field = unknown[0]
            raise Held(say("the form has no such field"))
        if verdict not in ("", CONFIRMED, OVERRIDDEN):
            raise Held(say("say whether the computed response is confirmed"))
        if not verdict and said:
            raise Held(say("say whether the computed response is confirmed"), say("or empty the fields below it"))
        field = "reader"
        if verdict and not said.get("reader"):
            raise Held(say("say who read the scan"))
        field = "overall"
        if verdict != OVERRIDDEN and "overall" in said:
            raise Held(say("a confirmed response is the computed one"), say("choose another answer, or empty this"))
        if verdict == OVERRIDDEN and said.get("overall") not in RESPONSES:
            raise Held(say("say which response the reader states"))
        field = "reason"
        if verdict == OVERRIDDEN and len(said.get("reason", "")) < SHORTEST_REASON:
            raise Held(say("say why the reader does not take the computed response"))
        if verdict == CONFIRMED and "reason" in said:
            raise Held(say("a confirmed response needs no reason"), say("empty it"))
    except Held as held:
        reading.refuse(f"{SECTION}.{field}", held)
        return Reader()
    return Reader(name=said.get("reader") if verdict else None, letters=said.get("overall"), reason=said.get("reason"))


def computed_letters(chart: Chart, scan: Scan | None, *, looked: bool) -> str | None:
    """What is computed of a scan of size, in letters: its overall response, `baseline` at a baseline, `recurrence`
    where tumour is seen and none was left. `looked`: no lesion is followed and the scan shows none, NED. None where
    there is nothing to compute it from."""
    if scan is None or scan.assessment is None:
        return "NED" if looked else None
    if scan.assessment.overall is None:
        return "recurrence" if recurrence_seen(chart, scan) else "baseline"
    return scan.assessment.overall


def read_response(reading: Reading, reader: Reader, computed: str | None, at: Moment, modality: str) -> None:
    """Store the reader's response where it has letters, the computed one beside it."""
    if reader.name is None:
        return
    stated = "PD" if computed == "recurrence" else computed
    letters = reader.letters or stated
    if reader.letters is None and computed is None:
        why = say("nothing is measured, so there is nothing to confirm")
        reading.refuse(f"{SECTION}.verdict", Held(why, say("enter the lesions, or what the reader states")))
        return
    if reader.letters is not None and reader.letters == stated:
        why = say("{letters} is what is computed", letters=reader.letters)
        reading.refuse(f"{SECTION}.overall", Held(why, say("confirm it")))
        return
    if letters not in RESPONSES:
        return
    detail = response_detail(
        {
            "response": letters,
            "modality": modality,
            "reader": reader.name,
            "signed": "1",
            "computed": "" if computed is None or computed == RECEPTORS else computed,
        }
    )
    item = Item(
        patient_id=reading.patient_id,
        kind="response",
        analyte="recist-response",
        effective_at=at.at,
        effective_text=at.text,
        precision=at.precision,
        place=SECTION,
        detail=detail,
        text=reader.reason,
    )
    reading.add(item, f"{SECTION}.overall")
