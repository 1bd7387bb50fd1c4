"""Every callback and every route as every role and as nobody: the answer is that of the policy dump, in every cell.

C1, C2 and C11 of the reliability tests, F1 and L1 on the same replies: whoever is refused sees nothing and changes
nothing, each reply carries the headers, and each that held something of a patient has its row in the audit trail.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.app import PAGES
from dashboard.inventory import policy_dump, routes
from data.audit import verify
from data.models import Audit
from tests.security.bodies import OF_TEAM, Callback, callbacks, forms_of, usual
from tests.security.requests_as import NAMED, Route, call, every_route, said, visit
from tests.security.wards import Side, Wards, all_rows, canaries, rows_of

pytestmark = pytest.mark.timeout(1500)
WHO = {
    "nobody": None,
    **{role: (role, "North") for role in ("oncologist", "nurse", "admin", "auditor", "service")},
}
# What an admin needs to tell people apart and to work off what came in: no result, no note, nothing of a decision.
IDENTITY = frozenset({"name", "identifier", "system", "unit", "merge", "person"})
# Names of staff, of their own files, and why a rule is muted: nothing of a patient.
STAFF = frozenset({"person", "mute", "file"})
PAGE_CALLBACK = "..shell-page.children...shell-title.data.."
PAGE_RULES = frozenset(page.ROUTE.pattern for page in PAGES)
# Whatever the policy, these say 403 for a wrong password or answer everybody alike.
OPEN = ("/logout", "/login", "/welcome/<token>", "/login/code")


@pytest.mark.parametrize("role", WHO)
def test_each_cell_answers_as_the_policy_dump_says(wards: Wards, role: str) -> None:
    side, who = wards.sides["North"], WHO[role]
    decisions = {(c["kind"], c["target"]): c["decision"] for c in policy_dump(wards.web.app) if c["role"] == role}
    before, cells, bare = all_rows(wards.web.database.engine), Counter[str](), defaultdict[str, set[str]](set)
    for target, page, answer in _asked(wards, who, side):
        kind, name = target
        decision = decisions.get(("route", page) if page else (kind, name), "nobody")
        public = kind == "route" and name in _public(wards)
        wrong = _wrong(answer, "public" if public else decision, name)
        assert wrong is None, (role, target, page, answer.status_code, wrong, said(answer)[:200])
        cells[f"{kind} {'public' if public else decision} {answer.status_code}"] += 1
        seen = set(canaries(said(answer)))
        if decision in ("deny", "nobody"):
            assert not [field for _team, field in seen if field != "person"], (role, target)
            assert all_rows(wards.web.database.engine) == before, (role, target)
        assert not [field for team, field in seen if team == "South" and field not in IDENTITY | STAFF], (
            role,
            target,
            seen,
        )
        if role in ("admin", "auditor"):
            assert {field for _team, field in seen} <= IDENTITY | STAFF, (role, target, seen)
        if {field for _team, field in seen} - STAFF and not _noted(wards, role):
            bare[f"{name} {page or ''}"] |= {field for _team, field in seen}
        wards.restore()
    print(f"C1 {role}: {cells.total()} cells, {dict(sorted(cells.items()))}")
    assert not bare, f"no audit row: {dict(bare)}"


class Watch:
    """What belongs to another team, watched while somebody asks for it."""

    def __init__(self, wards: Wards, other: Side) -> None:
        self.wards, self.other, self.answers = wards, other, Counter[int]()
        self._theirs = rows_of(wards.web.database.engine, other)
        self._before = self._now()

    def unseen(self, answer: TestResponse, what: object) -> None:
        """Nothing of the other team is in this reply."""
        self.answers[answer.status_code] += 1
        assert not {field for team, field in canaries(said(answer)) if team == self.other.team}, what
        if "Set-Cookie" in answer.headers:
            self.untouched(what)

    def untouched(self, what: object) -> None:
        """Nothing of theirs was changed, added or removed; then all is as it was kept."""
        assert self._now() == self._before, what
        assert rows_of(self.wards.web.database.engine, self.other) == self._theirs, what
        self.wards.restore()

    def _now(self) -> dict[tuple[str, str], str | None]:
        rows = all_rows(self.wards.web.database.engine)
        return {key: rows.get(key) for key in self._theirs}


@pytest.mark.parametrize("role", ["oncologist", "nurse"])
def test_nothing_of_another_team_is_reached_through_a_callback(wards: Wards, role: str) -> None:
    own, other, who = wards.sides["North"], wards.sides["South"], (role, "North")
    watch, alike = Watch(wards, other), 0
    for callback in callbacks(wards.web.client(own.people[role])):
        values = usual(callback, own)
        for place, value in enumerate(values):
            for foreign in (*other.ids.values(), *_addresses(other)):
                for form in forms_of(value, foreign):
                    given = [*values[:place], form, *values[place + 1 :]]
                    watch.unseen(call(wards, who, callback, given), (callback, given))
            watch.untouched((callback, place))
            alike += _answers_alike(wards, who, callback, values, place, own, other)
        watch.unseen(call(wards, who, callback, usual(callback, other)), callback)
        watch.untouched(callback)
    print(f"C2 {role}: {watch.answers.total()} callbacks with things of another team, answers {dict(watch.answers)}")
    print(f"C2 {role}: {alike} pairs of another team's and nobody's thing answer alike")
    assert alike


@pytest.mark.parametrize("role", ["oncologist", "nurse"])
def test_nothing_of_another_team_is_reached_through_an_address(wards: Wards, role: str) -> None:
    own, other, who = wards.sides["North"], wards.sides["South"], (role, "North")
    watch = Watch(wards, other)
    for route in every_route(wards):
        if route.rule in OPEN:
            continue
        for segment in route.segments:
            for foreign in other.ids.values():
                watch.unseen(visit(wards, who, route, own, **{segment: foreign}), (route, foreign))
        for name in ("mrn", "patient", "flag", "team", "tab"):
            watch.unseen(visit(wards, who, route, own, query=f"?{name}={other.ids.get(name, other.ids['mrn'])}"), route)
        answer = visit(wards, who, route, other)
        watch.unseen(answer, route)
        if {"mrn", "flag_id"} & set(route.segments):
            assert answer.status_code == 404, route
        watch.untouched(route)
    print(f"C2 {role}: {watch.answers.total()} addresses with things of another team, answers {dict(watch.answers)}")


def _asked(
    wards: Wards, who: tuple[str, str] | None, side: Side
) -> Iterator[tuple[tuple[str, str], str | None, TestResponse]]:
    """Each callback, each page through the callback that shows pages, each route: target, page, answer."""
    listed = callbacks(wards.web.client(side.people["oncologist"]))
    for callback in listed:
        if callback.name != PAGE_CALLBACK:
            yield ("callback", callback.name), None, call(wards, who, callback, usual(callback, side))
            continue
        for rule in sorted(PAGE_RULES):
            address = Route(rule, "GET").address(side)
            for search in ("", *_views(rule)):
                yield ("callback", callback.name), rule, call(wards, who, callback, [address, search])
    for route in every_route(wards):
        yield ("route", route.rule), None, visit(wards, who, route, side)


def _views(rule: str) -> tuple[str, ...]:
    tabs = {"/p/<mrn>": ("grid", "imaging", "skin", "glucose", "cycle", "therapy", "record")}
    tabs |= {"/patients": ("swimmer", "waterfall", "spider"), "/protocol": ("mutes", "history", "burden", "change")}
    return tuple(f"?tab={tab}" for tab in tabs.get(rule, ()))


def _public(wards: Wards) -> set[str]:
    return {row["rule"] for row in routes(wards.web.app) if row["public"]}


def _wrong(answer: TestResponse, decision: str, name: str) -> str | None:
    code = answer.status_code
    if decision == "public":
        return None if code not in (401, 403) or name in OPEN else "closed"
    if decision == "nobody":
        return None if code == 401 or (code == 302 and answer.location.startswith("/login")) else "open"
    if decision == "deny":
        led_away = name == "/" and code == 302 and answer.location == "/ops"
        return None if code in (403, 404) or led_away else "open"
    return None if code not in (401, 403) else "closed"


def _noted(wards: Wards, role: str) -> bool:
    who = WHO[role]
    assert who is not None
    names = {wards.sides["North"].people.get(role), f"{role}@x.example"}
    with wards.web.database.read() as session:
        assert verify(session).ok
        rows = session.scalars(select(Audit).where(Audit.actor.in_(names), Audit.action.not_like("signin%")))
        # A search of the trail is written down by what was asked, whatever reasons its rows hold.
        about = [
            row.action.startswith("audit.")
            or row.patient_uuid
            or (row.detail or {}).get("patients")
            or (row.detail or {}).get("items")
            for row in rows
        ]
        return any(about) and all(row.request_id and row.source for row in rows)


def _addresses(side: Side) -> Iterator[str]:
    yield from (Route(rule, "GET").address(side) for rule in sorted(PAGE_RULES) if "<" in rule)


def _answers_alike(
    wards: Wards, who: tuple[str, str], callback: Callback, values: list[Any], place: int, own: Side, other: Side
) -> int:
    """Whether what is another team's answers like what does not exist; how many pairs were compared."""
    dependency = (*callback.inputs, *callback.states)[place]
    kind = OF_TEAM.get(f"{dependency['id']}.{dependency['property']}", "")
    if kind not in NAMED.values():
        return 0
    missing = {"mrn": "S-999", "flag": str(uuid4()), "job": str(uuid4())}.get(kind, "987654")
    pair = []
    for foreign in (other.ids[kind], missing):
        answer = call(wards, who, callback, [*values[:place], foreign, *values[place + 1 :]])
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "#", re.sub(rf"\b{re.escape(foreign)}\b", "#", said(answer)))
        pair.append((answer.status_code, text))
        wards.restore()
    assert pair[0] == pair[1], (callback, kind)
    return 1
