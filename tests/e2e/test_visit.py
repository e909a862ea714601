"""What a visit costs over the wire, and how many requests.

Counted are the bodies of all answers, compressed as they came: what the browser's own network log
gives as `encodedDataLength` when an answer has come whole, less what it gives when the headers
have come (under 1 kB an answer). An answer of candles is counted as if it held 500 of them, since a
market here is too young to have as many. The WebSocket is not counted: it is one stream for as long
as the page is open. A visit is over when the chart is live and nothing is on its way.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chart_page import wait_for_bars
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ADDRESS = "?symbol=BTCUSDT&interval=1m"
FIRST_BYTES_MAX, FIRST_REQUESTS_MAX = 128_000, 12
CANDLES = 500
AGAIN_BYTES_MAX, AGAIN_REQUESTS_MAX = 25_000, 3


class Wire:
    """What went over the wire since it began to listen: `sizes` by address, what is `open`."""

    def __init__(self, page: Page) -> None:
        self.sizes: list[tuple[str, int]] = []
        self.open: dict[str, str] = {}
        self._cached: set[str] = set()
        self._heads: dict[str, int] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.requestServedFromCache", self._kept)
        session.on("Network.responseReceived", self._answered)
        session.on("Network.loadingFinished", self._came)
        session.on("Network.loadingFailed", self._failed)
        session.send("Network.enable")

    def _sent(self, told: dict[str, Any]) -> None:
        self.open[told["requestId"]] = told["request"]["url"]

    def _kept(self, told: dict[str, Any]) -> None:
        self._cached.add(told["requestId"])

    def _answered(self, told: dict[str, Any]) -> None:
        answer = told["response"]
        self._heads[told["requestId"]] = int(answer["encodedDataLength"])
        if answer.get("fromDiskCache") or answer["url"].startswith("data:"):
            self._kept(told)

    def _failed(self, told: dict[str, Any]) -> None:
        self.open.pop(told["requestId"], None)

    def _came(self, told: dict[str, Any]) -> None:
        number = told["requestId"]
        url = self.open.pop(number, "")
        if number not in self._cached:
            self.sizes.append((url, int(told["encodedDataLength"]) - self._heads.get(number, 0)))

    def total(self, candles: int) -> int:
        """Of all answers, where that of so many candles is counted as if it were of 500."""
        return sum(
            round(size * max(1, CANDLES / candles)) if "/data?" in url else size
            for url, size in self.sizes
        )


@pytest.fixture
def visitor(chart: Page, chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that was never here, of somebody who is signed in."""
    context = chromium.new_context(
        storage_state=chart.context.storage_state(), viewport={"width": 1280, "height": 800}
    )
    yield context
    context.close()


def visit(page: Page, url: str) -> tuple[Wire, int]:
    """What went over the wire, and how much it is with 500 candles.

    Not around a minute's close: a candle that becomes official while the page opens is asked for.
    """
    wait_for(lambda: 8 < time.time() % 60 < 45, 30, "the middle of a minute")
    wire = Wire(page)
    page.goto(url)
    wait_for_bars(page, "bars.length > 100")
    wait_for(lambda: page.text_content("#pill-text") == "Live", 30, "a live chart")
    wait_for(lambda: page.evaluate("true") and not wire.open, what="nothing on its way")
    return wire, wire.total(page.evaluate("truecandle.bars().length"))


def test_a_visit_is_small_and_the_next_one_smaller(chart: Page, visitor: BrowserContext) -> None:
    url = f"{chart.url.split('?')[0]}{ADDRESS}"
    first, bytes_first = visit(visitor.new_page(), url)
    assert bytes_first <= FIRST_BYTES_MAX, first.sizes
    assert len(first.sizes) <= FIRST_REQUESTS_MAX, first.sizes
    assert sum("/data?" in address for address, _ in first.sizes) == 1, first.sizes
    again, bytes_again = visit(visitor.new_page(), url)
    assert bytes_again <= AGAIN_BYTES_MAX, again.sizes
    assert len(again.sizes) <= AGAIN_REQUESTS_MAX, again.sizes
