"""What five studies cost a browser beside 100,000 candles with live ticks, in a real Chromium.

    python -m bench.study_cost [--candles 100000]

Never here: the same without studies (`page_scroll`), values (`study_values`).
Invariant: the page is scrolled by its wheel alone, and asked for nothing dear while it is measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.parts.five_studies import CHOOSE, STUDIES, are_done
from bench.parts.long_history import Scroller, long_history, wanted_candles
from bench.parts.watched_page import Phase, WatchedPage, said_load
from tests.support.chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page


def main() -> None:
    candles = wanted_candles(__doc__)
    with long_history(candles) as url, said_load(), chromium() as browser:
        print(Phase.HEADER)
        watched = WatchedPage(browser, url, CHOOSE)
        watched.wait_for_candles(400)
        are_done(watched.page, len(STUDIES))
        reader = Scroller(watched)
        for name, act in (
            ("500 candles, hands off", reader.rest),
            (f"scroll to {candles}", lambda: reader.scroll_until(candles)),
            ("there, hands off", reader.rest),
            ("their dialog", lambda: open_dialog(watched.page)),
            ("one more study", lambda: one_more(watched.page)),
            ("to now, hands off", reader.to_now),
        ):
            print(watched.phase(name, act).line(), flush=True)


def open_dialog(page: Page) -> None:
    page.keyboard.press("Alt+u")
    page.locator(".study-add[data-kind=macd]").wait_for()


def one_more(page: Page) -> None:
    """Worked out from the first candle on."""
    page.locator(".study-add[data-kind=macd]").click()
    page.keyboard.press("Escape")
    are_done(page, len(STUDIES) + 1)


if __name__ == "__main__":
    main()
