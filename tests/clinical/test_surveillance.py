"""The surveillance schedule: what is owed when, by disease state, treatment and time."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.chart import Entry
from clinical.days import on_day
from clinical.rules.registry import registered
from clinical.surveillance import DueItem, schedule
from tests.clinical.charts import (
    PROTOCOL,
    chart,
    coded,
    glucagon,
    lab,
    lesion,
    moment,
    operation,
    response,
    sensor,
    skin,
    state,
    symptom,
    therapy,
    ultrasound,
)

START = therapy(0, "start", drug="lanreotide", dose=120, unit="mg", interval_days=28)
RESIDUAL = state(0, "residual-stable")
NED = state(1, "ned-resected")


def owed(now: float, *entries: Entry) -> dict[str, DueItem]:
    """What is owed on a day, by code."""
    at = moment(now)
    return {item.code: item for item in schedule(chart(*entries).until(at), PROTOCOL, at)}


def midnight(day: int) -> datetime:
    return on_day(moment(day), 0)


def limits(item: DueItem) -> list[int]:
    """Due, overdue and long overdue as days from day zero."""
    return [(at - moment(0)).days for at in (item.due, item.overdue_from, item.long_overdue_from)]


def test_nothing_is_owed_by_a_state_that_was_never_stated() -> None:
    assert owed(900, glucagon(0, 60)) == {}
    assert owed(900, state(0, "unknown"), glucagon(0, 60)) == {}
    assert owed(900, state(0, "no-tumour-found"), glucagon(0, 60)) == {}


@pytest.mark.parametrize(
    ("after", "interval"),
    [(10, 91), (364, 91), (365, 182), (1825, 182), (1826, 365), (4000, 365)],
)
def test_after_a_complete_resection_glucagon_is_owed_ever_less_often_and_never_ends(after: int, interval: int) -> None:
    item = owed(after, operation(0), NED, glucagon(after, 60))["glucagon"]
    assert item.interval_days == interval
    assert limits(item) == [after + interval, after + int(1.5 * interval) + 1, after + 2 * interval + 1]
    assert "resection of 2024-01-01" in item.context


def test_what_was_done_before_or_on_the_day_of_the_resection_does_not_count_after_it() -> None:
    item = owed(30, operation(0), NED, glucagon(-10, 900), glucagon(0, 800))["glucagon"]
    assert item.never
    assert item.last is not None
    assert limits(item) == [91, 137, 183]
    assert not owed(30, operation(0), NED, glucagon(1, 60))["glucagon"].never


def test_without_a_recorded_operation_the_clock_starts_with_the_statement() -> None:
    item = owed(30, state(0, "pre-op"), state(5, "ned-resected"), state(20, "ned-resected"))["glucagon"]
    assert (item.since.effective, item.due) == (moment(5), midnight(5 + 91))


@pytest.mark.parametrize(("scanned", "due"), [(None, 182), (30, 212), (90, 272), (91, 456), (180, 545)])
def test_the_first_scan_after_a_resection_is_owed_at_six_months_then_yearly(scanned: int | None, due: int) -> None:
    rows = [] if scanned is None else [response(scanned, "NED")]
    assert limits(owed(400, operation(0), NED, *rows)["scan"])[0] == due


def test_ten_years_after_a_resection_no_scan_is_owed_any_more() -> None:
    assert "scan" in owed(3651, operation(0), NED)
    assert "scan" not in owed(3652, operation(0), NED)
    assert {"glucagon", "skin"} <= owed(3652, operation(0), NED).keys()


LOW_RISK = (
    operation(0, completeness="R0"),
    NED,
    coded(5, "grade", text="NET G1, Ki-67 1 %"),
    coded(5, "stage", text="pT1 N0 M0"),
)


def test_a_low_risk_of_relapse_spares_scans_and_nothing_else() -> None:
    assert owed(900, *LOW_RISK).keys() == {"glucagon", "skin"}


@pytest.mark.parametrize(
    "instead",
    [
        {0: operation(0, completeness="R1")},
        {0: operation(0)},
        {2: coded(5, "grade", text="NET G2, Ki-67 5 %")},
        {2: coded(5, "grade", text="G1 and G2 areas")},
        {3: coded(5, "stage", text="pT2 N0 M0")},
        {3: coded(5, "stage", text="pT1 N1 M0")},
        {3: coded(5, "stage", text="pT1")},
        {3: coded(5, "metastasis", text="Liver, removed")},
        {2: coded(5, "histology", text="NET G1")},
    ],
)
def test_anything_not_recorded_or_worse_is_not_low_risk(instead: dict[int, Entry]) -> None:
    rows = [instead.get(at, entry) for at, entry in enumerate(LOW_RISK)]
    assert "scan" in owed(900, *rows)


def test_a_metastasis_recorded_beside_the_rest_is_not_low_risk() -> None:
    assert "scan" in owed(900, *LOW_RISK, coded(6, "metastasis", text="Liver, removed"))


@pytest.mark.parametrize("name", ["residual-stable", "residual-progressing"])
def test_residual_disease_is_owed_glucagon_skin_and_scans(name: str) -> None:
    items = owed(10, state(0, name), glucagon(-60, 60), skin(5, iga=0), response(-180, "SD"))
    assert {code: item.interval_days for code, item in items.items()} == {"glucagon": 91, "skin": 91, "scan": 182}
    assert [limits(items[code])[0] for code in ("glucagon", "skin", "scan")] == [31, 96, 2]


def test_a_baseline_is_one_interval_old_at_most() -> None:
    assert not owed(1, RESIDUAL, glucagon(-91, 60))["glucagon"].never
    old = owed(1, RESIDUAL, glucagon(-92, 60))["glucagon"]
    assert old.never
    assert limits(old) == [0, 29, 183]


def test_the_clock_of_residual_disease_starts_with_the_first_of_its_statements() -> None:
    rows = [state(0, "ned-resected"), state(100, "residual-stable"), state(200, "residual-progressing")]
    assert owed(300, *rows)["glucagon"].since.effective == moment(100)


@pytest.mark.parametrize(("now", "interval"), [(730, 182), (731, 365)])
def test_scans_may_be_a_year_apart_when_disease_is_stable_for_more_than_two_years(now: int, interval: int) -> None:
    assert owed(now, RESIDUAL, response(600, "SD"))["scan"].interval_days == interval
    assert owed(now, state(0, "residual-progressing"), response(600, "SD"))["scan"].interval_days == 182


def test_a_scan_with_progression_starts_the_two_years_again() -> None:
    assert owed(900, RESIDUAL, response(200, "PD"), response(800, "SD"))["scan"].interval_days == 182
    assert owed(932, RESIDUAL, response(200, "PD"), response(800, "SD"))["scan"].interval_days == 365


def test_after_prrt_a_scan_is_owed_three_months_after_the_last_cycle() -> None:
    rows = [RESIDUAL, response(10, "SD"), operation(100, "prrt"), operation(156, "prrt")]
    item = owed(160, *rows)["scan"]
    assert limits(item) == [156 + 91, 156 + 137, 156 + 183]
    assert owed(300, *rows, response(250, "SD"))["scan"].interval_days == 182


def test_under_a_systemic_drug_scans_are_owed_every_three_months_while_it_is_given() -> None:
    rows = [RESIDUAL, therapy(100, "start", drug="everolimus"), response(90, "SD")]
    item = owed(120, *rows)["scan"]
    assert (item.interval_days, item.due) == (91, midnight(181))
    assert owed(200, *rows, therapy(150, "stop", drug="everolimus"))["scan"].interval_days == 182


@pytest.mark.parametrize(
    "sign",
    [
        skin(10, overall="active"),
        skin(10, overall="worse"),
        skin(10, iga=2),
        lesion(10, "L1", 20),
        lesion(10, "L", None, state="equivocal"),
    ],
)
def test_a_rash_or_a_lesion_of_unknown_cause_asks_for_a_first_glucagon(sign: Entry) -> None:
    for rows in ([sign], [state(0, "unknown"), sign], [state(0, "pre-op"), sign]):
        item = owed(12, *rows)["glucagon"]
        assert item.never
        assert limits(item) == [10, 11, 10 + 183]
        assert "glucagon" not in owed(12, *rows, glucagon(5, None, status="absent"))


@pytest.mark.parametrize("sign", [skin(10, overall="clear"), skin(10, iga=1), lesion(10, "L1", None, state="absent")])
def test_clear_skin_and_absent_lesions_ask_for_nothing(sign: Entry) -> None:
    assert owed(12, sign) == {}


def test_an_analogue_asks_for_its_checks_in_every_state() -> None:
    items = owed(10, START)
    assert {code: item.interval_days for code, item in items.items()} == {
        "hba1c": 91,
        "tsh": 365,
        "b12": 365,
        **dict.fromkeys(("vitamin-a", "vitamin-d", "vitamin-e", "vitamin-k"), 365),
        "zinc": 182,
        "lipase": 91,
        "liver": 91,
        "heart-rate": 91,
        "ecg": 28,
        "ultrasound": 182,
        "glucose-after-change": 14,
    }
    assert all(item.never for item in items.values())
    assert limits(items["tsh"]) == [0, 29, 731]
    assert owed(10, START, therapy(5, "stop", drug="lanreotide")).keys() == set()


@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("hba1c", [sensor(50)]),
        ("b12", [lab(50, "active-b12", 60)]),
        ("vitamin-k", [lab(50, "inr", 1.0)]),
        ("vitamin-k", [lab(50, "pivka-ii", 1.0)]),
        ("vitamin-k", [lab(50, "vitamin-k1", 1.0)]),
        *(("liver", [lab(50, analyte, 20)]) for analyte in ("alp", "alt", "bilirubin")),
        ("tsh", [lab(50, "tsh", None, text="normal")]),
    ],
)
def test_what_stands_for_an_item_counts(code: str, rows: list[Entry]) -> None:
    assert not owed(60, START, *rows)[code].never


def test_a_sample_whose_result_may_still_come_counts_until_its_usual_time_has_passed() -> None:
    sent = lab(100, "zinc", None, status="absent")
    assert not owed(107.9, START, sent)["zinc"].never
    assert owed(108, START, sent)["zinc"].never
    late = [lab(20, "zinc", 80), sent]
    assert owed(108, START, *late)["zinc"].last is late[0]


def told(items: dict[str, DueItem]) -> dict[str, tuple[str, str]]:
    """Name and context of each item, by code."""
    return {code: (item.name, item.context) for code, item in sorted(items.items())}


def test_items_are_named_with_what_started_their_clock() -> None:
    resection = "since the resection of 2024-01-01"
    assert told(owed(10, operation(0), NED)) == {
        "glucagon": ("glucagon", resection),
        "scan": ("CT or MRI", resection),
        "skin": ("skin assessment", resection),
    }
    assert told(owed(10, NED))["glucagon"] == ("glucagon", "stated as resected on 2024-01-02")
    residual = "residual disease stated on 2024-01-01"
    assert told(owed(10, RESIDUAL)) == {
        "glucagon": ("glucagon", residual),
        "scan": ("CT or MRI", residual),
        "skin": ("skin assessment", residual),
    }
    drug = therapy(5, "start", drug="everolimus")
    assert told(owed(10, RESIDUAL, drug))["scan"] == ("CT or MRI", "on everolimus since 2024-01-06")
    assert told(owed(10, RESIDUAL, operation(3, "prrt")))["scan"] == ("CT or MRI", "since PRRT of 2024-01-04")


def test_items_of_an_analogue_are_named_with_its_start_and_with_its_last_dose_after_it() -> None:
    start = therapy(0, "start", drug="pasireotide-lar", dose=40, unit="mg", interval_days=28)
    on = "on an analogue since 2024-01-01"
    assert told(owed(10, start)) == {
        "b12": ("vitamin B12", on),
        "ecg": ("ECG", on),
        "glucose-after-change": ("glucose", "pasireotide-lar started or changed on 2024-01-01"),
        "glucose-fasting": ("fasting glucose", on),
        "hba1c": ("HbA1c", on),
        "heart-rate": ("heart rate", on),
        "lipase": ("lipase", on),
        "liver": ("liver enzymes and bilirubin", on),
        "tsh": ("TSH", on),
        "ultrasound": ("biliary ultrasound", on),
        "vitamin-a": ("vitamin A", on),
        "vitamin-d": ("vitamin D", on),
        "vitamin-e": ("vitamin E", on),
        "vitamin-k": ("vitamin K (INR or PIVKA-II)", on),
        "zinc": ("zinc", on),
    }
    stopped = "pasireotide-lar stopped, last dose on 2024-07-19"
    assert told(owed(210, start, therapy(200, "stop", drug="pasireotide-lar"))) == {
        "glucose-fasting": ("fasting glucose", stopped),
        "hba1c": ("HbA1c", stopped),
        "ultrasound": ("biliary ultrasound", stopped),
    }


def test_a_first_glucagon_is_asked_for_by_the_earliest_sign() -> None:
    rash, seen = skin(5, overall="active"), lesion(3, "T1", 20)
    assert told(owed(10, rash, seen))["glucagon"] == ("glucagon", "lesion seen on 2024-01-04")
    assert told(owed(10, rash, lesion(8, "T1", 20)))["glucagon"] == ("glucagon", "rash seen on 2024-01-06")
    assert owed(10, skin(5, itch=3), lesion(3, "T1", state="not-evaluable")) == {}


def test_after_a_resection_each_item_counts_by_when_it_was_last_done() -> None:
    items = owed(700, operation(0), NED, glucagon(10, 60), skin(600, iga=0))
    assert (items["glucagon"].interval_days, items["skin"].interval_days) == (91, 182)
    assert not items["skin"].never


def test_a_scan_before_prrt_does_not_count_after_it_and_one_of_its_day_does() -> None:
    before = owed(50, RESIDUAL, operation(20, "prrt"), response(10, "SD"))["scan"]
    assert (before.never, limits(before)[0]) == (True, 20 + 91)
    same_day = owed(50, RESIDUAL, operation(20, "prrt"), response(20, "SD"))["scan"]
    assert same_day.context == "residual disease stated on 2024-01-01"


def test_of_several_systemic_drugs_the_one_begun_last_starts_the_clock() -> None:
    drugs = [therapy(day, "start", drug=drug) for day, drug in ((5, "sunitinib"), (3, "everolimus"))]
    assert owed(10, RESIDUAL, *drugs)["scan"].context == "on sunitinib since 2024-01-06"
    again = [*drugs, therapy(8, "dose", drug="everolimus")]
    assert owed(10, RESIDUAL, *again)["scan"].context == "on sunitinib since 2024-01-06"


def test_the_watch_of_the_gallbladder_is_long_overdue_when_it_ends_and_never_before_the_end_of_the_analogue() -> None:
    rows = [therapy(0, "start", drug="lanreotide"), therapy(600, "stop", drug="lanreotide")]
    assert limits(owed(700, *rows)["ultrasound"])[1:] == [600, 1827]


def test_a_moment_at_which_something_is_overdue_is_overdue() -> None:
    item = owed(10, RESIDUAL)["glucagon"]
    assert item.overdue(item.overdue_from)
    assert not item.overdue(item.overdue_from - timedelta(seconds=1))
    assert item.long_overdue(item.long_overdue_from)
    assert not item.long_overdue(item.long_overdue_from - timedelta(seconds=1))


def test_an_ecg_is_owed_once() -> None:
    assert "ecg" not in owed(500, START, lab(-400, "qtc", 420))


@pytest.mark.parametrize(
    "signs",
    [
        [symptom(100, "steatorrhoea"), symptom(120, "oily-stool")],
        [lab(110, "elastase", 150)],
        [lab(-70, "weight", 80), lab(110, "weight", 75)],
    ],
)
def test_signs_of_malabsorption_halve_the_interval_of_the_vitamins(signs: list[Entry]) -> None:
    before = owed(130, START)
    after = owed(130, START, *signs)
    assert {before[f"vitamin-{x}"].interval_days for x in "adek"} == {365}
    assert {after[f"vitamin-{x}"].interval_days for x in "adek"} == {182}
    assert after["b12"].interval_days == 365


def test_pasireotide_is_watched_closely_for_three_months_and_once_more_after_its_end() -> None:
    start = therapy(0, "start", drug="pasireotide-lar", dose=40, unit="mg", interval_days=28)
    early = owed(91.5, start, lab(50, "alt", 20))
    assert (early["glucose-fasting"].interval_days, early["liver"].interval_days) == (7, 30)
    later = owed(92, start, lab(50, "alt", 20))
    assert "glucose-fasting" not in later
    assert later["liver"].interval_days == 91
    stop = therapy(200, "stop", drug="pasireotide-lar")
    assert "hba1c" not in owed(300, start, stop, lab(260, "hba1c", 6))
    after = owed(210, start, stop, lab(190, "glucose", 90))
    assert [limits(after[code])[0] for code in ("glucose-fasting", "hba1c")] == [228, 291]
    assert "glucose-fasting" not in owed(240, start, stop, lab(214, "glucose-fasting", 90))
    assert "glucose-fasting" in owed(240, start, stop, lab(213, "glucose-fasting", 90))
    assert "hba1c" not in owed(210, START, therapy(200, "stop", drug="lanreotide"))


def test_the_ultrasound_follows_the_limits_of_its_rule() -> None:
    assert limits(owed(10, START)["ultrasound"]) == [0, 91, 458]
    assert limits(owed(400, START, ultrasound(300, stones="none"))["ultrasound"]) == [482, 575, 758]
    assert limits(owed(10, START, ultrasound(-250, stones="none"))["ultrasound"])[1] == 91
    assert "ultrasound" not in owed(10, START, operation(5, "cholecystectomy"))


def test_after_the_analogue_the_gallbladder_is_watched_for_five_years_after_the_last_dose() -> None:
    rows = [START, therapy(172, "injection", drug="lanreotide", dose=120, interval_days=28)]
    rows += [therapy(200, "stop", drug="lanreotide"), ultrasound(190, stones="none")]
    assert limits(owed(300, *rows)["ultrasound"])[:2] == [190 + 365, 190 + 458]
    assert "ultrasound" in owed(172 + 1826, *rows)
    assert "ultrasound" not in owed(172 + 1827, *rows)


@pytest.mark.parametrize(("days", "watched"), [(29, False), (30, True)])
def test_a_month_of_an_analogue_at_most_leaves_nothing_to_watch(days: int, watched: bool) -> None:
    rows = [therapy(0, "start", drug="octreotide"), therapy(days, "stop", drug="octreotide")]
    assert ("ultrasound" in owed(100, *rows)) is watched


def test_a_regimen_known_from_injections_alone_ends_one_interval_after_the_last() -> None:
    shots = [therapy(28 * n, "injection", drug="lanreotide", dose=120, interval_days=28) for n in range(3)]
    assert "tsh" in owed(56 + 83, *shots)
    over = owed(56 + 84, *shots)
    assert over.keys() == {"ultrasound"}
    assert "last dose on 2024-02-26" in over["ultrasound"].context


_DAYS = st.integers(0, 500)


def _entry() -> st.SearchStrategy[Entry]:
    drugs = st.sampled_from(["lanreotide", "octreotide-lar", "octreotide", "pasireotide-lar", "everolimus"])
    return st.one_of(
        st.builds(state, _DAYS, st.sampled_from(["pre-op", "ned-resected", "residual-stable", "residual-progressing"])),
        st.builds(lambda d, drug: therapy(d, "start", drug=drug, dose=20, interval_days=28), _DAYS, drugs),
        st.builds(lambda d, drug: therapy(d, "stop", drug=drug), _DAYS, drugs),
        st.builds(lambda d: therapy(d, "injection", drug="lanreotide", dose=120, interval_days=28), _DAYS),
        st.builds(operation, _DAYS, st.sampled_from(["resection", "prrt", "cholecystectomy"])),
        st.builds(glucagon, _DAYS, st.sampled_from([60, 300])),
        st.builds(lambda d, a: lab(d, a, None, status="absent"), _DAYS, st.sampled_from(["glucagon", "zinc", "tsh"])),
        st.builds(lambda d, a: lab(d, a, 5.0), _DAYS, st.sampled_from(["hba1c", "tsh", "zinc", "glucose", "elastase"])),
        st.builds(response, _DAYS, st.sampled_from(["PD", "SD", "NED"])),
        st.builds(lambda d: skin(d, overall="active"), _DAYS),
        st.builds(lambda d: ultrasound(d, stones="none"), _DAYS),
        st.builds(symptom, _DAYS, st.sampled_from(["steatorrhoea", "chest-pain", "dyspnoea"])),
        st.builds(sensor, _DAYS),
    )


TIMED = [rule for rule in registered() if rule.id in ("R26", "R29", "R30", "R34", "R38", "R39")]


@settings(max_examples=60, deadline=None)
@given(st.lists(_entry(), max_size=10, unique_by=lambda e: e.record), st.integers(0, 900))
def test_until_its_next_due_moment_a_rule_of_time_says_the_same(entries: list[Entry], day: int) -> None:
    for rule in TIMED:
        assert rule.next_due is not None
        now = moment(day + 0.99)
        known = chart(*entries).until(now)
        due = rule.next_due(known, PROTOCOL, now)
        assert due is None or due > now
        until = min(due or moment(4000), now + timedelta(days=400)) - timedelta(seconds=1)
        said = [
            sorted((f.subject, f.severity, f.title) for f in rule.judge(known, PROTOCOL, at))
            for at in (now, now + (until - now) / 2, until)
        ]
        assert all(one == other for one, other in pairwise(said)), rule.id


@settings(max_examples=60, deadline=None)
@given(st.lists(_entry(), max_size=10, unique_by=lambda e: e.record), st.integers(0, 900))
def test_every_item_is_due_before_it_is_overdue_and_that_before_long(entries: list[Entry], day: int) -> None:
    now = moment(day)
    for item in schedule(chart(*entries).until(now), PROTOCOL, now):
        assert item.due < item.overdue_from <= item.long_overdue_from
        assert item.never or item.last is not None
