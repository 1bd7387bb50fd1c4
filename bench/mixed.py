"""Fifty people, a laboratory and the sweeps at once: what each answer took, beside a callback that does nothing.

    .venv/bin/python -m bench.mixed [sqlite|postgresql] [SECONDS]

`nadir up` as it is installed, 500 patients with 50 records each, a sweep every 20 s. 50 sessions each do something
every 5 s (exponential): 80 % look (worklist, list of patients, patient page), 20 % save a visit; a laboratory sends
five results a second; somebody asks the same web processes for a callback that does nothing, four times a second. A
fifth of the length, 60 s at the most, is warm-up; then it is measured for SECONDS (default 600). Prints a line a figure
with its goal; exit code 1 when one is missed.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import threading
import time
from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy import select

from bench.at_work import Door, Laboratory, Ledger, Person, looks, nothing
from bench.pages import Report
from bench.site import Site, site
from data.audit import verify
from data.models import EntrySave, Hl7Message, JobRun

PEOPLE, SECONDS, SWEEP_S, PROBE_S = 50, 600, 20, 0.25


class Probe(threading.Thread):
    """Asks for a callback that does nothing, again and again."""

    def __init__(self, door: Door, body: bytes, ledger: Ledger, stop: threading.Event) -> None:
        super().__init__(name="probe", daemon=True)
        self._door, self._body, self._ledger, self._halt = door, body, ledger, stop

    def run(self) -> None:
        """Ask until told to stop."""
        while not self._halt.wait(PROBE_S):
            began = time.monotonic()
            try:
                status, _, _ = self._door.ask("/_dash-update-component", self._body)
            except (OSError, http.client.HTTPException) as error:
                self._ledger.bad("nothing", type(error).__name__)
                continue
            if status in (200, 204):
                self._ledger.good("nothing", began)
            else:
                self._ledger.bad("nothing", str(status))


def p95(seconds: list[float]) -> float:
    """The 95th percentile of at least two."""
    return statistics.quantiles(seconds, n=20)[-1]


def crowd(place: Site, ledger: Ledger, stop: threading.Event) -> list[threading.Thread]:
    """Everybody, not started yet."""
    bodies, people = looks(place.callbacks), []
    for number in range(PEOPLE):
        own = place.cases[number::PEOPLE]
        people.append(Person(place.door(), own, bodies, ledger, stop, seed=number))
    laboratory = Laboratory(place.mllp_port, [case.mrn for case in place.cases], ledger, stop, seed=PEOPLE)
    probe = Probe(place.door(), json.dumps(nothing(place.callbacks)).encode(), ledger, stop)
    return [*people, laboratory, probe]


def main() -> int:
    """0 when every goal was met."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    report, ledger, stop = Report(), Ledger(), threading.Event()
    with site(kind, sweep_s=SWEEP_S) as place:
        threads = crowd(place, ledger, stop)
        for thread in threads:
            thread.start()
        time.sleep(min(60.0, seconds / 5))
        since, begun, warm = time.monotonic(), datetime.now(UTC), resident(place)
        time.sleep(seconds)
        after, load = resident(place), os.getloadavg()[0]
        ended = datetime.now(UTC)
        stop.set()
        for thread in threads:
            thread.join(90)
        print(f"{kind}, {seconds:.0f} s measured, load {load:.1f} on {os.cpu_count()} cores")
        told(report, ledger, since)
        growth = max(a / w for w, a in zip(warm, after, strict=True))
        report.line("memory of a web worker / after warm-up", growth, "x", 1.1, f"{max(after) >> 20} MB")
        kept(report, place, ledger, begun, ended)
    return int(report.missed)


def told(report: Report, ledger: Ledger, since: float) -> None:
    """What the answers took."""
    found = {kind: ledger.seconds(kind, since=since) for kind in ("nothing", "look", "save", "message")}
    for kind, took in found.items():
        about = f"{len(took)} of them, median {1000 * statistics.median(took):.0f} ms, worst {took[-1]:.2f} s"
        report.line(f"p95 of: {kind}", p95(took), "s", {"save": 1.5, "look": 0.8}.get(kind), about)
    report.line("p95 of a look / of nothing", p95(found["look"]) / p95(found["nothing"]), "x", 6)
    report.line("tries that failed, warm-up and all", len(ledger.failed), "", 0, str(ledger.failed[:3] or ""))


def resident(place: Site) -> list[int]:
    """Bytes of each web worker."""
    return [worker.memory_info().rss for worker in place.web_workers()]


def kept(report: Report, place: Site, ledger: Ledger, begun: datetime, ended: datetime) -> None:
    """Whether what was acknowledged is there, and how far apart sweeps ended."""
    with place.database.read() as session:
        saves = set(session.scalars(select(EntrySave.key)))
        messages = set(session.scalars(select(Hl7Message.control_id)))
        sweeps = session.scalars(
            select(JobRun.finished_at)
            .where(JobRun.job == "sweep", JobRun.finished_at.between(begun, ended))
            .order_by(JobRun.finished_at)
        ).all()
        chain = verify(session)
    lost = len(set(ledger.saved) - saves) + len(set(ledger.acknowledged) - messages)
    report.line("acknowledged and not there", lost, "", 0)
    report.line("faults of the audit chain", 0 if chain.ok else 1, "", 0, chain.why or f"{chain.rows} rows")
    moments = [begun, *(at for at in sweeps if at is not None), ended]
    longest = max((later - earlier).total_seconds() for earlier, later in pairwise(moments))
    report.line("longest time between ends of sweeps", longest, "s", 2 * SWEEP_S, f"{len(sweeps)} sweeps")


if __name__ == "__main__":
    sys.exit(main())
