"""Names that every object of a script has are in a form names like any other, whoever sent them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Browser

ASSETS = Path(__file__).parents[2] / "dashboard" / "assets"
SCRIPTS = ("text.js", "entry-fields.js", "entry-choices.js", "entry-map.js")
FILLED_AND_READ = """(sent) => {
  const root = document.getElementById("root");
  const parts = { "head-front": { surface: 4, words: "head" } };
  root.append(nadirEntry.bodyMap({ name: "map", label: "Map", surface: "bsa" }, { parts }));
  for (const name of ["__proto__", "constructor"]) {
    const input = nadirEntry.element("input");
    input.dataset.field = name;
    root.append(input);
  }
  nadirEntry.fill(root, JSON.parse(sent));
  const said = nadirEntry.read(root);
  return {
    said: Object.entries(said),
    words: root.querySelector(".entry-map-words").textContent,
    clean: Object.keys(Object.prototype).length === 0 && {}.constructor === Object && !("polluted" in {}),
  };
}"""


def test_what_is_sent_under_such_a_name_comes_back_under_it(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<html lang="en"><div id="root" data-entry="{}"></div></html>')
    for name in SCRIPTS:
        page.add_script_tag(path=ASSETS / name)
    parts = "constructor:50;__proto__:25;toString:75;head-front:25"
    sent = {"map": parts, "__proto__": "one", "constructor": "two"}
    found = page.evaluate(FILLED_AND_READ, json.dumps(sent))
    page.close()
    assert found["said"] == [*map(list, sent.items())]
    assert found["words"] == "Marked: head a quarter. Body surface 1 % by the rule of nines."
    assert found["clean"]


def test_no_script_of_ours_keeps_names_from_outside_in_a_plain_object() -> None:
    scripts = [path for path in sorted(ASSETS.glob("*.js")) if ".min." not in path.name]
    assert len(scripts) > 15
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:const|let) \w+ = \{\};|Object\.assign\(\{\}|__proto__|\.prototype\b", text), (
            path.name
        )
