"""Studies on the page: by keyboard, pointer and finger, kept, and right where candles join.

Never here: the maths (`tests/js`), what a list of studies may hold (`tests/web/test_studies.py`).
Invariant: values are compared with another's maths on the candles that the page itself shows.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import talib

from tests.support.axe import violations
from tests.support.chart_page import PHONE, forget_choices, go, opened, wait_for_bars
from tests.support.page_pictures import picture
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: The page's candles and the values of its studies, of one instant.
SEEN = """async () => {
  const studies = await truecandle.studies();
  return {bars: truecandle.bars(), studies};
}"""
KINDS = ("Bollinger bands", "Ichimoku cloud", "SuperTrend", "Volume profile of what is in sight")
BELOW = ("Relative strength index", "Moving average convergence divergence")


@pytest.fixture
def reader(chart: Page) -> Iterator[Page]:
    """The chart of a reader who has chosen nothing yet, at BTCUSDT 1m."""
    forget_choices(chart)
    go(chart, "BTCUSDT", "1m")
    yield chart
    forget_choices(chart)


def row(page: Page, title: str) -> str:
    """What a study's row says; empty where there is none."""
    found = page.locator(f".study-row:has-text('{title}')")
    return (found.first.text_content() or "") if found.count() else ""


def add(page: Page, *names: str) -> None:
    """By pointer, in the dialog that the bar opens."""
    page.click("#add-studies")
    for name in names:
        page.get_by_role("button", name=name, exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#studies").wait_for(state="detached")


def is_worked_out(page: Page, count: int) -> bool:
    found = page.evaluate("truecandle.studies()")
    return len(found) == count and all(one["isDone"] for one in found)


def kept(page: Page) -> list[Any]:
    """The studies that the server keeps."""
    script = "fetch('/settings').then((answer) => answer.json())"
    settings: dict[str, Any] = page.evaluate(script)["settings"]
    return [(one["kind"], one["inputs"]) for one in settings.get("studies", [])]


def test_by_keyboard_a_study_is_added_read_candle_by_candle_set_hidden_and_removed(
    reader: Page,
) -> None:
    reader.keyboard.press("Alt+u")
    focused = "document.activeElement.dataset.kind"
    wait_for(lambda: reader.evaluate(focused) == "sma", what="the first kind")
    reader.keyboard.press("Tab")
    reader.keyboard.press("Enter")
    wait_for(lambda: "EMA 20" in (reader.text_content("#studies") or ""), what="it in the list")
    reader.keyboard.press("Escape")
    wait_for(lambda: re.search(r"EMA 20.*\d", row(reader, "EMA 20")), what="a value in its row")
    reader.focus("#plot")
    newest = row(reader, "EMA 20")
    for _ in range(9):
        reader.keyboard.press("ArrowLeft")
    wait_for(lambda: row(reader, "EMA 20") != newest, what="the value of another candle")
    pointed = reader.evaluate("truecandle.pointed()")
    [study] = reader.evaluate("truecandle.studies()")
    value = next(one[1] for one in study["values"] if one[0] == pointed)
    assert f"{value:,.2f}" in row(reader, "EMA 20")
    wait_for(
        lambda: f"EMA 20: {value:,.2f}" in (reader.text_content("#announcer") or ""),
        what="the value read out",
    )

    reader.focus(".study-name")
    reader.keyboard.press("Enter")
    field = reader.get_by_label("Period")
    wait_for(lambda: field.evaluate("(one) => one === document.activeElement"), what="its field")
    field.fill("0")
    assert "1 to 1,000" in (reader.get_by_role("alert").text_content() or "")
    field.fill("50")
    reader.keyboard.press("Enter")
    wait_for(lambda: "EMA 50" in row(reader, "EMA"), what="another period")

    reader.focus(".study-tool >> nth=0")
    reader.keyboard.press("Enter")
    wait_for(lambda: "hidden" in row(reader, "EMA 50"), what="a hidden study")
    reader.focus(".study-tool >> nth=1")
    reader.keyboard.press("Enter")
    reader.locator(".study-row").wait_for(state="detached")


def test_what_is_chosen_is_kept_and_there_again_with_a_template_too(reader: Page) -> None:
    add(reader, "Simple moving average", "Simple moving average", "Relative strength index")
    wait_for(lambda: is_worked_out(reader, 3), what="three studies")
    reader.locator(".study-name").nth(1).click()
    reader.get_by_label("Period").fill("60")
    reader.locator("select[name=source]").select_option("hl2")
    reader.get_by_role("radio", name="Pink").check(force=True)
    reader.get_by_label("Width").select_option("3")
    reader.get_by_role("button", name="All studies").click()
    reader.get_by_label("Name of a template").fill("Mine")
    reader.get_by_role("button", name="Save these studies").click()
    reader.get_by_role("button", name="Mine", exact=True).wait_for()
    reader.keyboard.press("Escape")
    chosen = [
        ("sma", {"period": 20, "source": "close"}), ("sma", {"period": 60, "source": "hl2"}),
        ("rsi", {"period": 14, "source": "close"}),
    ]  # fmt: skip
    wait_for(lambda: kept(reader) == chosen, what="settings that are saved")
    reader.reload()
    wait_for_bars(reader)
    wait_for(lambda: is_worked_out(reader, 3), what="the same studies")
    wait_for(lambda: "SMA 60 hl2" in row(reader, "SMA 60"), what="the same legend")
    second = reader.evaluate("truecandle.studies()")[1]
    assert second["style"] == {"color": "series-6", "width": 3}

    for _ in range(3):
        reader.locator(".study-row").first.hover()
        reader.get_by_role("button", name=re.compile("^Remove")).first.click()
    wait_for(lambda: kept(reader) == [], what="no studies any more")
    reader.keyboard.press("Alt+u")
    reader.get_by_role("button", name="Mine", exact=True).click()
    reader.keyboard.press("Escape")
    wait_for(lambda: is_worked_out(reader, 3), what="those of the template")
    reader.keyboard.press("Alt+u")
    reader.get_by_role("button", name="Remove the template Mine").click()
    reader.get_by_role("button", name="Mine", exact=True).wait_for(state="detached")
    reader.keyboard.press("Escape")


def test_values_are_right_where_official_pending_and_forming_candles_join(reader: Page) -> None:
    go(reader, "BTCUSDT", "1s")
    add(reader, "Simple moving average", "Relative strength index")
    wait_for(lambda: is_worked_out(reader, 2), what="two studies")
    states = "[...new Set(truecandle.bars().slice(-9).map((bar) => bar.state))].length"
    for _ in range(3):
        wait_for(lambda: reader.evaluate(states) == 3, 30, "all three states at once")
        assert are_right(reader)


def test_a_correction_and_candles_that_come_late_change_what_they_are_part_of(
    reader: Page, system: System
) -> None:
    """Then the values are those that all candles have when they are worked out anew."""
    go(reader, "BTCUSDT", "1s")
    add(reader, "Simple moving average", "Relative strength index")
    wait_for(lambda: is_worked_out(reader, 2), what="two studies")
    close = int(reader.evaluate("truecandle.bars().at(-1).close")) + 500
    for after_s in (8, 23, 38):  # one is enough
        open_ms = (int(time.time()) + after_s) * 1000
        system.script(  # a while after it closed, and while the last candles are read again
            "correction", symbol="BTCUSDT", interval="1s", open_ms=open_ms, at_ms=open_ms + 5_000,
            changes={"high": str(close), "close": str(close)},
        )  # fmt: skip
    has(reader, f"bars.some((bar) => bar.close === {close})")
    open_ms = reader.evaluate(f"truecandle.bars().find((bar) => bar.close === {close}).time")
    reader.mouse.move(5, 5)
    reader.focus("#plot")
    wait_for(lambda: goes_to(reader, open_ms), 60, "the corrected candle, pointed at")
    wait_for(lambda: told_anew(reader, open_ms) in row(reader, "SMA 20"), 30, "its new average")

    for role in ("feed", "fetcher"):
        system.kill(role)
    last_ms = reader.evaluate("truecandle.bars().at(-1).time")
    wait_for(lambda: time.time() * 1000 > last_ms + 8_000, 30, "candles that nobody has seen")
    for role in ("feed", "fetcher"):
        system.start(role)
    system.ready()
    late = f"bars.filter((bar) => bar.time > {last_ms} && bar.time <= {last_ms} + 6000)"
    has(reader, f"{late}.filter((bar) => bar.state === 'final').length === 6")
    wait_for(lambda: are_right(reader), 30, "values as if worked out anew")


def has(page: Page, condition: str) -> None:
    """Waits longer than for what comes by itself."""
    script = f"((bars) => {condition})(truecandle.bars())"
    wait_for(lambda: page.evaluate(script), 60, condition)


def goes_to(page: Page, open_ms: int) -> bool:
    """One step by key towards a candle; whether it is pointed at."""
    pointed = page.evaluate("truecandle.pointed()")
    if pointed != open_ms:
        page.keyboard.press("ArrowLeft" if pointed > open_ms else "ArrowRight")
    return bool(pointed == open_ms)


def told_anew(page: Page, open_ms: int) -> str:
    """The average at a candle, worked out from the page's candles, as a legend has it."""
    bars = page.evaluate("truecandle.bars()")
    closes = [bar["close"] for bar in bars if bar["time"] <= open_ms]
    return f"{sum(closes[-20:]) / 20:,.2f}"


def are_right(page: Page) -> bool:
    """Whether both studies have, at each candle, what all candles give when worked out anew."""
    seen = page.evaluate(SEEN)
    close = np.array([bar["close"] for bar in seen["bars"]])
    times = [bar["time"] for bar in seen["bars"]]
    for study, column in zip(
        seen["studies"], (talib.SMA(close, 20), talib.RSI(close, 14)), strict=True
    ):
        values = {at: value for at, value in study["values"] if value is not None}
        pairs = [
            (values[at], right)
            for at, right in zip(times, map(float, column), strict=True)
            if at in values and not math.isnan(right)
        ]
        if len(pairs) < 100 or any(pytest.approx(right) != value for value, right in pairs):
            return False
    return True


def test_in_dark_and_light_and_by_finger_axe_finds_nothing(reader: Page) -> None:
    reader.emulate_media(color_scheme="dark")
    add(reader, *KINDS, *BELOW)
    wait_for(lambda: is_worked_out(reader, 6), what="six studies")
    wait_for(lambda: reader.locator(".study-panes .study-row").count() == 2, what="two panes")
    assert violations(reader) == []
    picture(reader, "studies")
    reader.keyboard.press("Alt+u")
    reader.get_by_role("dialog", name="Studies").wait_for()
    assert violations(reader) == []
    picture(reader, "studies-dialog")
    reader.get_by_role("button", name=re.compile("Bollinger 20 2.*settings")).click()
    reader.get_by_label("Standard deviations").fill("2.5")
    assert violations(reader) == []
    picture(reader, "studies-settings")
    reader.keyboard.press("Escape")
    reader.emulate_media(color_scheme="light")
    picture(reader, "studies-light")
    assert violations(reader) == []

    wait_for(lambda: len(kept(reader)) == 6, what="studies that are kept")
    with opened(reader, color_scheme="dark", **PHONE) as phone:
        wait_for(lambda: is_worked_out(phone, 6), what="the studies on a phone")
        for title in (
            "Ichimoku 9 26 52 26",
            "SuperTrend 10 3",
            "Volume profile 24",
            "MACD 12 26 9",
        ):
            phone.locator(f".study-name:has-text('{title}')").tap()
            phone.get_by_role("button", name="Remove", exact=True).tap()
            phone.get_by_role("button", name="Close", exact=True).tap()
        wait_for(lambda: is_worked_out(phone, 2), what="two of them")
        phone.locator("#more").tap()
        phone.get_by_role("menuitem", name="Studies").tap()
        phone.get_by_role("button", name="On-balance volume").tap()
        picture(phone, "phone-studies-dialog")
        assert violations(phone) == []
        phone.get_by_role("button", name="Close", exact=True).tap()
        wait_for(lambda: is_worked_out(phone, 3), what="three of them")
        picture(phone, "phone-studies")
        assert violations(phone) == []


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []
