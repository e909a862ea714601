"""Passwords: which ones are good enough, and their argon2id hashes.

Never here: where hashes are kept, who may try how often, threads (the caller keeps it off the hub).
Invariant: a wrong name costs as much time as a wrong password.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CHARS_MIN: Final = 8
CHARS_MAX: Final = 1024

#: argon2id, 64 MiB, 3 passes, one lane: above OWASP's minimum (19 MiB, 2 passes).
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)

#: What people type first when they are asked for eight characters or more.
_COMMON_WORDS: Final = """
    password passw0rd password1 password12 password123 passwort passwort1 12345678 123456789
    1234567890 0123456789 87654321 987654321 qwertyui qwertyuiop qwerty12 qwerty123 qwertz123
    1q2w3e4r 1q2w3e4r5t 1qaz2wsx asdfghjk asdfghjkl zxcvbnm1 abcd1234 abcdefgh abcdefg1 letmein1
    letmein123 iloveyou iloveyou1 sunshine princess football baseball superman trustno1 welcome1
    welcome123 changeme changeme1 changeme123 administrator admin123 admin1234 adminadmin root1234
    bitcoin1 bitcoin123 binance1 binance123 ethereum truecandle truecandle1 truecandle123 candle123
    candles1 tothemoon tothemoon1 satoshi1 satoshi123 computer internet whatever starwars dragon123
    monkey123 michael1 jennifer jordan23 liverpool chocolate samsung1 corvette mercedes midnight
    secret123 default1 guest123 test1234 testtest testing1 temp1234 master123 hello123 hellohello
    """
_COMMON = frozenset(_COMMON_WORDS.split())


def weakness(password: str, name: str) -> str | None:
    """Why this password is not accepted for that user; None if it is. No rules of composition."""
    if len(password) < CHARS_MIN:
        return f"a password has at least {CHARS_MIN} characters; 15 or more are better"
    if len(password) > CHARS_MAX:
        return f"a password has at most {CHARS_MAX} characters"
    lowered = password.lower()
    if lowered in _COMMON or len(set(lowered)) < 4 or lowered.strip("0123456789!.") == name.lower():
        return "this password is among the first that anybody would try"
    return None


def hashed(password: str) -> str:
    """A new hash; takes about a tenth of a second and 64 MiB."""
    return _HASHER.hash(password)


def verify(password: str, known: str) -> bool:
    """Whether the password fits the hash; with no hash (`""`) the same work is done for nothing."""
    try:
        return _HASHER.verify(known or _dummy(), password) and bool(known)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(known: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(known)


@cache
def _dummy() -> str:
    return hashed("nobody has this password")
