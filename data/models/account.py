"""People who use Nadir, their teams, sign-ins, second factors, tokens, one-time links and sign-in throttles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class Person(Base):
    __tablename__ = "person"
    __table_args__ = (CheckConstraint("role IN ('oncologist','nurse','admin','auditor','service')", name="role"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(12))
    password_hash: Mapped[str | None] = mapped_column(String(300))
    language: Mapped[str | None] = mapped_column(String(5))
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    preferences: Mapped[dict[str, Any] | None]
    provider_subject: Mapped[str | None] = mapped_column(String(600), unique=True, index=True)


class PersonTeam(Base):
    __tablename__ = "person_team"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True, index=True)


class Session(Base):
    """A sign-in. The cookie holds 256 random bits; only their SHA-256 is stored.

    `awaits_code`: the password was right and the second factor is still to come, so it opens nothing yet.
    """

    __tablename__ = "session"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    awaits_code: Mapped[bool] = mapped_column(default=False, server_default=false())


class SecondFactor(Base):
    """The secret of a person's authenticator, sealed; in force once `confirmed_at` is set.

    `last_step` is the number of the 30-second step of the last code taken: no code opens anything twice.
    """

    __tablename__ = "second_factor"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    sealed: Mapped[str] = mapped_column(String(300))
    begun_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int]


class RecoveryCode(Base):
    """A code that stands in for the authenticator once. Only the SHA-256 of its 118 random bits is stored."""

    __tablename__ = "recovery_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    used_at: Mapped[datetime | None]


class KnownDevice(Base):
    """A browser in which a person has signed in. Only the SHA-256 of its cookie is stored."""

    __tablename__ = "known_device"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class ServiceToken(Base):
    """What a program shows instead of signing in. Only the SHA-256 of its 256 random bits is stored."""

    __tablename__ = "service_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    label: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Emergency(Base):
    """That a person opened a patient no team of theirs follows, why, and until when; append-only."""

    __tablename__ = "emergency"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class Invitation(Base):
    """A one-time link to choose a password. Only the SHA-256 of its token is stored."""

    __tablename__ = "invitation"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Throttle(Base):
    """Failed sign-ins per account or source; `free_at` is when the next try is let through."""

    __tablename__ = "throttle"

    bucket: Mapped[str] = mapped_column(String(100), primary_key=True)
    failures: Mapped[int]
    free_at: Mapped[datetime]
