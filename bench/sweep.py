"""The sweep: all rules over everybody, over one patient in a hundred, and two laboratory rules beside cql-execution.

    .venv/bin/python -m bench.sweep [sqlite|postgresql|both] [patients ...]

Patients of `bench.sweep_patients` (20-60 records, 14 sensor days) are stored in Nadir's own tables; a process of its
own, held to one core, then sweeps as `nadir sweep` does: the first sweep of all, which opens every flag; the full sweep
again, as every night, loading, judging and writing included and nobody passed over; and a sweep after one patient in
a hundred got a new glucagon. Memory is the peak of that process. Beside it npm `cql-execution` runs two of the rules
(R27 and R28, `bench/cql/laboratory.cql`) on the same patients, and Nadir the same two from the store; the answers must
be equal. CPU is of the process itself, without the server of PostgreSQL.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.engine import URL

from bench.intake_fhir import fresh, postgresql_server
from bench.sweep_patients import NOW, patient
from bench.sweep_store import fill, touch
from clinical.analytes import CATALOGUE
from clinical.protocol import Protocol, bundled_protocol
from clinical.rules.registry import found_by
from data.announcing import MailPolicy
from data.charts import load_part
from data.db import Database, open_database
from data.settings import Settings
from jobs.sweep import SweepReport, sweep, uncollected

SIZES: Final = (1_000, 10_000, 100_000)
PEER_PATIENTS: Final = 200
AT_ONCE: Final = 1_000
CQL: Final = Path(__file__).parent / "cql"
RULES: Final = {"anaemia": ("R27", ("haemoglobin",)), "protein": ("R28", ("albumin", "amino-acids"))}
MAIL: Final = MailPolicy(domain="nadir.example", digest_at=Settings().digest_at, zone=ZoneInfo("UTC"))
KEY: Final = b"k" * 32


def main() -> None:
    """Print the figures, each with its goal."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    asked = sys.argv[1:2] or ["both"]
    sizes = [int(size) for size in sys.argv[2:]] or list(SIZES)
    with tempfile.TemporaryDirectory(prefix="nadir-bench-") as scratch:
        for backend in ("sqlite", "postgresql") if asked == ["both"] else asked:
            with postgresql_server() if backend == "postgresql" else nullcontext() as server:
                print(f"{backend}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
                compare(Path(scratch), server, sizes)


def compare(home: Path, server: URL | None, sizes: Sequence[int]) -> None:
    """Sweep cohorts of the sizes on one kind of database, and run the two laboratory rules beside their peer."""
    found: dict[int, dict[str, Any]] = {}
    for size in sizes:
        database = fresh(home, server)
        url = database.engine.url.render_as_string(hide_password=False)
        began = time.perf_counter()
        records = fill(database, size)
        database.close()
        print(f"  {size} patients, {records / size:.0f} records each, stored in {time.perf_counter() - began:.0f} s")
        measured = subprocess.run(
            [sys.executable, "-m", "bench.sweep", "measure", url, str(size)], check=True, capture_output=True, text=True
        )
        found[size] = json.loads(measured.stdout)
        show(size, found[size])
        if size == sizes[0]:
            beside_peer(home, url, size)
        if server is None:
            for path in home.glob(f"{Path(url).name}*"):
                path.unlink()
    least, most = found[sizes[0]], found[sizes[-1]]
    if len(sizes) > 1:
        grown = math.log(sizes[-1] / sizes[0])
        for what, at in (("wall", 0), ("CPU", 1)):
            exponent = math.log(most["full"][at] / least["full"][at]) / grown
            print(f"  exponent of {what} from {sizes[0]} to {sizes[-1]} patients: {exponent:.3f} (goal <= 1.05)")


def show(size: int, took: dict[str, Any]) -> None:
    """The figures of one cohort."""
    for what, name in (("first", "first sweep"), ("full", "full sweep, as every night")):
        wall, cpu = took[what]
        print(
            f"    {name}: {size / wall:.0f} patients/s on the wall, {size / cpu:.0f} a CPU second"
            + (" (goal >= 1500)" if what == "full" else "")
        )
    wall, cpu = (took["dirty"][at] / took["full"][at] for at in (0, 1))
    print(f"    1 % of patients changed: {wall:.4f} of the full sweep, CPU {cpu:.4f} (goal <= 0.03)")
    print(f"    flags opened by the first sweep: {took['opened']}; patients without a finding: {took['quiet']:.0%}")
    print(f"    memory at the most: {took['memory']:.0f} MB (goal <= 500)")


def measure(url: str, patients: int) -> None:
    """Sweep a stored cohort in this process, held to one core, and print what it took as JSON."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    database, protocol = open_database(url, KEY), bundled_protocol()
    reports: list[SweepReport] = []

    def swept(at: datetime, *, full: bool) -> Callable[[], None]:
        return lambda: reports.append(sweep(database, protocol=protocol, mail=MAIL, as_of=at, now=at, full=full))

    first = clocked(swept(NOW, full=True))
    full = middle([clocked(swept(NOW, full=True)) for _ in range(3 if patients <= 10_000 else 1)])
    dirty = []
    for turn in range(3):
        at = NOW + timedelta(minutes=turn + 1)
        numbers = range(1 + turn, patients + 1, 100)
        touch(database, numbers, seq=2 + turn, first_id=(patients + 1) * 100 + turn * patients, at=at)
        dirty.append(clocked(swept(at, full=False)))
    judged = [report.counts.evaluated for report in reports]
    if judged[:2] != [patients, patients] or any(report.counts.failed for report in reports):
        raise RuntimeError(f"not everybody was judged: {judged}")
    with database.read() as session:
        flagged = session.connection().exec_driver_sql("SELECT count(DISTINCT patient_id) FROM flag").scalar_one()
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(
        json.dumps(
            {
                "first": first,
                "full": full,
                "dirty": middle(dirty),
                "dirty_patients": judged[-3:],
                "opened": reports[0].counts.opened,
                "quiet": 1 - flagged / patients,
                "memory": int(peak.split()[1]) / 1024,
            }
        )
    )


def beside_peer(home: Path, url: str, patients: int) -> None:
    """The two laboratory rules from the store, and the same on bundles of the same patients by cql-execution."""
    if not (CQL / "node_modules").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=CQL, check=True, capture_output=True)
    path = home / "bundles.ndjson"
    path.write_text("".join(json.dumps(bundle(number)) + "\n" for number in range(1, PEER_PATIENTS + 1)))
    database, protocol = open_database(url, KEY), bundled_protocol()
    ours: list[list[float]] = []
    peers: list[list[float]] = []
    for _ in range(3):
        answers: dict[str, list[str]] = {}
        ours.append([t / patients for t in clocked(partial(laboratory, database, patients, protocol, answers))])
        ran = subprocess.run(
            ["node", "run.mjs", str(path)],
            cwd=CQL,
            env={**os.environ, "TZ": "UTC"},
            check=True,
            capture_output=True,
            text=True,
        )
        said = json.loads(ran.stdout)
        peers.append([said["seconds"] / said["patients"], said["cpu"] / said["patients"]])
        last = f"S{PEER_PATIENTS:07}"
        same = all([mrn for mrn in answers[name] if mrn <= last] == said[name] for name in RULES)
        if said["patients"] != PEER_PATIENTS or not same:
            raise RuntimeError(f"the answers differ: {answers} and {said}")
    (wall, cpu), (peer_wall, peer_cpu) = middle(ours), middle(peers)
    print(
        f"    two laboratory rules, same answers: {1 / wall:.0f} patients/s ({1 / cpu:.0f} a CPU second), "
        f"cql-execution {1 / peer_wall:.0f} ({1 / peer_cpu:.0f}): {peer_wall / wall:.0f} x, CPU {peer_cpu / cpu:.0f} x "
        "(goal >= 200)"
    )


def laboratory(database: Database, patients: int, protocol: Protocol, found: dict[str, list[str]]) -> None:
    """By rule the hospital numbers of the patients it fires for, of patients 1 to `patients`, put into `found`."""
    found.update({name: [] for name in RULES})
    analytes = [analyte for _, named in RULES.values() for analyte in named]
    with uncollected(), database.read() as session:
        for start in range(1, patients + 1, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, patients + 1))
            for number, chart in sorted(load_part(session, numbers, kinds=(), analytes=analytes).items()):
                for name, (rule, _) in RULES.items():
                    if found_by(rule, chart, protocol, NOW):
                        found[name].append(f"S{number:07}")


def bundle(number: int) -> dict[str, Any]:
    """The laboratory results of a patient as a FHIR R4 bundle."""
    mrn = f"S{number:07}"
    entries: list[dict[str, Any]] = [{"resource": {"resourceType": "Patient", "id": mrn}}]
    for n, fact in enumerate(patient(number)):
        if fact.analyte is None:
            continue
        resource = {
            "resourceType": "Observation",
            "id": f"{mrn}-{n}",
            "status": "final",
            "subject": {"reference": f"Patient/{mrn}"},
            "code": {"coding": [{"system": "http://loinc.org", "code": CATALOGUE[fact.analyte].loinc[0]}]},
            "effectiveDateTime": f"{NOW - timedelta(days=fact.ago):%Y-%m-%dT%H:%M:00Z}",
            "valueQuantity": {"value": fact.value, "unit": fact.unit, "system": "http://unitsofmeasure.org"},
        }
        entries.append({"resource": resource})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def clocked(work: Callable[[], object]) -> list[float]:
    """Seconds on the wall and of this process's CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return [time.perf_counter() - wall, time.process_time() - cpu]


def middle(runs: Sequence[list[float]]) -> list[float]:
    """The median of each figure."""
    return [statistics.median(run[at] for run in runs) for at in range(2)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main()
