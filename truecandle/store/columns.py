"""Stored members cut into columns of exact decimal text; no number passes through a float.

Never here: Redis, floats. What is not a member of ours is skipped.
Invariant: columns are equally long, times ascend strictly, every value is a plain JSON number.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, pairwise
from operator import lt
from typing import Final

import orjson

from truecandle.candles.candle import FIELDS as MEMBER_FIELDS
from truecandle.candles.interval import DAY_MS, LAST_MS

_WIDTH = len(MEMBER_FIELDS)
#: A member without its numbers.
_ROW: Final = b"[" + b"," * (_WIDTH - 1) + b"]"
_TIME_DIGITS: Final = 16
_MOMENTS_KEPT: Final = 100_000
#: What a candle's fields are called in answers, in the order of its member; the last is not used.
FIELDS: Final = (
    *("time", "open", "high", "low", "close", "volume", "close_time"),
    *("quote_volume", "trades", "taker_volume", "taker_quote_volume"),
)
#: Fields that are no decimals, and those of them that are moments in ms.
WHOLE: Final = frozenset({"time", "close_time", "trades"})
TIMES: Final = frozenset({"time", "close_time"})

#: Twelve plain numbers, the first a time in ms: what the store's own script writes.
_MEMBER = re.compile(rb"\[(0|[1-9][0-9]{0,15})(?:,(?:0|[1-9][0-9]*)(?:\.[0-9]+)?){11}\]")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that charts ask for; `time` is ms as text. `is_whole`: every member has its row,
    in the order in which they were given.
    """

    time: list[bytes]
    open: list[bytes]
    high: list[bytes]
    low: list[bytes]
    close: list[bytes]
    volume: list[bytes]
    is_whole: bool = True


def columns(members: Sequence[bytes]) -> Columns:
    """The columns of stored members (ascending): cut as one piece, one by one if any is odd."""
    fields = _cut(members)
    if fields is None:
        return _columns(_cut(_kept(members)) or [], is_whole=False)
    return _columns(fields, is_whole=True)


def all_columns(members: Sequence[bytes]) -> list[list[bytes]]:
    """All twelve columns of stored members (ascending), as text; what is not ours is left out."""
    fields = _cut(members)
    if fields is None:
        fields = _cut(_kept(members)) or []
    return [fields[i::_WIDTH] for i in range(_WIDTH)]


def lines(members: Sequence[bytes]) -> bytes:
    """Stored members (ascending) as lines of twelve fields between commas; others are left out."""
    kept = members if _cut(members) is not None else _kept(members)
    return b"".join(b"%b\n" % member[1:-1] for member in kept)


def own_time(member: bytes) -> int | None:
    """The open time (ms) that a member itself tells; None if it is not one of ours."""
    match = _MEMBER.fullmatch(member)
    return int(match[1]) if match and int(match[1]) < LAST_MS else None


def iso(times: Iterable[bytes]) -> list[bytes]:
    """Times in ms, ascending, as JSON strings like `"2024-01-01T18:00:00.000Z"` (JavaScript's
    toISOString).
    """
    moments, texts, at = list(map(int, times)), list[bytes](), 0
    while at < len(moments):
        day, day_ms = moments[at] // DAY_MS, moments[at] // DAY_MS * DAY_MS
        end, head = bisect_left(moments, day_ms + DAY_MS, at), _day(day)
        texts += [head + _MOMENTS[ms - day_ms] for ms in moments[at:end]]
        at = end
    return texts


def _cut(members: Sequence[bytes]) -> list[bytes] | None:
    """All fields of all members in one list; None unless every member is as the store writes it."""
    if not members:
        return []
    whole = b",".join(members)
    if whole.translate(None, b"0123456789.") != b",".join([_ROW] * len(members)):
        return None
    try:
        orjson.loads(b"[" + whole + b"]")  # proves the numbers, which are not used
    except orjson.JSONDecodeError:
        return None
    fields = whole.translate(None, b"[]").split(b",")
    return fields if _ascend(fields[::_WIDTH]) else None


def _ascend(times: Sequence[bytes]) -> bool:
    """Whether these numbers are times in ms, each after the one before. Of the same length they
    stand in the order of their texts.
    """
    if b"." in b"".join(times) or len(times[-1]) > _TIME_DIGITS or int(times[-1]) >= LAST_MS:
        return False
    if len(times[0]) == len(times[-1]) and len(set(map(len, times))) == 1:
        return all(map(lt, times, islice(times, 1, None)))
    return all(int(one) < int(other) for one, other in pairwise(times))


def _kept(members: Iterable[bytes]) -> list[bytes]:
    """The members that are ours, ascending, the last one of those with the same open time."""
    found: dict[int, bytes] = {}
    for member in members:
        open_ms = own_time(member)
        if open_ms is not None:
            found[open_ms] = member
    return [found[open_ms] for open_ms in sorted(found)]


def _columns(fields: list[bytes], *, is_whole: bool) -> Columns:
    time, open_, high, low, close, volume = (fields[i::_WIDTH] for i in range(6))
    return Columns(time, open_, high, low, close, volume, is_whole)


@lru_cache(maxsize=4_096)
def _day(day: int) -> bytes:
    return datetime.fromtimestamp(day * 86_400, UTC).strftime('"%Y-%m-%dT').encode()


class _Moments(dict[int, bytes]):
    """The moments of a day as ISO 8601 has them, by their ms; made when they are first looked up.

    Bounded: open times are whole seconds, and what else somebody may store is forgotten again.
    """

    def __missing__(self, ms: int) -> bytes:
        if len(self) >= _MOMENTS_KEPT:
            self.clear()
        seconds, rest = divmod(ms, 1000)
        minutes, seconds = divmod(seconds, 60)
        text = b'%02d:%02d:%02d.%03dZ"' % (minutes // 60, minutes % 60, seconds, rest)
        self[ms] = text
        return text


_MOMENTS: Final = _Moments()
