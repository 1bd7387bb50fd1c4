"""What no page does: hand a text to anything that would take it for markup or code, or lead past the base path."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "dashboard").rglob("*.py"))
BARRED = {"dangerously_allow_html", "dangerously_allow_code", "dangerouslySetInnerHTML", "srcDoc", "markdown_options"}
BARRED_COMPONENTS = {"Markdown", "Iframe", "Script", "ObjectEl", "Embed", "Base"}
SCRIPTS = sorted(path for path in (ROOT / "dashboard" / "assets").rglob("*.js") if "plotly" not in path.name)


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(ROOT)) for path in SOURCES])
def test_no_component_takes_markup(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg is not None:
            assert node.arg not in BARRED, (path, node.value.lineno)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("html", "dcc", "dmc")
        ):
            assert node.attr not in BARRED_COMPONENTS, (path, node.lineno)


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_no_script_writes_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc"):
        assert way not in text, way


def test_no_template_switches_escaping_off_but_for_drawings_of_our_own() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "dashboard" / "templates").iterdir())]
    assert [found for text in texts for found in re.findall(r"[\w.]+ *\| *safe", text)] == ["flag.sign | safe"] * 2
    assert "autoescape" not in "".join(texts)


def test_every_address_of_a_template_stands_below_the_base_path() -> None:
    for path in sorted((ROOT / "dashboard" / "templates").iterdir()):
        assert re.findall(r'(?:action|href|src)="/[^"]*"', path.read_text(encoding="utf-8")) == [], path.name
