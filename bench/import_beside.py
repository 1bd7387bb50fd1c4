"""Twenty people who read while a hundred thousand rows are imported, beside the same reads without the import.

    .venv/bin/python -m bench.import_beside [sqlite|postgresql] [ROWS]

`nadir up` with 500 patients. 20 sessions each look at something every second (exponential: worklist, list of patients,
patient page) and one more person saves a visit every two seconds: for 30 s alone, then while `nadir import` takes ROWS
(default 100,000) results of these patients in from one CSV file. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from bench.at_work import Case, Ledger, Person, looks
from bench.mixed import p95
from bench.pages import Report
from bench.site import site
from data.models import EntrySave, Record

READERS, ROWS, ALONE_S, READ_S, SAVE_S = 20, 100_000, 30, 1.0, 2.0


def results(folder: Path, cases: Sequence[Case], rows: int) -> Path:
    """A file of zinc results, hourly ones of each patient in turn."""
    path, chance, now = folder / "results.csv", random.Random(1), datetime.now(UTC)
    with path.open("w", encoding="utf-8") as file:
        file.write("mrn,when,analyte,value,unit,ref_low,ref_high,lab\n")
        for n in range(rows):
            at = now - timedelta(days=30, hours=n // len(cases))
            value = chance.randrange(60, 130)
            file.write(f"{cases[n % len(cases)].mrn},{at:%Y-%m-%dT%H:%M:%SZ},zinc,{value},ug/dL,60,130,Central\n")
    return path


def main() -> int:
    """0 when every goal was met."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else ROWS
    report, ledger, stop = Report(), Ledger(), threading.Event()
    with site(kind) as place, tempfile.TemporaryDirectory() as scratch:
        path, bodies = results(Path(scratch), place.cases, rows), looks(place.callbacks)
        people = [
            Person(place.door(), place.cases[n::READERS], bodies, ledger, stop, seed=n, every_s=READ_S, saves=0)
            for n in range(READERS)
        ]
        people.append(Person(place.door(), place.cases, bodies, ledger, stop, seed=99, every_s=SAVE_S, saves=1))
        for one in people:
            one.start()
        time.sleep(ALONE_S / 3)
        begun = time.monotonic()
        time.sleep(ALONE_S)
        imported = time.monotonic()
        command = [sys.executable, "-m", "nadir", "import", str(path), "--format", "csv"]
        done = subprocess.run(command, env=place.environment, capture_output=True, text=True, check=False)
        ended = time.monotonic()
        stop.set()
        for one in people:
            one.join(90)
        with place.database.read() as session:
            stored = session.scalar(select(func.count()).where(Record.analyte == "zinc", Record.lab == "Central"))
            saves = set(session.scalars(select(EntrySave.key)))
    if done.returncode or stored != rows:
        raise RuntimeError(f"{stored} of {rows} rows were stored: {done.stderr[-500:]}")
    alone = [took for at, took in ledger.took["look"] if begun <= at < imported]
    beside = [took for at, took in ledger.took["look"] if imported <= at < ended]
    print(f"{kind}: {rows} rows in {ended - imported:.0f} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    report.line("p95 of a look, alone", p95(alone), "s", None, f"{len(alone)} of them")
    report.line("p95 of a look beside the import", p95(beside), "s", 1.5, f"{len(beside)} of them")
    report.line("the one / the other", p95(beside) / p95(alone), "x")
    waited = [took for at, took in ledger.took["save"] if imported <= at < ended]
    report.line("longest save beside the import", max(waited), "s", 10, f"{len(waited)} of them")
    report.line("tries that failed", len(ledger.failed), "", 0, str(ledger.failed[:3] or ""))
    report.line("called saved and not there", len(set(ledger.saved) - saves), "", 0)
    return int(report.missed)


if __name__ == "__main__":
    sys.exit(main())
