"""`/markets`: any market the exchange lists is followed and left, and every part goes by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import requests
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from redis import Redis

from tests.support.driven_fetcher import Desk
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.web_app import HOURLY, Browser, build, issue, said, store_hours
from tests.support.web_process import Web
from truecandle.binance.clock import ExchangeClock
from truecandle.candles.instrument import Instrument
from truecandle.config import Settings
from truecandle.fetcher import FetchScheduler, SymbolRegistry
from truecandle.sim.server import SimServer
from truecandle.store import markets as kept
from truecandle.store import pages
from truecandle.store.accounts import Accounts
from truecandle.store.markets import MARKETS_MAX, FollowedMarket
from truecandle.web import followed_markets as markets
from truecandle.web.rate_limit import FOLLOWS

OTHER = "币安人生USDT"


@pytest.fixture(scope="module")
def sim() -> Iterator[SimServer]:
    with SimServer(("BTCUSDT", "ETHUSDT", "DOGEUSDT", "PEPEUSDT", OTHER)) as server:
        yield server


@pytest.fixture
def fetcher(sim: SimServer, redis: Redis, redis_url: str) -> Iterator[SimServer]:
    """The fetcher's registry, at work in a thread; its exchange."""
    sim.faults.clear()
    desk, stop = Desk(sim, redis, redis_url), threading.Event()
    scheduler: Any = BackgroundScheduler(timezone=UTC)
    jobs = FetchScheduler(scheduler, Settings(), desk.sync, ExchangeClock(), stop, lambda: True)
    registry = SymbolRegistry(redis, desk.rest, jobs, sim.clock.now_ms, ("BTCUSDT", "ETHUSDT"))
    working = threading.Thread(target=registry.run, args=(stop,))
    working.start()
    yield sim
    stop.set()
    working.join()


def followed(browser: Browser) -> dict[str, dict[str, Any]]:
    rows = said(browser.get("/markets"))["markets"]
    return {row["symbol"]: row for row in rows}


def add(browser: Browser, symbol: str) -> Any:
    return browser.post("/markets", {"symbol": symbol})


def remove(browser: Browser, symbol: str) -> Any:
    headers = {"X-CSRFToken": browser.csrf()}
    return browser.client.delete(f"/markets/{symbol}", headers=headers)


def test_the_first_markets_are_those_of_the_settings(ann: Browser) -> None:
    answer = ann.get("/markets")
    assert said(answer)["max"] == MARKETS_MAX
    assert list(followed(ann)) == ["BTCUSDT", "ETHUSDT"]
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_a_listed_market_is_followed_with_its_steps(ann: Browser, fetcher: SimServer) -> None:
    assert ann.get("/data?symbol=PEPEUSDT&interval=1h").status_code == 404
    answer = add(ann, "PEPEUSDT")
    assert answer.status_code == 201, answer.text
    row = json.loads(answer.text, parse_float=str)
    assert (row["symbol"], row["status"]) == ("PEPEUSDT", "TRADING")
    assert (row["tick_size"], row["step_size"]) == ("0.00000001", 1)
    assert (row["base"], row["quote"]) == ("PEPE", "USDT")
    assert list(followed(ann)) == ["BTCUSDT", "ETHUSDT", "PEPEUSDT"]
    assert ann.get("/data?symbol=PEPEUSDT&interval=1h").status_code == 200
    assert add(ann, "PEPEUSDT").status_code == 200


def test_a_token_that_may_write_is_enough(app: Flask, redis: Redis, fetcher: SimServer) -> None:
    client, headers = app.test_client(), issue(redis, "write")
    assert client.post("/markets", json={"symbol": OTHER}, headers=headers).status_code == 201
    assert client.get(f"/data?symbol={OTHER}&interval=1h", headers=headers).status_code == 200
    assert client.delete(f"/markets/{OTHER}", headers=headers).status_code == 204
    assert client.get(f"/data?symbol={OTHER}&interval=1h", headers=headers).status_code == 404


def test_a_market_that_the_exchange_does_not_list_is_named(
    ann: Browser, fetcher: SimServer
) -> None:
    answer = add(ann, "NOSUCHUSDT")
    assert (answer.status_code, said(answer)["code"]) == (422, "not-listed")
    assert "NOSUCHUSDT" in said(answer)["detail"]
    assert "NOSUCHUSDT" not in followed(ann)


def test_a_market_that_does_not_trade_is_followed_and_marked(
    ann: Browser, fetcher: SimServer
) -> None:
    fetcher.faults.add("listing", symbol="DOGEUSDT", status="BREAK")
    assert add(ann, "DOGEUSDT").status_code == 201
    assert followed(ann)["DOGEUSDT"]["status"] == "BREAK"


def test_a_market_that_is_left_keeps_its_candles(ann: Browser, redis: Redis) -> None:
    store_hours(redis, 3)
    assert remove(ann, "BTCUSDT").status_code == 204
    assert list(followed(ann)) == ["ETHUSDT"]
    answer = ann.get("/data?symbol=BTCUSDT&interval=1h")
    assert (answer.status_code, said(answer)["code"]) == (404, "unknown-market")
    assert len(pages.latest(redis, HOURLY, 10)) == 3
    kept.follow(redis, FollowedMarket(Instrument("BTCUSDT")))
    wait_for(
        lambda: ann.get("/data?symbol=BTCUSDT&interval=1h").status_code == 200, what="it again"
    )


