"""A table of thousands of rows: AG Grid asks for the stretch that is looked at, the server sorts and filters.

Nothing in a column is code: every cell is drawn by the one renderer of assets/grid.js out of the parts of `rows`. The
grid's script is a megabyte, so no page carries it; the first table that is shown loads it (assets/grid.js).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl

import dash_ag_grid
import msgspec
from annotated_types import Ge, Le, Len
from dash import dcc, html
from dash.development.base_component import Component
from dash.fingerprint import build_fingerprint
from typing_extensions import TypedDict
from werkzeug.exceptions import BadRequest

from dashboard.language import _, message

SCRIPTS = ("async-community.js", "dash_ag_grid.min.js")
BLOCK = 30
"""Rows of one request."""
MOST_ROWS = 10_000_000

for _resource in dash_ag_grid.AgGrid._js_dist:
    if _resource["relative_package_path"] in SCRIPTS:
        _resource["async"] = "lazy"

Column = TypeVar("Column")
View = TypeVar("View")
RowNumber = Annotated[int, Ge(0), Le(MOST_ROWS)]

GRID_TEXTS = (
    *(("loadingOoo", message("Being loaded")), ("noRowsToShow", message("No rows"))),
    *(("page", message("Page")), ("pageSizeSelectorLabel", message("Rows on a page:"))),
    *(("ariaPageSizeSelectorLabel", message("Rows on a page")), ("firstPage", message("First page"))),
    *(("previousPage", message("Page before")), ("nextPage", message("Next page")), ("lastPage", message("Last page"))),
)


class Sorted(TypedDict, Generic[Column]):
    """One column of a sort, by a name of the page's own list."""

    colId: Column
    sort: Literal["asc", "desc"]


class Asked(TypedDict, Generic[Column]):
    """What the grid asks for: rows `startRow` to before `endRow`. Its own filters are not used, so none may come."""

    startRow: RowNumber
    endRow: RowNumber
    sortModel: Annotated[list[Sorted[Column]], Len(0, 1)]
    filterModel: Annotated[dict[str, str], Len(0, 0)]


def script_addresses() -> list[str]:
    """Where the grid's scripts are served, in the order they run in; version and time in the names let browsers keep
    them."""
    folder = Path(dash_ag_grid.__file__).parent
    names = [
        build_fingerprint(name, dash_ag_grid.__version__, int((folder / name).stat().st_mtime)) for name in SCRIPTS
    ]
    return [f"/_dash-component-suites/dash_ag_grid/{name}" for name in names]


def stretch(asked: Asked[Any]) -> tuple[int, int]:
    """First row and the one after the last, at most a block: whatever the browser says, no answer is larger."""
    return asked["startRow"], min(asked["endRow"], asked["startRow"] + BLOCK)


def read_view(search: str | None, kind: type[View]) -> View:
    """The filters in the address of a page (`?axis=skin&overdue=yes`) as a `kind`. Raises BadRequest for any other."""
    try:
        pairs = parse_qsl((search or "").removeprefix("?"), keep_blank_values=True, max_num_fields=20)
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a filter is named twice")
        return msgspec.convert(dict(pairs), kind, strict=False)
    except ValueError as error:
        raise BadRequest("The address holds a filter that this page does not know.") from error


def read_sort(text: str | None, allowed: Sequence[Column]) -> tuple[Column, Literal["asc", "desc"]] | None:
    """`glucagon.desc` as a column of the allowed ones and a direction. Raises BadRequest for any other."""
    if text is None:
        return None
    name, _point, direction = text.partition(".")
    for column in allowed:
        if column == name and direction in ("asc", "desc"):
            return column, "desc" if direction == "desc" else "asc"
    raise BadRequest("The address holds a sort that this page does not know.")


def column(name: str, title: str, width: int, *, sorts: bool = True, grows: int = 0, **more: Any) -> dict[str, Any]:
    """A column, its title still to be translated: `width` pixels at least; with `grows` it takes a part of the rest."""
    return {
        "field": name,
        "colId": name,
        "headerName": title,
        "width": width,
        "minWidth": min(width, 90),
        "sortable": sorts,
        **({"flex": grows, "minWidth": width} if grows else {}),
        **more,
    }


