"""The web application: the one place where its pages are listed."""

from __future__ import annotations

from dash import Dash

from clinical.protocol import Protocol
from dashboard.assembly import assemble
from dashboard.pages import (
    ask,
    audit,
    cohort,
    correct,
    flag,
    flag_visit,
    held,
    identity,
    imaging_entry,
    import_job,
    imports,
    injections,
    me,
    merge,
    operations,
    patient,
    patient_identity,
    proposal,
    protocol,
    protocol_rule,
    queries,
    query,
    regimen,
    visit,
    worklist,
)
from dashboard.request import Parts
from dashboard.routing import PageModule
from data.db import Database
from data.settings import Settings

PAGES: tuple[PageModule, ...] = (
    worklist,
    cohort,
    queries,
    injections,
    imports,
    identity,
    protocol,
    protocol_rule,
    me,
    patient,
    patient_identity,
    visit,
    correct,
    ask,
    query,
    regimen,
    imaging_entry,
    flag,
    flag_visit,
    import_job,
    held,
    proposal,
    merge,
    operations,
    audit,
)


def create_app(database: Database, settings: Settings, protocol: Protocol) -> Dash:
    """The web application with all its pages.

    Raises SettingsError for a setting or environment it will not start with, MissingPolicy for what stands open.
    """
    return assemble(Parts(database, settings, protocol), PAGES)
