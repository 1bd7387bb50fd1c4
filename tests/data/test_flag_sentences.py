"""The sentences of a stored finding: English as ever for who stores, prints and hashes it, and still in their parts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from clinical.finding import ComparedWith, Evidence, Finding, Suppressed
from clinical.saying import Day, Figure, Said, say
from dashboard.language import speaking, tell
from data.differences import evidence_digest
from data.flag_sentences import finding_document, restored_finding, sentence

AT = datetime(2026, 3, 3, tzinfo=UTC)
WHY = say("Skin worse on {date}: {said}.", date=Day("2026-03-03"), said=say("called worse"))
FINDING = Finding(
    rule="R12",
    rule_version="1",
    axis="skin",
    severity="low",
    subject="skin",
    title=say("Skin is worse"),
    question="A question as text",
    why=WHY,
    first_evidence_at=AT,
    evidence=(Evidence(record="1", kind="skin", effective=AT, text=say("no {name}", name="fever")),),
    compared_with=ComparedWith(kind="baseline", note=say("baseline {number} mm", number=Figure("12.5"))),
    suppressed=(Suppressed(what=say("every rule"), why="text"),),
    not_recorded=(say("infection"),),
)


def in_english_alone(finding: Finding) -> Finding:
    """The same finding, of texts that remember nothing."""
    plain: Finding = msgspec.convert(msgspec.to_builtins(finding, enc_hook=str), Finding)
    return plain


def test_what_is_stored_and_hashed_is_the_english_it_always_was() -> None:
    document, plain = finding_document(FINDING), in_english_alone(FINDING)
    said = document.pop("said")
    assert document == msgspec.to_builtins(plain)
    assert document["why"] == "Skin worse on 2026-03-03: called worse."
    assert said["question"] is None
    assert evidence_digest(FINDING) == evidence_digest(plain)


def test_a_stored_finding_is_said_in_another_language_once_it_is_read() -> None:
    found = restored_finding(json.loads(json.dumps(finding_document(FINDING))))
    assert "said" not in found
    assert (found["why"], found["question"]) == (str(WHY), "A question as text")
    with speaking("de"):
        assert tell(found["title"]) == "Haut ist schlechter"
        assert tell(found["why"]) == "Haut schlechter am 3. März 2026: als schlechter beurteilt."
        assert tell(found["evidence"][0]["text"]) == "kein Fieber"
        assert tell(found["compared_with"]["note"]) == "Ausgangswert 12,5 mm"
        assert tell(found["suppressed"][0]["what"]) == "jede Regel"
        assert tell(found["not_recorded"][0]) == "Infektion"


def test_a_flag_judged_before_its_parts_were_kept_is_said_in_english() -> None:
    stored = json.loads(json.dumps(finding_document(FINDING)))
    document = {name: value for name, value in stored.items() if name != "said"}
    found = restored_finding(document)
    assert found == document
    with speaking("de"):
        assert tell(found["why"]) == str(WHY)


@pytest.mark.parametrize(
    "said", [None, "x", {"why": 3}, {"why": {"message": "{a"}}, {"why": {"message": "Another {x}", "values": {"x": 1}}}]
)
def test_parts_that_do_not_make_the_stored_sentence_are_not_used(said: object) -> None:
    assert sentence(said, "why", str(WHY)) == str(WHY)
    assert not isinstance(sentence(said, "why", str(WHY)), Said)


def test_a_finding_without_a_comparison_is_kept_too() -> None:
    document = finding_document(replace(FINDING, compared_with=None))
    assert restored_finding(document)["compared_with"] is None