def grid(
    name: str,
    columns: Sequence[dict[str, Any]],
    *,
    heading: str,
    row_height: int,
    sort: tuple[str, str] | None = None,
    hidden: Sequence[str] = (),
    card_height: int | None = None,
) -> Component:
    """The grid `name-grid` in its frame. `card_height`: a narrow window shows only the column `card`, this high."""
    defined = [
        {
            **one,
            "headerName": _(one["headerName"]),
            **({"hide": True} if one["colId"] in hidden or one["colId"] == "card" else {}),
            **({"sort": sort[1]} if sort is not None and one["colId"] == sort[0] else {}),
        }
        for one in columns
    ]
    return html.Div(
        [
            dash_ag_grid.AgGrid(
                id=f"{name}-grid",
                rowModelType="infinite",
                columnDefs=defined,
                defaultColDef={
                    "cellRenderer": "NadirCell",
                    "cellDataType": False,
                    "filter": False,
                    "resizable": True,
                    "suppressHeaderMenuButton": True,
                    "sortingOrder": ["asc", "desc", None],
                },
                columnSize=None,
                dashGridOptions={
                    "rowHeight": row_height,
                    "context": {"cardHeight": card_height},
                    "headerHeight": 40,
                    "cacheBlockSize": BLOCK,
                    "maxBlocksInCache": 20,
                    "infiniteInitialRowCount": 1,
                    "rowBuffer": 6,
                    "animateRows": False,
                    "ensureDomOrder": True,
                    "suppressColumnMoveAnimation": True,
                    "suppressDragLeaveHidesColumns": True,
                    "suppressMultiSort": True,
                    "enableCellTextSelection": True,
                    "localeText": {name: _(text) for name, text in GRID_TEXTS},
                },
                style={"height": "100%", "width": "100%"},
            ),
        ],
        id=f"{name}-frame",
        className="grid-frame",
        role="region",
        **{"aria-label": heading, "data-grid": name},
    )


def view_store(name: str, search: str | None) -> Component:
    """What the filters of grid `name` are set to, as in the address; assets/grid.js keeps both alike."""
    return dcc.Store(id=f"{name}-view", data=search or "")


def chips(
    grid_name: str, key: str, legend: str, choices: Mapping[str, Any], chosen: str | None, *, always: bool = False
) -> Component:
    """A group of buttons of which one may be pressed (`always`: one is): value -> what the button shows."""
    return html.Fieldset(
        [
            html.Legend(legend, className="visually-hidden"),
            *(
                html.Button(
                    content,
                    type="button",
                    className="chip",
                    **{"data-set": f"{key}:{value}", "aria-pressed": "true" if value == chosen else "false"},
                )
                for value, content in choices.items()
            ),
        ],
        **{"data-view-of": grid_name, **({"data-always": ""} if always else {})},
    )


def choice(grid_name: str, key: str, legend: str, choices: Mapping[str, str], chosen: str | None) -> Component:
    """A filter by one of many values: value -> words; nothing chosen stands first."""
    id = f"{grid_name}-by-{key}"
    return html.Div(
        [
            html.Label(legend, htmlFor=id),
            html.Select(
                [
                    html.Option(_("all"), value=""),
                    *(html.Option(words, value=value, selected=value == chosen) for value, words in choices.items()),
                ],
                id=id,
                **{"data-choose": key},
            ),
        ],
        className="choice",
        **{"data-view-of": grid_name},
    )


def finder(grid_name: str, placeholder: str) -> Component:
    """The field that finds rows by what is typed. It stays out of the address: names belong in no history."""
    return html.Div(
        [
            html.Label(_("Find"), htmlFor=f"{grid_name}-find", className="visually-hidden"),
            dcc.Input(
                id=f"{grid_name}-find", type="search", placeholder=placeholder, autoComplete="off", maxLength=100
            ),
        ],
        className="search",
        **{"data-find-in": grid_name},
    )


def column_choice(
    grid_name: str, columns: Sequence[dict[str, Any]], hidden: Sequence[str], *, usually: Sequence[str]
) -> Component:
    """Which columns are shown, as buttons that are pressed or not. Hidden `usually`: what the address need not say."""
    return html.Details(
        [
            html.Summary(_("Columns")),
            html.Div(
                [
                    html.Button(
                        _(one["headerName"]),
                        type="button",
                        className="chip",
                        **{
                            "data-column": one["colId"],
                            "aria-pressed": "false" if one["colId"] in hidden else "true",
                        },
                    )
                    for one in columns
                    if not one.get("lockVisible")
                ],
                className="chips",
                role="group",
                **{"aria-label": _("Columns shown")},
            ),
        ],
        className="column-choice",
        **{"data-view-of": grid_name, "data-hidden": ".".join(usually)},
    )
