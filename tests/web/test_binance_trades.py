"""`/api/v3/aggTrades`: whole from where it was asked, or refused in words.

Never here: the exchange's clients (`tests/e2e/test_programs.py`).
Invariant: the exchange's own answer to the same question is what is compared with.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from redis import Redis

from tests.support.signs_of_life import spoke
from tests.support.sim_time import NOW_MS
from tests.support.web_app import Browser, Time, build, issue
from truecandle.binance.validators import agg_trade
from truecandle.config import Settings
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.market import simulated
from truecandle.sim.wire import aggregate
from truecandle.store import agg_trades, markets
from truecandle.store.shared_settings import told
from truecandle.web.api_schemas import PARTS
from truecandle.web.json_schema import listed

KEPT = 60


@pytest.fixture(scope="module")
def published() -> list[dict[str, Any]]:
    """The newest trades, as the exchange answers."""
    market = simulated(seed=7, symbols=["BTCUSDT"], clock=SimulatedClock(NOW_MS, speed=0))
    course = market.course("BTCUSDT")
    found = [*course.prints(NOW_MS - 60_000, NOW_MS + 1)][-KEPT:]
    return [aggregate(one, course.listing, 1) for one in found]


def keep(redis: Redis, rows: list[dict[str, Any]]) -> None:
    trades = [agg_trade({**row, "s": "BTCUSDT", "E": row["T"]}) for row in rows]
    some = {"BTCUSDT": [*map(agg_trades.row_of, trades)]}
    agg_trades.keep(redis, some, KEPT, {"BTCUSDT": 1})


def test_trades_are_the_exchanges_and_what_is_not_kept_is_said(
    redis: Redis, settings: Settings, published: list[dict[str, Any]]
) -> None:
    markets.followed(redis, settings.symbols)
    browser, token = Browser(build(settings, Time(NOW_MS), trades_kept=KEPT)), issue(redis)

    def ask(query: str = "", **headers: str) -> Any:
        path = f"/api/v3/aggTrades?symbol=BTCUSDT{query}"
        return browser.get(path, **token, **headers).get_json()

    assert ask()["code"] == -1001, "nothing yet"
    spoke(redis, "feed@one", 0, told(settings))
    never = ask()
    assert (never["code"], "TRADES_KEPT is 0 for the feed, not" in never["msg"]) == (-5000, True)
    spoke(redis, "feed@one", 0, told(replace(settings, trades_kept=KEPT)))
    assert ask()["code"] == -1001, "nothing yet"
    keep(redis, published)
    oldest, middle = published[0], published[KEPT // 2]
    assert ask() == ask(f"&endTime={NOW_MS}") == published
    judge = Draft202012Validator(listed(PARTS["AggTrade"]))
    assert [error.message for error in judge.iter_errors(ask())] == []
    assert ask("&limit=3") == published[-3:]
    assert ask(f"&fromId={middle['a']}&limit=4") == published[KEPT // 2 :][:4]
    assert ask(f"&fromId={published[-1]['a'] + 1}") == []
    later = [row for row in published if row["T"] >= middle["T"]]
    assert ask(f"&startTime={middle['T']}") == later
    assert ask(f"&startTime={middle['T'] * 1000}&limit=2") == later[:2]
    assert ask(f"&startTime={middle['T']}&endTime={middle['T'] - 1}") == []
    [fine] = ask("&limit=1", **{"X-MBX-TIME-UNIT": "MICROSECOND"})
    assert fine == {**published[-1], "T": published[-1]["T"] * 1000}
    for query, code, why in (
        (f"&fromId={oldest['a'] - 1}", -1130, f"from id {oldest['a']} on"),
        (f"&startTime={oldest['T']}", -1130, f"after {oldest['T']} ms"),
        (f"&endTime={oldest['T'] - 1}", -1130, "'endTime'"),
        (f"&fromId={middle['a']}&endTime={NOW_MS}", -1128, "Combination"),
        ("&fromId=-1", -1100, "'fromId'"),
        ("&limit=0", -1130, "'limit'"),
        ("&pace=1", -1104, "were read"),
    ):
        refused = ask(query)
        assert (refused["code"], why in refused["msg"]) == (code, True), refused
    answer = browser.get("/api/v3/aggTrades?symbol=DOGEUSDT", **token)
    assert (answer.status_code, answer.get_json()["code"]) == (400, -1121)
    assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) > 10
    off = Browser(build(settings, Time(NOW_MS))).get("/api/v3/aggTrades?symbol=BTCUSDT", **token)
    assert (off.status_code, off.get_json()["code"]) == (404, -5000)
    assert "TRADES_KEPT is 0 for the web role, not for the feed" in off.get_json()["msg"]
