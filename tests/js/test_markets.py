"""Search and watchlist in a real Chromium: what is listed, what keys and pointers do.

Never here: which markets fit a text (`markets.test.mjs`), a server.
Invariant: the page's own style sheets are used, and its own components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser_code import ORIGIN, PAGE, serve
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

SHEETS = "".join(
    f'<link rel="stylesheet" href="/static/src/css/{name}.css">'
    for name in ("tokens", "base", "chart", "reading", "markets", "dialogs", "search")
)
OPTION = "[role=option]"
MANY = [f"M{number}USDT" for number in range(300)]


@pytest.fixture
def mounted(page: Page) -> Page:
    """A page with nothing on it yet."""

    def serve_page(route: Route) -> None:
        if route.request.url == f"{ORIGIN}/":
            body = f"<!doctype html>{SHEETS}<body><div id=root></div>"
            route.fulfill(body=body, content_type="text/html")
        else:
            serve(route)

    page.route("**/*", serve_page)
    page.goto(f"{ORIGIN}/")
    return page


def make(mounted: Page, symbols: list[str], followed: list[str], **more: Any) -> None:
    mounted.evaluate(
        f"""async (given) => {{
          const {{newMarkets}} = await {PAGE};
          globalThis.markets = newMarkets(document.querySelector("#root"), given);
        }}""",
        {"symbols": symbols, "followed": followed, **more},
    )


def search(mounted: Page, text: str = "") -> None:
    mounted.evaluate("(text) => markets.mount(text)", text)
    mounted.locator("#markets-rest", has_text="Reading").wait_for(state="detached")
    mounted.locator(OPTION).first.wait_for()


def calls(mounted: Page) -> Any:
    return mounted.evaluate("markets.calls")


def shown(mounted: Page) -> Any:
    return mounted.locator(OPTION).evaluate_all("(rows) => rows.map((row) => row.dataset.symbol)")


def test_a_click_beside_the_dialog_shuts_it_and_a_drag_out_of_its_field_does_not(
    mounted: Page,
) -> None:
    make(mounted, MANY, ["M0USDT"])
    search(mounted, "m1")
    field = mounted.locator("#markets-filter").bounding_box()
    assert field is not None
    mounted.mouse.move(field["x"] + 40, field["y"] + 10)
    mounted.mouse.down()
    mounted.mouse.move(5, 5)
    mounted.mouse.up()
    assert mounted.locator("#markets").is_visible()
    mounted.mouse.click(5, 5)
    mounted.locator("#markets").wait_for(state="detached")


def test_only_what_is_seen_is_in_the_page_and_more_comes_at_the_end(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"])
    search(mounted)
    assert len(shown(mounted)) == 60
    assert mounted.inner_text("#markets-rest") == "and 240 more"
    mounted.keyboard.press("End")
    wait_for(lambda: len(shown(mounted)) == 120, what="more rows")
    mounted.evaluate("document.getElementById('markets-list').scrollTop = 1e9")
    wait_for(lambda: len(shown(mounted)) == 180, what="more rows for the pointer")
    mounted.fill("#markets-filter", "m29")
    assert shown(mounted) == ["M29USDT", *(f"M29{digit}USDT" for digit in range(10))]
    mounted.fill("#markets-filter", "xyz")
    assert mounted.inner_text("#markets-rest") == "The exchange lists no market that fits XYZ."


def test_the_field_keeps_the_focus_and_names_the_active_row(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"])
    search(mounted, "m1")
    names = []
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "PageDown", "Home"):
        mounted.keyboard.press(key)
        assert mounted.evaluate("document.activeElement.id") == "markets-filter"
        active = mounted.get_attribute("#markets-filter", "aria-activedescendant")
        assert mounted.get_attribute(f"#{active}", "aria-selected") == "true"
        names.append(active)
    assert names == [
        "market-M10USDT", "market-M11USDT", "market-M10USDT", "market-M100USDT", "market-M1USDT",
    ]  # fmt: skip
    mounted.keyboard.press("Escape")
    wait_for(lambda: mounted.locator("#markets").count() == 0, what="a search that is shut")


def test_enter_goes_to_a_followed_market_and_follows_another_first(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"])
    search(mounted, "m7usdt")
    mounted.keyboard.press("Enter")
    wait_for(lambda: calls(mounted) == ["follow M7USDT", "go M7USDT"], what="the way there")
    search(mounted, "m0usdt")
    mounted.keyboard.press("Enter")
    wait_for(lambda: calls(mounted)[2:] == ["go M0USDT"], what="the way there")


def test_who_is_not_signed_in_is_told_what_to_do(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"], signedIn=False)
    search(mounted, "m7usdt")
    mounted.keyboard.press("Enter")
    said = "M7USDT is not followed here. Sign in to follow it."
    wait_for(lambda: mounted.inner_text("#markets-say") == said, what="words")
    link = mounted.get_by_role("link", name="Sign in to follow it")
    assert link.get_attribute("href") == "/login?next=%2F%3Fsymbol%3DM7USDT%26interval%3D1m"
    assert calls(mounted) == []


def test_a_viewer_is_told_which_role_is_needed(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"], role="viewer")
    search(mounted, "m7usdt")
    mounted.keyboard.press("Enter")
    said = "M7USDT is not followed; following it needs the role trader."
    wait_for(lambda: mounted.inner_text("#markets-say") == said, what="words")
    assert mounted.locator("#markets-follow, #markets-unfollow").count() == 0
    assert calls(mounted) == []


def test_a_trader_is_not_offered_to_unfollow_what_others_have_followed(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"], role="trader")
    search(mounted, "m0usdt")
    said = "M0USDT is followed; unfollowing it needs the role admin."
    wait_for(lambda: mounted.inner_text("#markets-say") == said, what="words")
    assert mounted.locator("[data-act=unfollow], #markets-unfollow").count() == 0


def test_a_trader_may_unfollow_what_he_has_followed(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"], role="trader", mayUnfollow=True)
    search(mounted, "m0usdt")
    mounted.locator("#markets-unfollow").wait_for()
    assert mounted.locator("[data-act=unfollow]").count() == 1


def test_a_refusal_is_told_in_the_servers_words_and_nothing_goes(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"], refusal="M0USDT is the last market that is followed here.")
    search(mounted, "m0usdt")
    mounted.click(f"{OPTION} [data-act=unfollow]")
    focused = "document.activeElement.textContent"
    wait_for(lambda: mounted.evaluate(focused) == "Keep it", what="the question")
    mounted.keyboard.press("Escape")
    assert mounted.locator("#markets-unfollow").is_visible()
    assert mounted.evaluate("document.activeElement.id") == "markets-filter"
    mounted.click("#markets-unfollow")
    mounted.click("#markets-unfollow-yes")
    said = "M0USDT is the last market that is followed here."
    wait_for(lambda: mounted.inner_text("#markets-say") == said, what="words")
    assert calls(mounted) == ["unfollow M0USDT"]
    assert mounted.locator(f"{OPTION}[data-followed]").count() == 1


def test_a_star_makes_a_favourite_by_pointer_and_by_keys(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT"])
    search(mounted)
    mounted.click(f"{OPTION}[data-symbol=M5USDT] [data-act=star]")
    assert shown(mounted)[0] == "M5USDT"
    mounted.keyboard.press("Tab")
    mounted.keyboard.press("Tab")
    star = mounted.locator(".search-foot .star")
    assert star.get_attribute("aria-pressed") == "true"
    star.focus()
    mounted.keyboard.press("Space")
    assert shown(mounted)[0] == "M0USDT"
    assert calls(mounted) == []


def test_prices_of_the_watchlist_move_four_times_a_second_at_most_and_no_row_moves(
    mounted: Page,
) -> None:
    make(mounted, MANY, ["M0USDT", "M1USDT", "M2USDT"])
    mounted.evaluate("markets.watch()")
    mounted.locator(".watch-row").nth(2).wait_for()
    boxes = """[...document.querySelectorAll(".watch-row, .watch-change")]
      .map((one) => JSON.stringify(one.getBoundingClientRect()))"""
    before = mounted.evaluate(boxes)
    changes = mounted.evaluate("""() => new Promise((done) => {
      const cell = document.querySelector("[data-symbol=M1USDT] .watch-price");
      let [changes, price] = [0, 100];
      const observer = new MutationObserver(() => { changes += 1; });
      observer.observe(cell, {characterData: true, subtree: true});
      const began = performance.now();
      const feed = setInterval(() => {
        markets.page.watchlist.heard({symbol: "M1USDT", price: price += 0.25});
        if (performance.now() - began > 2_000) { clearInterval(feed); done(changes); }
      }, 10);
    })""")
    assert 2 <= changes <= 9
    spark = mounted.locator("[data-symbol=M1USDT] .spark")
    assert spark.get_attribute("data-direction") == "up"
    assert spark.locator("svg").count() == 1
    assert mounted.evaluate(boxes) == before


def test_the_watchlist_is_walked_by_keys(mounted: Page) -> None:
    make(mounted, MANY, ["M0USDT", "M1USDT", "M2USDT"])
    mounted.evaluate("markets.watch()")
    mounted.focus("[data-symbol=M0USDT] a")
    for key, symbol in (("ArrowDown", "M1USDT"), ("End", "M2USDT"), ("ArrowUp", "M1USDT")):
        mounted.keyboard.press(key)
        found = mounted.evaluate("document.activeElement.closest('.watch-row').dataset.symbol")
        assert found == symbol
    mounted.keyboard.press("Enter")
    assert calls(mounted) == ["go M1USDT"]
    mounted.keyboard.press("Escape")
    assert mounted.evaluate("markets.page.state.panel.value") == "none"
