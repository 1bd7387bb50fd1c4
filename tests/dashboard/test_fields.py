"""The page that says who sees and changes which fields says what the code does."""

from __future__ import annotations

import re
from importlib import import_module

from clinical.protocol import Protocol
from dashboard.app import create_app
from dashboard.inventory import policy_dump, routes
from data.db import Database
from data.models import Base
from data.settings import Settings
from tests.docs.tables import ROOT, rows_below

PAGE = (ROOT / "docs" / "fields.md").read_text(encoding="utf-8")
ROLES = ("oncologist", "nurse", "admin", "auditor")
WORDS = {"allow": "all", "scope": "team", "deny": "-"}
WIDTH = ("deny", "scope", "allow")
TABLES = {row[0]: re.findall(r"`(\w+)`", row[1]) for row in rows_below(PAGE, "## Tables")}
SEEN = {row[0]: dict(zip(ROLES, row[1:5], strict=True)) for row in rows_below(PAGE, "## Classes and roles")}


def test_every_table_has_one_class_and_every_class_its_roles() -> None:
    listed = [table for tables in TABLES.values() for table in tables]
    assert sorted(listed) == sorted(Base.metadata.tables)
    assert SEEN.keys() == TABLES.keys()
    for table, column in re.findall(r"`(\w+)\.(\w+)`", PAGE.partition("Of another class")[2].partition("\n\n")[0]):
        assert column in Base.metadata.tables[table].columns, f"{table}.{column}"


def test_addresses_and_callbacks_are_open_to_the_roles_that_the_policy_dump_says(
    clinic: Database, web_settings: Settings, protocol: Protocol
) -> None:
    app = create_app(clinic, web_settings, protocol)
    public = {route["rule"] for route in routes(app) if route["public"]}
    found: dict[str, dict[str, str]] = {}
    for cell in policy_dump(app):
        target = str(cell["target"])
        if cell["kind"] == "callback":
            target = re.split(r"[-.]", target.strip("."))[0]
        elif target in public:
            continue
        if cell["role"] == "service":
            assert cell["decision"] == "deny", cell
            continue
        widest = found.setdefault(target, {}).get(cell["role"], "deny")
        found[target][cell["role"]] = max(widest, cell["decision"], key=WIDTH.index)
    told = {
        row[0].strip("`"): row[1:5] for heading in ("## Addresses", "## Callbacks") for row in rows_below(PAGE, heading)
    }
    assert told == {target: [WORDS[decisions[role]] for role in ROLES] for target, decisions in found.items()}


def test_a_role_sees_a_class_exactly_where_an_address_shows_it_to_the_role() -> None:
    shown: dict[str, set[str]] = {name: set() for name in TABLES}
    for row in rows_below(PAGE, "## Addresses"):
        for name in filter(None, re.split(r", ", row[5])):
            shown[name] |= {role for role, cell in zip(ROLES, row[1:5], strict=True) if cell != "-"}
    # The frame of every page, an admin's look at whose record it is, and what is shown where it is made.
    shown["operation"] |= {"oncologist", "nurse"}
    assert shown == {name: {role for role, said in by_role.items() if said != "-"} for name, by_role in SEEN.items()}


def test_the_roles_of_each_act_are_those_of_its_constant() -> None:
    for _act, roles, named in rows_below(PAGE, "## Narrower in the code"):
        module, _, constant = named.strip("`").rpartition(".")
        assert roles == ", ".join(sorted(getattr(import_module(module), constant))), named
