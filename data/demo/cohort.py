"""The demonstration cohort: every story, in the order of its number."""

from __future__ import annotations

from data.demo import biliary, paperwork, progressing, relapsing_skin, resected, stable
from data.demo.story import Story

FAMILIES = (resected, stable, progressing, relapsing_skin, biliary, paperwork)
COHORT: tuple[Story, ...] = tuple(sorted((s for family in FAMILIES for s in family.STORIES), key=lambda s: s.mrn))
