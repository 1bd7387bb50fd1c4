"""Parts of the operations page: cards, figures and tables; what is held, storage, accounts and teams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.language import _, counted, marked, message, whole
from dashboard.parts.import_words import FORMAT_WORDS
from data.operations import Storage, TeamLine

ROLE_WORDS = {
    "oncologist": message("oncologist"),
    "nurse": message("nurse"),
    "admin": message("admin"),
    "auditor": message("auditor"),
    "service": message("service"),
}
LARGEST_OFFSET_S = 2


def card(title: str, *content: Component | None, id: str, aside: str | None = None) -> Component:
    """A section of the page under its heading."""
    beside = html.Span(aside, className="soft small") if aside else None
    return html.Section([html.Header([html.H2(title), beside]), *content], className="card stacked", id=id)


def facts(pairs: Sequence[tuple[str, str, bool]]) -> Component:
    """Name, value and whether it is a trouble, which is said by a sign as well as by colour."""
    return html.Dl(
        [
            html.Div([html.Dt(name), html.Dd(troubled(value) if bad else value)], className="card")
            for name, value, bad in pairs
        ],
        className="strip",
    )


def troubled(text: str) -> Component:
    """Text of something that is not as it should be, marked by a sign as well as by colour."""
    return html.Span([html.Span("▲ ", **{"aria-hidden": "true"}), text], className="ops-trouble")


def held(by_format: Mapping[str, int], proposals: int, *, acting: bool) -> Component:
    """How much waits for a person, with the way there for who may work it off."""
    lines = [
        html.Li(
            [_(FORMAT_WORDS[name]) if name in FORMAT_WORDS else name, ": ", counted("{n} item", "{n} items", count)]
        )
        for name, count in by_format.items()
    ]
    ways = html.P(
        [
            dcc.Link(_("Work off the quarantine"), href="/import"),
            " · ",
            dcc.Link(
                counted("{n} proposal about who is who", "{n} proposals about who is who", proposals), href="/identity"
            ),
        ]
    )
    nothing = html.P(_("Nothing is held."), className="soft")
    return html.Div([html.Ul(lines, className="plain-list") if lines else nothing, ways if acting else None])


def storage_facts(found: Storage, offset_s: float) -> Component:
    """The database, the disk and the clock."""
    free = _("not visible from here") if found.free is None else _size(found.free)
    scarce = (
        found.free is not None and found.disk is not None and found.free < max(found.disk // 20, 2 * found.database)
    )
    off = abs(offset_s) > LARGEST_OFFSET_S
    ahead = _("less than {n} s apart", n=LARGEST_OFFSET_S) if not off else _("{n} s", n=f"{offset_s:+.0f}")
    return facts(
        [
            (_("Database"), _size(found.database), False),
            (_("Free disk beside it"), free, scarce),
            (_("Clock of the database against this machine"), ahead, off),
        ]
    )


def _size(size: int) -> str:
    unit, words = (1024**3, "GB") if size >= 1024**3 else (1024**2, "MB")
    return f"{marked(f'{size / unit:.1f}')} {words}"


def accounts(roles: Mapping[str, tuple[int, int]], teams: Sequence[TeamLine]) -> Component:
    """Accounts by role, and teams in numbers; a team whose flags reach nobody is marked."""
    by_role = [
        html.Li(
            [
                _(ROLE_WORDS[role]) if role in ROLE_WORDS else role,
                ": ",
                counted("{n} account", "{n} accounts", count),
                ", " + _("{n} closed", n=closed) if closed else "",
            ]
        )
        for role, (count, closed) in roles.items()
    ]
    heads = [_("Team"), _("People"), _("Oncologists"), _("Patients")]
    rows = [
        html.Tr(
            [
                html.Th(team.name, scope="row"),
                cell(whole(team.people), name=_("People")),
                cell(
                    whole(team.told) if team.told else troubled(_("none: its flags reach nobody")),
                    name=_("Oncologists"),
                ),
                cell(whole(team.patients), name=_("Patients")),
            ]
        )
        for team in teams
    ]
    table = listed("ops-teams-table", _("Teams"), heads, rows) if rows else html.P(_("No team yet."), className="soft")
    return html.Div([html.Ul(by_role, className="plain-list ops-roles"), table], className="stacked")


def pill(text: str, css: str) -> Component:
    """A state as a word in a frame."""
    return html.Span(text, className=f"pill ops-{css}" if css else "pill")


def cell(*parts: Component | str | None, name: str | None = None) -> Component:
    """A cell; on a phone `name` stands before it."""
    return html.Td([part for part in parts if part is not None], **({"data-name": name} if name else {}))


def listed(id: str, caption: str, heads: Sequence[str], rows: Sequence[Component]) -> Component:
    """A table whose rows hold buttons and fields; on a phone each row is a card of its own."""
    head = html.Thead(html.Tr([html.Th(text, scope="col") for text in heads]))
    said = html.Caption(caption, className="visually-hidden")
    table = html.Table([said, head, html.Tbody(rows)], className="dense stacking")
    return html.Div(table, id=id, className="table-frame", tabIndex=0, role="group", **{"aria-label": caption})
