"""The exchange's public WebSocket clients, unmodified, on the whole system: what they are told is
what the simulated exchange knows to be right, also when the web role dies under them.

Never here: the protocol message by message (`tests/web/test_connections.py`).
Invariant: clients are pointed here by their own settings alone; every closed candle is compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
import requests
import websocket

from tests.support.project_files import ROOT
from tests.support.public_clients import (
    BinanceAPIException,
    binance_client,
    ccxt_client,
    ccxt_stream_client,
    stream_client,
)
from tests.support.role_processes import Roles
from tests.support.stream_programs import Program
from tests.support.waiting import wait_for
from tests.support.whole_system import System

PAGE = ROOT / "docs" / "streams.md"
SECOND_MS = 1_000
#: Trades that each client waits for; python-binance for as many again.
TRADES = 40
STREAM = "btcusdt@kline_1s"
#: Closed candles that each client waits for, and how long at most.
CANDLES = 6
WAIT_S = 90.0
#: Of each stay of the walk: whether the web role is killed in it.
STAYS = (False, True, False, True, False)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One that passes trades on."""
    folder = tmp_path_factory.mktemp("system")
    whole = System(folder, Roles(), TRADES_KEPT="5000")
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


@pytest.fixture(scope="module")
def token(system: System) -> str:
    return system.token()


def truth(system: System, opens: list[int]) -> list[list[Any]]:
    """Open time, prices and volume of these candles, in order."""
    rows = system.truth("BTCUSDT", "1s", min(opens), max(opens) + SECOND_MS)
    found = {row[0]: [row[0], *map(Decimal, row[1:6])] for row in rows}
    return [found[open_ms] for open_ms in sorted(opens)]


def values(kline: dict[str, Any]) -> list[Any]:
    return [kline["t"], *(Decimal(kline[name]) for name in "ohlcv")]


def test_python_binance_is_told_each_candle_once_it_is_official(system: System, token: str) -> None:
    async def listen() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with stream_client(system.url, token, "kline", "BTCUSDT", interval="1s") as client:
            async with asyncio.timeout(WAIT_S):
                while sum(kline["x"] for kline in found) < CANDLES:
                    event = await client.recv()
                    assert event["e"] == "kline", event
                    found.append(event["k"])
        return found

    told = asyncio.run(listen())
    closed = [kline for kline in told if kline["x"]]
    opens = [kline["t"] for kline in closed]
    assert opens == list(range(opens[0], opens[0] + CANDLES * SECOND_MS, SECOND_MS))
    assert [values(kline) for kline in closed] == truth(system, opens)


def test_ccxt_keeps_candles_that_are_the_exchanges(system: System, token: str) -> None:
    async def listen() -> list[list[Any]]:
        client = ccxt_stream_client(system.url, token)
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    kept = await client.watch_ohlcv("BTC/USDT", "1s")
                    kept = [list(row) for row in client.ohlcvs["BTC/USDT"]["1s"]]
                    opens = [row[0] for row in kept[:-1]]
                    if len(opens) > CANDLES:
                        expected = await asyncio.to_thread(truth, system, opens)
                        if kept[:-1] == [[row[0], *map(float, row[1:])] for row in expected]:
                            return kept
        finally:
            await client.close()

    kept = asyncio.run(listen())
    assert [row[0] for row in kept] == sorted({row[0] for row in kept})


def traded(system: System, first: int, last: int) -> dict[int, dict[str, Any]]:
    """What the exchange itself says of these trades, by id."""
    found: dict[int, dict[str, Any]] = {}
    while first <= last:
        query = {"symbol": "BTCUSDT", "fromId": str(first), "limit": "1000"}
        answer = requests.get(f"{system.sim_url}/api/v3/aggTrades", params=query, timeout=20)
        answer.raise_for_status()
        found |= {row["a"]: row for row in answer.json()}
        first = max(found) + 1
    return found


