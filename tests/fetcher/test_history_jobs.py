"""Older candles that somebody waits for: fetched back to where they are wanted, whole and in turn.

Never here: the web role's answers (`tests/web/test_history.py`), processes.
Invariant: exchange and Redis are real; a step of the fetcher is made by hand, but where a test says
that it runs.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from tests.support.driven_fetcher import HOURS, MINUTES, NOW_MS, Desk, opens
from tests.support.redis_server import RedisProc
from tests.support.waiting import wait_for
from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rate_limit import RequestPacer
from truecandle.binance.rest.client import RestClient
from truecandle.candles.interval import DAY_MS, INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.config import Settings
from truecandle.errors import StaleWriter
from truecandle.events import Publisher
from truecandle.fetcher import FetcherLeadership, HistoryFetcher, SeriesSync, history_jobs
from truecandle.ingest.kline_pages import OLDER_CANDLES
from truecandle.ingest.official_writer import OfficialWriter
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import connect, gaps, history, keys, official, quarantine
from truecandle.store.budget import LIMIT_PER_MINUTE, RESERVE
from truecandle.store.history import HistoryJob, HistoryWish

DAYS = Series("SOLUSDT", INTERVALS["1d"])
#: SOLUSDT's first day at the simulated exchange.
LISTED_MS = 18_485 * DAY_MS
STEPS_MAX = 100
NEVER = threading.Event()


@pytest.fixture
def sim() -> Iterator[SimServer]:
    clock = SimulatedClock(NOW_MS, speed=0)
    with SimServer(["BTCUSDT", "ETHUSDT", "SOLUSDT"], clock=clock) as server:
        yield server


@pytest.fixture
def desk(sim: SimServer, redis: redis_py.Redis, redis_url: str) -> Desk:
    return Desk(sim, redis, redis_url)


def clock_of(desk: Desk) -> ExchangeClock:
    """Moved together with the simulated exchange's."""
    now_ms = desk.sim.clock.now_ms
    found = ExchangeClock(wall_ms=now_ms, monotonic_ms=now_ms)
    found.measure(desk.rest)
    return found


def fetcher(
    desk: Desk,
    *,
    most: int = 200_000,
    redis: redis_py.Redis | None = None,
    rest: RestClient | None = None,
    writer: OfficialWriter | None = None,
    is_leading: Callable[[], bool] = lambda: True,
) -> HistoryFetcher:
    return HistoryFetcher(
        Settings(history_stored_max=most),
        redis or desk.redis,
        rest or desk.rest,
        writer or desk.sync.writer,
        clock_of(desk),
        is_leading,
        NEVER,
    )


def wish(desk: Desk, series: Series, from_ms: int) -> None:
    assert history.wish(desk.redis, HistoryWish(series, from_ms))


def back(candles: int, series: Series = MINUTES) -> int:
    return series.interval.step(series.interval.open_ms(NOW_MS), -candles)


def work(one: HistoryFetcher) -> int:
    """Steps until there is nothing to do; how many did something."""
    for done in range(STEPS_MAX):
        if not one.step():
            return done
    raise AssertionError(f"still at it after {STEPS_MAX} steps")


def job(desk: Desk, series: Series = MINUTES) -> HistoryJob:
    found = history.job(desk.redis, series)
    assert found
    return found


def lapse(desk: Desk) -> None:
    """What happens when nobody renews the wishes for long enough."""
    desk.redis.delete(keys.HISTORY_WISHES)


def check_whole(desk: Desk, series: Series, from_ms: int) -> None:
    """Every candle that the exchange has from then on is stored, as it is there."""
    end_ms = series.interval.open_ms(desk.sim.clock.now_ms() - 3_000)
    candles = series.interval.count(from_ms, end_ms)
    assert desk.stored(series) == desk.truth(series, candles)
    desk.check(series)


