"""How many one-line faults in the clinical core the tests notice, by module; docs/mutation.md says why others survive.

    .venv/bin/python -m bench.mutation

Runs mutmut (settings in pyproject.toml, work in mutants/) and counts. A module below 85 % fails.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

LEAST_KILLED = 0.85
ROOT = Path(__file__).parents[1]
# A mutant that never ends is noticed as surely as one that gives a wrong answer.
_NOTICED = frozenset({"killed", "timeout", "segfault"})


def outcomes(listing: str) -> dict[str, Counter[str]]:
    """For each module, how many mutants ended how, from what `mutmut results --all true` prints."""
    found: dict[str, Counter[str]] = {}
    for line in listing.splitlines():
        mutant, colon, outcome = line.strip().partition(": ")
        if colon:
            found.setdefault(mutant.rsplit(".", 1)[0], Counter())[outcome] += 1
    return found


def killed(ended: Counter[str]) -> float:
    """The part of a module's mutants that the tests noticed."""
    return sum(count for outcome, count in ended.items() if outcome in _NOTICED) / ended.total()


def main() -> int:
    """Run, print a line a module, and return 1 when one lies below the goal."""
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    subprocess.run([mutmut, "run", "--max-children", "2"], cwd=ROOT, check=True)
    listing = subprocess.run([mutmut, "results", "--all", "true"], cwd=ROOT, check=True, capture_output=True, text=True)
    modules = outcomes(listing.stdout)
    for module, ended in sorted(modules.items()):
        print(f"{module:24} {killed(ended):6.1%} of {ended.total():4}  {dict(ended)}")
    if not modules:
        print("mutmut made no mutants")
    return int(not modules or any(killed(ended) < LEAST_KILLED for ended in modules.values()))


if __name__ == "__main__":
    sys.exit(main())
