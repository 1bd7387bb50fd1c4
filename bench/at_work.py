"""A clinic at work: people who look and save, a laboratory that sends, and a ledger of what each was told.

Everybody is a thread that talks to the real processes over their ports. What was not answered is sent again until it
is, as a browser and a laboratory do; every try that failed stands in the ledger with its moment.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

EVERY_S: Final = 5.0
SAVES: Final = 0.2
AGAIN_S: Final = 0.5
TIMEOUT_S: Final = 60
NUMBERS_OF: Final = "HOSP"
"""Who gives the hospital numbers."""
ZINC: Final = (
    "MSH|^~\\&|LIS|LAB|NADIR|CLINIC|{now}||ORU^R01^ORU_R01|{id}|P|2.5.1\r"
    f"PID|1||{{mrn}}^^^{NUMBERS_OF}^MR\r"
    "OBR|1||{id}^LIS|5763-8^Zinc^LN|||{now}\r"
    "OBX|1|NM|5763-8^Zinc^LN||{value}|ug/dL|60-130||||F|||{now}\r"
)


@dataclass(frozen=True)
class Failure:
    """A try that was not answered as it should be: when (monotonic seconds), of whom, how."""

    at: float
    who: str
    why: str


@dataclass
class Ledger:
    """What everybody was told. `took` holds (when, seconds) of every good answer, by kind; both monotonic."""

    took: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    failed: list[Failure] = field(default_factory=list)
    saved: dict[str, str] = field(default_factory=dict)
    """Key of the save -> hospital number."""
    acknowledged: list[str] = field(default_factory=list)
    """Control ids of messages that got AA."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def good(self, kind: str, began: float) -> None:
        """An answer came."""
        now = time.monotonic()
        with self.lock:
            self.took[kind].append((now, now - began))

    def bad(self, who: str, why: str) -> None:
        """None came, or another than should have."""
        with self.lock:
            self.failed.append(Failure(time.monotonic(), who, why))

    def seconds(self, kind: str, *, since: float = 0.0) -> list[float]:
        """Seconds of the answers of a kind, sorted."""
        with self.lock:
            return sorted(took for at, took in self.took[kind] if at >= since)


@dataclass
class Case:
    """A patient as a form was opened for them: number, uuid, version of the form."""

    mrn: str
    uuid: str
    version: int = 0


class Door:
    """One person's way to the web: a connection for each request, since the server closes those that rest."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cookie = ""

    def ask(self, path: str, body: bytes, kind: str = "application/json") -> tuple[int, http.client.HTTPMessage, bytes]:
        """Status, headers and body of the answer to a POST. Raises OSError or HTTPException without one."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", path, body, {"Content-Type": kind, "Cookie": self.cookie})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def sign_in(self, email: str, password: str) -> None:
        """Sign in; raises RuntimeError where that is refused."""
        form = urlencode({"email": email, "password": password}).encode()
        status, headers, _ = self.ask("/login", form, "application/x-www-form-urlencoded")
        if status != 303:
            raise RuntimeError(f"the sign-in was answered {status}")
        self.cookie = "; ".join(one.split(";")[0] for one in headers.get_all("Set-Cookie") or [])


class Person(threading.Thread):
    """Somebody who does something every `every_s` seconds (exponential), until told to stop: looks, or saves a visit.

    `saves` is the part of saves in what is done. `cases` are this person's own to save to; looked at are the lists and
    the pages of these patients. `bodies` are those of `looks`.
    """

    def __init__(
        self,
        door: Door,
        cases: Sequence[Case],
        bodies: Mapping[str, Mapping[str, Any]],
        ledger: Ledger,
        stop: threading.Event,
        *,
        seed: int,
        every_s: float = EVERY_S,
        saves: float = SAVES,
    ) -> None:
        super().__init__(name=f"person {seed}", daemon=True)
        self._door, self._cases, self._bodies = door, cases, bodies
        self._ledger, self._halt, self._every_s = ledger, stop, every_s
        self._saves, self._chance = saves, random.Random(seed)

    def run(self) -> None:
        """Work until told to stop."""
        while not self._halt.wait(self._chance.expovariate(1 / self._every_s)):
            if self._chance.random() < self._saves:
                self._save(self._chance.choice(self._cases))
            else:
                self._look()

    def _look(self) -> None:
        name = self._chance.choice(sorted(self._bodies))
        text = json.dumps(self._bodies[name]).replace(MRN, self._chance.choice(self._cases).mrn)
        began = time.monotonic()
        try:
            status, _, _ = self._door.ask("/_dash-update-component", text.encode())
        except (OSError, http.client.HTTPException) as error:
            self._ledger.bad("look", type(error).__name__)
            return
        if status == 200:
            self._ledger.good("look", began)
        else:
            self._ledger.bad("look", f"{name} answered {status}")

    def _save(self, case: Case) -> None:
        sent: dict[str, Any] = {
            "patient": case.uuid,
            "key": UUID(int=self._chance.getrandbits(128)).hex,
            "version": case.version,
            "said": self._visit(),
            "confirmed": [],
            "wristband": "",
        }
        while not self._halt.is_set():
            began = time.monotonic()
            try:
                status, _, answer = self._door.ask(f"/p/{case.mrn}/entry/visit", json.dumps(sent).encode())
                told = json.loads(answer) if status in (200, 409) else {"outcome": str(status)}
            except (OSError, http.client.HTTPException, ValueError) as error:
                told = {"outcome": type(error).__name__}
            if told["outcome"] == "saved":
                case.version = told["version"]
                self._ledger.good("save", began)
                with self._ledger.lock:
                    self._ledger.saved[sent["key"]] = case.mrn
                return
            if told["outcome"] == "ask":
                sent["confirmed"] = [question["id"] for question in told["questions"]]
                continue
            self._ledger.bad("save", json.dumps(told))
            self._halt.wait(AGAIN_S)

    def _visit(self) -> dict[str, str]:
        when = datetime.now(UTC) - timedelta(minutes=self._chance.randrange(1, 600))
        weight, rate = self._chance.uniform(60, 62), self._chance.randrange(60, 80)
        return {"when": when.strftime("%Y-%m-%dT%H:%M"), "weight": f"{weight:.1f}", "heart-rate": str(rate)}


