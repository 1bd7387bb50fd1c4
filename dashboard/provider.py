"""Signing in with the clinic's own accounts: OpenID Connect (authorization code, PKCE, state, nonce) by Authlib.

The provider says who somebody is; whether they have an account, and which role and teams, is decided here. What must
be remembered between the way there and back stands in a signed cookie of that browser.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, current_app, render_template, request, session
from flask.typing import ResponseReturnValue
from joserfc.errors import JoseError
from requests import RequestException
from werkzeug.exceptions import NotFound

from dashboard.accounts import let_in
from dashboard.cookie import is_https, read_cookie, way_name
from dashboard.gate import asked_next, safe_next
from dashboard.language import _
from dashboard.policy import PUBLIC, Policy
from dashboard.request import current_database, current_origin, current_settings, request_now
from data.provider_sign_in import Vouched, sign_in_by_provider
from data.sessions import SignInRefused
from data.settings import Settings

provider = Blueprint("provider", __name__)
PROVIDER_POLICIES: dict[str, Policy] = {f"provider.{name}": PUBLIC for name in ("leave", "back", "sign_out")}
NAME: Final = "oidc"
NEXT: Final = "next"
TIMEOUT_S: Final = 10
# Signatures anybody can check and nobody else can make: no shared secret, and never `none`.
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
FAULTS: Final = (AuthlibBaseError, JoseError, RequestException, ValueError, KeyError, TypeError, RuntimeError)
log = logging.getLogger("nadir.web")


def install_provider(server: Flask, settings: Settings) -> None:
    """Register the ways to the provider and back; without settings of one they are not found."""
    server.register_blueprint(provider)
    server.config.update(
        SESSION_COOKIE_NAME=way_name(settings),
        SESSION_COOKIE_PATH=settings.base_path,
        SESSION_COOKIE_SECURE=is_https(settings),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    server.jinja_env.globals["provider_name"] = provider_name
    if settings.oidc_issuer is not None:
        OAuth(server).register(
            NAME,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret(),
            server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
                # A code and the client's secret go to the addresses of the metadata and nowhere else.
                "max_redirects": 0,
            },
        )


def provider_name() -> str | None:
    """What the provider is called on pages; None where there is none."""
    settings = current_settings()
    return None if settings.oidc_issuer is None else settings.oidc_name or _("your clinic's account")


@provider.get("/login/provider")
def leave() -> ResponseReturnValue:
    """Send the browser to the provider."""
    client = _client()
    session[NEXT] = asked_next(request.args.get("next"))
    try:
        _metadata(client)
        return client.authorize_redirect(_address("/login/provider/back"))
    except FAULTS as error:
        return _failed(error, 503)


@provider.get("/login/provider/back")
def back() -> ResponseReturnValue:
    """Take what the provider says about who comes back; the session id is a new one."""
    client, settings = _client(), current_settings()
    try:
        metadata = _metadata(client)
        _check_issuer(metadata)
        claims = _claims(client, metadata)
        vouched = Vouched(
            issuer=str(metadata["issuer"]),
            subject=str(claims["sub"]),
            email=str(claims.get("email", "")),
            verified=claims.get("email_verified") is True,
        )
    except FAULTS as error:
        return _failed(error, 401)
    target = safe_next(session.pop(NEXT, None))
    try:
        cookie = sign_in_by_provider(
            current_database(),
            vouched,
            origin=current_origin(),
            now=request_now(),
            previous=read_cookie(settings),
        )
    except SignInRefused:
        words = _("No account here belongs to whom {provider} says you are. Ask an admin.", provider=provider_name())
        return _sign_in_page(words), 401
    return let_in(cookie, target)


@provider.get("/logout/provider")
def sign_out() -> ResponseReturnValue:
    """End the sign-in at the provider too, after the one here has ended."""
    client = _client()
    try:
        _metadata(client)
        return client.logout_redirect(_address("/login?left=1"), client_id=current_settings().oidc_client_id)
    except FAULTS as error:
        return _failed(error, 503)


def _client() -> Any:
    oauth: OAuth | None = current_app.extensions.get("authlib.integrations.flask_client")
    if oauth is None:
        raise NotFound
    return oauth.create_client(NAME)


def _metadata(client: Any) -> Mapping[str, Any]:
    metadata = client.load_server_metadata()
    if str(metadata["issuer"]).rstrip("/") != (current_settings().oidc_issuer or "").rstrip("/"):
        raise ValueError("the provider calls itself by another name than NADIR_OIDC_ISSUER")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in ALGORITHMS]
    return metadata


def _check_issuer(metadata: Mapping[str, Any]) -> None:
    # RFC 9207: the answer names who gives it, so that another provider's cannot be passed off as this one's.
    named = request.args.get("iss")
    if named is None and metadata.get("authorization_response_iss_parameter_supported"):
        raise ValueError("the answer does not say whose it is")
    if named is not None and named != metadata["issuer"]:
        raise ValueError("the answer is another provider's")


def _claims(client: Any, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    expected = {
        "iss": {"essential": True, "values": [metadata["issuer"]]},
        "aud": {"essential": True, "values": [client.client_id]},
    }
    token = client.authorize_access_token(claims_options=expected)
    claims = token["userinfo"]
    if "email" in claims:
        return claims
    more = client.userinfo(token=token)
    if more["sub"] != claims["sub"]:
        raise ValueError("the provider's two answers are about two people")
    return {**claims, **more}


def _address(path: str) -> str:
    return current_settings().base_url.rstrip("/") + path


def _failed(error: Exception, code: int) -> ResponseReturnValue:
    # The kind of fault, not its words: they may hold what the browser or the provider sent.
    log.warning("sign-in by provider failed", extra={"error": type(error).__name__})
    return _sign_in_page(_("Signing in with {provider} did not work. Try again.", provider=provider_name())), code


def _sign_in_page(error: str) -> str:
    return render_template("signin.html", error=error, notice=None, email="", target="/")
