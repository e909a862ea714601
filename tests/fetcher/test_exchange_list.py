"""The exchange's whole list: read by the fetcher that leads, of weight that others leave over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from redis import Redis

from truecandle.binance.rate_limit import RequestPacer
from truecandle.binance.rest.client import TICKERS_WEIGHT, RestClient
from truecandle.binance.rest.parsing import parse_tickers
from truecandle.candles.instrument import Instrument
from truecandle.candles.ticker import Ticker
from truecandle.errors import MalformedAnswer
from truecandle.fetcher.exchange_list import (
    INSTRUMENTS_S,
    PAUSE_S_MAX,
    RESTING_S,
    TICKERS_S,
    ExchangeListReader,
)
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import exchange_list, keys, markets
from truecandle.store.budget import LIMIT_PER_MINUTE, RESERVE, Budget
from truecandle.store.exchange_list import ListedMarket
from truecandle.store.markets import FollowedMarket

NOW_MS = 1_773_841_062_500
LISTED = 1_500
FIELDS = (
    *("symbol", "base", "quote", "status", "price", "open", "high", "low", "volume"),
    *("quote_volume", "change"),
)


@pytest.fixture(scope="module")
def sim() -> Iterator[SimServer]:
    with SimServer(
        ["BTCUSDT", "XMRBTC"], clock=SimulatedClock(NOW_MS, speed=0), listed=LISTED
    ) as server:
        yield server


@dataclass
class Desk:
    """A reader whose seconds pass when told. `is_leading` may change."""

    sim: SimServer
    redis: Redis
    now_s: float = 1_000.0
    is_leading: bool = True

    def __post_init__(self) -> None:
        self.sim.faults.clear()
        self.sim.limits.reset()
        self.sim.exchange.rest.log.clear()
        self.budget = Budget(self.redis)
        rest = RestClient(
            self.sim.rest_url,
            self.budget,
            reserve=RESERVE,
            pace=RequestPacer(1_000),
            sleep=lambda _: None,
            now_ms=self.sim.clock.now_ms,
        )
        self.reader = ExchangeListReader(
            self.redis, rest, lambda: self.is_leading, self.sim.clock.now_ms, lambda: self.now_s
        )

    def look(self) -> None:
        """An update while somebody looks at the list."""
        self.reader.wake()
        self.reader.update()

    def asked(self) -> list[str]:
        """What was asked for so far, shortened."""
        names = [str(one["path"]).removeprefix("/api/v3/") for one in self.sim.requests()]
        return [name for name in names if name in ("exchangeInfo", "ticker/24hr")]

    def rows(self) -> dict[str, Any]:
        found = exchange_list.read(self.redis)
        assert found
        return {name: json.loads(row, parse_float=str) for name, row in found.rows.items()}


@pytest.fixture
def desk(sim: SimServer, redis: Redis) -> Desk:
    return Desk(sim, redis)


def test_the_list_holds_every_market_that_trades_with_its_24_hours(desk: Desk) -> None:
    desk.reader.update()
    rows = desk.rows()
    assert len(rows) == LISTED + 2 and list(rows) == sorted(rows)
    assert exchange_list.updated_ms(desk.redis) == NOW_MS
    row, block = rows["BTCUSDT"], desk.sim.market.day("BTCUSDT", NOW_MS)[0]
    assert tuple(row) == FIELDS and block
    assert (row["base"], row["quote"], row["status"]) == ("BTC", "USDT", "TRADING")
    assert Decimal(row["price"]) == Decimal(block.close).scaleb(-2)
    assert Decimal(row["quote_volume"]) == Decimal(block.quote).scaleb(-7)
    change = (Decimal(block.close) / block.open - 1) * 100
    assert abs(Decimal(row["change"]) - change) <= Decimal("0.0005")


def test_numbers_keep_the_exchanges_own_decimals(desk: Desk) -> None:
    desk.reader.update()
    assert desk.rows()["XMRBTC"]["price"] == "0.00" + desk.rows()["XMRBTC"]["price"][4:]
    found = exchange_list.read(desk.redis)
    assert found and b"e-" not in b"".join(found.rows.values())


def test_it_is_read_every_20_seconds_and_its_listings_every_five_minutes(desk: Desk) -> None:
    for _ in range(3):
        desk.look()
    assert desk.asked() == ["exchangeInfo", "ticker/24hr"]
    desk.now_s += TICKERS_S
    desk.look()
    assert desk.asked() == ["exchangeInfo", "ticker/24hr", "ticker/24hr"]
    desk.now_s += INSTRUMENTS_S
    desk.look()
    assert desk.asked()[3:] == ["exchangeInfo", "ticker/24hr"]


def test_while_nobody_looks_at_it_it_is_read_every_five_minutes(desk: Desk) -> None:
    desk.reader.update()
    desk.now_s += RESTING_S - 1
    desk.reader.update()
    assert desk.asked() == ["exchangeInfo", "ticker/24hr"]
    desk.now_s += 1
    desk.reader.update()
    assert desk.asked()[2:] == ["exchangeInfo", "ticker/24hr"]


def test_whoever_begins_to_look_at_it_gets_a_new_one_within_seconds(desk: Desk) -> None:
    desk.reader.update()
    desk.now_s += TICKERS_S + 1
    desk.reader.update()
    assert desk.asked() == ["exchangeInfo", "ticker/24hr"]
    desk.look()
    assert desk.asked() == ["exchangeInfo", "ticker/24hr", "ticker/24hr"]
    desk.now_s += TICKERS_S + 1
    desk.reader.update()
    assert desk.asked()[3:] == [], "nobody looks any more"


def test_only_the_fetcher_that_leads_asks(desk: Desk) -> None:
    desk.is_leading = False
    desk.reader.update()
    assert desk.asked() == [] and exchange_list.read(desk.redis) is None
    desk.is_leading = True
    desk.reader.update()
    assert len(desk.rows()) == LISTED + 2


def test_a_followed_market_is_in_it_whether_it_trades_or_not(desk: Desk) -> None:
    markets.followed(desk.redis, ["BTCUSDT"])
    listing = Instrument("AAVEUSDT", "BREAK", "AAVE", "USDT")
    for one in (listing, Instrument("GONEUSDT", "UNLISTED")):
        markets.follow(desk.redis, FollowedMarket(one, 1, 1))
    desk.sim.faults.add("listing", symbol="AAVEUSDT", status="BREAK", for_ms=1_000)
    desk.sim.faults.add("listing", symbol="1INCHUSDT", status="HALT", for_ms=1_000)
    desk.reader.update()
    rows = desk.rows()
    assert rows["AAVEUSDT"]["status"] == "BREAK" and rows["AAVEUSDT"]["price"]
    assert rows["GONEUSDT"]["status"] == "UNLISTED" and rows["GONEUSDT"]["price"] is None
    assert "1INCHUSDT" not in rows


def test_where_weight_is_short_a_reading_is_left_out(desk: Desk) -> None:
    taken = LIMIT_PER_MINUTE - RESERVE - TICKERS_WEIGHT
    assert desk.budget.take(taken, NOW_MS) == 0
    desk.reader.update()
    assert desk.asked() == ["exchangeInfo"], "the listings had fitted in still"
    assert exchange_list.read(desk.redis) is None
    assert desk.budget.take(RESERVE, NOW_MS) == 0, "what closes need is untouched"
    desk.redis.delete(keys.WEIGHT)
    desk.now_s += 61
    desk.reader.update()
    assert desk.asked() == ["exchangeInfo", "ticker/24hr"]


def test_a_failing_exchange_is_asked_less_and_less_often_whoever_looks(desk: Desk) -> None:
    desk.sim.faults.add("html", path="ticker/24hr", count=None)
    pauses, last_s = [], desk.now_s
    for _ in range(1_000):
        before = len(desk.asked())
        desk.look()
        if len(desk.asked()) > before:
            pauses.append(desk.now_s - last_s)
            last_s = desk.now_s
        desk.now_s += 5
    assert pauses[1:6] == [20, 40, 80, 160, PAUSE_S_MAX]
    desk.sim.faults.clear()
    desk.now_s += PAUSE_S_MAX
    desk.reader.update()
    assert len(desk.rows()) == LISTED + 2


def test_a_limit_of_the_exchange_is_waited_for(desk: Desk) -> None:
    desk.sim.faults.add("rate_limit", path="ticker/24hr", retry_after="90")
    desk.reader.update()
    desk.redis.delete(keys.BAN)
    for _ in range(17):
        desk.now_s += 5
        desk.reader.update()
    assert desk.asked().count("ticker/24hr") == 1
    desk.now_s += 6
    desk.reader.update()
    assert desk.asked().count("ticker/24hr") == 2


def test_it_outlives_the_fetcher_and_says_of_when_it_is(desk: Desk) -> None:
    desk.reader.update()
    ttl_s: Any = desk.redis.ttl(keys.LISTED)
    assert ttl_s > 3_600
    assert exchange_list.updated_ms(desk.redis) == NOW_MS


def test_what_is_no_list_costs_only_itself(desk: Desk) -> None:
    desk.redis.hset(keys.LISTED, mapping={"updated_at": "5", "rows": "junk\n{}\n"})
    found = exchange_list.read(desk.redis)
    assert found and (found.updated_ms, dict(found.rows)) == (5, {})
    desk.redis.delete(keys.LISTED)
    desk.redis.set(keys.LISTED, "foreign")
    desk.reader.update()
    desk.redis.delete(keys.LISTED)
    desk.now_s += TICKERS_S
    desk.reader.update()
    assert len(desk.rows()) == LISTED + 2


def test_one_odd_row_spoils_itself_only() -> None:
    good = {name: "1.50" for name in ("lastPrice", "openPrice", "highPrice", "lowPrice")}
    good |= {"symbol": "AUSDT", "volume": "2.000", "quoteVolume": "3"}
    odd: tuple[object, ...] = (
        *(None, [], "text", 5, {**good, "lastPrice": "NaN"}, {**good, "symbol": "a b"}),
        *({**good, "volume": "-1"}, {**good, "volume": None}, {"symbol": "BUSDT"}),
    )
    page = parse_tickers(json.dumps([*odd, good]).encode())
    assert page.tickers == [Ticker("AUSDT", "1.5", "1.5", "1.5", "1.5", "2", "3")]
    assert len(page.odd) == len(odd)
    for body in (b"{}", b"[1,2]", b"", b"null"):
        with pytest.raises(MalformedAnswer):
            parse_tickers(body)


@pytest.mark.parametrize(
    ("price", "opened", "change"),
    [
        ("4.002", "99", "-95.958"),
        ("1", "1", "0.000"),
        ("0.99999999", "1", "0.000"),
        ("1.000005", "1", "0.001"),
        ("", "1", ""),
        ("1", "", ""),
        ("9" * 20, "0." + "0" * 17 + "1", "9" * 19 + "8" + "9" * 17 + "900.000"),
    ],
)
def test_a_change_is_rounded_as_the_exchange_rounds(price: str, opened: str, change: str) -> None:
    found = Ticker("AUSDT", price, opened, "2", "1", "0", "0").change
    assert found == change


def test_a_market_without_a_trade_has_no_price() -> None:
    row = {name: "0.00000000" for name in ("lastPrice", "openPrice", "highPrice", "lowPrice")}
    row |= {"symbol": "AUSDT", "volume": "0.00", "quoteVolume": "0.00"}
    (found,) = parse_tickers(json.dumps([row]).encode()).tickers
    text = ListedMarket(Instrument("AUSDT", "TRADING", "A", "USDT"), found).to_json()
    assert json.loads(text)["price"] is json.loads(text)["change"] is None
    assert json.loads(text)["volume"] == 0
