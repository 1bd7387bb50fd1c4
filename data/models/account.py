"""People who use Nadir, their teams, sessions, one-time links and sign-in throttles."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
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


class PersonTeam(Base):
    __tablename__ = "person_team"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True, index=True)


class Session(Base):
    """A sign-in. The cookie holds 256 random bits; only their SHA-256 is stored."""

    __tablename__ = "session"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proved_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


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
