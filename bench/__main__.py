"""Run every benchmark one after the other: `make bench`. Each prints its own ratio; docs in bench/RESULTS.md."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    *("bench.first_page", "bench.false_alarms", "bench.intake", "bench.intake_fhir", "bench.intake_large"),
    *("bench.mllp", "bench.cohort", "bench.pages", "bench.sweep", "bench.sweep_stages", "bench.scale", "bench.alerts"),
)


def main() -> int:
    """The number of benchmarks that failed."""
    return sum(subprocess.run([sys.executable, "-m", name], check=False).returncode != 0 for name in BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main())
