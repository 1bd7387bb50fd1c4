"""Guesses against the real web process, at full size: how many reach a password, and whether time tells who exists."""

from __future__ import annotations

import random
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select, update

from data.db import Database
from data.models import Audit, Person
from data.passwords import hash_password
from data.people import Actor, add_person
from tests.dashboard.conftest import PASSWORD

ROOT = Actor.system("test")
VICTIM = "onc@north.example"
GUESSES, SECONDS = 1000, 60
SEED = 20261128
START_S = 60

SERVE = """
import sys
from pathlib import Path
from clinical.protocol import bundled_protocol
from dashboard.server import WebProcess
from data.db import open_database
from data.settings import Settings

url, key, port, workers = sys.argv[1:]
settings = Settings(database_url=url, base_url=f"http://127.0.0.1:{port}", secret_key_file=Path(key),
                    environment="test", proxy_hops=1, _env_file=None)
web = WebProcess(open_database(url, b"a key of the tests and of nothing else"), settings, bundled_protocol(),
                 f"127.0.0.1:{port}")
web.cfg.set("workers", int(workers))
web.run()
"""


@dataclass
class Server:
    """A running web process behind a pretended proxy, so that a test may come from any address."""

    url: str
    database: Database

    def sign_in(self, email: str, password: str, source: str, **more: object) -> requests.Response:
        """Post the sign-in form as from `source`."""
        browser = more.get("browser") or requests
        return browser.post(  # type: ignore[union-attr]
            f"{self.url}/login",
            data={"email": email, "password": password},
            headers={"X-Forwarded-For": source},
            allow_redirects=False,
            timeout=30,
        )

    def verified(self) -> int:
        """How many tries reached a password and were wrong."""
        with self.database.read() as session:
            wrong = select(func.count()).where(Audit.action == "signin", Audit.outcome == "denied")
            return session.scalar(wrong) or 0


@pytest.fixture
def served(clinic: Database, tmp_path: Path) -> Iterator[Callable[[int], object]]:
    key = tmp_path / "served.key"
    key.write_text(secrets.token_urlsafe(48))
    key.chmod(0o600)

    @contextmanager
    def serve(workers: int) -> Iterator[Server]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = clinic.engine.url.render_as_string(hide_password=False)
        command = [sys.executable, "-c", SERVE, url, str(key), str(port), str(workers)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        server = Server(f"http://127.0.0.1:{port}", clinic)
        try:
            _wait_for(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    yield serve


def _wait_for(server: Server) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            if requests.get(f"{server.url}/healthz", timeout=2).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError("the web process did not start")


@pytest.mark.parametrize("clinic", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("workers", [1, 4])
def test_a_thousand_guesses_in_a_minute(served: Callable[[int], object], workers: int) -> None:
    with served(workers) as server:  # type: ignore[attr-defined]
        owner = requests.Session()
        assert server.sign_in(VICTIM, PASSWORD, "192.0.2.1", browser=owner).status_code == 303
        owner.post(f"{server.url}/logout", timeout=30)
        began, codes = time.monotonic(), Counter[int]()
        lock = threading.Lock()

        def guess(number: int) -> None:
            time.sleep(max(0.0, began + number * SECONDS / GUESSES - time.monotonic()))
            source = f"198.51.{number % 4}.{number % 250}"
            code = server.sign_in(VICTIM, f"guess number {number}", source).status_code
            with lock:
                codes[code] += 1

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(guess, range(GUESSES // 2)))
            during = server.sign_in(VICTIM, PASSWORD, "192.0.2.1", browser=owner).status_code
            list(pool.map(guess, range(GUESSES // 2, GUESSES)))
        took = time.monotonic() - began
        verified = server.verified()
        print(f"B4: {workers} workers, {GUESSES} guesses in {took:.0f} s: {verified} reached a password, {dict(codes)}")
        print(f"B5: the owner, from a known browser, during it: {during}")
        assert codes.total() == GUESSES
        assert set(codes) <= {401, 429}
        assert codes[401] == verified
        assert 8 <= verified <= 20
        assert during == 303


@pytest.mark.timeout(1200)
def test_time_and_answer_do_not_tell_who_has_an_account(served: Callable[[int], object], clinic: Database) -> None:
    chance = random.Random(SEED)
    known = [f"person{number}@north.example" for number in range(40)]
    now = datetime.now(UTC)
    hashed = hash_password(PASSWORD)
    with clinic.write() as session:
        for email in known:
            add_person(session, ROOT, email=email, role="nurse", teams=[], now=now)
        session.execute(update(Person).where(Person.email.in_(known)).values(password_hash=hashed))
    unknown = [f"nobody{number}@north.example" for number in range(40)]
    tries = [(email, email in known) for email in known + unknown for _ in range(5)]
    chance.shuffle(tries)
    times: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    with served(1) as server:  # type: ignore[attr-defined]
        for number, (email, exists) in enumerate(tries):
            began = time.perf_counter()
            answer = server.sign_in(email, "wrong password", f"203.0.113.{number % 250}")
            times[exists].append(time.perf_counter() - began)
            body = answer.text.replace(email, "")
            answers.add((answer.status_code, body, frozenset(answer.headers)))
    medians = {exists: statistics.median(found) * 1000 for exists, found in times.items()}
    auc = statistics.mean((a > b) + (a == b) / 2 for a in times[True] for b in times[False])
    print(
        f"B3: {len(tries)} tries, medians known {medians[True]:.1f} ms, unknown {medians[False]:.1f} ms, AUC {auc:.3f}"
    )
    assert len(answers) == 1
    assert {status for status, _body, _headers in answers} == {401}
    gap = abs(medians[True] - medians[False])
    assert gap <= max(10.0, 0.1 * max(medians.values()))
    assert 0.4 <= auc <= 0.6
