"""The password asked for again in a request: what it proves, and the new id the sign-in gets with it."""

from __future__ import annotations

from flask import Response, after_this_request, g
from werkzeug.exceptions import Unauthorized

from dashboard.cookie import set_cookie
from dashboard.request import current_database, current_origin, current_settings, current_sign_in, request_now
from data.sessions import renew
from data.step_up import prove


def prove_again(typed: str) -> None:
    """Check a password or code and go on under a new id, whose cookie goes out with the answer.

    For the rest of the request `current_sign_in` is the new one. Raises as `data.step_up.prove`, and
    Unauthorized (401) for a sign-in that has ended meanwhile.
    """
    signed_in, settings, now = current_sign_in(), current_settings(), request_now()
    prove(current_database(), signed_in, typed, origin=current_origin(), now=now)
    with current_database().write() as session:
        renewed = renew(session, signed_in, now)
    if renewed is None:
        raise Unauthorized
    cookie, g.signed_in = renewed

    @after_this_request
    def give(response: Response) -> Response:
        set_cookie(response, settings, cookie)
        return response
