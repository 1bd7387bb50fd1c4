"""The inventory of keys and cryptography holds every secret the settings name and every module that takes a library."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from data.settings import Settings
from tests.docs.tables import ROOT, parsed, rows_below, sources

PAGE = (ROOT / "docs" / "cryptography.md").read_text(encoding="utf-8")
LIBRARIES = frozenset(
    {
        *("argon2", "authlib", "bcrypt", "crypt", "Crypto", "cryptography", "hashlib", "hmac", "itsdangerous", "jose"),
        *("joserfc", "jwt", "nacl", "OpenSSL", "passlib", "pyotp", "pyrage", "random", "secrets", "ssl"),
    }
)
SECRET = re.compile(r".*(_key_file|_key_previous_files|_secret_file|_password_file|_token_file)")


def test_every_use_of_cryptography_stands_in_the_inventory_and_nothing_else():
    told = {
        (library, path)
        for row in rows_below(PAGE, "## Inventory")
        for library in re.findall(r"`(\w+)`", row[0])
        for path in re.findall(r"`([^`]+)`", row[1])
    }
    used = set(_uses())
    assert len(used) > 40
    assert told == used


def test_every_secret_of_the_settings_has_a_life():
    told = {name for row in rows_below(PAGE, "## Life of the keys") for name in re.findall(r"`NADIR_(\w+)`", row[0])}
    assert told >= {name.upper() for name in Settings.model_fields if SECRET.fullmatch(name)}
    assert all(len(row) == 7 and all(row) for row in rows_below(PAGE, "## Life of the keys") if len(row) != 4)


def test_scripts_take_randomness_from_one_place():
    scripts = [path for path in sorted((ROOT / "dashboard" / "assets").rglob("*.js")) if ".min." not in path.name]
    found = {p.name: re.findall(r"crypto\.\w+|Math\.random", p.read_text(encoding="utf-8")) for p in scripts}
    assert {name: uses for name, uses in found.items() if uses} == {"entry-whole.js": ["crypto.getRandomValues"]}


def _uses() -> Iterator[tuple[str, str]]:
    for path in sources():
        for node in ast.walk(parsed(path)):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                if (library := name.partition(".")[0]) in LIBRARIES:
                    yield library, str(path.relative_to(ROOT))
