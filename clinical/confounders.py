"""What else raises a marker: drugs, kidney, stomach and liver as the chart has them (clinical reference 1.2, 1.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from clinical.chart import Chart, Result
from clinical.protocol import Protocol
from clinical.saying import say
from clinical.wording import day, quantity

_GLUCAGON_DRUGS = {
    "empagliflozin": say("raises glucagon"),
    "dapagliflozin": say("raises glucagon"),
    "sitagliptin": say("may raise what some assays read"),
}
_CODES = {
    "cirrhosis": say("cirrhosis"),
    "decompensated-cirrhosis": say("decompensated cirrhosis"),
    "pancreatitis": say("pancreatitis"),
}


def of_chromogranin(chart: Chart, moment: datetime, protocol: Protocol) -> tuple[str, ...]:
    """What raises chromogranin A around `moment`: a proton pump inhibitor, reduced eGFR, gastritis; empty for none."""
    found: list[str] = []
    ppi = _running(chart, "omeprazole", moment, timedelta(days=protocol["chromogranin_ppi_washout"]))
    if ppi:
        found.append(say("proton pump inhibitor"))
    found += _kidney(chart, moment, protocol)
    found += [say("gastritis on {date}", date=day(f)) for f in chart.findings if _says(f.code, f.text, "gastritis")][:1]
    return tuple(found)


def of_glucagon(chart: Chart, moment: datetime, protocol: Protocol) -> tuple[str, ...]:
    """What raises glucagon without a tumour around `moment` and is recorded; empty where nothing is."""
    found = _kidney(chart, moment, protocol)
    found += [
        say("{drug} {effect}", drug=drug, effect=effect)
        for drug, effect in _GLUCAGON_DRUGS.items()
        if _running(chart, drug, moment, timedelta())
    ]
    for word, said in _CODES.items():
        found += [say("{what} on {date}", what=said, date=day(f)) for f in chart.findings if f.code == word][:1]
    return tuple(found)


def _kidney(chart: Chart, moment: datetime, protocol: Protocol) -> list[str]:
    egfr = _last(chart.of("egfr"), moment, timedelta(days=protocol["valid_condition_window"]))
    if egfr is None or egfr.value is None or egfr.comparator in (">", ">="):
        return []
    limit = protocol["confounding_egfr"]
    return (
        [say("eGFR {quantity} on {date}", quantity=quantity(egfr.value, egfr.unit), date=day(egfr))]
        if egfr.value < limit
        else []
    )


def _last(results: tuple[Result, ...], moment: datetime, window: timedelta) -> Result | None:
    before = [r for r in results if r.effective.date() <= moment.date() and moment - r.effective <= window]
    return before[-1] if before else None


def _running(chart: Chart, drug: str, moment: datetime, washout: timedelta) -> bool:
    """Whether a drug was being taken at `moment`, or was stopped no longer than `washout` before."""
    taken = False
    for entry in chart.therapy:
        if entry.drug != drug or entry.effective > moment:
            continue
        taken = entry.kind != "stop" or moment - entry.effective <= washout
    return taken


def _says(code: str, text: str | None, word: str) -> bool:
    return word in code.lower() or (text is not None and word in text.lower())
