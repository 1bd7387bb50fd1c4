"""English texts of the catalogue that stand untranslated among what a German page shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import Formatter

from babel.messages.catalog import Catalog

WORD = re.compile(r"[^\W\d_]{2,}")
APART = re.compile(r"\s+·\s+|[,;:()\n]\s+|<[^>]+>|\) |\(")
LEAST = 4  # letters of a word by which English is told from German: "in" and "am" are both

# Everything of a page that is read or read out, plots included; what is marked as English is a quotation.
SHOWN = """() => {
  const found = [document.title];
  const quoted = (element) => element.closest("[lang=en], script, style");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) if (!quoted(texts.currentNode.parentElement)) found.push(texts.currentNode.data);
  const said = ["aria-label", "title", "placeholder", "alt", "aria-description"];
  for (const element of document.querySelectorAll(said.map((name) => `[${name}]`).join()))
    if (!quoted(element)) for (const name of said) found.push(element.getAttribute(name) || "");
  for (const plot of document.querySelectorAll(".js-plotly-plot"))
    for (const trace of plot.data || [])
      for (const name of ["text", "hovertext", "name", "hovertemplate"])
        found.push(...[trace[name]].flat(3).filter((text) => typeof text === "string"));
  return found.map((text) => text.trim()).filter((text) => text);
}"""


class English:
    """The catalogue's English, told from its German."""

    def __init__(self, catalogue: Catalog) -> None:
        entries = [(str(m.id), str(m.string)) for m in catalogue if m.id]
        self._german = {german.lower() for _, german in entries}
        self._german_words = {
            word.lower() for _, german in entries for piece in _literals(german) for word in WORD.findall(piece)
        }
        told = [english for english, _ in entries if self._is_told(english)]
        self._whole = {english.lower(): english for english in told if "{" not in english}
        self._made = [(_pattern(english), english) for english in told if "{" in english]
        pieces = {piece.strip().lower(): english for english in told for piece in _literals(english)}
        self._pieces = {
            piece: english for piece, english in pieces.items() if len(WORD.findall(piece)) > 2 and self._is_told(piece)
        }

    def left_in(self, texts: Iterable[str], *, but: Iterable[str] = ()) -> set[str]:
        """What is English of these texts, each with the message it comes from. `but`: what people wrote themselves."""
        own = [text for text in but if len(text) >= LEAST]
        found = set()
        for text in set(texts):
            rest = text
            for written in own:
                if written in rest:
                    rest = rest.replace(written, "")
            found |= {f"{text[:120]!r}: {message!r}" for message in self._within(rest)}
        return found

    def _within(self, text: str) -> Iterable[str]:
        for part in {text.strip(), *(p.strip(" .,;:()") for p in APART.split(text))} - {""}:
            if part.lower() in self._whole:
                yield self._whole[part.lower()]
            else:
                yield from (message for pattern, message in self._made if pattern.fullmatch(part))
        lowered = text.lower()
        yield from (message for piece, message in self._pieces.items() if piece in lowered)

    def _is_told(self, english: str) -> bool:
        words = [word.lower() for piece in _literals(english) for word in WORD.findall(piece)]
        strange = [word for word in words if len(word) >= LEAST and word not in self._german_words]
        return bool(strange) and english.lower() not in self._german


def _literals(message: str) -> list[str]:
    return [text for text, _, _, _ in Formatter().parse(message) if text]


def _pattern(message: str) -> re.Pattern[str]:
    parts = (re.escape(text) + (".+?" if name is not None else "") for text, name, _, _ in Formatter().parse(message))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
