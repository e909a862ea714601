"""The feed in a thread of this process, and a listener to what it publishes.

Never here: assertions about candles; the exchange and Redis that it works on (the test's own).
Invariant: when the block ends, no thread of the feed or of its streams is left.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from redis import Redis

from tests.support.waiting import wait_for
from truecandle.binance.clock import ExchangeClock
from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import canonical
from truecandle.candles.series import Series, parse_series
from truecandle.config import Settings
from truecandle.events import from_message
from truecandle.feed import Feed, build
from truecandle.feed.event_queue import EVENTS_MAX
from truecandle.sim.server import SimServer
from truecandle.store import connect, live
from truecandle.store.channel import Channel
from truecandle.watchdog import Watchdog

#: All that the feed does within this is quick, even on a busy machine.
STOP_S = 20.0

#: Nobody listens there.
NOBODY = "http://127.0.0.1:9"


class Feeding:
    """The feed, following `symbols` at `intervals` on that exchange and that Redis.

    with Feeding(sim, redis_url, ["BTCUSDT"], ["1s"]) as feeding:
        feeding.pending("BTCUSDT", "1s")
    """

    def __init__(
        self,
        sim: SimServer,
        redis_url: str,
        symbols: Sequence[str],
        intervals: Sequence[str],
        trades_kept: int = 0,
    ) -> None:
        self.sim = sim
        self.settings = Settings(
            redis_url=redis_url,
            binance_rest_url=sim.rest_url,
            binance_ws_url=sim.ws_url,
            symbols=tuple(symbols),
            intervals=tuple(intervals),
            trades_kept=trades_kept,
        )
        self.redis = connect(redis_url)
        clock = clock_of(sim.clock.now_ms)
        self._stopping = threading.Event()
        role = build(self.settings, self.redis, self._stopping, clock)
        self.feed, self.streams = role.feed, role.streams
        self._thread = threading.Thread(
            target=self.feed.run, args=(self._stopping, Watchdog([])), daemon=True
        )

    def live(self, series: Series) -> live.Live:
        return live.read_live(self.redis, series, self.sim.clock.now_ms())

    def candles(self, symbol: str, interval: str) -> list[LiveCandle]:
        """What is live, oldest first, the forming candle last."""
        found = self.live(parse_series(symbol, interval))
        return [*found.pending, *([found.forming] if found.forming else [])]

    def wait_for_closed(self, symbol: str, interval: str, count: int) -> list[LiveCandle]:
        """The closed candles, once there are so many."""

        def closed() -> list[LiveCandle] | None:
            found = [one for one in self.candles(symbol, interval) if one.is_complete]
            return found if len(found) >= count else None

        found = wait_for(closed, what=f"{count} closed candles of {symbol}:{interval}")
        assert found
        return found

    def __enter__(self) -> Feeding:
        self._thread.start()
        self.streams.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.streams.stop()
        self._stopping.set()
        self._thread.join(STOP_S)
        self.redis.close()
        assert not self._thread.is_alive()


def clock_of(now_ms: Callable[[], int]) -> ExchangeClock:
    """The exchange's clock of a feed that nobody tells the time: it goes as `now_ms` does."""
    return ExchangeClock(wall_ms=now_ms, monotonic_ms=now_ms)


def feed_alone(
    settings: Settings, redis: Redis, now_ms: Callable[[], int], events_max: int = EVENTS_MAX
) -> Feed:
    """A feed whose streams nobody has started, and without an exchange that answers: what is put
    into its queue is all that it hears."""
    settings = replace(settings, binance_rest_url=NOBODY, binance_ws_url=NOBODY)
    clock, stop = clock_of(now_ms), threading.Event()
    return build(settings, redis, stop, clock, events_max=events_max).feed


def stepped(feed: Feed) -> None:
    """One step of a feed that nobody runs, and all that it leads to."""
    feed.step(0)
    feed.wait_sent()


class Listener:
    """Everything published on the roles' channel, in order: `(event, room, payload)`."""

    def __init__(self, redis: Redis) -> None:
        self._pubsub = redis.pubsub(ignore_subscribe_messages=True)
        self._pubsub.subscribe(Channel(redis).name())
        self._pubsub.get_message(timeout=STOP_S)
        self.events: list[tuple[str, str, dict[str, Any]]] = []

    def read(self) -> list[tuple[str, str, dict[str, Any]]]:
        """All events so far."""
        while message := self._pubsub.get_message(timeout=0.0):
            for one in from_message(message["data"]):
                payload = json.loads(one.payload, parse_float=str)
                self.events.append((one.name, one.room, payload))
        return self.events

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._pubsub.close()


def values(candle: Any) -> tuple[str, ...]:
    """Open, high, low, close and volume as canonical text, of a live candle or of the truth."""
    names = ("open", "high", "low", "close", "volume")
    return tuple(canonical(getattr(candle, name)) for name in names)
