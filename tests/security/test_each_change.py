"""L2 as a whole: many kinds of writing, and no row of a patient, a person or a setting changes without an audit row.

PostgreSQL itself notes each changed row and its transaction, so it does not matter which way the change came.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from clinical.protocol import Protocol
from dashboard.app import create_app
from data.db import Database
from data.errors import BadInput
from data.settings import Settings
from tests.dashboard.conftest import Web
from tests.security.acts import acts
from tests.security.changes import Transaction, changes, note_changes, values_in
from tests.security.second_thoughts import second_thoughts
from tests.security.wards import Wards, furnish

pytestmark = pytest.mark.timeout(900)
# Nothing of a patient, a person or a setting: sign-ins as such, throttles, how far jobs are, what is computed again,
# a second factor that is begun and not in force; and what came in as it came, which says itself from whom and when.
MACHINERY = frozenset(
    [
        *("audit_head", "audit_reason", "session", "known_device", "throttle", "leader", "watermark", "sweep_part"),
        *(
            "second_factor",
            "batch",
            "feed",
            "hl7_message",
            "job_run",
            "job_plan",
            "job_request",
            "gap",
            "glance",
            "judgement",
            "erasing",
            "noted",
        ),
    ]
)
# What is reckoned from rows that stay, the states of a mail, which are their own log, and what must not be kept.
RECKONED = MACHINERY | {"patient_survivor", "outbox", "entry_draft"}
# Counters, secrets, and what the row written then says: when an address was switched off, who proposed a threshold.
UNSAID = frozenset(
    [*("id", "version", "password_hash", "token_hash"), *("off_at", "at", "who", "reason", "source")],
)
# Of a flag the history keeps what was judged when; the finding of now is reckoned from the records.
OF_A_FLAG = frozenset(
    ("flag", column)
    for column in (
        *("finding", "evidence_digest", "as_of", "question", "first_evidence_at", "why", "protocol_version"),
        *("resolved_at", "cleared_at", "reopened_at"),
    )
)
# Acts that take values away for good: it is what they are for.
FOR_GOOD = frozenset({"patient.erase", "patient.delete", "retention.apply"})
CHANGED = frozenset(
    [
        *("flag.status", "data_query.state", "quarantine.state", "protocol_draft.value"),
        *("person.role", "person.language", "person.glucagon-unit", "person_team.team_id"),
        *("rota_week.person_id", "stand_in.stand_in_id", "team_lead.person_id", "subscription.how"),
        *("mail_choice.zone", "mail_choice.quiet_from", "mail_choice.off_why"),
    ]
)
# What waits for a person and is in no record yet may have its audit row with the end of its batch.
WAITING = frozenset({"quarantine", "identity_proposal"})


@pytest.fixture
def watched(postgresql_database: Database, web_settings: Settings, protocol: Protocol, tmp_path: Path) -> Wards:
    """The wards on PostgreSQL, each change noted."""
    web = Web(create_app(postgresql_database, web_settings, protocol), postgresql_database, web_settings)
    wards = furnish(web, tmp_path)
    note_changes(postgresql_database)
    return wards


def test_no_row_changes_without_an_audit_row_of_its_transaction(
    watched: Wards, protocol: Protocol, tmp_path: Path
) -> None:
    done = Counter[str]()
    for kind, act in (*acts(watched, protocol, tmp_path), *second_thoughts(watched, protocol)):
        try:
            act()
        except (BadInput, LookupError, PermissionError) as refused:
            print(f"L2: a {kind} was refused: {refused}")
        else:
            done[kind] += 1
    rows, named, bare = Counter[str](), Counter[str](), dict[str, Transaction]()
    noted = changes(watched.web.database)
    batches = {object for transaction in noted.values() for _action, _uuid, object in transaction.audit}
    for transaction in noted.values():
        written = {table: n for table, n in transaction.rows.items() if table not in MACHINERY}
        rows.update(written)
        if any(uuid for _action, uuid, _object in transaction.audit):
            named.update(written)
        named_later = set(written) <= WAITING and {f"batch {one}" for one in transaction.batches} <= batches
        if written and not transaction.audit and not named_later:
            bare.setdefault(" ".join(sorted(written)), transaction)
    print(f"L2: {done.total()} acts, {dict(done)}")
    for table, count in sorted(rows.items()):
        print(f"L2: {table}: {count} rows changed, {named[table]} beside a row that names the patient")
    print(
        f"L2: {rows.total()} rows of {len(rows)} tables changed, {len(bare)} kinds of transaction without an audit row"
    )
    assert not bare, "\n".join(f"{kind}: {transaction}" for kind, transaction in bare.items())
    assert {"record", "flag", "patient_merge", "person", "quarantine", "data_query", "entry_save", "correction"} <= set(
        rows
    )


def test_what_a_row_no_longer_says_is_said_by_the_trail(watched: Wards, protocol: Protocol, tmp_path: Path) -> None:
    for _kind, act in (*acts(watched, protocol, tmp_path), *second_thoughts(watched, protocol)):
        with suppress(BadInput, LookupError, PermissionError):
            act()
    compared, unsaid = Counter[str](), []
    for transaction in changes(watched.web.database).values():
        if FOR_GOOD & {action for action, _uuid, _object in transaction.audit}:
            continue
        for lost in transaction.lost:
            if lost.table in RECKONED or lost.path[-1] in UNSAID or (lost.table, lost.path[0]) in OF_A_FLAG:
                continue
            compared[f"{lost.table}.{lost.path[-1]}"] += 1
            if not set(values_in(lost.value)) <= transaction.said:
                unsaid.append((lost, transaction.audit))
    for column, count in sorted(compared.items()):
        print(f"L2: {column}: {count} values overwritten or taken away")
    print(f"L2: {compared.total()} values of {len(compared)} columns, {len(unsaid)} of them neither audited nor kept")
    assert not unsaid, "\n".join(map(str, unsaid))
    assert set(compared) >= CHANGED
