"""The outbox: alert e-mails written with the flag they tell of, sent later by the sender."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class Outbox(Base):
    """One mail to one person. `message_id` is made at insert and never changes; copies of one mail share it.

    `corrects` is the earlier mail that this one follows because a value it told of was corrected since. `address` is
    where a mail goes that is about its person and not for them. `chosen` says as JSON why this person: the snapshot of
    who was chosen. `rung` is how far an unanswered flag had been carried, 0 where it is told for the first time.
    `held_until`: quiet hours end then. `told_in` is the mail that counts this one among others. `passed_on_at`: a mail
    that was given up, and the next person has been told.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("flag_id", "episode", "recipient_id", "step"),
        CheckConstraint(
            "state IN ('pending','sending','sent','retry','dead','cancelled','digested','held')", name="state"
        ),
        CheckConstraint("kind IN ('immediate','digest','test','technical')", name="kind"),
        Index("ix_outbox_due", "state", "priority", "next_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    flag_id: Mapped[str | None] = mapped_column(ForeignKey("flag.id"))
    episode: Mapped[int | None]
    recipient_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    address: Mapped[str | None] = mapped_column(String(254))
    step: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(10))
    severity: Mapped[str] = mapped_column(String(10))
    corrects: Mapped[str | None] = mapped_column(String(36))
    chosen: Mapped[str | None] = mapped_column(Text)
    rung: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(10))
    priority: Mapped[int]
    counts: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(36))
    sent_at: Mapped[datetime | None]
    last_code: Mapped[int | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    held_until: Mapped[datetime | None]
    told_in: Mapped[str | None] = mapped_column(String(36), index=True)
    passed_on_at: Mapped[datetime | None]


class DeliveryAttempt(Base):
    """What the mail server answered to one try; append-only."""

    __tablename__ = "delivery_attempt"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    outbox_id: Mapped[str] = mapped_column(ForeignKey("outbox.id"), index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    code: Mapped[int | None]
    text: Mapped[str | None] = mapped_column(Text)


class Digest(Base):
    """That a person's digest of a local date was made: one a date, whatever the clock does."""

    __tablename__ = "digest"

    recipient_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    outbox_id: Mapped[str] = mapped_column(ForeignKey("outbox.id"))
