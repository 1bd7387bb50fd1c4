"""Passwords: what may be one, and their argon2id hashes.

Length is what counts (NIST SP 800-63B-4, section 3.1.1.2: at least 15 characters where the password stands alone, 8
beside a second factor, no rules of composition, no truncation); what an attacker tries first is refused.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from clinical.saying import say
from data.errors import BadInput

MIN_LENGTH = 15
MIN_LENGTH_BESIDE_FACTOR = 8
MAX_LENGTH = 1024
PARALLEL_VERIFICATIONS = 4
OBVIOUS = (
    "password",
    "passphrase",
    "letmein",
    "welcome",
    "glucagonoma",
    "necrolytic",
    "migratory",
    "erythema",
    "oncologist",
    "hospital",
    "nadir",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "iloveyou",
    "administrator",
    "changeme",
    "1q2w3e4r5t",
    "q1w2e3r4t5",
    "1qaz2wsx",
    "qazwsxedc",
)

_hasher = PasswordHasher()
# One verification takes 64 MiB: unbounded, a flood of sign-ins would take the memory of the whole process.
_slots = BoundedSemaphore(PARALLEL_VERIFICATIONS)
_DUMMY_HASH = _hasher.hash("an account that does not exist")


class WeakPassword(BadInput):
    """A password that may not be used; the message tells the person why."""


def check_password(password: str, *, email: str, name: str = "", least: int = MIN_LENGTH) -> None:
    """Raise WeakPassword when `password` has fewer than `least` characters, too many, or is guessed first.

    Guessed first are the 30 000 most common passwords, runs, and what is mostly the person's own name or address or a
    word of this place.
    """
    if len(password) < least:
        raise WeakPassword(
            say("The password has {n} characters; at least {least} are needed.", n=str(len(password)), least=str(least))
        )
    if len(password) > MAX_LENGTH:
        raise WeakPassword(say("The password has more than {most} characters.", most=str(MAX_LENGTH)))
    folded = _letters(password)
    if len(set(password)) < 5:
        raise WeakPassword(say("The password repeats the same few characters."))
    if {password.casefold(), folded} & _common():
        raise WeakPassword(say("The password is one of those most people choose, and that are guessed first."))
    rest = folded
    own = [_letters(part) for part in (email, *email.split("@"), *name.split())]
    for word in sorted({*OBVIOUS, *(w for w in own if len(w) >= 3)}, key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(rest) < len(folded) and (len(rest) < 8 or _is_run(rest)):
        raise WeakPassword(
            say("The password is mostly your name, your e-mail address or a word that is guessed first.")
        )
    if _is_run(folded):
        raise WeakPassword(say("The password is a run of neighbouring characters."))


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, with its salt and costs."""
    with _slots:
        return _hasher.hash(_normal(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` belongs to `stored`. Without a stored hash the same work is done and the answer is no."""
    with _slots:
        try:
            matches = _hasher.verify(stored or _DUMMY_HASH, _normal(password))
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
    return matches and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether `stored` was made with other costs than those of today."""
    return _hasher.check_needs_rehash(stored)


@cache
def _common() -> frozenset[str]:
    # Read when a password is chosen, not whenever a command starts: the lists are large.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _normal(password: str) -> bytes:
    # NFC: the same characters typed on two keyboards give the same bytes (NIST SP 800-63B-4 recommends normalising).
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _is_run(folded: str) -> bool:
    steps = [ord(b) - ord(a) for a, b in pairwise(folded)]
    return bool(steps) and sum(abs(step) <= 1 for step in steps) >= 0.8 * len(steps)
