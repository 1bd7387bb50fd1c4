"""A provider that answers with a redirect is not followed: code and secret go where its metadata say, or nowhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.dashboard.conftest import Web

ONC = "onc@north.example"
SECRET = "the client's secret at the provider"
ELSEWHERE = "/elsewhere"


class Provider(ThreadingHTTPServer):
    """Says what an OpenID provider says; `moved` is the one address that answers with a redirect."""

    def __init__(self, moved: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.moved, self.nonce = moved, ""
        self.asked: list[str] = []
        self._key = ECKey.generate_key("P-256", {"kid": "one"}, private=True)

    def answer(self, path: str) -> dict[str, Any]:
        """The document at an address; what has moved is also there under the new one."""
        now = int(datetime.now(UTC).timestamp())
        who = {"sub": "someone", "email": ONC, "email_verified": True}
        times = {"iat": now, "exp": now + 60}
        claims = {"iss": self.issuer, "aud": "nadir", "sub": "someone", "nonce": self.nonce, **times}
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
        places = ("/authorize", "/token", "/keys", "/userinfo")
        documents = {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer,
                "id_token_signing_alg_values_supported": ["ES256"],
                **{name: self.issuer + place for name, place in zip(names, places, strict=True)},
            },
            "/token": {
                "access_token": "a",
                "token_type": "Bearer",
                "id_token": jwt.encode({"alg": "ES256", "kid": "one"}, claims, self._key),
            },
            "/keys": {"keys": [self._key.as_dict(private=False)]},
            "/userinfo": who,
        }
        return documents[path.removeprefix(ELSEWHERE)]


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(self.path)
        if self.path == self.server.moved:
            # 307 and not 302: who follows it sends the body, with the code, once more.
            self.send_response(307)
            self.send_header("Location", ELSEWHERE + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = json.dumps(self.server.answer(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    server = Provider(request.param)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def web(provider: Provider, assembled: Callable[..., Web], tmp_path: Path) -> Web:
    file = tmp_path / "client.secret"
    file.write_text(SECRET)
    file.chmod(0o600)
    return assembled(oidc_issuer=provider.issuer, oidc_client_id="nadir", oidc_client_secret_file=file)


METADATA = "/.well-known/openid-configuration"
CALLS = (METADATA, "/token", "/keys", "/userinfo")


@pytest.mark.parametrize("provider", [None, *CALLS], indirect=True)
def test_no_call_to_the_provider_follows_a_redirect(provider: Provider, web: Web) -> None:
    client, moved = web.anonymous(), provider.moved
    away = client.get("/login/provider")
    if moved == METADATA:
        assert away.status_code == 503
        assert provider.asked == [METADATA]
        return
    sent = {name: values[0] for name, values in parse_qs(urlsplit(away.location).query).items()}
    provider.nonce = sent["nonce"]
    back = client.get("/login/provider/back", query_string={"code": "c", "state": sent["state"]})
    assert back.status_code == (303 if moved is None else 401)
    reached = CALLS if moved is None else CALLS[: CALLS.index(moved) + 1]
    assert provider.asked == list(reached)
