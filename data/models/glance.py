"""What the cohort shows of a patient, kept from the last judgement so that a list of thousands judges nobody."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base


class Glance(Base):
    """One patient at a glance as of a judgement; derived, and made anew by every one.

    `content` is the `data.glance.Glance` that pages show, as JSON, None when it could not be made (`failure` says why);
    the other columns repeat of it what lists are sorted and filtered by. `form` is the form of `content`: a glance of
    an older form is made anew by the next sweep. `injection_late`: days from the planned date to the last depot
    injection.
    """

    __tablename__ = "glance"

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), primary_key=True)
    form: Mapped[int]
    as_of: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(30))
    last_seen_at: Mapped[datetime | None]
    glucagon_times: Mapped[float | None]
    glucagon_course: Mapped[float | None]
    iga: Mapped[int | None]
    response: Mapped[str | None] = mapped_column(String(4))
    response_at: Mapped[datetime | None]
    hba1c: Mapped[float | None]
    in_range: Mapped[float | None]
    weight_change: Mapped[float | None]
    drug: Mapped[str | None] = mapped_column(String(60))
    next_injection: Mapped[date | None]
    injection_late: Mapped[int | None]
    best_change: Mapped[float | None]
    content: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text)
