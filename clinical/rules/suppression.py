"""What is held back altogether, and why, for the patient page to show (clinical reference 12, global suppression).

What is only held back in part (progression soon after PRRT becomes a question, a series that cannot be compared) is
named by the finding that is shown instead.
"""

from __future__ import annotations

from datetime import datetime

from clinical.change import marker_course
from clinical.chart import Chart
from clinical.finding import Suppressed
from clinical.protocol import Protocol
from clinical.rules.absorption import suppressed_elastase
from clinical.rules.chromogranin import suppressed_chromogranin
from clinical.rules.glucose import suppressed_sensor
from clinical.rules.injections import withheld_injections
from clinical.rules.marker import strongest_rise, too_soon_after_procedure
from clinical.rules.nutrition import suppressed_nutrition
from clinical.saying import say
from clinical.wording import date_of

_DIED, _WITHDREW, _TRANSFERRED = say("died"), say("withdrew"), say("was transferred")


def no_longer_followed(chart: Chart) -> Suppressed | None:
    """Why nothing at all is found of this patient; None while they are followed."""
    for at, what in ((chart.deceased, _DIED), (chart.withdrawn, _WITHDREW), (chart.transferred, _TRANSFERRED)):
        if at is not None:
            return Suppressed(
                what=say("every rule"), why=say("the patient {what} on {date}", what=what, date=date_of(at))
            )
    return None


def held_back(chart: Chart, protocol: Protocol, now: datetime) -> tuple[Suppressed, ...]:
    """Every finding that stands in the data and is not called."""
    rise = strongest_rise(marker_course(chart, protocol))
    after = None if rise is None else too_soon_after_procedure(chart, rise.last, protocol)
    return (
        *(() if after is None else (after,)),
        *suppressed_chromogranin(chart, protocol, now),
        *suppressed_elastase(chart, protocol),
        *suppressed_nutrition(chart, protocol, now),
        *suppressed_sensor(chart, protocol, now),
        *withheld_injections(chart, protocol, now),
    )
