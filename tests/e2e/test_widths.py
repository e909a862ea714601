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
#: What is seen of the intervals: those that lie in their row whole, which one is chosen, and what
#: the button of the menu says.
SEEN = """() => {
  const row = document.querySelector('.intervals').getBoundingClientRect();
  const links = [...document.querySelectorAll('.intervals a')].filter((link) => {
    const {left, right, top, bottom} = link.getBoundingClientRect();
    return link.checkVisibility({visibilityProperty: true}) && left >= row.left - 0.5
      && right <= row.right + 0.5 && top >= row.top - 0.5 && bottom <= row.bottom + 0.5;
  });
  return {row: links.map((link) => link.textContent),
    chosen: document.querySelector('.intervals [aria-current]').textContent,
    button: document.querySelector('#interval')?.textContent ?? null};
}"""


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


def intervals(page: Page, names: list[str]) -> dict[str, Any]:
    """What is seen of the intervals, once it has come to rest: the first ones, and a menu of all
    where that is not all of them. The chosen one is in the row or on the menu's button."""

    def at_rest() -> bool:
        seen = page.evaluate(SEEN)
        row, button = seen["row"], seen["button"]
        is_whole = row != [] and row == names[: len(row)] and (button is None) == (row == names)
        return bool(
            is_whole and (button or "") == ("" if seen["chosen"] in row else seen["chosen"])
        )

    wait_for(at_rest, 30, "the chosen interval in sight, and a sign that there are more")
    seen: dict[str, Any] = page.evaluate(SEEN)
    return seen


def is_walked(page: Page, names: list[str]) -> bool:
    """Whether Tab stops at what is seen of the intervals, in its order, and at nothing else. Other
    words in the bar may have given the row more or less room meanwhile."""
    seen = intervals(page, names)
    page.locator("#market").focus()
    stops = []
    for _ in range(len(seen["row"]) + 1):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate("(({id, dataset}) => dataset.interval ?? id)(document.activeElement)")
        )
    last = stops.pop()
    return bool(stops == seen["row"] and (last == "interval") == (seen["button"] is not None))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_chosen_interval_is_in_sight_and_all_are_reached_by_pointer_and_keys(
    chart: Page, width: int
) -> None:
    sized(chart, width)
    names: list[str] = chart.evaluate(
        "[...document.querySelectorAll('.intervals a')].map((link) => link.textContent)"
    )
    seen = intervals(chart, names)
    if seen["button"] is None:
        chart.locator(".intervals a").last.click()
    else:
        chart.click("#interval")
        items = chart.locator("#interval-menu [role=menuitemradio]")
        wait_for(lambda: items.count() == len(names), what="a menu of all intervals")
        in_menu = "document.activeElement.closest('#interval-menu') !== null"
        wait_for(lambda: chart.evaluate(in_menu), what="the focus in the menu")
        chart.keyboard.press("End")
        chart.keyboard.press("Enter")
    wait_for(lambda: intervals(chart, names)["chosen"] == names[-1], 30, "the longest")
    wait_for(lambda: is_walked(chart, names), 60, "a way by Tab over all that is seen")
    chart.locator(".intervals a").first.click()
    wait_for(lambda: intervals(chart, names)["chosen"] == names[0], 30, "the shortest")


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
