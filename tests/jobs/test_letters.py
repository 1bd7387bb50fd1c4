"""What a mail says, read by the person woken by it: severity, by when, where, whom to call. Never whom it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.deadlines import working_days_after
from data.settings import Settings
from jobs.letters import Desk
from jobs.tongues import TONGUES

FRIDAY = datetime(2026, 3, 6, 9, 12, tzinfo=UTC)
DIGEST = {
    "new": 3,
    "open": {"urgent": 1, "high": 2, "medium": 3, "low": 0},
    "judged": 59,
    "failing": 1,
    "swept_at": FRIDAY.isoformat(),
}
DOWN = {
    "letter": "downtime",
    "down_from": (FRIDAY - timedelta(hours=26)).isoformat(),
    "down_to": FRIDAY.isoformat(),
    "missed": {"urgent": 1, "high": 2, "medium": 3},
}
LATE = {"down_from": DOWN["down_from"], "waiting_from": (FRIDAY - timedelta(hours=20)).isoformat()}
REMINDER = {"letter": "reminder", "owed": {"checks": 2, "injections_late": 1, "injections": 4, "low": 1}}


@dataclass(frozen=True)
class Row:
    kind: str = "immediate"
    severity: str = "urgent"
    counts: dict[str, Any] | None = None
    recipient: str = "ada@clinic.example"
    language: str | None = None
    flag_id: str | None = "7d1f"
    message_id: str = "<7d1f@nadir.example>"
    created_at: datetime = FRIDAY
    corrects: str | None = None

    @property
    def page(self) -> str:
        """Where the mail leads to."""
        if self.kind == "immediate" and self.flag_id is not None:
            return f"flag/{self.flag_id}"
        asks = self.counts or {}
        return "me" if asks.get("answer") or asks.get("reason") in ("rota-gap", "test-unanswered") else ""


ROWS = [
    Row(),
    Row(severity="high"),
    Row(severity="high", corrects="6c0e"),
    Row(kind="digest", severity="medium", counts=DIGEST, flag_id=None),
    Row(kind="digest", severity="medium", counts={**DIGEST, "new_high": 1}, flag_id=None),
    *(Row(severity=severity, counts={"rung": 1, "since": FRIDAY.isoformat()}) for severity in ("urgent", "high")),
    Row(severity="medium", counts={"rung": 1, "since": FRIDAY.isoformat()}),
    *(Row(severity="medium", counts={"more": more}, flag_id=None) for more in (1, 7)),
    Row(kind="test", severity="low", flag_id=None),
    Row(kind="test", severity="technical", counts={"answer": True}, flag_id=None),
    *(
        Row(kind="technical", severity="technical", counts=counts)
        for counts in (
            {"reason": "no-recipient"},
            {"reason": "mail-dead"},
            {"reason": "mail-barred"},
            {"reason": "patients-not-judged", "patients": 2},
            {"reason": "not-acknowledged"},
            *({"reason": "rota-gap", "gaps": n, "days": n - 1} for n in (1, 2, 3)),
            *({"reason": "test-unanswered", "tests": n} for n in (1, 2)),
            {"reason": "emergency", "number": "0b9c"},
            {"reason": "reading-pace", "looks": 200},
            {"reason": "feed-silent", "feeds": 1},
            {"reason": "invariant-broken"},
            {"reason": "audit-broken"},
        )
    ),
    Row(severity="urgent", counts=LATE),
    Row(kind="digest", severity="medium", counts=DOWN, flag_id=None),
    Row(kind="digest", severity="medium", counts=REMINDER, flag_id=None),
]


def write(settings: Settings, row: Row, *, after: timedelta = timedelta(0)) -> EmailMessage:
    sent = Desk(settings).write(row, now=FRIDAY + after)
    received = message_from_bytes(sent.as_bytes(), policy=default)
    assert isinstance(received, EmailMessage)
    return received


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_an_urgent_mail_says_today_where_and_whom_to_call(settings: Settings) -> None:
    message = write(settings, Row())
    assert message["Subject"] == "Nadir: 1 urgent flag to review today"
    text = text_of(message)
    assert text.startswith("An urgent flag needs your review today.\n\nhttps://nadir.example/flag/7d1f\n")
    assert "Raised Friday 6 March 2026, 10:12 (Europe/Berlin)." in text
    assert "+49 89 123456" in text
    assert message["Importance"] == "high"


def test_a_high_mail_names_the_date_three_working_days_on(settings: Settings) -> None:
    assert write(settings, Row(severity="high"))["Subject"] == (
        "Nadir: 1 flag of high severity to review by Wednesday 11 March 2026"
    )


def test_a_mail_that_was_held_up_says_so(settings: Settings) -> None:
    assert "This mail comes late" in text_of(write(settings, Row(), after=timedelta(hours=1)))
    assert "comes late" not in text_of(write(settings, Row(), after=timedelta(minutes=5)))


def test_a_digest_counts_and_says_when_who_was_judged(settings: Settings) -> None:
    message = write(settings, ROWS[3])
    assert message["Subject"] == "Nadir: daily digest, 3 new flags to review"
    text = " ".join(text_of(message).split())
    assert "1 urgent, 2 high, 3 medium, 0 low" in text
    assert "Last sweep: Friday 6 March 2026, 10:12 (Europe/Berlin)." in text
    assert "59 patients are judged by the rules; 1 could not be judged." in text


def test_an_empty_digest_is_still_a_sign_of_life(settings: Settings) -> None:
    message = write(settings, Row(kind="digest", severity="medium", flag_id=None, counts={**DIGEST, "new": 0}))
    assert message["Subject"] == "Nadir: daily digest, nothing new"
    assert "No medium flag was raised" in text_of(message)


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row.kind}-{row.severity}-{(row.counts or {}).get('reason', '')}"
)
def test_every_mail_is_plain_text_first_with_the_same_words_in_html(settings: Settings, row: Row) -> None:
    message = write(settings, row)
    html = message.get_body(("html",))
    assert html is not None
    page = _Page(str(html.get_content()))
    assert " ".join(text_of(message).split()) == page.words
    assert page.links == [link for link in page.links if link.startswith("https://nadir.example/")] != []
    assert page.loads == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_every_mail_is_marked_as_made_by_a_machine_and_keeps_its_message_id(settings: Settings, row: Row) -> None:
    first, second = write(settings, row), write(settings, row, after=timedelta(hours=2))
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == second["Message-ID"] == row.message_id
    assert first["From"] == "nadir@nadir.example"
    assert first["To"] == "ada@clinic.example"


def test_redirected_mail_goes_to_the_one_address_and_says_test(settings: Settings) -> None:
    redirected = settings.model_copy(update={"mail_redirect": "trial@clinic.example"})
    message = write(redirected, Row())
    assert Desk(redirected).addressee(Row()) == message["To"] == "trial@clinic.example"
    assert message["Subject"] == "TEST Nadir: 1 urgent flag to review today"
    assert text_of(message).startswith("TEST: redirected")


def test_a_person_is_written_to_in_the_language_they_read_nadir_in(settings: Settings) -> None:
    message = write(settings, Row(language="de"))
    assert message["Subject"] == "Nadir: bitte heute prüfen: 1 dringender Hinweis"
    assert "Entstanden am Freitag, 6. März 2026, 10:12 (Europe/Berlin)." in text_of(message)
    assert "+49 89 123456 an." in text_of(message)
    high = write(settings, Row(severity="high", language="de"))
    assert high["Subject"] == "Nadir: bitte bis Mittwoch, 11.03.2026 prüfen: 1 Hinweis hoher Dringlichkeit"
    assert write(settings, Row(language="tlh"))["Subject"] == write(settings, Row())["Subject"]
    page = message.get_body(("html",))
    assert page is not None
    assert '<html lang="de">' in page.get_content()


@pytest.mark.parametrize("code", sorted(set(TONGUES) - {"en"}))
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}-{(row.counts or {}).get('reason', '')}")
def test_every_mail_is_written_in_every_language_and_keeps_its_link(settings: Settings, row: Row, code: str) -> None:
    english, other = write(settings, row), write(settings, replace(row, language=code))
    both = [set(text_of(message).split("\n\n")) for message in (english, other)]
    assert both[0] & both[1] == {f"https://nadir.example/{row.page}"}
    assert other["Subject"] != english["Subject"]


@pytest.mark.parametrize("address", ["a@b.example\r\nBcc: x@y.example", "a@b, c@d", "nobody", "", "a b@c.example"])
def test_an_address_that_is_none_makes_no_letter(settings: Settings, address: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        Desk(settings).write(Row(recipient=address), now=FRIDAY)


def test_a_sender_with_a_display_name_has_a_plain_envelope(settings: Settings) -> None:
    named = settings.model_copy(update={"mail_from": "Nadir, St. Anna <nadir@clinic.example>"})
    assert Desk(named).sender == "nadir@clinic.example"
    assert write(named, Row())["From"].addresses[0].display_name == "Nadir, St. Anna"


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 30))
def test_working_days_are_counted_one_by_one_and_end_on_one(day: date, count: int) -> None:
    end = working_days_after(day, count)
    passed = [day + timedelta(days=n) for n in range(1, (end - day).days + 1)]
    assert sum(d.weekday() < 5 for d in passed) == count
    assert end == day or end.weekday() < 5


class _Page(HTMLParser):
    """The words, links and loaded things of an HTML text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self._texts: list[str] = []
        self._in_head = True
        self.feed(html)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_head = self._in_head and tag != "body"
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.loads += [value or "" for name, value in attrs if name in ("src", "srcset", "background")]

    def handle_data(self, data: str) -> None:
        if not self._in_head:
            self._texts.append(data)


