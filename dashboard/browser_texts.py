"""What the scripts of the browser say (assets/*.js, `nadirText`), with translations, for the frame to bring along."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec

from dashboard.language import _

ASSETS = Path(__file__).parent / "assets"
CALL = re.compile(r'nadirText\(\s*("(?:[^"\\\n]|\\.)*")')


@cache
def browser_texts() -> frozenset[str]:
    """The texts, read from the scripts as they are."""
    scripts = (path.read_text(encoding="utf-8") for path in ASSETS.glob("*.js") if ".min." not in path.name)
    return frozenset(msgspec.json.decode(found) for script in scripts for found in CALL.findall(script))


def translated_texts() -> str:
    """As JSON each text that is said otherwise in the language in force; an empty object in English."""
    said = {text: _(text) for text in sorted(browser_texts())}
    return msgspec.json.encode({text: words for text, words in said.items() if text != words}).decode()
