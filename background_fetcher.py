"""The fetcher role: fills and refreshes official candles until it is told to stop.

Never here: what is done to which candle (`truecandle/fetcher`).
Invariant: settings → connect → wire → run → stop; SIGTERM or SIGINT ends it in seconds, with 0.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from apscheduler.events import EVENT_SCHEDULER_STARTED

from truecandle import fetcher, log_lines, store, tracing
from truecandle.binance.clock import ExchangeClock
from truecandle.config import read_settings, require_settings
from truecandle.fetcher.build import WATCHED
from truecandle.fetcher.compat import notify, upsert_klines_to_zset
from truecandle.store.server_monitor import ServerMonitor
from truecandle.watchdog import Watchdog

__all__ = ["main", "notify_data_updated", "upsert_klines_to_zset"]

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # they wait until `end` asks for them
    settings = require_settings(os.environ)
    log_lines.set_up(settings.log_format, "fetcher")
    stop = threading.Event()
    redis = store.connect(settings.redis_url)
    monitor, watchdog = ServerMonitor(redis, settings.redis_may_evict), Watchdog(WATCHED)
    monitor.require_sound()
    with tracing.opened(settings, "fetcher") as traces:
        role = fetcher.build(settings, redis, stop, ExchangeClock(), watchdog, traces)
        threads = [threading.Thread(target=run, args=(stop,)) for run in role.loops]

        def end() -> None:
            signal.sigwait(STOP_SIGNALS)
            stop.set()
            for ending in (role.close, *(one.join for one in threads), role.scheduler.shutdown):
                ending()

        role.scheduler.add_listener(
            lambda _: threading.Thread(target=end).start(), EVENT_SCHEDULER_STARTED
        )
        for thread in threads:
            thread.start()
        monitor.start(stop, end_self)
        with watchdog:
            role.scheduler.start()
    logging.info("%s", monitor.refused or "stopped")
    return 1 if monitor.refused else 0


def end_self() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def notify_data_updated(symbol: str, interval: str) -> None:
    """Tells every browser the present version of a series: who has another asks for the rest."""
    notify(read_settings(os.environ), symbol, interval)


if __name__ == "__main__":
    sys.exit(main())
