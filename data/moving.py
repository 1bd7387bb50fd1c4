"""Moving a clinic to another database: every row, read back there and held against what was read here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Table

from data.audit import write_audit
from data.copying.restoring import Totals, begin, compare, require_empty
from data.copying.rows import Digest, Rows, at_one_moment, fill, stored, tables, unlimited
from data.db import Database
from data.migrate import upgrade
from data.people import Actor


def copy_database(source: Database, target: Database, actor: Actor, *, now: datetime) -> dict[str, int]:
    """Write every row of `source`, as it is at this moment, into `target`, all or none; by table the number of rows.

    What is written to `source` afterwards is not in `target`: stop its processes first. Raises NotEmpty for a target
    that holds something, Damaged where what is read back differs.
    """
    upgrade(target)
    totals: Totals = {}
    with at_one_moment(source) as reading, target.write() as session:
        writing = session.connection()
        unlimited(writing)
        require_empty(writing)
        begin(writing)
        for table in tables():
            counted = Digest()
            fill(writing, table, _counting(reading, table, counted))
            totals[table.name] = counted.total()
        compare(writing, totals)
    counts = {table: rows for table, (rows, _) in totals.items()}
    for database in (source, target):
        with database.write() as session:
            write_audit(session, actor, "database.copy", now=now, detail={"rows": sum(counts.values())})
    return counts


def _counting(reading: Connection, table: Table, counted: Digest) -> Iterator[Rows]:
    for rows in stored(reading, table):
        counted.add(rows)
        yield rows
