"""One import: how its files are to be read, what that would store, the storing itself and what came of it.

The address names the import, so the page can be left and found again; the work goes on without it.
"""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import available_timezones

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.language import _, message, tell
from dashboard.parts.import_report import account, details
from dashboard.parts.import_words import FORMAT_WORDS, STATE_WORDS, button_text, files_text, rows_text, size_text
from dashboard.policy import Policy, guarded
from dashboard.request import current_actor, current_database, current_settings, request_now
from dashboard.routing import Route
from data.errors import BadInput
from data.intake.cgm_formats import SENSOR_FORMATS
from data.intake.import_jobs import (
    SILENT,
    WORKING,
    ask_import,
    ask_preview,
    cancel,
    find_job,
    own_teams,
)
from data.intake.import_launch import start_waiting
from data.intake.sheet_format import SHEET_FORMATS, XLSX
from data.intake.uploads import remove, upload_folder
from data.models import ImportJob
from data.patients import list_patients
from data.people import IMPORTING_ROLES

ROUTE = Route("/import/<job>", title="Import", policy=Policy(IMPORTING_ROLES, scoped=True))
POLICY = Policy(IMPORTING_ROLES, scoped=True)
POLL_MS = 1_500
LISTED_PATIENTS = 500
STEPS = (message("Files"), message("Preview"), message("Import"))
STEP_OF = {"uploaded": 0, "refused": 0, "previewing": 1, "previewed": 1, "broken": 1, "importing": 2, "imported": 3}
FORM_STATES = ("uploaded", "previewed", "refused", "broken")


def layout(job: str) -> Component:
    """The page of one import of the person who asks; raises NotFound for another's."""
    actor = current_actor()
    with current_database().read() as session:
        found = find_job(session, actor, job)
        teams = own_teams(session, actor)
        patients = list_patients(session, actor)[:LISTED_PATIENTS] if found.format in SENSOR_FORMATS else []
    return html.Div(
        [
            dcc.Store(id="import-id", data=job),
            dcc.Store(id="import-moved", data=0),
            dcc.Store(id="import-seen", data=""),
            dcc.Interval(id="import-clock", interval=POLL_MS, disabled=found.state not in WORKING),
            html.P(dcc.Link(_("All imports and the quarantine"), href="/import"), className="small no-print"),
            html.H1(_("Import of {files}", files=files_text(found.files))),
            html.Ol(_steps(found.state), id="import-steps", className="steps"),
            _files(found),
            _form(found, teams, patients),
            html.Div(id="import-said", role="status"),
            html.Div(id="import-account"),
            html.Div(
                [
                    html.Button(
                        _("Import"), id="import-commit", type="button", className="button primary", hidden=True
                    ),
                    html.Button(
                        _("Cancel this import"), id="import-cancel", type="button", className="button", hidden=True
                    ),
                ],
                className="import-actions no-print",
            ),
            html.Div(id="import-report", className="import-report"),
        ],
        className="page form-page",
    )


def register(app: Dash) -> None:
    """Three acts - preview, import, cancel - and one look at where the import stands."""
    _register_preview(app)
    _register_settling(app)
    _register_look(app)


