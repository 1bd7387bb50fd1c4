"""The stored rows and reports that the items of a chunk can meet, for `data.intake.verdict` to decide by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from data.intake.item import RETRACTIONS, Item, plain_json
from data.intake.verdict import Version
from data.journeys import ask
from data.record_rows import Key, by_id, by_key, by_source, reports_by_record


def known_versions(session: Session, keyed: Sequence[tuple[Item, bytes]]) -> list[Version]:
    """Every version of the items' source ids and what lies under their keys, in the order in which they came.

    Of a result that is withdrawn everything is asked for that says who else reports it.
    """
    known = _Known(session)
    known.add(
        {item.source_id for item, _ in keyed if item.source_id is not None},
        {(item.patient_id, key, item.source_id) for item, key in keyed},
    )
    withdrawn = {item.source_id for item, _ in keyed if item.status in RETRACTIONS}
    if withdrawn:
        known.add((), {(*key, None) for key in known.keys_of(withdrawn)})
        known.add_reports_of_rows()
        known.add(known.source_ids(), ())
    return known.versions()


class _Known:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: dict[int, tuple[int | None, Version]] = {}
        self._reports: dict[int, Sequence[Any]] = {}
        self._asked: set[str] = set()

    def add(self, source_ids: Iterable[str], keys: Iterable[Key]) -> None:
        """Ask for what has these source ids or keys."""
        asked = sorted(set(source_ids) - self._asked)
        self._asked.update(asked)
        named = by_source(self._session, asked)
        rows, reports, *others = ask(self._session, *named, *by_key(self._session, sorted(keys, key=_in_order)))
        for found in (rows, *others):
            self._take(found)
        self._take_reports(reports)
        stated = {record_id for _, record_id, *_ in self._reports.values()} - self._rows.keys()
        if stated:
            (found,) = ask(self._session, by_id(self._session, sorted(stated)))
            self._take(found)

    def add_reports_of_rows(self) -> None:
        (found,) = ask(self._session, reports_by_record(self._session, sorted(self._rows)))
        self._take_reports(found)

    def keys_of(self, source_ids: set[str | None]) -> set[tuple[int, bytes]]:
        found = {version.row for version in self.versions() if version.source_id in source_ids}
        return {(version.patient_id, version.natural_key) for version in found}

    def source_ids(self) -> set[str]:
        stated = {version.source_id for _, version in self._rows.values()}
        return {id for id in stated if id is not None} | {source_id for _, _, source_id, *_ in self._reports.values()}

    def versions(self) -> list[Version]:
        for superseded_by, version in self._rows.values():
            if superseded_by in self._rows:
                version.closed_by = self._rows[superseded_by][1]
        found = {id: version for id, (_, version) in self._rows.items()}
        found |= {id: _report(report, self._rows[report[1]][1]) for id, report in self._reports.items()}
        return [found[id] for id in sorted(found)]

    def _take(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self._rows.setdefault(row[0], _version(row))

    def _take_reports(self, reports: Iterable[Sequence[Any]]) -> None:
        for report in reports:
            self._reports[report[0]] = report


def _in_order(key: Key) -> tuple[int, bytes]:
    return key[:2]


def _version(row: Sequence[Any]) -> tuple[int | None, Version]:
    """A row of `data.record_rows.VERSION` and the id of the row that closed it."""
    id, patient_id, key, source_id, source_version, status, at, superseded_by, *content, fasting, detail = row
    if isinstance(detail, str):
        detail = json.loads(detail)
    sent = (*content, None if fasting is None else bool(fasting), plain_json(detail))
    closed = superseded_by is not None
    return superseded_by, Version(
        id, patient_id, bytes(key), source_id, source_version, status, at, sent, closed=closed
    )


def _report(report: Sequence[Any], row: Version) -> Version:
    """A report of `data.record_rows.REPORT` and the row it states."""
    id, _, source_id, source_version, status = report
    return Version(
        id,
        row.patient_id,
        row.natural_key,
        source_id,
        source_version,
        status,
        row.at,
        row.content,
        closed=False,
        of=row,
    )
