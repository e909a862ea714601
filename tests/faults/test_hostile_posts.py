"""Hostile browsers beside an honest feed: nobody else sees anything of what they post.

Never here: how a post is refused (`tests/web`), who outranks whom (`tests/store`).
Invariant: exchange, feed, Redis and web are real; what is seen is judged by the exchange's trades.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.expected_candles import Truth
from tests.support.hostile_posts import Shown, misplaced, plausible, senseless
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from tests.support.web_process import Client, Web, bearer, cookies, csrf, signed_in, token_of
from truecandle.candles.candle import LiveCandle, live_from_fields
from truecandle.candles.series import Series, parse_series
from truecandle.events import LIVE_CANDLE
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.server import SimServer
from truecandle.store import clock
from truecandle.store.live import FRESH_MS

#: 2024-01-01T20:10:20Z: the hour goes on for as long as these tests take.
START_MS = 1_704_139_820_000
HOUR_MS = 3_600_000
#: They take turns, so that none of them is refused for posting too often.
USERS = 30
SYMBOLS = ("BTCUSDT", "ETHUSDT")
SECONDS, MINUTES, HOURS = (parse_series("BTCUSDT", name) for name in ("1s", "1m", "1h"))
QUIET = parse_series("ETHUSDT", "1h")
FOLLOWED = (SECONDS, MINUTES, HOURS, QUIET, parse_series("ETHUSDT", "1m"))
OUTRANKED = {"status": "ignored", "reason": "outranked"}
CONTRADICTS = {"status": "ignored", "reason": "contradicts"}
SOON_S = 40.0


class World:
    """BTCUSDT trades; ETHUSDT fell quiet 15 s before the feed came."""

    def __init__(self, server: RedisProc, sim: SimServer, processes: Roles, folder: Path) -> None:
        self.sim, self.redis, self._processes = sim, server.client(), processes
        clock.publish(self.redis, sim.clock.now_ms())
        self._env = {
            "REDIS_URL": server.url,
            "BINANCE_WS_URL": sim.ws_url,
            "BINANCE_REST_URL": sim.rest_url,
            "SYMBOLS": ",".join(SYMBOLS),
            "INTERVALS": "1s,1m,1h",
        }
        self.feed = self.start_feed()
        self.web = Web(processes, server.url, folder, INTERVALS="1s,1m,1h")
        self.reader = bearer(token_of(self.redis, "ann"))
        writers = [token_of(self.redis, f"mallory{n}", "write") for n in range(USERS)]
        self._writers = [bearer(token) for token in writers]
        self._turns = count()
        wait_for(lambda: self.is_fed(), SOON_S, "exact candles of a live and a quiet market")

    def start_feed(self) -> Role:
        return self._processes.start("feed", ["live_candles.py"], self._env)

    def is_fed(self) -> bool:
        live, quiet = self.shown(HOURS), self.shown(QUIET)
        if live is None or quiet is None:
            return False
        states = [self.freshness(one) for one in (HOURS, QUIET)]
        exact = live.fields["exact"] and quiet.fields["exact"]
        return states == ["live", "quiet"] and bool(exact)

    def get(self, series: Series, path: str = "/live-candle", **more: str) -> Any:
        query = {"symbol": series.symbol, "interval": series.interval.name, **more}
        answer = self.web.get(path, params=query, headers=self.reader)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=str)

    def shown(self, series: Series) -> Shown | None:
        fields = self.get(series)["candle"]
        return Shown(series, fields) if fields else None

    def freshness(self, series: Series) -> str:
        return str(self.get(series)["freshness"]["state"])

    def post(self, text: str, **headers: str) -> requests.Response:
        """By one user after the other."""
        who = headers or self._writers[next(self._turns) % USERS]
        return requests.post(
            f"{self.web.url}/save-live-candle",
            data=text.encode(),
            headers={"Content-Type": "application/json", **who},
            timeout=20,
        )


class Watcher:
    """Somebody else, who looks at everything for as long as the block lasts: the candles seen."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._client = Client()
        self.polled: list[tuple[Series, LiveCandle]] = []

    def _look(self) -> None:
        while not self._stopping.is_set():
            for series in FOLLOWED:
                answer = self._world.get(series)
                self._note(series, [*answer["pending"], answer["candle"]])
                columns = self._world.get(series, "/data", live="1", limit="5")
                self._note(series, columns["live"])

    def _note(self, series: Series, found: list[dict[str, Any] | None]) -> None:
        self.polled += [(series, live_from_fields(fields)) for fields in found if fields]

    def told(self) -> list[tuple[Series, LiveCandle]]:
        """By events."""
        return [
            (parse_series(event["symbol"], event["interval"]), live_from_fields(event["candle"]))
            for event in self._client.heard(LIVE_CANDLE)
        ]

    def __enter__(self) -> Watcher:
        self._client.connect(self._world.web, token_of(self._world.redis, "bob"))
        for series in FOLLOWED:
            answer = self._client.follow(series.symbol, series.interval.name)
            self._note(series, answer["live"])
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(SOON_S)
        self._client.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder, processes = tmp_path_factory.mktemp("hostile"), Roles()
    with RedisProc(folder) as server, SimServer(SYMBOLS, clock=SimulatedClock(START_MS)) as sim:
        sim.market.pause(START_MS - 15_000, START_MS + HOUR_MS, "ETHUSDT")
        try:
            yield World(server, sim, processes, folder)
        finally:
            processes.end()


