"""What a visit costs over the wire: bodies and headers as they came, of every request to the server.

Counted is what the browser's own network log gives as `encodedDataLength` when an answer has come
whole: compressed as it was sent, with its headers. The WebSocket is not counted: it is one stream
for as long as the page is open. A visit is over when the chart is live and nothing is on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chart_page import wait_for_bars
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ADDRESS = "?symbol=BTCUSDT&interval=1s"
FIRST_BYTES_MAX, FIRST_REQUESTS_MAX = 130_000, 12
AGAIN_BYTES_MAX, AGAIN_REQUESTS_MAX = 25_000, 3


class Wire:
    """What went over the wire since it began to listen: `sizes` by address, what is on its way."""

    def __init__(self, page: Page) -> None:
        self.sizes: list[tuple[str, int]] = []
        self.open: dict[str, str] = {}
        self._cached: set[str] = set()
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.requestServedFromCache", lambda told: self._cached.add(told["requestId"]))
        session.on("Network.responseReceived", self._answered)
        session.on("Network.loadingFinished", self._came)
        session.on("Network.loadingFailed", lambda told: self.open.pop(told["requestId"], None))
        session.send("Network.enable")

    def _sent(self, told: dict[str, Any]) -> None:
        self.open[told["requestId"]] = told["request"]["url"]

    def _answered(self, told: dict[str, Any]) -> None:
        if told["response"].get("fromDiskCache") or told["response"]["url"].startswith("data:"):
            self._cached.add(told["requestId"])

    def _came(self, told: dict[str, Any]) -> None:
        url = self.open.pop(told["requestId"], "")
        if told["requestId"] not in self._cached:
            self.sizes.append((url, int(told["encodedDataLength"])))

    @property
    def total(self) -> int:
        return sum(size for _, size in self.sizes)


@pytest.fixture
def visitor(chart: Page, chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that was never here, of somebody who is signed in."""
    context = chromium.new_context(
        storage_state=chart.context.storage_state(), viewport={"width": 1280, "height": 800}
    )
    yield context
    context.close()


def visit(page: Page, url: str) -> Wire:
    wire = Wire(page)
    page.goto(url)
    wait_for_bars(page, "bars.length >= 500")
    wait_for(lambda: page.text_content("#pill-text") == "Live", 30, "a live chart")
    wait_for(lambda: not wire.open and page.evaluate("true"), what="nothing on its way")
    return wire


def test_a_visit_is_small_and_the_next_one_smaller(chart: Page, visitor: BrowserContext) -> None:
    url = f"{chart.url.split('?')[0]}{ADDRESS}"
    first = visit(visitor.new_page(), url)
    assert first.total <= FIRST_BYTES_MAX, first.sizes
    assert len(first.sizes) <= FIRST_REQUESTS_MAX, first.sizes
    again = visit(visitor.new_page(), url)
    assert again.total <= AGAIN_BYTES_MAX, again.sizes
    assert len(again.sizes) <= AGAIN_REQUESTS_MAX, again.sizes
