"""The audit chain: who did what to whose data, each row bound to the one before it by an HMAC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class Audit(Base):
    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(200), index=True)
    role: Mapped[str] = mapped_column(String(12))
    action: Mapped[str] = mapped_column(String(60), index=True)
    patient_uuid: Mapped[str | None] = mapped_column(String(36), index=True)
    object: Mapped[str | None] = mapped_column(String(300))
    outcome: Mapped[str] = mapped_column(String(12))
    request_id: Mapped[str | None] = mapped_column(String(36))
    source: Mapped[str | None] = mapped_column(String(100))
    detail: Mapped[dict[str, Any] | None]
    key_id: Mapped[str] = mapped_column(String(16))
    mac: Mapped[str] = mapped_column(String(64))


class AuditReason(Base):
    """The reason a person gave for what row `seq` says. The row binds it by an HMAC in its detail (`reason_mac`), so
    that it can be erased with a patient's identity and cannot be changed unseen."""

    __tablename__ = "audit_reason"

    seq: Mapped[int] = mapped_column(ForeignKey("audit.seq"), primary_key=True, autoincrement=False)
    words: Mapped[str] = mapped_column(Text)


class AuditHead(Base):
    """The last row of the chain; locked for update while a row is appended."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    seq: Mapped[int]
    mac: Mapped[str] = mapped_column(String(64))
