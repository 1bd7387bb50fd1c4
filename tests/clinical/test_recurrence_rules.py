"""R03, R33 and R42: which samples belong to the time without evidence of disease; what opens and ends recurrence."""

from __future__ import annotations

import pytest

from tests.clinical.charts import findings, glucagon, operation, state, therapy, told


def test_what_is_drawn_between_the_operation_and_the_statement_counts() -> None:
    rows = [state(-100, "residual-stable"), glucagon(-30, 900), operation(0), state(10, "unknown")]
    assert "R03" in findings(30, *rows, glucagon(15, 170), state(30, "ned-resected"))


def test_without_a_recorded_operation_the_time_begins_with_the_statement() -> None:
    rows = [state(-100, "residual-stable"), state(0, "ned-resected")]
    assert "R03" in findings(1, *rows, glucagon(0, 170))
    assert "R03" not in findings(1, *rows, glucagon(-1, 170))


def test_what_is_drawn_on_the_day_of_the_operation_was_drawn_before_it() -> None:
    assert "R03" not in findings(1, operation(0), state(0, "ned-resected"), glucagon(0, 900))


def test_what_was_drawn_while_disease_was_left_is_no_recurrence() -> None:
    rows = [operation(0), state(10, "residual-stable"), glucagon(30, 170), state(60, "ned-resected")]
    assert "R03" not in findings(61, *rows)
    assert "R03" in findings(70, *rows, glucagon(70, 170))


def test_the_state_stated_once_more_ends_no_recurrence() -> None:
    rows = [state(0, "ned-resected"), glucagon(50, 170), state(100, "ned-resected")]
    assert "R03" in findings(100, *rows)


@pytest.mark.parametrize("day", [1, 100])
def test_another_operation_ends_no_recurrence_before_glucagon_is_measured(day: int) -> None:
    assert "R03" in findings(day, state(0, "ned-resected"), glucagon(1, 170), operation(day))


@pytest.mark.parametrize("raised", [(85, 170), (99, 101)])
def test_one_normal_result_ends_recurrence_and_the_first_value_above_the_limit_that_it_took_over(
    raised: tuple[float, float],
) -> None:
    rows = [state(-10, "ned-resected"), glucagon(0, 60), glucagon(60, raised[0]), glucagon(90, raised[1])]
    assert "R03" in findings(90, *rows)
    assert not {"R03", "R42"} & set(findings(120, *rows, glucagon(120, 70)))


def test_two_results_a_little_above_the_limit_are_no_recurrence() -> None:
    found = findings(90, state(-10, "ned-resected"), glucagon(0, 60), glucagon(60, 85), glucagon(90, 90))
    assert "R03" not in found
    assert "R42" in found


def test_an_invalid_sample_opens_no_recurrence() -> None:
    found = findings(60, state(-10, "ned-resected"), glucagon(0, 60), glucagon(60, 200, fasting=False))
    assert "R03" not in found
    assert "R41" in found


def test_a_result_without_a_limit_ends_no_recurrence() -> None:
    raised = glucagon(60, 170, lab="A")
    rows = [state(-10, "ned-resected"), glucagon(0, 60, lab="A"), raised, glucagon(90, 60, upper=None, lab="B")]
    assert "R03" in findings(90, *rows)


def test_a_rise_that_began_before_the_statement_and_is_confirmed_after_it_is_recurrence() -> None:
    rows = [glucagon(0, 60), glucagon(60, 99), state(70, "ned-resected"), glucagon(90, 101)]
    assert "confirmed after 99 pg/mL" in findings(90, *rows)["R03"].why


def test_a_rise_confirmed_before_the_statement_is_no_recurrence() -> None:
    rows = [glucagon(0, 60, lab="A"), glucagon(60, 99, lab="A"), glucagon(90, 101, lab="A"), state(100, "ned-resected")]
    assert "R03" not in findings(110, *rows, glucagon(110, 85, lab="B"))


def test_recurrence_without_an_earlier_normal_result_rests_on_its_first_and_its_last_sample() -> None:
    rows = [state(-10, "ned-resected"), glucagon(60, 500, comparator=">", lab="A"), glucagon(90, 120, lab="B")]
    found = told(findings(90, *rows)["R03"])
    assert found["evidence"] == ["glucagon@60", "glucagon@90"]
    assert found["why"].startswith("Glucagon >500 pg/mL on 2024-03-01")
    assert "contains" not in found


def test_high_in_words_is_told_from_the_first_to_the_latest() -> None:
    words = [glucagon(day, None, upper=None, text=text) for day, text in ((60, "high"), (67, "high"), (90, "raised"))]
    found = findings(90, state(-10, "ned-resected"), glucagon(0, 60), *words)["R03"]
    assert found.why == 'Glucagon "high" on 2024-03-01 and again "raised" on 2024-03-31; how high is not known.'


@pytest.mark.parametrize("procedure", ["prrt", "embolisation", "ablation"])
def test_once_the_tumour_is_treated_again_the_remission_is_not_asked_for(procedure: str) -> None:
    rows = [operation(0), glucagon(20, 300)]
    assert "R33" in findings(20, *rows)
    assert "R33" not in findings(60, *rows, operation(30, procedure), glucagon(60, 300))


def test_a_new_systemic_drug_treats_the_tumour_too() -> None:
    started = therapy(30, "start", drug="everolimus")
    assert "R33" not in findings(60, operation(0), glucagon(20, 300), started, glucagon(60, 300))


def test_a_confirmed_rise_after_the_operation_is_progression_and_no_incomplete_remission() -> None:
    rows = [operation(0), state(5, "residual-stable"), *(glucagon(*at) for at in ((50, 100), (90, 200), (120, 210)))]
    found = findings(120, *rows)
    assert "R02" in found
    assert "R33" not in found


@pytest.mark.parametrize("day", [-20, 0])
def test_residual_disease_stated_before_the_operation_says_nothing_of_what_it_left(day: int) -> None:
    assert "R33" not in findings(20, glucagon(-30, 508), state(day, "residual-stable"), operation(0))


def test_what_is_drawn_at_the_very_minute_of_the_operation_was_drawn_before_it() -> None:
    timed = operation(0.5, precision="minute", completeness="R2")
    found = findings(1, glucagon(-30, 300), timed, glucagon(0.5, 400))["R33"]
    assert "Glucagon 400 pg/mL on 2024-01-01" in found.why
    assert found.not_recorded == ("glucagon after the operation",)
