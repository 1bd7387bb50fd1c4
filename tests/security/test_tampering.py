"""What a browser may say instead of what the page says: other names, other types, rights it no longer has."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from dashboard.inventory import callback_policies
from data.people import set_teams
from tests.security.bodies import body, callbacks, usual
from tests.security.requests_as import call, every_route, quickest, said, visit
from tests.security.wards import SYSTEM, TRAIL, Wards, all_rows, canaries

pytestmark = pytest.mark.timeout(900)
WHO = ("oncologist", "North")
SLOW_S = 1.0
# JSON as it comes over the wire: Python's own writer would not write some of it.
WRONG = {
    **{"null": "null", "list": "[]", "dict": "{}", "nested": '{"a":[{"b":[]}]}', "true": "true", "zero": "0"},
    **{
        "nan": "NaN",
        "infinite": "1e309",
        "digits": "9" * 5_000,
        "wide": '"１"',
        "nul": '"1\\u0000"',
        "half": '"\\ud800"',
    },
    "large": '"' + "x" * 1_000_000 + '"',
}
REFUSED_ALWAYS = ("nan", "infinite", "digits", "nul", "half", "large")


def test_a_wrong_type_in_any_argument_is_refused_at_once(wards: Wards) -> None:
    side, answers, slowest = wards.sides["North"], Counter[str](), 0.0
    client = wards.web.app.server.test_client(use_cookies=False)
    headers = {"Cookie": wards.cookies[WHO], "Content-Type": "application/json"}
    for callback in callbacks(wards.web.client(side.people["oncologist"])):
        values = usual(callback, side)
        for place in range(len(values)):
            for name, wrong in WRONG.items():
                text = json.dumps(body(callback, [*values[:place], "\x01", *values[place + 1 :]])).replace(
                    '"\\u0001"', wrong
                )
                answer, took = quickest(
                    lambda: client.post("/_dash-update-component", data=text, headers=headers),  # noqa: B023
                    SLOW_S,
                )
                slowest = max(slowest, took)
                answers[str(answer.status_code)] += 1
                assert answer.status_code < 500, (callback, place, name, said(answer))
                if name in REFUSED_ALWAYS:
                    assert answer.status_code in (400, 403), (callback, place, name, answer.status_code)
                wards.settle(answer)
        wards.restore()
    print(f"C4: {answers.total()} wrong arguments, answers {dict(answers)}, slowest {slowest:.2f} s")
    assert slowest <= SLOW_S


def test_what_a_body_claims_beside_its_arguments_has_no_effect(wards: Wards) -> None:
    """A role, a person, a team or an author in the body, or the arguments under other names."""
    side, other, answers = wards.sides["North"], wards.sides["South"], Counter[int]()
    client = wards.web.app.server.test_client(use_cookies=False)
    claims = {"role": "admin", "is_admin": True, "user_id": other.ids["self"], "team": other.ids["team"], "version": 99}
    claims |= {"author": other.people["oncologist"], "created_at": "2020-01-01T00:00:00Z", "userId": "1", "job": "1"}
    claims |= {"cacheKey": "x", "actor": other.people["oncologist"], "patient": other.ids["mrn"]}
    for callback in callbacks(wards.web.client(side.people["oncologist"])):
        plain = body(callback, usual(callback, other))
        more = [{"id": f"shell-{name}", "property": "data", "value": value} for name, value in claims.items()]
        renamed = [{**part, "id": "patient-mrn"} if isinstance(part, dict) else part for part in plain["state"]]
        for sent in (
            plain | claims,
            plain | {"state": [*plain["state"], *more]},
            plain | {"inputs": [*plain["inputs"], *more]},
            plain | {"state": renamed},
            plain | {"outputs": [{"id": "shell-page", "property": "children"}]},
        ):
            for query in ("", "?role=admin&user_id=1"):
                answer = client.post(
                    "/_dash-update-component" + query,
                    json=sent,
                    headers={"Cookie": wards.cookies[WHO], "X-Role": "admin"},
                )
                answers[answer.status_code] += 1
                assert answer.status_code < 500, (callback, said(answer))
                assert "South" not in {team for team, _field in canaries(said(answer))}, callback
                wards.settle(answer)
        wards.restore()
    print(f"C3: {answers.total()} bodies that claim, answers {dict(answers)}")


def test_rights_taken_away_are_gone_at_the_next_click_everywhere(wards: Wards) -> None:
    side, shut = wards.sides["North"], Counter[int]()
    policies = callback_policies(wards.web.app)
    listed = callbacks(wards.web.client(side.people["oncologist"]))
    with wards.web.database.write() as session:
        set_teams(session, SYSTEM, side.people["oncologist"], ["South"], now=datetime.now(UTC))
    wards.keep()
    for callback in listed:
        policy = policies[callback.name]
        answer = call(wards, WHO, callback, usual(callback, side))
        assert "North" not in {team for team, field in canaries(said(answer)) if field not in ("person", "file")}, (
            callback
        )
        if policy.patient_argument or policy.flag_argument:
            assert answer.status_code == 404, callback
        shut[answer.status_code] += 1
        wards.restore()
    print(f"C5: {shut.total()} clicks after the rights were gone, answers {dict(shut)}")


@pytest.mark.parametrize("role", ["oncologist", "nurse", "admin", "auditor"])
def test_looking_changes_nothing_but_the_trail(wards: Wards, role: str) -> None:
    side, engine = wards.sides["North"], wards.web.database.engine
    before, looked = all_rows(engine, but=TRAIL), 0
    for route in every_route(wards):
        if route.method == "GET":
            visit(wards, (role, "North"), route, side)
            looked += 1
    assert all_rows(engine, but=TRAIL) == before
    print(f"C8 {role}: {looked} addresses read, {len(before)} rows as they were")
