"""Exit codes and one-line errors of the command line."""

from __future__ import annotations

import pytest


def test_a_database_that_was_never_migrated_is_exit_3(nadir):
    ran = nadir("flag", "list")
    assert ran.code == 3
    assert "nadir db upgrade" in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_an_unknown_setting_stops_the_start_and_is_named(nadir):
    ran = nadir("db", "upgrade", NADIR_SWEEPS="20")
    assert ran.code == 2
    assert "NADIR_SWEEPS" in ran.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NADIR_SWEEP_S", "often"),
        ("NADIR_SWEEP_S", "0"),
        ("NADIR_SITE_TIMEZONE", "Mars/Olympus"),
        ("NADIR_SMTP_TLS", "maybe"),
        ("NADIR_SMTP_PORT", "99999"),
        ("NADIR_MAIL_FROM", "notmail"),
        ("NADIR_BASE_URL", "foo"),
        ("NADIR_BASE_PATH", "foo"),
        ("NADIR_BASE_PATH", "/a b"),
        ("NADIR_BASE_PATH", "/elsewhere"),
        ("NADIR_PROXY_HOPS", "-2"),
        ("NADIR_IDLE_S", "-1"),
    ],
)
def test_an_unusable_setting_is_named_with_its_value(nadir, name, value):
    ran = nadir("db", "upgrade", **{name: value})
    assert ran.code == 2
    assert name in ran.err
    assert value in ran.err


def test_a_key_that_others_can_read_is_refused(nadir, home):
    (home / "var" / "audit.key").chmod(0o644)
    ran = nadir("db", "upgrade")
    assert ran.code == 2
    assert "NADIR_AUDIT_KEY_FILE" in ran.err


def test_an_unknown_command_or_option_is_exit_2(nadir):
    assert nadir("swep").code == 2
    assert nadir("sweep", "--fast").code == 2


def test_a_moment_without_zone_is_refused(nadir):
    assert nadir("db", "upgrade").code == 0
    ran = nadir("sweep", "--as-of", "2026-03-01T06:00:00")
    assert ran.code == 2
    assert "zone" in ran.err


def test_an_unknown_patient_is_exit_2_and_named(nadir):
    assert nadir("db", "upgrade").code == 0
    ran = nadir("record", "list", "--patient", "NOBODY")
    assert ran.code == 2
    assert "NOBODY" in ran.err


def test_a_missing_file_is_exit_2(nadir):
    assert nadir("db", "upgrade").code == 0
    ran = nadir("import", "absent.json")
    assert ran.code == 2
    assert "absent.json" in ran.err


@pytest.mark.parametrize("url", ["foo", "mysql://x/y"])
def test_a_database_of_another_kind_is_refused_and_named(nadir, url):
    ran = nadir("flag", "list", NADIR_DATABASE_URL=url)
    assert ran.code == 2
    assert "NADIR_DATABASE_URL" in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_file_that_is_no_database_is_exit_3(nadir, home):
    (home / "junk.db").write_bytes(b"no database " * 500)
    ran = nadir("flag", "list", NADIR_DATABASE_URL="sqlite:///junk.db")
    assert ran.code == 3
    assert "not a database" in ran.err
    assert len(ran.err.strip().splitlines()) == 1


@pytest.mark.parametrize("path", ["absent.toml", "var"])
def test_a_protocol_file_that_cannot_be_read_is_named(nadir, path):
    ran = nadir("rules", NADIR_PROTOCOL_FILE=path)
    assert ran.code == 2
    assert path in ran.err


def test_an_item_number_beyond_all_counting_is_not_there(nadir):
    assert nadir("db", "upgrade").code == 0
    ran = nadir("quarantine", "retry", "99999999999999999999")
    assert ran.code == 2
    assert "no item" in ran.err


def test_a_port_that_does_not_exist_is_refused(nadir):
    assert nadir("serve", "--port", "99999").code == 2


def test_a_replay_that_ends_before_it_begins_is_refused(nadir):
    assert nadir("db", "upgrade").code == 0
    ran = nadir("replay", "--patient", "P1", "--from", "2025-01-01", "--to", "2024-01-01")
    assert ran.code == 2
    assert "2025-01-01" in ran.err