def _register_preview(app: Dash) -> None:

    @guarded(
        app,
        Output("import-moved", "data"),
        Output("import-refusal", "children"),
        Input("import-preview", "n_clicks"),
        State("import-id", "data"),
        State("import-team", "value"),
        State("import-mrn", "value"),
        State("import-zone", "value"),
        State("import-order", "value"),
        State("import-moved", "data"),
        policy=POLICY,
        running=[(Output("import-preview", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def preview(
        clicks: int | None,
        job: str,
        team: str | None,
        mrn: str | None,
        zone: str | None,
        order: Literal["held", "dmy", "mdy"] | None,
        moved: int,
    ) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        options = {"team": team, "mrn": mrn, "zone": zone, "date_order": None if order == "held" else order}
        try:
            with current_database().write() as session:
                ask_preview(session, current_actor(), job, options=options, now=request_now())
        except BadInput as refused:
            return no_update, html.P(f"{tell(refused.args[0])}.", className="error")
        _start()
        return moved + 1, None


def _register_settling(app: Dash) -> None:
    @guarded(
        app,
        Output("import-moved", "data", allow_duplicate=True),
        Output("import-refusal", "children", allow_duplicate=True),
        Input("import-commit", "n_clicks"),
        State("import-id", "data"),
        State("import-moved", "data"),
        policy=POLICY,
        running=[(Output("import-commit", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def commit(clicks: int | None, job: str, moved: int) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        try:
            with current_database().write() as session:
                ask_import(session, current_actor(), job, now=request_now())
        except BadInput as refused:
            return moved + 1, html.P(f"{tell(refused.args[0])}.", className="error")
        _start()
        return moved + 1, None

    @guarded(
        app,
        Output("import-moved", "data", allow_duplicate=True),
        Output("import-refusal", "children", allow_duplicate=True),
        Input("import-cancel", "n_clicks"),
        State("import-id", "data"),
        State("import-moved", "data"),
        policy=POLICY,
        running=[(Output("import-cancel", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def give_up(clicks: int | None, job: str, moved: int) -> tuple[object, object]:
        if not clicks:
            return no_update, no_update
        try:
            with current_database().write() as session:
                cancel(session, current_actor(), job, now=request_now())
        except BadInput as refused:
            return moved + 1, html.P(f"{tell(refused.args[0])}.", className="error")
        remove(upload_folder(current_settings()), job)
        return moved + 1, None


def _register_look(app: Dash) -> None:
    @guarded(
        app,
        Output("import-seen", "data"),
        Output("import-clock", "disabled"),
        Output("import-steps", "children"),
        Output("import-form", "hidden"),
        Output("import-said", "children"),
        Output("import-account", "children"),
        Output("import-report", "children"),
        Output("import-commit", "children"),
        Output("import-commit", "hidden"),
        Output("import-cancel", "hidden"),
        Input("import-clock", "n_intervals"),
        Input("import-moved", "data"),
        State("import-id", "data"),
        State("import-seen", "data"),
        policy=Policy(IMPORTING_ROLES, scoped=True, polling=True),
    )
    def look(_intervals: int | None, _moved: int, job: str, seen: str) -> tuple[object, ...]:
        with current_database().read() as session:
            found = find_job(session, current_actor(), job)
        working = found.state in WORKING
        if working and (found.beat_at is None or found.beat_at < request_now() - SILENT):
            _start()
        mark = f"{found.state} {found.attempt} {(found.progress or {}).get('read')} {found.beat_at is None}"
        if mark == seen:
            return (no_update,) * 10
        commit, counts = _commit_text(found), _counts(found)
        stored = found.summary is not None
        return (
            mark,
            not working,
            _steps(found.state),
            found.state not in FORM_STATES or stored,
            _said(found),
            None if counts is None else account(counts, stored=stored),
            [] if counts is None else details(counts, stored=stored),
            commit or _("Import"),
            commit is None,
            found.state not in ("uploaded", "previewing", "previewed", "refused"),
        )


def _start() -> None:
    start_waiting(current_database(), upload_folder(current_settings()), now=request_now())


def _steps(state: str) -> list[Component]:
    at = STEP_OF.get(state, 0)
    return [
        html.Li(
            [html.Span(str(number + 1), className="step-number", **{"aria-hidden": "true"}), _(name)],
            className="done" if number < at else ("now" if number == at else ""),
            **({"aria-current": "step"} if number == at else {}),
        )
        for number, name in enumerate(STEPS)
    ]


def _files(job: ImportJob) -> Component:
    files = ", ".join(f"{file['name']} ({size_text(file['size'])})" for file in job.files)
    format = _(FORMAT_WORDS.get(job.format or "", job.format or "")) or _("not recognised")
    return html.Dl(
        [
            html.Div([html.Dt(_("Format, told by the content")), html.Dd(format)], className="card"),
            html.Div([html.Dt(_("Files")), html.Dd(files)], className="card"),
        ],
        className="strip",
    )


def _form(job: ImportJob, teams: list[str], patients: list[dict[str, Any]]) -> Component:
    options = job.options
    sheet = job.format in SHEET_FORMATS or job.format == XLSX
    sensor = job.format in SENSOR_FORMATS
    listed = [html.Option(p["name"] or _("Name not recorded"), value=p["mrn"]) for p in patients]
    zones = [html.Option(value=name) for name in sorted(available_timezones())]
    return html.Section(
        [
            html.Header(html.H2(_("How to read it"))),
            html.Div(
                [
                    _choice("import-team", _("Care team it comes in for"), {t: t for t in teams}, options.get("team")),
                    _choice(
                        "import-order",
                        _("Dates such as 03/04/2026 are"),
                        {"held": _("held"), "dmy": _("day/month"), "mdy": _("month/day")},
                        options.get("date_order", "held"),
                    ),
                    _text(
                        "import-mrn",
                        _("Hospital number of the patient"),
                        _("The export names nobody Nadir knows.")
                        if sensor
                        else _("Only for files that name no patient."),
                        options.get("mrn"),
                        listed,
                        hidden=sheet,
                    ),
                    _text(
                        "import-zone",
                        _("Time zone of times without one"),
                        _("For instance {zone}. Empty: such times are held.", zone=current_settings().site_timezone),
                        options.get("zone"),
                        zones,
                    ),
                ],
                className="import-fields",
            ),
            html.Div(id="import-refusal", role="alert"),
            html.Button(_("Preview"), id="import-preview", type="button", className="button primary"),
            html.Span(_("Nothing is stored yet."), className="soft small"),
        ],
        id="import-form",
        className="card import-form no-print",
        hidden=job.state not in FORM_STATES,
    )


def _choice(id: str, label: str, choices: dict[str, str], value: str | None) -> Component:
    if value is None and len(choices) == 1:
        value = next(iter(choices))
    radios = [dmc.Radio(label=words, value=name) for name, words in choices.items()]
    return dmc.RadioGroup(html.Div(radios, className="radios"), id=id, label=label, value=value, className="field")


def _text(
    id: str, label: str, advice: str, value: str | None, choices: list[Component], *, hidden: bool = False
) -> Component:
    return html.Div(
        [
            html.Label(label, htmlFor=id),
            dcc.Input(id=id, type="text", value=value or "", list=f"{id}-choices", autoComplete="off", maxLength=120),
            html.Datalist(choices, id=f"{id}-choices"),
            html.Span(advice, className="soft small"),
        ],
        className="field",
        hidden=hidden,
    )


def _commit_text(job: ImportJob) -> str | None:
    if job.preview is None or job.state not in ("previewed", "broken"):
        return None
    return _("Go on with the import") if job.state == "broken" else button_text(job.preview)


def _said(job: ImportJob) -> Component | None:
    read = rows_text(int((job.progress or {}).get("read", 0)), "item")
    if job.state in WORKING:
        waiting = job.beat_at is None
        reading = job.state == "previewing"
        doing = _("Reading: {read} so far.", read=read) if reading else _("Importing: {read} so far.", read=read)
        words = _("Waiting for another import to finish.") if waiting else doing
        more = " " + _("You can leave this page; it goes on, and stands in your list of imports.")
        return html.Div([html.Span(className="busy", **{"aria-hidden": "true"}), words + more], className="working")
    if job.state == "previewed" and job.preview is not None:
        if button_text(job.preview) is None:
            return html.P(_("There is nothing new in it: everything it holds is stored already."), className="done")
        return html.P(_("This is what would happen. Nothing is stored yet."), className="notice")
    if job.state == "imported":
        return html.P(_done(job), className="done")
    if job.state in ("refused", "broken"):
        kept = "" if job.state == "broken" else " " + _("Nothing was stored.")
        return html.P([html.Strong(f"{_(STATE_WORDS[job.state])}. "), f"{job.why}{kept}"], className="error")
    return None if job.state == "uploaded" else html.P(_(STATE_WORDS[job.state]) + ".", className="soft")


def _done(job: ImportJob) -> str:
    restarted = job.attempt - int((job.progress or {}).get("first", job.attempt)) > 1
    done = _("Imported. Batch {batch}.", batch=job.batch_id)
    if not restarted:
        return done
    return done + " " + _("It had been cut short: what was stored before counts as already there.")


def _counts(job: ImportJob) -> dict[str, Any] | None:
    if job.summary is not None:
        return job.summary
    return job.preview if job.state == "previewed" else None
