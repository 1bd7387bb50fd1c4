"""With another secret of the web the sign-ins stand: they are rows, not signed cookies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dashboard.app import PAGES
from tests.dashboard.conftest import Web


def test_a_sign_in_outlasts_the_secret(assembled: Callable[..., Web], tmp_path: Path) -> None:
    before = assembled(*PAGES)
    cookie = before.client("onc@north.example").get_cookie("nadir")
    assert cookie is not None
    key = tmp_path / "other.key"
    key.write_bytes(b"fedcba9876543210-another-secret-of-the-tests")
    key.chmod(0o600)
    after = assembled(*PAGES, secret_key_file=key)
    client = after.anonymous()
    assert after.call(client, "shell-person", 0).status_code == 401
    client.set_cookie("nadir", cookie.value)
    assert after.call(client, "shell-person", 0).status_code == 200
