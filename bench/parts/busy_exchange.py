"""An exchange that is very busy: many markets, thousands of trades a second, and all of it known.

    .venv/bin/python -m bench.parts.busy_exchange --port 9100 --rate 5000 --markets 50

Never here: faults and limits (`truecandle/sim` has them); who measures what (`feed_load`).
Invariant: every trade is in the truth, and was sent in the millisecond that it is stamped with.
"""

from __future__ import annotations

import argparse
import asyncio
import mmap
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from bench.parts.busy_market import TIMES_KEPT, Market, now_ms
from truecandle.candles.interval import INTERVALS

#: How often what is due is sent, in one write: as trades arrive from afar.
TICK_S = 0.005
#: After a longer stall of its own it does not make up for the trades that were due.
BEHIND_MAX_S = 0.1
#: A reader that is this far behind is cut off.
UNSENT_MAX = 64 << 20
PAGE_MAX = 1_000


class Exchange:
    """All markets, and who listens to them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rate: float = options.rate
        self.sent = 0
        intervals = [INTERVALS[name] for name in options.intervals.split(",")]
        symbols = symbols_of(options.markets)
        times = open_times(Path(options.times), len(symbols))
        self.markets = {
            symbol: Market(number, symbol, intervals, times[number])
            for number, symbol in enumerate(symbols)
        }
        self._weights = [1 / (number + 5) for number in range(len(symbols))]
        self._readers: dict[web.WebSocketResponse, tuple[set[str], asyncio.WriteTransport]] = {}

    async def run(self) -> None:
        due, last_s, turn_s, turn, markets = 0.0, time.monotonic(), 0.0, 0, [*self.markets.values()]
        while True:
            await asyncio.sleep(TICK_S)
            now_s, at_ms = time.monotonic(), now_ms()
            due += min(now_s - last_s, BEHIND_MAX_S) * self.rate
            last_s = now_s
            frames = [one for market in markets for one in market.roll(at_ms)]
            for market in random.choices(markets, self._weights, k=int(due)):
                frames.append((market.stream, market.trade(at_ms)))
            self.sent += int(due)
            due -= int(due)
            # A tenth of the markets at a time, so that klines do not all come at once.
            if now_s - turn_s >= 0.1:
                turn_s, turn = now_s, turn + 1
                for market in markets[turn % 10 :: 10]:
                    frames += market.push(at_ms, turn // 10)
            self._send(frames)

    def _send(self, frames: list[tuple[str, bytes]]) -> None:
        for names, transport in list(self._readers.values()):
            transport.write(b"".join(data for name, data in frames if name in names))
            if transport.get_write_buffer_size() > UNSENT_MAX:
                transport.abort()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        names: set[str] = set()
        assert isinstance(request.transport, asyncio.WriteTransport)
        self._readers[ws] = (names, request.transport)
        try:
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    wish = orjson.loads(message.data)
                    if wish["method"] == "SUBSCRIBE":
                        names.update(wish["params"])
                    elif wish["method"] == "UNSUBSCRIBE":
                        names.difference_update(wish["params"])
                    found = sorted(names) if wish["method"] == "LIST_SUBSCRIPTIONS" else None
                    await ws.send_str(orjson.dumps({"result": found, "id": wish["id"]}).decode())
        finally:
            del self._readers[ws]
        return ws

    async def aggregates(self, request: web.Request) -> web.Response:
        held = self.markets[request.query["symbol"]].aggregates
        limit = min(PAGE_MAX, int(request.query.get("limit", 500)))
        key, start = ("a", "fromId") if "fromId" in request.query else ("T", "startTime")
        first = int(request.query.get(start, 0))
        until_ms = int(request.query.get("endTime", 1 << 60))
        found = [one for one in held if one[key] >= first and one["T"] <= until_ms]
        return web.json_response(found[:limit] if start in request.query else found[-limit:])

    async def klines(self, request: web.Request) -> web.Response:
        market, interval = (
            self.markets[request.query["symbol"]],
            INTERVALS[request.query["interval"]],
        )
        candle = market.candles[interval.name]
        rows = [row[:12] for row in market.closed[interval.name]]
        rows.append(candle.row(interval.next_open_ms(candle.open_ms)))
        start_ms = int(request.query.get("startTime", 0))
        limit = min(PAGE_MAX, int(request.query.get("limit", 500)))
        return web.json_response([row for row in rows if row[0] >= start_ms][-limit:])

    async def server_time(self, _: web.Request) -> web.Response:
        return web.json_response({"serverTime": now_ms()})

    async def set_rate(self, request: web.Request) -> web.Response:
        self.rate = float(request.query["per_s"])
        return web.json_response({"sent": self.sent})

    async def truth(self, _: web.Request) -> web.Response:
        """Rows of the closed candles, with the ids of their first and last trade behind."""
        found = {symbol: market.closed for symbol, market in self.markets.items()}
        return web.Response(body=orjson.dumps(found))


def frame(stream: str, data: dict[str, Any]) -> bytes:
    """A WebSocket text frame of the combined stream, as a server sends it."""
    text = b'{"stream":"%b","data":%b}' % (stream.encode(), orjson.dumps(data))
    return (
        b"\x81~" + len(text).to_bytes(2, "big") if len(text) > 125 else b"\x81%c" % len(text)
    ) + text


def symbols_of(count: int) -> list[str]:
    return [f"LOAD{number:02d}USDT" for number in range(count)]


def open_times(path: Path, markets: int) -> list[memoryview]:
    """For each market the times (ms) of its trades, by id modulo `TIMES_KEPT`."""
    size = 8 * TIMES_KEPT
    with path.open("a+b") as file:
        file.truncate(size * markets)
        held = memoryview(mmap.mmap(file.fileno(), size * markets)).cast("q")
    edges = range(0, TIMES_KEPT * (markets + 1), TIMES_KEPT)
    return [held[first:end] for first, end in pairwise(edges)]


async def serve(options: argparse.Namespace) -> None:
    exchange = Exchange(options)
    app = web.Application()
    app.add_routes(
        [
            web.get("/stream", exchange.stream),
            web.get("/api/v3/aggTrades", exchange.aggregates),
            web.get("/api/v3/klines", exchange.klines),
            web.get("/api/v3/time", exchange.server_time),
            web.get("/rate", exchange.set_rate),
            web.get("/truth", exchange.truth),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    print("ready", flush=True)
    await asyncio.wait_for(exchange.run(), options.seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--markets", type=int, default=50)
    parser.add_argument("--intervals", default="1s,1m,5m,15m,1h,1d")
    parser.add_argument("--times", required=True, help="the file of the trades' times")
    parser.add_argument("--seconds", type=float, default=1_800, help="when to end by itself")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
