"""The age key that follows from a secret of any form.

An age key is 32 bytes, written in Bech32 (BIP 173) after `age-secret-key-`, in capitals.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

PREFIX: Final = "age-secret-key-"
_PURPOSE: Final = b"nadir backup 1\n"
_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def age_key(secret: bytes) -> str:
    """The age key `AGE-SECRET-KEY-1...` of a secret that cannot be guessed: SHA-256 of the purpose and the secret."""
    words = _by_fives(sha256(_PURPOSE + secret).digest())
    return (PREFIX + "1" + "".join(_ALPHABET[word] for word in [*words, *_checksum(words)])).upper()


def _by_fives(content: bytes) -> list[int]:
    """The bits of `content` in groups of five, the last filled up with zeros."""
    bits = len(content) * 8
    filled = -bits % 5
    number = int.from_bytes(content, "big") << filled
    return [number >> shift & 31 for shift in range(bits + filled - 5, -1, -5)]


def _checksum(words: list[int]) -> list[int]:
    prefix = [ord(letter) >> 5 for letter in PREFIX] + [0] + [ord(letter) & 31 for letter in PREFIX]
    check = 1
    for word in [*prefix, *words, *[0] * 6]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for bit, value in enumerate(_GENERATOR):
            check ^= value if top >> bit & 1 else 0
    check ^= 1
    return [check >> 5 * (5 - place) & 31 for place in range(6)]
