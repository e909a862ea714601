"""Checks whether an answer of the exchange is plausible, beside the candles that are stored.

Never here: storing, what becomes of what is held back (`official_writer`).
Invariant: it never stands in the way of candles that are new; it only reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from redis import Redis

from truecandle.candles.candle import OfficialCandle, official_from_row
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreDamaged
from truecandle.store import pages
from truecandle.store.pages import PAGE_CANDLES_MAX, Query
from truecandle.store.quarantine import Reason

#: More closed candles than this do not change at once. The exchange did change whole hours of
#: minutes, sixty candles.
DIFFERENCES_MAX: Final = 100
#: Nor do more than half of so many or more.
COMPARED_MIN: Final = 50
#: A few candles, all of which would move to prices that they never touched, are another market's.
FOREIGN_MIN: Final = 3


class Implausible(NamedTuple):
    """Why an answer is held back, and which stored candles it would have changed."""

    reason: Reason
    opens: tuple[int, ...]
    detail: str


def check_plausibility(
    redis: Redis, series: Series, rows: Sequence[list[object]]
) -> Implausible | None:
    """What speaks against storing these rows; None if nothing does."""
    known = _stored(redis, series, rows)
    if not known:
        return None
    compared, differing, foreign = 0, list[int](), 0
    for row in rows:
        try:
            new = official_from_row(row)
        except CandleError:
            continue
        old = known.get(new.open_ms)
        if old is None:
            continue
        compared += 1
        if old != new:
            differing.append(new.open_ms)
            foreign += _is_foreign(old, new)
    return _judge(sorted(set(differing)), compared, foreign)


def _judge(differing: list[int], compared: int, foreign: int) -> Implausible | None:
    count = len(differing)
    said = f"{count} of {compared} closed candles would change at once"
    if FOREIGN_MIN <= count == compared == foreign:
        return Implausible(
            "foreign", tuple(differing), f"{said}, all to prices that they never touched"
        )
    if count > DIFFERENCES_MAX or (compared >= COMPARED_MIN and 2 * count > compared):
        return Implausible("differences", tuple(differing), said)
    return None


def _stored(
    redis: Redis, series: Series, rows: Sequence[list[object]]
) -> dict[int, OfficialCandle]:
    """The stored candles among which the rows' own are, as far as one page reaches. What cannot be
    read says nothing, or it could never be replaced.
    """
    times = [row[0] for row in rows if row and isinstance(row[0], int)]
    if not times:
        return {}
    span = min(times), max(times) + 1
    try:
        page = pages.read(redis, series, Query(PAGE_CANDLES_MAX, *span))
    except StoreDamaged:
        return {}
    return {candle.open_ms: candle for candle in pages.candles(page.members)}


def _is_foreign(old: OfficialCandle, new: OfficialCandle) -> bool:
    return Decimal(new.low) > Decimal(old.high) or Decimal(new.high) < Decimal(old.low)
