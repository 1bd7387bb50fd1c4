"""Sentences that remember how they were made, so that they can be said in another language (decision 0024).

A `Said` is the English sentence, a text like any other, with the message it was made of and the values put in. Values
are texts, numbers, or again: sentences, figures (digits with a decimal point) and days (ISO 8601). What is glued
together in an f-string is a plain text and can be said in English only; `+`, `chained` and `bare` keep what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Turn = Literal["bare", "capital", "lower"]


class Figure(str):
    """A number or quantity in digits, its decimal sign a point."""

    __slots__ = ()


class Day(str):
    """A date as ISO 8601, as exact as it is known: `2026-03-03`, `2026-03`, `2026`."""

    __slots__ = ()


class Said(str):
    """An English sentence, or a part of one. `message` names its `values` in braces; `turns` are what was done to the
    whole afterwards: `bare` its final stop taken off, `capital` its first letter made large, `lower` all letters small
    (in English only: other languages write their nouns otherwise)."""

    message: str
    values: Mapping[str, Any]
    turns: tuple[Turn, ...]

    def __new__(cls, message: str, values: Mapping[str, Any], turns: tuple[Turn, ...] = ()) -> Said:
        said = message.format(**values) if values else message
        made = super().__new__(cls, turned(said, turns) if turns else said)
        made.message, made.values, made.turns = message, values, turns
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.message, dict(self.values), self.turns

    def __add__(self, other: str) -> str:
        return chained("", (self, other)) if other else self

    def __radd__(self, other: str) -> str:
        return chained("", (other, self)) if other else self


def say(message: str, **values: Any) -> Said:
    """The message with its values put in. `message` is literal English: the catalogues are keyed by it."""
    return Said(message, values)


def chained(between: str, parts: Iterable[str]) -> Said:
    """The parts with punctuation between them."""
    named = {f"p{number}": part for number, part in enumerate(parts)}
    apart = between.replace("{", "{{").replace("}", "}}")
    return Said(apart.join(f"{{{name}}}" for name in named), named)


def bare(sentence: str) -> str:
    """The sentence without its final stop."""
    return _again(sentence, "bare")


def capital(sentence: str) -> str:
    """The sentence with a large first letter."""
    return _again(sentence, "capital")


def lower(sentence: str) -> str:
    """A name with small letters, as it stands within an English sentence."""
    return _again(sentence, "lower")


def turned(sentence: str, turns: tuple[Turn, ...]) -> str:
    """The text with the turns made, in whatever language it is."""
    for turn in turns:
        if turn == "lower":
            sentence = sentence.lower()
        else:
            sentence = sentence.removesuffix(".") if turn == "bare" else sentence[:1].upper() + sentence[1:]
    return sentence


def kept(text: str) -> Any:
    """What of a text is stored beside its English, as JSON; None for a plain text, of which the English is all."""
    if isinstance(text, Said):
        values = {name: _value(value) for name, value in text.values.items()}
        return {"message": text.message, "values": values} | ({"turns": list(text.turns)} if text.turns else {})
    if isinstance(text, Figure | Day):
        return _value(text)
    return None


def restored(document: Any, english: str) -> str:
    """The sentence as `kept` stored it; the plain `english` where nothing was stored, or something else than it says.

    Raises nothing for a document that cannot be read: the English sentence is what was said.
    """
    if not isinstance(document, dict):
        return english
    try:
        made = _restored(document)
    except (KeyError, IndexError, TypeError, ValueError):
        return english
    return made if str(made) == english else english


def _again(sentence: str, turn: Turn) -> str:
    if isinstance(sentence, Said):
        return Said(sentence.message, sentence.values, (*sentence.turns, turn))
    return turned(sentence, (turn,))


def _value(value: Any) -> Any:
    if isinstance(value, Said):
        return kept(value)
    if isinstance(value, Figure):
        return {"figure": str(value)}
    if isinstance(value, Day):
        return {"day": str(value)}
    return value if isinstance(value, int) else str(value)


def _restored(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    if "figure" in document:
        return Figure(document["figure"])
    if "day" in document:
        return Day(document["day"])
    values = {str(name): _restored(value) for name, value in document["values"].items()}
    return Said(document["message"], values, tuple(document.get("turns", ())))