def seen(world: World, series: Series) -> Shown:
    found = world.shown(series)
    assert found
    return found


def refused(answer: requests.Response) -> bool:
    """Refused in order, or ignored; never saved."""
    assert answer.status_code in (200, 400, 404, 409, 413, 422, 429), answer.text
    return answer.status_code != 200 or answer.json()["status"] == "ignored"


def test_nobody_sees_anything_of_what_hostile_browsers_post(world: World) -> None:
    texts: set[str] = set()
    with Watcher(world) as watcher:
        shown = seen(world, MINUTES)
        texts |= {*senseless(shown), *misplaced(shown, world.sim.clock.now_ms())}
        for text in sorted(texts):
            assert refused(world.post(text)), text
        for series in (HOURS, QUIET):
            for text in plausible(seen(world, series)):
                texts.add(text)
                assert world.post(text).json() == OUTRANKED, text
        texts |= post_at_the_roll_over(world)
        texts |= post_again_and_from_two_tabs(world)
        assert refused(world.post(seen(world, QUIET).body(json.dumps(seen(world, HOURS).fields))))
        after = world.sim.clock.now_ms() + 1_500
        wait_for(lambda: is_told_beyond(watcher, after), SOON_S, "what is told after the last post")
    assert len(texts) > 150
    judge(world, [*watcher.polled, *watcher.told()])
    assert not list(world.redis.scan_iter("own_candle:*"))


def is_told_beyond(watcher: Watcher, at_ms: int) -> bool:
    return any(candle.open_ms > at_ms for series, candle in watcher.told() if series == SECONDS)


def post_at_the_roll_over(world: World) -> set[str]:
    """The next second's candle, again and again while it becomes the present one."""
    texts = set()
    for _ in range(3):
        shown = seen(world, SECONDS)
        last_ms = world.sim.clock.now_ms() // 1000 * 1000
        for number in range(8):
            high = shown.scaled("high", 1.02 + number / 1000)
            text = shown.text(time=last_ms + 1000, high=high, close=high)
            texts.add(text)
            assert refused(world.post(text)), text
    return texts


def post_again_and_from_two_tabs(world: World) -> set[str]:
    """A browser with a session; its two tabs contradict each other, and repeat what was shown."""
    session = signed_in(world.web, world.redis, "mallory")
    token = csrf(world.web, session)
    browser = {"Cookie": cookies(session), "X-CSRFToken": token}
    old, texts = seen(world, MINUTES), set()
    for share in (1.03, 0.97):
        for tab in (old, seen(world, HOURS)):
            price = tab.scaled("close", share)
            side = "high" if share > 1 else "low"
            text = tab.text(**{side: price, "close": price})
            texts.add(text)
            assert refused(world.post(text, **browser)), text
    assert refused(world.post(old.text()))
    return texts


def judge(world: World, found: list[tuple[Series, LiveCandle]]) -> None:
    """Every candle is our feed's, and is what its trades make it, digit by digit."""
    start_ms = HOURS.interval.open_ms(START_MS)
    truths = {one: Truth(world.sim.market.course(one), start_ms) for one in SYMBOLS}
    exact: dict[str, int] = {}
    for series, candle in set(found):
        assert candle.source == "live", (series, candle)
        if candle.is_exact:
            exact[series.name] = exact.get(series.name, 0) + 1
            problem = truths[series.symbol].problem(series, replace(candle, is_complete=False))
            assert problem is None, (series, candle, problem)
    assert {SECONDS.name, MINUTES.name, HOURS.name, QUIET.name} <= exact.keys()


def test_when_the_feed_is_dead_an_honest_browser_serves_until_it_is_back(world: World) -> None:
    """In a market that traded and in one that was quiet: the feed's own candle is back at once."""
    world.feed.kill()
    before = {series: seen(world, series) for series in (HOURS, QUIET)}
    wait_for(lambda: is_missed(world, before[HOURS]), SOON_S, "the feed to be missed")
    for series, shown in before.items():
        contradict(world, shown)
        assert world.post(shown.text()).json() == {"status": "saved"}
        found = seen(world, series).fields
        assert (found["source"], found["exact"]) == ("client", False)
        contradict(world, shown)
    world.feed = world.start_feed()
    wait_for(world.is_fed, SOON_S, "the feed's own candles")
    for series, shown in before.items():
        found = seen(world, series).fields
        assert found["source"] == "live"
        assert int(found["last_id"]) >= int(shown.fields["last_id"])


def is_missed(world: World, shown: Shown) -> bool:
    last_ms = int(shown.fields["updated_at"])
    return world.sim.clock.now_ms() > last_ms + FRESH_MS and world.freshness(HOURS) == "offline"


def contradict(world: World, shown: Shown) -> None:
    """Candles that cannot have come from this one."""
    first, high, low = (shown.fields[name] for name in ("open", "high", "low"))
    wrong: list[dict[str, Any]] = [{"volume": shown.scaled("volume", 0.999)}, {"volume": "…"}]
    wrong += [{"open": other, "close": other} for other in (high, low) if other != first]
    wrong += [{"high": first, "close": low}] if first != high else []
    wrong += [{"low": first, "close": high}] if first != low else []
    for changes in wrong:
        assert world.post(shown.text(**changes)).json() == CONTRADICTS, changes
