"""Markets, the whole way: found by letters, followed, unfollowed, starred, watched, linked to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.chart_page import forget_choices, go, wait_for_bars
from tests.support.page_pictures import picture
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

OPTION = "#markets [role=option]"
ACTIVE = f"{OPTION}[aria-selected=true]"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An exchange of 1,502 markets, two of them followed."""
    whole = System(tmp_path_factory.mktemp("system"), Roles(), listed=1_500)
    try:
        whole.open()
        yield whole
    finally:
        whole.close()


@pytest.fixture
def page(chart: Page) -> Iterator[Page]:
    """The chart of BTCUSDT 1m, with nothing chosen, only the first two markets followed, and the
    exchange's list read."""
    listed = "/exchange/markets"
    wait_for(lambda: len(answer(chart, listed)["markets"]) > 1_000, 40, "the exchange's list")
    unfollow_others(chart)
    forget_choices(chart)
    go(chart, "BTCUSDT", "1m")
    yield chart


def answer(page: Page, path: str) -> Any:
    """What the server answers the one who is signed in."""
    return page.evaluate("(path) => fetch(path).then((answer) => answer.json())", path)


def kept(page: Page, key: str) -> Any:
    """What the server keeps of the reader's choices."""
    return answer(page, "/settings")["settings"].get(key)


def unfollow_others(page: Page) -> None:
    for symbol in followed(page) - {"BTCUSDT", "ETHUSDT"}:
        script = """async (symbol) => {
          const token = document.querySelector('meta[name="csrf-token"]').content;
          const options = {method: "DELETE", headers: {"X-CSRFToken": token}};
          return (await fetch(`/markets/${symbol}`, options)).status;
        }"""
        assert page.evaluate(script, symbol) == 204


def followed(page: Page) -> set[str]:
    return {row["symbol"] for row in answer(page, "/markets")["markets"]}


def search(page: Page, text: str) -> None:
    """Opens the search and types, once the exchange's list is there."""
    page.click("#market")
    page.fill("#markets-filter", text)
    page.locator("#markets-rest", has_text="Reading").wait_for(state="detached")
    page.locator(OPTION).first.wait_for()


def focused(page: Page) -> Any:
    return page.evaluate("document.activeElement.textContent")


def active(page: Page) -> str | None:
    return page.locator(ACTIVE).get_attribute("data-symbol")


def test_letters_typed_anywhere_find_a_market_and_enter_follows_it(
    page: Page, system: System
) -> None:
    page.keyboard.type("dogeusdt")
    wait_for(lambda: page.locator("#markets-filter").count() == 1, what="the search")
    wait_for(lambda: page.input_value("#markets-filter").lower() == "dogeusdt", what="all letters")
    wait_for(lambda: active(page) == "DOGEUSDT", what="the market that is meant")
    described = page.get_attribute("#markets-filter", "aria-activedescendant")
    assert page.locator(f"#{described}").inner_text().split()[:3] == ["DOGE", "/", "USDT"]
    page.keyboard.press("Enter")
    page.wait_for_url("**symbol=DOGEUSDT&interval=1m", timeout=20_000)
    wait_for_bars(page, "bars.filter((bar) => bar.state === 'final').length > 50")
    assert "DOGEUSDT" in followed(page)
    assert page.locator("#markets").count() == 0


def test_arrows_home_and_end_walk_the_list_and_escape_leaves_it(page: Page) -> None:
    search(page, "btc usdt")
    assert active(page) == "BTCUSDT"
    page.fill("#markets-filter", "")
    assert active(page) == "BTCUSDT"
    page.keyboard.press("ArrowDown")
    assert active(page) == "ETHUSDT"
    page.keyboard.press("End")
    assert page.locator(ACTIVE).get_attribute("data-followed") is None
    page.wait_for_function(
        f"document.querySelector('{ACTIVE}').getBoundingClientRect().bottom < innerHeight"
    )
    page.keyboard.press("Home")
    assert active(page) == "BTCUSDT"
    assert "more" in page.inner_text("#markets-rest")
    picture(page, "search")
    page.keyboard.press("Escape")
    page.locator("#markets").wait_for(state="detached")
    assert page.evaluate("document.activeElement.id") == "market"


def test_a_favourite_survives_a_reload_and_stands_first(page: Page) -> None:
    search(page, "bnbusdt")
    page.click(f"{OPTION}[data-symbol=BNBUSDT] [data-act=star]")
    page.keyboard.press("Escape")
    wait_for(lambda: kept(page, "favourites") == ["BNBUSDT"], what="a favourite that is kept")
    page.reload()
    wait_for_bars(page)
    search(page, "")
    names = "(rows) => rows.map((row) => row.dataset.symbol)"
    assert page.locator(OPTION).evaluate_all(names)[:3] == ["BNBUSDT", "BTCUSDT", "ETHUSDT"]
    page.keyboard.press("Escape")


