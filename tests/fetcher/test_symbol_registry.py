"""The fetcher and its markets: what Redis says is followed, what the exchange says of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from redis import Redis

from tests.support.driven_fetcher import NOW_MS, Desk
from truecandle.binance.clock import ExchangeClock
from truecandle.binance.rest.parsing import parse_instruments
from truecandle.candles.instrument import UNLISTED
from truecandle.candles.interval import HOUR_MS
from truecandle.candles.series import parse_series
from truecandle.config import Settings
from truecandle.fetcher import FetchScheduler, SymbolRegistry
from truecandle.fetcher.symbol_registry import CHECK_MS, PAUSE_MS, UNLISTED_MS
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import exchange_list, history, keys, markets
from truecandle.store.history import HistoryWish
from truecandle.store.markets import FollowedMarket, LookupResult

OTHER = "币安人生USDT"
LISTED = ("BTCUSDT", "ETHUSDT", "PEPEUSDT", "DOGEUSDT", OTHER)
START = ("BTCUSDT", "ETHUSDT")


class Office:
    """A fetcher's registry, ticked by hand; its scheduler never runs a job."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.leads = desk, True
        self._before = len(desk.asked("exchangeInfo"))
        settings = Settings(symbols=START, intervals=("1m",))
        self.clock = clock = ExchangeClock()
        clock.measure(desk.rest)
        self.scheduler: Any = BackgroundScheduler(timezone=UTC)
        self.scheduler.start(paused=True)
        self.fetch_jobs = FetchScheduler(
            self.scheduler, settings, desk.sync, clock, threading.Event(), lambda: self.leads
        )
        self.fetch_jobs.stop_jobs()
        now_ms = desk.sim.clock.now_ms
        self.history, self.list = threading.Event(), threading.Event()
        self.registry = SymbolRegistry(
            desk.redis, desk.rest, self.fetch_jobs, now_ms, settings.symbols, self.history.set,
            self.list.set,
        )  # fmt: skip

    @property
    def jobs(self) -> set[str]:
        return {job.id for job in self.scheduler.get_jobs()} - {"history"}

    def advance(self, ms: int) -> None:
        self.desk.sim.clock.advance(ms)
        self.clock.measure(self.desk.rest)

    def asked(self) -> list[str]:
        found = self.desk.asked("exchangeInfo")[self._before :]
        return [request["params"]["symbols"] for request in found]

    def statuses(self) -> dict[str, str]:
        found = markets.followed(self.desk.redis)
        return {market.symbol: market.instrument.status for market in found}


@pytest.fixture(scope="module")
def exchange() -> Iterator[SimServer]:
    with SimServer(LISTED, clock=SimulatedClock(NOW_MS, speed=0)) as server:
        yield server


@pytest.fixture
def office(exchange: SimServer, redis: Redis, redis_url: str) -> Iterator[Office]:
    exchange.clock.set(NOW_MS)
    exchange.faults.clear()
    one = Office(Desk(exchange, redis, redis_url))
    yield one
    one.scheduler.shutdown(wait=False)


def follow(office: Office, symbol: str) -> None:
    listing = office.desk.rest.instruments([symbol]).instruments[0]
    assert markets.follow(office.desk.redis, FollowedMarket(listing, NOW_MS, NOW_MS)) == "added"


def test_settings_are_only_the_start(office: Office) -> None:
    office.registry.update()
    follow(office, "DOGEUSDT")
    markets.unfollow(office.desk.redis, "BTCUSDT")
    again = Office(office.desk)
    again.registry.update()
    assert [market.symbol for market in again.fetch_jobs.pollers] == ["ETHUSDT", "DOGEUSDT"]
    again.scheduler.shutdown(wait=False)


def test_a_new_market_gets_its_job_and_the_others_keep_theirs(office: Office) -> None:
    office.registry.update()
    office.fetch_jobs.start_jobs()
    before = {job.id: job.trigger for job in office.scheduler.get_jobs()}
    first = office.fetch_jobs.pollers[0]
    follow(office, "PEPEUSDT")
    office.registry.update()
    assert office.jobs == {*START, "PEPEUSDT"}
    after = {job.id: job.trigger for job in office.scheduler.get_jobs()}
    assert {name: after[name] for name in before} == before
    assert office.fetch_jobs.pollers[0] is first


