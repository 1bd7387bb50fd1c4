"""The patient page with a long record: 20 analytes over ten years and two years of a glucose sensor (210,000 readings).

    .venv/bin/python -m bench.pages

Builds the record in a temporary SQLite database, measures building the figure and answering the callback in this
process, then starts `nadir serve` and looks at the page with headless Chromium. Beside stands the naive way: every
point as a row, pandas and `plotly.express`. Prints one line a figure with its goal; exit code 1 when one is missed.
"""

from __future__ import annotations

import gzip
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import event

from bench.first_page import CHROMIUM
from clinical.analytes import CATALOGUE
from clinical.protocol import bundled_protocol
from dashboard.app import create_app
from dashboard.figures.sent import sent
from dashboard.figures.synoptic import synoptic
from dashboard.parts.plotted.synoptic import synoptic_content
from dashboard.parts.times import Clock
from dashboard.parts.units import Units
from data import recent_charts
from data.db import Database, open_database
from data.intake.batch import import_paths
from data.migrate import upgrade
from data.patients import NewPatient, register
from data.people import Actor, add_person, add_team, redeem
from data.readings import plain_readings, store_days
from data.records import open_batch
from data.sensor_course import load_sensor_days, load_sensor_readings
from data.settings import Settings
from data.trends import trends

SYSTEM = Actor.system("bench")
MRN = "BENCH-1"
PEOPLE = ("onc@bench.example", "blue kettle, quiet harbour")
YEARS, SENSOR_DAYS = 10, 730
ANALYTES = (
    *("glucagon", "chromogranin-a", "glucose-fasting", "hba1c", "zinc", "albumin", "b12", "vitamin-a", "vitamin-d"),
    *("vitamin-e", "inr", "elastase", "alp", "ggt", "bilirubin", "haemoglobin", "creatinine", "weight", "alt", "crp"),
)
PASSES, CLIENTS, LOAD_S = 9, 50, 8
PLOT = "document.querySelector('#patient-synoptic .js-plotly-plot')"


class Report:
    """Lines with a goal each; `missed` says whether one was not met."""

    def __init__(self) -> None:
        self.missed = False

    def line(self, what: str, value: float, unit: str, goal: float | None = None, beside: str = "") -> None:
        """One figure; `goal` is the most it may be."""
        over = goal is not None and value > goal
        self.missed |= over
        told = "" if goal is None else f"   goal <= {goal:g}{'   MISSED' if over else ''}"
        print(f"{what:<58} {value:>10.2f} {unit:<6}{told}   {beside}", flush=True)


def populate(folder: Path, database: Database, now: datetime) -> None:
    """The clinic, its one person and the patient."""
    with database.write() as session:
        add_team(session, SYSTEM, "Bench", now=now)
    with database.write() as session:
        token = add_person(session, SYSTEM, email=PEOPLE[0], role="oncologist", teams=["Bench"], now=now)
        redeem(session, token, PEOPLE[1], now)
    with database.write() as session:
        patient = NewPatient(mrn=MRN, name="Bench Patient", synthetic=True)
        patient_id = register(session, SYSTEM, patient, teams=["Bench"], now=now).id
    generator = np.random.default_rng(5)
    rows = ["mrn,when,analyte,value,unit,ref_low,ref_high,lab,method"]
    for analyte in ANALYTES:
        known = CATALOGUE[analyte]
        middle = float(np.sqrt(max(known.plausible_low, 0.5) * known.plausible_high))
        for quarter in range(YEARS * 4):
            day = (now - timedelta(days=10 + 91 * quarter)).date()
            value = middle * float(generator.lognormal(0, 0.15))
            low, high = middle * 0.7, middle * 1.3
            rows.append(
                f"{MRN},{day}T08:00:00Z,{analyte},{value:.4g},{known.canonical_unit},{low:.4g},{high:.4g},"
                "University Laboratory,Immunoassay"
            )
    (folder / "results.csv").write_text("\n".join(rows) + "\n")
    therapy = ["mrn,when,kind,drug,dose,unit,interval_days"]
    for month in range(YEARS * 13):
        therapy.append(f"{MRN},{(now - timedelta(days=5 + 28 * month)).date()},injection,lanreotide,120,mg,28")
    (folder / "therapy.csv").write_text("\n".join(therapy) + "\n")
    for name in ("results.csv", "therapy.csv"):
        import_paths(database, SYSTEM, [folder / name], now=now)
    with database.write() as session:
        open_batch(session, SYSTEM, batch_id="sensor", format="cgm", now=now)
        seconds = np.arange(288) * 300
        days = []
        for back in range(SENSOR_DAYS, 0, -1):
            wave = 130 + 40 * np.sin(seconds / 86_400 * 6 * np.pi) + generator.normal(0, 12, 288)
            values = np.clip(np.rint(wave), 40, 400)
            days.append(plain_readings("sensor", (now - timedelta(days=back)).date(), seconds, values))
        store_days(session, batch_id="sensor", patient_id=patient_id, days=days, actor=SYSTEM, now=now)


