"""What starts a new epoch, from which moment on, and which boundary came last."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinical.chart import Therapy
from clinical.epochs import boundaries, epoch_at, last_boundary, takes_effect
from tests.clinical.charts import chart, moment, operation, therapy


@pytest.mark.parametrize("precision", ["second", "minute"])
def test_a_treatment_with_its_time_takes_effect_at_that_time(precision: str) -> None:
    given = Therapy(record="t", effective=moment(3.4), known_at=moment(3.4), precision=precision, kind="start")
    assert takes_effect(given) == moment(3.4)


@pytest.mark.parametrize("precision", ["day", "month"])
def test_a_treatment_with_its_day_takes_effect_at_the_last_instant_of_that_day(precision: str) -> None:
    given = Therapy(record="t", effective=moment(3), known_at=moment(3), precision=precision, kind="start")
    assert moment(4) - takes_effect(given) == timedelta(microseconds=1)


def test_a_sample_at_the_very_moment_of_a_treatment_lies_before_it() -> None:
    operated = chart(operation(10))
    assert epoch_at(operated, takes_effect(operated.therapy[0])) == 0
    assert epoch_at(operated, moment(11)) == 1


def test_every_kind_of_boundary_with_its_reason() -> None:
    found = boundaries(
        chart(
            operation(0),
            therapy(10, "start", drug="lanreotide", dose=90, unit="mg", interval_days=28),
            therapy(20, "dose", drug="lanreotide", dose=120, unit="mg", interval_days=28),
            operation(30, "prrt"),
            operation(40, "embolisation"),
            operation(50, "ablation"),
            operation(55, "cholecystectomy"),
            therapy(60, "start", drug="everolimus"),
            therapy(70, "stop", drug="lanreotide"),
        )
    )
    assert [(b.kind, b.reason) for b in found] == [
        ("surgery", "resection"),
        ("analogue", "lanreotide started"),
        ("analogue", "lanreotide: regimen changed"),
        ("prrt", "prrt"),
        ("local", "embolisation"),
        ("local", "ablation"),
        ("systemic", "everolimus started"),
        ("analogue", "analogue stopped"),
    ]


def test_a_drug_that_runs_starts_no_second_epoch_until_it_was_stopped() -> None:
    given = [therapy(day, kind, drug="everolimus") for day, kind in ((0, "start"), (30, "dose"))]
    assert len(boundaries(chart(*given))) == 1
    again = [therapy(day, kind, drug="everolimus") for day, kind in ((60, "stop"), (90, "start"))]
    assert [b.entry.effective for b in boundaries(chart(*given, *again))] == [moment(0), moment(90)]


def test_a_drug_that_does_not_act_on_the_tumour_starts_none() -> None:
    assert boundaries(chart(therapy(0, "start", drug="insulin"))) == ()


def test_the_last_boundary_of_a_kind_before_a_moment() -> None:
    treated = chart(operation(0), operation(50), operation(100, "prrt"))
    first, second, prrt = boundaries(treated)
    assert last_boundary(treated, "surgery") is second
    assert last_boundary(treated, "surgery", "prrt") is prrt
    assert last_boundary(treated, "surgery", before=second.moment) is first
    assert last_boundary(treated, "surgery", before=first.moment) is None
    assert last_boundary(treated, "systemic") is None
