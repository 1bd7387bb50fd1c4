"""Each row that changes in PostgreSQL, with its transaction: noted by triggers, whatever in Nadir made the change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from data.db import Database
from data.models import Base
from data.rota import week_name

NOTED = """
CREATE TABLE noted (
  n bigserial PRIMARY KEY, tx bigint NOT NULL, tab text NOT NULL, op text NOT NULL, was jsonb, became jsonb
);
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) = to_jsonb(OLD) THEN RETURN NULL; END IF;
  INSERT INTO noted (tx, tab, op, was, became)
  VALUES (txid_current(), TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
          CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  RETURN NULL;
END $$;
"""


@dataclass(frozen=True)
class Lost:
    """A value that is no longer in its row: overwritten, or gone with the row. `path`: the column, and the keys that
    lead to the value within its JSON."""

    table: str
    path: tuple[str, ...]
    value: Any


@dataclass
class Transaction:
    """What one transaction changed: rows by table, the batches they came with, the audit rows it wrote (action,
    patient and object), the values it took away, and every text and number that its audit rows and new rows hold."""

    rows: Counter[str] = field(default_factory=Counter)
    batches: set[str] = field(default_factory=set)
    audit: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    said: set[str] = field(default_factory=set)


def note_changes(database: Database) -> None:
    """From now on each change of a row is noted."""
    with database.write() as session:
        session.execute(text(NOTED))
        for table in Base.metadata.sorted_tables:
            session.execute(
                text(
                    f'CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON "{table.name}" '
                    "FOR EACH ROW EXECUTE FUNCTION note_change()"
                )
            )


def changes(database: Database) -> dict[int, Transaction]:
    """What was noted, by transaction. Values are written as the audit trail writes them."""
    found: dict[int, Transaction] = defaultdict(Transaction)
    with database.read() as session:
        names = _names(session)
        for tx, table, was, became in session.execute(text("SELECT tx, tab, was, became FROM noted ORDER BY n")):
            row: dict[str, Any] = became or was
            if table == "audit":
                found[tx].audit.append((row["action"], row["patient_uuid"], row["object"]))
            else:
                found[tx].rows[table] += 1
                if row.get("batch_id") is not None:
                    found[tx].batches.add(row["batch_id"])
            if was is None:
                found[tx].said.update(values_in(row))
            else:
                found[tx].lost.extend(
                    Lost(table, path, _said(path[-1], value, names)) for path, value in _gone(was, became)
                )
    return dict(found)


def _gone(was: dict[str, Any], became: dict[str, Any] | None) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The columns of a row, and the keys within its JSON, whose value is no longer there."""
    for key, value in was.items():
        left = None if became is None else became.get(key)
        if isinstance(value, dict):
            inner = _gone(value, left if isinstance(left, dict) else None)
            yield from (((key, *path), one) for path, one in inner)
        elif value is not None and value != left:
            yield (key,), value


def _said(column: str, value: Any, names: dict[tuple[str, int], str]) -> Any:
    """A value as the audit trail says it: people and teams by name, weeks as on the rota, minutes as a clock."""
    if column in ("quiet_from", "quiet_to"):
        return f"{value // 60:02}:{value % 60:02}"
    if column == "monday":
        return week_name(date.fromisoformat(value))
    return names.get((column, value), value) if isinstance(value, int) else value


def _names(session: Session) -> dict[tuple[str, int], str]:
    teams = session.execute(text("SELECT id, name FROM team")).all()
    people = session.execute(text("SELECT id, email FROM person")).all()
    columns = ("person_id", "stand_in_id", "owner_id")
    return {("team_id", id): name for id, name in teams} | {
        (column, id): email for id, email in people for column in columns
    }


def values_in(value: Any) -> Iterator[str]:
    """Every text and number of a JSON value, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from values_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from values_in(inner)
    else:
        yield str(value)