def median_ms(work: Callable[[], object], passes: int = PASSES) -> float:
    """Median processor time after one warm-up: these paths compute, and the machine may do other things beside."""
    work()
    taken = []
    for _ in range(passes):
        begun = time.process_time()
        work()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def naive_frame(database: Database, now: datetime) -> pd.DataFrame:
    """Every reading and result as a row, the way a page is often written."""
    with database.read() as session:
        found = trends(session, SYSTEM, MRN, protocol=bundled_protocol(), now=now)
        last = now.date()
        readings = load_sensor_readings(session, found.patient_ids, last - timedelta(days=SENSOR_DAYS + 1), last)
    sensor = pd.DataFrame({"at": readings.at, "value": readings.values, "what": "sensor"})
    shown = [r for r in found.chart.results if r.analyte in ANALYTES[:6]]
    results = pd.DataFrame(
        {
            "at": pd.to_datetime([r.effective.replace(tzinfo=None) for r in shown]).astype("datetime64[s]"),
            "value": [r.value for r in shown],
            "what": [r.analyte for r in shown],
        }
    )
    return pd.concat([sensor, results], ignore_index=True)


def naive_figure(frame: pd.DataFrame) -> go.Figure:
    """All points in one call of plotly.express."""
    return px.line(frame, x="at", y="value", color="what", facet_row="what")


def figures(report: Report, database: Database, now: datetime) -> None:
    """Building and payload of the synoptic figure."""
    clock = Clock(now, ZoneInfo("Europe/Berlin"))
    with database.read() as session:
        found = trends(session, SYSTEM, MRN, protocol=bundled_protocol(), now=now)
        last = now.date()
        sensor = load_sensor_days(session, found.patient_ids, last - timedelta(days=SENSOR_DAYS + 1), last)
    content = synoptic_content(found, sensor, clock, Units(), others=("zinc",))
    frame = naive_frame(database, now)
    naive = median_ms(lambda: naive_figure(frame), 3)
    report.line(
        "content and figure, processor", median_ms(lambda: sent(synoptic(_content(found, sensor, clock)))), "ms"
    )
    report.line(
        "figure alone, processor",
        median_ms(lambda: sent(synoptic(content))),
        "ms",
        25,
        f"px.line of all points {naive:.0f} ms",
    )
    drawn, naive_sent = orjson.dumps(sent(synoptic(content))), naive_figure(frame).to_json(engine="orjson").encode()
    packed, naive_packed = (len(gzip.compress(b, 5)) / 1000 for b in (drawn, naive_sent))
    report.line("figure, kB", len(drawn) / 1000, "kB", 120, f"px.line {len(naive_sent) / 1000:.0f} kB")
    report.line("figure gzipped, kB", packed, "kB", 45, f"px.line {naive_packed:.0f} kB")


def _content(found: Any, sensor: Any, clock: Clock) -> Any:
    return synoptic_content(found, sensor, clock, Units(), others=("zinc",))


