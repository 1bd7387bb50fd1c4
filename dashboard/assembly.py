"""How the web application is put together from its parts and any set of pages."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from dash import Dash
from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard import shell
from dashboard.accounts import accounts
from dashboard.audit_export import ENDPOINT as AUDIT_CSV
from dashboard.audit_export import EXPORTING, install_audit_export
from dashboard.base_path import addressed, install_base_path
from dashboard.cookie import is_https
from dashboard.emergency import EMERGENCY_POLICIES, emergency
from dashboard.emergency_banner import emergency_line
from dashboard.entry import DRAFT, ENTRY, SAVE, install_entry
from dashboard.erasure import ERASURE_POLICIES, erasure
from dashboard.errors import install_errors
from dashboard.gate import CALLBACK_PATH, CATCH_ALL, install_gate
from dashboard.headers import YEAR_S, content_security_policy, install_headers
from dashboard.injection_calendar import CALENDAR, install_injection_calendar
from dashboard.injection_calendar import ENDPOINT as INJECTIONS_ICS
from dashboard.inventory import ROUTE_POLICIES, assert_guarded
from dashboard.language import _, counted, language
from dashboard.metrics import ENDPOINT as METRICS
from dashboard.metrics import OPERATING, install_metrics
from dashboard.own_account import OWN_POLICIES, own
from dashboard.parts.grid import script_addresses
from dashboard.policy import PUBLIC, SIGNED_IN, Policy
from dashboard.provider import PROVIDER_POLICIES, install_provider
from dashboard.reckoning import ENDPOINT as RECKON
from dashboard.reckoning import RECKONING, install_reckoning
from dashboard.request import EXTENSION, Parts, current_database, current_settings, request_now, require_tables
from dashboard.routing import PageModule, Pages
from dashboard.strict_json import StrictJSON
from dashboard.summary import ENDPOINT as SUMMARY_PDF
from dashboard.summary import SUMMARY, install_summary
from dashboard.uploads import ENDPOINT as UPLOAD
from dashboard.uploads import UPLOADS, install_uploads
from data.db import DatabaseUnavailable
from data.debugging import refuse_debugging
from data.freshness import sweep_age_s, sweep_limit_s
from data.settings import Settings

MAX_BODY = 2 * 1024 * 1024
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>"""


def assemble(parts: Parts, page_modules: Sequence[PageModule]) -> Dash:
    """The web application with these pages.

    Raises SettingsError for a setting or environment it will not start with, MissingPolicy for what stands open.
    """
    refuse_debugging()
    settings = parts.settings
    pages = Pages(page_modules)
    server = _server(parts)
    made: list[Dash] = []
    install_errors(server)
    # Flask runs these in order, so nothing of Dash sees a request that the gate has not let through.
    install_gate(server, lambda: made[0], lambda endpoint: endpoint in {_endpoint(page) for page in pages.modules})
    app = Dash(
        "dashboard",
        server=server,
        title="Nadir",
        update_title="",
        index_string=INDEX,
        assets_path_ignore=["signin"],
        compress=True,
        enable_mcp=False,
        include_pages_meta=False,
        meta_tags=[
            {"name": "nadir-grid", "content": settings.base_path.rstrip("/") + address}
            for address in script_addresses()
        ],
        use_pages=False,
        suppress_callback_exceptions=True,
        add_log_handler=False,
        requests_pathname_prefix=settings.base_path,
        routes_pathname_prefix="/",
        on_error=None,
    )
    made.append(app)
    _say_where_and_how(app, settings.base_path.rstrip("/"))
    _add_pages(app, pages)
    app.layout = lambda: addressed(shell.frame(pages, idle_s=settings.idle_s, environment=settings.environment))
    shell.register(app, pages)
    for page in pages.modules:
        page.register(app)
    install_headers(server, content_security_policy(app.csp_hashes()), over_https=is_https(settings))
    assert_guarded(app)
    # Dash sets up its callbacks within its first request; simultaneous first requests can miss them (plotly/dash#3971).
    server.test_client().get("/healthz", base_url=settings.base_url)
    return app


def _say_where_and_how(app: Dash, base: str) -> None:
    """Let the page name the language it is answered in and the path it lives below."""
    interpolate, below = app.interpolate_index, f' data-base="{base}"' if base else ""

    def interpolated(**parts: str) -> str:
        return str(interpolate(**parts)).replace('<html lang="en">', f'<html lang="{language()}"{below}>', 1)

    app.interpolate_index = interpolated  # type: ignore[method-assign, assignment]


