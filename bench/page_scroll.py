"""What scrolling back costs a browser: 100,000 candles with live ticks, in a real Chromium.

    python -m bench.page_scroll [--candles 100000]

Never here: opening the page (`page_load`), what its candles are (`tests/e2e/test_history.py`).
Invariant: the page is scrolled by its wheel alone, and asked for nothing dear while it is measured.
"""

from __future__ import annotations

from bench.parts.long_history import Scroller, long_history, wanted_candles
from bench.parts.watched_page import Phase, WatchedPage, said_load
from tests.support.chromium import chromium


def main() -> None:
    candles = wanted_candles(__doc__)
    with long_history(candles) as url, said_load(), chromium() as browser:
        print(Phase.HEADER)
        watched = WatchedPage(browser, url)
        watched.wait_for_candles(400)
        reader = Scroller(watched)
        for name, act in (
            ("500 candles, hands off", reader.rest),
            (f"scroll to {candles}", lambda: reader.scroll_until(candles)),
            ("there, hands off", reader.rest),
            ("to now, hands off", reader.to_now),
        ):
            print(watched.phase(name, act).line(), flush=True)


if __name__ == "__main__":
    main()
