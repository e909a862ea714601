"""What scrolling back costs a browser: 100,000 candles with live ticks, in a real Chromium.

    python -m bench.page_scroll [--candles 100000]

Never here: opening the page (`page_load`), what its candles are (`tests/e2e/test_history.py`).
Invariant: the page is scrolled by its wheel alone, and asked for nothing dear while it is measured.
"""

from __future__ import annotations

from bench.parts.long_history import CANDLES, Scroller, long_history, wanted_candles
from bench.parts.targets import Figures, Found, Target
from bench.parts.watched_page import Phase, WatchedPage, said_load
from tests.support.chromium import chromium

TARGETS = {
    "longest": Target(
        "scrolling to 100,000 candles with live ticks: longest task", "ms", 50, at_most=True
    ),
    "fps": Target("100,000 candles loaded, live ticks: frames", "/s", 55),
    "heap": Target("the same, heap", "MB"),
}


def main() -> None:
    measured(wanted_candles(__doc__))


def short() -> Figures:
    """For `make bench`: a minute and a half."""
    _, scroll, there, _ = measured(CANDLES)
    longest_ms = max(scroll.seen.longest_ms, there.seen.longest_ms)
    return {
        "longest": Found(longest_ms),
        "fps": Found(there.seen.fps),
        "heap": Found(there.heap_mb),
    }


def measured(candles: int) -> list[Phase]:
    phases = []
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
            phases.append(watched.phase(name, act))
            print(phases[-1].line(), flush=True)
    return phases


if __name__ == "__main__":
    main()