def _server(parts: Parts) -> Flask:
    settings = parts.settings
    server = Flask("dashboard", static_folder=None)
    server.json = StrictJSON(server)
    server.extensions[EXTENSION] = parts
    server.config.update(
        SECRET_KEY=settings.secret_key(),
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        TRUSTED_HOSTS=_trusted_hosts(settings),
        SEND_FILE_MAX_AGE_DEFAULT=YEAR_S,
        COMPRESS_ALGORITHM=["zstd", "br", "gzip"],
        COMPRESS_MIMETYPES=["text/css", "text/javascript", "application/javascript", "application/json"],
    )
    if settings.proxy_hops:
        hops = settings.proxy_hops
        server.wsgi_app = ProxyFix(server.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    install_base_path(server, settings.base_path)
    server.jinja_env.globals.update(_=_, counted=counted, language=language, emergency_line=emergency_line)
    for blueprint in (accounts, own, emergency, erasure):
        server.register_blueprint(blueprint)
    install_provider(server, settings)
    install_uploads(server)
    install_summary(server)
    install_injection_calendar(server)
    install_entry(server)
    install_reckoning(server)
    install_metrics(server)
    install_audit_export(server)
    server.add_url_rule("/healthz", "healthz", _alive)
    server.add_url_rule("/readyz", "readyz", _ready)
    return server


def _add_pages(app: Dash, pages: Pages) -> None:
    """Give each page an address of its own, so that an unknown one is a 404, and every address its policy."""
    server = app.server
    policies: dict[str, Policy] = {
        "accounts.login": PUBLIC,
        "accounts.sign_in_with_password": PUBLIC,
        "accounts.logout": PUBLIC,
        "accounts.language_chosen": SIGNED_IN,
        "accounts.welcome": PUBLIC,
        "accounts.choose_password": PUBLIC,
        "accounts.code": PUBLIC,
        "accounts.sign_in_with_second_factor": PUBLIC,
        **PROVIDER_POLICIES,
        **OWN_POLICIES,
        **EMERGENCY_POLICIES,
        **ERASURE_POLICIES,
        UPLOAD: UPLOADS,
        SUMMARY_PDF: SUMMARY,
        INJECTIONS_ICS: CALENDAR,
        SAVE: ENTRY,
        DRAFT: ENTRY,
        RECKON: RECKONING,
        AUDIT_CSV: EXPORTING,
        "healthz": PUBLIC,
        "readyz": PUBLIC,
        METRICS: OPERATING,
        "_dash_assets.static": PUBLIC,
        "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>": PUBLIC,
        "/_favicon.ico": PUBLIC,
        "/_dash-layout": SIGNED_IN,
        "/_dash-dependencies": SIGNED_IN,
        CALLBACK_PATH: SIGNED_IN,
        "/_reload-hash": Policy(frozenset()),
        "/": Policy(frozenset()),
        CATCH_ALL: Policy(frozenset()),
    }
    for page in pages.modules:
        policies[_endpoint(page)] = page.ROUTE.policy
        if page.ROUTE.pattern != "/":  # Dash made that one
            server.add_url_rule(page.ROUTE.pattern, _endpoint(page), lambda **_parts: app.index())
    server.extensions[ROUTE_POLICIES] = policies


def _endpoint(page: PageModule) -> str:
    return page.ROUTE.pattern


def _alive() -> ResponseReturnValue:
    return "alive\n", 200, {"Content-Type": "text/plain; charset=utf-8"}


def _ready() -> ResponseReturnValue:
    try:
        require_tables()
        with current_database().read() as session:
            age_s = sweep_age_s(session, now=request_now())
    except (DatabaseUnavailable, SQLAlchemyError):
        age_s = None
    ready = age_s is not None and age_s <= sweep_limit_s(current_settings().sweep_s)
    return (
        ("ready\n" if ready else "not ready\n"),
        (200 if ready else 503),
        {"Content-Type": "text/plain; charset=utf-8"},
    )


def _trusted_hosts(settings: Settings) -> list[str]:
    named = [host.strip() for host in settings.trusted_hosts.split(",") if host.strip()]
    own = urlsplit(settings.base_url).hostname
    return [*named, own] if own else named
