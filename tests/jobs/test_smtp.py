"""Each answer of a mail server, and each silence, is sorted by what it means for the mail."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from data.settings import Settings, SettingsError
from jobs.smtp import Answer, Route
from tests.mail_server import MailServer

pytestmark = pytest.mark.alone


@pytest.fixture
def route(settings: Settings) -> Iterator[Route]:
    found = Route(settings)
    yield found
    found.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and certificate for localhost and the authority that issued it, in one file. Nobody else trusts it."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(path)
    authority.cert_pem.write_to_path(path, append=True)
    return path


def send(route: Route, recipient: str = "ada@clinic.example") -> Answer:
    message = EmailMessage()
    message["Message-ID"] = "<1@nadir.example>"
    message.set_content("text\n.dot\n")
    return route.deliver(message, sender="nadir@nadir.example", recipient=recipient)


@pytest.mark.parametrize(
    ("mode", "outcome", "code", "reached", "stored"),
    [
        ("ok", "sent", 250, True, 1),
        ("450", "later", 450, True, 0),
        ("550", "refused", 550, True, 0),
        ("451 after DATA", "later", 451, True, 0),
        ("554 to all", "barred", 554, True, 0),
        ("drop after DATA", "later", None, True, 1),
        ("refused", "later", None, False, 0),
    ],
)
def test_an_answer_means(
    mail_server: MailServer, route: Route, mode: str, outcome: str, code: int | None, reached: bool, stored: int
) -> None:
    mail_server.behave(mode)
    answer = send(route)
    assert (answer.outcome, answer.code, answer.reached) == (outcome, code, reached)
    assert answer.text
    assert len(mail_server.delivered) == stored


def test_a_drop_after_data_says_that_the_mail_may_have_gone(mail_server: MailServer, route: Route) -> None:
    mail_server.behave("drop after DATA")
    assert "may have been accepted" in send(route).text


def test_one_connection_carries_many_mails_and_a_dead_one_is_replaced(mail_server: MailServer, route: Route) -> None:
    assert send(route).outcome == send(route).outcome == "sent"
    mail_server.behave("refused")
    mail_server.behave("ok")
    assert send(route).outcome == "sent"
    assert len(mail_server.delivered) == 3


def test_a_refused_recipient_does_not_spoil_the_next_mail(mail_server: MailServer, route: Route) -> None:
    mail_server.unknown = {"gone@clinic.example"}
    assert send(route, "gone@clinic.example").outcome == "refused"
    assert send(route).outcome == "sent"


def test_a_silent_server_means_later_and_costs_no_more_than_the_step(
    mail_server: MailServer, settings: Settings
) -> None:
    mail_server.behave("silent")
    begun = time.monotonic()
    answer = send(Route(settings, step_s=0.5))
    assert time.monotonic() - begun < 5
    assert (answer.outcome, answer.code, answer.reached) == ("later", None, False)
    assert answer.text


def test_a_wrong_password_bars_all_mails_and_the_right_one_sends(settings: Settings, tmp_path: Path) -> None:
    server = MailServer(password="the right one")
    server.behave("ok")
    secret = tmp_path / "password"
    with_login = settings.model_copy(
        update={"smtp_port": server.port, "smtp_user": "nadir", "smtp_password_file": secret}
    )
    secret.write_text("a wrong one\n")
    assert send(Route(with_login)).outcome == "barred"
    secret.write_text("the right one\n")
    assert send(Route(with_login)).outcome == "sent"
    assert send(Route(settings.model_copy(update={"smtp_port": server.port}))).outcome == "barred"
    server.close()


def test_a_server_without_starttls_gets_no_mail_where_it_is_asked_for(settings: Settings) -> None:
    server = MailServer()
    server.behave("ok")
    route = Route(settings.model_copy(update={"smtp_port": server.port, "smtp_tls": "starttls"}))
    assert send(route).outcome == "barred"
    assert server.delivered == []
    server.close()


@pytest.mark.parametrize("kind", ["starttls", "tls"])
def test_over_tls_only_a_server_with_a_trusted_certificate_gets_mail(
    settings: Settings, certificate: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = MailServer(**{kind: context})
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server.behave("ok")
    over_tls = settings.model_copy(update={"smtp_port": server.port, "smtp_tls": kind, "smtp_host": "localhost"})
    assert send(Route(over_tls)).outcome == "sent"
    monkeypatch.delenv("SSL_CERT_FILE")
    assert send(Route(over_tls)).outcome == "barred"
    assert len(server.delivered) == 1
    server.close()


def test_a_user_without_a_password_file_stops_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="NADIR_SMTP_PASSWORD_FILE"):
        Route(settings.model_copy(update={"smtp_user": "nadir"}))
