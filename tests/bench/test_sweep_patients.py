"""The patients that the sweep is measured on are what its figures say they are."""

from __future__ import annotations

from bench.sweep_patients import SENSOR_DAYS, patient, sensor_days


def test_every_patient_has_20_to_60_records_and_a_fortnight_of_sensor_days() -> None:
    for number in range(1, 400):
        assert 20 <= len(patient(number)) <= 60
        assert len({day for day, _, _ in sensor_days(number)}) == SENSOR_DAYS


def test_a_number_gives_one_patient_whatever_the_cohort() -> None:
    assert patient(17) == patient(17)
    assert [*sensor_days(17)] == [*sensor_days(17)]
    assert patient(17) != patient(18)
