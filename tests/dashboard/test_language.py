"""Nadir speaks German where it has been taught to: the catalogue is complete, and dates and decimals follow it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from string import Formatter

import pytest

from dashboard.language import LANGUAGES, _, catalogue_of, date_words, language, marked, preferred, speaking
from dashboard.pages import worklist
from dashboard.parts.times import age_text, brief_age, since_text
from tests.dashboard.conftest import PASSWORD, Web
from tests.dashboard.messages import marked_texts

NOW = datetime(2026, 3, 3, 9, 31, tzinfo=UTC)
OTHERS = [code for code in LANGUAGES if code != "en"]


def places(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_each_marked_text_is_translated_and_keeps_its_values(code: str) -> None:
    texts = {str(m.id): m for m in catalogue_of(code) if m.id}
    assert marked_texts() - set(texts) == set(), "texts without a translation"
    assert set(texts) - marked_texts() == set(), "translations of texts that are gone"
    for english, entry in texts.items():
        assert entry.string, english
        assert not entry.fuzzy, english
        assert places(str(entry.string)) == places(english), english


def test_ages_dates_and_decimals_follow_the_language() -> None:
    then = NOW - timedelta(days=5)
    said = (age_text(then, NOW), brief_age(then, NOW), since_text(NOW - timedelta(hours=3), NOW))
    assert said == ("5 days ago", "5 d", "3 h ago")
    with speaking("de"):
        assert age_text(then, NOW) == "vor 5 Tagen"
        assert age_text(NOW - timedelta(days=840), NOW) == "vor 2,3 Jahren"
        assert brief_age(then, NOW) == "5 T"
        assert age_text(NOW, NOW) == "heute"
        assert date_words(date(2026, 3, 3)) == "3. März 2026"
        assert marked("12.5") == "12,5"
    assert language() == "en"
    assert date_words(date(2026, 3, 3)) == "3 Mar 2026"


def test_an_unknown_language_and_an_unknown_text_are_said_in_english() -> None:
    assert preferred(["fr-CA", "xx"]) == "en"
    assert preferred(["fr", "de-AT", "en"]) == "de"
    with speaking("de"):
        assert _("A text nobody marked") == "A text nobody marked"


def test_the_sign_in_page_speaks_what_the_browser_asks_for(assembled: Callable[..., Web]) -> None:
    browser = assembled(worklist).anonymous()
    german = browser.get("/login", headers={"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}).text
    assert '<html lang="de"' in german
    assert "Anmelden" in german
    refused = browser.post(
        "/login", data={"email": "x@y.example", "password": PASSWORD}, headers={"Accept-Language": "de"}
    )
    assert "passen zu keinem Konto" in refused.text
    assert "Sign in" in browser.get("/login").text


def test_a_person_is_answered_in_the_language_they_chose(assembled: Callable[..., Web]) -> None:
    web = assembled(worklist)
    browser = web.client("onc@north.example")
    english = {"Accept-Language": "en"}
    assert '<html lang="en"' in browser.get("/", headers=english).text
    assert browser.post("/language", data={"language": "de"}).status_code == 303
    assert '<html lang="de"' in browser.get("/", headers=english).text
    assert "Arbeitsliste" in browser.get("/_dash-layout", headers=english).text
    assert '<html lang="en"' in web.client("nurse@south.example").get("/", headers=english).text
    back = browser.post("/language", data={"language": "de", "next": "/p/N1?tab=skin"}).location
    assert back == "/p/N1?tab=skin"
    assert browser.post("/language", data={"language": "de", "next": "//evil.example/p"}).location == "/"
    assert browser.post("/language", data={"language": "tlh"}).status_code == 400
    assert web.anonymous().post("/language", data={"language": "de"}).status_code == 401
