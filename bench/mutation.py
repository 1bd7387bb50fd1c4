"""How many one-line faults in the clinical core the tests notice, by module; docs/mutation.md says why others survive.

    .venv/bin/python -m bench.mutation                  # everything
    .venv/bin/python -m bench.mutation rules/marker     # one module of `[tool.mutation.apart]`, or `core`

Runs mutmut (settings in pyproject.toml, work in mutants/) and counts. A module below 85 % fails.

The core is one run with all of tests/clinical. Each module of the rules, and of the logic behind them, is a run of its
own with the tests that are about it, since every test of every rule goes through `judge_chart` and so through all.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

LEAST_KILLED = 0.85
ROOT = Path(__file__).parents[1]
WORK = ROOT / "mutants"
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


def undecorated(source: str) -> str:
    """The same module with `@rule(...)` written as `rule(...)(function)` behind its function.

    mutmut passes decorated functions over: left as they are, no rule's own function would be changed.
    """
    lines = source.splitlines(keepends=True)
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    for function in reversed(functions):
        if [ast.unparse(d.func) for d in function.decorator_list if isinstance(d, ast.Call)] != ["rule"]:
            continue
        first, last = function.decorator_list[0].lineno - 1, function.decorator_list[0].end_lineno
        decorator = "".join(lines[first:last]).removeprefix("@").rstrip()
        lines[function.end_lineno : function.end_lineno] = [f"\n\n{decorator}({function.name})\n"]
        del lines[first:last]
    return "".join(lines)


def selecting(pyproject: str, modules: list[str], tests: list[str]) -> str:
    """The settings with other modules to change and other tests to run."""
    for name, value in (("only_mutate", modules), ("pytest_add_cli_args_test_selection", tests)):
        pyproject = re.sub(rf"^{name} = \[.*?\]$", f"{name} = {json.dumps(value)}", pyproject, flags=re.M | re.S)
    return pyproject


def prepare(folder: Path, pyproject: str) -> None:
    """Bring a working copy up to date; what has not changed keeps its time, by which mutmut knows what is done.

    `data/entry` is there to be read: a test looks for the names of the thresholds in it.
    """
    for part in ("clinical", "tests/clinical", "data/entry"):
        for file in (f for f in (ROOT / part).rglob("*") if f.is_file() and "__pycache__" not in f.parts):
            text = file.read_text(encoding="utf-8")
            _write(folder / file.relative_to(ROOT), undecorated(text) if file.parent.name == "rules" else text)
    _write(folder / "pyproject.toml", pyproject)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(folder: Path) -> dict[str, Counter[str]]:
    """Change, test and count in a working copy."""
    mutmut = str(Path(sys.executable).with_name("mutmut"))
    # Tests of the core need no plugin, and loading them takes longer than most of the tests.
    quick = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    made = subprocess.run(
        [mutmut, "run", "--max-children", "1"],
        cwd=folder,
        check=False,
        env=quick,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode:
        # mutmut draws its progress over itself: only what it said last tells why it stopped.
        raise SystemExit(f"{folder.name}: mutmut ended with {made.returncode}\n{made.stdout[-3000:]}")
    listing = subprocess.run(
        [mutmut, "results", "--all", "true"], cwd=folder, check=True, capture_output=True, text=True
    )
    return outcomes(listing.stdout)


def main(names: list[str]) -> int:
    """Run, print a line a module, and return 1 when one lies below the goal."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    apart: dict[str, list[str]] = tomllib.loads(pyproject)["tool"]["mutation"]["apart"]
    copies = {"core": pyproject}
    for name, tests in apart.items():
        selected = [f"tests/clinical/test_{test}.py" for test in tests]
        copies[name] = selecting(pyproject, [f"clinical/{name}.py"], selected)
    modules: dict[str, Counter[str]] = {}
    for name in names or copies:
        prepare(WORK / name, copies[name])
        modules |= run(WORK / name)
    for module, ended in sorted(modules.items()):
        print(f"{module:32} {killed(ended):6.1%} of {ended.total():4}  {dict(ended)}")
    if not modules:
        print("mutmut made no mutants")
    return int(not modules or any(killed(ended) < LEAST_KILLED for ended in modules.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
