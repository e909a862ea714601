"""However many intervals are offered and however narrow the window: nothing lies outside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chart_page import go
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System
from truecandle.candles.interval import INTERVALS

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: 410, 550, 603 and 720 are 820, 1100, 1206 and 1440 px at 200 %.
WIDTHS = (320, 390, 410, 550, 603, 720, 820, 1100, 1206, 1440)
HEIGHT = 700
#: What has to be within reach at any width; a phone's menu takes more room than its name.
PARTS = ("#market", "#pill", "#more", "#account button", "#plot", ".intervals", ".status")
#: The boxes of these, of the widest part of the page, and of the price axis (the plot's right one).
BOXES = """(parts) => {
  const box = (element) => { const {left, right, width} = element.getBoundingClientRect();
    return {left, right, width}; };
  const wide = [...document.querySelectorAll('.page, .app, .app > *, .bar > *, .stage *')];
  const cells = [...document.querySelectorAll('#plot table tr:first-child td')];
  return {
    parts: Object.fromEntries(parts.map((name) => [name, box(document.querySelector(name))])),
    axis: box(cells.at(-1)),
    widest: Math.max(...wide.filter((one) => !one.matches('.sr, .skip, [hidden], .tip, .sheet'))
      .map((one) => one.getBoundingClientRect().right)),
    page: [document.documentElement.scrollWidth, document.querySelector('.page').scrollWidth],
  };
}"""
#: Whether the chosen interval lies in what is seen of the row of intervals.
IS_SEEN = """(link) => {
  const row = document.querySelector('.intervals').getBoundingClientRect();
  const {left, right} = link.getBoundingClientRect();
  return left >= row.left - 1 && right <= row.right + 1;
}"""
IS_ACTIVE_SEEN = f"() => ({IS_SEEN})(document.querySelector('.intervals [aria-current]'))"
IS_FOCUSED_SEEN = f"() => ({IS_SEEN})(document.activeElement)"


@pytest.fixture(scope="module", params=[9, 16])
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    folder, names = tmp_path_factory.mktemp("system"), ",".join(list(INTERVALS)[: request.param])
    whole = System(folder, Roles(), "BTCUSDT,ETHUSDT", INTERVALS=names)
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


def sized(page: Page, width: int) -> dict[str, Any]:
    """Where everything is, once the chart has taken the window's size."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    wait_for(
        lambda: page.evaluate(
            "Math.abs(document.querySelector('#plot table').getBoundingClientRect().width"
            " - document.querySelector('#plot').getBoundingClientRect().width) < 1.5"
        ),
        what="a chart of the window's size",
    )
    found: dict[str, Any] = page.evaluate(BOXES, list(PARTS))
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_of_the_page_is_wider_than_the_window(chart: Page, width: int) -> None:
    found = sized(chart, width)
    assert found["widest"] <= width + 0.5
    assert max(found["page"]) <= width
    for name, box in {**found["parts"], "axis": found["axis"]}.items():
        assert box["width"] > 0, name
        assert box["left"] >= -0.5 and box["right"] <= width + 0.5, (name, box)
    assert found["axis"]["width"] >= 40


@pytest.mark.parametrize("width", WIDTHS)
def test_the_word_of_the_pill_is_whole(chart: Page, width: int) -> None:
    sized(chart, width)
    seen = chart.evaluate(
        "(({scrollWidth, clientWidth}) => [scrollWidth, clientWidth])"
        "(document.querySelector('#pill-text'))"
    )
    assert seen[0] <= seen[1] + 1 or seen[1] == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_the_chosen_interval_is_in_sight_whichever_it_is(
    chart: Page, system: System, width: int
) -> None:
    sized(chart, width)
    links = chart.locator(".intervals a")
    for at in (0, links.count() - 1, links.count() // 2):
        links.nth(at).click()
        wait_for(lambda: chart.evaluate(IS_ACTIVE_SEEN), 5.0, f"interval {at} in sight")
    sized(chart, 390 if width != 390 else 820)
    wait_for(lambda: chart.evaluate(IS_ACTIVE_SEEN), 5.0, "the same in another window")


def test_every_interval_is_reached_by_keyboard(chart: Page) -> None:
    sized(chart, 390)
    links = chart.locator(".intervals a")
    chart.locator("#market").focus()
    chart.keyboard.press("Tab")
    for at in range(links.count()):
        link = links.nth(at)
        assert link.evaluate("(one) => document.activeElement === one")
        wait_for(lambda: chart.evaluate(IS_FOCUSED_SEEN), 5.0, f"interval {at} in sight")
        chart.keyboard.press("Tab")


def test_the_newest_candle_is_in_the_window(chart: Page) -> None:
    go(chart, "BTCUSDT", "1m")
    for width in WIDTHS:
        found = sized(chart, width)
        chart.locator("#plot").focus()
        chart.keyboard.press("End")
        right = found["axis"]["left"]
        assert 0 < right < width


def test_the_page_complains_of_nothing(problems: list[str]) -> None:
    assert problems == []
