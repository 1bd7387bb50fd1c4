"""The page on which an admin has the identity of a patient erased: number twice, a reason, the password."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from dashboard.accounts import too_many, wait_text
from dashboard.language import _
from dashboard.own_account import sentence
from dashboard.policy import Policy, note_activity
from dashboard.proving import prove_again
from dashboard.request import current_actor, current_database, request_now
from data.erasing.erase import LONGEST_REASON, SHORTEST_REASON, Erased, NotErased, compact, erase_identity
from data.people import NotFound
from data.step_up import ProofRefused
from data.throttle import TooManyTries

erasure = Blueprint("erasure", __name__, url_prefix="/erasure")
ERASING = Policy(frozenset({"admin"}))
ERASURE_POLICIES: dict[str, Policy] = {"erasure.page": ERASING, "erasure.enter": ERASING}
MRN_MAX = 120
erasure.before_request(note_activity)


@erasure.get("")
def page() -> ResponseReturnValue:
    """What an erasure does, and the fields it needs."""
    return _page()


@erasure.post("")
def enter() -> ResponseReturnValue:
    """Erase, and say what became of it."""
    mrn, again = (request.form.get(name, "").strip() for name in ("mrn", "again"))
    if not mrn or len(mrn) > MRN_MAX or mrn != again:
        return _page(_("Type the same hospital number twice.")), 400
    database, now = current_database(), request_now()
    try:
        prove_again(request.form.get("password", ""))
        with database.write() as session:
            done = erase_identity(session, current_actor(), mrn, reason=request.form.get("reason", ""), now=now)
    except ProofRefused:
        return _page(_("That is not your password, nor a code of your authenticator.")), 403
    except TooManyTries as busy:
        return too_many(_page(wait_text(busy)), busy)
    except NotErased as refused:
        return _page(sentence(refused)), 400
    except NotFound:
        return _page(_("No patient has this number.")), 404
    return _page(done=done, compacted=compact(database))


def _page(error: str | None = None, *, done: Erased | None = None, compacted: bool = True) -> str:
    return render_template(
        "erasure.html",
        error=error,
        done=done,
        compacted=compacted,
        mrn="" if done else request.form.get("mrn", "")[:MRN_MAX],
        reason=request.form.get("reason", "")[:LONGEST_REASON],
        least=SHORTEST_REASON,
        most=LONGEST_REASON,
    )
