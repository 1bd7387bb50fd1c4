"""Who is on call, how a person wants to be told, and how far an unanswered flag has been carried."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, BigId


class RotaWeek(Base):
    """Who is on call for a team in the ISO week that begins on `monday`."""

    __tablename__ = "rota_week"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    monday: Mapped[date] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class StandIn(Base):
    """That a person is away for a team from the first to the last day, both included, and who takes their place."""

    __tablename__ = "stand_in"
    __table_args__ = (CheckConstraint("first_day <= last_day", name="days"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    first_day: Mapped[date]
    last_day: Mapped[date]
    stand_in_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class TeamLead(Base):
    """Who leads a team: the first to hear of a flag that nobody has acknowledged for long."""

    __tablename__ = "team_lead"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class RotaGap(Base):
    """A week of a team in which somebody is missing, about which the admins have been told; gone when it is filled."""

    __tablename__ = "rota_gap"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    monday: Mapped[date] = mapped_column(primary_key=True)
    noticed_at: Mapped[datetime]


class MailChoice(Base):
    """When a person is not to be disturbed (minutes after midnight in their zone; none: the site's), and whether their
    address is switched off because the mail server refused it for good."""

    __tablename__ = "mail_choice"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    zone: Mapped[str | None] = mapped_column(String(64))
    quiet_from: Mapped[int | None]
    quiet_to: Mapped[int | None]
    off_at: Mapped[datetime | None]
    off_why: Mapped[str | None] = mapped_column(Text)


class Subscription(Base):
    """How a person wants to be told of flags of a severity about patients of a team, where it is not the usual."""

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("severity IN ('urgent','high','medium')", name="severity"),
        CheckConstraint("how IN ('at-once','on-call','digest','off')", name="how"),
        CheckConstraint("severity <> 'urgent' OR how IN ('at-once','on-call')", name="urgent"),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    severity: Mapped[str] = mapped_column(String(10), primary_key=True)
    how: Mapped[str] = mapped_column(String(10))


class Escalation(Base):
    """That a flag nobody acknowledged was carried to a rung: once for each time it was told (`told_step`)."""

    __tablename__ = "escalation"

    flag_id: Mapped[str] = mapped_column(ForeignKey("flag.id"), primary_key=True)
    episode: Mapped[int] = mapped_column(primary_key=True)
    told_step: Mapped[int] = mapped_column(primary_key=True)
    rung: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    mails: Mapped[int]


class DutyTest(Base):
    """The weekly test alert of a person on call, and when they acknowledged it."""

    __tablename__ = "duty_test"
    __table_args__ = (UniqueConstraint("person_id", "monday"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    monday: Mapped[date]
    sent_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    alarmed_at: Mapped[datetime | None]
