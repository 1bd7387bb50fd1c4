"""Where the processor time of a full sweep goes: loading, rules, glance, the rest; and which rules.

    .venv/bin/python -m bench.sweep_stages [PATIENTS]

The patients of `bench.sweep_patients` on SQLite, judged once before. Each stage is clocked alone, in turn with the
whole sweep; the lowest of five counts. What several rules share is put down to the first that asks for it.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.intake_fhir import fresh
from bench.sweep import KEY, MAIL
from bench.sweep_patients import NOW
from bench.sweep_store import fill
from clinical.chart import Chart
from clinical.protocol import bundled_protocol
from clinical.rules import judge_chart
from clinical.rules.registry import found_by, registered
from data.charts import load_charts
from data.db import Database, open_database
from data.glance import stored_glance
from jobs.sweep import sweep
from jobs.sweep_order import CHUNK

PATIENTS = 1_000
TURNS = 5
PROTOCOL = bundled_protocol()


def main() -> None:
    """Print microseconds of CPU a patient by stage, and each rule that takes a hundredth of the rules or more."""
    patients = int(sys.argv[1]) if sys.argv[1:] else PATIENTS
    with tempfile.TemporaryDirectory(prefix="nadir-bench-") as scratch:
        home = Path(scratch)
        database = fresh(home, None)
        url = database.engine.url.render_as_string(hide_password=False)
        fill(database, patients)
        database.close()
        database = open_database(url, KEY)
        swept(database)
        took: dict[str, list[float]] = {}
        for _ in range(TURNS):
            for name, seconds in turn(database, patients).items():
                took.setdefault(name, []).append(seconds / patients * 1e6)
        database.close()
    least = {name: min(each) for name, each in took.items()}
    whole = least["whole sweep"]
    for name in ("whole sweep", "loading", "rules", "glance"):
        print(f"{name}: {least[name]:.0f} us a patient, {least[name] / whole:.0%}")
    rest = whole - least["loading"] - least["rules"] - least["glance"]
    print(f"flags compared, written, all statements but those of loading: {rest:.0f} us a patient, {rest / whole:.0%}")
    by_rule = {name: each for name, each in least.items() if name.startswith("R")}
    total = sum(by_rule.values())
    shares = sorted(by_rule.items(), key=lambda pair: -pair[1])
    print(", ".join(f"{name} {each / total:.0%}" for name, each in shares if each >= total / 100))


def turn(database: Database, patients: int) -> dict[str, float]:
    """CPU seconds of each stage for everybody, by its name, and of each rule."""
    took = {"whole sweep": clocked(lambda: swept(database))}
    charts: list[Chart] = []
    gc.disable()
    took["loading"] = clocked(lambda: charts.extend(loaded(database, patients)))
    unjudged = [replace(chart) for chart in charts]
    took["rules"] = clocked(lambda: [judge_chart(chart, PROTOCOL, NOW) for chart in unjudged])
    took["glance"] = clocked(lambda: [stored_glance(1, chart, PROTOCOL, NOW) for chart in unjudged])
    for rule in registered():
        took[rule.id] = clocked(lambda id=rule.id: [found_by(id, chart, PROTOCOL, NOW) for chart in charts])  # type: ignore[misc]
    gc.enable()
    return took


def loaded(database: Database, patients: int) -> Sequence[Chart]:
    """Every chart, in the chunks of a sweep."""
    found: list[Chart] = []
    with database.read() as session:
        for start in range(1, patients + 1, CHUNK):
            numbers = range(start, min(start + CHUNK, patients + 1))
            found += load_charts(session, list(numbers)).values()
    return found


def swept(database: Database) -> None:
    sweep(database, protocol=PROTOCOL, mail=MAIL, as_of=NOW, now=NOW, full=True)


def clocked(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
