"""The clinical functions on their own: a file in, an answer out, no database."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from commands.frame import REFUSED, Json, say

score_app = typer.Typer(no_args_is_help=True, help="The clinical functions alone, without a database.")
GROUPS = {"score": score_app}

_RANGE = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")


@score_app.command("ctcae")
def score_ctcae(path: Path, as_json: Json = False) -> None:
    """CTCAE grades of a CSV file; a row that cannot be graded says why."""
    from clinical.ctcae import grade
    from clinical.ctcae_terms import UnknownTerm
    from data.score_files import measurements

    graded: list[dict[str, Any]] = []
    for row in measurements(path):
        try:
            graded.append({"id": row.id, **asdict(grade(row.name, row.measured, row.version))})
        except UnknownTerm as error:
            graded.append({"id": row.id, "term": row.name, "version": row.version, "grade": None, "why": str(error)})
    say(graded, as_json, *(f"{g['id']:<16} {'-' if g['grade'] is None else g['grade']}  {g['why']}" for g in graded))


@score_app.command("cgm")
def score_cgm(
    paths: list[Path],
    unit: Annotated[str, typer.Option(help="unit of gl: mg/dL or mmol/L")] = "mg/dL",
    date_order: Annotated[str | None, typer.Option(help="dmy or mdy, where an export leaves it open")] = None,
    as_json: Json = False,
) -> None:
    """Glucose metrics of each id in CSV files and sensor exports, in mg/dL; 1 where rows of an export were left out."""
    from clinical.glucose_readings import GlucoseUnit
    from clinical.glycaemia import glycaemia
    from data.errors import BadInput
    from data.glucose_files import glucose_readings
    from data.intake.moments import DateOrder

    if unit not in ("mg/dL", "mmol/L"):
        raise BadInput(f"--unit {unit!r} is not mg/dL or mmol/L")
    if date_order not in (None, "dmy", "mdy"):
        raise BadInput(f"--date-order {date_order!r} is not dmy or mdy")
    glucose = glucose_readings(paths, cast(GlucoseUnit, unit), cast("DateOrder | None", date_order))
    found = {name: glycaemia(r) for name, r in glucose.readings.items()}
    document = {name: _glucose_json(metrics) for name, metrics in found.items()}
    say(
        document,
        as_json,
        *(
            f"{name:<16} {m['readings']} readings, {m['days']:.1f} days, mean {_shown(m['mean'])} mg/dL, "
            f"in range {_shown(m['tir'])} %, below 70 {_shown(m['tbr_70'])} %, above 180 {_shown(m['tar_180'])} %"
            f"{'' if m['sufficient'] else ' (not enough data)'}"
            for name, m in document.items()
        ),
    )
    for why in glucose.left_out:
        typer.echo(f"left out: {why}", err=True)
    if glucose.left_out:
        raise typer.Exit(REFUSED)


@score_app.command("skin")
def score_skin(path: Path, as_json: Json = False) -> None:
    """Skin scores of a CSV file, each with what its instrument is validated for."""
    from data.skin_score_files import skin_scores

    document: list[dict[str, Any]] = [
        {
            "id": name,
            "instrument": found.instrument,
            "score": found.score,
            "band": found.band,
            "validation": found.validation,
            "why": found.why,
            "components": dict(found.parts),
        }
        for name, found in skin_scores(path)
    ]
    say(
        document,
        as_json,
        *(
            f"{d['id']:<16} {d['instrument']:<6} {_shown(d['score'])} {d['band'] or '-'}: {d['why']}; {d['validation']}"
            for d in document
        ),
    )


@score_app.command("recist")
def score_recist(path: Path, as_json: Json = False) -> None:
    """RECIST 1.1 for every patient and scan date of a CSV file of lesions."""
    from clinical.recist import assess
    from data.score_files import lesions

    patients = {
        mrn: [
            {
                "scan_date": visit.scan_date.isoformat(),
                "sum_mm": visit.sum_mm,
                "baseline_mm": visit.baseline,
                "nadir_mm": visit.nadir,
                "target": visit.target,
                "non_target": visit.non_target,
                "new": visit.new,
                "overall": visit.overall,
                "reason": visit.reason,
            }
            for visit in assess(found)
        ]
        for mrn, found in lesions(path).items()
    }
    say(
        {"patients": patients},
        as_json,
        *(
            f"{mrn:<16} {v['scan_date']}  {v['overall'] or 'baseline':<14} {v['reason']}"
            for mrn, visits in patients.items()
            for v in visits
        ),
    )


@score_app.command("convert")
def score_convert(
    value: str, from_: Annotated[str, typer.Argument(metavar="FROM")], to: str, analyte: Annotated[str, typer.Option()],
    as_json: Json = False,
) -> None:  # fmt: skip
    """One result in another unit; `<15` keeps its comparator, `8-57` is a range."""
    from clinical.numbers import NumberError, parse_number
    from clinical.units import UnitError, convert
    from data.errors import BadInput

    ends = _RANGE.fullmatch(value)
    try:
        parsed = [parse_number(end) for end in (ends.groups() if ends else (value,))]
        numbers = [convert(analyte, number.value, from_, to) for number in parsed]
    except (NumberError, UnitError) as error:
        raise BadInput(f"{value} {from_}: {error}") from error
    if len(numbers) > 1 and numbers[0] > numbers[1]:
        raise BadInput(f"{value}: the range is upside down")
    shown = "-".join(f"{number.comparator or ''}{found:.10g}" for number, found in zip(parsed, numbers, strict=True))
    one = {"value": numbers[0], "comparator": parsed[0].comparator}
    document = {
        "analyte": analyte,
        "unit": to,
        **(one if len(numbers) == 1 else {"low": numbers[0], "high": numbers[1]}),
    }
    say(document, as_json, f"{shown} {to}")


def _glucose_json(metrics: Any) -> dict[str, Any]:
    from clinical.glucose_excursions import MAGE_VARIANT

    found = asdict(metrics)
    ranges = found["ranges"] or dict.fromkeys(("below_54", "below_70", "within", "above_180", "above_250"))
    plain = ("readings", "days", "active_percent", "mean", "sd", "cv", "gmi", "lbgi", "hbgi", "mage", "sufficient")
    return {
        **{name: found[name] for name in plain},
        "tir": ranges["within"],
        "tbr_70": ranges["below_70"],
        "tbr_54": ranges["below_54"],
        "tar_180": ranges["above_180"],
        "tar_250": ranges["above_250"],
        "unit": "mg/dL",
        "low_marks": found["low_marks"],
        "high_marks": found["high_marks"],
        "mage_variant": MAGE_VARIANT,
    }


def _shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.1f}"


COMMANDS: dict[str, Any] = {}
