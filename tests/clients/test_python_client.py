"""The Python client (`clients/python`) against a server as users run it.

Never here: the rules of a watch (`test_watching`).
Invariant: what the clients give is compared with what is stored, number by number.
"""

from __future__ import annotations

import ast
import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pandas
import polars
import pytest
from redis import Redis

from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.waiting import wait_for
from tests.support.web_app import FORMING_MS, HOUR_MS, HOURLY, NOW_MS, store_hours
from tests.support.web_process import Web, token_of, wait_for_listener
from truecandle.candles.candle import LiveCandle, official_from_row
from truecandle.events import Publisher
from truecandle.store import official, pages
from truecandle_client import (
    AsyncClient,
    Candle,
    Client,
    ClientError,
    NotFound,
    Page,
    Unauthorized,
    Unreachable,
    to_pandas,
    to_polars,
)
from truecandle_client.connecting import Server

LONG_S = 60.0
MAY_IMPORT = {"truecandle_client", "requests", "aiohttp", "socketio", "pandas", "polars"}


class Watcher:
    """Both clients watching the same series, each in a thread; what they have yielded so far."""

    def __init__(self, url: str, token: str, since_ms: int) -> None:
        self.heard: dict[str, list[Candle]] = {"sync": [], "async": []}
        self.errors: list[BaseException] = []
        self._client = Client(url, token)
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._threads = [
            threading.Thread(target=self._guarded, args=(run, url, token, since_ms))
            for run in (self._waiting, self._looping)
        ]
        for thread in self._threads:
            thread.start()

    def _guarded(self, run: Any, *given: Any) -> None:
        try:
            run(*given)
        except BaseException as error:
            self.errors.append(error)

    def _waiting(self, url: str, token: str, since_ms: int) -> None:
        for candle in self._client.watch("BTCUSDT", "1h", since=since_ms):
            self.heard["sync"].append(candle)

    def _looping(self, url: str, token: str, since_ms: int) -> None:
        async def watch() -> None:
            async with (
                AsyncClient(url, token) as client,
                aclosing(client.watch("BTCUSDT", "1h", since=since_ms)) as candles,
            ):
                async for candle in candles:
                    self.heard["async"].append(candle)

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            self._task = self._loop.create_task(watch())
            with suppress(asyncio.CancelledError):
                runner.run(self._until_done())

    async def _until_done(self) -> None:
        assert self._task is not None
        await self._task

    def wait_for(self, *expected: Candle) -> None:
        """Until both have yielded these and no others since they were asked the last time; in what
        order depends on whether they were told or looked by themselves.
        """
        wanted = {candle.open_ms: candle for candle in expected}
        for name in self.heard:
            what = f"{len(expected)} candles of the {name} client"
            wait_for(partial(self._has_ended_with, name, wanted), LONG_S, what)
            assert self.errors == []
            self.heard[name].clear()

    def _has_ended_with(self, name: str, wanted: dict[int, Candle]) -> bool:
        newest = {candle.open_ms: candle for candle in list(self.heard[name])}
        return bool(self.errors) or newest == wanted

    def close(self) -> None:
        self._client.close()
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        for thread in self._threads:
            thread.join(LONG_S)


def stored(redis: Redis) -> list[Candle]:
    """Every official candle, read from the store."""
    members = pages.read(redis, HOURLY, pages.Query(5_000)).members
    return [seen(candle) for candle in pages.candles(members)]


def seen(candle: Any) -> Candle:
    """An official candle as a client sees it."""
    return Candle(
        open_ms=candle.open_ms, open=Decimal(candle.open), high=Decimal(candle.high),
        low=Decimal(candle.low), close=Decimal(candle.close), volume=Decimal(candle.volume),
        trades=candle.trades, close_ms=candle.close_ms, quote_volume=Decimal(candle.quote_volume),
        taker_volume=Decimal(candle.taker_volume),
        taker_quote_volume=Decimal(candle.taker_quote_volume),
    )  # fmt: skip


def hour(open_ms: int, close: str) -> list[Any]:
    end_ms = open_ms + HOUR_MS - 1
    return [open_ms, "42000.1", "50000", "41000", close, "12.5", end_ms, "1.5", 7, "1", "0.5", "0"]


def write(redis: Redis, open_ms: int, close: str) -> tuple[Candle, dict[str, Any]]:
    """One official candle more, or another; and what an event about it says."""
    before = pages.version(redis, HOURLY)
    later_ms = NOW_MS + 10 * HOUR_MS
    row = hour(open_ms, close)
    official.upsert_klines(redis, HOURLY, [row], now_ms=later_ms, settle_ms=3000)
    candle = official_from_row(row)
    after = pages.version(redis, HOURLY)
    told = {"timestamp": later_ms, "version": after, "previous": before, "reason": "new"}
    return seen(candle), {**told, "candles": [candle]}


def test_every_candle_comes_exactly_in_pages_of_any_size(web: Web, redis: Redis) -> None:
    opens = store_hours(redis, 12)
    with Client(web.url, token_of(redis)) as client:
        found = list(client.candles("BTCUSDT", "1h", limit=5))
        assert [len(page) for page in found] == [5, 5, 2]
        assert [candle for page in found for candle in page] == stored(redis)
        assert {page.version for page in found} == {pages.version(redis, HOURLY)}
        some = datetime.fromtimestamp(opens[2] / 1000, UTC)
        page = next(client.candles("BTCUSDT", "1h", start=some, end=opens[4]))
        assert [candle.time for candle in page][:1] == [some] and len(page) == 2
        newest = client.latest("BTCUSDT", "1h", limit=3)
        assert list(newest) == stored(redis)[-3:] and newest.following is None
        assert client.refresh(newest) is None
        corrected, _ = write(redis, opens[-1], "42000.25")
        fresh = client.refresh(newest)
        assert fresh is not None and fresh.candles[-1] == corrected
        assert fresh.version > newest.version


def test_the_asynchronous_client_reads_the_same(web: Web, redis: Redis) -> None:
    store_hours(redis, 12)
    token = token_of(redis)

    async def read() -> tuple[list[Page], Page, Page | None]:
        async with AsyncClient(web.url, token) as client:
            found = [page async for page in client.candles("BTCUSDT", "1h", limit=5)]
            newest = await client.latest("BTCUSDT", "1h", limit=3)
            return found, newest, await client.refresh(newest)

    found, newest, again = asyncio.run(read())
    assert [candle for page in found for candle in page] == stored(redis)
    assert list(newest) == stored(redis)[-3:] and again is None


def test_what_goes_wrong_has_a_name(web: Web, redis: Redis) -> None:
    token = token_of(redis)
    with Client(web.url, token) as client:
        with pytest.raises(NotFound, match="DOGEUSDT is not followed here") as unknown:
            client.latest("DOGEUSDT", "1h")
        assert (unknown.value.status, unknown.value.code) == (404, "unknown-market")
        with pytest.raises(ValueError, match="limit is 0; allowed: 1 to 5000"):
            client.latest("BTCUSDT", "1h", limit=0)
        with pytest.raises(ValueError, match="has no time zone"):
            next(client.candles("BTCUSDT", "1h", start=datetime(2024, 1, 1)))
        with pytest.raises(NotFound):
            next(iter(client.watch("DOGEUSDT", "1h")))
    with Client(web.url, "no-token") as client:
        with pytest.raises(Unauthorized) as refused:
            client.latest("BTCUSDT", "1h")
        assert isinstance(refused.value, ClientError) and "no-token" not in str(refused.value)
        with pytest.raises(Unauthorized):
            next(iter(client.watch("BTCUSDT", "1h")))

    async def watch_without_a_token() -> None:
        async with AsyncClient(web.url) as client, aclosing(client.watch("BTCUSDT", "1h")) as found:
            await anext(found)

    with pytest.raises(Unauthorized):
        asyncio.run(watch_without_a_token())
    with Client(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(Unreachable):
        next(iter(client.watch("BTCUSDT", "1h", attempts=1)))
    with pytest.raises(ValueError, match="allowed: http or https"):
        Client("charts.example")


def test_a_server_below_a_path_of_its_host_is_found_there() -> None:
    server = Server.at("https://charts.example/candles/", "a-token")
    assert server.base == "https://charts.example/candles"
    assert server.socket_options["socketio_path"] == "candles/socket.io"
    assert Server.at("http://charts.example", None).socket_options["socketio_path"] == "socket.io"


def test_a_watch_goes_on_without_a_hole(web: Web, redis: Redis, redis_url: str) -> None:
    opens = store_hours(redis, 3)
    publisher = Publisher(redis_url)
    wait_for_listener(redis)
    watcher = Watcher(web.url, token_of(redis), opens[1])
    try:
        watcher.wait_for(*stored(redis)[1:])
        live = LiveCandle(
            open_ms=FORMING_MS, open="1", high="2.50", low="0.9", close="2.1", volume="3", trades=4,
            source="live", is_complete=False, updated_at=NOW_MS,
        )  # fmt: skip
        publisher.live_candle(HOURLY, live, "forming")
        watcher.wait_for(
            Candle(
                open_ms=FORMING_MS, open=Decimal(1), high=Decimal("2.50"), low=Decimal("0.9"),
                close=Decimal("2.1"), volume=Decimal(3), trades=4, state="forming", is_exact=False,
            )
        )  # fmt: skip
        candle, told = write(redis, FORMING_MS, "42000.125")
        publisher.data_updated(HOURLY, **told)
        watcher.wait_for(candle)
        # A change of which nobody tells, and one whose event does not carry its candles.
        silent, _ = write(redis, FORMING_MS + HOUR_MS, "43000")
        corrected, told = write(redis, opens[2], "42001")
        publisher.data_updated(HOURLY, **{**told, "candles": []})
        watcher.wait_for(corrected, silent)
        web.role.kill()
        missed, _ = write(redis, FORMING_MS + 2 * HOUR_MS, "44000")
        web.start()
        watcher.wait_for(missed)
    finally:
        watcher.close()


def test_data_frames_are_exact_and_floats_only_by_name(web: Web, redis: Redis) -> None:
    store_hours(redis, 4)
    with Client(web.url, token_of(redis)) as client:
        page = client.latest("BTCUSDT", "1h")
    closes = [candle.close for candle in page]
    frame = page.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame["close"]) == closes
    assert list(frame.index) == [candle.time for candle in page] and frame.index.name == "time"
    assert page.to_pandas(floats=True)["close"].sum() == pytest.approx(float(sum(closes)))
    table = page.to_polars()
    assert table.schema["close"] == polars.Decimal(38, 18)
    assert table["close"].to_list() == closes
    assert table["time"].to_list() == [candle.time for candle in page]
    assert page.to_polars(floats=True).schema["close"] == polars.Float64()
    assert len(to_pandas([])) == len(to_polars([])) == 0


def test_the_client_knows_nothing_of_the_server() -> None:
    strangers = [
        f"{path.name} imports {name}"
        for path in (ROOT / "clients" / "python").rglob("*.py")
        for name in imported(path)
        if name not in MAY_IMPORT and name not in sys.stdlib_module_names
    ]
    assert strangers == []


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