def test_the_watchlist_moves_keeps_its_place_and_goes_to_a_market(page: Page) -> None:
    page.click("#watchlist")
    row = "#watchlist-panel [data-symbol=ETHUSDT]"
    page.locator(row).wait_for()
    box = page.locator(row).bounding_box()
    texts: set[str] = set()

    def moved() -> bool:
        texts.add(page.inner_text(f"{row} .watch-price"))
        return len([text for text in texts if re.fullmatch(r"[\d,]+\.\d\d", text.strip())]) >= 3

    wait_for(moved, 30, "a price that moves")
    assert page.locator(row).bounding_box() == box
    picture(page, "watchlist")
    assert re.fullmatch(r"[+−]?\d+\.\d\d %", page.inner_text(f"{row} .watch-change").strip())
    page.focus("#watchlist-panel [data-symbol=BTCUSDT] a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**symbol=ETHUSDT&interval=1m")
    wait_for_bars(page)
    wait_for(lambda: kept(page, "panel") == "watchlist", what="a panel that is kept")
    page.reload()
    page.locator(row).wait_for()
    page.focus(f"{row} a")
    page.keyboard.press("Escape")
    assert page.locator("#watchlist-panel").count() == 0
    assert page.evaluate("document.activeElement.id") == "watchlist"


def test_the_last_market_is_opened_by_an_address_without_one(page: Page) -> None:
    go(page, "ETHUSDT", "1s")
    last = {"symbol": "ETHUSDT", "interval": "1s"}
    wait_for(lambda: kept(page, "last") == last, what="the last market, kept")
    page.click(".brand")
    wait_for_bars(page)
    assert page.evaluate("[truecandle.state().symbol, truecandle.state().interval]") == [
        "ETHUSDT", "1s",
    ]  # fmt: skip


def test_a_link_to_a_market_that_is_not_followed_offers_to_follow_it(
    page: Page, system: System
) -> None:
    page.goto(f"{system.url}/?symbol=dogeusdt&interval=1m")
    page.locator("#absent-follow").wait_for()
    assert page.inner_text("#absent-title") == "DOGEUSDT is not followed here"
    assert page.url.endswith("?symbol=DOGEUSDT&interval=1m")
    assert page.title() == "DOGEUSDT 1m · TrueCandle"
    assert page.inner_text("#market-name") == "DOGEUSDT"
    assert not page.locator("#plot").is_visible()
    assert not page.locator("#legend").is_visible()
    assert "official" not in page.inner_text(".status")
    picture(page, "not-followed")
    page.click("#absent-follow")
    wait_for_bars(page, "bars.length > 50")
    wait_for(lambda: page.locator("#absent").count() == 0, what="the chart")
    assert page.inner_text("#market-name") == "DOGEUSDT"
    assert page.locator("#plot").is_visible()


def test_a_link_to_no_market_says_so_and_leads_to_the_search(page: Page, system: System) -> None:
    page.goto(f"{system.url}/?symbol=nosuchusdt")
    wait_for(lambda: "no market" in (page.text_content("#absent-title") or ""), what="words")
    page.click("#absent-search")
    page.locator("#markets-filter").wait_for()
    page.keyboard.press("Escape")
    page.go_back()
    wait_for_bars(page)
    assert page.inner_text("#market-name") == "BTCUSDT"


def test_unfollowing_is_asked_twice_and_the_last_one_stays_in_the_servers_words(
    page: Page, system: System
) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT"):
        search(page, symbol.lower())
        page.click(f"{OPTION}[data-symbol={symbol}] [data-act=unfollow]")
        wait_for(lambda: focused(page) == "Keep it", what="the question")
        page.keyboard.press("Escape")
        page.click("#markets-unfollow")
        page.click("#markets-unfollow-yes")
        if symbol == "BTCUSDT":
            wait_for(lambda: followed(page) == {"ETHUSDT"}, what="a market that is unfollowed")
            page.keyboard.press("Escape")
            assert page.inner_text("#absent-title") == "BTCUSDT is not followed here"
    says = page.locator("#markets-say", has_text="is the last market that is followed here")
    says.wait_for()
    page.keyboard.press("Escape")
    page.click("#absent-follow")
    wait_for(lambda: followed(page) == {"BTCUSDT", "ETHUSDT"}, what="a market that is back")
    wait_for(lambda: page.locator("#absent").count() == 0, what="its chart")


def test_the_bar_tells_the_last_24_hours_of_the_shown_market(page: Page, system: System) -> None:
    page.set_viewport_size({"width": 1700, "height": 900})
    row = answer(page, "/exchange/markets?symbols=BTCUSDT")["markets"][0]
    change = r"[+−]?\d+\.\d\d %"
    wait_for(lambda: re.fullmatch(change, page.inner_text("#market-change")), what="the change")
    low = float(page.inner_text("[data-day=low]").replace(",", ""))
    assert low <= row["low"]
    assert page.inner_text("[data-day=turnover]").endswith(" USDT")
    page.set_viewport_size({"width": 1280, "height": 800})


def test_the_page_complains_of_nothing_but_the_refusals(problems: list[str]) -> None:
    """Of a market that is just being left a request may be under way still: 404."""
    refused = ("409 (CONFLICT)", "404 (NOT FOUND)")
    others = [one for one in problems if not any(word in one for word in refused)]
    assert others + [one for one in problems if "404" in one and "symbol=" not in one] == []
