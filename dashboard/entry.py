"""Where the entry pages send what was typed: a save, answered with what became of it, and drafts on the way there.

"Saved" is answered only after the commit. The rules then judge the patient before the answer goes out: an urgent
finding is on the page at once, whatever the mail does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound as NoSuchForm

from clinical.saying import say
from dashboard.language import _, tell
from dashboard.parts.badges import SEVERITY_WORDS
from dashboard.parts.times import moment_text
from dashboard.policy import CLINICAL, Policy, note_activity, require_scope
from dashboard.request import current_actor, current_database, current_protocol, current_settings, request_now
from data.entry.drafts import Typed, keep_draft
from data.entry.imaging_save import save_imaging
from data.entry.judged import Heard, judge_now
from data.entry.regimen_save import save_regimen
from data.entry.said import NotSaved, Problem, Unsure, texts
from data.entry.save import OTHER_PATIENT, Changed, KeyReused, Saved, Submission, WrongPatient, checked_key
from data.entry.visit_save import save_visit
from data.outbox import mail_policy
from data.patients import find_by_mrn
from data.people import Actor

SAVE = "entry.save"
DRAFT = "entry.draft"
ENTRY = Policy(CLINICAL, patient_argument="mrn")
MOST_CONFIRMED = 100

Save = Callable[[Session, Actor, str, Submission, datetime], Saved]


def install_entry(server: Flask) -> None:
    """Add the routes."""
    server.add_url_rule("/p/<mrn>/entry/<form>", SAVE, _save, methods=["POST"])
    server.add_url_rule("/p/<mrn>/entry/<form>/draft", DRAFT, _draft, methods=["POST"])


def _visit(session: Session, actor: Actor, mrn: str, sent: Submission, now: datetime) -> Saved:
    return save_visit(session, actor, mrn, sent, protocol=current_protocol(), zone=current_settings().zone, now=now)


def _regimen(session: Session, actor: Actor, mrn: str, sent: Submission, now: datetime) -> Saved:
    return save_regimen(session, actor, mrn, sent, protocol=current_protocol(), zone=current_settings().zone, now=now)


def _imaging(session: Session, actor: Actor, mrn: str, sent: Submission, now: datetime) -> Saved:
    return save_imaging(session, actor, mrn, sent, protocol=current_protocol(), zone=current_settings().zone, now=now)


_SAVES: Mapping[str, Save] = {"visit": _visit, "therapy": _regimen, "imaging": _imaging}


def _save(mrn: str, form: str) -> ResponseReturnValue:
    save = _reached(mrn, form)
    settings, now, actor = current_settings(), request_now(), current_actor()
    try:
        sent = _submission(request.get_json())
        with current_database().write() as session:
            saved = save(session, actor, mrn, sent, now)
    except NotSaved as refused:
        return jsonify(outcome="refused", problems=_problems(refused)), 400
    except Unsure as unsure:
        asked = [{"id": q.id, "field": q.field, "words": tell(q.words)} for q in unsure.questions]
        return jsonify(outcome="ask", questions=asked), 409
    except Changed as changed:
        theirs = [
            {"who": save.who, "at": moment_text(save.at, settings.zone), "said": dict(save.said)}
            for save in changed.theirs
        ]
        return jsonify(outcome="changed", why=_why(changed, settings.zone), version=changed.current, theirs=theirs), 409
    except (WrongPatient, KeyReused) as refused:
        return jsonify(outcome="wrong", why=tell(refused.args[0])), 409
    heard = judge_now(
        current_database(),
        actor,
        saved.patient_id,
        protocol=current_protocol(),
        mail=mail_policy(settings),
        now=now,
    )
    return jsonify(_answer(saved, heard)), 200


def _draft(mrn: str, form: str) -> ResponseReturnValue:
    _reached(mrn, form)
    now, actor = request_now(), current_actor()
    try:
        body = _body(request.get_json())
        typed = Typed(
            key=checked_key(body.get("key")),
            number=_count(body.get("number")),
            version=_count(body.get("version")),
            said=texts(body.get("said")),
        )
        with current_database().write() as session:
            patient = find_by_mrn(session, actor, mrn)
            if body.get("patient") != patient.uuid:
                raise WrongPatient(OTHER_PATIENT)
            keep_draft(session, actor, patient.id, form, typed, now=now)
    except NotSaved as refused:
        return jsonify(outcome="refused", problems=_problems(refused)), 400
    except WrongPatient as refused:
        return jsonify(outcome="wrong", why=tell(refused.args[0])), 409
    return jsonify(outcome="kept", at=now.astimezone(current_settings().zone).strftime("%H:%M:%S")), 200


def _problems(refused: NotSaved) -> list[dict[str, str]]:
    return [{"field": problem.field, "why": tell(problem.why)} for problem in refused.problems]


def _why(changed: Changed, zone: ZoneInfo) -> str:
    last = changed.theirs[-1] if changed.theirs else None
    return _(
        "changed by {who}: version {current} now, you opened version {given}",
        who=_("somebody") if last is None else f"{last.who} ({moment_text(last.at, zone)})",
        current=changed.current,
        given=changed.given,
    )


def _reached(mrn: str, form: str) -> Save:
    # The rule, not the address: a hospital number belongs in no log.
    require_scope(ENTRY, {"mrn": mrn}, str(request.url_rule), noting="once")
    note_activity()
    if form not in _SAVES:
        raise NoSuchForm
    return _SAVES[form]


def _submission(sent: Any) -> Submission:
    body = _body(sent)
    confirmed = body.get("confirmed", [])
    if not isinstance(confirmed, list) or len(confirmed) > MOST_CONFIRMED:
        raise NotSaved([Problem("", say("the answers to the questions did not arrive"))])
    if not isinstance(body.get("patient"), str):
        raise NotSaved([Problem("", say("the form does not say whose it is; reload the page"))])
    band = texts({"wristband": body.get("wristband", "")}).get("wristband", "")
    return Submission(
        patient=body["patient"],
        key=checked_key(body.get("key")),
        version=_count(body.get("version")),
        said=texts(body.get("said")),
        confirmed=frozenset(one for one in confirmed if isinstance(one, str)),
        wristband=band,
    )


def _body(sent: Any) -> dict[str, Any]:
    if not isinstance(sent, dict):
        raise NotSaved([Problem("", say("the form did not arrive whole; reload the page"))])
    return sent


def _count(sent: Any) -> int:
    if not isinstance(sent, int) or isinstance(sent, bool) or not 0 <= sent < 2**31:
        raise NotSaved([Problem("", say("the form does not say at which version it was opened; reload the page"))])
    return sent


def _answer(saved: Saved, heard: Heard) -> dict[str, Any]:
    settings = current_settings()
    return {
        "outcome": "saved",
        "again": saved.again,
        "stored": saved.stored,
        "version": saved.version,
        "at": moment_text(saved.at, settings.zone),
        "who": saved.who,
        "urgent": [_shown(flag) for flag in heard.urgent],
        "changed": [_shown(flag) for flag in heard.changed if flag["severity"] != "urgent"],
        "failed": None if heard.failed is None else tell(heard.failed),
        "contact": settings.contact_line,
    }


def _shown(flag: Mapping[str, Any]) -> dict[str, str]:
    named = ("severity", "title", "question", "why")
    words = {name: tell(flag[name]) for name in named}
    return words | {"word": _(SEVERITY_WORDS[flag["severity"]]), "address": f"/flag/{flag['id']}"}
