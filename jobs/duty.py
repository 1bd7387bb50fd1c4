"""The jobs of who is told: unanswered flags are carried further, holes in the rota and silent people are found."""

from __future__ import annotations

from datetime import datetime, timedelta

from data.announcing import MailPolicy
from data.db import Database
from data.duty_tests import alarm_of_silence, send_due_tests
from data.escalation import Patience, climb, unanswered
from data.passing_on import pass_on, stranded_mails
from data.rota_watch import watch_rota
from data.settings import Settings
from jobs.runs import Counts, Fence


def escalate(database: Database, policy: MailPolicy, waits: Patience, *, now: datetime, fence: Fence) -> Counts:
    """Carry every flag with a rung due one further, each in a transaction of its own; counts of flags and mails.

    What a sender left behind when it was ended is taken up too: mails given up whose next person was not told.
    """
    with database.read() as session:
        flags, stranded = unanswered(session, waits, now=now), stranded_mails(session)
    mails = 0
    for outbox_id in stranded:
        with database.write() as session:
            mails += pass_on(session, outbox_id, policy, now=now)
            fence(session)
    for flag_id in flags:
        with database.write() as session:
            mails += climb(session, flag_id, policy, waits, now=now)
            fence(session)
    return {"flags": len(flags), "passed_on": len(stranded), "mails": mails}


def tend_rota(database: Database, policy: MailPolicy, settings: Settings, *, now: datetime, fence: Fence) -> Counts:
    """Look a week ahead for holes in the rota, and send and follow up the weekly test alerts; counts of each."""
    answer_in = timedelta(seconds=settings.test_alert_answer_s)
    with database.write() as session:
        gaps = watch_rota(session, policy, now=now)
        tests = send_due_tests(session, policy, settings.test_alert_at, now=now)
        silent = alarm_of_silence(session, policy, answer_in, now=now)
        fence(session)
    return {"gaps": gaps, "tests": tests, "silent": silent}