def test_older_candles_are_fetched_back_to_the_time_that_is_wanted(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    desk.events.take()
    wish(desk, MINUTES, back(3_000))
    work(fetcher(desk))
    check_whole(desk, MINUTES, back(3_000))
    events = desk.events.take()
    assert {event["reason"] for event in events} == {"backfill"}
    assert [event["to"] for event in events] == sorted((e["to"] for e in events), reverse=True)
    assert history.job(desk.redis, MINUTES) is None
    pages = [one["params"] for one in desk.asked() if "startTime" not in one["params"]]
    assert len(pages) == -(-2_900 // OLDER_CANDLES)
    assert all(int(page["limit"]) <= 1_000 for page in pages)


def test_a_time_within_a_candle_is_covered_by_that_candle(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(150) + 30_000)
    work(fetcher(desk))
    check_whole(desk, MINUTES, back(150))


def test_history_ends_at_the_markets_first_candle_which_is_found_once_and_kept(desk: Desk) -> None:
    desk.sync.refresh(DAYS)
    wish(desk, DAYS, 0)
    work(fetcher(desk))
    check_whole(desk, DAYS, LISTED_MS)
    stored = history.stored(desk.redis, DAYS)
    assert (stored.earliest_ms, stored.first_ms, stored.is_whole) == (LISTED_MS, LISTED_MS, True)
    asked = len(desk.asked())
    lapse(desk)
    wish(desk, DAYS, 0)
    work(fetcher(desk))
    assert len(desk.asked()) == asked


@pytest.mark.parametrize("name", ["4h", "3d", "1w", "1M"])
def test_every_grid_is_followed_to_its_first_candle(desk: Desk, name: str) -> None:
    series = desk.sync.refresh(Series("SOLUSDT", INTERVALS[name])).series
    wish(desk, series, 0)
    one = fetcher(desk)
    work(one)
    stored = history.stored(desk.redis, series)
    assert stored.is_whole
    interval = stored.series.interval
    assert stored.earliest_ms is not None
    assert interval.is_aligned(stored.earliest_ms)
    assert stored.earliest_ms <= LISTED_MS + 6 * 3_600_000
    check_whole(desk, stored.series, stored.earliest_ms)


def test_no_more_is_stored_than_the_limit_allows(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(5_000))
    work(fetcher(desk, most=1_500))
    assert len(desk.stored(MINUTES)) == 1_500
    check_whole(desk, MINUTES, opens(desk.stored(MINUTES))[0])
    assert history.job(desk.redis, MINUTES) is None


def test_progress_is_told_while_pages_come_in(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(3_100))
    one = fetcher(desk)
    assert one.step()
    assert job(desk) == HistoryJob("running", back(3_100), back(1_097), 997, 3_000)
    assert one.step()
    assert job(desk).fetched == 2 * 997


def test_a_series_without_candles_waits_for_its_newest(desk: Desk) -> None:
    wish(desk, MINUTES, back(300))
    one = fetcher(desk)
    work(one)
    assert (job(desk).state, job(desk).detail) == ("waiting", "Its newest candles are read first.")
    assert desk.asked() == []
    desk.sync.refresh(MINUTES)
    desk.sim.clock.advance(1_000)
    work(one)
    check_whole(desk, MINUTES, back(300))


def test_nothing_more_is_asked_for_once_nobody_waits(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(5_000))
    one = fetcher(desk)
    assert one.step()
    asked = len(desk.asked())
    lapse(desk)
    assert not one.step()
    assert len(desk.asked()) == asked
    assert history.job(desk.redis, MINUTES) is None
    check_whole(desk, MINUTES, opens(desk.stored(MINUTES))[0])


def test_a_wish_that_goes_further_back_is_taken_up_by_the_same_job(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(200))
    one = fetcher(desk)
    work(one)
    wish(desk, MINUTES, back(1_400))
    wish(desk, MINUTES, back(300))
    work(one)
    check_whole(desk, MINUTES, back(1_400))


def test_several_wishes_take_turns_page_by_page(desk: Desk) -> None:
    wanted = [MINUTES, replace(MINUTES, symbol="ETHUSDT"), replace(MINUTES, symbol="SOLUSDT")]
    for series in wanted:
        desk.sync.refresh(series)
        wish(desk, series, back(3_000))
    work(fetcher(desk))
    pages = [one["params"] for one in desk.asked() if "startTime" not in one["params"]]
    order = [page["symbol"] for page in pages]
    assert all(len(set(order[at : at + 3])) == 3 for at in range(0, len(order), 3))
    for series in wanted:
        check_whole(desk, series, back(3_000))


def test_a_job_that_has_to_wait_lets_the_others_go_on(desk: Desk) -> None:
    for series in (MINUTES, HOURS):
        desk.sync.refresh(series)
        wish(desk, series, back(300, series))
    desk.sim.faults.add("server_error", path="klines", interval="1m", count=None)
    work(fetcher(desk))
    check_whole(desk, HOURS, back(300, HOURS))
    assert job(desk).state == "failed"


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("server_error", {}, "The exchange does not answer (HTTP 503); it is asked again."),
        ("rate_limit", {"retry_after": "7", "hold": 0}, "The exchange asks for a pause of 7 s."),
        ("cut", {}, "The exchange does not answer"),
        ("empty", {}, "The exchange's answer is of no use"),
        ("html", {}, "The exchange's answer is of no use"),
        ("truncate", {}, "The exchange's answer is of no use"),
        ("conflict", {}, "The exchange's answer is of no use"),
    ],
)
def test_an_answer_that_is_none_is_said_and_asked_for_again_while_somebody_waits(
    desk: Desk, kind: str, options: dict[str, Any], said: str
) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(1_500))
    one = fetcher(desk)
    assert one.step()
    desk.sim.faults.add(kind, path="klines", **options)
    assert one.step()
    assert (job(desk).state, job(desk).fetched) == ("failed", 997)
    assert job(desk).detail.startswith(said)
    assert not one.step()
    desk.sim.clock.advance(61_000)
    desk.sync.refresh(MINUTES)
    work(one)
    check_whole(desk, MINUTES, back(1_500))


def test_a_gap_within_the_history_is_crossed_and_its_reason_kept(desk: Desk) -> None:
    start_ms, end_ms = back(3_000), back(400)
    desk.sim.faults.add("gap", start_ms=start_ms, end_ms=end_ms)
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(3_300))
    work(fetcher(desk))
    found = opens(desk.stored(MINUTES))
    assert found[0] <= back(3_300)
    assert not [open_ms for open_ms in found if start_ms <= open_ms < end_ms]
    (gap,) = gaps.standing(desk.redis, MINUTES)
    assert (gap.start_ms, gap.end_ms, gap.reason) == (start_ms, end_ms, "maintenance")
    asked = len(desk.asked())
    assert not desk.sync.fill(MINUTES)
    assert len(desk.asked()) == asked
    desk.check(MINUTES)


def test_an_answer_that_goes_on_from_nothing_known_is_not_stored(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(500))
    one, before = fetcher(desk), desk.stored(MINUTES)
    history.keep_first(desk.redis, MINUTES, MINUTES.interval.open_ms(LISTED_MS))
    desk.sim.faults.add("stale", path="klines", lag_ms=DAY_MS)
    assert one.step()
    assert desk.stored(MINUTES) == before
    assert job(desk).state == "failed"
    desk.sim.clock.advance(61_000)
    desk.sync.refresh(MINUTES)
    work(one)
    check_whole(desk, MINUTES, back(500))


def test_an_answer_of_another_market_is_held_back(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(500))
    before = desk.stored(MINUTES)
    for open_ms in opens(before)[:3]:
        changes = dict.fromkeys(("open", "high", "low", "close"), "7.00000000")
        desk.sim.faults.add(
            "correction", symbol="BTCUSDT", interval="1m", open_ms=open_ms, changes=changes
        )
    assert fetcher(desk).step()
    assert desk.stored(MINUTES) == before
    assert job(desk).state == "failed"
    (held,) = quarantine.read(desk.redis, MINUTES)
    assert (held.reason, held.by) == ("foreign", "history")


