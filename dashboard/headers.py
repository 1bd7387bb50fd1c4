"""The headers of every reply: nothing is kept, framed, sniffed or fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import Flask, Response, g, request

YEAR_S = 31_536_000
# Dash writes the version and time of a bundle into its name.
FINGERPRINTED = re.compile(r"^/_dash-component-suites/.+\.v[0-9A-Za-z_-]+m\d+\.")


def content_security_policy(script_hashes: Sequence[str]) -> str:
    """The policy: only our own files, and of inline scripts only those whose hashes are given.

    Inline styles stand because the components and charts write them; without that every page breaks.
    """
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        )
    )


def install_headers(server: Flask, policy_text: str, *, over_https: bool) -> None:
    """Set the headers on every reply, errors included. A browser told `over_https` never comes by plain http again."""
    fixed = {
        "Content-Security-Policy": policy_text,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    if over_https:
        fixed["Strict-Transport-Security"] = f"max-age={YEAR_S}; includeSubDomains"

    def add_headers(response: Response) -> Response:
        for name, value in fixed.items():
            response.headers[name] = value
        response.headers["Cache-Control"] = (
            f"public, max-age={YEAR_S}, immutable" if _never_changes(response) else "no-store"
        )
        if "origin" in g:
            response.headers["X-Request-Id"] = g.origin.request_id
        return response

    server.after_request(add_headers)


def _never_changes(response: Response) -> bool:
    if response.status_code not in (200, 304):
        return False
    if request.path.startswith("/assets/"):
        return "m" in request.args  # the time of the file, which Dash and our templates write behind its name
    return FINGERPRINTED.match(request.path) is not None