def test_a_mail_after_downtime_says_since_when_the_data_waited(settings: Settings) -> None:
    text = " ".join(text_of(write(settings, Row(counts=LATE))).split())
    assert "This mail comes late: Nadir judged nothing from Thursday 5 March 2026, 08:12 (Europe/Berlin) on." in text
    assert "New data of this patient had been waiting since Thursday 5 March 2026, 14:12 (Europe/Berlin);" in text
    assert "the flag was raised Friday 6 March 2026, 10:12" in text


def test_one_mail_counts_what_was_missed_while_the_system_was_down(settings: Settings) -> None:
    message = write(settings, Row(kind="digest", severity="medium", counts=DOWN, flag_id=None))
    assert message["Subject"] == "Nadir: the system was down, 6 flags were raised late"
    text = " ".join(text_of(message).split())
    assert "from Thursday 5 March 2026, 08:12 (Europe/Berlin) until Friday 6 March 2026, 10:12" in text
    assert "Raised for you: 1 urgent, 2 high, 3 medium." in text


def test_a_digest_with_nothing_to_report_says_how_many_were_judged_and_where_the_audit_trail_stands(
    settings: Settings,
) -> None:
    nothing = {"new": 0, "open": dict.fromkeys(("urgent", "high", "medium", "low"), 0), "judged": 412, "failing": 0}
    counts = {**nothing, "swept_at": FRIDAY.isoformat(), "anchor": {"seq": 17, "mac": "ab" * 32}}
    text = " ".join(text_of(write(settings, Row(kind="digest", severity="medium", counts=counts))).split())
    assert "Nothing to report: 412 patients judged, the last sweep Friday 6 March 2026, 10:12" in text
    assert f"row 17, signature {'ab' * 32}" in text


@pytest.mark.parametrize(
    ("language", "low", "said"),
    [
        ("en", 1, "1 low flag was raised in the last 7 days and waits on the worklist for the next visit."),
        ("en", 3, "3 low flags were raised in the last 7 days and wait on the worklist for the next visit."),
        ("de", 1, "kam 1 Hinweis niedriger Dringlichkeit hinzu; er steht"),
        ("de", 3, "kamen 3 Hinweise niedriger Dringlichkeit hinzu; sie stehen"),
        ("en", 0, None),
        ("en", None, None),
    ],
)
def test_the_weekly_mail_counts_low_flags_and_one_written_before_they_were_counted_still_leaves(
    settings: Settings, language: str, low: int | None, said: str | None
) -> None:
    owed = {"checks": 0, "injections_late": 0, "injections": 1} | ({} if low is None else {"low": low})
    row = Row(kind="digest", severity="medium", counts={"letter": "reminder", "owed": owed}, flag_id=None)
    text = " ".join(text_of(write(settings, replace(row, language=language))).split())
    assert (said in text) if said else "low flag" not in text
