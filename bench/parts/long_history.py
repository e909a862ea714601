"""A whole system with a long history of one market, and a reader who scrolls back through it.

Never here: what is looked at meanwhile (`watched_page`), what is printed.
Invariant: the page is scrolled by its wheel alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from bench.parts.watched_page import WatchedPage
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import COMMANDS, System
from truecandle.candles.series import parse_series
from truecandle.store import pages

CANDLES = 100_000
#: How far a turn of the wheel scrolls, in px of the wheel; a reader who flings does about that.
WHEEL_PX = -2_000
SCROLL_LIMIT_S = 400.0
STORE_LIMIT_S = 600.0
HANDS_OFF_MS = 10_000.0


def wanted_candles(description: str | None) -> int:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--candles", type=int, default=CANDLES)
    return int(parser.parse_args().candles)


@contextmanager
def long_history(candles: int) -> Iterator[str]:
    """The page's address, once so many candles of one minute are stored."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), Roles(), "BTCUSDT",
            INTERVALS="1m", HISTORY_CANDLES=str(candles), PUBLIC_READS="1",
        )  # fmt: skip
        try:
            for role in ("redis", "sim", *COMMANDS):
                system.start(role)
            wait_for(lambda: _is_stored(system, candles), STORE_LIMIT_S, f"{candles} candles")
            wait_for(system.is_ready, what="/readyz")
            yield system.url
        finally:
            system.close()


class Scroller:
    """A reader at the newest candle, who points into the chart and turns the wheel."""

    def __init__(self, watched: WatchedPage) -> None:
        self._watched = watched
        watched.page.mouse.move(600, 350)

    def rest(self) -> None:
        self._watched.page.wait_for_timeout(HANDS_OFF_MS)

    def scroll_until(self, candles: int) -> None:
        """Wheels on for as long as older candles come."""
        deadline = time.monotonic() + SCROLL_LIMIT_S
        while (held := self._watched.held()) < candles:
            assert time.monotonic() < deadline, f"only {held} candles after all that time"
            self._watched.page.mouse.wheel(WHEEL_PX, 0)

    def to_now(self) -> None:
        self._watched.page.locator("#to-now").click()
        self.rest()


def _is_stored(system: System, candles: int) -> bool:
    with redis.Redis.from_url(system.redis.url) as store:
        return pages.meta(store, parse_series("BTCUSDT", "1m")).count >= candles
