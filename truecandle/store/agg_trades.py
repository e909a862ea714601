"""The newest aggregate trades of each market, where they are kept: one run of ids without a hole.

Never here: which feed leads (`lease`), the exchange's forms of a trade (`web/trade_text`).
Invariant: what is kept of a market ascends by aggregate id, one after the other; what a hole or ids
that began anew have cut off is gone. Only the feed that leads writes, and publishes what it wrote
in the same script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import orjson
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

from truecandle.candles.decimals import COUNT_END, is_moment
from truecandle.candles.trades import Trade
from truecandle.errors import StoreDamaged
from truecandle.store import channel, from_reply, keys, lease, map_redis_errors
from truecandle.store.script import Script

#: Steps of a search by time: so many halve any number of trades that may be kept.
STEPS_MAX: Final = 20
#: In the place of an answer: another feed leads by now.
FENCED: Final = -1

_KEEP: Final = Script("keep_trades")


class TradeRow(NamedTuple):
    """An aggregate trade as it is kept and published. Price and quantity are canonical text, times
    ms; it was made known at `event_ms`, which is its own time where REST told it.
    """

    agg_id: int
    price: str
    quantity: str
    first_id: int
    last_id: int
    time_ms: int
    event_ms: int
    is_maker: bool


class KeptTrades(NamedTuple):
    """What was found, ids ascending, and the oldest that is kept; None where none is."""

    rows: Sequence[TradeRow]
    oldest: TradeRow | None


def row_of(trade: Trade) -> bytes:
    """A trade as the script takes it. By hand: thousands a second come through here."""
    return b'[%d,"%b","%b",%d,%d,%d,%d,%b]' % (
        *(trade.agg_id, trade.price.encode(), trade.quantity.encode()),
        *(trade.first_id, trade.last_id, trade.time_ms, trade.event_ms),
        b"false" if trade.is_taker_buy else b"true",
    )


def rows_of(message: bytes) -> list[TradeRow]:
    """The trades of a message of the channel; `ValueError` if it is none of ours."""
    found = orjson.loads(message)
    if not isinstance(found, list):
        raise ValueError("not an array of trades")
    return [_row(fields) for fields in found]


@map_redis_errors()
def keep(
    redis: Redis, trades: Mapping[str, Sequence[bytes]], kept: int, fences: Mapping[str, int]
) -> dict[str, int]:
    """Keeps and publishes the rows of each market, ids ascending, in one round trip; `kept` stay.

    How many were new, by market: `FENCED` where another feed leads. A market whose key holds
    something that is not ours is left out, and spoils no other.
    """
    prefix = channel.prefix_of(redis)

    def fill(pipe: Pipeline) -> None:
        for symbol, rows in trades.items():
            names = (
                keys.agg_trades(symbol), keys.fence(lease.of_market(symbol)), keys.INSTANCE,
            )  # fmt: skip
            args = (fences[symbol], kept, keys.TRADES_TTL_S, prefix, channel.trades_suffix(symbol))
            _KEEP.queue(pipe, names, (*args, *rows))

    found: dict[str, int] = {}
    for symbol, answer in zip(trades, _KEEP.run_all(redis, fill), strict=True):
        if isinstance(answer, ResponseError):
            error = from_reply(answer)
            if not isinstance(error, StoreDamaged):
                raise error from answer
        else:
            found[symbol] = int(answer)
    return found


@map_redis_errors()
def newest(redis: Redis, symbols: Iterable[str]) -> dict[str, TradeRow]:
    """The newest trade that is kept of each of these markets of which any is."""
    wanted = list(symbols)
    with redis.pipeline(transaction=False) as pipe:
        for symbol in wanted:
            pipe.xrevrange(keys.agg_trades(symbol), count=1)
        answers = pipe.execute(raise_on_error=False)
    found = {}
    for symbol, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, ResponseError):
            error = from_reply(answer)
            if not isinstance(error, StoreDamaged):
                raise error from answer
        elif rows := _rows(answer):
            found[symbol] = rows[0]
    return found


@map_redis_errors()
def read_from(redis: Redis, symbol: str, agg_id: int, limit: int) -> KeptTrades:
    """Those from this id on, `limit` at most."""
    key = keys.agg_trades(symbol)
    with redis.pipeline() as pipe:
        pipe.xrange(key, count=1)
        pipe.xrange(key, min=f"{min(agg_id, COUNT_END)}-1", count=limit)
        oldest, found = pipe.execute()
    return KeptTrades(_rows(found), next(iter(_rows(oldest)), None))


@map_redis_errors()
def read_newest(redis: Redis, symbol: str, limit: int, until_ms: int | None = None) -> KeptTrades:
    """The newest ones up to `until_ms` (inclusive), `limit` at most."""
    end = None if until_ms is None else _first_after(redis, symbol, until_ms)
    key = keys.agg_trades(symbol)
    with redis.pipeline() as pipe:
        pipe.xrange(key, count=1)
        pipe.xrevrange(key, max="+" if end is None else f"({end}-1", count=limit)
        oldest, found = pipe.execute()
    return KeptTrades(_rows(found)[::-1], next(iter(_rows(oldest)), None))


def read_since(
    redis: Redis, symbol: str, start_ms: int, limit: int, until_ms: int | None = None
) -> KeptTrades:
    """Those from `start_ms` on, up to `until_ms` (both inclusive), `limit` at most."""
    first = _first_after(redis, symbol, start_ms - 1)
    found = (
        read_from(redis, symbol, 0, 1) if first is None else read_from(redis, symbol, first, limit)
    )
    rows = [] if first is None else found.rows
    return found._replace(rows=[row for row in rows if until_ms is None or row.time_ms <= until_ms])


@map_redis_errors()
def _first_after(redis: Redis, symbol: str, at_ms: int) -> int | None:
    """The id of the first trade later than this; None where there is none. By halves: times ascend
    with the ids, and no id is skipped.
    """
    key = keys.agg_trades(symbol)
    with redis.pipeline() as pipe:
        pipe.xrange(key, count=1)
        pipe.xrevrange(key, count=1)
        ends = [_rows(answer) for answer in pipe.execute()]
    if not all(ends) or ends[1][0].time_ms <= at_ms:
        return None
    low, high = ends[0][0].agg_id, ends[1][0].agg_id
    for _ in range(STEPS_MAX):
        if low >= high:
            break
        middle = (low + high) // 2
        found = _rows(redis.xrange(key, min=f"{middle}-1", count=1))
        if not found:
            return None
        if found[0].time_ms > at_ms:
            high = middle
        else:
            low = found[0].agg_id + 1
    return high


def _rows(answer: Any) -> list[TradeRow]:
    """What of an answer is a trade of ours."""
    found = []
    for _, fields in cast("list[tuple[bytes, dict[bytes, bytes]]]", answer):
        try:
            found.append(_row(orjson.loads(fields.get(b"t", b""))))
        except (ValueError, AttributeError):
            continue
    return found


def _row(fields: Any) -> TradeRow:
    if not isinstance(fields, list) or len(fields) != len(TradeRow._fields):
        raise ValueError(f"no trade: {fields!r:.100}")
    row = TradeRow(*fields)
    is_text = isinstance(row.price, str) and isinstance(row.quantity, str)
    are_ids = all(type(number) is int for number in (row.agg_id, row.first_id, row.last_id))
    if not (is_text and are_ids and is_moment(row.time_ms) and is_moment(row.event_ms)):
        raise ValueError(f"no trade: {fields!r:.100}")
    return row
