"""The side of a child process that parses a file written by anybody: it limits itself and says what it read in JSON.

...                                     lines of its own, whatever the format has
{"end": true}                           everything was written
{"refused": "holds macros; ..."}        or why the file is not read
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEMORY = 512 * 1024 * 1024
WRITTEN = 512 * 1024 * 1024


class FileRefused(ValueError):
    """A file that is not read; the message says why in one line."""


def parse_within_limits(parse: Callable[..., None], what: str) -> None:
    """Let `parse` say what the file named on the command line holds; further words there are its further arguments.

    Before the file stands how many seconds of the processor this process may take. `what` the file should be is named
    in errors.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
    # openpyxl and pydicom would load NumPy for what no file here needs, and its threads count against the memory limit.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    try:
        parse(Path(sys.argv[2]), *sys.argv[3:])
        say({"end": True})
    except FileRefused as error:
        say({"refused": str(error)})
    except Exception as error:
        say({"refused": _why(error, what)})


def say(line: Any) -> None:
    """Write one line of JSON for the parent."""
    sys.stdout.write(json.dumps(line) + "\n")


def _why(error: BaseException, what: str) -> str:
    """The first cause in one line: a library wraps whatever went wrong in words of its own."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    if isinstance(error, MemoryError):
        return f"needs more than {MEMORY // 1024 // 1024} MB to be read"
    said = " ".join(str(error).split())[:200]
    return f"cannot be read as {what}: {type(error).__name__} {said}"
