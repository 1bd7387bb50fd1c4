"""Everything the web process answers to: the check that each has a policy, and the lists the command line prints."""

from __future__ import annotations

from typing import Any

from dash import Dash

from dashboard.policy import MissingPolicy, Policy
from data.people import ROLES

ROUTE_POLICIES = "nadir_route_policies"


def callback_policies(app: Dash) -> dict[str, Policy]:
    """The policy of each callback the server runs, by callback id. Raises MissingPolicy naming those without one."""
    found: dict[str, Policy] = {}
    missing = []
    for name, entry in app.callback_map.items():
        if "callback" not in entry:
            continue  # runs in the browser and reads nothing from the server
        policy = getattr(getattr(entry["callback"], "__wrapped__", None), "policy", None)
        if policy is None:
            missing.append(name)
        else:
            found[name] = policy
    if missing:
        raise MissingPolicy(f"callbacks without policy: {', '.join(sorted(missing))}")
    return found


def route_policies(app: Dash) -> dict[str, Policy]:
    """The policy of each route by endpoint. Raises MissingPolicy naming those without one."""
    known: dict[str, Policy] = app.server.extensions[ROUTE_POLICIES]
    missing = sorted({rule.rule for rule in app.server.url_map.iter_rules() if rule.endpoint not in known})
    if missing:
        raise MissingPolicy(f"routes without policy: {', '.join(missing)}")
    return known


def assert_guarded(app: Dash) -> None:
    """Raise MissingPolicy for what stands open, and for a timer whose callback would keep sign-ins alive."""
    route_policies(app)
    policies = callback_policies(app)
    for name, policy in policies.items():
        by_timer = any(dependency["property"] == "n_intervals" for dependency in app.callback_map[name]["inputs"])
        if by_timer and not policy.polling:
            raise MissingPolicy(f"callback {name} is called by a timer, but its policy does not say polling")


def policy_dump(app: Dash) -> list[dict[str, str]]:
    """Each callback and route with each role: `target, kind, role, decision` (allow, deny or scope)."""
    routes_by_rule = {rule.rule: route_policies(app)[rule.endpoint] for rule in app.server.url_map.iter_rules()}
    targets = [("callback", name, policy) for name, policy in sorted(callback_policies(app).items())]
    targets += [("route", rule, policy) for rule, policy in sorted(routes_by_rule.items())]
    return [
        {"target": target, "kind": kind, "role": role, "decision": policy.decision(role)}
        for kind, target, policy in targets
        for role in ROLES
    ]


def routes(app: Dash) -> list[dict[str, Any]]:
    """Each route: `rule, methods, public`."""
    policies = route_policies(app)
    return [
        {
            "rule": rule.rule,
            "methods": sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}),
            "public": policies[rule.endpoint].public,
        }
        for rule in sorted(app.server.url_map.iter_rules(), key=lambda rule: rule.rule)
    ]
