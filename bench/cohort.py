"""The cohort of 5,000 patients and the worklist of 20,000 flags: first screens, scripts, and callbacks under load.

    .venv/bin/python -m bench.cohort

Every patient has real records and is judged by a real sweep; then flags are copied until 20,000 stand. gunicorn serves
as `nadir serve` does. In one run and in turn: cold navigation to the first rows in headless Chromium, beside the same
page with a filter that leaves nothing (an empty grid); the compressed bytes of all scripts; 50 clients in a closed loop
asking for rows, beside the same asking for a callback that does nothing; and on the server alone the first page from
stored glances beside the way that reads the charts of everybody.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import secrets
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import psutil
from dash import Dash, Input, Output, html
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import func, insert, select

from bench.first_page import CHROMIUM
from clinical.protocol import Protocol, bundled_protocol
from dashboard.app import PAGES
from dashboard.assembly import assemble
from dashboard.policy import CLINICAL, Policy, guarded
from dashboard.request import Parts
from dashboard.routing import Route
from dashboard.server import WebProcess
from data.announcing import MailPolicy
from data.charts import load_part
from data.cohort import cohort, cohort_count
from data.db import Database, open_database
from data.demo.accounts import make_people, make_teams
from data.job_runs import Runner, begin_run, finish_run
from data.migrate import upgrade
from data.models import Batch, Flag, Ingest, IngestPatient, Patient, PatientTeam, Record, Team
from data.people import Actor
from data.settings import Settings
from jobs.sweep import sweep

PATIENTS = 5000
FLAGS = 20_000
CLIENTS = 50
SECONDS = 8
VISITS = 7
ROUNDS = 3
ACTOR = Actor.system("bench")


def main() -> None:
    """Print the figures, each with its goal."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory(prefix="nadir-bench-") as scratch:
        folder = Path(scratch)
        key = folder / "secret.key"
        key.write_text(secrets.token_urlsafe(48))
        key.chmod(0o600)
        url = f"sqlite:///{folder / 'nadir.db'}"
        database = open_database(url, key.read_bytes())
        email, password = fill(database)
        on_the_server(database)
        database.close()
        port = free_port()
        settings = Settings(
            database_url=url,
            base_url=f"http://127.0.0.1:{port}",
            secret_key_file=key,
            audit_key_file=key,
            sweep_s=36_000,
        )
        web = multiprocessing.Process(target=serve, args=(settings, key, port))
        web.start()
        try:
            answering(port)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
                state = signed_in(browser, settings.base_url, email, password)
                in_the_browser(browser, settings.base_url, state)
                browser.close()
            under_load(port, state, psutil.Process(web.pid))
        finally:
            web.terminate()
            web.join()


def fill(database: Database, patients: int = PATIENTS, flags: int = FLAGS) -> tuple[str, str]:
    """Patients with records, judged; then flags copied until there are enough. Returns the oncologist's sign-in."""
    upgrade(database)
    now, chance = datetime.now(UTC).replace(microsecond=0), random.Random(7)
    with database.write() as session:
        make_teams(session, ACTOR, now)
        people = make_people(session, ACTOR, now)
        team = session.scalars(select(Team.id).order_by(Team.id).limit(1)).one()
        session.add(Batch(id="b", format="bench", digest="", actor="bench", started_at=now))
        session.flush()
        session.add(Ingest(seq=1, at=now, batch_id="b"))
        session.flush()
        ids = range(1, patients + 1)
        session.execute(
            insert(Patient),
            [
                {
                    "id": n,
                    "uuid": f"u{n}",
                    "mrn": f"B{n:05}",
                    "name": f"Patient {n:05}",
                    "created_at": now,
                    "version": 1,
                }
                for n in ids
            ],
        )
        session.execute(insert(PatientTeam), [{"patient_id": n, "team_id": team} for n in ids])
        session.execute(insert(IngestPatient), [{"seq": 1, "patient_id": n} for n in ids])
        for n in ids:
            session.execute(insert(Record), records(n, now, chance))
    mail = MailPolicy(domain="nadir.example", digest_at=Settings().digest_at, zone=ZoneInfo("UTC"))
    runner = Runner("bench")
    with database.write() as session:
        run = begin_run(session, "sweep", due_at=now, runner=runner, now=now)
    began = time.perf_counter()
    sweep(database, protocol=bundled_protocol(), mail=mail, as_of=now, now=now, full=True)
    print(f"a full sweep of {patients} patients with 50 records each: {time.perf_counter() - began:.0f} s")
    with database.write() as session:
        finish_run(session, run, runner=runner, counts={}, error=None, now=datetime.now(UTC))
        rows = session.execute(select(Flag.__table__)).mappings().all()
        more = [
            {**row, "id": f"copy-{n}", "dedup_key": f"copy-{n}", "opened_at": now - timedelta(minutes=n)}
            for n in range(flags - len(rows))
            for row in (rows[n % len(rows)],)
        ]
        session.execute(insert(Flag), more)
    return next((email, password) for email, role, password in people if role == "oncologist")


