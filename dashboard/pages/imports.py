"""The import page: hand over files, find one's own imports again, work off what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import Dash, html
from dash.development.base_component import Component

from dashboard.language import _, counted, tell, told_in
from dashboard.parts import rows
from dashboard.parts.import_words import FORMAT_WORDS, STATE_WORDS, brought, files_text
from dashboard.parts.times import Clock, since_text
from dashboard.policy import Policy
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.access import note_held
from data.intake.import_jobs import list_jobs, own_teams
from data.intake.quarantine import count_quarantined, list_quarantined
from data.intake.uploads import LARGEST_UPLOAD, MOST_FILES
from data.models import ImportJob
from data.people import IMPORTING_ROLES

ROUTE = Route(
    "/import", title="Import", policy=Policy(IMPORTING_ROLES, scoped=True), nav="Import", count=count_quarantined
)
HELD_SHOWN = 200


def layout() -> Component:
    """The page for the person who asks: the place to drop files, their imports, what is held for their teams."""
    clock = Clock(request_now(), current_settings().zone)
    actor = current_actor()
    with current_database().read() as session:
        teams = own_teams(session, actor)
        jobs = list_jobs(session, actor)
        held = list_quarantined(session, actor, newest=HELD_SHOWN)
        count = count_quarantined(session, actor)
    if held:
        with current_database().write() as session:
            note_held(session, actor, [item["id"] for item in held], ROUTE.pattern, now=clock.now)
    return html.Div(
        [
            html.H1(_("Import")),
            _drop() if teams else _no_team(),
            _mine(jobs, clock),
            _held(held, count, clock),
        ],
        className="page form-page",
    )


def register(_app: Dash) -> None:
    """The page has no callbacks: assets/import.js sends files to the upload route."""


def _drop() -> Component:
    limit = _("Up to {mb} MB and {n} files of one format at once.", mb=LARGEST_UPLOAD // 1024 // 1024, n=MOST_FILES)
    return html.Section(
        [
            html.Div(className="drop-frame", **{"data-drop": "/import/upload"}),
            html.P(
                [
                    _(
                        "FHIR R4, HL7 v2, sheets (CSV, Excel) and sensor exports (Dexcom Clarity, LibreView, "
                        "Nightscout, Tidepool)."
                    ),
                    f" {limit} ",
                    html.Strong(_("Nothing is stored before you have seen what Nadir makes of it.")),
                ],
                className="soft small",
            ),
        ],
        className="stacked",
    )


def _no_team() -> Component:
    return html.P(
        _("You belong to no care team, so there is nobody you could import for. Ask an admin to put you into one."),
        className="notice",
    )


def _mine(jobs: Sequence[ImportJob], clock: Clock) -> Component:
    table = rows.table(
        "import-table",
        (_("Files"), _("Format"), _("State"), _("Rows"), _("Handed over")),
        [_job(job, clock) for job in jobs],
        caption=_("Your imports, newest first"),
        css="dense stacking",
    )
    none = html.P(_("You have not imported anything yet."), className="soft")
    return html.Section([html.Header(html.H2(_("Your imports"))), table if jobs else none], className="card")


def _job(job: ImportJob, clock: Clock) -> dict[str, Any]:
    said = job.summary or job.preview
    return rows.row(
        [
            rows.cell(rows.link(files_text(job.files), f"/import/{job.id}"), css="patient"),
            rows.cell(_(FORMAT_WORDS.get(job.format or "", job.format or "")), name=_("Format")),
            rows.cell(rows.span(_(STATE_WORDS[job.state]), "pill")),
            rows.cell(brought(said) if said else "-", name=_("Rows")),
            rows.cell(since_text(job.created_at, clock.now), css="when", name=_("Handed over")),
        ]
    )


def _held(held: Sequence[dict[str, Any]], count: int, clock: Clock) -> Component:
    if not held:
        body: Component = html.P(_("Nothing is held for your teams."), className="soft")
    else:
        body = rows.table(
            "held-table",
            (_("What is wrong"), _("What would help"), _("Where"), _("Since")),
            [_held_row(item, clock) for item in held],
            caption=_("Held items, newest first"),
            css="dense stacking held",
        )
    all_of_it = counted("{n} item", "{n} items", count)
    shown = _("the newest {n} of {all}", n=len(held), all=all_of_it) if count > len(held) else all_of_it
    return html.Section(
        [
            html.Header([html.H2(_("Quarantine")), html.Span(shown, className="soft small")]),
            html.P(
                _(
                    "What Nadir could not read without guessing. "
                    "It waits here, unused, until somebody mends or drops it."
                ),
                className="soft small",
            ),
            body,
        ],
        className="card stacked",
        id="quarantine",
    )


def _held_row(item: dict[str, Any], clock: Clock) -> dict[str, Any]:
    since = since_text(datetime.fromisoformat(item["created_at"]), clock.now)
    return rows.row(
        [
            rows.cell(
                rows.link(tell(item["why"]), f"/import/held/{item['id']}"), css="what", language=told_in(item["why"])
            ),
            rows.cell(tell(item["suggestion"] or "-"), name=_("Helps"), language=told_in(item["suggestion"])),
            rows.cell(
                rows.span(item["where"], "place"),
                rows.below(_(FORMAT_WORDS.get(item["format"], item["format"]))),
                name=_("In"),
            ),
            rows.cell(since, css="when", name=_("Since")),
        ]
    )
