"""Who listens to trades is told every one that is kept from then on, whatever becomes of the link.

Never here: sockets (`test_connections`), how trades are written (`tests/store/test_agg_trades.py`).
Invariant: trades are kept and published as the feed does it, on a real Redis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from flask import Flask
from redis import Redis

from tests.support.sample_trades import aggregate
from tests.support.waiting import wait_for
from truecandle.store import agg_trades
from truecandle.web import trade_watch
from truecandle.web.services import EXTENSION, Services
from truecandle.web.trade_watch import TradeNews, TradeWatch

BTC, ETH = "BTCUSDT", "ETHUSDT"


class Ear:
    """One who listens: the ids that it was told, by market."""

    def __init__(self) -> None:
        self.told: dict[str, list[int]] = {BTC: [], ETH: []}

    def hear_trades(self, news: TradeNews) -> None:
        self.told[news.symbol] += [row.agg_id for row in news.rows]

    def heard(self, symbol: str, *numbers: int) -> Callable[[], bool]:
        """Whether it was told these last; at least one."""
        return lambda: self.told[symbol][-len(numbers) :] == list(numbers)


def publish(redis: Redis, symbol: str, *numbers: int) -> None:
    rows = {symbol: [agg_trades.row_of(aggregate(number)) for number in numbers]}
    agg_trades.keep(redis, rows, 100, {symbol: 1})


def listeners(redis: Redis) -> int:
    return len(redis.pubsub_channels("truecandle:*:trades:*"))


def test_every_trade_from_joining_on_is_told_once_also_what_was_published_unheard(
    app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trade_watch, "LINGER_S", 0.5)
    watch = TradeWatch(cast(Services, app.extensions[EXTENSION]))
    one, other, late = Ear(), Ear(), Ear()
    publish(redis, BTC, 1, 2)
    assert listeners(redis) == 0, "nobody wants any"
    watch.join(one, [BTC])
    publish(redis, BTC, 3)  # before the channel is heard
    watch.join(other, [ETH, BTC])
    publish(redis, ETH, 70)  # the first of all
    wait_for(one.heard(BTC, 3), what="a trade from just after joining")
    wait_for(other.heard(ETH, 70), what="the first trade of all")
    publish(redis, BTC, 3, 4, 5)
    wait_for(one.heard(BTC, 3, 4, 5), what="trades as they come")
    redis.client_kill_filter(_type="pubsub")
    publish(redis, BTC, *range(6, 30))
    wait_for(one.heard(BTC, 29), what="what was published while nobody listened")
    watch.join(late, [BTC])
    watch.part(one, [BTC])
    publish(redis, BTC, 30, 34)  # a hole
    wait_for(late.heard(BTC, 34), what="a hole, by its ids")
    redis.delete("agg_trades:BTCUSDT")
    rows = {BTC: [agg_trades.row_of(aggregate(7, 10**7))]}
    agg_trades.keep(redis, rows, 100, {BTC: 1})
    wait_for(late.heard(BTC, 34, 7), what="ids that begin anew")
    assert one.told == {BTC: list(range(3, 30)), ETH: []}
    assert late.told[BTC] == [30, 34, 7]
    assert other.told[BTC] in ([*range(3, 31), 34, 7], [*range(4, 31), 34, 7])
    for ear in (other, late):
        watch.leave(ear)
    wait_for(lambda: listeners(redis) == 0, 60, "nobody to listen any more")
