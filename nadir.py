"""The front door: one command line, each command a few lines in `commands` that call one function of one floor.

Exit codes: 0 done; 1 done, but something was refused or quarantined; 2 unusable input or arguments, nothing changed;
3 the system is not able (database away, not migrated, leadership lost), nothing changed.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from sqlalchemy.exc import DatabaseError

from clinical.protocol import ProtocolError
from commands import (
    audit,
    backups,
    database,
    downtime,
    duty,
    exports,
    judging,
    mappings,
    people,
    privacy,
    processes,
    records,
    scores,
)
from commands.frame import UNABLE, UNUSABLE
from commands.logs import log_to_stderr
from data.db import DatabaseUnavailable
from data.errors import BadInput
from data.people import Forbidden, NotFound
from data.settings import SettingsError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
GATHERED = (
    *(database, audit, backups, downtime, people, privacy, duty),
    *(records, exports, mappings, judging, scores, processes),
)
for module in GATHERED:
    for name, group in module.GROUPS.items():
        app.add_typer(group, name=name)
    for name, command in module.COMMANDS.items():
        app.command(name)(command)


def give_up(code: int, message: object) -> NoReturn:
    """Leave with `code` and one line on stderr."""
    print(f"nadir: {message}", file=sys.stderr)
    raise SystemExit(code)


def main() -> None:
    """Run the command line; every known error becomes one line and its exit code."""
    log_to_stderr()
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        give_up(130, "interrupted")
    except typer.TyperException as error:
        give_up(UNUSABLE, error.format_message())
    except (SettingsError, ProtocolError, BadInput, NotFound, Forbidden) as error:
        give_up(UNUSABLE, error)
    except (DatabaseUnavailable, DatabaseError) as error:
        give_up(UNABLE, str(error).splitlines()[0])
    raise SystemExit(code or 0)


if __name__ == "__main__":
    main()