def callback(report: Report, database: Database, settings: Settings) -> None:
    """The whole callback in this process: queries, scope check, audit, figure, serialising."""
    app = create_app(database, settings, bundled_protocol())
    client = app.server.test_client()
    signed = client.post("/login", data={"email": PEOPLE[0], "password": PEOPLE[1]}, base_url=settings.base_url)
    if signed.status_code != 303:
        raise SystemExit(f"sign-in answered {signed.status_code}")
    body = page_body(app.callback_map)

    def ask() -> bytes:
        answer = client.post("/_dash-update-component", json=body, base_url=settings.base_url)
        if answer.status_code != 200:
            raise SystemExit(f"the callback answered {answer.status_code}")
        return answer.data

    ask()
    asked: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def _count(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
            asked.append(statement)

    def ask_anew() -> bytes:
        recent_charts._SHELVES.clear()
        return ask()

    ask_anew()
    report.line("queries of the callback, its chart not kept", len(asked), "", 12)
    asked.clear()
    answer = ask()
    report.line("queries of the callback, its chart kept", len(asked), "", 12)
    report.line("callback, its chart not kept, processor", median_ms(ask_anew), "ms", 80)
    report.line("callback, its chart kept, processor", median_ms(ask), "ms", 80)
    report.line("answer of the callback, kB", len(answer) / 1000, "kB")


def page_body(callbacks: dict[str, Any]) -> dict[str, Any]:
    """What the browser sends for the content of the page."""
    name = next(n for n in callbacks if "patient-tab.children" in n)
    entry = callbacks[name]
    given = {"search": "", "data": None, "pathname": f"/p/{MRN}"}
    inputs = [{**d, "value": given.get(d["property"])} for d in entry["inputs"]]
    states = [{**d, "value": MRN if d["id"] == "patient-mrn" else given.get(d["property"])} for d in entry["state"]]
    outputs = [{"id": o.component_id, "property": o.component_property} for o in entry["output"]]
    return {
        "output": name,
        "outputs": outputs,
        "inputs": inputs,
        "state": states,
        "changedPropIds": ["shell-location.search"],
    }


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[None]:
    """`nadir serve` as it is installed."""
    process = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "nadir"),
            "serve",
            "--port",
            environment["NADIR_BASE_URL"].rpartition(":")[2],
        ],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(environment["NADIR_BASE_URL"] + "/healthz", timeout=2)
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def navigation_s(browser: Browser, url: str, state: Any, *, empty: bool) -> tuple[float, int]:
    """Seconds from navigation to a drawn figure with a cold cache, and bytes of scripts as they came over the wire."""
    context = browser.new_context(viewport={"width": 1366, "height": 900}, storage_state=state)
    page = context.new_page()
    scripts: list[int] = []
    page.on(
        "requestfinished",
        lambda r: scripts.append(r.sizes()["responseBodySize"]) if r.resource_type == "script" else None,
    )
    # Both ways pass through here, so that what the interception costs is in both.
    page.route("**/_dash-update-component*", lambda route: _answered(route, empty=empty))
    begun = time.perf_counter()
    page.goto(f"{url}/p/{MRN}")
    page.wait_for_selector("#patient-synoptic .main-svg .xtick text", state="attached")
    taken = time.perf_counter() - begun
    context.close()
    return taken, sum(scripts)