def records(patient: int, now: datetime, chance: random.Random) -> list[dict[str, Any]]:
    """Glucagon, HbA1c, weight, skin, scans with one target lesion, responses, state and monthly injections."""
    base, found = chance.uniform(60, 600), []
    for visit in range(12):
        at = now - timedelta(days=2 + 90 * visit + chance.randrange(20))
        found.append(lab("glucagon", base * chance.uniform(0.8, 1.3), "pg/mL", at, canonical_ref_high=150.0, lab="N"))
        if visit % 2 == 0:
            found.append(lab("hba1c", chance.uniform(5, 9), "%", at, canonical_ref_high=6.0))
            found.append(lab("weight", chance.uniform(55, 90), "kg", at))
            found.append(other("skin", at, iga=chance.randrange(4), overall="stable"))
        if visit % 4 == 0:
            tenths = chance.randrange(150, 900)
            found.append(
                other("lesion", at, lesion="L1", role="target", modality="CT", diameter_tenths=tenths, signed=True)
            )
            found.append(other("response", at, response=chance.choice(["SD", "SD", "PR", "PD"]), signed=True))
    found.append(other("state", now - timedelta(days=1200), state="residual-stable"))
    for month in range(12):
        at = now - timedelta(days=5 + 28 * month)
        found.append(other("therapy", at, kind="injection", drug="lanreotide", dose=120.0, unit="mg", interval_days=28))
    common = {
        "patient_id": patient,
        "precision": "day",
        "status": "final",
        "effective_text": "",
        "batch_id": "b",
        "place": "bench",
        "recorded_at": now,
        "recorded_by": "bench",
        "ingest_seq": 1,
    }
    empty = dict.fromkeys(
        ("analyte", "value", "unit", "canonical_value", "canonical_unit", "canonical_ref_high", "lab", "detail")
    )
    return [
        {**empty, **common, **record, "natural_key": patient.to_bytes(8, "big") + n.to_bytes(8, "big")}
        for n, record in enumerate(found)
    ]


def lab(analyte: str, value: float, unit: str, at: datetime, **more: Any) -> dict[str, Any]:
    """The columns of a result."""
    number = {"value": f"{value:.1f}", "canonical_value": round(value, 1), "unit": unit, "canonical_unit": unit}
    return {"kind": "lab", "analyte": analyte, "effective_at": at, **number, **more}


def other(kind: str, at: datetime, /, **detail: Any) -> dict[str, Any]:
    """The columns of a record of another kind."""
    return {"kind": kind, "effective_at": at, "detail": detail}


def on_the_server(database: Database) -> None:
    """The first page of the cohort from stored glances, beside reading the charts of everybody."""
    with database.read() as session:
        flags = session.scalar(select(func.count()).select_from(Flag))
        stored = timed(lambda: (cohort(session, ACTOR, end=100), cohort_count(session, ACTOR)), 7)
        naive = timed(
            lambda: load_part(
                session,
                select(Patient.id),
                kinds=("skin", "response", "state", "therapy"),
                analytes=("glucagon", "hba1c", "weight"),
            ),
            3,
        )
    print(
        f"{PATIENTS} patients, {flags} flags; first page from glances {1000 * stored:.0f} ms, "
        f"charts of everybody {1000 * naive:.0f} ms: 1/{naive / stored:.0f}"
    )


