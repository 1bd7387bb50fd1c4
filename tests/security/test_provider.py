"""Signing in through a real OpenID Connect provider: npm's oidc-provider, which the test installs for itself."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit, urlunsplit

import pyotp
import pytest
import requests
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, select
from werkzeug.serving import make_server

from data.models import Audit, Person
from data.people import Actor, add_person, disable, person_actor, set_role
from data.second_factor import begin_second_factor, confirm_second_factor
from tests.dashboard.conftest import Web

VERSION = "9.13.3"
ONC = "onc@north.example"
ROOT = Actor.system("test")
WAIT_S = 10


@dataclass
class Clinic:
    """Nadir and the provider, both on ports of this machine."""

    web: Web
    url: str
    issuer: str

    def people(self) -> int:
        """How many accounts there are."""
        with self.web.database.read() as session:
            return session.scalar(select(func.count()).select_from(Person)) or 0

    def trail(self) -> list[tuple[str, str | None]]:
        """Outcome and reason of each sign-in by provider."""
        with self.web.database.read() as session:
            rows = session.scalars(select(Audit).where(Audit.action == "signin.provider").order_by(Audit.seq))
            return [(row.outcome, (row.detail or {}).get("why")) for row in rows]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the repository with the provider in it."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.fail("npm and node are missing: apt-get install npm (make test-security needs a real provider)")
    folder = tmp_path_factory.mktemp("provider")
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", f"oidc-provider@{VERSION}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    shutil.copyfile(Path(__file__).with_name("provider.mjs"), folder / "provider.mjs")
    return folder


@pytest.fixture
def clinic_with_provider(installed: Path, assembled: Callable[..., Web], tmp_path: Path) -> Iterator[Clinic]:
    port, provider_port = _free_ports()
    url, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{provider_port}"
    secret = secrets.token_urlsafe(24)
    file = tmp_path / "client.secret"
    file.write_text(secret)
    file.chmod(0o600)
    environment = {**os.environ, "PORT": str(provider_port), "BASE": url, "CLIENT_SECRET": secret}
    node = subprocess.Popen(
        ["node", "provider.mjs"], cwd=installed, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert node.stdout is not None
    try:
        assert b"ready" in node.stdout.readline()
        web = assembled(
            base_url=url,
            oidc_issuer=issuer,
            oidc_client_id="nadir",
            oidc_client_secret_file=file,
            oidc_name="Clinic ID",
        )
        server = make_server("127.0.0.1", port, web.app.server, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Clinic(web, url, issuer)
        server.shutdown()
        thread.join(WAIT_S)
        server.server_close()
    finally:
        node.kill()
        node.wait(WAIT_S)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _send(browser: requests.Session, page: requests.Response, **fields: str) -> requests.Response:
    action = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    assert action is not None, page.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    return browser.post(urljoin(page.url, action[1]), data=hidden | fields, timeout=WAIT_S, allow_redirects=False)


def _come_back(browser: requests.Session, clinic: Clinic, name: str, start: str = "/login/provider") -> str:
    """Sign in at the provider as `name`; the address it sends the browser back to, which is not opened."""
    answer = browser.get(clinic.url + start, timeout=WAIT_S, allow_redirects=False)
    for _ in range(12):
        where = urljoin(answer.url, answer.headers.get("Location", ""))
        if answer.is_redirect and where.startswith(f"{clinic.url}/login/provider/back"):
            return where
        if answer.is_redirect:
            answer = browser.get(where, timeout=WAIT_S, allow_redirects=False)
        elif 'value="login"' in answer.text:
            answer = _send(browser, answer, login=name, password="x")
        else:
            answer = _send(browser, answer)
    raise AssertionError(f"never came back: {answer.url} {answer.status_code} {answer.text[:300]}")


def _open(browser: requests.Session, address: str) -> requests.Response:
    return browser.get(address, timeout=WAIT_S, allow_redirects=False)


def _alive(browser: requests.Session, clinic: Clinic) -> bool:
    return _open(browser, f"{clinic.url}/_dash-layout").status_code == 200


def _changed(address: str, **query: str) -> str:
    parts = urlsplit(address)
    now = {name: values[0] for name, values in parse_qs(parts.query).items()} | query
    return urlunsplit(parts._replace(query="&".join(f"{name}={requests.utils.quote(v)}" for name, v in now.items())))


def test_a_known_person_signs_in_and_arrives_where_they_wanted(clinic_with_provider: Clinic) -> None:
    clinic, browser = clinic_with_provider, requests.Session()
    sign_in_page = _open(browser, f"{clinic.url}/login?next=/p/N1").text
    assert "/login/provider?next=/p/N1" in sign_in_page
    away = _open(browser, f"{clinic.url}/login/provider?next=/p/N1").headers["Location"]
    asked = parse_qs(urlsplit(away).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert all(len(asked[name][0]) >= 20 for name in ("state", "nonce", "code_challenge"))
    planted = browser.cookies.get("nadir")
    done = _open(browser, _come_back(browser, clinic, ONC, "/login/provider?next=/p/N1"))
    assert (done.status_code, done.headers["Location"]) == (303, "/p/N1")
    assert browser.cookies["nadir"] != planted
    assert _alive(browser, clinic)
    assert clinic.trail() == [("ok", None)]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nobody@north.example", "no account"),
        (f"unverified {ONC}", "address not verified"),
        ("gone@north.example", "no account"),
        ("feed@north.example", "no account"),
        ("onc@north.example.evil.example", "no account"),
    ],
)
def test_who_has_no_account_gets_none(clinic_with_provider: Clinic, name: str, why: str) -> None:
    clinic, browser, now = clinic_with_provider, requests.Session(), datetime.now(UTC)
    with clinic.web.database.write() as session:
        for email, role in (("gone@north.example", "nurse"), ("feed@north.example", "service")):
            add_person(session, ROOT, email=email, role=role, teams=[], now=now)
        disable(session, ROOT, "gone@north.example", now=now)
    before = clinic.people()
    refused = _open(browser, _come_back(browser, clinic, name))
    assert refused.status_code == 401
    assert "No account here belongs to" in refused.text
    assert not _alive(browser, clinic)
    assert clinic.people() == before
    assert clinic.trail() == [("denied", why)]


def test_an_address_given_to_somebody_else_opens_nothing(clinic_with_provider: Clinic) -> None:
    clinic = clinic_with_provider
    first, second = requests.Session(), requests.Session()
    assert _open(first, _come_back(first, clinic, ONC)).status_code == 303
    assert _open(second, _come_back(second, clinic, f"twin {ONC}")).status_code == 401
    assert clinic.trail() == [("ok", None), ("denied", "bound to another subject")]


def test_the_way_back_is_bound_to_browser_state_verifier_nonce_and_issuer(clinic_with_provider: Clinic) -> None:
    clinic, refusals = clinic_with_provider, {}

    def refused(what: str, browser: requests.Session, address: str) -> None:
        refusals[what] = _open(browser, address).status_code
        assert not _alive(browser, clinic), what

    browser, thief = requests.Session(), requests.Session()
    address = _come_back(browser, clinic, ONC)
    refused("another browser", thief, address)
    refused("another state", browser, _changed(address, state="x" * 30))
    refused("another issuer", browser, _changed(address, iss="https://evil.example"))
    refused("no code", browser, _changed(address, code=""))

    browser = requests.Session()
    one, two = _come_back(browser, clinic, ONC), _come_back(browser, clinic, ONC)
    code_of_two = parse_qs(urlsplit(two).query)["code"][0]
    refused("the verifier of another way", browser, _changed(one, code=code_of_two))

    browser = requests.Session()
    address = _come_back(browser, clinic, ONC)
    _remember_nonce(browser, clinic, "another nonce than the one sent")
    refused("another nonce", browser, address)
    address = _come_back(browser, clinic, ONC)
    sent = _remember_nonce(browser, clinic, "another nonce than the one sent")
    _remember_nonce(browser, clinic, sent)
    assert _open(browser, address).status_code == 303, "nothing but the nonce was changed"

    browser = requests.Session()
    address = _come_back(browser, clinic, ONC)
    assert _open(browser, address).status_code == 303
    again = _open(browser, address)
    refusals["used a second time"] = again.status_code
    refused("an error of the provider", requests.Session(), f"{clinic.url}/login/provider/back?error=access_denied")
    print(f"OIDC refusals: {refusals}")
    assert set(refusals.values()) == {401}
    assert len(refusals) == 8
    assert clinic.trail() == [("ok", None)] * 2


def _remember_nonce(browser: requests.Session, clinic: Clinic, nonce: str) -> str:
    """Let the browser remember another nonce, signed with the key of this server; the one it remembered before."""
    interface = clinic.web.app.server.session_interface
    serializer = interface.get_signing_serializer(clinic.web.app.server)
    assert isinstance(serializer, URLSafeTimedSerializer)
    remembered = serializer.loads(browser.cookies["nadir-way"])
    way = next(value["data"] for name, value in remembered.items() if name.startswith("_state_"))
    before, way["nonce"] = way["nonce"], nonce
    del browser.cookies["nadir-way"]
    browser.cookies.set("nadir-way", serializer.dumps(remembered), domain="127.0.0.1", path="/")
    return str(before)


def test_a_second_factor_set_up_here_is_asked_for_all_the_same(clinic_with_provider: Clinic) -> None:
    clinic, browser, now = clinic_with_provider, requests.Session(), datetime.now(UTC)
    with clinic.web.database.write() as session:
        person = session.scalars(select(Person).where(Person.email == ONC)).one()
        totp = pyotp.TOTP(begin_second_factor(session, person, now).secret)
        confirm_second_factor(session, person_actor(session, person), person, totp.at(now), now)
    half = _open(browser, _come_back(browser, clinic, ONC))
    assert half.headers["Location"] == "/login/code"
    assert not _alive(browser, clinic)
    code = totp.at(datetime.now(UTC), counter_offset=1)
    done = browser.post(f"{clinic.url}/login/code", data={"code": code}, timeout=WAIT_S, allow_redirects=False)
    assert done.status_code == 303
    assert _alive(browser, clinic)


def test_signing_out_here_ends_it_at_once_and_the_link_ends_it_there(clinic_with_provider: Clinic) -> None:
    clinic, browser = clinic_with_provider, requests.Session()
    assert _open(browser, _come_back(browser, clinic, ONC)).status_code == 303
    left = browser.post(f"{clinic.url}/logout", timeout=WAIT_S)
    assert "/logout/provider" in left.text
    assert not _alive(browser, clinic)
    asked = browser.get(f"{clinic.url}/logout/provider", timeout=WAIT_S)
    assert asked.url.startswith(clinic.issuer)
    answer = _send(browser, asked, logout="yes")
    back = urljoin(answer.url, answer.headers["Location"])
    assert back.startswith(f"{clinic.url}/login?left=1")
    there = browser.get(f"{clinic.url}/login/provider", timeout=WAIT_S)
    assert 'value="login"' in there.text, "the provider asks again who it is"


def test_a_change_of_role_ends_what_the_provider_opened(clinic_with_provider: Clinic) -> None:
    clinic, browser = clinic_with_provider, requests.Session()
    assert _open(browser, _come_back(browser, clinic, ONC)).status_code == 303
    with clinic.web.database.write() as session:
        set_role(session, ROOT, ONC, "nurse", now=datetime.now(UTC))
    assert not _alive(browser, clinic)


def test_the_provider_away_is_said_in_plain_words(assembled: Callable[..., Web], tmp_path: Path) -> None:
    file = tmp_path / "client.secret"
    file.write_text("x" * 24)
    file.chmod(0o600)
    port, _ = _free_ports()
    away = {"oidc_issuer": f"http://127.0.0.1:{port}", "oidc_client_id": "nadir", "oidc_client_secret_file": file}
    client = assembled(**away).anonymous()
    answer = client.get("/login/provider")
    assert answer.status_code == 503
    assert "did not work" in answer.text
    assert client.get("/login").status_code == 200


def test_without_settings_there_is_no_provider(assembled: Callable[..., Web]) -> None:
    client = assembled().anonymous()
    assert "/login/provider" not in client.get("/login").text
    for path in ("/login/provider", "/login/provider/back", "/logout/provider"):
        assert client.get(path).status_code == 404
