"""The tumour-board summary as PDF, made by WeasyPrint from our own HTML and SVG. It fetches nothing from anywhere."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from clinical.protocol import Protocol
from dashboard.board.case import Case
from dashboard.board.content import board, spoken
from dashboard.language import _, counted, language
from dashboard.parts.times import Clock
from dashboard.parts.units import Units

SHEETS = 2
TAGGED = {"pdf_variant": "pdf/ua-1"}
# Less is listed, and the rest counted, until everything stands on its two sheets: flags and latest results.
LISTED = ((9, 30), (9, 20), (9, 12), (7, 8), (6, 4), (5, 0), (4, 0), (3, 0), (2, 0), (1, 0), (0, 0))


class PdfUnavailable(RuntimeError):
    """This machine cannot make PDFs; the message says what to install."""


class DoesNotFit(RuntimeError):
    """A summary that does not fit its sheets even without a flag."""


def tumour_board_pdf(case: Case, protocol: Protocol, units: Units, *, zone: ZoneInfo, now: datetime, by: str) -> bytes:
    """The summary in `units` and the language in force on two A4 sheets, tagged for screen readers (PDF/UA-1), with the
    moment and `by` whom it was made.

    Raises PdfUnavailable where Pango is missing.
    """
    clock = Clock(now, zone)
    weasyprint = drawing_library()
    template = templates().get_template("board.html")
    for most_flags, most_results in LISTED:
        content = board(case, protocol, clock, units, by=by, most_flags=most_flags, most_results=most_results)
        drawing = Markup(content.chart)  # noqa: S704  # nosec B704
        page = template.render(board=content, chart=drawing, created=clock.now.isoformat(timespec="seconds"))
        document = weasyprint.HTML(string=page, url_fetcher=fetch_nothing, base_url=None).render(**TAGGED)
        if len(document.pages) <= SHEETS:
            made: bytes = document.write_pdf(**TAGGED)
            return made
    raise DoesNotFit(f"the summary needs {len(document.pages)} sheets")


def drawing_library() -> Any:
    """WeasyPrint, silent. Raises PdfUnavailable where Pango is missing."""
    for chatty in ("weasyprint", "weasyprint.progress", "fontTools"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        import weasyprint
    except OSError as error:
        raise PdfUnavailable(
            "PDFs need the libraries of Pango: install libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0, a font"
        ) from error
    return weasyprint


def fetch_nothing(url: str, *_given: Any, **_more: Any) -> NoReturn:
    """Refuse whatever a page would load."""
    raise ValueError(f"nothing is fetched for a summary, and {url[:40]!r} was asked for")


def templates() -> Environment:
    """The templates of PDFs, in the language in force."""
    made = Environment(loader=PackageLoader("dashboard"), autoescape=True, undefined=StrictUndefined)
    made.filters["spoken"] = spoken
    made.globals.update(_=_, counted=counted, language=language)
    return made