class Laboratory(threading.Thread):
    """A feed that sends `rate` results a second over MLLP, each until it is acknowledged."""

    def __init__(
        self, port: int, mrns: Sequence[str], ledger: Ledger, stop: threading.Event, *, seed: int, rate: float = 5.0
    ) -> None:
        super().__init__(name="laboratory", daemon=True)
        self._port, self._mrns, self._ledger, self._halt, self._rate = port, mrns, ledger, stop, rate
        self._chance = random.Random(seed)
        self._socket: socket.socket | None = None

    def run(self) -> None:
        """Send until told to stop."""
        number = 0
        while not self._halt.wait(self._chance.expovariate(self._rate)):
            number += 1
            id = f"W-{number}"
            now = datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000")
            # A value of its own: the same one of the same second would be a second report of one result.
            about = {"mrn": self._chance.choice(self._mrns), "value": f"{60 + number % 6000 / 100:.2f}"}
            message = ZINC.format(id=id, now=now, **about).encode()
            while not self._halt.is_set():
                began = time.monotonic()
                why = self._say(message, id)
                if why is None:
                    self._ledger.good("message", began)
                    with self._ledger.lock:
                        self._ledger.acknowledged.append(id)
                    break
                self._ledger.bad("message", why)
                self._halt.wait(AGAIN_S)

    def _say(self, message: bytes, id: str) -> str | None:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=TIMEOUT_S)
            self._socket.sendall(b"\x0b" + message + b"\x1c\r")
            heard = b""
            while not heard.endswith(b"\x1c\r"):
                some = self._socket.recv(65_536)
                if not some:
                    raise ConnectionError("closed")
                heard += some
        except OSError as error:
            if self._socket is not None:
                self._socket.close()
            self._socket = None
            return type(error).__name__
        return None if f"MSA|AA|{id}".encode() in heard else heard.decode(errors="replace")


MRN: Final = "@MRN@"


def looks(callbacks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a browser sends for the worklist, the list of patients and the page of the patient `MRN`."""
    rows = {"startRow": 0, "endRow": 30, "sortModel": [], "filterModel": {}}
    given = {
        "worklist": {"worklist-grid.getRowsRequest": rows, "worklist-view.data": ""},
        "cohort": {"cohort-grid.getRowsRequest": rows, "cohort-view.data": ""},
        "page": {
            "shell-location.search": "",
            "shell-location.pathname": f"/p/{MRN}",
            "patient-mrn.data": MRN,
        },
    }
    parts = {
        "worklist": "worklist-grid.getRowsResponse",
        "cohort": "cohort-grid.getRowsResponse",
        "page": "patient-tab.children",
    }
    return {name: asked(callbacks, part, given[name]) for name, part in parts.items()}


def nothing(callbacks: Mapping[str, Any]) -> dict[str, Any]:
    """What a browser sends to a callback that is guarded like any other and does nothing: units, no choice made."""
    name = next(n for n, entry in callbacks.items() if entry["inputs"][0]["id"] == "patient-unit")
    return asked(callbacks, name, {})


def asked(callbacks: Mapping[str, Any], part: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A request to the callback whose outputs hold `part`, as Dash's renderer writes it."""
    name = next(n for n in callbacks if part in n)
    entry = callbacks[name]
    outputs = entry["output"]
    written: Any = [_written(output) for output in outputs] if isinstance(outputs, list | tuple) else _written(outputs)
    inputs, states = ([_valued(one, given) for one in entry[kind]] for kind in ("inputs", "state"))
    first = f"{inputs[0]['id']}.{inputs[0]['property']}"
    return {"output": name, "outputs": written, "inputs": inputs, "state": states, "changedPropIds": [first]}


def _written(output: Any) -> dict[str, str]:
    return {"id": output.component_id, "property": output.component_property}


def _valued(one: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "value": given.get(f"{one['id']}.{one['property']}")}
