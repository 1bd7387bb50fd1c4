"""The nightly job that lets go of what is past its time (docs/privacy.md)."""

from __future__ import annotations

from datetime import datetime

from data.db import Database
from data.people import Actor
from data.retention import Kept, apply_retention
from data.settings import Settings
from jobs.runs import Counts, Fence


def keep_no_longer(database: Database, settings: Settings, *, now: datetime, fence: Fence) -> Counts:
    """Delete and empty what is past its time; how much, by table. Two runs at once do each piece once."""
    return dict(apply_retention(database, Actor.system("retention"), Kept.of(settings), now=now, fence=fence))