def test_a_full_redis_costs_no_candle_and_leaves_no_hole(sim: SimServer, tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server, server.client() as redis:
        desk = Desk(sim, redis, server.url)
        desk.sync.refresh(MINUTES)
        wish(desk, MINUTES, back(3_000))
        one = fetcher(desk)
        redis.config_set("maxmemory", 1)
        assert not one.step()
        redis.config_set("maxmemory", 0)
        assert len(desk.stored(MINUTES)) == 100
        wish(desk, MINUTES, back(3_000))
        work(one)
        check_whole(desk, MINUTES, back(3_000))


def test_a_first_candle_that_is_newer_than_one_stored_is_not_believed(desk: Desk) -> None:
    desk.sync.refresh(DAYS)
    history.keep_first(desk.redis, DAYS, opens(desk.stored(DAYS))[50])
    assert history.stored(desk.redis, DAYS).first_ms is None
    wish(desk, DAYS, 0)
    work(fetcher(desk))
    check_whole(desk, DAYS, LISTED_MS)
    assert history.stored(desk.redis, DAYS).is_whole


def test_what_history_may_take_leaves_the_reserve_to_closing_candles(
    desk: Desk, sim: SimServer
) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(1_000))
    deep = RestClient(
        sim.rest_url,
        desk.budget,
        reserve=RESERVE,
        pace=RequestPacer(1_000),
        sleep=desk.sleeps.append,
        now_ms=sim.clock.now_ms,
    )
    one, asked = fetcher(desk, rest=deep), len(desk.asked())
    assert desk.budget.take(LIMIT_PER_MINUTE - RESERVE - 2, sim.clock.now_ms()) == 0
    assert one.step()
    assert job(desk).state == "waiting"
    assert len(desk.asked()) == asked
    assert desk.sync.refresh(MINUTES).has_arrived
    assert len(desk.asked()) == asked + 1
    sim.clock.advance(2 * MINUTE_MS)
    desk.sync.refresh(MINUTES)
    work(one)
    check_whole(desk, MINUTES, back(1_000))


def test_a_close_is_read_while_a_page_of_history_is_under_way(
    desk: Desk, running: Callable[[HistoryFetcher], None]
) -> None:
    """The page is not answered at all; more than one at a time is never asked for."""
    wanted = [replace(MINUTES, symbol=name) for name in ("ETHUSDT", "SOLUSDT")]
    for series in (MINUTES, *wanted):
        desk.sync.refresh(series)
    asked = len(desk.asked())
    for series in wanted:
        desk.sim.faults.add("timeout", path="klines", symbol=series.symbol, count=None)
        wish(desk, series, back(5_000))
    running(fetcher(desk))
    wait_for(lambda: len(desk.asked()) > asked, what="a page that is not answered")
    desk.sim.clock.advance(MINUTE_MS)
    assert desk.sync.refresh(MINUTES).has_arrived
    assert len(desk.asked()) == asked + 2
    assert len([one for one in desk.asked() if not one["status"]]) <= 1


@pytest.fixture
def running(desk: Desk) -> Iterator[Callable[[HistoryFetcher], None]]:
    """Runs a fetcher in a thread until the test is over."""
    stop, threads = threading.Event(), list[threading.Thread]()

    def run(one: HistoryFetcher) -> None:
        threads.append(threading.Thread(target=one.run, args=(stop,)))
        threads[-1].start()

    yield run
    stop.set()
    desk.rest.close()
    for thread in threads:
        thread.join()


def test_another_fetcher_goes_on_where_the_first_was_killed(desk: Desk) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(3_100))
    assert fetcher(desk).step()
    two = fetcher(desk)
    assert two.step()
    assert (job(desk).fetched, job(desk).expected) == (2 * 997, 3_000)
    work(two)
    check_whole(desk, MINUTES, back(3_100))


