"""Moments as people and programs write them: ISO 8601 and Unix times, read for REST and commands.

Never here: a clock, time zones by name.
Invariant: a text means one moment or is refused; no Unix time is taken for one of another unit.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from truecandle.candles.interval import LAST_MS
from truecandle.errors import CandleError

ALLOWED: Final = (
    "an ISO 8601 time, UTC unless it says otherwise (2024-01-31, 2024-01-31T18:00:00Z), or a Unix "
    "time of 10 digits (s), 13 (ms), 16 (µs) or 19 (ns); 0 is the beginning"
)

#: By its digits a Unix time tells its unit, for every moment from 2001 to 2200: in ns.
_UNIT_NS: Final = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}
_MS_NS: Final = 10**6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX: Final = re.compile(r"[0-9]+", re.ASCII)
_UNIX_FRACTION: Final = re.compile(r"([0-9]{10})\.([0-9]{1,9})", re.ASCII)
_ISO: Final = re.compile(r"[0-9]{4}[-0-9W]*(?:[T ][0-9:.,]+(?:Z|[+-][0-9:]+)?)?", re.ASCII)
#: A year, or a month of it.
_COARSE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?", re.ASCII)
_FRACTION: Final = re.compile(r"[.,]([0-9]+)")
#: `+` in an address means a space; here it stood before hours and minutes.
_LOST_PLUS: Final = re.compile(r"(.*[T ][0-9:.,]+) ([0-9]{2}:?[0-9]{2})", re.ASCII)
_CHARS_MAX: Final = 40


def moment_in_text(text: str, field: str) -> int:
    """The moment in ms since 1970 (UTC), from 0 to `LAST_MS`; else a `CandleError`.

    What lies between two ms counts as the later one: a candle that opens at or after the moment
    opens at or after that ms, and so does one that opens before it.
    """
    ns = _read(text.strip()) if len(text) <= _CHARS_MAX else None
    ms = None if ns is None else -(-ns // _MS_NS)
    if ms is None or not 0 <= ms <= LAST_MS:
        raise CandleError(field, text, ALLOWED)
    return ms


def _read(text: str) -> int | None:
    """In ns; None for what is no moment."""
    if text == "0":
        return 0
    if _UNIX.fullmatch(text) and len(text) in _UNIT_NS:
        return int(text) * _UNIT_NS[len(text)]
    if found := _UNIX_FRACTION.fullmatch(text):
        return int(found[1]) * 10**9 + int(found[2].ljust(9, "0"))
    return _from_iso(text.upper())


def _from_iso(text: str) -> int | None:
    if found := _LOST_PLUS.fullmatch(text):
        text = f"{found[1]}+{found[2]}"
    try:
        if found := _COARSE.fullmatch(text):
            moment = datetime(int(found[1]), int(found[2] or 1), 1)
        elif _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
        else:
            return None
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    us = (moment - _EPOCH) // timedelta(microseconds=1)
    fraction = _FRACTION.search(text)
    rest = fraction[1][6:15] if fraction else ""  # Python reads six digits
    return us * 1000 + (1 if rest.strip("0") else 0)


def to_iso(moment_ms: int) -> str:
    """A moment (ms) as JavaScript's `toISOString` writes it."""
    text = (_EPOCH + timedelta(milliseconds=moment_ms)).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
