"""The chart by finger, on a phone: drag, pinch, hold, tap, and what opens from below.

Never here: how large a target is (`test_everyone`).
Invariant: fingers are put down, moved and lifted by the browser's debugger, as a screen does.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.support.chart_page import wait_for_bars
from tests.support.fingers import Fingers, Point
from tests.support.page_pictures import picture
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page


def sight(page: Page) -> Any:
    return page.evaluate("truecandle.sight()")


def test_a_finger_drags_the_chart_back_and_a_tap_returns_to_the_newest_candle(phone: Page) -> None:
    before, fingers = sight(phone), Fingers(phone)
    fingers.put((0.2, 0.5))
    fingers.move([(0.2, 0.5)], [(0.8, 0.5)])
    fingers.lift()
    wait_for(lambda: sight(phone)["toMs"] < before["toMs"], what="older candles in sight")
    phone.locator("#to-now").tap()
    wait_for(lambda: sight(phone)["toMs"] >= before["toMs"], what="the newest candle")


def test_two_fingers_zoom(phone: Page) -> None:
    before, fingers = sight(phone)["count"], Fingers(phone)
    apart, together = [(0.1, 0.5), (0.7, 0.5)], [(0.38, 0.5), (0.42, 0.5)]

    def pinched(one: list[Point], other: list[Point]) -> int:
        fingers.put(*one)
        fingers.move(one, other)
        fingers.lift()
        return int(sight(phone)["count"])

    wait_for(lambda: pinched(apart, together) > before * 1.2, what="more candles in sight")
    wide = sight(phone)["count"]
    wait_for(lambda: pinched(together, apart) < wide / 1.5, what="fewer candles in sight")


def test_a_finger_that_is_held_reads_a_candle_and_slides_to_others(phone: Page) -> None:
    fingers = Fingers(phone)
    fingers.put((0.3, 0.4))
    newest = phone.evaluate("truecandle.bars().at(-1).time")
    wait_for(lambda: phone.evaluate("truecandle.pointed()") != newest, what="a candle that is read")
    first = phone.evaluate("truecandle.pointed()")
    fingers.move([(0.3, 0.4)], [(0.6, 0.4)])
    wait_for(lambda: phone.evaluate("truecandle.pointed()") > first, what="a later candle")
    fingers.lift()


def test_market_truth_and_watchlist_open_by_tap_and_close_again(phone: Page) -> None:
    phone.locator("#market").tap()
    option = phone.locator("#markets [role=option]").first
    option.wait_for()
    picture(phone, "phone-search")
    phone.locator("#markets-filter").fill("ethusdt")
    phone.locator("#markets [role=option][data-symbol=ETHUSDT] a, "
                  "#markets [role=option][data-symbol=ETHUSDT]").first.tap()  # fmt: skip
    phone.wait_for_url("**symbol=ETHUSDT&interval=1m")
    wait_for_bars(phone)
    phone.locator("#truth-status").tap()
    panel = phone.locator("#truth-panel")
    panel.locator(".panel-part h3").first.wait_for()
    picture(phone, "phone-truth")
    panel.get_by_role("button", name="Close").tap()
    wait_for(lambda: panel.count() == 0, what="a panel that has closed")


def test_nothing_looks_pressed_once_the_finger_has_gone(phone: Page) -> None:
    """A finger that was lifted hovers over nothing."""
    ground = "getComputedStyle(document.querySelector('#watchlist')).backgroundColor"
    before = phone.evaluate(ground)
    phone.locator("#watchlist").tap()
    phone.locator("#watchlist-panel").wait_for()
    assert phone.evaluate(ground) != before  # it is open
    phone.locator("#watchlist").tap()
    wait_for(lambda: phone.evaluate(ground) == before, what="a button that rests")


def test_an_interval_is_chosen_by_a_tap(phone: Page) -> None:
    phone.locator('[data-interval="1s"]').tap()
    wait_for(partial(phone.evaluate, "truecandle.state().interval === '1s'"), what="1s")
    wait_for_bars(phone)


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []
