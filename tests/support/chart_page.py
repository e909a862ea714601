"""The chart page in a real browser: opening a chart or another window, waiting for its bars.

Never here: assertions; the system that serves the page (`whole_system`).
Invariant: the page is asked for what it shows, never told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page


_CONNECTED = "globalThis.truecandle?.state().link.kind === 'up'"
_USUAL = "?symbol=BTCUSDT&interval=1m"
#: A phone's window, to `opened`.
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}


@contextmanager
def opened(chart: Page, address: str = _USUAL, **options: Any) -> Iterator[Page]:
    """The chart in another window of the same person, connected and with candles; `options` are
    those of a new browser context."""
    browser = chart.context.browser
    assert browser is not None
    given = {"viewport": {"width": 1280, "height": 800}, **options}
    context = browser.new_context(storage_state=chart.context.storage_state(), **given)
    try:
        page = context.new_page()
        page.goto(f"{chart.url.split('?')[0]}{address}")
        wait_for_bars(page)
        wait_for(lambda: page.evaluate(_CONNECTED), what="a page that is connected")
        yield page
    finally:
        context.close()


def go(page: Page, symbol: str, interval: str) -> None:
    """Opens another chart by its address. Whoever leaves a page while it still connects is told
    so by the browser, as an error; so the page may first arrive."""
    wait_for(lambda: page.evaluate(_CONNECTED), what="a page that is connected")
    page.goto(f"{page.url.split('?')[0]}?symbol={symbol}&interval={interval}")
    wait_for_bars(page)


def wait_for_bars(page: Page, condition: str = "bars.length > 50") -> None:
    """Waits for a condition on the page's `bars`. The page's policy forbids `eval` in it."""
    script = f"(({{bars}}) => {condition})({{bars: globalThis.truecandle?.bars() ?? []}})"
    wait_for(lambda: page.evaluate(script), what=condition)


def forget_choices(page: Page) -> None:
    """Nothing is chosen any more, by the one who is signed in; what is open keeps what it knows,
    and may first save it."""
    kept = "Object.keys(sessionStorage)"
    unsaved = f"{kept}.some((key) => key.startsWith('truecandle.settings.'))"
    wait_for(lambda: not page.evaluate(unsaved), what="choices that are saved")
    script = """async () => {
      localStorage.clear();
      const token = document.querySelector('meta[name="csrf-token"]').content;
      const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
      const body = JSON.stringify({settings: {}});
      return (await fetch("/settings", {method: "PUT", headers, body})).status;
    }"""
    assert page.evaluate(script) == 200
