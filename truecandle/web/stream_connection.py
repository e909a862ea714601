"""One program's connection: what it subscribes to, and what it is told, in the exchange's shapes.

Never here: who may come in and by which address (`streams`), the order of klines
(`kline_sequence`), how frames leave (`send_queue`).
Invariant: it is told of each candle in the order of `KlineSequence`, of trades in that of their
ids, and answers have their place among that; whatever ends it, it is told why with the code of its
close frame.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from wsproto.frame_protocol import CloseReason

from truecandle.candles.series import Series
from truecandle.errors import StoreError
from truecandle.exact_json import dumps
from truecandle.web import stream_messages as messages
from truecandle.web.connections import Connections
from truecandle.web.kline_text import kline_text
from truecandle.web.send_queue import PING, Burst, Frame, pack
from truecandle.web.series_watch import News
from truecandle.web.services import Services
from truecandle.web.socket_limits import (
    PING_S,
    SEND_S,
    STREAM_MESSAGES_AT_ONCE,
    STREAM_MESSAGES_PER_S,
    STREAMS_PER_SOCKET_MAX,
    TokenBucket,
)
from truecandle.web.stream_messages import MessageRefused, StreamMessage
from truecandle.web.stream_names import AggTrades, Stream, StreamRefused, parse_stream
from truecandle.web.stream_socket import StreamSocket
from truecandle.web.trade_offer import why_none_of
from truecandle.web.trade_text import event_text
from truecandle.web.trade_watch import TradeNews

TOO_MANY: Final = f"too many messages; allowed: {STREAM_MESSAGES_PER_S:.0f} a second"
#: What its closing says when Redis was away as it subscribed.
UNAVAILABLE: Final = "the store does not answer at the moment; try again shortly"


@dataclass(slots=True)
class StreamForm:
    """How events are written: wrapped with their stream's name or not, times in ms (1) or µs."""

    is_combined: bool
    unit: int


