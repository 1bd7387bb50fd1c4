"""Published patients, imported as FHIR and replayed day by day: what must be flagged is, what must not be is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from clinical.chart import Chart
from clinical.discordance import discordance
from clinical.protocol import bundled_protocol
from clinical.replay import ReplayedFlag, replay
from clinical.surveillance import schedule
from clinical.units import to_canonical
from data.charts import load_charts
from data.db import Database, open_database
from data.intake.batch import import_paths
from data.patients import find_by_mrn
from data.people import Actor
from data.records import list_records
from tests.clinical.charts import findings, lab, therapy
from tests.oracles.cases.answers import ANSWERED_ELSEWHERE, FLAGGED_BY, NO_RULE, SILENT
from tests.oracles.cases.bundle import bundle, day, mrn
from tests.oracles.cases.judgements import CASES, judgements, read_case

pytestmark = pytest.mark.oracles

IMPORTER = Actor.system("published cases")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE_SWEEP = timedelta(days=1)
SETTLED = 60
SYNDROME_AXES = {"R01", "R02", "R03", "R06", "R07", "R09", "R10", "R11", "R12", "R14", "R42"}

Flags = tuple[ReplayedFlag, ...]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, audit_key: bytes) -> Iterator[Database]:
    """One database for all cases: nothing of a patient may depend on another."""
    path = tmp_path_factory.mktemp("cases") / "nadir.db"
    shutil.copyfile(sqlite_template, path)
    path.chmod(0o600)
    database = open_database(f"sqlite:///{path}", audit_key)
    yield database
    database.close()


@pytest.fixture(scope="module")
def replayed(clinic: Database, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Flags]:
    """The flags of a case over its whole timeline, imported once."""
    done: dict[str, Flags] = {}

    def flags(name: str) -> Flags:
        if name not in done:
            done[name] = _replay(clinic, name, tmp_path_factory.mktemp("bundle"))
        return done[name]

    return flags


@pytest.mark.parametrize("name", CASES)
def test_what_must_be_flagged_is_flagged_in_its_time_or_order(name: str, replayed: Callable[[str], Flags]) -> None:
    flags = replayed(name)
    undated = {day(e["replay_day"]) for e in read_case(name)["timeline"] if e["replay_day_synthetic"]}
    reached = date.min
    for wanted in (j for j in judgements(name) if j.wanted and j.rules):
        matching = [flag for flag in flags if flag.rule in wanted.rules]
        if wanted.day is not None:
            standing = [flag for flag in matching if _stands(flag, day(wanted.day), ONE_SWEEP)]
        else:
            standing = [
                f for f in matching if f.opens >= reached and any(abs(f.opens - u) <= ONE_SWEEP for u in undated)
            ]
        assert standing, f"{wanted.what} at {wanted.day}: {_told(flags)}"
        reached = day(wanted.day) if wanted.day is not None else standing[0].opens


@pytest.mark.parametrize("name", CASES)
def test_what_must_not_be_flagged_is_silent(name: str, replayed: Callable[[str], Flags]) -> None:
    flags = replayed(name)
    for unwanted in (j for j in judgements(name) if not j.wanted):
        said = [
            flag
            for flag in flags
            if flag.rule in unwanted.rules
            and (
                unwanted.day is None or _stands(flag, day(unwanted.day)) or flag.opens == day(unwanted.day) + ONE_SWEEP
            )
        ]
        assert not said, f"{unwanted.what} at {unwanted.day}: {_told(tuple(said))}"


@pytest.mark.parametrize("name", CASES)
def test_every_judgement_is_answered_or_listed_with_the_reason(name: str) -> None:
    expected = read_case(name)["expected"]
    otherwise = ANSWERED_ELSEWHERE.keys() | NO_RULE.keys()
    assert {e["what"] for e in expected["should_flag"]} <= FLAGGED_BY.keys() | otherwise
    assert {e["what"] for e in expected["should_not_flag"]} <= SILENT.keys() | otherwise


def test_every_test_that_answers_exists_and_at_most_five_names_have_none() -> None:
    assert set(ANSWERED_ELSEWHERE.values()) <= globals().keys()
    assert len(NO_RULE) <= 5
    assert not NO_RULE.keys() & (FLAGGED_BY.keys() | SILENT.keys() | ANSWERED_ELSEWHERE.keys())


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_a_case_is_quarantined(name: str, sqlite_database: Database, tmp_path: Path) -> None:
    summary = _import(sqlite_database, name, tmp_path)
    assert summary["quarantined"] == []
    assert summary["read"] == summary["stored"] + summary["ignored"]


def test_glucagon_in_molar_units_is_read_as_such(sqlite_database: Database, tmp_path: Path) -> None:
    name = "anon-gponline-pmol-units"
    _import(sqlite_database, name, tmp_path)
    with sqlite_database.read() as session:
        (glucagon,) = list_records(session, IMPORTER, mrn(read_case(name)), analyte="glucagon")
    assert (glucagon["value"], glucagon["unit"]) == (348, "pmol/L")
    assert glucagon["canonical_unit"] == "pg/mL"
    assert glucagon["canonical_value"] == pytest.approx(1212, abs=1)


def test_normal_glucose_lowers_no_suspicion(
    replayed: Callable[[str], Flags], sqlite_database: Database, tmp_path: Path
) -> None:
    name = "dimitrovski-failed-first-surgery"
    unaware = _replay(sqlite_database, name, tmp_path, without=frozenset({"glucose"}))
    assert _of_the_syndrome(replayed(name)) == _of_the_syndrome(unaware)


@pytest.mark.parametrize("name", ["galler-2015-failed-zinc-trial", "anon-gponline-pmol-units"])
def test_a_zinc_trial_silences_nothing(name: str, replayed: Callable[[str], Flags]) -> None:
    assert any(flag.rule in FLAGGED_BY["skin_worsening"] for flag in replayed(name))


def test_an_equivocal_scan_closes_nothing(replayed: Callable[[str], Flags]) -> None:
    flags = replayed("liu-2018-two-year-delay")
    scan = day(-593)
    assert not [flag for flag in flags if flag.clears == scan], _told(flags)
    assert any(flag.rule == "R07" and _stands(flag, scan) for flag in flags), _told(flags)


def test_a_relapse_of_the_skin_is_said_beside_the_stable_scan(
    clinic: Database, replayed: Callable[[str], Flags]
) -> None:
    name = "tolliver-2018-rash-relapse-stable-tumour"
    replayed(name)
    said = discordance(_chart(clinic, name), bundled_protocol(), datetime.combine(day(365), time.max, UTC))
    assert said == "Skin worse, not yet confirmed, since 1 Mar 2016; scan stable; glucagon unknown"


@pytest.mark.parametrize("at", [-608, -183])
def test_lesions_and_a_rash_without_a_hormone_ask_for_it(at: int, replayed: Callable[[str], Flags]) -> None:
    asked = [f for f in replayed("liu-2018-two-year-delay") if f.rule == "R30" and _stands(f, day(at), ONE_SWEEP)]
    assert [flag for flag in asked if "Glucagon never measured" in flag.why]


def test_an_operation_that_failed_leaves_its_check_open_until_the_next(replayed: Callable[[str], Flags]) -> None:
    (check,) = [flag for flag in replayed("dimitrovski-failed-first-surgery") if flag.rule == "R33"]
    assert (check.opens, check.clears) == (day(-30), day(0))


def test_ketoacidosis_on_an_analogue_is_not_only_a_drug_effect(replayed: Callable[[str], Flags]) -> None:
    flags = replayed("fenkci-2005-dka-on-lar")
    assert any(flag.rule in FLAGGED_BY["imaging_progression"] and _stands(flag, day(1095)) for flag in flags)


@pytest.mark.parametrize(("deviations", "flagged"), [(0, False), (1, True)])
def test_an_hba1c_rise_beyond_the_usual_drift_is_flagged_and_the_drift_is_not(deviations: int, flagged: bool) -> None:
    """The cohort's mean change, and that of a patient one standard deviation beyond it; 6.30 is of the printed text."""
    (drift,) = (e["value"] for e in read_case("patel-2019-ssa-hba1c-drift")["timeline"] if e["unit"] == "mmol/mol")
    after = 40 + drift + deviations * 6.30
    entries = [
        lab(0, "hba1c", to_canonical("hba1c", Decimal(40), "mmol/mol"), unit="%"),
        therapy(1, "start", drug="lanreotide", dose=120, interval_days=28),
        lab(120, "hba1c", to_canonical("hba1c", Decimal(str(after)), "mmol/mol"), unit="%"),
    ]
    found = findings(120, *entries)
    assert ("R21" in found) is flagged
    assert not found.keys() & set(SILENT["recurrence"])


