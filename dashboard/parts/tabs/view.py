"""What a tab of a patient's page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlencode

from sqlalchemy.orm import Session

from clinical.protocol import Protocol
from dashboard.parts.times import Clock
from dashboard.parts.units import Units
from data.entry.past import Past
from data.trends import Trends

MOST_QUERY = 2_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """`found` is what is known, in canonical units; `shown` the same in `units`. `query` is what the address asks
    for beside the tab. `session` reads. `past` are the values that were corrected, taken back or moved away."""

    mrn: str
    found: Trends
    shown: Trends
    clock: Clock
    units: Units
    protocol: Protocol
    query: Mapping[str, str]
    session: Session
    past: tuple[Past, ...] = ()

    def address(self, tab: str, **query: str) -> str:
        """The address of a tab of this patient."""
        return patient_address(self.mrn, tab, **query)


def patient_address(mrn: str, tab: str, **query: str) -> str:
    """The address of a tab of a patient; the first tab needs no query."""
    asked = {**({} if tab == "course" else {"tab": tab}), **query}
    return f"/p/{quote(mrn, safe='')}" + (f"?{urlencode(asked)}" if asked else "")


def parsed(search: str | None) -> dict[str, str]:
    """What the address asks for, the first of each name; an unreasonably long one asks for nothing."""
    text = (search or "").removeprefix("?")
    if len(text) > MOST_QUERY:
        return {}
    return {name: values[0] for name, values in parse_qs(text, max_num_fields=20).items()}