def test_a_market_that_is_left_loses_its_job_and_keeps_its_candles(office: Office) -> None:
    office.registry.update()
    office.fetch_jobs.start_jobs()
    office.fetch_jobs.pollers[0].poll()
    stored = office.desk.redis.zcard("klines_z:BTCUSDT:1m")
    assert stored
    markets.unfollow(office.desk.redis, "BTCUSDT")
    office.registry.update()
    assert office.jobs == {"ETHUSDT"}
    assert office.desk.redis.zcard("klines_z:BTCUSDT:1m") == stored


def test_who_does_not_lead_knows_the_markets_and_asks_nothing(office: Office) -> None:
    office.leads = False
    follow(office, "DOGEUSDT")
    markets.followed(office.desk.redis, START)
    markets.request_lookup(office.desk.redis, "PEPEUSDT")
    asked = len(office.asked())
    office.registry.update()
    assert [market.symbol for market in office.fetch_jobs.pollers] == ["DOGEUSDT"]
    assert (office.jobs, len(office.asked())) == (set(), asked)
    assert markets.look(office.desk.redis, ()).wished == ["PEPEUSDT"]


def test_a_wish_is_answered_with_what_the_exchange_lists(office: Office) -> None:
    for symbol in ("PEPEUSDT", "NOSUCH", OTHER):
        markets.request_lookup(office.desk.redis, symbol)
    office.registry.update()
    answer = markets.lookup_result(office.desk.redis, "PEPEUSDT")
    assert answer and answer.instrument
    assert (answer.instrument.tick_size, answer.instrument.step_size) == ("0.00000001", "1")
    assert (answer.instrument.base, answer.instrument.quote) == ("PEPE", "USDT")
    assert markets.lookup_result(office.desk.redis, "NOSUCH") == LookupResult(None)
    other = markets.lookup_result(office.desk.redis, OTHER)
    assert other and other.instrument and other.instrument.symbol == OTHER


def test_a_wish_while_the_exchange_is_away_is_told_to_come_again(office: Office) -> None:
    office.registry.update()
    office.desk.sim.faults.add("server_error", path="exchangeInfo", count=1)
    markets.request_lookup(office.desk.redis, "PEPEUSDT")
    office.registry.update()
    answer = markets.lookup_result(office.desk.redis, "PEPEUSDT")
    assert answer and answer.instrument is None and answer.wait_ms > 0


def test_all_markets_are_looked_up_in_one_request_and_then_rarely(office: Office) -> None:
    for _ in range(3):
        office.registry.update()
    assert office.asked() == ['["BTCUSDT","ETHUSDT"]']
    assert office.statuses() == {"BTCUSDT": "TRADING", "ETHUSDT": "TRADING"}
    office.desk.sim.clock.advance(CHECK_MS)
    office.registry.update()
    assert len(office.asked()) == 2


def test_a_market_that_stops_trading_is_marked_and_still_followed(office: Office) -> None:
    office.registry.update()
    office.desk.sim.faults.add("listing", symbol="ETHUSDT", status="HALT")
    office.desk.sim.clock.advance(CHECK_MS)
    office.registry.update()
    assert office.statuses() == {"BTCUSDT": "TRADING", "ETHUSDT": "HALT"}
    assert [market.symbol for market in office.fetch_jobs.pollers] == list(START)
    office.desk.sim.faults.clear()
    office.desk.sim.clock.advance(CHECK_MS)
    office.registry.update()
    assert office.statuses()["ETHUSDT"] == "TRADING"


def test_a_delisted_market_is_found_among_the_others_and_spoils_nothing(office: Office) -> None:
    for symbol in ("PEPEUSDT", "DOGEUSDT"):
        markets.followed(office.desk.redis, START)
        follow(office, symbol)
    office.registry.update()
    step = markets.followed(office.desk.redis)[2].instrument.step_size
    asked = len(office.asked())
    office.desk.sim.faults.add("listing", symbol="PEPEUSDT", status=None)
    office.desk.sim.clock.advance(CHECK_MS)
    office.registry.update()
    statuses = office.statuses()
    assert statuses.pop("PEPEUSDT") == UNLISTED
    assert set(statuses.values()) == {"TRADING"}
    assert len(office.asked()) - asked <= 5  # all, two halves, two singles
    assert markets.followed(office.desk.redis)[2].instrument.step_size == step
    asked = len(office.asked())
    office.desk.sim.clock.advance(CHECK_MS)
    office.registry.update()
    assert len(office.asked()) == asked + 1, "the others are asked for without it"
    office.desk.sim.faults.clear()
    office.desk.sim.clock.advance(UNLISTED_MS)
    for _ in range(2):
        office.registry.update()
    assert office.statuses()["PEPEUSDT"] == "TRADING"