def test_a_fetcher_killed_between_the_parts_of_a_page_leaves_no_hole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(1_097))
    run, calls = official.UPSERT.run, list[Any]()

    def killed(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run(*given)

    monkeypatch.setattr(official.UPSERT, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        fetcher(desk).step()
    assert len(desk.stored(MINUTES)) > 100
    check_whole(desk, MINUTES, opens(desk.stored(MINUTES))[0])
    work(fetcher(desk))
    check_whole(desk, MINUTES, back(1_097))


def test_a_fetcher_that_does_not_lead_any_more_writes_nothing(
    desk: Desk, redis: redis_py.Redis, redis_url: str
) -> None:
    class Jobs:
        def start_jobs(self) -> None: ...
        def stop_jobs(self) -> None: ...

    one, two = FetcherLeadership(redis), FetcherLeadership(redis)
    one.renew(Jobs())
    settings, now_ms = Settings(redis_url=redis_url, history_candles=100), desk.sim.clock.now_ms
    writers = (
        OfficialWriter(
            redis, Publisher(redis_url), settings.settle_ms, now_ms, each.fence, seal_after=0
        )
        for each in (one, two)
    )
    first, second = (
        SeriesSync(settings, redis, desk.rest, desk.rest, writer, now_ms) for writer in writers
    )
    first.refresh(MINUTES)
    wish(desk, MINUTES, back(1_500))
    before, asked = desk.stored(MINUTES), len(desk.asked())
    one.release()
    two.renew(Jobs())
    with pytest.raises(StaleWriter):
        one.fence()
    assert fetcher(desk, writer=first.writer).step()
    assert not fetcher(desk, writer=first.writer, is_leading=one.is_leading).step()
    assert (desk.stored(MINUTES), len(desk.asked())) == (before, asked)
    work(fetcher(desk, writer=second.writer, is_leading=two.is_leading))
    check_whole(desk, MINUTES, back(1_500))


def test_without_redis_nothing_is_asked_for_and_it_goes_on_when_redis_is_back(
    desk: Desk, redis_server: RedisProc
) -> None:
    desk.sync.refresh(MINUTES)
    wish(desk, MINUTES, back(1_500))
    one = fetcher(desk, redis=connect(redis_server.url, timeout_s=0.1))
    assert one.step()
    asked = len(desk.asked())
    redis_server.freeze()
    try:
        assert not one.step()
        assert len(desk.asked()) == asked
    finally:
        redis_server.thaw()
    wish(desk, MINUTES, back(1_500))
    work(one)
    check_whole(desk, MINUTES, back(1_500))


def test_deep_history_costs_the_close_not_one_command_more(desk: Desk) -> None:
    """By what Redis does for a close: the same at a hundred candles and at ten thousand."""

    def commands_of_a_close() -> int:
        before: Any = desk.redis.info("stats")
        assert desk.sync.refresh(MINUTES).has_arrived
        after: Any = desk.redis.info("stats")
        return int(after["total_commands_processed"]) - int(before["total_commands_processed"])

    desk.sync.refresh(MINUTES)
    desk.sim.clock.advance(MINUTE_MS)
    desk.sync.refresh(MINUTES)
    desk.sim.clock.advance(MINUTE_MS)
    shallow = commands_of_a_close()
    wish(desk, MINUTES, back(10_000))
    work(fetcher(desk))
    asked = len(desk.asked())
    desk.sim.clock.advance(MINUTE_MS)
    assert commands_of_a_close() <= shallow
    assert not desk.sync.fill(MINUTES)
    assert len(desk.asked()) == asked + 1


def test_what_is_wished_for_is_taken_up_as_soon_as_it_is_called(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a fetcher of older candles that has looked once and would never look again by itself,
    when there is a wish and it is woken, then it begins.
    """
    monkeypatch.setattr(history_jobs, "LOOK_S", math.inf)
    desk.sync.refresh(MINUTES)
    desk.redis.config_resetstat()
    one, stop = fetcher(desk), threading.Event()
    thread = threading.Thread(target=one.run, args=(stop,), daemon=True)
    thread.start()
    try:
        wait_for(lambda: "cmdstat_hgetall" in desk.redis.info("commandstats"), what="its look")
        wish(desk, MINUTES, back(2_000))
        one.wake()
        wait_for(lambda: history.job(desk.redis, MINUTES), what="its job")
    finally:
        stop.set()
        thread.join(60)
