"""The sentences of a finding beside their English, so that a page can say them in another language (decision 0024).

Kept within the stored finding under `said`; a flag judged before that was kept has its English alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from clinical.finding import Finding
from clinical.saying import kept, restored

SENTENCES = ("title", "question", "why")


def finding_document(finding: Finding) -> dict[str, Any]:
    """The finding as it is stored: plain JSON in English, and under `said` what its sentences were made of."""
    document: dict[str, Any] = msgspec.to_builtins(finding, enc_hook=str)
    note = None if finding.compared_with is None else kept(finding.compared_with.note or "")
    said = {
        **{name: kept(getattr(finding, name)) for name in SENTENCES},
        "evidence": [kept(evidence.text or "") for evidence in finding.evidence],
        "note": note,
        "suppressed": [{"what": kept(s.what), "why": kept(s.why)} for s in finding.suppressed],
        "not_recorded": [kept(name) for name in finding.not_recorded],
    }
    return document | {"said": said}


def sentence(said: Any, name: str, english: str) -> str:
    """A sentence of a stored finding (`said` its part of that name, None for a flag without) as it was made."""
    return restored(said.get(name) if isinstance(said, Mapping) else None, english)


def restored_finding(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored finding, its sentences as they were made; without `said`."""
    said = document.get("said") or {}
    compared = document["compared_with"]
    return {
        **{name: value for name, value in document.items() if name != "said"},
        **{name: sentence(said, name, document[name]) for name in SENTENCES},
        "evidence": [
            item | {"text": item["text"] and restored(part, item["text"])}
            for item, part in _paired(document["evidence"], said.get("evidence"))
        ],
        "compared_with": compared
        and compared | {"note": compared["note"] and restored(said.get("note"), compared["note"])},
        "suppressed": [
            {name: sentence(part, name, item[name]) for name in ("what", "why")}
            for item, part in _paired(document["suppressed"], said.get("suppressed"))
        ],
        "not_recorded": [
            restored(part, name) for name, part in _paired(document["not_recorded"], said.get("not_recorded"))
        ],
    }


def _paired(items: list[Any], said: Any) -> list[tuple[Any, Any]]:
    known = said if isinstance(said, list) and len(said) == len(items) else [None] * len(items)
    return list(zip(items, known, strict=True))