def test_trades_are_the_exchanges_each_once_also_when_the_feed_is_killed(
    system: System, token: str
) -> None:
    heard: list[dict[str, Any]] = []

    async def listen(until: int) -> None:
        async with stream_client(system.url, token, "aggtrade", "BTCUSDT") as client:
            while len(heard) < until:
                event = await client.recv()
                assert (event.pop("e"), event.pop("s")) == ("aggTrade", "BTCUSDT"), event
                assert event.pop("E") >= event["T"]
                heard.append(event)
                if len(heard) == TRADES:
                    await asyncio.to_thread(again)

    def again() -> None:
        system.kill("feed")
        system.start("feed")

    async def watch() -> list[Any]:
        client = ccxt_stream_client(system.url, token)
        try:
            while len(client.trades.get("BTC/USDT", ())) < TRADES:
                await client.watch_trades("BTC/USDT", params={"name": "aggTrade"})
            return [*client.trades["BTC/USDT"]]
        finally:
            await client.close()

    async def both() -> list[Any]:
        async with asyncio.timeout(2 * WAIT_S), asyncio.TaskGroup() as group:
            watching = group.create_task(watch())
            await listen(2 * TRADES)
        return watching.result()

    cached = asyncio.run(both())
    ids = [event["a"] for event in heard]
    assert ids == sorted(set(ids)), "in order, each once"
    known = traded(system, min(ids[0], int(cached[0]["id"])), max(ids[-1], int(cached[-1]["id"])))
    assert heard == [known[number] for number in ids]
    assert [trade["info"]["q"] for trade in cached] == [
        known[int(trade["id"])]["q"] for trade in cached
    ]
    ccxt = ccxt_client(system.url, headers={"X-MBX-APIKEY": token})
    fetched = ccxt.fetch_trades("BTC/USDT", limit=20)
    first, count = int(fetched[0]["id"]), len(fetched)
    assert [int(trade["id"]) for trade in fetched] == list(range(first, first + count))
    with binance_client(system.url, token) as client:
        rows = client.get_aggregate_trades(symbol="BTCUSDT", fromId=first, limit=count)
        assert rows == [traded(system, first, first + count - 1)[row["a"]] for row in rows]
        assert [row["a"] for row in rows] == [int(trade["id"]) for trade in fetched]
        with pytest.raises(BinanceAPIException) as refused:
            client.get_aggregate_trades(symbol="BTCUSDT", fromId=1)
        assert (refused.value.code, "are kept here from id" in str(refused.value)) == (-1130, True)


class Walker:
    """A program that subscribes, leaves and comes back, and asks REST for what it has missed."""

    def __init__(self, system: System, token: str) -> None:
        self.system, self.token = system, token
        self.closed: dict[int, list[Any]] = {}
        #: Closed candles that a stream has told.
        self.by_stream = 0
        self._told: set[int] = set()

    def walk(self, chance: random.Random) -> None:
        stays = list(STAYS)
        while stays:
            with (
                contextlib.suppress(OSError, websocket.WebSocketException),
                closing(Program(self.system, "/ws", self.token)) as program,
            ):
                while stays:
                    self._stay(program, chance, is_last=stays.pop())
            if not self.system.roles["web"].alive():
                self.system.start("web")
                wait_for(self.system.is_ready, 40, "the web role")

    def _stay(self, program: Program, chance: random.Random, *, is_last: bool) -> None:
        """Listens to a candle or two; then the web role dies, or it is subscribed to no more."""
        assert program.say("SUBSCRIBE", STREAM)["result"] is None
        self._told.clear()
        self._ask()
        while len(self._told) < 1 + chance.randrange(2):
            self._note(program.events(1)[0]["k"])
        if is_last:
            self.system.kill("web")
        program.say("UNSUBSCRIBE", STREAM)
        for event in program.waiting:
            self._note(event["k"])
        program.waiting.clear()

    def _ask(self) -> None:
        """Official candles since the newest that is known."""
        query = {"symbol": "BTCUSDT", "interval": "1s", "format": "binance", "limit": "all"}
        if self.closed:
            query["start"] = str(max(self.closed) + SECOND_MS)
        headers = {"X-MBX-APIKEY": self.token}
        answer = requests.get(f"{self.system.url}/data", params=query, headers=headers, timeout=20)
        answer.raise_for_status()
        for row in answer.json():
            self.closed[row[0]] = [row[0], *map(Decimal, row[1:6])]

    def _note(self, kline: dict[str, Any]) -> None:
        if kline["x"]:
            assert kline["t"] not in self._told, "it closed twice"
            self._told.add(kline["t"])
            self.closed[kline["t"]] = values(kline)
            self.by_stream += 1
        else:
            assert kline["t"] not in self._told, "it formed after its close"


def test_the_examples_of_the_page_about_streams_run_as_they_stand(
    system: System, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, Any] = {"URL": system.url, "TOKEN": token}
    told = []
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)
        told.append(capsys.readouterr().out)
    assert len(told) == 4 and all(re.search(r"1\d{12}", text) for text in told), told
    opened = int(told[0].split()[0])
    assert Decimal(told[0].split()[1]) == truth(system, [opened])[0][4]


def test_who_comes_and_goes_while_the_web_role_dies_has_no_hole(system: System, token: str) -> None:
    walker = Walker(system, token)
    walker.walk(random.Random(5))
    walker._ask()
    opens = sorted(walker.closed)
    assert opens == list(range(opens[0], opens[-1] + 1, SECOND_MS)), "no hole"
    assert [walker.closed[open_ms] for open_ms in opens] == truth(system, opens)
    assert walker.by_stream >= len(STAYS)