def in_the_browser(browser: Browser, base: str, state: Any) -> None:
    """Cold navigations to the rows, each beside its empty grid, in turn."""
    ways = {
        "cohort": ("/patients", ".ag-cell .cell > *"),
        "cohort, empty": ("/patients?state=no-tumour-found", None),
        "worklist": ("/", ".ag-cell .cell > *"),
        "worklist, empty": ("/?mine=yes", None),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    sizes: list[int] = []
    for _ in range(VISITS):
        for name, (path, rows) in ways.items():
            context = browser.new_context(storage_state=state, viewport={"width": 1366, "height": 900})
            page = context.new_page()
            times[name].append(first_rows(page, base + path, name.split(",")[0], rows))
            if name == "worklist":
                sizes.append(script_bytes(page))
            context.close()
    middle = {name: statistics.median(found) for name, found in times.items()}
    for name in ("cohort", "worklist"):
        full, empty = middle[name], middle[f"{name}, empty"]
        span = f"{min(times[name]):.2f}-{max(times[name]):.2f}"
        print(f"{name}: first rows {full:.2f} s ({span}), empty grid {empty:.2f} s: {full / empty:.2f} (goal <= 1.6)")
    print(f"scripts of the worklist, compressed: {statistics.median(sizes) / 1e6:.2f} MB (goal <= 2.0)")


def first_rows(page: Page, url: str, name: str, rows: str | None) -> float:
    """Seconds from navigation until the answer is said and drawn."""
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator(f"#{name}-shown:not(:empty)").wait_for()
    if rows is not None:
        page.wait_for_selector(rows)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return time.perf_counter() - began


def script_bytes(page: Page) -> int:
    """Bytes of every script as they came over the wire."""
    return int(
        page.evaluate(
            "performance.getEntriesByType('resource').filter(r => r.initiatorType === 'script' || /\\.js/.test(r.name))"
            ".reduce((sum, r) => sum + r.encodedBodySize, 0)"
        )
    )


def under_load(port: int, state: Any, web: psutil.Process) -> None:
    """p95 and the server's CPU of asking for rows beside a callback that does nothing, in turn; answers are counted."""
    cookie = "; ".join(f"{c['name']}={c['value']}" for c in state["cookies"])
    asked = {"startRow": 0, "endRow": 30, "sortModel": [], "filterModel": {}}
    by_glucagon = {**asked, "startRow": 2000, "endRow": 2030, "sortModel": [{"colId": "glucagon", "sort": "desc"}]}
    bodies = {
        "trivial": request(cookie, "trivial-out.children", [("trivial-in", "n_clicks", 1)], []),
        "cohort": rows_request(cookie, "cohort", asked),
        "cohort, sorted, row 2000": rows_request(cookie, "cohort", by_glucagon),
        "worklist": rows_request(cookie, "worklist", asked),
    }
    took: dict[str, list[float]] = {name: [] for name in bodies}
    cost: dict[str, list[float]] = {name: [] for name in bodies}
    wrong = 0
    for _ in range(ROUNDS):
        for name, body in bodies.items():
            before = cpu_s(web)
            times, bad = closed_loop(port, body)
            cost[name].append((cpu_s(web) - before) / len(times))
            took[name].append(times[int(0.95 * len(times))])
            wrong += bad
    trivial, nothing = statistics.median(took["trivial"]), statistics.median(cost["trivial"])
    print(
        f"{CLIENTS} closed-loop clients: a callback that does nothing p95 {1000 * trivial:.0f} ms, "
        f"{1000 * nothing:.1f} ms of CPU"
    )
    for name in list(bodies)[1:]:
        p95, cpu = statistics.median(took[name]), statistics.median(cost[name])
        print(
            f"  {name}: p95 {1000 * p95:.0f} ms: {p95 / trivial:.1f} x (goal <= 12); "
            f"CPU {1000 * cpu:.1f} ms: {cpu / nothing:.1f} x"
        )
    print(f"  answers other than 2xx: {wrong} (goal 0)")


def cpu_s(web: psutil.Process) -> float:
    """User and system seconds of the server and its workers so far."""
    return sum(sum(process.cpu_times()[:2]) for process in (web, *web.children(recursive=True)))


def rows_request(cookie: str, name: str, asked: dict[str, Any]) -> bytes:
    """What a grid sends for its rows."""
    output = f"..{name}-grid.getRowsResponse...{name}-shown.children.."
    states = [(f"{name}-view", "data", ""), (f"{name}-find", "value", None)]
    return request(cookie, output, [(f"{name}-grid", "getRowsRequest", asked)], states)


def request(cookie: str, output: str, inputs: list[Any], states: list[Any]) -> bytes:
    """A callback request as Dash's renderer writes it."""
    outputs = [
        dict(zip(("id", "property"), part.rsplit(".", 1), strict=True)) for part in output.strip(".").split("...")
    ]
    body = json.dumps(
        {
            "output": output,
            "outputs": outputs if output.startswith("..") else outputs[0],
            "inputs": [{"id": i, "property": p, "value": v} for i, p, v in inputs],
            "state": [{"id": i, "property": p, "value": v} for i, p, v in states],
            "changedPropIds": [f"{inputs[0][0]}.{inputs[0][1]}"],
        }
    ).encode()
    head = (
        "POST /_dash-update-component HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept-Encoding: gzip, br, zstd\r\nCookie: {cookie}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def closed_loop(port: int, body: bytes) -> tuple[list[float], int]:
    """Seconds of all answers to 50 clients, sorted, and how many answers were not 2xx."""
    with multiprocessing.Pool(2) as pool:
        found = pool.starmap(clients, [(port, body, CLIENTS // 2)] * 2)
    return sorted(t for some, _ in found for t in some), sum(bad for _, bad in found)


def clients(port: int, body: bytes, count: int) -> tuple[list[float], int]:
    """`count` connections, each asking again as soon as it is answered."""
    times: list[float] = []
    wrong: list[bytes] = []
    end = time.perf_counter() + SECONDS

    def client() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.perf_counter() < end:
                began = time.perf_counter()
                connection.sendall(body)
                status = answer(connection)
                times.append(time.perf_counter() - began)
                if not status.startswith(b"2"):
                    wrong.append(status)

    threads = [threading.Thread(target=client) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(wrong)


def answer(connection: socket.socket) -> bytes:
    """The status of one whole answer."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65_536)
    head, _, body = heard.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65_536)
    return head.split(b" ")[1]


def trivial(app: Dash) -> None:
    """A callback that does nothing, behind the same gate as every other."""

    @guarded(
        app,
        Output("trivial-out", "children"),
        Input("trivial-in", "n_clicks"),
        policy=Policy(CLINICAL),
        prevent_initial_call=True,
    )
    def nothing(_clicks: int | None) -> str:
        return "nothing"


NOTHING: Any = SimpleNamespace(
    ROUTE=Route("/nothing", title="Nothing", policy=Policy(CLINICAL)), layout=html.Div, register=trivial
)


class Benched(WebProcess):  # type: ignore[misc]
    """`nadir serve` with one more page."""

    def load(self) -> Any:
        """The application of this worker."""
        database, settings, protocol = self.parts
        return assemble(Parts(database, settings, protocol), (*PAGES, NOTHING)).server


def serve(settings: Settings, key: Path, port: int) -> None:
    """The web process."""
    sys.argv = sys.argv[:1]
    protocol: Protocol = bundled_protocol()
    Benched(open_database(settings.database_url, key.read_bytes()), settings, protocol, f"127.0.0.1:{port}").run()


def signed_in(browser: Browser, base: str, email: str, password: str) -> Any:
    """The cookies of a person who signed in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{base}/login")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_selector("#shell-page h1")
    state = context.storage_state()
    context.close()
    return state


def timed(work: Callable[[], object], times: int) -> float:
    """The median of seconds."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answering(port: int) -> None:
    """Wait until the web process answers."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                answer(connection)
                return
        except OSError:
            time.sleep(0.2)


if __name__ == "__main__":
    main()
