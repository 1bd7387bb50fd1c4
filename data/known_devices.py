"""Browsers in which a person has signed in before: who guesses elsewhere cannot lock them out there.

Such a browser keeps 256 random bits; only their SHA-256 is stored. It opens nothing: the password is still asked for,
and wrong ones are counted in a bucket of the device alone.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from data.models import KnownDevice

LIFE: Final = timedelta(days=180)


def is_known_device(session: Session, device: str | None, person_id: int, now: datetime) -> bool:
    """Whether the person has signed in from the browser that holds this cookie, within half a year."""
    return device is not None and _found(session, device, person_id, now) is not None


def remember_device(session: Session, device: str | None, person_id: int, now: datetime) -> str:
    """Note that the person has signed in from this browser; returns the cookie it is to keep.

    One cookie may stand for several people: a computer on a ward is known to each who signed in there.
    """
    if device is not None and (known := _found(session, device, person_id, now)) is not None:
        known.seen_at = now
        return device
    anybodys = device is not None and session.scalar(
        select(KnownDevice.id_hash).where(KnownDevice.id_hash == device_hash(device)).limit(1)
    )
    cookie = device if device is not None and anybodys else secrets.token_urlsafe(32)
    session.merge(KnownDevice(id_hash=device_hash(cookie), person_id=person_id, created_at=now, seen_at=now))
    session.flush()
    return cookie


def count_devices(session: Session, person_id: int, now: datetime) -> int:
    """How many browsers the person is known in."""
    lately = KnownDevice.seen_at > now - LIFE
    return session.scalar(select(func.count()).where(KnownDevice.person_id == person_id, lately)) or 0


def forget_devices(session: Session, person_id: int) -> None:
    """Know none of the person's browsers any more."""
    session.execute(delete(KnownDevice).where(KnownDevice.person_id == person_id))


def device_hash(device: str) -> str:
    """What is stored of a device's cookie."""
    return sha256(device.encode("utf-8", "surrogatepass")).hexdigest()


def _found(session: Session, device: str, person_id: int, now: datetime) -> KnownDevice | None:
    return session.scalar(
        select(KnownDevice).where(
            KnownDevice.id_hash == device_hash(device),
            KnownDevice.person_id == person_id,
            KnownDevice.seen_at > now - LIFE,
        )
    )
