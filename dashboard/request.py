"""What belongs to the request being answered: who asks, when, and the parts the application was made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, g
from werkzeug.exceptions import Unauthorized

from clinical.protocol import Protocol
from data.db import Database
from data.people import Actor
from data.protocol.in_force import Standing, standing_protocol
from data.sessions import Limits, Origin, SignedIn
from data.settings import Settings

EXTENSION = "nadir"


@dataclass(frozen=True, slots=True)
class Parts:
    """What `create_app` was given; `protocol` is what this installation brings."""

    database: Database
    settings: Settings
    protocol: Protocol


def current_parts() -> Parts:
    """The parts of the application that answers."""
    parts: Parts = current_app.extensions[EXTENSION]
    return parts


def current_database() -> Database:
    """The database of this application."""
    return current_parts().database


def current_settings() -> Settings:
    """The settings of this application."""
    return current_parts().settings


def current_protocol() -> Protocol:
    """The protocol in force, the same for everything done in answer to one request."""
    return current_standing().protocol


def current_standing() -> Standing:
    """The protocol in force with who activated and who signed what."""
    if "standing" not in g:
        with current_database().read() as session:
            g.standing = standing_protocol(session, current_parts().protocol)
    standing: Standing = g.standing
    return standing


def forget_standing() -> None:
    """Read the protocol anew for the rest of this request, which has changed it."""
    g.pop("standing", None)


def current_sign_in() -> SignedIn:
    """The sign-in behind this request. Raises Unauthorized (401) when there is none."""
    signed_in: SignedIn | None = g.get("signed_in")
    if signed_in is None:
        raise Unauthorized
    return signed_in


def current_actor() -> Actor:
    """The person who asks, with role and teams as the database holds them now. Raises Unauthorized (401)."""
    return current_sign_in().actor


def current_origin() -> Origin:
    """Where this request came from."""
    origin: Origin = g.origin
    return origin


def request_now() -> datetime:
    """The moment this request arrived, UTC; the same for everything done in answer to it."""
    now: datetime = g.now
    return now


def session_limits() -> Limits:
    """How long sign-ins live here."""
    settings = current_settings()
    return Limits(timedelta(seconds=settings.idle_s), timedelta(seconds=settings.absolute_s))