def test_a_market_that_is_listed_again_is_visited_at_once(office: Office) -> None:
    office.registry.update()
    office.fetch_jobs.start_jobs()
    market = office.fetch_jobs.pollers[1]
    market.poll()
    office.desk.sim.faults.add("listing", symbol="ETHUSDT", status=None)
    office.advance(CHECK_MS)
    market.poll()
    assert market.is_unknown
    office.registry.update()
    assert market.next_ms() > office.clock.now_ms() + UNLISTED_MS / 2
    assert office.desk.redis.zcard("klines_z:ETHUSDT:1m")
    office.desk.sim.faults.clear()
    office.advance(UNLISTED_MS - 1_000)
    office.registry.update()
    assert market.is_unknown, "not looked up yet"
    office.advance(1_000)
    for _ in range(2):
        office.registry.update()
    assert office.statuses()["ETHUSDT"] == "TRADING"
    assert market.next_ms() <= office.clock.now_ms()


def test_a_failing_exchange_is_asked_again_only_after_a_pause(office: Office) -> None:
    office.desk.sim.faults.add("server_error", path="exchangeInfo", count=100)
    for _ in range(5):
        office.registry.update()
    assert len(office.asked()) == 1
    assert office.statuses() == {"BTCUSDT": "", "ETHUSDT": ""}


def test_nothing_that_redis_holds_or_lacks_ends_the_roster(office: Office) -> None:
    office.desk.redis.set(keys.MARKETS, "foreign")
    office.registry.update()
    assert [market.symbol for market in office.fetch_jobs.pollers] == list(START)
    office.desk.redis.delete(keys.MARKETS)
    office.registry.update()
    assert list(office.statuses()) == list(START)


def test_an_answer_about_other_symbols_is_no_answer(office: Office) -> None:
    body = '{"symbols":[{"symbol":"XRPUSDT","status":"TRADING","baseAsset":"XRP","quoteAsset":"USDT","filters":[]}]}'  # noqa: E501
    office.desk.sim.faults.add("status", path="exchangeInfo", status=200, body=body)
    markets.request_lookup(office.desk.redis, "DOGEUSDT")
    office.registry.update()
    answer = markets.lookup_result(office.desk.redis, "DOGEUSDT")
    assert answer and answer.instrument is None and answer.wait_ms > 0


def test_a_listing_without_steps_is_one_all_the_same() -> None:
    row = '{"symbol":"ABUSDT","status":"BREAK","baseAsset":"AB","quoteAsset":"USDT","filters":%s}'
    filters = '[{"filterType":"PRICE_FILTER","tickSize":"0.00000000"}]'
    for given in ("[]", filters):
        ((found,), *_) = parse_instruments(('{"symbols":[' + row % given + "]}").encode())
        assert (found.tick_size, found.step_size) == ("", "")
        assert replace(found, status="").fields["tick_size"] is None


def test_one_odd_symbol_among_the_others_spoils_itself_only(office: Office) -> None:
    """It is not taken for one that the exchange does not list, and is looked up again soon."""
    office.registry.update()
    assert set(office.statuses().values()) == {"TRADING"}
    office.advance(CHECK_MS)
    office.desk.sim.faults.add("listing", symbol="ETHUSDT", status="BREAK", for_ms=HOUR_MS)
    office.desk.sim.faults.add("odd_listing", row=0)
    office.registry.update()
    assert office.statuses() == {"BTCUSDT": "TRADING", "ETHUSDT": "BREAK"}
    asked = len(office.asked())
    office.registry.update()
    assert len(office.asked()) == asked
    office.advance(PAUSE_MS)
    office.desk.sim.faults.add("listing", symbol="BTCUSDT", status="HALT", for_ms=HOUR_MS)
    office.registry.update()
    assert office.statuses() == {"BTCUSDT": "HALT", "ETHUSDT": "BREAK"}


def test_whoever_fetches_older_candles_is_woken_while_some_are_wished_for(office: Office) -> None:
    office.registry.update()
    assert not office.history.is_set()
    history.wish(office.desk.redis, HistoryWish(parse_series("BTCUSDT", "1m"), 0))
    office.registry.update()
    assert office.history.is_set()


def test_whoever_reads_the_exchanges_list_is_woken_while_somebody_looks_at_it(
    office: Office,
) -> None:
    office.registry.update()
    assert not office.list.is_set()
    exchange_list.ask(office.desk.redis)
    office.registry.update()
    assert office.list.is_set()
    office.list.clear()
    office.desk.redis.delete(keys.LISTED_ASKED)
    office.registry.update()
    assert not office.list.is_set()
