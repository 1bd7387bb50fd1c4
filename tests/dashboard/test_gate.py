"""Nothing but the sign-in page, health and static files is open; every reply carries the headers."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from dash import Dash, Input, Output, html

from dashboard.gate import safe_next
from dashboard.inventory import policy_dump, routes
from dashboard.policy import CLINICAL, MissingPolicy, Policy, guarded
from dashboard.routing import Route
from data.debugging import DANGEROUS
from data.settings import SettingsError
from tests.dashboard.conftest import Web

ONC, NURSE, ADMIN = "onc@north.example", "nurse@south.example", "admin@clinic.example"
CANARY = "CNRY-"
HEADERS = (
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
)


def _page(register: Callable[[Dash], None] = lambda _app: None) -> Any:
    return SimpleNamespace(
        ROUTE=Route("/", "Worklist", Policy(CLINICAL, scoped=True), nav="Worklist"),
        layout=lambda: html.H1("CNRY-front"),
        register=register,
    )


def _patient_page() -> Any:
    return SimpleNamespace(
        ROUTE=Route("/p/<mrn>", "Patient", Policy(CLINICAL, patient_argument="mrn")),
        layout=lambda mrn: html.H1(f"CNRY-{mrn}-page"),
        register=lambda _app: None,
    )


@pytest.fixture
def web(assembled: Callable[..., Web]) -> Web:
    return assembled(_page(), _patient_page())


def _filled(rule: str) -> str:
    return (
        rule.replace("<mrn>", "N1")
        .replace("<token>", "x")
        .replace("<path:path>", "some/where")
        .replace("<path:filename>", "x.css")
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_anonymous_gets_nothing_but_sign_in_health_and_static_files(web: Web, method: str) -> None:
    client = web.anonymous()
    for route in routes(web.app):
        if route["public"]:
            continue
        answer = client.open(_filled(route["rule"]), method=method)
        assert answer.status_code in (302, 401), (route, answer.status_code)
        assert CANARY not in answer.text
        assert "shell-page" not in answer.text
        if answer.status_code == 302:
            assert answer.location.startswith("/login")


@pytest.mark.parametrize(
    "path", ["/_mcp", "/anything", "/p/N1", "/p/", "/_dash-layout/", "/_alive", "/metrics", "/%2e%2e/x"]
)
def test_unknown_and_closed_addresses_tell_an_anonymous_nothing(web: Web, path: str) -> None:
    for method in ("GET", "POST"):
        answer = web.anonymous().open(path, method=method)
        assert answer.status_code in (302, 308, 401)
        assert CANARY not in answer.text


def test_scripts_are_told_401_and_people_are_led_to_the_sign_in_page(web: Web) -> None:
    client = web.anonymous()
    assert client.get("/_dash-layout").status_code == 401
    assert client.get("/_dash-layout").is_json
    assert client.get("/p/N1").location == "/login?next=/p/N1"
    assert client.get("/").location == "/login"


def test_an_anonymous_callback_is_refused_whatever_its_inputs_claim(web: Web) -> None:
    body = web.body("shell-page.children", "/login")
    body["inputs"].append({"id": "x", "property": "pathname", "value": "/login"})
    for renamed in (body, {**body, "inputs": [{"id": "u", "property": "pathname", "value": "/login"}]}):
        assert web.anonymous().post("/_dash-update-component", json=renamed).status_code == 401


def test_every_page_and_only_pages_answer_a_signed_in_person(web: Web) -> None:
    client = web.client(ONC)
    assert client.get("/").status_code == 200
    assert client.get("/p/N1").status_code == 200
    for path in ("/nothing", "/p/N1/more", "/p/NOBODY", "/p/S1", "/_mcp", "/_reload-hash", "/favicon.ico"):
        assert client.get(path).status_code in (403, 404), path


def test_another_teams_patient_and_no_patient_at_all_answer_alike(web: Web) -> None:
    client = web.client(ONC)
    theirs, none = client.get("/p/S1"), client.get("/p/NOBODY")
    assert theirs.status_code == none.status_code == 404
    without_number = [a.text.replace(a.headers["X-Request-Id"], "") for a in (theirs, none)]
    assert without_number[0] == without_number[1]


def test_a_role_without_clinical_pages_is_refused(web: Web) -> None:
    answer = web.client(ADMIN).get("/p/N1")
    assert answer.status_code == 403
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_cannot_make_a_browser_act_here(web: Web, headers: dict[str, str]) -> None:
    client = web.client(ONC)
    assert web.call(client, "shell-page.children", "/", **headers).status_code == 403
    assert client.post("/logout", headers=headers).status_code == 403
    assert client.post("/login", data={"email": ONC, "password": "x"}, headers=headers).status_code == 403
    assert web.call(client, "shell-page.children", "/").status_code == 200


def test_our_own_pages_may_act(web: Web) -> None:
    for own in (
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    ):
        assert web.call(web.client(ONC), "shell-page.children", "/", **own).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_callback_takes_json_only(web: Web, content_type: str) -> None:
    body = json.dumps(web.body("shell-page.children", "/"))
    answer = web.client(ONC).post("/_dash-update-component", data=body, content_type=content_type)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "[]",
        "null",
        '"x"',
        "[" * 100_000,
        '{"output": NaN}',
        '{"output": "shell-page.children", "inputs": [1e999]}',
        '{"output": ' + "9" * 5000 + "}",
        '{"output": "nothing.children", "inputs": []}',
        '{"output": ["shell-page.children"]}',
    ],
)
def test_unreadable_bodies_are_a_plain_400(web: Web, raw: str) -> None:
    answer = web.client(ONC).post("/_dash-update-component", data=raw, content_type="application/json")
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    assert "/work" not in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": []},
        {"inputs": "x"},
        {"inputs": [1]},
        {"inputs": [{"value": "/"}]},
        {"inputs": [{"id": {"a": []}, "property": "pathname", "value": "/"}]},
        {"outputs": []},
        {"outputs": [{"id": "other", "property": "children"}, {"id": "shell-title", "property": "data"}]},
        {"outputs": [1, 2]},
        {"outputs": [{"id": "shell-page", "property": "children"}]},
        {"outputs": {"id": "shell-page", "property": "children"}},
        {"outputs": None},
        {"changedPropIds": [1]},
        {"changedPropIds": "x"},
        {"state": []},
        {"state": [{"id": "a", "property": "b"}, {"id": "c", "property": "d"}]},
    ],
)
def test_bodies_out_of_shape_are_a_plain_400(web: Web, change: dict[str, Any]) -> None:
    body = {**web.body("shell-page.children", "/"), **change}
    answer = web.client(ONC).post("/_dash-update-component", json=body)
    assert answer.status_code == 400, answer.text


def test_more_than_two_megabytes_are_refused(web: Web) -> None:
    body = json.dumps(web.body("shell-page.children", "/" + "x" * 2_100_000))
    answer = web.client(ONC).post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 413


def test_a_foreign_host_is_refused(web: Web) -> None:
    for path in ("/login", "/login/code", "/welcome/x", "/account", "/healthz", "/", "/_dash-layout"):
        for host in ("evil.example", "localhost.evil.example", "localhost:80@evil.example"):
            assert web.anonymous().get(path, headers={"Host": host}).status_code == 400
    form = {"email": ONC, "password": "blue kettle, quiet harbour"}
    assert web.anonymous().post("/login", data=form, headers={"Host": "evil.example"}).status_code == 400


def test_every_reply_carries_the_headers_and_only_fingerprinted_files_are_kept(web: Web) -> None:
    client = web.client(ONC)
    index = client.get("/").text
    bundle = next(part for part in index.split('"') if part.startswith("/_dash-component-suites/"))
    replies = [
        web.anonymous().get("/login"),
        web.anonymous().get("/"),
        web.anonymous().get("/_dash-layout"),
        web.anonymous().get("/healthz"),
        web.anonymous().get("/_dash-component-suites/dash/nothing.js"),
        web.anonymous().get("/assets/shell.css"),
        web.anonymous().get("/login", headers={"Host": "evil.example"}),
        client.get("/"),
        client.get("/p/S1"),
        client.get("/nothing"),
        client.delete("/"),
        client.get("/_dash-layout"),
        client.get("/_dash-dependencies"),
        web.call(client, "shell-page.children", "/"),
        web.call(client, "shell-page.children", 7),
    ]
    for reply in replies:
        assert reply.headers["Cache-Control"] == "no-store", reply.request.path
        for name in HEADERS:
            assert name in reply.headers, (reply.request.path, name)
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
        assert "unsafe-eval" not in reply.headers["Content-Security-Policy"]
        assert "script-src 'self' 'sha256-" in reply.headers["Content-Security-Policy"]
    for kept in (web.anonymous().get(bundle), web.anonymous().get("/assets/shell.css?m=1")):
        assert kept.status_code == 200
        assert "immutable" in kept.headers["Cache-Control"]
        assert "Content-Security-Policy" in kept.headers


def test_the_page_is_in_english_and_loads_nothing_from_elsewhere(web: Web) -> None:
    index = web.client(ONC).get("/").text
    assert '<html lang="en">' in index
    for part in index.replace('"', " ").replace("'", " ").split():
        assert not part.startswith(("http://", "https://", "//")), part
    assert "/assets/signin" not in index


def test_the_frame_as_sent_holds_nothing_about_person_or_patient(web: Web) -> None:
    layout = web.client(ONC).get("/_dash-layout").text
    assert ONC not in layout
    assert CANARY not in layout
    assert "oncologist" not in layout


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_debugging_switch_in_the_environment_stops_the_start(
    assembled: Callable[..., Web], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=name):
        assembled(_page())


def test_a_callback_without_policy_stops_the_start_and_is_named(assembled: Callable[..., Web]) -> None:
    def register(app: Dash) -> None:
        @app.callback(Output("open-door", "children"), Input("x", "value"))
        def leak(value: str) -> str:
            return value

    with pytest.raises(MissingPolicy, match=r"callbacks without policy: open-door\.children"):
        assembled(_page(register))


def test_a_route_without_policy_stops_the_start_and_is_named(assembled: Callable[..., Web]) -> None:
    def register(app: Dash) -> None:
        app.server.add_url_rule("/back-door", "back", lambda: "x")

    with pytest.raises(MissingPolicy, match="/back-door"):
        assembled(_page(register))


def test_a_timer_that_would_keep_sign_ins_alive_stops_the_start(assembled: Callable[..., Web]) -> None:
    def register(app: Dash) -> None:
        @guarded(app, Output("clock", "children"), Input("tick", "n_intervals"), policy=Policy(CLINICAL))
        def tick(n_intervals: int | None) -> str:
            return str(n_intervals)

    with pytest.raises(MissingPolicy, match="polling"):
        assembled(_page(register))


def test_two_applications_in_one_process_keep_their_own_callbacks(assembled: Callable[..., Web]) -> None:
    first, second = assembled(_page()), assembled(_page(), _patient_page())
    assert first.app.callback_map.keys() == second.app.callback_map.keys()
    assert web_rules(first) < web_rules(second)


def web_rules(web: Web) -> set[str]:
    return {route["rule"] for route in routes(web.app)}


def test_the_lists_have_the_keys_of_the_contract(web: Web) -> None:
    dump = policy_dump(web.app)
    assert {tuple(cell) for cell in dump} == {("target", "kind", "role", "decision")}
    assert {cell["decision"] for cell in dump} == {"allow", "deny", "scope"}
    cells = {(cell["target"], cell["role"]): cell["decision"] for cell in dump}
    assert cells["/p/<mrn>", "oncologist"] == "scope"
    assert cells["/p/<mrn>", "admin"] == "deny"
    assert cells["/login", "service"] == "allow"
    assert {tuple(route) for route in routes(web.app)} == {("rule", "methods", "public")}
    open_to_all = {route["rule"] for route in routes(web.app) if route["public"]}
    assert open_to_all == {
        "/login",
        "/login/code",
        "/login/provider",
        "/login/provider/back",
        "/logout",
        "/logout/provider",
        "/welcome/<token>",
        "/healthz",
        "/readyz",
        "/_favicon.ico",
        "/assets/<path:filename>",
        "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>",
    }


@pytest.mark.parametrize(
    "target",
    [
        *("//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", "%2f%2fevil.example"),
        *("/%09/evil.example", "/\tevil", "\\\\evil", "/x//evil", "javascript:alert(1)", "", "evil", " /x", "/x?y=//e"),
        *("/x#y", "/x\r\nSet-Cookie: a=b", "/х", "/@evil", "/.evil", "/;evil", "///", "/\\/evil", "/x:y", "?x", "."),
    ],
)
def test_the_way_after_signing_in_never_leaves_the_site(web: Web, target: str) -> None:
    assert safe_next(target) == "/"
    answer = web.anonymous().post(
        "/login", data={"email": ONC, "password": "blue kettle, quiet harbour", "next": target}
    )
    assert answer.location == "/"
    assert web.client(ONC).post("/language", data={"language": "en", "next": target}).location == "/"


def test_a_failing_page_says_nothing_about_the_inside(assembled: Callable[..., Web]) -> None:
    def fail() -> Any:
        raise RuntimeError("CNRY-secret value")

    page = SimpleNamespace(ROUTE=_page().ROUTE, layout=fail, register=lambda _app: None)
    web = assembled(page)
    answer = web.call(web.client(ONC), "shell-page.children", "/")
    assert answer.status_code == 500
    assert set(answer.json) == {"error", "advice", "request"}
    assert CANARY not in answer.text


@pytest.mark.parametrize("path", ["dash/nothing.js", "nothing/x.js", "dash/../x.js", "plotly/%00.js"])
def test_a_script_that_is_not_there_is_not_found_and_no_fault(
    web: Web, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = web.anonymous().get(f"/_dash-component-suites/{path}")
    assert answer.status_code == 404
    assert not caplog.records
    assert set(answer.json) == {"error", "advice", "request"}


def test_health_and_readiness_say_one_word(web: Web) -> None:
    alive, ready = web.anonymous().get("/healthz"), web.anonymous().get("/readyz")
    assert (alive.status_code, alive.text) == (200, "alive\n")
    assert (ready.status_code, ready.text) == (503, "not ready\n")


def test_the_layout_names_the_pages_for_the_navigation(web: Web) -> None:
    assert '"Worklist"' in web.client(ONC).get("/_dash-layout").text
