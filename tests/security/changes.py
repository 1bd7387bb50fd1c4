"""Each row that changes in PostgreSQL, with its transaction: noted by triggers, whatever in Nadir made the change."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from data.db import Database
from data.models import Base

NOTED = """
CREATE TABLE noted (n bigserial PRIMARY KEY, tx bigint NOT NULL, tab text NOT NULL, op text NOT NULL, was jsonb);
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) = to_jsonb(OLD) THEN RETURN NULL; END IF;
  INSERT INTO noted (tx, tab, op, was)
  VALUES (txid_current(), TG_TABLE_NAME, TG_OP, CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END);
  RETURN NULL;
END $$;
"""


@dataclass
class Transaction:
    """What one transaction changed: rows by table, the batches they came with, and the audit rows it wrote: action,
    patient and object."""

    rows: Counter[str] = field(default_factory=Counter)
    batches: set[str] = field(default_factory=set)
    audit: list[tuple[str, str | None, str | None]] = field(default_factory=list)


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
    """What was noted, by transaction."""
    found: dict[int, Transaction] = defaultdict(Transaction)
    with database.read() as session:
        for tx, table, was in session.execute(text("SELECT tx, tab, was FROM noted ORDER BY n")):
            row: dict[str, Any] = was
            if table == "audit":
                found[tx].audit.append((row["action"], row["patient_uuid"], row["object"]))
            else:
                found[tx].rows[table] += 1
                if row.get("batch_id") is not None:
                    found[tx].batches.add(row["batch_id"])
    return dict(found)
