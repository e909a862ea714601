"""What five studies cost a browser beside 100,000 candles with live ticks, in a real Chromium.

    python -m bench.study_cost [--candles 100000]

Never here: the same without studies (`page_scroll`, whose parts it is made of), values
(`study_values`).
Invariant: the page is scrolled by its wheel alone, and asked for nothing dear while it is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.page_scroll import (
    CANDLES,
    HANDS_OFF_S,
    STORE_LIMIT_S,
    WATCH,
    Reader,
    is_stored,
)
from tests.support.chromium import chromium
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import COMMANDS, System

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Two of what remembers little, one that remembers long, and two that remember every candle.
STUDIES = ("bollinger", "ichimoku", "rsi", "supertrend", "obv")
CHOSEN = json.dumps(
    {"studies": [{"id": f"s{at}", "kind": kind} for at, kind in enumerate(STUDIES)]}
)
CHOOSE = f"localStorage.setItem('truecandle.settings', {json.dumps(CHOSEN)})"
#: In the page: true when each study is there and all its values are worked out.
DONE = """async (count) => {
  const studies = await truecandle.studies();
  return studies.length === count && studies.every((one) => one.isDone);
}"""
DONE_LIMIT_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candles", type=int, default=CANDLES)
    candles = parser.parse_args().candles
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), Roles(), "BTCUSDT",
            INTERVALS="1m", HISTORY_CANDLES=str(candles), PUBLIC_READS="1",
        )  # fmt: skip
        try:
            for role in ("redis", "sim", *COMMANDS):
                system.start(role)
            wait_for(lambda: is_stored(system, candles), STORE_LIMIT_S, f"{candles} candles")
            wait_for(system.is_ready, what="/readyz")
            measure(system.url, candles)
        finally:
            system.close()


def measure(url: str, candles: int) -> None:
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    columns = "s  requests  tasks  longest  by CPU   late    worst   fps   heap"
    print(f"{'':<22}      {columns}")
    with chromium() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.add_init_script(WATCH)
        page.add_init_script(CHOOSE)
        page.goto(url)
        wait_for(lambda: page.evaluate("globalThis.truecandle?.state().bars ?? 0") > 400, 60)
        are_done(page, len(STUDIES))
        page.mouse.move(600, 350)
        reader = Reader(browser, page)
        pause = HANDS_OFF_S * 1000
        for name, act in (
            ("500 candles, hands off", lambda: page.wait_for_timeout(pause)),
            (f"scroll to {candles}", lambda: reader.scroll_until(candles)),
            ("there, hands off", lambda: page.wait_for_timeout(pause)),
            ("their dialog", lambda: open_dialog(page)),
            ("one more study", lambda: one_more(page)),
            ("to now, hands off", lambda: to_now(page, pause)),
        ):
            print(reader.phase(name, act).line(), flush=True)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


def are_done(page: Page, count: int) -> None:
    wait_for(lambda: page.evaluate(DONE, count), DONE_LIMIT_S, f"{count} studies")


def open_dialog(page: Page) -> None:
    page.keyboard.press("Alt+u")
    page.locator(".study-add[data-kind=macd]").wait_for()


def one_more(page: Page) -> None:
    """Worked out from the first candle on."""
    page.locator(".study-add[data-kind=macd]").click()
    page.keyboard.press("Escape")
    are_done(page, len(STUDIES) + 1)


def to_now(page: Page, pause: float) -> None:
    page.locator("#to-now").click()
    page.wait_for_timeout(pause)


if __name__ == "__main__":
    main()