def _answered(route: Any, *, empty: bool) -> None:
    answer = route.fetch()
    document = answer.json() if "json" in answer.headers.get("content-type", "") else None

    def clear(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "Graph":
                figure = part["props"]["figure"]
                figure["data"] = []
                figure["layout"] = {"height": 300, "xaxis": {"range": [0, 1]}}
            for value in part.values():
                clear(value)
        elif isinstance(part, list):
            for value in part:
                clear(value)

    if empty:
        clear(document)
    route.fulfill(response=answer, json=document)


def refine_s(page: Page, days: float) -> float:
    """Seconds from a zoom to the redrawn stretch."""
    return float(
        page.evaluate(
            f"""days => new Promise(done => {{
            const plot = {PLOT}, last = Date.now() - 3 * 864e5, begun = performance.now();
            const had = plot._fullData[3].x[0];
            plot.on('plotly_afterplot', () => {{
                if (plot._fullData[3].x[0] !== had) done((performance.now() - begun) / 1000);
            }});
            window.Plotly.relayout(plot, {{'xaxis.range': [last - days * 864e5, last]}});
            }})""",
            days,
        )
    )


def browsing(report: Report, url: str) -> str:
    """What a browser sees; returns the cookie of the sign-in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=CHROMIUM
        )
        context = browser.new_context(viewport={"width": 1366, "height": 900})
        page = context.new_page()
        page.goto(url + "/login")
        page.fill("input[name=email]", PEOPLE[0])
        page.fill("input[name=password]", PEOPLE[1])
        page.click("button[type=submit]")
        page.wait_for_selector("#shell-page h1")
        state: Any = context.storage_state()
        drawn, empty, scripts = [], [], 0
        for _ in range(5):
            seconds, scripts = navigation_s(browser, url, state, empty=False)
            drawn.append(seconds)
            empty.append(navigation_s(browser, url, state, empty=True)[0])
        ratio = statistics.median(drawn) / statistics.median(empty)
        beside = f"{statistics.median(drawn):.2f} s and {statistics.median(empty):.2f} s"
        report.line("navigation to drawn / the same with an empty figure", ratio, "x", 1.6, beside)
        report.line("scripts of the first load, MB compressed", scripts / 1e6, "MB", 1.4)
        page.goto(f"{url}/p/{MRN}")
        page.wait_for_selector("#patient-synoptic .main-svg .xtick text", state="attached")
        page.wait_for_timeout(500)
        taken = [refine_s(page, days) for days in (10, 60, 12, 45, 7, 30, 9)]
        report.line("zoom to the redrawn stretch, s", statistics.median(taken), "s", 0.35, f"worst {max(taken):.2f} s")
        browser.close()
        return "; ".join(f"{c['name']}={c['value']}" for c in state["cookies"])


def load(report: Report, url: str, cookie: str, bodies: dict[str, dict[str, Any]]) -> None:
    """Closed-loop clients on the page's callback and on a trivial one."""
    p95, failed = {}, 0
    for name, body in bodies.items():
        taken, wrong = hammer(url, cookie, body)
        failed += wrong
        p95[name] = statistics.quantiles(taken, n=20)[-1]
    ratio = p95["page"] / p95["trivial"]
    beside = f"{p95['page'] * 1000:.0f} ms and {p95['trivial'] * 1000:.0f} ms"
    report.line(f"p95 at {CLIENTS} clients / that of a trivial callback", ratio, "x", 12, beside)
    report.line("answers other than 2xx", failed, "", 0)


def hammer(url: str, cookie: str, body: dict[str, Any]) -> tuple[list[float], int]:
    """Seconds of every answer and how many were not 2xx."""
    payload, until = json.dumps(body).encode(), time.monotonic() + LOAD_S
    headers = {"Content-Type": "application/json", "Cookie": cookie, "Origin": url}
    taken: list[float] = []
    wrong: list[int] = []

    def client() -> None:
        while time.monotonic() < until:
            begun = time.perf_counter()
            request = urllib.request.Request(f"{url}/_dash-update-component", data=payload, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    answer.read()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                wrong.append(1)
            taken.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, len(wrong)


def trivial_body(callbacks: dict[str, Any]) -> dict[str, Any]:
    """A callback that is guarded like any other and answers nothing: units, with no choice made."""
    name = next(n for n, entry in callbacks.items() if entry["inputs"][0]["id"] == "patient-unit")
    entry = callbacks[name]
    output = entry["output"]
    return {
        "output": name,
        "outputs": {"id": output.component_id, "property": output.component_property},
        "inputs": [{**entry["inputs"][0], "value": None}],
        "state": [],
        "changedPropIds": ["patient-unit.data"],
    }


def main() -> int:
    """0 when every goal was met."""
    now = datetime.now(UTC)
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        key = folder / "secret.key"
        key.write_text(secrets.token_urlsafe(48))
        key.chmod(0o600)
        address = f"sqlite:///{folder}/nadir.db"
        database = open_database(address, key.read_bytes().strip())
        upgrade(database)
        populate(folder, database, now)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        url = f"http://127.0.0.1:{port}"
        settings = Settings(
            database_url=address, base_url=url, secret_key_file=key, audit_key_file=key, environment="test"
        )
        figures(report, database, now)
        callback(report, database, settings)
        callbacks = create_app(database, settings, bundled_protocol()).callback_map
        environment = {
            "NADIR_DATABASE_URL": address,
            "NADIR_BASE_URL": url,
            "NADIR_SECRET_KEY_FILE": str(key),
            "NADIR_AUDIT_KEY_FILE": str(key),
            "NADIR_ENVIRONMENT": "test",
        }
        with serving(environment):
            cookie = browsing(report, url)
            load(report, url, cookie, {"trivial": trivial_body(callbacks), "page": page_body(callbacks)})
        database.close()
    return int(report.missed)


if __name__ == "__main__":
    sys.exit(main())
