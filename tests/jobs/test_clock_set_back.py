"""The clock of a machine ran ahead and was set back: what was written meanwhile waits for nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from data.outbox import LEASE, Answer, claim, settle
from tests.jobs.conftest import Clinic

AHEAD = timedelta(hours=26)
ALMOST_A_DAY = timedelta(hours=23)
"""An urgent mail is given up, and told to the admins, after a day."""


def claimed(clinic: Clinic, at: datetime) -> str | None:
    """The id of the mail that a sender would take at that moment."""
    with clinic.database.write() as session:
        mail = claim(session, at)
    return None if mail is None else mail.id


def test_a_mail_written_by_a_clock_ahead_is_due(clinic: Clinic, now: datetime) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent", now=now + AHEAD)
    assert claimed(clinic, now) is not None


def test_a_mail_in_the_hands_of_a_sender_killed_under_a_clock_ahead_is_taken_up(clinic: Clinic, now: datetime) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    first = claimed(clinic, now + AHEAD)
    assert first is not None
    assert claimed(clinic, now) == first


def test_a_mail_put_off_under_a_clock_ahead_is_tried_again(clinic: Clinic, now: datetime) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    with clinic.database.write() as session:
        mail = claim(session, now + ALMOST_A_DAY)
        assert mail is not None
        assert settle(session, mail, Answer("retry", 450, "busy"), now=now + ALMOST_A_DAY) == "retry"
    assert claimed(clinic, now) == mail.id


def test_clocks_of_two_machines_may_differ_by_seconds_without_a_mail_in_two_hands(
    clinic: Clinic, now: datetime
) -> None:
    clinic.employ("ada@clinic.example")
    clinic.raise_flag("urgent")
    assert claimed(clinic, now + LEASE / 2) is not None
    assert claimed(clinic, now) is None
