"""Builds the fetcher of a process: who asks, what is done, when, and who leads.

Never here: threads, signals (`background_fetcher.py`).
Invariant: nothing is started or asked, and nothing is wired later than here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from apscheduler.schedulers.blocking import BlockingScheduler
from redis import Redis

from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rate_limit import REQUESTS_PER_SECOND, RequestPacer
from truecandle.binance.reachability import Reachability
from truecandle.binance.rest.client import RestClient
from truecandle.config import Settings
from truecandle.events import Publisher
from truecandle.fetcher import heartbeat, leadership
from truecandle.fetcher.exchange_list import ExchangeListReader
from truecandle.fetcher.fetch_scheduler import FetchScheduler, new_scheduler
from truecandle.fetcher.heartbeat import Heartbeat
from truecandle.fetcher.history_jobs import HistoryFetcher
from truecandle.fetcher.leadership import FetcherLeadership
from truecandle.fetcher.series_sync import SeriesSync
from truecandle.fetcher.symbol_registry import SymbolRegistry
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.store.budget import RESERVE, Budget
from truecandle.tracing.spans import Tracing
from truecandle.watchdog import Watchdog
from truecandle.webhooks.sender import WebhookSenders

#: The loops that go round whatever the exchange and Redis do.
WATCHED: Final = (heartbeat.LOOP, leadership.LOOP)


@dataclass(frozen=True, slots=True)
class FetcherRole:
    """One fetcher, not started: `loops` run in a thread each until the event that they are given
    is set, `scheduler` in the process's own; `close` ends what is asked of the exchange."""

    scheduler: BlockingScheduler
    loops: tuple[Callable[[threading.Event], None], ...]
    close: Callable[[], None]


def build(
    settings: Settings,
    redis: Redis,
    stop: threading.Event,
    clock: ExchangeClock,
    watchdog: Watchdog,
    tracing: Tracing | None = None,
) -> FetcherRole:
    """The fetcher that these settings describe. When `stop` is set, nothing is waited for; `clock`
    is the exchange's, and measured by the fetcher. To `watchdog` it reports its `WATCHED`."""
    reach = Reachability()
    rest, deep = _clients(settings, redis, stop, clock, reach)
    leaders = FetcherLeadership(redis)
    writer = _writer(settings, redis, clock, leaders)
    sync = SeriesSync(settings, redis, rest, deep, writer, clock.now_ms, tracing)
    scheduler = new_scheduler()
    jobs = FetchScheduler(scheduler, settings, sync, clock, stop, leaders.is_leading)
    history = HistoryFetcher(settings, redis, deep, writer, clock, leaders.is_leading, stop)
    whole = ExchangeListReader(redis, deep, leaders.is_leading, clock.now_ms)
    registry = SymbolRegistry(
        redis, deep, jobs, clock.now_ms, settings.symbols, history.wake, whole.wake
    )
    senders = WebhookSenders(settings, redis, leaders.is_leading, clock.now_ms)
    beats = Heartbeat(redis, clock, rest, jobs, writer, senders, leaders.holder, settings, tracing)
    reach.listen(jobs.resume)

    loops: tuple[Callable[[threading.Event], None], ...] = (
        registry.run,
        whole.run,
        partial(beats.run, watchdog=watchdog),
        history.run,
        reach.probe_until,
        partial(leaders.run, jobs=jobs, watchdog=watchdog),
        *senders.loops,
    )
    return FetcherRole(scheduler, loops, partial(_close, rest, deep, senders))


def _close(*asking: RestClient | WebhookSenders) -> None:
    for one in asking:
        one.close()


def _writer(
    settings: Settings, redis: Redis, clock: ExchangeClock, leaders: FetcherLeadership
) -> OfficialWriter:
    return OfficialWriter(
        redis,
        Publisher(settings.redis_url),
        settings.settle_ms,
        clock.now_ms,
        leaders.fence,
        clock.is_unsure,
        seal_after=settings.seal_after,
    )


def _clients(
    settings: Settings,
    redis: Redis,
    stop: threading.Event,
    clock: ExchangeClock,
    reach: Reachability,
) -> tuple[RestClient, RestClient]:
    """One asks for what closed, the other for history, and leaves weight to the first."""
    new_client = partial(
        RestClient,
        settings.binance_rest_url,
        Budget(redis),
        pace=RequestPacer(REQUESTS_PER_SECOND),
        sleep=stop.wait,
        now_ms=clock.now_ms,
        reach=reach,
        route=settings.egress.route(settings.binance_rest_url),
    )
    return new_client(reserve=0), new_client(reserve=RESERVE)
