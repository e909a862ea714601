"""Several charts: over one socket, linked, by keys and finger, kept as layouts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.axe import violations
from tests.support.chart_page import PHONE, opened, wait_for_bars
from tests.support.fingers import Fingers
from tests.support.page_pictures import picture
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocket

ADDRESS = "?symbol=BTCUSDT&interval=1m"
#: Market and interval of each chart, as it says itself.
SHOWN = """truecandle.panes().map((pane) => pane.state())
  .map(({symbol, interval, link}) => `${symbol} ${interval} ${link.kind}`)"""
#: How many official candles each chart holds.
HELD = "truecandle.panes().map((pane) => pane.bars().length)"
VISIBLE = "truecandle.panes().map((pane) => pane.visible())"


def choose_count(page: Page, count: int) -> None:
    """So many charts, by the dialog; all of them live, each with candles."""
    page.keyboard.press("Alt+w")
    page.get_by_role("button", name=re.compile(rf"^{count}\b")).click()
    page.keyboard.press("Escape")
    all_live(page, count)


def all_live(page: Page, count: int) -> None:
    ready = f"({SHOWN}).slice(0, {count}).every((one) => one.endsWith(' up'))"
    wait_for(lambda: page.evaluate(f"truecandle.panes().length >= {count}"), what="the charts")
    wait_for(lambda: page.evaluate(ready), what="charts that are all up")
    wait_for(lambda: min(page.evaluate(HELD)[:count]) > 50, what="candles in each chart")


def link(page: Page, *names: str) -> None:
    page.keyboard.press("Alt+w")
    for name in names:
        page.click(f"#link-{name}")
    page.keyboard.press("Escape")


@pytest.fixture
def four(chart: Page) -> Iterator[Page]:
    """Four charts: BTCUSDT 1m, ETHUSDT 1m, and what the page takes for the others."""
    with opened(chart) as page:
        choose_count(page, 4)
        yield page


def test_four_charts_are_live_over_one_socket(chart: Page) -> None:
    with opened(chart, color_scheme="dark") as page:
        sockets = set["WebSocket"]()

        def note(socket: WebSocket) -> None:
            sockets.add(socket)
            socket.on("close", lambda closed: sockets.discard(closed))

        page.on("websocket", note)
        page.reload()
        wait_for_bars(page)
        choose_count(page, 4)
        assert page.evaluate(SHOWN)[:2] == ["BTCUSDT 1m up", "ETHUSDT 1m up"]
        assert len(set(page.evaluate(SHOWN))) == 4
        # A machine that is very busy may have cost the page its first connection.
        wait_for(lambda: len(sockets) == 1, what="one socket for all")
        assert "charts=4" in page.url and "symbol=BTCUSDT" in page.url
        assert violations(page) == []
        picture(page, "charts-four")
        page.reload()
        all_live(page, 4)
        choose_count(page, 1)
        assert page.url.endswith(ADDRESS)
        page.reload()
        wait_for_bars(page)
        assert page.evaluate("truecandle.panes().length") == 1


def test_the_bar_is_about_the_chart_that_was_chosen_by_click_or_key(four: Page) -> None:
    four.click("#plot-2")
    wait_for(lambda: four.text_content("#market-name") == "ETHUSDT", what="the second's market")
    four.keyboard.press("Alt+1")
    wait_for(lambda: four.text_content("#market-name") == "BTCUSDT", what="the first's market")
    assert four.evaluate("document.activeElement.id") == "plot"
    four.keyboard.press("Alt+2")
    four.keyboard.type("1s")
    four.keyboard.press("Enter")
    wait_for(lambda: four.evaluate(SHOWN)[1] == "ETHUSDT 1s up", what="the other interval there")
    assert four.evaluate(SHOWN)[0] == "BTCUSDT 1m up"
    four.click("#type")
    four.get_by_role("menuitemradio", name="Line", exact=True).click()
    drawn = """truecandle.panes().map((pane) => pane.drawn().history.at(-1))
      .map(({open, close}) => open === close)"""
    wait_for(lambda: four.evaluate(drawn)[1], what="a line in the second chart alone")
    ours = four.evaluate("truecandle.panes()[0].drawn().history.slice(-20)")
    assert any(bar["open"] != bar["close"] for bar in ours)


def test_what_charts_have_in_common_follows_the_one_that_is_used(four: Page) -> None:
    link(four, "crosshair", "range")
    four.focus("#plot")
    for _ in range(3):
        four.keyboard.press("ArrowLeft")
    pointed = four.evaluate("truecandle.panes()[0].pointed()")
    same = "truecandle.panes().slice(0, 2).map((pane) => pane.pointed())"
    wait_for(lambda: four.evaluate(same) == [pointed, pointed], what="one crosshair in both")
    before = four.evaluate(VISIBLE)[1]["fromMs"]
    four.locator("#plot").hover(position={"x": 200, "y": 100})
    four.mouse.wheel(-600, 0)
    wait_for(lambda: four.evaluate(VISIBLE)[1]["fromMs"] < before, what="the time before")
    moved = "(([a, b]) => a.fromMs === b.fromMs)"
    wait_for(lambda: four.evaluate(f"{moved}({VISIBLE})"), what="the same time in both")
    link(four, "interval", "symbol")
    four.keyboard.press("Alt+1")
    four.keyboard.type("1s")
    four.keyboard.press("Enter")
    wait_for(lambda: set(four.evaluate(SHOWN)) == {"BTCUSDT 1s up"}, what="the same series")


def test_two_fingers_zoom_the_chart_that_they_are_on_and_no_other(chart: Page) -> None:
    with opened(chart, has_touch=True) as page:
        choose_count(page, 2)
        counts = "truecandle.panes().map((pane) => pane.sight().count)"
        before = page.evaluate(counts)
        fingers = Fingers(page, "#plot-2")

        def pinched() -> list[int]:
            fingers.put((0.1, 0.5), (0.7, 0.5))
            fingers.move([(0.1, 0.5), (0.7, 0.5)], [(0.38, 0.5), (0.42, 0.5)])
            fingers.lift()
            found: list[int] = page.evaluate(counts)
            return found

        wait_for(lambda: pinched()[1] > before[1] * 1.2, 30, "more candles in the second chart")
        assert abs(page.evaluate(counts)[0] - before[0]) <= 1  # a minute may have ended


def test_a_layout_is_kept_by_the_server_and_opened_by_its_link_in_another_browser(
    four: Page, chart: Page
) -> None:
    link(four, "crosshair")
    shown = four.evaluate(SHOWN)
    four.keyboard.press("Alt+w")
    four.fill("#layout-name", "Früh: 4")
    four.click("#layout-save")
    four.get_by_role("link", name="Früh: 4").wait_for()
    assert violations(four) == []
    picture(four, "layouts")
    four.keyboard.press("Escape")
    wait_for(lambda: "layout=" in four.url, what="the layout in the address")
    with opened(chart, f"?{four.url.split('?')[1]}") as other:
        all_live(other, 4)
        assert other.evaluate(SHOWN) == shown
        other.keyboard.press("Alt+w")
        assert other.get_attribute("#link-crosshair", "aria-checked") == "true"
        other.get_by_role("button", name="Rename Früh: 4").click()
        other.locator(".layout .field").fill("late")
        other.keyboard.press("Enter")
        other.get_by_role("link", name="late", exact=True).wait_for()
        other.get_by_role("button", name="Remove late").click()
        other.get_by_role("button", name="Remove", exact=True).click()
        wait_for(lambda: other.locator(".layout").count() == 0, what="no layout any more")
    with opened(chart, "?layout=nothing") as lost:
        says = "There is no layout of the name nothing."
        wait_for(lambda: lost.text_content("#notice-text") == says, what="a sentence about it")


def test_each_chart_has_studies_and_drawings_of_its_own_and_a_layout_keeps_the_studies(
    chart: Page,
) -> None:
    with opened(chart) as page:
        choose_count(page, 2)
        page.keyboard.press("Alt+2")
        page.keyboard.press("Alt+u")
        page.get_by_role("button", name="Exponential moving average", exact=True).click()
        page.keyboard.press("Escape")
        wait_for(lambda: counts(page, "studies") == [0, 1], what="a study in the second chart")
        page.keyboard.press("Alt+h")
        page.click("#plot-2", position={"x": 200, "y": 200})
        wait_for(lambda: counts(page, "drawings") == [0, 1], what="a line in the second chart")
        page.keyboard.press("Alt+w")
        page.fill("#layout-name", "two")
        page.click("#layout-save")
        page.get_by_role("link", name="two", exact=True).wait_for()
        page.keyboard.press("Escape")
        is_saved = "fetch('/drawings/ETHUSDT').then((one) => one.json())"
        wait_for(lambda: len(page.evaluate(is_saved)["drawings"]) == 1, what="it at the server")
        with opened(chart, "?layout=two") as other:
            all_live(other, 2)
            wait_for(lambda: counts(other, "studies") == [0, 1], what="the layout's study")
            wait_for(lambda: counts(other, "drawings") == [0, 1], what="the drawing")
        page.keyboard.press("Control+z")
        wait_for(lambda: counts(page, "drawings") == [0, 0], what="nothing drawn any more")
        wait_for(lambda: page.evaluate(is_saved)["drawings"] == [], what="so at the server")


def counts(page: Page, what: str) -> list[int]:
    """How many studies or drawings each chart has."""
    script = """async (what) => {
      const told = await Promise.all(truecandle.panes().map((pane) => pane[what]()));
      return told.map((one) => one.length);
    }"""
    found: list[int] = page.evaluate(script, what)
    return found


def test_a_phone_shows_one_at_a_time_and_the_others_cost_nothing(chart: Page) -> None:
    with opened(chart, **PHONE) as page:
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        page.click("#more")
        page.get_by_role("menuitem", name=re.compile("Charts and layouts")).click()
        page.get_by_role("button", name=re.compile(r"^2\b")).click()
        page.keyboard.press("Escape")
        tabs = page.locator(".pane-tabs button")
        wait_for(lambda: tabs.count() == 2, what="the switch")
        assert not [url for url in sent if "ETHUSDT" in url]
        assert page.locator("#plot").is_visible() and not page.locator("#plot-2").is_visible()
        tabs.nth(1).tap()
        wait_for(lambda: len(page.evaluate(HELD)) == 2 and page.evaluate(HELD)[1] > 50, what="it")
        assert page.locator("#plot-2").is_visible() and not page.locator("#plot").is_visible()
        assert violations(page) == []
        picture(page, "charts-phone")
        tabs.nth(0).tap()
        wait_for(lambda: page.text_content("#market-name") == "BTCUSDT", what="the first again")
        wait_for(lambda: page.text_content("#pill-text") == "Live", what="live again")


def test_charts_stand_side_by_side_or_one_above_the_other(chart: Page) -> None:
    with opened(chart, color_scheme="light") as page:
        choose_count(page, 2)
        tops = """['plot', 'plot-2']
          .map((id) => document.getElementById(id).getBoundingClientRect().top)"""
        assert len(set(page.evaluate(tops))) == 1
        assert violations(page) == []
        picture(page, "charts-two-light")
        page.set_viewport_size({"width": 800, "height": 900})
        wait_for(lambda: len(set(page.evaluate(tops))) == 2, what="one above the other")


def test_a_button_that_goes_from_under_a_still_pointer_takes_no_candle_away(chart: Page) -> None:
    with opened(chart) as page:
        page.locator("#plot").hover(position={"x": 300, "y": 200})
        page.mouse.wheel(-600, 0)
        page.locator("#to-now").hover()
        page.focus("#plot")
        page.keyboard.press("ArrowLeft")  # to the newest candle, which comes into sight
        pointed = page.evaluate("truecandle.pointed()")
        page.locator("#to-now").wait_for(state="hidden")
        frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        for _ in range(10):
            page.evaluate(frames)
        assert page.evaluate("truecandle.pointed()") == pointed


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []
