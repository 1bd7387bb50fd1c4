"""How one laboratory writes a unit or a code, as one person proposed and another approved."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId

_STANDING = text("retired_at IS NULL")


class LearnedMapping(Base):
    """`laboratory` writes `written` and means `meaning`. It counts from `approved_at` to `retired_at`."""

    __tablename__ = "learned_mapping"
    __table_args__ = (
        CheckConstraint("kind IN ('unit','code')", name="kind"),
        CheckConstraint("approved_by IS NULL OR approved_by <> proposed_by", name="two_people"),
        Index(
            "uq_learned_mapping_standing",
            "laboratory",
            "kind",
            "written",
            unique=True,
            sqlite_where=_STANDING,
            postgresql_where=_STANDING,
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    laboratory: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(4))
    written: Mapped[str] = mapped_column(String(100))
    meaning: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(Text)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("quarantine.id"))
    proposed_by: Mapped[str] = mapped_column(String(200))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(200))
    approved_at: Mapped[datetime | None]
    retired_by: Mapped[str | None] = mapped_column(String(200))
    retired_at: Mapped[datetime | None]
    retired_reason: Mapped[str | None] = mapped_column(Text)
