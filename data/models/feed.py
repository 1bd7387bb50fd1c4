"""What arrived over MLLP: every message as it came with the answer it got, and when each sender was last heard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class Hl7Message(Base):
    """One message. `application` and `facility` are MSH-3 and MSH-4 as written, `answer` the acknowledgement sent.

    `state`: `done` it was taken in, `conflict` its control id belongs to an earlier message with other content,
    `failed` it could not be taken in and is tried again when it is sent again.
    """

    __tablename__ = "hl7_message"
    __table_args__ = (
        CheckConstraint("state IN ('done','conflict','failed')", name="state"),
        Index("uq_hl7_message_sent", "application", "facility", "control_id", "digest", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    peer: Mapped[str] = mapped_column(String(64))
    application: Mapped[str] = mapped_column(String(200))
    facility: Mapped[str] = mapped_column(String(200))
    control_id: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10))
    why: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batch.id"))


class Feed(Base):
    """A sender and its latest message.

    `interval_s`: how often it is to be heard at least, None where nobody waits for it. `silence_told_at`: when the
    admins were last told that it was silent.
    """

    __tablename__ = "feed"

    application: Mapped[str] = mapped_column(String(200), primary_key=True)
    facility: Mapped[str] = mapped_column(String(200), primary_key=True)
    last_heard_at: Mapped[datetime]
    last_control_id: Mapped[str] = mapped_column(String(200))
    last_peer: Mapped[str] = mapped_column(String(64))
    interval_s: Mapped[int | None] = mapped_column(server_default="86400")
    silence_told_at: Mapped[datetime | None]
