"""Live candles: the forming one, moving forward only, and those waiting for their official one.

Never here: official candles (`official`); how a candle is formed; trust in a browser's word.
Invariant: an older candle never takes a newer one's place, and our feed outranks browsers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

from truecandle.candles.candle import LiveCandle, live_from_json
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreDamaged
from truecandle.store import from_reply, keys, lease, map_redis_errors
from truecandle.store.batch import Batch, Queued
from truecandle.store.script import Script

#: A candle of our feed younger than this is not replaced by a browser's.
FRESH_MS = 10_000
#: Clocks differ: a candle may open this far ahead of now, further ahead is not believed.
AHEAD_MS = 60_000
#: Closed candles kept for their official version: ten minutes of the shortest interval.
PENDING_KEPT = 600
#: A candle whose interval ended longer ago than one interval and this is not forming any more.
STALE_AFTER_MS = 60_000
#: Candles remembered as parsed: those that wait are read with every subscription, unchanged.
PARSED_KEPT = 2_000
#: Open times of one `settle` script call, and candles of one `save_many` pipeline.
SETTLE_MAX = 1_000
SAVE_MAX = 1_000

#: Where it was saved, or why not. `older`: the forming candle is newer. `stale`: what is there
#: knows more. `outranked`: a browser against our fresh feed. `contradicts`: a browser's cannot have
#: come from our feed's by later trades. `fenced`: another feed leads the market by now. `missing`:
#: the exchange has proven that it has no candle there.
#: `misaligned`: off the interval's grid. `future`: opens more than `AHEAD_MS` from now. `damaged`:
#: a key holds something that is not ours.
Reason = Literal[
    "forming", "pending", "older", "stale", "outranked", "contradicts", "fenced", "missing",
    "misaligned", "future", "damaged",
]  # fmt: skip

#: Nobody leads.
NO_FENCES: Final[Mapping[str, int]] = MappingProxyType({})

_SAVE = Script("save_live")
_SETTLE = Script("settle")


class Saved(NamedTuple):
    """Whether a candle was saved: `reason` says where, or why not."""

    saved: bool
    reason: Reason


class Live(NamedTuple):
    """What is live: the forming candle, and closed ones without official version, ascending."""

    forming: LiveCandle | None
    pending: tuple[LiveCandle, ...]


def save_live(redis: Redis, series: Series, candle: LiveCandle, *, now_ms: int) -> Saved:
    """Saves a candle, at exchange time `now_ms`, where nothing better stands.

    A newer time moves the forming candle to pending; an older one of our feed goes to pending
    itself, an older one of a browser is refused. At the same time our feed wins while it is fresh
    (`FRESH_MS`), else the larger `updated_at`; a browser's has to contain our feed's. In a market
    that a feed leads or has led, this is a browser's word whoever says it. Harmless when repeated.
    """
    saved = save_many(redis, [(series, candle)], now_ms=now_ms)[0]
    if saved.reason == "damaged":
        raise StoreDamaged(f"a key of {series.name}, such as {keys.live(series)}, is not ours")
    return saved


@map_redis_errors()
def save_many(
    redis: Redis,
    items: Iterable[tuple[Series, LiveCandle]],
    *,
    now_ms: int,
    fences: Mapping[str, int] = NO_FENCES,
) -> list[Saved]:
    """`save_live` for many candles in few round trips, in the order given.

    `fences`: by symbol, the number of the lease (`lease.of_market`) with which a feed leads. Its
    candles take a browser's place at once, however old they are. With an older number than the
    newest one nothing is saved (`fenced`). A damaged key spoils its own series: `damaged`.
    """
    given = list(items)
    saved: list[Saved] = []
    for first in range(0, len(given), SAVE_MAX):
        saved += _save_some(redis, given[first : first + SAVE_MAX], now_ms, fences)
    return saved


@map_redis_errors()
def read_feed_candle(redis: Redis, series: Series) -> LiveCandle | None:
    """What our feed last said itself, if a browser's candle has stood in for it since."""
    return _parsed(cast("bytes | None", redis.get(keys.feed_candle(series))))


@map_redis_errors()
def restore(
    redis: Redis, series: Iterable[Series], *, now_ms: int, fences: Mapping[str, int]
) -> None:
    """Puts our feed's own candles back where a browser's stands in for them."""
    given = list(series)
    with redis.pipeline(transaction=False) as pipe:
        for one in given:
            pipe.mget(keys.live(one), keys.feed_candle(one))
        found = [(_parsed(shown), _parsed(own)) for shown, own in pipe.execute()]
    items = [
        (one, own)
        for one, (shown, own) in zip(given, found, strict=True)
        if shown and own and shown.source == "client" and shown.open_ms == own.open_ms
    ]
    save_many(redis, items, now_ms=now_ms, fences=fences)


def read_live(redis: Redis, series: Series, now_ms: int) -> Live:
    """What is live at exchange time `now_ms`, of one instant."""
    batch = Batch(redis)
    found = queue(batch, series, now_ms)
    batch.run()
    return found.value


def queue(batch: Batch, series: Series, now_ms: int, pending: int = PENDING_KEPT) -> Queued[Live]:
    """Adds the reading of what is live at exchange time `now_ms` to a batch.

    `pending`: how many of the newest closed ones are read, 1 or more.
    """
    batch.pipe.get(keys.live(series))
    batch.pipe.zrange(keys.pending(series), -pending, -1)
    return batch.queued(partial(_live, series, now_ms))


def newest(redis: Redis, series: Iterable[Series], now_ms: int) -> list[tuple[Series, LiveCandle]]:
    """The newest closed candle and the forming one of many series, in one round trip."""
    batch = Batch(redis, is_one_instant=False)
    asked = [(one, queue(batch, one, now_ms, 1)) for one in series]
    batch.run()
    found = [(one, queued.value) for one, queued in asked]
    return [
        (one, candle)
        for one, held in found
        for candle in (*held.pending[-1:], held.forming)
        if candle is not None
    ]


def _live(series: Series, now_ms: int, text: bytes | None, members: list[bytes]) -> Live:
    """What is live. Junk is skipped.

    A forming candle whose interval ended long ago counts as pending: nobody has proven its end.
    """
    pending: dict[int, LiveCandle] = {}
    for candle in map(_parsed, members):
        if candle is not None:
            pending[candle.open_ms] = candle
    forming = _parsed(text)
    if forming is not None and is_over(series, forming, now_ms):
        is_exact = forming.is_exact and forming.is_complete
        ended = replace(forming, is_complete=True, is_exact=is_exact)
        pending.setdefault(forming.open_ms, ended)
        forming = None
    return Live(forming, tuple(pending[open_ms] for open_ms in sorted(pending)))


def is_over(series: Series, candle: LiveCandle, now_ms: int) -> bool:
    """Whether the candle's interval ended more than one interval and `STALE_AFTER_MS` ago."""
    end_ms = series.interval.next_open_ms(candle.open_ms)
    return now_ms > series.interval.next_open_ms(end_ms) + STALE_AFTER_MS


@map_redis_errors()
def settle(redis: Redis, series: Series, opens: Iterable[int]) -> int:
    """Drops the pending candles that open at `opens`, official ones having arrived; how many."""
    times = list(opens)
    dropped = 0
    for first in range(0, len(times), SETTLE_MAX):
        chunk = times[first : first + SETTLE_MAX]
        dropped += cast(int, _SETTLE.run(redis, (keys.pending(series),), chunk))
    return dropped


def _save_some(
    redis: Redis, items: Sequence[tuple[Series, LiveCandle]], now_ms: int, fences: Mapping[str, int]
) -> list[Saved]:
    refused = [_refused(series, candle, now_ms) for series, candle in items]

    def fill(pipe: Pipeline) -> None:
        for (series, candle), reason in zip(items, refused, strict=True):
            if reason is None:
                fence = fences.get(series.symbol, 0)
                args = (candle.to_json(), now_ms, FRESH_MS, AHEAD_MS, PENDING_KEPT)
                lives_s = (_lives_s(series, candle, now_ms), keys.LIVE_MARGIN_S)
                _SAVE.queue(pipe, _keys(series), (*args, *lives_s, fence))

    answers = iter(_SAVE.run_all(redis, fill))
    return [Saved(False, reason) if reason else _saved(next(answers)) for reason in refused]


def _keys(series: Series) -> tuple[str, ...]:
    fence = keys.fence(lease.of_market(series.symbol))
    names = (keys.live(series), keys.pending(series), keys.feed_candle(series))
    return (*names, fence, keys.missing(series))


def _lives_s(series: Series, candle: LiveCandle, now_ms: int) -> int:
    """How long a candle is kept: to the end of its interval, however long that is, and on."""
    end_ms = series.interval.next_open_ms(candle.open_ms)
    return max(0, end_ms - now_ms) // 1000 + keys.LIVE_MARGIN_S


def _refused(series: Series, candle: LiveCandle, now_ms: int) -> Reason | None:
    if series.interval.has_grid and not series.interval.is_aligned(candle.open_ms):
        return "misaligned"
    return "future" if candle.open_ms > now_ms + AHEAD_MS else None


def _saved(answer: Any) -> Saved:
    if isinstance(answer, ResponseError):
        error = from_reply(answer)
        if not isinstance(error, StoreDamaged):
            raise error from answer
        return Saved(False, "damaged")
    return Saved(bool(answer[0]), cast(Reason, answer[1].decode()))


@lru_cache(PARSED_KEPT)
def _parsed(text: bytes | None) -> LiveCandle | None:
    try:
        return live_from_json(text) if text else None
    except CandleError:
        return None
