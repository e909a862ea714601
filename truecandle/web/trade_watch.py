"""Whose trades are listened to by programs, and what those are told: each trade, in order, once.

The trades of a market come by a channel of its own (`store/agg_trades`), which is heard only while
somebody wants them; what was published while it was not heard is read from what is kept.

Never here: connections, text of events; candles (`series_watch`).
Invariant: whoever has joined is told every trade that is kept from then on, ids ascending; where
some are gone for good, the ids show it. Nobody who tells waits for a listener.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import dropwhile
from typing import Final, Protocol

from redis.client import PubSub

from truecandle.backoff import Backoff
from truecandle.errors import StoreDamaged
from truecandle.events import ChannelConnection
from truecandle.log_once import TroubleLog
from truecandle.store import agg_trades
from truecandle.store.agg_trades import TradeRow
from truecandle.store.channel import trades_suffix
from truecandle.web.event_subscriber import OPTIONS, RETRY_MAX_S, RETRY_S
from truecandle.web.series_watch import TURN, Forms
from truecandle.web.services import Services

#: How long it is waited for a message before it is looked whether other markets are wanted.
POLL_S: Final = 0.1
#: How often what is kept is compared with what was told: a message may have been lost on its way.
LOOK_S: Final = 2.0
#: How long a market is listened to that nobody wants: who comes and goes costs nothing.
LINGER_S: Final = 10.0
#: Trades of one read of what was missed.
READ_AT_ONCE: Final = 1_000

_log = logging.getLogger("truecandle.web.trade_watch")


class TradeNews(Forms):
    """Trades of one market, ids ascending."""

    def __init__(self, symbol: str, rows: Sequence[TradeRow]) -> None:
        super().__init__()
        self.symbol = symbol
        self.rows = rows


class TradeListener(Protocol):
    """Who is told; it may not wait for anything."""

    def hear_trades(self, news: TradeNews) -> None: ...


@dataclass(slots=True)
class WatchedTrades:
    """A market whose trades somebody wants: `last` is the newest that was told, or was kept already
    when the first of them joined; None before any.
    """

    last: TradeRow | None
    listeners: dict[TradeListener, None] = field(default_factory=dict)
    #: Since when nobody listens.
    left_s: float = 0.0

    def new(self, rows: Sequence[TradeRow]) -> Sequence[TradeRow]:
        """Those of `rows` that were not told; ids that begin anew are known by their time."""
        return list(dropwhile(lambda row: not is_after(row, self.last), rows))


def is_after(row: TradeRow, last: TradeRow | None) -> bool:
    """Whether a trade comes after the last one that was told."""
    return last is None or row.agg_id > last.agg_id or row.time_ms > last.time_ms


class TradeWatch:
    """All listeners of this process. `join` and the rest are for any thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._connection = ChannelConnection(services.settings.redis_url, **OPTIONS)
        #: Held while somebody is told, so that there is one order.
        self._lock = threading.Lock()
        self._watched: dict[str, WatchedTrades] = {}
        #: Set while any market is watched.
        self._wanted = threading.Event()
        self._has_begun = False
        self._troubles = TroubleLog(_log)

    def join(self, listener: TradeListener, symbols: Iterable[str]) -> None:
        """Tells it of every trade of these markets from now on. Raises a `StoreError`."""
        wanted = list(symbols)
        known = agg_trades.newest(self._services.redis, wanted) if wanted else {}
        with self._lock:
            for symbol in wanted:
                found = self._watched.setdefault(symbol, WatchedTrades(known.get(symbol)))
                found.listeners[listener] = None
            if self._watched:
                self._wanted.set()
            has_begun, self._has_begun = self._has_begun, self._has_begun or bool(wanted)
        if wanted and not has_begun:
            threading.Thread(target=self._run, name="trade-watch", daemon=True).start()

    def part(self, listener: TradeListener, symbols: Iterable[str]) -> None:
        """Tells it nothing more of these markets."""
        with self._lock:
            for symbol in symbols:
                found = self._watched.get(symbol)
                if found is not None:
                    found.listeners.pop(listener, None)
                    found.left_s = time.monotonic()

    def leave(self, listener: TradeListener) -> None:
        """Tells it nothing more at all."""
        with self._lock:
            symbols = [name for name, one in self._watched.items() if listener in one.listeners]
        self.part(listener, symbols)

    def _run(self) -> None:
        """For as long as the process lives; connected only while somebody listens."""
        backoff = Backoff(RETRY_S, RETRY_MAX_S)
        while True:
            self._wanted.wait()
            try:
                self._follow(backoff)
            except Exception as error:
                self._troubles.report("trades lost", error)
                time.sleep(backoff.fail())

    def _follow(self, backoff: Backoff[float]) -> None:
        """Until nobody listens any more, or Redis is lost; what was missed is told first."""
        self._connection.connect()
        name = self._connection.channel.name()
        heard = self._connection.redis.pubsub()  # type: ignore[no-untyped-call]
        subscribed, look_s = set[str](), time.monotonic() + LOOK_S
        behind: Mapping[str, TradeRow] = {}
        try:
            while wanted := self._listened_to():
                if new := wanted - subscribed:
                    heard.subscribe(*(name + trades_suffix(symbol) for symbol in new))
                if old := subscribed - wanted:
                    heard.unsubscribe(*(name + trades_suffix(symbol) for symbol in old))
                subscribed = wanted
                if self._hear(heard, name):
                    backoff.reset()
                    time.sleep(0)  # a burst must not keep the hub from everybody else
                if time.monotonic() >= look_s:
                    look_s = time.monotonic() + LOOK_S
                    behind = self._look(name, subscribed, behind)
        finally:
            heard.close()
            self._connection.redis.close()

    def _listened_to(self) -> set[str]:
        now_s = time.monotonic()
        with self._lock:
            for symbol, one in list(self._watched.items()):
                if not one.listeners and now_s - one.left_s >= LINGER_S:
                    del self._watched[symbol]
            if not self._watched:
                self._wanted.clear()
            return set(self._watched)

    def _hear(self, heard: PubSub, name: str) -> bool:
        """Takes in one message, if any comes soon; whether it was one."""
        message = heard.get_message(timeout=POLL_S)
        if message is None:
            return False
        head = name + trades_suffix("")
        symbol = message["channel"].decode(errors="replace").removeprefix(head)
        try:
            if message["type"] == "subscribe":
                self._catch_up(symbol)
                self._troubles.clear("trades lost")
            elif message["type"] == "message":
                self._add(symbol, message["data"])
        except StoreDamaged as error:  # nothing is told of that one until it is mended
            self._troubles.report(f"trades of {symbol}", error)
        return True

    def _add(self, symbol: str, message: bytes) -> None:
        """Tells what was published; before that, what was missed."""
        try:
            rows = agg_trades.rows_of(message)
        except ValueError as error:
            _log.warning("not trades of ours: %.200s", error)
            return
        one = self._watched.get(symbol)
        if one is None or not (new := one.new(rows)):
            return
        if one.last is not None and new[0].agg_id > one.last.agg_id + 1:
            self._catch_up(symbol)
        self._tell(symbol, rows)

    def _catch_up(self, symbol: str) -> None:
        """Tells what is kept and was not told."""
        redis = self._services.redis
        while (one := self._watched.get(symbol)) is not None:
            last = one.last
            first_id = 0 if last is None else last.agg_id + 1
            found = agg_trades.read_from(redis, symbol, first_id, READ_AT_ONCE).rows
            if not found and last is not None:  # unless ids have begun anew, there is nothing more
                found = one.new(agg_trades.read_from(redis, symbol, 0, READ_AT_ONCE).rows)
            if not found:
                return
            self._tell(symbol, found)

    def _look(
        self, name: str, symbols: set[str], before: Mapping[str, TradeRow]
    ) -> Mapping[str, TradeRow]:
        """The newest trades of those markets of which not all was told. Raises `ConnectionError`
        where what had not been told a look before still is not, or the channel is another.
        """
        if self._connection.channel.name() != name:
            raise ConnectionError("the database was emptied or exchanged")
        found = agg_trades.newest(self._services.redis, symbols)
        with self._lock:
            told = {symbol: one.last for symbol, one in self._watched.items()}
        for symbol, newest in before.items():
            if symbol in told and is_after(newest, told[symbol]):
                raise ConnectionError("what is published is not heard")
        return {one: row for one, row in found.items() if one in told and is_after(row, told[one])}

    def _tell(self, symbol: str, rows: Sequence[TradeRow]) -> None:
        left = TURN
        with self._lock:
            one = self._watched.get(symbol)
            if one is None or not (new := one.new(rows)):
                return
            one.last = new[-1]
            news = TradeNews(symbol, new)
            for listener in list(one.listeners):
                listener.hear_trades(news)
                left -= 1
                if not left:
                    left = TURN
                    time.sleep(0)
