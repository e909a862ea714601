"""How fresh each followed market is, judged at the moment of asking; and telling of changes.

Never here: what is fresh (`candles/freshness`), what the facts are (the feed notes them).
Invariant: a judgement is never kept: what is told was judged from the facts of that moment.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sized
from typing import Final

from flask_socketio import SocketIO

from truecandle.candles.freshness import Freshness, judge
from truecandle.errors import StoreError
from truecandle.events import FRESHNESS, freshness_payload
from truecandle.store import freshness
from truecandle.store.server_state import worst
from truecandle.web.services import Services
from truecandle.web.ticks import pause_s

#: How often the markets are looked at while browsers are connected: a change is told within this.
LOOK_S: Final = 0.5
#: A state that began this much later than was told has ended in between and begun again.
MOVED_MS: Final = 2_000

_DIGITS = re.compile(r"[0-9]+")
_log = logging.getLogger("truecandle.web.freshness")


def of_all(services: Services) -> dict[str, Freshness]:
    """Every followed market's freshness now, by symbol; `StoreError` while it cannot be known."""
    facts, now_ms = freshness.read(services.redis), services.clock.now_ms()
    judged = {symbol: judge(facts.get(symbol), now_ms) for symbol in services.markets.symbols}
    return {symbol: _with_server(services, one, now_ms) for symbol, one in judged.items()}


def of(services: Services, symbol: str) -> Freshness:
    """One market's freshness now."""
    facts = freshness.read_one(services.redis, symbol)
    now_ms = services.clock.now_ms()
    return _with_server(services, judge(facts, now_ms), now_ms)


def _with_server(services: Services, judged: Freshness, now_ms: int) -> Freshness:
    """While Redis takes no writes the feed can tell nothing new: it is not to be blamed for that,
    and nobody knows how it is."""
    problem = worst(services.server_monitor.problems())
    if problem is None:
        return judged
    return Freshness("stale", now_ms - services.server_monitor.refusing_ms(), problem.text)


class FreshnessBroadcaster:
    """Looks at the markets for as long as the process lives, and tells its browsers of changes.

    Every process looks for itself and tells its own browsers only. While Redis is away nothing is
    told: nobody knows.
    """

    def __init__(self, socketio: SocketIO, services: Services, members: Sized) -> None:
        self._socketio = socketio
        self._services = services
        self._members = members
        self._told: dict[str, Freshness] = {}
        self._has_begun = False

    def begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._socketio.start_background_task(self._look)

    def tell(self, symbol: str, found: Freshness) -> None:
        """Tells a market's browsers of another state, or of another reason or time for it."""
        told = self._told.get(symbol)
        if told is None or _is_news(told, found):
            self._told[symbol] = found
            payload = freshness_payload(symbol, found)
            self._socketio.server.emit(FRESHNESS, payload, room=symbol, ignore_queue=True)

    def _look(self) -> None:
        """For as long as the process lives."""
        while True:
            self._socketio.sleep(pause_s(LOOK_S))
            try:
                if self._members:
                    self._look_once()
            except StoreError as error:
                _log.debug("freshness not looked at: %s", error)
            except Exception:
                _log.exception("looking at the freshness of the markets failed")

    def _look_once(self) -> None:
        found = of_all(self._services)
        for symbol in set(self._told) - set(found):
            del self._told[symbol]
        for symbol, one in found.items():
            self.tell(symbol, one)


def _is_news(told: Freshness, found: Freshness) -> bool:
    """Figures in the reason are no news by themselves: they may count, or a clock be set right."""
    if told.state != found.state or _DIGITS.sub("", told.why) != _DIGITS.sub("", found.why):
        return True
    return (found.since or 0) - (told.since or 0) > MOVED_MS
