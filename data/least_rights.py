"""The rights on PostgreSQL of the role the processes run under: it changes no table, and nothing that stands for ever.

Tables belong to another role, which migrates, restores and moves. What stands for ever is read off the triggers that
refuse its change, so a table that a migration adds to them is among it; the rights are given anew after each upgrade.
A role without the right is refused also where a trigger was switched off. Nor may it open the gate through which an
erasure passes those triggers: identities are erased, and patients deleted, by the owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

from data.db import Database
from data.errors import BadInput
from data.models import Base, Erasing

REVISION: Final = "alembic_version"
GATE: Final = Erasing.__tablename__
_DELETE, _UPDATE = 8, 16
_FROZEN = text(
    "SELECT c.relname, p.proname, t.tgtype FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
    "JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE NOT t.tgisinternal AND p.proname IN ('refuse_change', 'refuse_unless_erasing', 'refuse_record_change')"
)


def grant_least(database: Database, role: str) -> None:
    """Give an existing role what the processes need, and take from it whatever else it had on our tables.

    Raises BadInput on SQLite, for an unknown role, and for one whose rights nothing can limit.
    """
    if database.is_sqlite:
        raise BadInput("SQLite has no roles: who can write the file can write everything")
    with database.engine.begin() as connection:
        _require_limitable(connection, role)
        quote = connection.dialect.identifier_preparer.quote
        everything = ", ".join(quote(name) for name in (*Base.metadata.tables, REVISION))
        connection.execute(text(f"REVOKE ALL ON {everything} FROM {quote(role)}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quote(role)}"))
        connection.execute(text(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quote(role)}"))
        for table, rights in _needed(connection):
            connection.execute(text(f"GRANT {rights} ON {quote(table)} TO {quote(role)}"))


def role_troubles(connection: Connection) -> list[str]:
    """What the role of this connection lacks or has too much of, a line each; nothing on SQLite."""
    if connection.dialect.name == "sqlite":
        return []
    return [*_lacking(connection), *_too_much(connection)]


def _needed(connection: Connection) -> Iterator[tuple[str, str]]:
    frozen = _frozen(connection)
    yield REVISION, "SELECT"
    for table in Base.metadata.tables:
        refused = frozen.get(table, set())
        rights = ["SELECT", "INSERT", *(right for right in ("UPDATE", "DELETE") if right not in refused)]
        if "UPDATE (superseded_by)" in refused:
            rights = ["SELECT", "INSERT", "UPDATE (superseded_by)"]
        if table == GATE:
            rights = ["SELECT"]
        yield table, ", ".join(rights)


def _frozen(connection: Connection) -> dict[str, set[str]]:
    """By table the rights that a trigger makes worthless."""
    found: dict[str, set[str]] = {}
    for table, function, kind in connection.execute(_FROZEN):
        refused = found.setdefault(table, set())
        if function == "refuse_record_change":
            refused.add("UPDATE (superseded_by)")
            continue
        refused |= {right for right, bit in (("DELETE", _DELETE), ("UPDATE", _UPDATE)) if kind & bit}
    return found


def _require_limitable(connection: Connection, role: str) -> None:
    row = connection.execute(
        text("SELECT rolsuper, oid = current_user::regrole FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).one_or_none()
    if row is None:
        raise BadInput(f"there is no role {role!r}; make it first: CREATE ROLE {role} LOGIN PASSWORD ...")
    if row[0] or row[1]:
        raise BadInput(f"{role!r} is a superuser or owns the tables: nothing limits it; name another role")


def _lacking(connection: Connection) -> Iterator[str]:
    for table, rights in _needed(connection):
        for right in (one for one in rights.split(", ") if "(" not in one):
            held = text("SELECT has_table_privilege(:table, :right)")
            if not connection.execute(held, {"table": f'"{table}"', "right": right}).scalar_one():
                yield f"this role may not {right} {table}: let the owner run `nadir db grant ROLE`"


def _too_much(connection: Connection) -> Iterator[str]:
    for table, refused in sorted(_frozen(connection).items()):
        for right in sorted(refused - {"UPDATE (superseded_by)"}):
            held = text("SELECT has_table_privilege(:table, :right)")
            if connection.execute(held, {"table": f'"{table}"', "right": right}).scalar_one():
                yield f"this role may {right} {table}, which stands for ever: run the processes under another one"