class StreamConnection:
    """From the upgrade to the end. `run` is for the connection's own thread."""

    def __init__(
        self,
        websocket: StreamSocket,
        services: Services,
        shared: Connections,
        form: StreamForm,
        streams: dict[str, Stream],
    ) -> None:
        self._websocket = websocket
        self._services = services
        self._watch, self._trades = shared.watch, shared.trades
        self._form = form
        #: What it has subscribed to, by the names that it used.
        self._streams = dict[str, Stream]()
        self._first = streams
        now_s = time.monotonic()
        self._messages = TokenBucket.full(STREAM_MESSAGES_PER_S, STREAM_MESSAGES_AT_ONCE, now_s)
        self._pinged_s = now_s

    def run(self) -> None:
        """Talks until it ends, and returns once all has left that can."""
        writer = threading.Thread(target=self._write, name="stream-writer", daemon=True)
        writer.start()
        try:
            self._watch.enter(self)
            self._begin()
            while (text := self._websocket.wait()) is not None:
                if not self._messages.take(1, time.monotonic()):
                    self._websocket.finish(CloseReason.POLICY_VIOLATION, TOO_MANY)
                    break
                self._obey(text)
        finally:
            self._watch.leave(self)
            self._trades.leave(self)
            self._websocket.send_queue.put(None)
            writer.join(SEND_S)

    def hear(self, news: News) -> None:
        if news.told:
            form = self._form.is_combined, self._form.unit
            self._websocket.send_queue.offer(news.form(form, partial(_burst, news, *form)))

    def hear_trades(self, news: TradeNews) -> None:
        form = self._form.is_combined, self._form.unit
        self._websocket.send_queue.offer(news.form(form, partial(_trade_burst, news, *form)))

    def tick(self, now_s: float) -> None:
        if now_s - self._pinged_s >= PING_S:
            self._pinged_s = now_s
            at_ms = b"%d" % self._services.clock.machine_ms()
            self._websocket.send_queue.offer(Burst([Frame(pack(at_ms, PING))]))

    def good_bye(self) -> None:
        """Says that this server stops, as the exchange does."""
        event: dict[str, Any] = {"e": "serverShutdown", "E": self._services.clock.machine_ms()}
        if self._form.is_combined:
            event = {"stream": "!serverShutdown", "data": event}
        self._websocket.answer(dumps(event))
        self._websocket.finish(CloseReason.GOING_AWAY, "this server stops; connect again")

    def _begin(self) -> None:
        """Subscribes to what its address has named."""
        try:
            self._hear_trades_of(self._first)
            self._subscribe(self._first)
        except StoreError:
            self._websocket.finish(CloseReason.TRY_AGAIN_LATER, UNAVAILABLE)

    def _write(self) -> None:
        """Sends what could not leave at once; nothing is heard any more after the last of it."""
        while (piece := self._websocket.send_queue.get()) is not None:
            try:
                self._websocket.send(piece.data)
            except OSError:
                break
        self._websocket.dismiss()

    def _obey(self, text: str) -> None:
        """Answers a message, and then does what that leads to."""
        try:
            message = messages.parse_message(text)
            match message.method:
                case "SUBSCRIBE":
                    wanted = self._wanted(message)
                    self._hear_trades_of(wanted)
                    self._answer(message)
                    self._subscribe(wanted)
                case "UNSUBSCRIBE":
                    self._unsubscribe(message.names)
                    self._answer(message)
                case "LIST_SUBSCRIPTIONS":
                    self._answer(message, list(self._streams))
                case _:
                    self._answer(message, self._property(message))
        except MessageRefused as refused:
            self._websocket.answer(messages.refusal(refused))
        except StoreError:
            self._websocket.finish(CloseReason.TRY_AGAIN_LATER, UNAVAILABLE)

    def _answer(self, message: StreamMessage, value: object = None) -> None:
        self._websocket.answer(messages.result(value, message.number))

    def _wanted(self, message: StreamMessage) -> dict[str, Stream]:
        """The streams that a message names."""
        names = dict.fromkeys(message.names)
        if len(self._streams.keys() | names) > STREAMS_PER_SOCKET_MAX:
            why = f"at most {STREAMS_PER_SOCKET_MAX} streams on one connection"
            raise messages.invalid(why, message.number)
        try:
            why_none = why_none_of(self._services, names)
            return {name: parse_stream(name, self._services.markets, why_none) for name in names}
        except StreamRefused as refused:
            raise messages.invalid(str(refused), message.number) from None

    def _hear_trades_of(self, wanted: dict[str, Stream]) -> None:
        """Before the answer: whoever reads REST after it then misses no trade."""
        new = {one for name, one in wanted.items() if name not in self._streams}
        self._trades.join(self, [one.symbol for one in new if isinstance(one, AggTrades)])

    def _subscribe(self, wanted: dict[str, Stream]) -> None:
        new = {name: one for name, one in wanted.items() if name not in self._streams}
        self._streams |= new
        self._watch.join(self, [one for one in new.values() if isinstance(one, Series)])

    def _unsubscribe(self, names: list[str]) -> None:
        left = [self._streams.pop(name) for name in dict.fromkeys(names) if name in self._streams]
        self._watch.part(self, [one for one in left if isinstance(one, Series)])
        self._trades.part(self, [one.symbol for one in left if isinstance(one, AggTrades)])

    def _property(self, message: StreamMessage) -> object:
        name, *values = message.params or [None]
        if name != "combined":
            raise MessageRefused(messages.UNKNOWN_PROPERTY, "Unknown property", message.number)
        if message.method == "GET_PROPERTY":
            return self._form.is_combined
        if len(values) != 1 or not isinstance(values[0], bool):
            text = "Invalid value type: expected Boolean"
            raise MessageRefused(messages.INVALID_VALUE, text, message.number)
        self._form.is_combined = values[0]
        return None


def _burst(news: News, is_combined: bool, unit: int) -> Burst:
    """Klines as frames: of those that form the newest is enough."""
    series, frames = news.series, []
    name = f"{series.symbol.lower()}@kline_{series.interval.name}".encode()
    for told in news.told:
        text = kline_text(series, told, news.at_ms, unit)
        if is_combined:
            text = b'{"stream":"%b","data":%b}' % (name, text)
        frames.append(Frame(pack(text), True, None if told.is_closed else series.name))
    return Burst(frames)


def _trade_burst(news: TradeNews, is_combined: bool, unit: int) -> Burst:
    """Trades as frames, in one piece for the queue: none of them gives way to another."""
    name = f"{news.symbol.lower()}@aggTrade".encode()
    texts = [event_text(news.symbol, row, unit) for row in news.rows]
    if is_combined:
        texts = [b'{"stream":"%b","data":%b}' % (name, text) for text in texts]
    return Burst([Frame(b"".join(map(pack, texts)), True)])