def test_the_last_market_stays(ann: Browser) -> None:
    assert remove(ann, "BTCUSDT").status_code == 204
    answer = remove(ann, "ETHUSDT")
    assert (answer.status_code, said(answer)["code"]) == (409, "last-market")


def test_no_more_than_the_bound_are_followed(ann: Browser, redis: Redis) -> None:
    for number in range(MARKETS_MAX - 2):
        kept.follow(redis, FollowedMarket(Instrument(f"S{number}")))
    answer = add(ann, "DOGEUSDT")
    assert (answer.status_code, said(answer)["code"]) == (409, "full")
    assert str(MARKETS_MAX) in said(answer)["detail"]


def test_without_a_fetcher_the_wait_ends_and_says_so(
    ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markets, "WAIT_S", 0.3)
    answer = add(ann, "DOGEUSDT")
    assert (answer.status_code, said(answer)["code"]) == (503, "unchecked")
    assert int(answer.headers["Retry-After"]) > 0
    assert "DOGEUSDT" not in followed(ann)


def test_while_the_exchange_is_away_it_says_so(ann: Browser, fetcher: SimServer) -> None:
    wait_for(lambda: followed(ann)["BTCUSDT"]["status"], what="the first look")
    fetcher.faults.add("server_error", path="exchangeInfo", count=5)
    answer = add(ann, "DOGEUSDT")
    assert (answer.status_code, said(answer)["code"]) == (503, "unchecked")
    assert "did not answer" in said(answer)["detail"]


def test_while_a_symbol_is_looked_up_the_process_serves_others(
    processes: Roles, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    web, headers = Web(processes, redis_url, tmp_path), issue(redis, "write")
    answers: list[int] = []

    def ask() -> None:
        body = {"symbol": "DOGEUSDT"}
        url = f"{web.url}/markets"
        answers.append(requests.post(url, json=body, headers=headers, timeout=20).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: kept.look(redis, ())[1], what="the wish")
    assert web.get("/healthz").status_code == 200
    assert web.get("/markets", headers=headers).status_code == 200
    assert answers == [], "it waits for the fetcher still"
    kept.answer_lookup(redis, "DOGEUSDT", kept.LookupResult(Instrument("DOGEUSDT", "TRADING")))
    asking.join(20)
    assert answers == [201]


def test_one_user_asks_for_so_many_new_symbols_a_minute(
    ann: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markets, "WAIT_S", 0.0)
    found = [add(ann, f"S{number}").status_code for number in range(FOLLOWS.amount + 1)]
    assert found == [503] * FOLLOWS.amount + [429]


def test_the_page_knows_the_followed_markets_and_their_steps(ann: Browser, redis: Redis) -> None:
    listing = Instrument("PEPEUSDT", "BREAK", "PEPE", "USDT", "0.00000001", "1")
    kept.follow(redis, FollowedMarket(listing, 5, 5))
    wait_for(lambda: "PEPEUSDT" in followed(ann), what="the new market")
    page = ann.get("/?symbol=PEPEUSDT&interval=1h").text
    start = page.index('id="config">') + len('id="config">')
    config = json.loads(page[start : page.index("</script>", start)])
    assert config["symbols"] == ["BTCUSDT", "ETHUSDT", "PEPEUSDT"]
    assert config["symbol"] == "PEPEUSDT"
    row = config["markets"][-1]
    assert (row["tick_size"], row["step_size"], row["status"]) == ("0.00000001", 1, "BREAK")


def test_the_page_is_there_while_redis_is_away(settings: Settings, tmp_path: Path) -> None:
    with RedisProc(tmp_path) as server:
        app = build(settings, redis_url=server.url, public_reads=True)
        server.stop()
        client = app.test_client()
        assert client.get("/").status_code == 200
        assert client.get("/data?symbol=BTCUSDT&interval=1h").status_code == 503
        assert client.get("/markets").status_code == 503


def test_a_trader_follows_up_to_the_quota_and_unfollows_his_own_only(
    settings: Settings, browser: Browser, redis: Redis, fetcher: SimServer
) -> None:
    Accounts(redis).set_role("ann", "trader")
    trader = Browser(build(settings, follows_per_user=1))
    trader.post("/login/link", {"link": Accounts(redis).add_link("ann")})
    assert said(add(trader, "DOGEUSDT"))["may_unfollow"] is True
    answer = add(trader, "PEPEUSDT")
    assert (answer.status_code, said(answer)["code"]) == (409, "quota")
    assert "You follow 1" in said(answer)["detail"]
    assert add(trader, "BTCUSDT").status_code == 200, "it is followed already"
    mine = {symbol for symbol, row in followed(trader).items() if row["may_unfollow"]}
    assert mine == {"DOGEUSDT"}
    answer = remove(trader, "BTCUSDT")
    assert (answer.status_code, said(answer)["code"]) == (403, "role")
    assert remove(trader, "DOGEUSDT").status_code == 204
    assert add(trader, "PEPEUSDT").status_code == 201


def test_an_admin_may_unfollow_everything_and_a_reader_nothing(
    app: Flask, ann: Browser, redis: Redis
) -> None:
    assert all(row["may_unfollow"] for row in followed(ann).values())
    for scope, may in (("write", True), ("read", False)):
        headers = issue(redis, "write" if scope == "write" else "read")
        rows = said(app.test_client().get("/markets", headers=headers))["markets"]
        assert {row["may_unfollow"] for row in rows} == {may}
    Accounts(redis).set_role("ann", "viewer")
    assert not any(row["may_unfollow"] for row in followed(ann).values())
