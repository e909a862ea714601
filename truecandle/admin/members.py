"""What is wrong with the members at one score of a series, and which candles to ask for instead.

Never here: Redis, the exchange, time but as an argument.
Invariant: members without a fault are official, closed, and at their own place on the grid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from truecandle.candles.candle import OfficialCandle, is_closed, official_from_member
from truecandle.candles.interval import LAST_MS, Interval
from truecandle.errors import CandleError
from truecandle.store.both_halves import Member
from truecandle.store.columns import own_time

_WHOLE: Final = rb"(?:0|[1-9][0-9]{0,14})"
_DECIMAL: Final = rb"(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{0,17}[1-9])?"
#: A member in canonical text: the numbers that `OfficialCandle` keeps.
_PLAIN: Final = re.compile(
    rb"\[%b(?:,%b){5},%b,%b,%b(?:,%b){3}\]" % (_WHOLE, _DECIMAL, _WHOLE, _DECIMAL, _WHOLE, _DECIMAL)
)


class Spot(NamedTuple):
    """A fault at a score: which check it fails, and open times to ask the exchange for.

    `is_rubbish`: nothing at this score is right.
    """

    check: str
    score: float
    opens: tuple[int, ...]
    is_rubbish: bool


class Examined(NamedTuple):
    """What lies at one score: its faults, and the candle if exactly one proper one is there."""

    spots: tuple[Spot, ...]
    candle: OfficialCandle | None


def examine(interval: Interval, page: Iterable[Member], now_ms: int) -> Iterator[Examined]:
    """Score by score; `page` is in the order of scores."""
    for score, pairs in groupby(page, key=itemgetter(1)):
        yield _at_score(interval, score, [member for member, _ in pairs], now_ms)


def _at_score(interval: Interval, score: float, members: Sequence[bytes], now_ms: int) -> Examined:
    proper: list[OfficialCandle] = []
    faults: dict[str, set[int]] = {}
    for member in members:
        candle = _candle(member)
        check = _fault(interval, score, member, candle, now_ms)
        if check is None and candle is not None:
            proper.append(candle)
        elif check is not None:
            own_ms = own_time(member)
            places = {score} if own_ms is None else {score, own_ms}
            faults.setdefault(check, set()).update(_opens(interval, places, now_ms))
    if len(proper) > 1:
        faults["double"] = _opens(interval, {score}, now_ms)
    spots = (
        Spot(check, score, tuple(sorted(opens)), not proper) for check, opens in faults.items()
    )
    return Examined(tuple(spots), proper[0] if len(proper) == 1 else None)


def _fault(
    interval: Interval, score: float, member: bytes, candle: OfficialCandle | None, now_ms: int
) -> str | None:
    own_ms = own_time(member)
    if own_ms is None:
        return "junk"
    if own_ms != score:
        return "misplaced"
    if not interval.has_grid or not interval.is_aligned(own_ms):
        return "misaligned"
    if candle is None:
        return "broken"
    return None if is_closed(interval, own_ms, now_ms) else "not closed"


def _candle(member: bytes) -> OfficialCandle | None:
    """`official_from_member`, quicker for members as the store writes them."""
    if _PLAIN.fullmatch(member):
        one, open_, high, low, close, *flows = member[1:-1].decode().split(",")
        volume, two, quote, trades, taker, taker_quote, unused = flows
        top, bottom = Decimal(high), Decimal(low)
        is_sound = 0 < bottom <= Decimal(open_) <= top and bottom <= Decimal(close) <= top
        times = (int(one), int(two))
        if is_sound and max(times) < LAST_MS:
            numbers = (volume, times[1], quote, int(trades), taker, taker_quote, unused)
            return OfficialCandle(times[0], open_, high, low, close, *numbers)
    try:
        return official_from_member(member)
    except CandleError:
        return None


def _opens(interval: Interval, places: Iterable[float], now_ms: int) -> set[int]:
    """The closed candles that these moments belong to."""
    if not interval.has_grid:
        return set()
    moments = [int(at) for at in places if math.isfinite(at) and 0 <= at < LAST_MS]
    opens = {interval.open_ms(moment) for moment in moments}
    return {open_ms for open_ms in opens if open_ms >= 0 and is_closed(interval, open_ms, now_ms)}
