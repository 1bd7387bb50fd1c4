"""The charts read last, kept in this process while nothing of their patients changes.

Whoever reads a patient asks for the same chart again and again: every tab, every unit, every page of one flag. A chart
is immutable and remembers what was derived from it, so it is kept as long as `version`, which rises with every change
in the database, stays the same. A chart is let go after a while and after many uses, since what was derived from it for
one moment is of no use at the next.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from clinical.chart import Chart
from data.charts import load_chart
from data.models import Patient

MOST: Final = 16
MOST_USES: Final = 100
LONGEST_S: Final = 300.0


class _Shelf:
    """The charts of one database. What is asked for again goes to the end; the front is what is let go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._charts: OrderedDict[Hashable, tuple[Chart, float, int]] = OrderedDict()

    def take(self, key: Hashable) -> Chart | None:
        now = time.monotonic()
        with self._lock:
            for stale in [k for k, (_, since, uses) in self._charts.items() if now - since > LONGEST_S or not uses]:
                del self._charts[stale]
            found = self._charts.pop(key, None)
            if found is None:
                return None
            chart, since, uses = found
            self._charts[key] = (chart, since, uses - 1)
            return chart

    def put(self, key: Hashable, chart: Chart) -> None:
        with self._lock:
            self._charts[key] = (chart, time.monotonic(), MOST_USES)
            while len(self._charts) > MOST:
                self._charts.popitem(last=False)


_SHELVES: WeakKeyDictionary[Engine, _Shelf] = WeakKeyDictionary()


def recent_chart(session: Session, patient: Patient, patient_ids: Sequence[int], version: str) -> Chart:
    """The chart of a patient known by `patient_ids`, as `load_chart` reads it in a reading session.

    `version` is what `data.trends.data_version` said in this session before. Raises UnreadableRecord.
    """
    bind = session.get_bind()
    shelf = _SHELVES.setdefault(bind if isinstance(bind, Engine) else bind.engine, _Shelf())
    known = (patient.birth_date, patient.sex, patient.deceased_at, patient.withdrawn_at, patient.transferred_at)
    key = (tuple(patient_ids), version, known)
    chart = shelf.take(key)
    if chart is None:
        chart = load_chart(session, patient, [id for id in patient_ids if id != patient.id])
        shelf.put(key, chart)
    return chart
