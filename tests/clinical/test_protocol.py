"""The protocol: every threshold is documented, used, and changed only where it may be."""

from __future__ import annotations

from pathlib import Path

import pytest

import clinical
from clinical.entry_checks import STEPPED
from clinical.protocol import ProtocolError, bundled_protocol, load_protocol
from clinical.recist import target_response
from clinical.rules.registry import registered

SOURCE = Path(clinical.__file__).parent


def test_every_threshold_has_a_source_a_unit_and_a_meaning_and_none_is_signed_off() -> None:
    thresholds = bundled_protocol().thresholds.values()
    assert all(t.source and t.unit and t.meaning for t in thresholds)
    assert len(bundled_protocol().unsigned()) == len(thresholds)


def test_every_threshold_is_used_by_the_code() -> None:
    paths = (*SOURCE.rglob("*.py"), *(SOURCE.parent / "data" / "entry").glob("*.py"))
    code = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    # The limits of zinc are looked up by sex and time of day, the intervals of yearly checks by what is checked,
    # the questions of entry by what is typed.
    looked_up = {f"zinc_low_{sex}{when}" for sex in ("women", "men") for when in ("", "_not_fasting", "_afternoon")}
    looked_up |= {f"schedule_{check}" for check in ("tsh", "b12", "zinc", "lipase", "heart_rate")}
    looked_up |= {f"entry_{vital.replace('-', '_')}_{limit}" for vital in STEPPED for limit in ("step", "share")}
    unused = {name for name in bundled_protocol().thresholds if f'"{name}"' not in code} - looked_up
    assert unused == set()


def test_every_threshold_a_rule_names_is_in_the_protocol() -> None:
    known = bundled_protocol().thresholds.keys()
    assert registered()
    for rule in registered():
        assert set(rule.thresholds) <= known, rule.id


def test_a_site_changes_a_threshold_with_its_own_source(tmp_path: Path) -> None:
    override = tmp_path / "site.toml"
    override.write_text('[glucagon_cv_analytical]\nvalue = 0.05\nunit = "1"\nsource = "our assay"\nsigned_off = true\n')
    changed = load_protocol(override)
    assert changed["glucagon_cv_analytical"] == 0.05
    assert changed.threshold("glucagon_cv_analytical").signed_off
    assert changed.threshold("glucagon_cv_analytical").meaning
    assert changed.version != bundled_protocol().version


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[no_such]\nvalue = 1\nunit = "1"\nsource = "x"\n', "no such threshold"),
        ('[confirm_earliest]\nvalue = 1\nunit = "h"\nsource = "x"\n', "expected 'd'"),
        ('[confirm_earliest]\nvalue = 1\nunit = "d"\n', "missing source"),
        ('[confirm_earliest]\nvalue = "1"\nunit = "d"\nsource = "x"\n', "not a number"),
        ('[recist_progression]\nvalue = 30\nunit = "%"\nsource = "x"\n', "published definition"),
        ('[confirm_earliest]\nvalue = nan\nunit = "d"\nsource = "x"\n', "not finite"),
        ("[confirm_earliest", "end of"),
    ],
)
def test_an_override_that_cannot_be_used_says_where_and_why(text: str, why: str, tmp_path: Path) -> None:
    override = tmp_path / "site.toml"
    override.write_text(text)
    with pytest.raises(ProtocolError, match=why) as refused:
        load_protocol(override)
    assert "site.toml" in str(refused.value)


def test_the_shown_limits_of_recist_are_those_it_applies() -> None:
    protocol = bundled_protocol()
    nadir = 1000
    at_limit = nadir + round(nadir * protocol["recist_progression"] / 100)
    assert target_response(at_limit, nadir, nadir) == "PD"
    assert target_response(at_limit - 1, nadir, nadir) == "SD"
    least = round(protocol["recist_progression_least"] * 10)
    assert target_response(100 + least, 100, 100) == "PD"
    assert target_response(100 + least - 1, 100, 100) == "SD"
