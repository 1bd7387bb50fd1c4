"""Backup, restore, drill and move on the command line: codes, lines and documents."""

from __future__ import annotations

import secrets


def test_a_clinic_is_backed_up_restored_drilled_and_moved(nadir, home):
    assert nadir("db", "upgrade").code == 0
    assert nadir("team", "add", "NET").code == 0
    refused = nadir("backup", "kept.backup")
    assert refused.code == 2
    assert "NADIR_BACKUP_KEY_FILE" in refused.err
    assert not (home / "kept.backup").exists()

    key = home / "backup.key"
    key.write_text(secrets.token_urlsafe(48))
    key.chmod(0o600)
    keyed = {"NADIR_BACKUP_KEY_FILE": str(key)}
    made = nadir("backup", "kept.backup", "--json", **keyed)
    assert (made.code, made.document["tables"]["team"]) == (0, 1)
    assert made.document["rows"] == sum(made.document["tables"].values())
    again = nadir("backup", "kept.backup", **keyed)
    assert again.code == 2
    assert "kept.backup" in again.err

    drilled = nadir("restore", "kept.backup", "--drill", "--json", **keyed)
    assert (drilled.code, drilled.document["tables"]) == (0, made.document["tables"])
    occupied = nadir("restore", "kept.backup", **keyed)
    assert occupied.code == 2
    assert "not empty" in occupied.err
    assert nadir("restore", "kept.backup", "--replace", **keyed).code == 0
    assert nadir("audit", "verify").code == 0
    elsewhere = nadir("restore", "kept.backup", NADIR_DATABASE_URL="sqlite:///var/elsewhere.db", **keyed)
    assert elsewhere.code == 0

    moved = nadir("db", "copy", "--to", "sqlite:///var/moved.db", "--json")
    assert (moved.code, moved.document["tables"]["team"]) == (0, 1)
    assert nadir("audit", "verify", NADIR_DATABASE_URL="sqlite:///var/moved.db").code == 0
    assert nadir("db", "copy", "--to", "sqlite:///var/moved.db").code == 2


def test_a_file_that_is_no_backup_is_refused_by_name(nadir, home):
    key = home / "backup.key"
    key.write_text(secrets.token_urlsafe(48))
    key.chmod(0o600)
    (home / "letter.backup").write_text("not a backup")
    ran = nadir("restore", "letter.backup", NADIR_BACKUP_KEY_FILE=str(key))
    assert ran.code == 2
    assert "letter.backup" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
