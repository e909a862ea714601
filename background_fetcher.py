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
from functools import partial

from apscheduler.events import EVENT_SCHEDULER_STARTED

from truecandle import fetcher, store
from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rate_limit import REQUESTS_PER_SECOND, RequestPacer
from truecandle.binance.reachability import Reachability
from truecandle.binance.rest.client import RestClient
from truecandle.config import read_settings
from truecandle.errors import SettingsError
from truecandle.events import Publisher
from truecandle.fetcher.sketch import notify, upsert_klines_to_zset
from truecandle.store.budget import RESERVE, Budget

__all__ = ["main", "notify_data_updated", "upsert_klines_to_zset"]

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # they wait until `end` asks for them
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    stop = threading.Event()
    redis, reach = store.connect(settings.redis_url), Reachability()
    ask = partial(RestClient, settings.binance_rest_url, Budget(redis), sleep=stop.wait)
    ask = partial(
        ask, pace=RequestPacer(REQUESTS_PER_SECOND), reach=reach, now_ms=lambda: clock.now_ms()
    )
    rest, deep = ask(reserve=0), ask(reserve=RESERVE)
    clock: ExchangeClock = ExchangeClock(rest)
    publisher, lead = Publisher(settings.redis_url), fetcher.Lead(redis)
    passes = fetcher.Fetcher(
        settings, redis, rest, publisher, now_ms=clock.now_ms, deep=deep, fence=lead.fence
    )
    scheduler = fetcher.new_scheduler()
    rota = fetcher.Rota(scheduler, settings, passes, clock, stop, lead.is_leading)
    watch = fetcher.Watch(redis, clock, rota, passes.ledger)
    roster = fetcher.Roster(redis, deep, rota, clock.now_ms, settings.symbols)
    reach.listen(rota.resume)
    runs = (roster.run, watch.run, reach.probe_until, lambda ending: lead.run(ending, rota))
    threads = [threading.Thread(target=run, args=(stop,)) for run in runs]

    def end() -> None:
        signal.sigwait(STOP_SIGNALS)
        stop.set()
        for ending in (rest.close, deep.close, *(one.join for one in threads), scheduler.shutdown):
            ending()

    scheduler.add_listener(lambda _: threading.Thread(target=end).start(), EVENT_SCHEDULER_STARTED)
    for thread in threads:
        thread.start()
    scheduler.start()
    logging.info("stopped")
    return 0


def notify_data_updated(symbol: str, interval: str) -> None:
    """Tells every browser the present version of a series: who has another asks for the rest."""
    notify(read_settings(os.environ), symbol, interval)


if __name__ == "__main__":
    sys.exit(main())
