"""History on demand by real fetchers: one is killed in the middle, another brings it to its end.

Never here: a fetcher made by hand (`test_history_jobs`).
Invariant: nobody sleeps; whoever waits renews the wish as a page does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py

from tests.support.driven_fetcher import MINUTES, member, opens, stored
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from truecandle.sim.server import SimServer
from truecandle.store import gaps, history
from truecandle.store.history import HistoryJob, HistoryWish

CANDLES = 6_000


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer([MINUTES.symbol]) as server:
        server.faults.add("delay", path="klines", ms=50, count=None)
        yield server


def test_a_fetcher_killed_in_the_middle_is_followed_by_one_that_goes_on(
    sim: SimServer, redis: redis_py.Redis, redis_url: str, processes: Roles
) -> None:
    env = {
        "REDIS_URL": redis_url, "BINANCE_REST_URL": sim.rest_url, "SYMBOLS": MINUTES.symbol,
        "INTERVALS": MINUTES.interval.name, "HISTORY_CANDLES": "100",
    }  # fmt: skip

    def start() -> Role:
        return processes.start("fetcher", ("background_fetcher.py",), env)

    def while_it_is_waited_for(look: Callable[[], Any]) -> Callable[[], Any]:
        def renewed() -> Any:
            history.renew(redis, MINUTES)
            return look()

        return renewed

    def job() -> HistoryJob | None:
        return history.standing(redis, MINUTES)

    one = start()
    wait_for(lambda: stored(redis, MINUTES), what="the newest candles")
    from_ms = MINUTES.interval.step(MINUTES.interval.open_ms(sim.clock.now_ms()), -CANDLES)
    assert history.wish(redis, HistoryWish(MINUTES, from_ms))
    under_way = while_it_is_waited_for(lambda: (found := job()) and found.fetched)
    fetched = wait_for(under_way, what="a page")
    one.kill()
    assert 0 < fetched < CANDLES - 1_000
    start()

    def is_there() -> bool:
        return opens(stored(redis, MINUTES))[0] <= from_ms

    wait_for(while_it_is_waited_for(is_there), what="all of it")
    wait_for(lambda: history.job(redis, MINUTES) is None, what="the end of the job")
    found = stored(redis, MINUTES)
    truth = sim.market.truth(MINUTES.symbol, "1m", opens(found)[0], opens(found)[-1] + 1)
    assert found == [member(row.row()) for row in truth]
    assert gaps.standing(redis, MINUTES) == []
