"""The feed: `python live_candles.py` turns Binance's streams into live candles.

Never here: how a candle is built, stored or told (`truecandle.feed`).
Invariant: settings → connect → wire → run → stop; runs through every outage, ends only when told.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

from redis import Redis

from truecandle import feed, log_lines, tracing
from truecandle.binance.clock import ExchangeClock
from truecandle.candles.candle import live_from_fields
from truecandle.candles.series import parse_series
from truecandle.config import require_settings
from truecandle.feed.feed import LOOPS
from truecandle.store import clock, connect, live
from truecandle.store.server_monitor import ServerMonitor
from truecandle.watchdog import Watchdog

#: So long a thread with its answer waits for its turn, not 5 ms, while another takes in streams.
SWITCH_S = 0.0005


def main() -> int:
    sys.setswitchinterval(SWITCH_S)
    settings = require_settings(os.environ)
    log_lines.set_up(settings.log_format, "feed")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    redis = connect(settings.redis_url)
    monitor = ServerMonitor(redis, settings.redis_may_evict)
    monitor.require_sound()
    with tracing.opened(settings, "feed") as traces:
        role = feed.build(settings, redis, stopping, ExchangeClock(), tracing=traces)
        role.streams.start()
        logging.info("feed: follows %s", ", ".join(settings.symbols))
        monitor.start(stopping, stopping.set)
        with Watchdog(LOOPS) as watchdog:
            role.feed.run(stopping, watchdog)
        role.streams.stop()
    redis.close()
    logging.info("feed: %s", monitor.refused or "stopped")
    return 1 if monitor.refused else 0


def save_live_candle(
    symbol: str, interval: str, candle_data: Mapping[str, Any], redis_client: Redis
) -> bool:
    """Saves a live candle, as a browser's word where a feed leads; False if a better one stands."""
    now_ms = clock.read(redis_client).exchange_ms
    candle = live_from_fields({"updated_at": now_ms, **candle_data})
    series = parse_series(symbol, interval)
    return live.save_live(redis_client, series, candle, now_ms=now_ms).saved


def get_live_candle(symbol: str, interval: str, redis_client: Redis) -> str | None:
    """The forming candle's JSON, or None."""
    series = parse_series(symbol, interval)
    now_ms = clock.read(redis_client).exchange_ms
    forming = live.read_live(redis_client, series, now_ms).forming
    return forming.to_json() if forming else None


if __name__ == "__main__":
    sys.exit(main())
