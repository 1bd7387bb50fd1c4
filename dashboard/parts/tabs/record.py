"""The tab of the record: everything, with its source, a filter and a download."""

from __future__ import annotations

import csv
import io

from dash import html
from dash.development.base_component import Component

from dashboard.language import ENGLISH, _, speaking
from dashboard.parts.records import Beside, lines, record_table
from dashboard.parts.tabs.course import sensor
from dashboard.parts.tabs.view import View
from data.exports.sheet_cells import harmless
from data.provenance import sources_of

TABLE = "patient-record-table"
CSV_COLUMNS = ("date", "what", "value", "range", "details", "source", "record")


def record(view: View) -> Component:
    """The open tab."""
    return html.Section(
        [
            html.Header(
                [
                    html.H2(_("Record")),
                    html.Button(_("Download as CSV"), type="button", id="patient-csv", className="button no-print"),
                ]
            ),
            html.P(
                _(
                    "Everything recorded and current, newest first. A value opens where it comes from, with "
                    "what was corrected or retracted."
                ),
                className="soft small",
            ),
            record_rows(view),
        ],
        className="card",
    )


def record_rows(view: View) -> Component:
    """The record as a table."""
    sources = sources_of(view.session, view.found.patient_ids)
    beside = Beside(mrn=view.mrn, sources=sources, past=view.past)
    return record_table(TABLE, view.shown.chart, sensor(view), view.clock, view.units, beside=beside)


def record_csv(view: View) -> str:
    """The record as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets read it right), in English whatever the
    language of the page."""
    sources = sources_of(view.session, view.found.patient_ids)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    with speaking(ENGLISH):
        for line in lines(view.shown.chart, sensor(view), view.units):
            entry = line.entry
            cells = (line.what, line.value, line.range, line.details, sources.get(entry.record, ""), entry.record)
            writer.writerow([view.clock.when(entry), *(harmless(c) for c in cells)])
    return "\ufeff" + out.getvalue()