@pytest.mark.parametrize(
    ("name", "at"), [("he-2011-distal-resection", 15), ("wang-2022-young-woman-post-op-octreotide", 60)]
)
def test_two_clean_months_after_a_resection_end_no_surveillance(
    name: str, at: int, sqlite_database: Database, tmp_path: Path
) -> None:
    _import(sqlite_database, name, tmp_path)
    now = datetime.combine(day(at), time.max, UTC)
    owed = {item.code: item for item in schedule(_chart(sqlite_database, name).until(now), bundled_protocol(), now)}
    assert {code: (item.due.date() - day(0)).days for code, item in owed.items() if code in ("glucagon", "scan")} == {
        "glucagon": at + 91 if name.startswith("he") else 14 + 91,
        "scan": 182,
    }


def test_after_the_last_injection_nothing_is_overdue_as_if_treatment_went_on(replayed: Callable[[str], Flags]) -> None:
    flags = replayed("aapkes-2021-lanreotide-gallstones")
    assert not [flag for flag in flags if flag.rule == "R18" and flag.opens > day(840)], _told(flags)


def _replay(database: Database, name: str, folder: Path, *, without: frozenset[str] = frozenset()) -> Flags:
    summary = _import(database, name, folder, without=without)
    assert summary["stored"] > 0
    days = [event["replay_day"] for event in read_case(name)["timeline"]]
    return replay(_chart(database, name), bundled_protocol(), day(min(days)), day(max(days) + SETTLED))


def _chart(database: Database, name: str) -> Chart:
    with database.read() as session:
        patient = find_by_mrn(session, IMPORTER, mrn(read_case(name)))
        return load_charts(session, [patient.id])[patient.id]


def _import(database: Database, name: str, folder: Path, *, without: frozenset[str] = frozenset()) -> dict[str, object]:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(bundle(read_case(name), without=without)), encoding="utf-8")
    summary: dict[str, object] = import_paths(database, IMPORTER, [path], now=NOW).as_json()
    return summary


def _stands(flag: ReplayedFlag, on: date, within: timedelta = timedelta()) -> bool:
    return flag.opens <= on + within and (flag.clears is None or flag.clears > on - within)


def _of_the_syndrome(flags: Flags) -> set[tuple[str, date, date | None]]:
    return {(flag.rule, flag.opens, flag.clears) for flag in flags if flag.rule in SYNDROME_AXES}


def _told(flags: Flags) -> str:
    return "; ".join(f"{f.rule} {f.opens}..{f.clears} {f.why}" for f in flags) or "no flag"
