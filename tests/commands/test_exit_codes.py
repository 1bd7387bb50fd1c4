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
    [("NADIR_SWEEP_S", "often"), ("NADIR_SITE_TIMEZONE", "Mars/Olympus"), ("NADIR_SMTP_TLS", "maybe")],
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
