"""A sentence remembers how it was made, through gluing, storing and pickling, and stays a plain English text."""

from __future__ import annotations

import json
import pickle

import pytest

from clinical.saying import Day, Figure, Said, bare, capital, chained, kept, restored, say
from clinical.wording import listed, quantity

SENTENCE = say(
    "Zinc {value} on {day}, {why}.", value=Figure("45.5 µg/dL"), day=Day("2026-03-03"), why=say("not fasting")
)


def test_a_sentence_is_its_english_text() -> None:
    assert SENTENCE == "Zinc 45.5 µg/dL on 2026-03-03, not fasting."
    assert bare(SENTENCE) == "Zinc 45.5 µg/dL on 2026-03-03, not fasting"
    assert capital(say("never scanned")) == "Never scanned"
    assert SENTENCE + "" is SENTENCE


@pytest.mark.parametrize(
    "sentence",
    [
        SENTENCE,
        bare(SENTENCE),
        "not known: " + SENTENCE,
        chained("; ", [bare(SENTENCE), say("never scanned")]),
        listed([say("itch"), say("pain"), say("stools")]),
        quantity(1.5, "{stools}/d", "<"),
    ],
)
def test_what_is_kept_makes_the_same_sentence_again(sentence: str) -> None:
    document = json.loads(json.dumps(kept(sentence)))
    made = restored(document, str(sentence))
    assert (made, type(made)) == (sentence, type(sentence))
    assert kept(made) == kept(sentence)
    assert kept(pickle.loads(pickle.dumps(sentence))) == kept(sentence)


@pytest.mark.parametrize(
    "document", [None, 3, {}, {"message": "{x}"}, {"message": "{x}", "values": {}}, {"message": "else", "values": {}}]
)
def test_what_cannot_be_read_back_leaves_the_english_sentence(document: object) -> None:
    made = restored(document, "Never scanned")
    assert made == "Never scanned"
    assert not isinstance(made, Said)
