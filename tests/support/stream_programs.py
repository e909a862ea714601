"""Programs that listen to streams and Server-Sent Events, and what fetcher and feed tell them.

Never here: the web role (`web_process`), assertions about what is told.
Invariant: everything a program was told is kept in its order; reading waits `WAIT_S` at most.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable
from typing import Any

import requests
import websocket
from redis import Redis

from tests.support.web_process import Served
from truecandle.candles.candle import LiveCandle, OfficialCandle
from truecandle.candles.interval import MINUTE_MS
from truecandle.candles.series import parse_series
from truecandle.events import Publisher
from truecandle.store import live, official
from truecandle.store.official import Written

MINUTES = parse_series("BTCUSDT", "1m")
WAIT_S = 30.0


class Teller:
    """Stores and publishes candles of a minute. They are numbered: 0 opened when this was made."""

    def __init__(self, redis: Redis, redis_url: str) -> None:
        self.redis = redis
        self.publisher = Publisher(redis_url)
        self.first_ms = MINUTES.interval.open_ms(time.time_ns() // 1_000_000)

    def at(self, number: int) -> int:
        return self.first_ms + number * MINUTE_MS

    def candle(self, number: int, close: str = "2") -> OfficialCandle:
        end_ms = self.at(number + 1) - 1
        return OfficialCandle(
            self.at(number), "1.5", "3", "1", close, "7", end_ms, "14", 5, "3", "6"
        )

    def close(self, *numbers: int, close: str = "2", is_told: bool = True) -> Written:
        """These become official."""
        candles = [self.candle(number, close) for number in numbers]
        now_ms = self.at(numbers[-1] + 1) + 5_000
        done = official.upsert_klines(self.redis, MINUTES, candles, now_ms=now_ms, settle_ms=0)
        if is_told:
            self.publisher.data_updated(
                MINUTES, timestamp=now_ms, version=done.version, previous=done.previous,
                reason="new", candles=done.changed,
            )  # fmt: skip
        return done

    def form(self, number: int, trades: int = 1) -> None:
        candle = LiveCandle(
            open_ms=self.at(number), open="1.5", high="3", low="1", close="2", volume="7",
            trades=trades, source="live", is_complete=False, updated_at=self.at(number) + trades,
        )  # fmt: skip
        live.save_live(self.redis, MINUTES, candle, now_ms=self.at(number) + 30_000)
        self.publisher.live_candle(MINUTES, candle, "forming")

    def shown(self, kline: dict[str, Any]) -> str:
        """`x3` for candle 3 closed, `3` for its forming."""
        number = (kline["t"] - self.first_ms) // MINUTE_MS
        return f"{'x' if kline['x'] else ''}{number}"


class Program:
    """A connection to the streams."""

    def __init__(self, web: Served, path: str, token: str | None = None, **options: Any) -> None:
        headers = {"X-MBX-APIKEY": token} if token else {}
        url = web.url.replace("http", "ws") + path
        self.ws = websocket.create_connection(url, timeout=WAIT_S, header=headers, **options)
        #: Events that nobody has looked at yet.
        self.waiting: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    def close(self) -> None:
        self.ws.shutdown()

    def say(self, method: str, *params: Any, number: object = 1) -> dict[str, Any]:
        """The answer to a message."""
        return self.send(json.dumps({"method": method, "params": list(params), "id": number}))

    def send(self, data: str | bytes) -> dict[str, Any]:
        if isinstance(data, bytes):
            self.ws.send_binary(data)
        else:
            self.ws.send(data)
        return self._until(lambda message: "id" in message)

    def events(self, count: int) -> list[dict[str, Any]]:
        """The next events."""
        found = self.waiting[:count]
        del self.waiting[:count]
        while len(found) < count:
            found.append(self._until(lambda message: "id" not in message))
        return found

    def end(self) -> tuple[int, str]:
        """Reads on to the end: code and reason of the close frame."""
        try:
            while True:
                self.waiting.append(self._until(lambda _: True))
        except (websocket.WebSocketException, ConnectionError):
            assert self.closed, "it ended without a close frame"
            return self.closed

    def _until(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        by_s = time.monotonic() + WAIT_S
        while time.monotonic() < by_s:
            frame = self.ws.recv_frame()  # nothing is answered to a close frame
            if frame.opcode == websocket.ABNF.OPCODE_PING:
                self.ws.pong(frame.data)
                continue
            if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
                self.closed = struct.unpack("!H", frame.data[:2])[0], frame.data[2:].decode()
                raise websocket.WebSocketConnectionClosedException(str(self.closed))
            message: dict[str, Any] = json.loads(frame.data)
            if is_wanted(message):
                return message
            self.waiting.append(message)
        raise AssertionError(f"waited {WAIT_S:.0f} s in vain; told: {self.waiting[-5:]}")


class SentEvents:
    """A reader of Server-Sent Events, by the rules of the HTML standard."""

    def __init__(self, web: Served, token: str | None, last_id: str = "", **query: str) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if last_id:
            headers["Last-Event-ID"] = last_id
        asked = {"symbol": "BTCUSDT", "interval": "1m", **query}
        self.answer = requests.get(
            f"{web.url}/events", params=asked, headers=headers, stream=True, timeout=WAIT_S
        )
        self._lines = self.answer.iter_lines(chunk_size=1)
        self.last_id = last_id

    def close(self) -> None:
        self.answer.close()

    def event(self, name: str) -> Any:
        """The data of the next event of that name; others are passed over."""
        while True:
            found, data = self.next()
            if found == name:
                return data

    def next(self) -> tuple[str, Any]:
        """Name and data of the next event; `StopIteration` at the end."""
        name, data = "message", ""
        by_s = time.monotonic() + WAIT_S
        for line in self._lines:
            assert time.monotonic() < by_s, f"waited {WAIT_S:.0f} s in vain for an event"
            field, _, value = line.decode().partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                self.last_id = value
            elif field == "data":
                data += value
            elif not field and data:
                return name, json.loads(data)
        raise StopIteration
