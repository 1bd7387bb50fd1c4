"""The language of what is being answered: texts from the catalogue, decimal marks and dates.

English stands in the source; `dashboard/translations/<language>.po` holds the others (decision 0024). A text without a
translation is shown in English rather than not at all; a test keeps the catalogues complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache
from pathlib import Path

from babel import negotiate_locale
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from clinical.saying import Day, Figure, Said, turned

ENGLISH = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
CATALOGUES = Path(__file__).parent / "translations"
ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BRIEF_MONTHS = {"de": ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")}
PATTERNS = {"de": ("d. MMM y", "MMM y")}

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language() -> str:
    """The language in force here."""
    return _language.get()


def speak(code: str | None) -> None:
    """Answer in this language from here on; in English for one Nadir does not speak."""
    _language.set(code if code in LANGUAGES else ENGLISH)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Answer in this language within the block."""
    token = _language.set(code if code in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _language.reset(token)


def preferred(accepted: list[str]) -> str:
    """The first of the accepted languages (BCP 47, best first) that Nadir speaks; English where it speaks none."""
    found = negotiate_locale([tag.replace("-", "_") for tag in accepted], list(LANGUAGES))
    return (found or ENGLISH).split("_")[0].lower()


def _(message: str, **values: object) -> str:
    """The message in the language in force, with its values put in."""
    said = _catalogue(language()).get(message) or message
    return said.format(**values) if values else said


def tell(said: object) -> str:
    """A sentence of the rules in the language in force; a plain text, of which only the English is known, as it is,
    unless the whole of it is in the catalogue: a code, or a title judged before sentences were kept in parts."""
    if language() == ENGLISH:
        return str(said)
    if isinstance(said, Said):
        values = {name: tell(value) for name, value in said.values.items()}
        text = _catalogue(language()).get(said.message) or said.message
        turns = tuple(turn for turn in said.turns if turn != "lower")
        return turned(text.format(**values) if values else text, turns)
    if isinstance(said, Figure):
        return marked(said)
    if isinstance(said, Day):
        return day_words(said)
    known, text = _catalogue(language()), str(said)
    return (text and (known.get(text) or known.get(text.replace("-", " ")))) or text


def day_words(day: str) -> str:
    """An ISO 8601 date, as exact as it is known: `3. März 2026`, `März 2026`, `2026`."""
    if len(day) < 7:
        return day
    return month_words(date.fromisoformat(f"{day}-01")) if len(day) == 7 else date_words(date.fromisoformat(day))


def message(text: str) -> str:
    """The text itself, marked for the catalogue: it is translated with `_` where it is shown."""
    return text


def counted(one: str, many: str, n: int, **values: object) -> str:
    """The message for a count: `one` for 1, else `many`; both may name `{n}`."""
    return _(one if n == 1 else many, n=whole(n), **values)


def marked(text: str) -> str:
    """A number written with a point, with the decimal mark of the language in force."""
    return text if language() == ENGLISH else text.replace(".", ",")


def whole(count: int) -> str:
    """A count with its thousands parted: `12,400`, `12.400`."""
    return f"{count:,}" if language() == ENGLISH else f"{count:,}".replace(",", ".")


def separators() -> str:
    """Decimal mark and thousands mark, as a plotly layout takes them."""
    return ".," if language() == ENGLISH else ",."


def day_pattern() -> str:
    """Day and month on a time axis, as d3 writes dates; assets/locale.js teaches it the names of the months."""
    return "%-d %b" if language() == ENGLISH else "%-d. %b"


def month_brief(month: int) -> str:
    """The name of a month (1-12) in as few letters as an axis needs: `Mar`, `Mär`."""
    return BRIEF_MONTHS.get(language(), ENGLISH_MONTHS)[month - 1]


def date_words(on: date) -> str:
    """`3 Mar 2026`, `3. März 2026`."""
    if language() == ENGLISH:
        return f"{on.day} {ENGLISH_MONTHS[on.month - 1]} {on.year}"
    return str(format_date(on, PATTERNS[language()][0], locale=language()))


def month_words(on: date) -> str:
    """`Mar 2026`, `März 2026`."""
    if language() == ENGLISH:
        return f"{ENGLISH_MONTHS[on.month - 1]} {on.year}"
    return str(format_date(on, PATTERNS[language()][1], locale=language()))


def catalogue_of(code: str) -> Catalog:
    """The catalogue of a language as it is kept."""
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code)


@cache
def _catalogue(code: str) -> Mapping[str, str]:
    if code == ENGLISH:
        return {}
    return {str(m.id): str(m.string) for m in catalogue_of(code) if m.id and m.string and not m.fuzzy}
