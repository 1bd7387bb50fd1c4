"""R11 and R12: skin that is worse, with and without stable disease shown beside it."""

from __future__ import annotations

import pytest

from clinical.chart import Entry
from clinical.skin import skin_worse
from tests.clinical.charts import PROTOCOL, but_schedule, chart, findings, glucagon, lab, response, skin, state, therapy

STATE = state(-300, "residual-stable")
SHOTS = [therapy(-100 + 28 * n, "injection", drug="lanreotide", dose=120, interval_days=28) for n in range(6)]
SKIN = [skin(0, iga=1), skin(60, iga=3, infection="none", new_drug="none"), skin(69, iga=3)]
GLUCAGON = [glucagon(-30, 70), glucagon(-2, 72), glucagon(54, 68)]
SCAN = response(9, "SD", modality="CT")
NUTRIENTS: dict[str, Entry] = {
    "zinc": lab(60, "zinc", 82, unit="ug/dL", fasting=True),
    "albumin": lab(60, "albumin", 38, unit="g/L"),
    "amino-acids": lab(60, "amino-acids", 2500, unit="umol/L", ref_low=2000),
}


def relapse(**changed: Entry | None) -> list[Entry]:
    """Vector (a) of the clinical reference, with nutrients exchanged or left out."""
    nutrients = [e for e in (NUTRIENTS | changed).values() if e is not None]
    return [STATE, *SHOTS, *SKIN, *GLUCAGON, SCAN, *nutrients]


def test_skin_worse_with_stable_disease_on_an_analogue_is_r11() -> None:
    found = findings(69, *relapse())
    assert {"R11", "R12"} & set(found) == {"R11"}
    finding = found["R11"]
    assert finding.severity == "medium"
    for part in ("IGA 3 after 1", "2024-03-10", "zinc 82 µg/dL", "scan of 2024-01-10 SD", "lanreotide"):
        assert part in finding.why


def test_low_zinc_makes_it_r12() -> None:
    found = findings(69, *relapse(zinc=lab(60, "zinc", 55, unit="ug/dL", fasting=True)))
    assert {"R11", "R12"} & set(but_schedule(found)) == {"R12"}
    assert "zinc 55 µg/dL" in found["R12"].why
    assert found["R12"].severity == "medium"


@pytest.mark.parametrize("missing", ["zinc", "albumin", "amino-acids"])
def test_a_nutrient_nobody_measured_makes_it_r12_and_is_named(missing: str) -> None:
    found = findings(69, *relapse(**{missing: None}))
    assert {"R11", "R12"} & set(but_schedule(found)) == {"R12"}
    assert any(missing.split("-")[0] in name for name in found["R12"].not_recorded)


def test_an_old_scan_makes_it_r12() -> None:
    found = findings(69, *[e for e in relapse() if e is not SCAN], response(69 - 300, "SD"))
    assert {"R11", "R12"} & set(but_schedule(found)) == {"R12"}


def test_without_an_analogue_it_is_r12() -> None:
    assert "R11" not in findings(69, *[e for e in relapse() if e not in SHOTS])


def test_an_infection_makes_it_r12() -> None:
    infected = [e for e in relapse() if e is not SKIN[1]] + [skin(60, iga=3, infection="suspected", new_drug="none")]
    assert {"R11", "R12"} & set(findings(69, *infected)) == {"R12"}


def test_a_drug_that_gives_a_rash_is_named_and_silences_nothing() -> None:
    start = therapy(-250, "start", drug="everolimus")
    assert "everolimus" in findings(69, *relapse(), start)["R11"].why


def test_bullae_all_over_are_high() -> None:
    severe = [e for e in relapse() if e not in SKIN[1:]]
    severe += [skin(60, iga=4, infection="none", new_drug="none"), skin(69, iga=4)]
    assert findings(69, *severe)["R11"].severity == "high"


def test_words_alone_are_enough_for_worse() -> None:
    found = findings(365, STATE, skin(0, overall="active"), skin(30, overall="improved"), skin(365, overall="active"))
    assert set(but_schedule(found)) == {"R12"}
    assert found["R12"].severity == "low"
    assert "active after improved" in found["R12"].why


def test_active_skin_that_never_was_better_is_not_worse() -> None:
    assert but_schedule(findings(30, STATE, skin(0, overall="active"), skin(30, overall="active"))) == {}


def worse(*looks: Entry) -> bool:
    return skin_worse(chart(*looks), PROTOCOL) is not None


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"iga": 1}, {"iga": 2}, True),
        ({"iga": 0}, {"iga": 1}, False),
        ({"bsa": 4}, {"bsa": 9}, True),
        ({"bsa": 4}, {"bsa": 8.9}, False),
        ({"bsa": 20}, {"bsa": 29}, False),
        ({"erosion": 0}, {"erosion": 1, "sites": ("groin",)}, True),
        ({"erosion": 0}, {"erosion": 1, "sites": ("trunk",)}, False),
        ({"erosion": 1, "sites": ("groin",)}, {"erosion": 2, "sites": ("groin",)}, False),
    ],
)
def test_one_component_can_say_worse(before: dict[str, object], now: dict[str, object], expected: bool) -> None:
    assert worse(skin(0, **before), skin(30, **now)) is expected


def test_it_is_compared_with_the_best_of_the_last_three() -> None:
    assert worse(*(skin(10 * n, iga=iga) for n, iga in enumerate((1, 2, 2, 2))))
    recovered = [skin(10 * n, iga=iga) for n, iga in enumerate((0, 3, 0, 0, 0, 0))]
    assert not worse(*recovered)


@pytest.mark.parametrize(("days", "confirmed"), [(2, False), (3, True), (21, True), (22, False)])
def test_a_second_look_confirms_after_3_to_21_days(days: int, confirmed: bool) -> None:
    found = skin_worse(chart(skin(0, iga=1), skin(60, iga=3), skin(60 + days, iga=3)), PROTOCOL)
    assert found is not None
    assert (found.confirmed_by is not None) is confirmed


def test_the_same_rater_does_not_confirm_himself() -> None:
    found = skin_worse(chart(skin(0, iga=1), skin(60, iga=3, rater="A"), skin(69, iga=3, rater="A")), PROTOCOL)
    assert found is not None
    assert found.confirmed_by is None
    assert found.same_rater
