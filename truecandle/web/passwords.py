"""Passwords: which ones are good enough, and their argon2id hashes.

Never here: where hashes are kept, who may try how often, threads (the caller keeps it off the hub).
Invariant: a wrong name costs as much time as a wrong password; the same characters are the same
password, however a keyboard composed them.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

CHARS_MIN: Final = 8
CHARS_MAX: Final = 1024

#: argon2id, 64 MiB, 3 passes, one lane: above OWASP's minimum (19 MiB, 2 passes).
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)

#: How well a password must outlast guessing, as zxcvbn counts it (0 to 4): the 30,000 commonest
#: ones that it lists, out of breaches, and what people make of them, do worse.
SCORE_MIN: Final = 2
#: So much of a password is looked at; looking takes time that grows with it.
LOOKED_AT_CHARS: Final = 64
#: What is tried first at a server like this one.
_OWN_WORDS: Final = (
    "truecandle",
    "candle",
    "candles",
    "binance",
    "bitcoin",
    "satoshi",
    "tothemoon",
)


def weakness(password: str, name: str) -> str | None:
    """Why this password is not accepted for that user; None if it is. No rules of composition."""
    text = normalised(password)
    if len(text) < CHARS_MIN:
        return f"a password has at least {CHARS_MIN} characters; 15 or more are better"
    if len(text) > CHARS_MAX:
        return f"a password has at most {CHARS_MAX} characters"
    found = zxcvbn(text[:LOOKED_AT_CHARS], user_inputs=[name, *_OWN_WORDS])
    if found["score"] < SCORE_MIN:
        return "this password is among the first that anybody would try; take some unusual words"
    return None


def normalised(password: str) -> str:
    """One form (NFC) of what keyboards and systems write differently."""
    return unicodedata.normalize("NFC", password)


def hashed(password: str) -> str:
    """A new hash; takes about a tenth of a second and 64 MiB."""
    return _HASHER.hash(normalised(password))


def verify(password: str, known: str) -> bool:
    """Whether the password fits the hash; with no hash (`""`) the same work is done for nothing."""
    try:
        return _HASHER.verify(known or _dummy(), normalised(password)) and bool(known)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(known: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(known)


@cache
def _dummy() -> str:
    return hashed("nobody has this password")
