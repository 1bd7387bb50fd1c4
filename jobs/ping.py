"""The sign of life to an outside watcher: a GET of NADIR_PING_URL after each good sweep, with nothing in it.

It is sent beside the sweeps and never waited for: a watcher that is slow or away must not hold up judging.
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final

import structlog

log = structlog.get_logger()

STEP_S: Final = 10.0
TRIES: Final = 3


class _Here(urllib.request.HTTPRedirectHandler):
    """Goes where the settings say and nowhere that an answer says."""

    def redirect_request(self, *_where: Any) -> None:
        return None


class Ping:
    """Sends signs of life to `url`, one at a time; none where it is None."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._sending = threading.Lock()

    def send(self) -> None:
        """Send one sign of life in the background; none while the one before is still under way."""
        if self._url is not None and self._sending.acquire(blocking=False):
            threading.Thread(target=self._send, args=(self._url,), name="ping", daemon=True).start()

    def _send(self, url: str) -> None:
        try:
            for attempt in range(1, TRIES + 1):
                why = get(url)
                if why is None:
                    return
                log.warning("outside watcher not reached", attempt=attempt, why=why)
        finally:
            self._sending.release()


def get(url: str) -> str | None:
    """None when the watcher answered well within 10 s, else why not; that it has moved is no good answer."""
    request = urllib.request.Request(url, headers={"User-Agent": "Nadir"})  # noqa: S310  settings allow http and https
    try:
        with urllib.request.build_opener(_Here).open(request, timeout=STEP_S):
            return None
    except (urllib.error.URLError, HTTPException, OSError) as error:
        return f"{type(error).__name__}: {error}"[:200]
