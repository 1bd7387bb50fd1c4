"""The pages by address. One table decides which address is a page, who may open it and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from dash import Dash
from dash.development.base_component import Component
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from dashboard.policy import Policy
from data.people import Actor


@dataclass(frozen=True, slots=True)
class Route:
    """A page's address pattern (`/p/<mrn>`), title and policy; `nav` is its name in the navigation, if it has one.

    `count` says how much waits there for an actor whose role opens the page; it stands beside the name. `viewed`: what
    stands behind the `?` of the address says which view of the page is wanted, and its layout takes it as `search`.
    """

    pattern: str
    title: str
    policy: Policy
    nav: str | None = None
    count: Callable[[Session, Actor], int] | None = None
    viewed: bool = False


class PageModule(Protocol):
    """What a module of `dashboard.pages` exposes."""

    ROUTE: Route
    layout: Callable[..., Component]

    def register(self, app: Dash) -> None:
        """Register the page's callbacks."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page found by address, with the parts of the address as text."""

    page: PageModule
    arguments: dict[str, str]


class Pages:
    """The pages of one application."""

    def __init__(self, modules: Sequence[PageModule]) -> None:
        self.modules = tuple(modules)
        rules = [Rule(page.ROUTE.pattern, endpoint=str(i), methods=["GET"]) for i, page in enumerate(self.modules)]
        self._adapter = Map(rules, redirect_defaults=False, merge_slashes=False, strict_slashes=True).bind("")

    def at(self, pathname: str) -> Place | None:
        """The page at an address as the browser shows it (percent-encoded), None when there is none."""
        try:
            endpoint, arguments = self._adapter.match(unquote(pathname), "GET")
        except HTTPException:
            return None
        found: dict[str, Any] = dict(arguments)
        return Place(self.modules[int(endpoint)], found)
