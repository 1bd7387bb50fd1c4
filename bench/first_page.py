"""From `make run` in a fresh clone to a drawn patient page, in seconds.

    .venv/bin/python -m bench.first_page

Clones HEAD into a temporary folder without a virtual environment, starts `make run`, signs in with the
printed demo account in Chromium, opens a patient and waits until the synoptic chart has drawn lines.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
URL = "http://127.0.0.1:8050"
PATIENCE_S = 900


class Run:
    """`make run` in `folder`; its output is kept line by line with the second it came."""

    def __init__(self, folder: Path) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("NADIR_", "VIRTUAL_ENV"))}
        self.started = time.monotonic()
        self.lines: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            ["make", "run"],
            cwd=folder,
            env=clean,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append((self.elapsed(), line.rstrip()))

    def elapsed(self) -> float:
        """Seconds since the command."""
        return time.monotonic() - self.started

    def wait_for(self, pattern: str) -> tuple[float, re.Match[str]]:
        """The first line that matches and when it came. Raises TimeoutError with the output so far."""
        while self.elapsed() < PATIENCE_S:
            for at, line in list(self.lines):
                if found := re.search(pattern, line):
                    return at, found
            if self.process.poll() is not None:
                break
            time.sleep(0.2)
        raise TimeoutError("\n".join(line for _, line in self.lines))

    def stop(self) -> None:
        """End make and everything it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


def draw_patient(email: str, password: str) -> None:
    """Sign in, open the first patient of the cohort page and wait for the drawn chart."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_page()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                page.goto(f"{URL}/login", timeout=2000)
                break
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{URL}/p/DEMO-001")
        page.locator(".js-plotly-plot .scatterlayer .trace path").first.wait_for(state="attached", timeout=60_000)
        browser.close()


def main() -> None:
    """Print the seconds of each stage."""
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch) / "nadir"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        run = Run(clone)
        try:
            installed, _ = run.wait_for(r"synthetic patients")
            _, account = run.wait_for(r"^\s+(\S+@\S+)\s+(\S+)\s+\(oncologist\)")
            draw_patient(account[1], account[2])
            drawn = run.elapsed()
        finally:
            run.stop()
    print(f"make run to a drawn patient page: {drawn:.0f} s ({installed:.0f} s of them until the cohort was loaded)")


if __name__ == "__main__":
    sys.exit(main())
